//! Measures how often the targets behind the visible range are scraped.
use crate::data::discovery::intervals::{COUNT_WINDOW_MS, Intervals, ScrapeIntervals, median_distance_ms, rounded_ms};
use crate::data::discovery::inventory::{Inventory, Labels, text_of};
use crate::data::discovery::targets::{Targets, vector};
use crate::data::http::client::Backend;
use crate::data::http::error::RequestError;
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::set;
use crate::wasm_size::table::Table;
use catalogue::{
    BOUND_LABEL, Scope, TargetQueries, intervals_query, recent_scrapes_query, sample_counts_query,
    target_intervals_query,
};
use prometheus_api::{Data, InstantValue, RangeValues, Series};

/// From this length on, a range may hold other intervals than those of its end.
const MIN_LONG_RANGE_MS: i64 = 6 * 3_600_000;

/// The moments at which samples are counted in a range.
const COUNTS: i64 = 24;

/// The shortest distance between two of these moments, in milliseconds.
const MIN_COUNT_STEP_MS: i64 = 60_000;

/// The metrics that are counted where `up` says nothing, as in imported history.
const MAX_METRICS: usize = 4;

/// The limit of targets whose scrapes are queried one by one, as long as too few are known for more.
const MAX_SAMPLED_TARGETS: usize = 24;

/// Intervals that differ by less than a part in so many are the same.
const TOLERANCE_PARTS: i64 = 20;

/// How often targets are scraped: most groups of targets are scraped alike, so that two numbers say it for all of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// By the labels of groups.
    groups: Table<ScrapeIntervals>,
    /// Those of targets one by one, where a group says too little.
    single: Table<ScrapeIntervals>,
    /// The revision of the targets that it is about.
    revision: u32,
}

impl Measured {
    /// Measures the targets at a time, or now; `answer` is that to [`intervals_query`], and `old` what was known before.
    ///
    /// # Errors
    /// When the server is away.
    pub(crate) async fn new(
        backend: &Backend,
        targets: &Targets,
        answer: Vec<Series<InstantValue>>,
        old: &Self,
        time_ms: Option<i64>,
    ) -> Result<Self, RequestError> {
        let scope = Scope::default();
        let queries = TargetQueries { scope: &scope, labels: &backend.labels };
        let (group_labels, kept) = (queries.group_labels(), queries.kept_labels());
        let mut own = Self { groups: bounds(&answer, &group_labels), revision: targets.revision, ..Self::default() };
        own.settle(&old.groups);
        if own.groups.values().iter().any(|own| !is_alike(own.shortest_ms, own.longest_ms)) {
            if old.revision == own.revision && old.groups == own.groups {
                own.single = old.single.clone();
            } else {
                let query = target_intervals_query(&backend.labels);
                for series in vector(answered(backend.instant(query, time_ms).await)?) {
                    let interval_ms = rounded_ms(series.samples.value.1.0);
                    own.single.at(&text_of(&series.metric, &kept), ScrapeIntervals::of(interval_ms));
                }
            }
        }
        let is_unknown = |target: &&Labels| own.groups.get(&text_of(target, &group_labels)).is_none();
        let unknown: Vec<&Labels> = targets.labels().filter(is_unknown).take(MAX_SAMPLED_TARGETS).collect();
        for (target, interval) in sampled(backend, &unknown, time_ms).await? {
            let group = own.groups.at(&text_of(&target, &group_labels), interval);
            *group = group.or(interval);
            *own.single.at(&text_of(&target, &kept), interval) = interval;
        }
        Ok(own)
    }

    /// Keeps what has not really changed: samples are never quite on time, and another interval is another query.
    fn settle(&mut self, old: &Table<ScrapeIntervals>) {
        let keys: Vec<String> = self.groups.iter().map(|(group, _)| group.to_owned()).collect();
        for (group, old) in keys.iter().filter_map(|group| Some((group, old.get(group)?))) {
            let own = self.groups.at(group, *old);
            let settled = |own_ms: i64, old_ms: i64| if is_alike(old_ms, own_ms) { old_ms } else { own_ms };
            own.shortest_ms = settled(own.shortest_ms, old.shortest_ms);
            own.longest_ms = settled(own.longest_ms, old.longest_ms);
        }
    }

    /// The intervals of targets that are known, for the scope of which they are.
    pub(crate) fn intervals(&self, backend: &Backend, targets: &Targets, is_long: bool) -> Intervals {
        let scope = Scope::default();
        let queries = TargetQueries { scope: &scope, labels: &backend.labels };
        let (group_labels, kept) = (queries.group_labels(), queries.kept_labels());
        let of = |target: &Labels| {
            let single = self.single.get(&text_of(target, &kept)).copied();
            single.or_else(|| self.groups.get(&text_of(target, &group_labels)).copied())
        };
        let known = targets.labels().filter_map(|target| Some((target, of(target)?)));
        Intervals::new(known, &backend.labels, is_long)
    }
}

/// Whether two intervals are the same but for the inaccuracy of the scrapes.
fn is_alike(one_ms: i64, other_ms: i64) -> bool {
    (one_ms - other_ms).abs() <= one_ms / TOLERANCE_PARTS
}

/// The shortest and the longest interval of each group in an answer.
fn bounds(answer: &[Series<InstantValue>], group_labels: &[&str]) -> Table<ScrapeIntervals> {
    let mut groups = Table::default();
    for series in answer.iter().filter(|series| series.metric.contains_key(BOUND_LABEL)) {
        let own = ScrapeIntervals::of(rounded_ms(series.samples.value.1.0));
        let group: &mut ScrapeIntervals = groups.at(&text_of(&series.metric, group_labels), own);
        *group = group.or(own);
    }
    groups
}

/// The intervals of some targets, from the distances of their samples.
async fn sampled(
    backend: &Backend,
    targets: &[&Labels],
    time_ms: Option<i64>,
) -> Result<Vec<(Labels, ScrapeIntervals)>, RequestError> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let values = |name: &str| -> Vec<String> {
        targets.iter().map(|target| target.get(name).cloned().unwrap_or_default()).collect()
    };
    let query = recent_scrapes_query(&values("instance"), &values(&backend.labels.replica), &backend.labels);
    let answer = answered(backend.instant(query, time_ms).await)?;
    let interval = |series: &Series<RangeValues>| {
        let interval_ms = median_distance_ms(&series.samples.values)?;
        Some((series.metric.clone(), ScrapeIntervals::of(interval_ms)))
    };
    Ok(matrix(&answer).iter().filter_map(interval).collect())
}

/// The intervals at the end of a range in the past.
///
/// # Errors
/// When the server is away. Without an answer the intervals are assumed.
pub(crate) async fn intervals_at(
    backend: &Backend,
    scope: &Scope,
    range: TimeRange,
) -> Result<Intervals, RequestError> {
    let targets = Targets::at(backend, scope, range.end_ms).await?;
    let answer = answered(backend.instant(intervals_query(&backend.labels), Some(range.end_ms)).await)?;
    let measured = Measured::new(backend, &targets, vector(answer), &Measured::default(), Some(range.end_ms)).await?;
    Ok(measured.intervals(backend, &targets, is_long(range)))
}

/// Whether a range may hold other intervals than those of its end.
pub(crate) fn is_long(range: TimeRange) -> bool {
    range.length_ms() >= MIN_LONG_RANGE_MS
}

/// Adds what the range says that the scrapes at its end do not: the intervals of a long range, and of series without
/// `up`.
///
/// # Errors
/// When the server is away. Without an answer the intervals are assumed.
pub(crate) async fn add_counts(
    intervals: &mut Intervals,
    backend: &Backend,
    inventory: &Inventory,
    scope: &Scope,
    range: TimeRange,
) -> Result<(), RequestError> {
    let of_each = [true, false].map(|has_replica| {
        let own = inventory.keys(scope).filter(|(key, _)| key.replica.is_empty() != has_replica);
        set(own.filter(|(key, _)| is_long(range) || intervals.of_key(key).is_none()).map(|(_, name)| name))
    });
    let step_ms = (range.length_ms() / COUNTS).max(MIN_COUNT_STEP_MS);
    let names = [true, false].into_iter().zip(of_each);
    for (has_replica, name) in
        names.flat_map(|(own, names)| names.into_iter().map(move |name| (own, name))).take(MAX_METRICS)
    {
        let query = sample_counts_query(name, has_replica, COUNT_WINDOW_MS, scope, &backend.labels);
        let counts = answered(backend.range(query, range.start_ms, range.end_ms, step_ms).await)?;
        intervals.add_counts(matrix(&counts), &backend.labels, has_replica);
    }
    Ok(())
}

fn matrix(answer: &Data) -> &[Series<RangeValues>] {
    match answer {
        Data::Matrix(matrix) => matrix,
        _ => &[],
    }
}

/// The answer, or nothing where the server refuses.
fn answered(result: Result<Data, RequestError>) -> Result<Data, RequestError> {
    match result {
        Err(error) if !error.is_connection() => Ok(Data::Vector(Vec::new())),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm_size::table::joined;
    use catalogue::LOWER_BOUND;
    use prometheus_api::Number;

    fn row(pairs: &[(&str, &str)], interval_s: f64) -> Series<InstantValue> {
        let metric = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Series { metric, samples: InstantValue { value: (0.0, Number(interval_s)) } }
    }

    #[test]
    fn a_group_has_a_shortest_and_a_longest_interval() {
        let answer = [
            row(&[("job", "a"), (BOUND_LABEL, LOWER_BOUND)], 4.98),
            row(&[("job", "a"), (BOUND_LABEL, "greatest")], 60.04),
            row(&[("job", "b"), (BOUND_LABEL, LOWER_BOUND)], 0.01),
            row(&[("job", "c")], 7.0),
        ];
        let groups = bounds(&answer, &["job"]);
        let of = |job: &str| groups.get(&joined([job])).copied();
        assert_eq!(of("a"), Some(ScrapeIntervals { shortest_ms: 5000, longest_ms: 60_000 }));
        assert_eq!((of("b"), of("c")), (Some(ScrapeIntervals::of(100)), None));
        let mut own = Measured { groups, ..Measured::default() };
        let mut old = Table::default();
        old.at(&joined(["a"]), ScrapeIntervals { shortest_ms: 5100, longest_ms: 30_000 });
        own.settle(&old);
        let settled = ScrapeIntervals { shortest_ms: 5100, longest_ms: 60_000 };
        assert_eq!(own.groups.get(&joined(["a"])), Some(&settled), "a small difference is none");
        assert!(is_alike(5000, 5100) && is_alike(5000, 4800) && !is_alike(5000, 5300));
    }
}
