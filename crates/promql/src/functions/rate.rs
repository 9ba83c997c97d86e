//! The change of a series within a window.
//!
//! Source: `promql/functions.go` of Prometheus 3, `extrapolatedRate` and `instantValue`.
use crate::eval::{Window, WindowedSamples};
use crate::{Error, stale_marker};

/// A sample within this many average sample distances of an edge of the window covers the edge.
const EXTRAPOLATION_THRESHOLD: f64 = 1.1;

/// The number of values that are compared at a time in the search for counter resets.
const RESET_SEARCH_CHUNK: usize = 64;

/// The kind of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Of a counter, per second: `rate`.
    CounterRate,
    /// Of a counter: `increase`.
    CounterIncrease,
    /// Of a gauge: `delta`.
    GaugeDelta,
}

/// The change over each window, extrapolated to its edges; the stale marker if it has fewer than two samples.
pub(super) fn extrapolated(change: Change, windowed: WindowedSamples<'_>, out: &mut Vec<f64>) -> Result<(), Error> {
    let values = windowed.samples.values;
    let resets = if change == Change::GaugeDelta { Vec::new() } else { reset_indices(values) };
    let mut passed = 0;
    windowed.fill(out, |window| {
        let [first, .., last] = window.values else { return stale_marker() };
        // A reset counts if the sample before it is in the window too.
        while resets.get(passed).is_some_and(|reset| *reset <= window.first) {
            passed += 1;
        }
        let resets_within = resets[passed..].iter().take_while(|reset| **reset < window.end());
        let sampled_change = resets_within.fold(last - first, |change, reset| change + values[reset - 1]);
        let extrapolated = sampled_change * extrapolation_factor(change, sampled_change, *first, &window);
        if change == Change::CounterRate { extrapolated / windowed.window_seconds() } else { extrapolated }
    })
}

/// The indices of the values that are lower than their predecessor.
pub(super) fn reset_indices(values: &[f64]) -> Vec<usize> {
    let mut indices = Vec::new();
    // Most series have no reset, which a vectorised comparison of a chunk finds quickly.
    for from in (1..values.len()).step_by(RESET_SEARCH_CHUNK) {
        let (until, mut any) = (values.len().min(from + RESET_SEARCH_CHUNK), false);
        for (previous, value) in values[from - 1..until - 1].iter().zip(&values[from..until]) {
            any |= value < previous;
        }
        if any {
            indices.extend((from..until).filter(|index| values[*index] < values[index - 1]));
        }
    }
    indices
}

/// The ratio of the time that the series is assumed to cover to the time between its first and last sample.
fn extrapolation_factor(change: Change, sampled_change: f64, first: f64, window: &Window<'_>) -> f64 {
    let (first_ms, last_ms) = (window.times_ms[0], window.times_ms[window.times_ms.len() - 1]);
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let sampled = seconds(last_ms - first_ms);
    let distance = sampled / (window.times_ms.len() - 1) as f64;
    let covered_gap = |gap: f64| if gap >= distance * EXTRAPOLATION_THRESHOLD { distance / 2.0 } else { gap };

    let mut to_start = covered_gap(seconds(first_ms - window.after_ms));
    // A counter is not extrapolated to values below zero.
    if change != Change::GaugeDelta && sampled_change > 0.0 && first >= 0.0 {
        to_start = to_start.min(sampled * (first / sampled_change));
    }
    let to_end = covered_gap(seconds(window.until_ms - last_ms));
    (sampled + to_start + to_end) / sampled
}

/// The change between the last two samples: per second for a counter (`irate`), plain for a gauge (`idelta`). The stale
/// marker if there are fewer.
pub(super) fn between_last_two(window: &Window<'_>, is_counter: bool) -> f64 {
    let (&[.., previous, last], &[.., previous_ms, last_ms]) = (window.values, window.times_ms) else {
        return stale_marker();
    };
    let change = if is_counter && last < previous { last } else { last - previous };
    if is_counter { change / ((last_ms - previous_ms) as f64 / 1000.0) } else { change }
}
