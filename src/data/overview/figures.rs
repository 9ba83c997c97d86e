//! The key figures of a scope over the range, with those of the range before.
use crate::data::overview::models::error_share;
use crate::data::overview::{Ask, Overview, When};

/// What is asked for the key figures.
pub(crate) const FIGURE_ASKS: [Ask; 14] = [
    ("volume", When::Range),
    ("volume", When::Before),
    ("time-to-first-token", When::Range),
    ("time-to-first-token", When::Before),
    ("end-to-end-latency", When::Range),
    ("end-to-end-latency", When::Before),
    ("tokens-per-second", When::Range),
    ("tokens-per-second", When::Before),
    ("prefix-cache-hit-share", When::Range),
    ("prefix-cache-hit-share", When::Before),
    ("replicas", When::Now),
    ("restarts", When::Range),
    ("replicas-answering", When::Trend),
    ("replicas-answering", When::Earliest),
];

/// A key figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Requests,
    Success,
    FirstToken,
    EndToEnd,
    Tokens,
    Cached,
    Replicas,
}

impl Figure {
    /// All figures in the order of the page.
    pub(crate) const ALL: [Self; 7] =
        [Self::Requests, Self::Success, Self::FirstToken, Self::EndToEnd, Self::Tokens, Self::Cached, Self::Replicas];

    /// The graph whose card shows more of it.
    pub(crate) fn graph(self) -> &'static str {
        match self {
            Self::Requests | Self::Success => "volume",
            Self::FirstToken => "time-to-first-token",
            Self::EndToEnd => "end-to-end-latency",
            Self::Tokens => "tokens-per-second",
            Self::Cached => "prefix-cache-hit-share",
            Self::Replicas => "replicas",
        }
    }

    /// Its name on the page.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::Success => "Success",
            Self::FirstToken => "First token p95",
            Self::EndToEnd => "End-to-end p95",
            Self::Tokens => "Tokens out",
            Self::Cached => "Prompt cached",
            Self::Replicas => "Replicas",
        }
    }

    /// Its value over the range or the one before; none if it is not measured.
    pub(crate) fn value(self, overview: &Overview, when: When) -> Option<f64> {
        let line = |when, line| overview.value((self.graph(), when), "", line);
        match self {
            Self::Requests => overview.sum((self.graph(), when), "", &|_| true),
            Self::Success => error_share(overview, when, "").map(|errors| 1.0 - errors),
            Self::FirstToken | Self::EndToEnd => line(when, "p95"),
            Self::Tokens => line(when, "generation"),
            Self::Cached => line(when, "hits"),
            Self::Replicas => line(When::Now, "active").filter(|_| when == When::Range),
        }
    }
}

/// Whether the range before has data from its start on: half a period is nothing to compare with.
pub(crate) fn has_range_before(overview: &Overview) -> bool {
    let has = |when| overview.of(("replicas-answering", when), "").next().is_some();
    // Without targets nothing tells when history began.
    has(When::Earliest) || !has(When::Trend)
}

/// The maximum of replicas, if the server knows it.
pub(crate) fn max_replicas(overview: &Overview) -> Option<f64> {
    overview.value(("replicas", When::Now), "", "max")
}

/// A time before which the range has no data, Unix milliseconds; none if it has data from its start on.
pub(crate) fn data_start_ms(overview: &Overview) -> Option<i64> {
    let trend = overview.trend("replicas-answering", "", f64::max);
    // The first value is of data that began after the time before it.
    let first = trend.iter().position(|value| !value.is_nan()).filter(|first| *first > 1)?;
    let range = overview.trend_range();
    let step_ms = range.length_ms() / trend.len() as i64;
    Some(range.end_ms - (trend.len() - first) as i64 * step_ms)
}

/// The number of restarts over the range.
pub(crate) fn restarts(overview: &Overview) -> f64 {
    overview.sum(("restarts", When::Range), "", &|_| true).unwrap_or(0.0)
}
