//! Which metrics a recipe needs, and which of them are present.
use crate::metric_name::bare_name;
use crate::recipe::Names;
use crate::{Engine, Recipe, Shape};

/// Names of one metric, of which a recipe needs at least one.
pub(crate) struct NeededNames {
    pub(crate) names: Names,
    /// What follows the name in the series by which presence is known.
    pub(crate) suffix: &'static str,
}

/// A present name of a metric.
pub(super) struct PresentName {
    pub(super) name: String,
    /// The matchers that the recipe writes behind it.
    pub(super) matchers: &'static str,
}

/// The metrics that a recipe needs. A histogram is known by its `_count`, as one series stands for many buckets.
pub(crate) fn needed(recipe: &Recipe) -> Vec<NeededNames> {
    let needed = |names, suffix| NeededNames { names, suffix };
    match recipe.shape {
        Shape::Gauge { names, .. }
        | Shape::GaugeBy { names, .. }
        | Shape::Rate { names, .. }
        | Shape::RateBy { names, .. }
        | Shape::RateByClass { names, .. }
        | Shape::Quantiles { names } => vec![needed(names, "")],
        Shape::Histogram { names } | Shape::Mean { names } | Shape::MeanBy { names, .. } => {
            vec![needed(names, "_count")]
        }
        Shape::Ratio { numerator: first, denominator: second }
        | Shape::RatioBy { numerator: first, denominator: second, .. }
        | Shape::ShareOf { part: first, rest: second } => vec![needed(first, ""), needed(second, "")],
        Shape::Raw { names, .. } => (0..names.len()).map(|at| needed(&names[at..=at], "")).collect(),
    }
}

/// The spellings of `names` that are present with `suffix`.
pub(super) fn present_names(
    engine: &Engine,
    names: Names,
    suffix: &str,
    present: &dyn Fn(&str) -> bool,
) -> Vec<PresentName> {
    let mut found = Vec::new();
    for name in names {
        let matchers = name.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'));
        let spellings = engine.spellings(bare_name(name)).into_iter();
        let spellings = spellings.filter(|name| present(&format!("{name}{suffix}")));
        found.extend(spellings.map(|name| PresentName { name, matchers }));
    }
    found
}

/// Whether everything that a recipe needs is present.
pub(crate) fn is_present(engine: &Engine, recipe: &Recipe, present: &dyn Fn(&str) -> bool) -> bool {
    if let Shape::Raw { names, .. } = recipe.shape {
        return names.iter().all(|name| present(bare_name(name)));
    }
    let mut needed = needed(recipe).into_iter();
    needed.all(|needed| !present_names(engine, needed.names, needed.suffix, present).is_empty())
}
