//! Which metrics a recipe needs, and which of them are present.
use crate::metric_name::{bare_name, conversion_of, matchers_of};
use crate::promql_text::until_closed;
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
    /// The conversion of its values, as the recipe writes it.
    pub(super) conversion: &'static str,
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
        let (matchers, conversion) = (matchers_of(name), conversion_of(name));
        let spellings = engine.spellings(bare_name(name)).into_iter();
        let spellings = spellings.filter(|name| present(&format!("{name}{suffix}")));
        found.extend(spellings.map(|name| PresentName { name, matchers, conversion }));
    }
    found
}

/// Whether everything that a recipe needs is present.
pub(crate) fn is_present(engine: &Engine, recipe: &Recipe, present: &dyn Fn(&str) -> bool) -> bool {
    if !engine.requires.is_empty() && !engine.requires.iter().any(|name| present(name)) {
        return false;
    }
    if let Shape::Raw { promql, names } = recipe.shape {
        let choices: Vec<Vec<&str>> = promql.split("$any(").skip(1).map(alternatives).collect();
        let is_optional = |name: &str| choices.iter().flatten().any(|own| reads(own, name));
        let mut needed = names.iter().map(|name| bare_name(name)).filter(|name| !is_optional(name));
        let mut complete = choices.iter().map(|all| all.iter().any(|own| is_complete(own, names, present)));
        return needed.all(present) && complete.all(|is_complete| is_complete);
    }
    let mut needed = needed(recipe).into_iter();
    needed.all(|needed| !present_names(engine, needed.names, needed.suffix, present).is_empty())
}

/// The alternatives of `$any(…)`, given what follows the opening parenthesis.
pub(super) fn alternatives(rest: &str) -> Vec<&str> {
    until_closed(rest).0.split(" | ").collect()
}

/// Whether the metrics that an alternative reads are present.
pub(super) fn is_complete(alternative: &str, names: Names, present: &dyn Fn(&str) -> bool) -> bool {
    names.iter().map(|name| bare_name(name)).filter(|name| reads(alternative, name)).all(present)
}

/// Whether PromQL selects a metric.
fn reads(promql: &str, name: &str) -> bool {
    promql.match_indices(name).any(|(at, _)| {
        let before = promql[..at].chars().next_back();
        promql[at + name.len()..].starts_with('{')
            && before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    })
}
