//! Recent samples of `up`: the scrape interval, and which replicas answer.
use crate::data::discovery::inventory::Labels;
use crate::data::discovery::model_targets::ModelTargets;
use crate::wasm_size::sort::sort_by;
use catalogue::{Scope, ScopeLabels};
use prometheus_api::{Data, Number, RangeValues, Series};

/// Scrape interval that is assumed until it has been measured.
pub(crate) const DEFAULT_INTERVAL_MS: i64 = 15_000;

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

/// The scrape interval: the median distance between samples, to a tenth of a second.
pub(crate) fn interval_ms<'a>(scrapes: impl Iterator<Item = &'a [(f64, Number)]>) -> Option<i64> {
    let mut distances: Vec<i64> = scrapes
        .flat_map(|samples| samples.windows(2).map(|pair| ((pair[1].0 - pair[0].0) * 10.0).round() as i64 * 100))
        .filter(|distance| *distance > 0)
        .collect();
    sort_by(&mut distances, i64::cmp);
    distances.get(distances.len() / 2).copied()
}

/// Counts the replicas in scope by their last samples; `now_ms` is the server's time.
pub(crate) fn count_replicas(
    scrapes: &[Series<RangeValues>],
    targets: &ModelTargets<'_>,
    labels: &ScopeLabels,
    scope: &Scope,
    interval_ms: i64,
    now_ms: i64,
) -> ReplicaCount {
    let mut count = ReplicaCount::default();
    for series in scrapes {
        let Some((time_s, up)) = series.samples.values.last() else { continue };
        let is_up = up.0 == 1.0;
        let age_ms = now_ms - (time_s * 1000.0) as i64;
        if age_ms <= interval_ms * MAX_AGE_INTERVALS && targets.counts(&series.metric, is_up, labels, scope) {
            count.total += 1;
            count.answering += usize::from(is_up);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_median_distance() {
        let at = |times: &[f64]| times.iter().map(|time| (*time, Number(1.0))).collect::<Vec<_>>();
        let series = [at(&[0.0, 5.003, 10.001, 25.0]), at(&[1.0, 5.98])];
        assert_eq!(interval_ms(series.iter().map(Vec::as_slice)), Some(5000));
        assert_eq!(interval_ms([at(&[3.0])].iter().map(Vec::as_slice)), None);
    }
}
