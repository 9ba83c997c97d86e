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
pub(super) const PAGE_LABEL: &str = "instance";

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
    /// Follows each selected series.
    pub(super) series: String,
    /// Follows the recipe's lines.
    pub(super) lines: String,
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
    let mut mask = Mask::default();
    if layer(own) == Layer::Engine {
        mask.series = rivals.server_mask();
    }
    let model = context.model_label.filter(|_| rivals.are_divided());
    let by = context.groups(model);
    let beats = rivals.beats(tier, &by);
    if !beats.is_empty() {
        let text = format!(" unless on ({by}) ({})", beats.join(" or "));
        if model.is_some() { mask.series += &text } else { mask.lines = text }
    }
    mask
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

    /// Comparisons that hold where another tier is drawn in place of `own`.
    fn beats(&self, own: Tier, by: &str) -> Vec<String> {
        let mut totals = Vec::new();
        for (tier, factor) in TIERS {
            if self.is_separate(tier) {
                continue;
            }
            let total = self.total(self.of(tier), by, &self.server_mask());
            totals.extend(total.map(|total| (tier, format!("{total}{factor}"))));
        }
        let Some((_, counted)) = totals.iter().find(|(tier, _)| *tier == own) else { return Vec::new() };
        let others = totals.iter().filter(|(tier, _)| *tier != own);
        others
            .map(|(tier, total)| format!("{total} {} on ({by}) {counted}", if *tier < own { ">=" } else { ">" }))
            .collect()
    }

    /// What leaves an engine's series out where the HTTP side of the same metrics page counts.
    fn server_mask(&self) -> String {
        let by = self.context.groups(Some(PAGE_LABEL));
        let total = |wanted| self.total(self.all.iter().filter(|own| layer(own) == wanted), &by, "");
        match (total(Layer::Server), total(Layer::Engine)) {
            (Some(server), Some(engine)) => {
                format!(" unless on ({by}) ({server}{SERVER_FACTOR} >= on ({by}) {engine})")
            }
            _ => String::new(),
        }
    }

    /// The rate of all requests that the recipes count, engines without those of `server_mask`; none if they count none.
    fn total<'r>(
        &self,
        recipes: impl Iterator<Item = &'r EngineRecipe>,
        by: &str,
        server_mask: &str,
    ) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        for own in recipes {
            let is_repeated = own.0.reexports.is_some_and(|id| self.all.iter().any(|(engine, _)| engine.id == id));
            let mask = if layer(own) == Layer::Engine { server_mask } else { "" };
            let rates = shape::counted(own.0, own.1, mask, self.context).filter(|_| !is_repeated);
            let total = rates.map(|rates| summed(&rates, by));
            // Several lines of one counter, such as the shares of two kinds of errors, count its requests once.
            parts.extend(total.filter(|total| !parts.contains(total)));
        }
        if parts.len() < 2 {
            return parts.pop();
        }
        let tagged = parts.iter().enumerate().map(|(at, part)| named(part, &at.to_string()));
        Some(summed(&tagged.reduce(|all, part| format!("{all} or {part}"))?, by))
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

fn summed(series: &str, by: &str) -> String {
    if by.is_empty() { format!("sum({series})") } else { format!("sum by ({by}) ({series})") }
}
