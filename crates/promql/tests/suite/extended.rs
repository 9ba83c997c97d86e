//! `anchored` and `smoothed`: results at many steps equal a plain calculation for each step alone.
use crate::memory_storage::MemoryStorage;
use promql::{Error, Labels, Limits, METRIC_NAME, Options, Value, instant, parse, range, stale_marker, uninterrupted};

const LOOKBACK_MS: i64 = 300_000;
const WINDOW_MS: i64 = 400_000;

/// Samples of one series: time in milliseconds, value.
type Column = Vec<(i64, f64)>;

fn labels() -> Labels {
    Labels::from_pairs([(METRIC_NAME, "requests_total")])
}

/// A counter with resets, at uneven times with holes of up to ten minutes.
fn counter(mut seed: u64) -> Column {
    let mut below = |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    let (mut time_ms, mut value) = (0, 0.0);
    let mut column = Vec::new();
    for _ in 0..200 {
        let longest_ms = if below(20) == 0 { 600_000 } else { 30_000 };
        time_ms += 1 + below(longest_ms) as i64;
        value = if below(12) == 0 { below(3) as f64 } else { value + below(9) as f64 };
        column.push((time_ms, value));
    }
    column
}

/// What Prometheus calculates for one window: `promql/functions.go`, `extendedRate`.
fn increase(all: &Column, until_ms: i64, is_smoothed: bool) -> Option<f64> {
    let start_ms = until_ms - WINDOW_MS;
    let reach_ms = if is_smoothed { LOOKBACK_MS } else { 0 };
    let in_reach = |time_ms: i64| start_ms - LOOKBACK_MS < time_ms && time_ms <= until_ms + reach_ms;
    let samples: Column = all.iter().copied().filter(|(time_ms, _)| in_reach(*time_ms)).collect();
    let before = samples.iter().rfind(|(time_ms, _)| *time_ms <= start_ms).copied();
    let inside: Column = samples.iter().copied().filter(|(t, _)| start_ms < *t && *t < until_ms).collect();
    let after = samples.iter().find(|(time_ms, _)| *time_ms >= until_ms).copied();
    samples.iter().find(|(time_ms, _)| *time_ms > start_ms)?;
    let between = |from: (i64, f64), to: (i64, f64), time_ms: i64| {
        let low = if to.1 < from.1 { 0.0 } else { from.1 };
        low + (to.1 - low) * (time_ms - from.0) as f64 / (to.0 - from.0) as f64
    };
    let (left, right) = if is_smoothed {
        let left = match (before, inside.first().copied().or(after)) {
            (Some(from), Some(to)) if from.0 < start_ms => between(from, to, start_ms),
            (Some(from), _) => from.1,
            (None, Some(first)) if first.0 <= until_ms => first.1,
            _ => return None,
        };
        let right = match (inside.last().copied().or(before), after) {
            (Some(from), Some(to)) if to.0 > until_ms => between(from, to, until_ms),
            (_, Some(to)) => to.1,
            (Some(from), None) => from.1,
            (None, None) => return None,
        };
        (left, right)
    } else {
        let last = after.or(inside.last().copied())?;
        (before.or(inside.first().copied()).unwrap_or(last).1, last.1)
    };
    let values: Vec<f64> = [left].into_iter().chain(inside.iter().map(|sample| sample.1)).chain([right]).collect();
    let lost: f64 = values.windows(2).filter(|pair| pair[1] < pair[0]).map(|pair| pair[0]).sum();
    Some(right - left + lost)
}

#[test]
fn many_steps_equal_each_step_alone() -> Result<(), Error> {
    let options = Options::default();
    let mut compared = 0;
    for seed in 0..20 {
        let column = counter(seed);
        let mut storage = MemoryStorage::default();
        column.iter().for_each(|(time_ms, value)| storage.add(&labels(), *time_ms, *value));
        for modifier in ["anchored", "smoothed"] {
            let query = parse(&format!("increase(requests_total[{WINDOW_MS}ms] {modifier})"), &options.limits)?;
            let (end_ms, step_ms) = (5_000_000, 7_000);
            let result = range(&storage, &query, 0, end_ms, step_ms, &options, &uninterrupted)?;
            let Value::Matrix(series) = result.value else { panic!("no matrix") };
            let got: Column = series.into_iter().flat_map(|series| series.samples).collect();
            let expected: Column = (0..=end_ms)
                .step_by(7_000)
                .filter_map(|time_ms| Some((time_ms, increase(&column, time_ms, modifier == "smoothed")?)))
                .collect();
            assert_eq!(got.len(), expected.len(), "{modifier}, seed {seed}: the number of steps with a value");
            for (got, expected) in got.iter().zip(&expected) {
                let is_close = got.0 == expected.0 && (got.1 - expected.1).abs() <= 1e-9 * expected.1.abs().max(1.0);
                assert!(is_close, "{modifier}, seed {seed}: got {got:?}, expected {expected:?}");
            }
            compared += got.len();
        }
    }
    assert!(compared > 10_000, "only {compared} windows had a value");
    Ok(())
}

/// The value of an instant query with one result, or none.
fn single(storage: &MemoryStorage, query: &str, time_ms: i64) -> Result<Option<f64>, Error> {
    let options = Options::default();
    let result = instant(storage, &parse(query, &Limits::default())?, time_ms, &options, &uninterrupted)?;
    let Value::Vector(samples) = result.value else { panic!("{query}: no vector") };
    Ok(samples.first().map(|sample| sample.value))
}

#[test]
fn an_anchored_increase_is_the_counted_number() -> Result<(), Error> {
    let mut storage = MemoryStorage::default();
    // 120 requests between the fifth and the sixth minute, and a restart of the counter after it.
    for (minute, value) in [(4, 1000.0), (5, 1000.0), (6, 1120.0), (7, 5.0)] {
        storage.add(&labels(), minute * 60_000, value);
    }
    assert_eq!(single(&storage, "increase(requests_total[1m] anchored)", 360_000)?, Some(120.0));
    assert_eq!(single(&storage, "increase(requests_total[3m] anchored)", 420_000)?, Some(125.0));
    assert_eq!(single(&storage, "increase(requests_total[3m] anchored @ 420)", 0)?, Some(125.0));
    assert_eq!(single(&storage, "increase(requests_total[3m] anchored offset 1m)", 480_000)?, Some(125.0));
    // The sample before the window counts for as long as an instant query would find it.
    assert_eq!(single(&storage, "increase(requests_total[1m] anchored)", 421_000)?, Some(5.0));
    assert_eq!(single(&storage, "increase(requests_total[1m] anchored)", 480_000)?, None);
    Ok(())
}

#[test]
fn a_marked_end_of_a_series_is_no_value_at_an_edge() -> Result<(), Error> {
    let mut storage = MemoryStorage::default();
    for (minute, value) in [(1, 10.0), (2, stale_marker()), (4, 12.0)] {
        storage.add(&labels(), minute * 60_000, value);
    }
    assert_eq!(single(&storage, "increase(requests_total[1m] anchored)", 240_000)?, Some(2.0));
    assert_eq!(single(&storage, "requests_total smoothed", 150_000)?, Some(11.0));
    Ok(())
}
