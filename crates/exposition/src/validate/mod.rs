//! The rules of each format that span several lines.
pub(crate) mod family;
mod histogram;
mod openmetrics;
pub(crate) mod recheck;
pub(crate) mod role;
mod strict_text;
mod violation;

use crate::error::ErrorKind;
use crate::format::Format;
use crate::line::MetadataLine;
use crate::line::labels::Label;
use crate::line::sample::SampleLine;
use openmetrics::OpenMetricsRules;
use role::ClassifiedSample;
use strict_text::StrictTextRules;

/// Validates a metrics page line by line against the rules of its format.
pub(crate) enum Validator {
    /// Prometheus text as servers write it has no such rules.
    Text,
    StrictText(StrictTextRules),
    OpenMetrics(Box<OpenMetricsRules>),
}

/// How a sample that violates no rule is treated.
pub(crate) enum Outcome {
    /// It is read. In OpenMetrics it has a role.
    Valid(Option<ClassifiedSample>),
    /// It repeats another sample, and readers must ignore it.
    Duplicate,
}

impl Validator {
    pub(crate) fn new(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::StrictText => Self::StrictText(StrictTextRules::default()),
            Format::OpenMetrics => Self::OpenMetrics(Box::default()),
        }
    }

    pub(crate) fn metadata(&mut self, metadata: &MetadataLine<'_>) -> Result<(), ErrorKind> {
        match self {
            Self::Text => Ok(()),
            Self::StrictText(rules) => rules.metadata(metadata),
            Self::OpenMetrics(rules) => rules.metadata(metadata),
        }
    }

    pub(crate) fn sample(&mut self, sample: &SampleLine<'_>, labels: &[Label<'_>]) -> Result<Outcome, ErrorKind> {
        match self {
            Self::Text => Ok(Outcome::Valid(None)),
            Self::StrictText(rules) => rules.sample(sample, labels).map(|()| Outcome::Valid(None)),
            Self::OpenMetrics(rules) => {
                let classified = rules.sample(sample, labels)?;
                Ok(classified.map_or(Outcome::Duplicate, |classified| Outcome::Valid(Some(classified))))
            }
        }
    }

    /// Validates a native histogram of the metric `name`.
    pub(crate) fn native_histogram(&mut self, name: &str) -> Result<(), ErrorKind> {
        match self {
            Self::Text | Self::StrictText(_) => Ok(()),
            Self::OpenMetrics(rules) => rules.native_histogram(name),
        }
    }

    /// Validates the position of `# EOF`.
    pub(crate) fn eof_marker(&mut self) -> Result<(), ErrorKind> {
        match self {
            Self::Text | Self::StrictText(_) => Ok(()),
            Self::OpenMetrics(rules) => rules.eof_marker(),
        }
    }

    /// Validates the end of the page; `is_complete` says whether its last line ends with a line feed.
    pub(crate) fn finish(&self, is_complete: bool) -> Result<(), ErrorKind> {
        match self {
            Self::StrictText(_) if !is_complete => Err(ErrorKind::Expected("a line feed at the end of the page")),
            Self::Text | Self::StrictText(_) => Ok(()),
            Self::OpenMetrics(rules) => rules.finish(),
        }
    }
}
