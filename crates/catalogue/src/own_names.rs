//! Names of a user's own: metrics that a configuration maps to graphs, so that a server needs no release of this program.
use crate::engines::{ENGINES, EngineRecipe, INFERBOARD_ID, set_own_engine};
use crate::metric_name::bare_name;
use crate::{Engine, GRAPHS, Layer, Names, Recipe, Recipes, Shape, Signature};
use std::fmt;

/// The id of the engine that stands for all own names.
pub const OWN_NAMES: &str = "own-names";

/// A metric that a configuration maps to a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnName {
    /// Its name, which may carry matchers: `acme_tokens_total{kind="out"}`. That of a histogram is without `_bucket`.
    pub name: String,
    /// Its type.
    pub kind: OwnType,
    /// The graph, or `graph/line` where its lines have names.
    pub graph: String,
    /// The factor from the metric's unit to the graph's.
    pub scale: f64,
    /// The label by whose values there are lines, where the graph has such lines; empty for the one of the catalogue.
    pub label: String,
    /// The counter below the line of a share; empty where there is none.
    pub per: String,
    /// Whether it counts at a gateway in front of servers, and not in a server.
    pub is_gateway: bool,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnType {
    /// A value that rises and falls.
    Gauge,
    /// A count that only rises.
    Counter,
    /// A classic histogram.
    Histogram,
    /// Percentiles that the server computed, with their sum and count.
    Summary,
}

impl OwnType {
    /// All types.
    pub const ALL: [Self; 4] = [Self::Gauge, Self::Counter, Self::Histogram, Self::Summary];

    /// As it is written in a configuration.
    pub fn id(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }

    /// The type with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.id() == id)
    }

    /// Whether a recipe of this shape reads metrics of this type.
    pub fn fits(self, shape: &Shape) -> bool {
        match shape {
            Shape::Gauge { .. } | Shape::GaugeBy { .. } => self == Self::Gauge,
            Shape::Rate { .. }
            | Shape::RateBy { .. }
            | Shape::RateByClass { .. }
            | Shape::Ratio { .. }
            | Shape::RatioBy { .. }
            | Shape::ShareOf { .. } => self == Self::Counter,
            Shape::Histogram { .. } | Shape::Quantiles { .. } => matches!(self, Self::Histogram | Self::Summary),
            Shape::Mean { .. } | Shape::MeanBy { .. } => matches!(self, Self::Histogram | Self::Summary),
            Shape::Raw { .. } => false,
        }
    }
}

/// Why a metric cannot be mapped to a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnNameError {
    /// There is no such graph or line.
    UnknownGraph(String),
    /// The line has no recipe for metrics of the type.
    Type {
        /// As configured.
        graph: String,
        /// The types that it takes.
        types: Vec<&'static str>,
    },
    /// The line is a share, which needs the counter below it.
    NoDenominator(String),
    /// There is nothing to divide by in this line.
    Denominator(String),
}

impl fmt::Display for OwnNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownGraph(graph) => write!(f, "there is no graph {graph:?}"),
            Self::Type { graph, types } if types.is_empty() => {
                write!(f, "{graph:?} is computed from several metrics, so that no metric can be mapped to it")
            }
            Self::Type { graph, types } => write!(f, "{graph:?} takes metrics of type {}", types.join(" or ")),
            Self::NoDenominator(graph) => {
                write!(f, "{graph:?} is a share: set per to the counter of what it is a share of")
            }
            Self::Denominator(graph) => write!(f, "{graph:?} is no share: remove per"),
        }
    }
}

/// Adds these metrics to the catalogue, as those of an engine of their own. Returns whether that was in time: the
/// catalogue of a process does not change once it has been read.
///
/// # Errors
/// If one of them cannot be mapped; then none is added.
pub fn add_own_names(names: &[OwnName]) -> Result<bool, OwnNameError> {
    if names.is_empty() {
        return Ok(true);
    }
    let mut recipes = Vec::new();
    for name in names {
        recipes.extend(own_recipes(name)?);
    }
    let signatures: Vec<Signature> = names.iter().map(|own| Signature::Name(leaked(bare_name(&own.name)))).collect();
    let of_parts = names.iter().filter(|own| matches!(own.kind, OwnType::Histogram | OwnType::Summary));
    let parts = of_parts.flat_map(|own| {
        let name = bare_name(&own.name);
        ["_bucket", "_count", "_sum"].map(|part| Signature::Name(leaked(&format!("{name}{part}"))))
    });
    let signatures: Vec<Signature> = signatures.into_iter().chain(parts).collect();
    let engine = Engine {
        id: OWN_NAMES,
        title: "own names",
        signatures: signatures.leak(),
        is_captured: false,
        recipes: Recipes::from_values(recipes),
        ..Engine::PLAIN
    };
    Ok(set_own_engine(Box::leak(Box::new(engine))))
}

/// The recipes of a metric: as a recipe of the catalogue that draws the same line from a metric of the same type.
///
/// # Errors
/// If the catalogue has none.
pub fn own_recipes(own: &OwnName) -> Result<Vec<Recipe>, OwnNameError> {
    let known: Vec<EngineRecipe> = known_recipes(&own.graph);
    if known.is_empty() {
        return Err(OwnNameError::UnknownGraph(own.graph.clone()));
    }
    let Some((_, model)) = known.iter().find(|(_, recipe)| own.kind.fits(&recipe.shape)) else {
        let fits = |kind: &OwnType| known.iter().any(|(_, recipe)| kind.fits(&recipe.shape));
        let types = OwnType::ALL.into_iter().filter(fits).map(OwnType::id).collect();
        return Err(OwnNameError::Type { graph: own.graph.clone(), types });
    };
    let shapes = shapes(own, &model.shape)?;
    let layer = if own.is_gateway { Layer::Gateway } else { Layer::Engine };
    let feeds = |line: &str| match line {
        "" => leaked(&own.graph),
        line => leaked(&format!("{}/{line}", own.graph)),
    };
    Ok(shapes.into_iter().map(|(line, shape)| Recipe::of_own(feeds(line), shape, own.scale, layer)).collect())
}

/// The recipes that draw a line, those of inferboard's own names first.
pub fn known_recipes(feeds: &str) -> Vec<EngineRecipe> {
    let all = ENGINES.iter().flat_map(|engine| engine.recipes.iter().map(|recipe| (*engine, recipe)));
    let all = all.filter(|(_, recipe)| recipe.feeds == feeds);
    let (first, others): (Vec<EngineRecipe>, Vec<EngineRecipe>) =
        all.partition(|(engine, _)| engine.id == INFERBOARD_ID);
    first.into_iter().chain(others).collect()
}

/// Everything that a metric can be mapped to: graphs, and `graph/line` for named lines.
pub fn mappable() -> Vec<&'static str> {
    let mut all: Vec<&'static str> = Vec::new();
    for graph in GRAPHS {
        let recipes = ENGINES.iter().flat_map(|engine| engine.recipes.iter());
        for recipe in recipes.filter(|recipe| recipe.graph() == graph.id && !matches!(recipe.shape, Shape::Raw { .. }))
        {
            if !all.contains(&recipe.feeds) {
                all.push(recipe.feeds);
            }
        }
    }
    all
}

/// The shapes of a metric in the manner of `model`, each with the line that it draws besides the configured one.
fn shapes(own: &OwnName, model: &Shape) -> Result<Vec<(&'static str, Shape)>, OwnNameError> {
    let names: Names = vec![leaked(&own.name)].leak();
    let label = |default: &'static str| if own.label.is_empty() { default } else { leaked(&own.label) };
    let has_per = !own.per.is_empty();
    let is_share = matches!(model, Shape::Ratio { .. } | Shape::RatioBy { .. } | Shape::ShareOf { .. });
    match (is_share, has_per) {
        (true, false) => return Err(OwnNameError::NoDenominator(own.graph.clone())),
        (false, true) => return Err(OwnNameError::Denominator(own.graph.clone())),
        _ => {}
    }
    let denominator = || -> Names { vec![leaked(&own.per)].leak() };
    let one = |shape| Ok(vec![("", shape)]);
    match *model {
        Shape::Gauge { aggregation, .. } => one(Shape::Gauge { aggregation, names }),
        Shape::GaugeBy { aggregation, label: own, .. } => one(Shape::GaugeBy { aggregation, names, label: label(own) }),
        Shape::Rate { aggregation, .. } => one(Shape::Rate { aggregation, names }),
        Shape::RateBy { aggregation, label: own, .. } => one(Shape::RateBy { aggregation, names, label: label(own) }),
        Shape::RateByClass { label: own, .. } => one(Shape::RateByClass { names, label: label(own) }),
        // A summary has no buckets, but percentiles, and a mean besides.
        Shape::Histogram { .. } | Shape::Quantiles { .. } if own.kind == OwnType::Summary => {
            Ok(vec![("", Shape::Quantiles { names }), ("mean", Shape::Mean { names })])
        }
        Shape::Histogram { .. } | Shape::Quantiles { .. } => one(Shape::Histogram { names }),
        Shape::Mean { .. } => one(Shape::Mean { names }),
        Shape::MeanBy { label: own, .. } => one(Shape::MeanBy { names, label: label(own) }),
        Shape::Ratio { .. } | Shape::ShareOf { .. } => {
            one(Shape::Ratio { numerator: names, denominator: denominator() })
        }
        Shape::RatioBy { label: own, .. } => {
            one(Shape::RatioBy { numerator: names, denominator: denominator(), label: label(own) })
        }
        Shape::Raw { .. } => Err(OwnNameError::Type { graph: own.graph.clone(), types: Vec::new() }),
    }
}

/// A text that lives as long as the process. A configuration is read once.
fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str, kind: OwnType, graph: &str) -> OwnName {
        OwnName {
            name: name.into(),
            kind,
            graph: graph.into(),
            scale: 1.0,
            label: String::new(),
            per: String::new(),
            is_gateway: false,
        }
    }

    fn shapes_of(own: &OwnName) -> String {
        let recipes = own_recipes(own).expect("recipes");
        recipes.iter().map(|recipe| format!("{} {:?}", recipe.feeds, recipe.shape)).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_metric_is_drawn_as_the_catalogue_draws_one_of_its_type() {
        let volume = OwnName { label: "code".into(), ..own("acme_requests_total", OwnType::Counter, "volume") };
        assert_eq!(shapes_of(&volume), "volume RateByClass { names: [\"acme_requests_total\"], label: \"code\" }");
        let use_ = own("acme_kv{tier=\"gpu\"}", OwnType::Gauge, "kv-cache-use/in use");
        assert_eq!(
            shapes_of(&use_),
            "kv-cache-use/in use Gauge { aggregation: Avg, names: [\"acme_kv{tier=\\\"gpu\\\"}\"] }"
        );
        let latency = own("acme_seconds", OwnType::Histogram, "end-to-end-latency");
        assert_eq!(shapes_of(&latency), "end-to-end-latency Histogram { names: [\"acme_seconds\"] }");
        let summary = own("acme_seconds", OwnType::Summary, "end-to-end-latency");
        assert_eq!(
            shapes_of(&summary),
            "end-to-end-latency Quantiles { names: [\"acme_seconds\"] }; \
             end-to-end-latency/mean Mean { names: [\"acme_seconds\"] }"
        );
        let share = OwnName {
            per: "acme_lookups_total".into(),
            ..own("acme_hits_total", OwnType::Counter, "prefix-cache-hit-share/hits")
        };
        assert_eq!(
            shapes_of(&share),
            "prefix-cache-hit-share/hits Ratio { numerator: [\"acme_hits_total\"], denominator: [\"acme_lookups_total\"] }"
        );
    }

    #[test]
    fn what_cannot_be_mapped_is_refused_with_what_to_do() {
        let error = |own: &OwnName| own_recipes(own).expect_err("an error").to_string();
        assert_eq!(error(&own("a", OwnType::Gauge, "volum")), "there is no graph \"volum\"");
        // Its lines have names.
        assert_eq!(error(&own("a", OwnType::Gauge, "kv-cache-use")), "there is no graph \"kv-cache-use\"");
        assert_eq!(error(&own("a", OwnType::Gauge, "volume")), "\"volume\" takes metrics of type counter");
        let share = own("a", OwnType::Counter, "prefix-cache-hit-share/hits");
        assert!(error(&share).contains("set per to the counter"));
        let per = OwnName { per: "b".into(), ..own("a", OwnType::Counter, "volume") };
        assert!(error(&per).contains("remove per"));
    }

    #[test]
    fn every_line_that_is_offered_takes_a_metric_of_some_type() {
        let all = mappable();
        assert!(all.len() > 100, "{all:?}");
        for graph in all {
            let of_type = |kind| OwnName { per: String::new(), ..own("a", kind, graph) };
            let is_taken = OwnType::ALL.into_iter().any(|kind| {
                let with_per = OwnName { per: "b".into(), ..of_type(kind) };
                own_recipes(&of_type(kind)).or_else(|_| own_recipes(&with_per)).is_ok()
            });
            assert!(is_taken, "{graph}");
        }
    }
}
