//! Families and their samples.
use crate::{format::Format, timestamp::Timestamp};

/// All series of one metric name, with its metadata; samples are in the page's order.
#[derive(Clone, PartialEq, Debug)]
pub struct Family {
    /// The name in its metadata, or that of its sample if it has no metadata. A counter's name includes the `_total` of its
    /// samples in Prometheus text, and omits it in OpenMetrics.
    pub name: String,
    /// The type of its metrics.
    pub kind: Kind,
    /// The help text, unescaped; empty if the page gives none.
    pub help: String,
    /// The unit, with which the name ends; empty if the page gives none.
    pub unit: String,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// A family's type. Source: OpenMetrics 1.0, "Metric Types". Prometheus text's `untyped` is `Unknown`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Kind {
    /// A sum that only increases until the process restarts.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Cumulative buckets with the label `le`, a sum and a count, all of which only increase.
    Histogram,
    /// Quantiles computed at the target, a sum and a count.
    Summary,
    /// Information in the labels of a sample with the value 1.
    Info,
    /// One sample for each state, 1 or 0; the label named like the family holds the state.
    StateSet,
    /// Buckets of a current distribution, which may shrink.
    GaugeHistogram,
    /// A metric without a declared type.
    #[default]
    Unknown,
}

/// One sample, as written on the page.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// The full name, including the suffix.
    pub name: String,
    /// Names and values of the labels, in the page's order; values may be empty.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
    /// The page's own timestamp for it.
    pub timestamp: Option<Timestamp>,
    /// An example of what was counted.
    pub exemplar: Option<Exemplar>,
}

/// A single measurement that a counter or a bucket includes, usually with the ID of its trace.
#[derive(Clone, PartialEq, Debug)]
pub struct Exemplar {
    /// Names and values of the labels.
    pub labels: Vec<(String, String)>,
    /// The measured value.
    pub value: f64,
    /// When it was measured.
    pub timestamp: Option<Timestamp>,
}

impl Kind {
    /// The name of the type in OpenMetrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Unknown => "unknown",
        }
    }

    /// The type called `name` in OpenMetrics, the inverse of [`Kind::as_str`].
    pub fn from_name(name: &str) -> Option<Self> {
        const ALL: [Kind; 8] = [
            Kind::Counter,
            Kind::Gauge,
            Kind::Histogram,
            Kind::Summary,
            Kind::Info,
            Kind::StateSet,
            Kind::GaugeHistogram,
            Kind::Unknown,
        ];
        ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The type called `text` in a `# TYPE` line of `format`.
    pub(crate) fn from_text(text: &str, format: Format) -> Option<Self> {
        match text {
            "untyped" if format != Format::OpenMetrics => Some(Self::Unknown),
            // The spelling of Prometheus's protocol buffer enumeration.
            "gauge_histogram" if format != Format::OpenMetrics => Some(Self::GaugeHistogram),
            _ => Self::from_name(text),
        }
    }

    /// The suffixes that its samples' names may have. Source: OpenMetrics 1.0, "Suffixes".
    pub(crate) fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total", "_created"],
            Self::Summary => &["", "_count", "_sum", "_created"],
            Self::Histogram => &["_bucket", "_count", "_sum", "_created"],
            Self::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
            Self::Info => &["_info"],
            Self::Gauge | Self::StateSet | Self::Unknown => &[""],
        }
    }
}
