//! One constructor for each shape of recipe, named after the PromQL that it becomes.
use super::{Aggregation, Names, Recipe, Shape};

/// Average of a gauge.
pub(crate) const fn avg(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Gauge { aggregation: Aggregation::Avg, names })
}

/// Largest value of a gauge.
pub(crate) const fn max(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Gauge { aggregation: Aggregation::Max, names })
}

/// Smallest value of a gauge.
pub(crate) const fn min(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Gauge { aggregation: Aggregation::Min, names })
}

/// Sum of a gauge.
pub(crate) const fn sum(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Gauge { aggregation: Aggregation::Sum, names })
}

/// Sum of a gauge by a label.
pub(crate) const fn sum_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::GaugeBy { aggregation: Aggregation::Sum, names, label })
}

/// Largest value of a gauge by a label.
pub(crate) const fn max_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::GaugeBy { aggregation: Aggregation::Max, names, label })
}

/// Sum of a counter's rate.
pub(crate) const fn rate(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Rate { aggregation: Aggregation::Sum, names })
}

/// Average of a counter's rate; for a counter of seconds, the share of time.
pub(crate) const fn avg_rate(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Rate { aggregation: Aggregation::Avg, names })
}

/// A counter's rate by a label.
pub(crate) const fn rate_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::RateBy { aggregation: Aggregation::Sum, names, label })
}

/// Average of a counter's rate by a label.
pub(crate) const fn avg_rate_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::RateBy { aggregation: Aggregation::Avg, names, label })
}

/// A counter's rate by status class.
pub(crate) const fn rate_by_class(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::RateByClass { names, label })
}

/// Percentiles of a histogram.
pub(crate) const fn histogram(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Histogram { names })
}

/// Mean of a histogram or summary.
pub(crate) const fn mean(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Mean { names })
}

/// Mean of a histogram or summary by a label.
pub(crate) const fn mean_by(feeds: &'static str, names: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::MeanBy { names, label })
}

/// Percentiles of a summary.
pub(crate) const fn quantiles(feeds: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Quantiles { names })
}

/// One counter over another.
pub(crate) const fn ratio(feeds: &'static str, numerator: Names, denominator: Names) -> Recipe {
    Recipe::new(feeds, Shape::Ratio { numerator, denominator })
}

/// One counter over itself and another.
pub(crate) const fn share_of(feeds: &'static str, part: Names, rest: Names) -> Recipe {
    Recipe::new(feeds, Shape::ShareOf { part, rest })
}

/// One counter by a label over another.
pub(crate) const fn ratio_by(feeds: &'static str, numerator: Names, denominator: Names, label: &'static str) -> Recipe {
    Recipe::new(feeds, Shape::RatioBy { numerator, denominator, label })
}

/// PromQL, see [`Shape::Raw`].
pub(crate) const fn raw(feeds: &'static str, promql: &'static str, names: Names) -> Recipe {
    Recipe::new(feeds, Shape::Raw { promql, names })
}
