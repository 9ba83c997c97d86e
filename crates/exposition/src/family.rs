//! What a page says, family by family.
use crate::{format::Format, line::time::Timestamp};

/// Metrics of one name, type and meaning, with their samples in the page's order.
#[derive(Clone, PartialEq, Debug)]
pub struct Family {
    /// The name in its metadata, or that of its sample where it has none. A counter's has the `_total` of its samples in
    /// Prometheus text, and lacks it in OpenMetrics.
    pub name: String,
    /// How its samples are to be read.
    pub kind: Kind,
    /// The help text, unescaped; empty where the page gives none.
    pub help: String,
    /// The unit, which the name ends with; empty where the page gives none.
    pub unit: String,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// A family's type. Source: OpenMetrics 1.0, "Metric Types"; `untyped` of Prometheus text is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Kind {
    /// A sum that only grows, until the process restarts.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Cumulative buckets with the label `le`, a sum and a count, all of which only grow.
    Histogram,
    /// Quantiles computed at the target, a sum and a count.
    Summary,
    /// Facts as labels of a sample that is 1.
    Info,
    /// One sample per state, 1 or 0, the state in the label named like the family.
    StateSet,
    /// Buckets of values that are there now.
    GaugeHistogram,
    /// Anything.
    #[default]
    Unknown,
}

/// One sample, as printed.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// The full name, suffix included.
    pub name: String,
    /// Names and values of the labels, in the page's order; values may be empty.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
    /// When it was measured, where the page says so.
    pub timestamp: Option<Timestamp>,
    /// An example of what was counted.
    pub exemplar: Option<Exemplar>,
}

/// A single measurement that a counter or a bucket counted, usually with the id of its trace.
#[derive(Clone, PartialEq, Debug)]
pub struct Exemplar {
    /// Names and values of the labels.
    pub labels: Vec<(String, String)>,
    /// The measured value.
    pub value: f64,
    /// When it was measured, where the page says so.
    pub timestamp: Option<Timestamp>,
}

impl Kind {
    /// The type's name in OpenMetrics.
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

    /// The type that a `# TYPE` line of `format` names `text`.
    pub(crate) fn from_text(text: &str, format: Format) -> Option<Self> {
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
        match text {
            "untyped" if format != Format::OpenMetrics => Some(Self::Unknown),
            // As the enumeration of Prometheus's protocol buffers spells it.
            "gauge_histogram" if format != Format::OpenMetrics => Some(Self::GaugeHistogram),
            _ => ALL.into_iter().find(|kind| kind.as_str() == text),
        }
    }

    /// What a family's samples have after its name. Source: OpenMetrics 1.0, "Suffixes".
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
