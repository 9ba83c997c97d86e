//! Recent samples of `up`: which targets there are, and which replicas answer.
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::inventory::{Labels, ScopeKey};
use crate::data::discovery::model_targets::ModelTargets;
use crate::wasm_size::sort::sort_by;
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
