//! The roles of samples in OpenMetrics 1.0, and the values that each role allows.
use super::violation::RuleViolation;
use crate::family::Kind;
use crate::line::labels::{Label, value_of};
use crate::line::number::parse_value;
use crate::line::sample::Measurement;

/// The role of a sample in its family.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum SampleRole {
    /// A gauge or a metric of unknown type.
    Free,
    Info,
    State,
    Quantile,
    /// The value of a counter.
    Total,
    SummarySum,
    SummaryCount,
    Bucket {
        upper_bound: f64,
    },
    Count,
    Sum,
    GaugeSum,
    Created,
}

/// The role of a sample, and the metric it belongs to: enough to validate another value in its place.
#[derive(Clone, Copy)]
pub(crate) struct ClassifiedSample {
    pub role: SampleRole,
    /// A hash of the family's name and the metric's labels.
    pub metric: u64,
}

impl SampleRole {
    /// The role of a sample whose name is the family's name and `suffix`.
    pub(crate) fn of(kind: Kind, family: &str, suffix: &str, labels: &[Label<'_>]) -> Result<Self, RuleViolation> {
        match (kind, suffix) {
            (Kind::Info, _) => Ok(Self::Info),
            (Kind::StateSet, _) => match value_of(labels, family) {
                Some(_) => Ok(Self::State),
                None => Err("has a state without the label of its name"),
            },
            (Kind::Counter, "_total") => Ok(Self::Total),
            (Kind::Summary, "") => match has_quantile(labels) {
                true => Ok(Self::Quantile),
                false => Err("has no quantile from 0 to 1"),
            },
            (Kind::Summary, "_sum") => Ok(Self::SummarySum),
            (Kind::Summary, "_count") => Ok(Self::SummaryCount),
            (Kind::Histogram | Kind::GaugeHistogram, "_bucket") => match upper_bound(labels) {
                Some(upper_bound) => Ok(Self::Bucket { upper_bound }),
                None => Err("has a bucket without a number as le"),
            },
            (Kind::Histogram | Kind::GaugeHistogram, "_count" | "_gcount") => Ok(Self::Count),
            (Kind::Histogram | Kind::GaugeHistogram, "_sum") => Ok(Self::Sum),
            (Kind::Histogram | Kind::GaugeHistogram, "_gsum") => Ok(Self::GaugeSum),
            (Kind::Histogram | Kind::GaugeHistogram, _) => Ok(Self::Created),
            _ => Ok(Self::Free),
        }
    }

    /// Whether the rules for histograms apply to it.
    pub(crate) fn is_of_histogram(self) -> bool {
        matches!(self, Self::Bucket { .. } | Self::Count | Self::Sum | Self::GaugeSum | Self::Created)
    }

    /// The rules for a value in this role, independent of other samples.
    pub(crate) fn check(self, measurement: &Measurement) -> Result<(), RuleViolation> {
        let value = measurement.value;
        let is_count = matches!(self, Self::Bucket { .. } | Self::Count | Self::SummaryCount);
        let is_cumulative = is_count || matches!(self, Self::Total | Self::Sum | Self::SummarySum);
        match self {
            Self::Info if value != 1.0 => Err("has an info that is not 1"),
            Self::State if value != 0.0 && value != 1.0 => Err("has a state that is neither 0 nor 1"),
            Self::Quantile if value < 0.0 => Err("has a negative quantile"),
            _ if is_count && value.fract() != 0.0 => Err("has a count that is not whole"),
            _ if (is_cumulative || self == Self::GaugeSum) && value.is_nan() => Err("has a counter that is NaN"),
            _ if is_cumulative && value < 0.0 => Err("has a negative counter"),
            Self::Bucket { .. } | Self::Total => Ok(()),
            _ if measurement.exemplar.is_some() => Err("has an exemplar on what is neither a counter nor a bucket"),
            _ => Ok(()),
        }
    }
}

/// The upper bound of a bucket, which must be a number; infinity must be spelled `+Inf`.
fn upper_bound(labels: &[Label<'_>]) -> Option<f64> {
    let text = value_of(labels, "le")?;
    parse_value(text.as_bytes()).filter(|bound| !bound.is_nan() && (*bound < f64::INFINITY || text == "+Inf"))
}

fn has_quantile(labels: &[Label<'_>]) -> bool {
    let quantile = value_of(labels, "quantile").and_then(|text| parse_value(text.as_bytes()));
    quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile))
}
