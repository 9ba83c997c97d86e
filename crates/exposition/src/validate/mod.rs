//! The rules of a format that concern more than one line, each format's behind one door.
pub(crate) mod family;
mod histogram;
mod openmetrics;
pub(crate) mod recheck;
mod role;
mod strict_text;

use crate::{
    error::ErrorKind,
    format::Format,
    line::{Metadata, labels::Label, sample::SampleLine},
};
use openmetrics::OpenMetricsRules;
use recheck::Ruling;
use strict_text::StrictTextRules;

/// Follows a page and refuses what its format forbids.
pub(crate) enum Judge {
    /// Prometheus text as servers print it: lines stand for themselves.
    Text,
    StrictText(StrictTextRules),
    OpenMetrics(Box<OpenMetricsRules>),
}

/// What becomes of a sample that breaks no rule.
pub(crate) enum Verdict {
    /// It counts, and in OpenMetrics is this.
    Counts(Option<Ruling>),
    /// It repeats another, and readers are to ignore it.
    Repeats,
}

impl Judge {
    pub(crate) fn new(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::StrictText => Self::StrictText(StrictTextRules::default()),
            Format::OpenMetrics => Self::OpenMetrics(Box::default()),
        }
    }

    pub(crate) fn metadata(&mut self, metadata: &Metadata<'_>) -> Result<(), ErrorKind> {
        match self {
            Self::Text => Ok(()),
            Self::StrictText(rules) => rules.metadata(metadata),
            Self::OpenMetrics(rules) => rules.metadata(metadata),
        }
    }

    /// Judges a sample.
    pub(crate) fn sample(&mut self, sample: &SampleLine<'_>, labels: &[Label<'_>]) -> Result<Verdict, ErrorKind> {
        match self {
            Self::Text => Ok(Verdict::Counts(None)),
            Self::StrictText(rules) => rules.sample(sample, labels).map(|()| Verdict::Counts(None)),
            Self::OpenMetrics(rules) => {
                let ruling = rules.sample(sample, labels)?;
                Ok(ruling.map_or(Verdict::Repeats, |ruling| Verdict::Counts(Some(ruling))))
            }
        }
    }

    /// Takes note of a native histogram of the metric `name`.
    pub(crate) fn native_histogram(&mut self, name: &str) -> Result<(), ErrorKind> {
        match self {
            Self::Text | Self::StrictText(_) => Ok(()),
            Self::OpenMetrics(rules) => rules.native_histogram(name),
        }
    }

    /// Takes note of `# EOF`.
    pub(crate) fn end_mark(&mut self) -> Result<(), ErrorKind> {
        match self {
            Self::Text | Self::StrictText(_) => Ok(()),
            Self::OpenMetrics(rules) => rules.end_mark(),
        }
    }

    /// The page is over; `is_complete` says whether its last line has its line feed.
    pub(crate) fn finish(&self, is_complete: bool) -> Result<(), ErrorKind> {
        match self {
            Self::StrictText(_) if !is_complete => Err(ErrorKind::Expected("a line feed at the end of the page")),
            Self::Text | Self::StrictText(_) => Ok(()),
            Self::OpenMetrics(rules) => rules.finish(),
        }
    }
}
