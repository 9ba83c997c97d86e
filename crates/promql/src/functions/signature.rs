//! The types of the arguments and results of functions. Source: `promql/parser/functions.go` of Prometheus 3.
use super::by_name::by_name;
use crate::ast::{Function, ValueType, WindowFunction};
use ValueType::{Matrix, Scalar, String, Vector};

/// Functions that Prometheus has behind a feature flag and that do not exist here.
const EXPERIMENTAL: [&str; 11] = [
    "double_exponential_smoothing",
    "histogram_quantiles",
    "info",
    "mad_over_time",
    "sort_by_label",
    "sort_by_label_desc",
    "start_timestamp",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
];

/// Functions that exist, those of native histograms included.
const SUPPORTED: [&str; 79] = [
    "abs",
    "absent",
    "absent_over_time",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "avg_over_time",
    "ceil",
    "changes",
    "clamp",
    "clamp_max",
    "clamp_min",
    "cos",
    "cosh",
    "count_over_time",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "deg",
    "delta",
    "deriv",
    "end",
    "exp",
    "first_over_time",
    "floor",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_quantile",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
    "hour",
    "idelta",
    "increase",
    "irate",
    "label_join",
    "label_replace",
    "last_over_time",
    "ln",
    "log10",
    "log2",
    "max_of",
    "max_over_time",
    "min_of",
    "min_over_time",
    "minute",
    "month",
    "pi",
    "predict_linear",
    "present_over_time",
    "quantile_over_time",
    "rad",
    "range",
    "rate",
    "resets",
    "round",
    "scalar",
    "sgn",
    "sin",
    "sinh",
    "sort",
    "sort_desc",
    "sqrt",
    "start",
    "stddev_over_time",
    "stdvar_over_time",
    "step",
    "sum_over_time",
    "tan",
    "tanh",
    "time",
    "timestamp",
    "vector",
    "year",
];

/// All functions of Prometheus by name, and whether they do here what they do there.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, bool)> {
    // Functions of native histograms are accepted, but without such histograms they have no results.
    let does_its_work = |name| by_name(name).is_some_and(|function| !matches!(function, Function::NativeHistogram));
    SUPPORTED.into_iter().map(move |name| (name, does_its_work(name))).chain(EXPERIMENTAL.map(|name| (name, false)))
}

/// Whether `name` is a function that is experimental in Prometheus and does not exist here.
pub(crate) fn is_experimental(name: &str) -> bool {
    EXPERIMENTAL.contains(&name)
}

/// The types of a function.
pub(crate) struct Signature {
    pub(crate) args: &'static [ValueType],
    /// The number of arguments that must be there.
    pub(crate) required: usize,
    /// Whether the last argument may be repeated.
    pub(crate) repeats: bool,
    pub(crate) returns: ValueType,
}

impl Function {
    pub(crate) fn signature(self) -> Signature {
        let args = self.arg_types();
        let required = match self {
            Self::Date(_) => 0,
            Self::Round => 1,
            Self::LabelJoin => 3,
            _ => args.len(),
        };
        let returns = match self {
            Self::Scalar
            | Self::Time
            | Self::Pi
            | Self::Start
            | Self::End
            | Self::Step
            | Self::Range
            | Self::MinOf
            | Self::MaxOf => Scalar,
            _ => Vector,
        };
        Signature { args, required, repeats: matches!(self, Self::LabelJoin), returns }
    }

    fn arg_types(self) -> &'static [ValueType] {
        match self {
            Self::Math(_)
            | Self::Date(_)
            | Self::Timestamp
            | Self::Absent
            | Self::Sort { .. }
            | Self::NativeHistogram
            | Self::Scalar => &[Vector],
            Self::Round | Self::ClampMin | Self::ClampMax => &[Vector, Scalar],
            Self::Clamp => &[Vector, Scalar, Scalar],
            Self::OverWindow(WindowFunction::PredictLinear) => &[Matrix, Scalar],
            Self::OverWindow(WindowFunction::Quantile) => &[Scalar, Matrix],
            Self::OverWindow(_) | Self::AbsentOverTime => &[Matrix],
            Self::LabelReplace => &[Vector, String, String, String, String],
            Self::LabelJoin => &[Vector, String, String, String],
            Self::HistogramQuantile => &[Scalar, Vector],
            Self::HistogramFraction => &[Scalar, Scalar, Vector],
            Self::Vector => &[Scalar],
            Self::MinOf | Self::MaxOf => &[Scalar, Scalar],
            Self::Time | Self::Pi | Self::Start | Self::End | Self::Step | Self::Range => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_either_there_or_experimental() {
        for (name, _) in all() {
            assert_ne!(by_name(name).is_some(), is_experimental(name), "{name}");
        }
        assert_eq!(all().filter(|(_, is_there)| !is_there).count(), EXPERIMENTAL.len() + 5);
    }
}
