//! Recent samples of `up`: which targets there are, and which replicas answer.
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::inventory::{Labels, ScopeKey};
use crate::data::discovery::model_targets::ModelTargets;
use crate::wasm_size::sort::sort_by;
use catalogue::contract::ScrapeFailure;
use catalogue::{Scope, ScopeLabels};
use prometheus_api::{Data, RangeValues, Series};

/// A replica whose last sample is older than this many scrape intervals does not count.
const MAX_AGE_INTERVALS: i64 = 3;

/// How many replicas in scope answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaCount {
    /// Those that answer.
    pub answering: usize,
    /// All of them.
    pub total: usize,
}

/// The limit of failing targets that are named.
const MAX_NAMED: usize = 3;

/// A target whose last scrape failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedTarget {
    /// Its address.
    pub instance: String,
    /// Why, as the label `reason`.
    pub reason: String,
    /// Why, in words.
    pub words: String,
}

/// The failing targets in the answer to `catalogue::failures_query`, in order of their addresses.
pub(crate) fn failed_targets(answer: &Data) -> Vec<FailedTarget> {
    let Data::Vector(vector) = answer else { return Vec::new() };
    let mut failed = Vec::with_capacity(vector.len());
    for series in vector {
        let label = |name: &str| series.metric.get(name).cloned().unwrap_or_default();
        let (instance, reason) = (label("instance"), label("reason"));
        failed.push(FailedTarget { instance, words: failure_words(&series.metric), reason });
    }
    sort_by(&mut failed, |a, b| a.instance.cmp(&b.instance));
    failed
}

/// Why a scrape failed, in words, from the labels of its series.
pub(crate) fn failure_words(labels: &Labels) -> String {
    let label = |name: &str| labels.get(name).map_or("", String::as_str);
    ScrapeFailure::words_of(label("reason"), label("status"))
}

/// Which targets fail and why; empty if none does.
pub(crate) fn failed_text(failed: &[FailedTarget]) -> String {
    let mut text = String::new();
    for FailedTarget { instance, words, .. } in failed.iter().take(MAX_NAMED) {
        text += if text.is_empty() { "At " } else { "; at " };
        text = text + instance + ", " + words;
    }
    if failed.len() > MAX_NAMED {
        text += &format!("; and {} more", failed.len() - MAX_NAMED);
    }
    text
}

/// The series of `up` in an answer; none if it is not a matrix.
pub(crate) fn series(answer: &Data) -> &[Series<RangeValues>] {
    match answer {
        Data::Matrix(matrix) => matrix,
        _ => &[],
    }
}

/// The labels of the targets, in order.
pub(crate) fn targets(scrapes: &[Series<RangeValues>]) -> Vec<Labels> {
    let mut targets: Vec<Labels> = scrapes.iter().map(|series| series.metric.clone()).collect();
    sort_by(&mut targets, Labels::cmp);
    targets
}

/// Counts the replicas in scope by their last samples; `now_ms` is the server's time.
pub(crate) fn count_replicas(
    scrapes: &[Series<RangeValues>],
    targets: &ModelTargets<'_>,
    labels: &ScopeLabels,
    scope: &Scope,
    intervals: &Intervals,
    now_ms: i64,
) -> ReplicaCount {
    let mut count = ReplicaCount::default();
    for series in scrapes {
        let Some((time_s, up)) = series.samples.values.last() else { continue };
        let is_up = up.0 == 1.0;
        let age_ms = now_ms - (time_s * 1000.0) as i64;
        let own = intervals.of_key(&ScopeKey::of(&series.metric, labels)).unwrap_or_default();
        if age_ms <= own.longest_ms * MAX_AGE_INTERVALS && targets.counts(&series.metric, is_up, labels, scope) {
            count.total += 1;
            count.answering += usize::from(is_up);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_api::{InstantValue, Number};

    #[test]
    fn failing_targets_are_named_with_the_reason_in_words() {
        let series = |number: usize| {
            let labels = [("instance", format!("h{number}:1")), ("reason", "unauthorized".to_owned())];
            let metric = labels.map(|(name, value)| (name.to_owned(), value)).into();
            Series { metric, samples: InstantValue { value: (0.0, Number(1.0)) } }
        };
        let text = |count: usize| failed_text(&failed_targets(&Data::Vector((1..=count).rev().map(series).collect())));
        assert_eq!(text(1), "At h1:1, status 401: the credentials are missing or were rejected");
        assert!(text(5).starts_with("At h1:1, status 401") && text(5).contains("; at h3:1, "), "{}", text(5));
        assert!(text(5).ends_with("; and 2 more") && text(0).is_empty());
    }
}
