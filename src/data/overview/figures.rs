//! The key figures of a scope over the range, with those of the range before.
use crate::data::data_start::DataStart;
use crate::data::overview::models::success_share;
use crate::data::overview::{Ask, Overview, When};

/// What is asked for the key figures.
pub(crate) const FIGURE_ASKS: [Ask; 13] = [
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
    ("replicas-answering", When::Earliest),
];

/// The part of a range without data that is worth a word.
const MIN_EMPTY_PARTS: i64 = 20;

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
            Self::Success => success_share(overview, when, ""),
            Self::FirstToken | Self::EndToEnd => line(when, "p95"),
            Self::Tokens => overview.sum((self.graph(), when), "", &|line| line == "generation"),
            // A share of all engines is not known from the shares of each.
            Self::Cached => {
                let engines = overview.of((self.graph(), when), "").filter(|reading| reading.line == "hits");
                line(when, "hits").filter(|_| engines.count() == 1)
            }
            Self::Replicas => line(When::Now, "active").filter(|_| when == When::Range),
        }
    }
}

/// Whether the range before has data from its start on: half a period is nothing to compare with.
pub(crate) fn has_range_before(overview: &Overview) -> bool {
    match overview.data_start {
        DataStart::Unknown => true,
        DataStart::BeforeRange => overview.of(("replicas-answering", When::Earliest), "").next().is_some(),
        DataStart::At(_) => false,
    }
}

/// How long there have been data within the range, in milliseconds.
pub(crate) fn data_length_ms(overview: &Overview) -> i64 {
    match overview.data_start {
        DataStart::At(start_ms) => overview.range.end_ms - start_ms.max(overview.range.start_ms),
        DataStart::Unknown | DataStart::BeforeRange => overview.range.length_ms(),
    }
}

/// The maximum of replicas, if the server knows it.
pub(crate) fn max_replicas(overview: &Overview) -> Option<f64> {
    overview.value(("replicas", When::Now), "", "max")
}

/// A time before which the range has no data, Unix milliseconds; none if it has data almost from its start on.
pub(crate) fn data_start_ms(overview: &Overview) -> Option<i64> {
    let DataStart::At(start_ms) = overview.data_start else { return None };
    (start_ms - overview.range.start_ms > overview.range.length_ms() / MIN_EMPTY_PARTS).then_some(start_ms)
}

/// The number of restarts over the range.
pub(crate) fn restarts(overview: &Overview) -> f64 {
    overview.sum(("restarts", When::Range), "", &|_| true).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_several_engines_are_added_and_shares_are_not() {
        let of = |graph: &'static str, lines: &[(&str, f64)]| Overview::of_values((graph, When::Range), lines);
        let tokens = of("tokens-per-second", &[("generation", 5.0), ("prompt", 40.0), ("generation", 7.0)]);
        assert_eq!(Figure::Tokens.value(&tokens, When::Range), Some(12.0));
        let cached = |lines: &[(&str, f64)]| Figure::Cached.value(&of("prefix-cache-hit-share", lines), When::Range);
        assert_eq!(cached(&[("hits", 0.4), ("external", 0.1)]), Some(0.4));
        assert_eq!(cached(&[("hits", 0.4), ("hits", 0.9)]), None);
    }
}
