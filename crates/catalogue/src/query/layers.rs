//! The choice between layers that count the same requests: the one that counted most, for each model at each moment.
//!
//! A request that passes through a gateway is counted there and by the engine behind it. Which of them saw all requests is
//! not known from the names of their metrics, but from what they counted: an outer layer that carries the traffic counts at
//! least as much as the inner one, and requests that pass it by make the inner count larger.
use super::context::RenderedContext;
use super::presence::{needed, present_names};
use super::shape;
use crate::engines::EngineRecipe;
use crate::promql_text::named;
use crate::{DrawStyle, Graph, Layer, Section, Shape};
use std::collections::BTreeSet;

/// Layers that are compared with each other, outermost first, with the factor of their counts: an inner layer is drawn in
/// place of an outer one if it counted a tenth more. Two targets are never scraped at the same moment, so their counts
/// differ a little even if they are of the same requests.
const TIERS: [(Tier, &str); 3] = [(Tier::Platform, " * 1.21"), (Tier::Gateway, " * 1.1"), (Tier::Inner, "")];

/// The factor of the HTTP side of a metrics page against its engine: it counts if it counted anything. One request may be
/// many to the engine, such as a batch of texts to embed, and none can pass its own server by.
const SERVER_FACTOR: &str = " * 1e9";

/// The label that tells the HTTP side and the engine of one process from those of others.
pub(crate) const PAGE_LABEL: &str = "instance";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Platform,
    Gateway,
    /// The HTTP side and the engine.
    Inner,
}

/// What leaves out a recipe's series where another layer counts: expressions that begin with `unless`, or are empty.
#[derive(Default)]
pub(super) struct Mask {
    /// Where the HTTP side of the same metrics page counts.
    pub(super) server: String,
    /// Where another tier counts.
    pub(super) tier: String,
    /// Whether the tiers are compared for each model.
    is_by_model: bool,
}

impl Mask {
    /// What follows each selected series, and what follows the recipe's lines, which have no model any more.
    pub(super) fn split(self) -> (String, String) {
        if self.is_by_model { (self.server + &self.tier, String::new()) } else { (self.server, self.tier) }
    }
}

/// Whether layers are chosen between by what they count: those that see requests, by rates.
pub(super) fn is_chosen(graph: &Graph, data: &[EngineRecipe], context: &RenderedContext<'_>) -> bool {
    let counts = |(_, recipe): &EngineRecipe| {
        matches!(recipe.shape, Shape::Rate { .. } | Shape::RateBy { .. } | Shape::RateByClass { .. })
    };
    context.chooses
        && matches!(graph.section, Section::Requests | Section::Engine | Section::Async)
        && (graph.draw_style == DrawStyle::Lines || data.iter().all(counts))
}

/// Whether a layer sees the same requests as others. A proxy may see other requests too, and a machine sees none.
pub(super) fn is_compared(layer: Layer) -> bool {
    tier(layer).is_some()
}

/// The layer at which a recipe counts.
pub(super) fn layer((engine, recipe): &EngineRecipe) -> Layer {
    recipe.layer.unwrap_or(engine.layer)
}

fn tier(layer: Layer) -> Option<Tier> {
    match layer {
        Layer::Platform => Some(Tier::Platform),
        Layer::Gateway => Some(Tier::Gateway),
        Layer::Server | Layer::Engine => Some(Tier::Inner),
        Layer::Proxy | Layer::Machine => None,
    }
}

/// The mask of one recipe of a graph among all of them.
pub(super) fn mask(graph: &Graph, own: &EngineRecipe, all: &[EngineRecipe], context: &RenderedContext<'_>) -> Mask {
    // Counters that are lines beside each other are compared one by one: a layer may have one of them only.
    let key = |(_, recipe): &EngineRecipe| match (graph.draw_style, recipe.shape) {
        (DrawStyle::Lines, Shape::Rate { .. }) => recipe.line(),
        _ => "",
    };
    let Some(tier) = tier(layer(own)) else { return Mask::default() };
    let rivals = Rivals { all: all.iter().copied().filter(|other| key(other) == key(own)).collect(), context };
    let model = context.model_label.filter(|_| rivals.are_divided());
    let by = context.groups(model);
    let beats = rivals.beats(tier, &by);
    Mask {
        server: if layer(own) == Layer::Engine { rivals.server_mask() } else { String::new() },
        tier: if beats.is_empty() { beats } else { format!(" unless on ({by}) ({beats})") },
        is_by_model: model.is_some(),
    }
}

/// Whether two layers are of one tier.
pub(super) fn are_together(one: Layer, other: Layer) -> bool {
    tier(one) == tier(other)
}

/// The recipes of the outermost layer of each tier; of those that are in no tier, the outermost.
pub(super) fn rivals(all: &[EngineRecipe]) -> Vec<EngineRecipe> {
    let outermost = |tiers: &[Option<Tier>]| {
        let own = || all.iter().copied().filter(|own| tiers.contains(&tier(layer(own))));
        let first = own().map(|own| layer(&own)).min();
        own().filter(|own| Some(layer(own)) == first).collect::<Vec<_>>()
    };
    let rivals: Vec<EngineRecipe> = TIERS.iter().flat_map(|(tier, _)| outermost(&[Some(*tier)])).collect();
    if rivals.is_empty() { outermost(&[None]) } else { rivals }
}

/// Recipes that may count the same requests.
struct Rivals<'a> {
    all: Vec<EngineRecipe>,
    context: &'a RenderedContext<'a>,
}

impl Rivals<'_> {
    fn of(&self, wanted: Tier) -> impl Iterator<Item = &EngineRecipe> {
        self.all.iter().filter(move |own| tier(layer(own)) == Some(wanted))
    }

    /// What holds where another tier is drawn in place of `own`; empty if nothing does.
    fn beats(&self, own: Tier, by: &str) -> String {
        let mut totals = Vec::new();
        for (tier, factor) in TIERS.into_iter().filter(|(tier, _)| !self.is_separate(*tier)) {
            let total = if tier == Tier::Inner { self.inner_total(by) } else { self.total(self.of(tier), by) };
            totals.extend(total.map(|total| (tier, format!("{total}{factor}"))));
        }
        let Some((_, counted)) = totals.iter().find(|(tier, _)| *tier == own) else { return String::new() };
        let highest = |is_wanted: &dyn Fn(&Tier) -> bool| {
            let others = totals.iter().filter(|(tier, _)| is_wanted(tier)).map(|(_, total)| total.clone()).collect();
            joined("max", others, by)
        };
        let comparison = |total: Option<String>, operator: &str| {
            total.map(|total| format!("{total} {operator} on ({by}) {counted}"))
        };
        let outer = comparison(highest(&|tier| *tier < own), ">=");
        let inner = comparison(highest(&|tier| *tier > own), ">");
        outer.into_iter().chain(inner).collect::<Vec<_>>().join(" or ")
    }

    /// The rate of all requests that the HTTP sides and the engines count, each once.
    fn inner_total(&self, by: &str) -> Option<String> {
        let server_mask = self.server_mask();
        if server_mask.is_empty() {
            return self.total(self.of(Tier::Inner), by);
        }
        let page = if by.is_empty() { PAGE_LABEL.to_owned() } else { format!("{by}, {PAGE_LABEL}") };
        let of = |wanted| self.total(self.all.iter().filter(move |own| layer(own) == wanted), &page);
        let engines = of(Layer::Engine).map(|engines| engines + &server_mask);
        joined("sum", of(Layer::Server).into_iter().chain(engines).collect(), by)
    }

    /// What leaves an engine's series out where the HTTP side of the same metrics page counts.
    fn server_mask(&self) -> String {
        let by = self.context.groups(Some(PAGE_LABEL));
        let total = |wanted| self.total(self.all.iter().filter(move |own| layer(own) == wanted), &by);
        match (total(Layer::Server), total(Layer::Engine)) {
            (Some(server), Some(engine)) => {
                format!(" unless on ({by}) ({server}{SERVER_FACTOR} >= on ({by}) {engine})")
            }
            _ => String::new(),
        }
    }

    /// The rate of all requests that the recipes count; none if they count none.
    fn total<'r>(&self, recipes: impl Iterator<Item = &'r EngineRecipe>, by: &str) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        for own in recipes {
            let is_repeated = own.0.reexports.is_some_and(|id| self.all.iter().any(|(engine, _)| engine.id == id));
            let rates = shape::counted(own.0, own.1, self.context).filter(|_| !is_repeated);
            let total = rates.map(|rates| aggregated("sum", &rates, by));
            // Several lines of one counter, such as the shares of two kinds of errors, count its requests once.
            parts.extend(total.filter(|total| !parts.contains(total)));
        }
        joined("sum", parts, by)
    }

    /// Whether a platform serves other models than all other layers, so that there is nothing to choose between.
    fn is_separate(&self, wanted: Tier) -> bool {
        let own = self.models(self.of(wanted));
        let others = self.models(self.all.iter().filter(|other| tier(layer(other)) != Some(wanted)));
        wanted == Tier::Platform
            && [&own, &others].iter().all(|models| !models.is_empty())
            && !own.contains("")
            && own.is_disjoint(&others)
    }

    /// Whether counts can be compared for each model. They cannot where a layer does not name the models, or a gateway has
    /// other names for them than the engines behind it.
    fn are_divided(&self) -> bool {
        let is_common = |own: &&EngineRecipe| own.0.signatures.is_empty();
        let inner = self.models(self.of(Tier::Inner).filter(|own| !is_common(own)));
        let common = self.models(self.of(Tier::Inner).filter(is_common));
        let gateways = self.models(self.of(Tier::Gateway));
        let unnamed = |models: &BTreeSet<&str>| models.len() == 1 && models.contains("");
        let outer = self.of(Tier::Platform).chain(self.of(Tier::Gateway));
        let has_unnamed = outer.map(|own| self.models(std::iter::once(own))).any(|models| unnamed(&models));
        let named = |models: &BTreeSet<&str>| models.iter().filter(|model| !model.is_empty()).count();
        let shared = gateways.iter().filter(|model| !model.is_empty() && inner.contains(*model)).count();
        let has_aliases = shared < named(&gateways) && shared < named(&inner);
        !(has_unnamed || has_aliases || unnamed(&common) && named(&inner) > 0)
    }

    fn models<'r>(&self, recipes: impl Iterator<Item = &'r EngineRecipe>) -> BTreeSet<&str> {
        let RenderedContext { known, present, .. } = self.context;
        let mut models = BTreeSet::new();
        for (engine, recipe) in recipes {
            for needed in needed(recipe) {
                for own in present_names(engine, needed.names, needed.suffix, present) {
                    models.extend(known.models(&format!("{}{}", own.name, needed.suffix)));
                }
            }
        }
        models
    }
}

/// The sum or the maximum of several expressions; none without any.
fn joined(operator: &str, mut parts: Vec<String>, by: &str) -> Option<String> {
    if parts.len() < 2 {
        return parts.pop();
    }
    // Equal labels of two parts are kept apart until they are aggregated.
    let tagged = parts.iter().enumerate().map(|(at, part)| named(part, &at.to_string()));
    Some(aggregated(operator, &tagged.reduce(|all, part| format!("{all} or {part}"))?, by))
}

fn aggregated(operator: &str, series: &str, by: &str) -> String {
    if by.is_empty() { format!("{operator}({series})") } else { format!("{operator} by ({by}) ({series})") }
}
