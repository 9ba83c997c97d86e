//! The types of the arguments and results of functions. Source: `promql/parser/functions.go` of Prometheus 3.
use crate::ast::{Function, ValueType, WindowFunction};
use ValueType::{Matrix, Scalar, String, Vector};

/// Functions that Prometheus has behind a feature flag and that do not exist here.
const EXPERIMENTAL: [&str; 13] = [
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
    "histogram_fractions",
    "integral",
];

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
