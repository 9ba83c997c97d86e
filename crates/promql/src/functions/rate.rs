//! How much a series changed within a window. Source: `promql/functions.go` of Prometheus 3, `extrapolatedRate` and
//! `instantValue`.
use crate::eval::{Meter, Window, Windows};
use crate::{Error, Samples, stale_marker};

/// Samples nearer to the window's edge than this many average distances count as covering it.
const COVERED_DISTANCES: f64 = 1.1;

/// Values that are compared at a time.
const RUN: usize = 64;

/// What of the change is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// `rate`: of a counter, per second.
    PerSecond,
    /// `increase`: of a counter.
    Increase,
    /// `delta`: of a gauge.
    Delta,
}

/// The change over each window, extrapolated to the window's edges; none from fewer than two samples.
pub(super) fn extrapolated(
    change: Change,
    samples: Samples<'_>,
    windows: &Windows,
    meter: &Meter<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    let resets = if change == Change::Delta { Vec::new() } else { resets(samples.values) };
    let mut passed = 0;
    windows.fill(samples, meter, out, |window| {
        let [first, .., last] = window.values else { return stale_marker() };
        // A reset counts if the sample before it is in the window too.
        while resets.get(passed).is_some_and(|at| *at <= window.first) {
            passed += 1;
        }
        let end = window.first + window.values.len();
        let within = resets[passed..].iter().take_while(|at| **at < end);
        let rise = within.fold(last - first, |rise, at| rise + samples.values[at - 1]);
        let whole = rise * extrapolation(change, rise, *first, &window);
        if change == Change::PerSecond { whole / windows.seconds() } else { whole }
    })
}

/// Where a counter is lower than before.
fn resets(values: &[f64]) -> Vec<usize> {
    let mut places = Vec::new();
    // Mostly nowhere, which is seen for many values at a time.
    for from in (1..values.len()).step_by(RUN) {
        let (until, mut any) = (values.len().min(from + RUN), false);
        for (before, value) in values[from - 1..until - 1].iter().zip(&values[from..until]) {
            any |= value < before;
        }
        if any {
            places.extend((from..until).filter(|at| values[*at] < values[at - 1]));
        }
    }
    places
}

/// By how much the time that the series is taken to cover is longer than the time between its samples.
fn extrapolation(change: Change, rise: f64, first: f64, window: &Window<'_>) -> f64 {
    let (first_ms, last_ms) = (window.times_ms[0], window.times_ms[window.times_ms.len() - 1]);
    let seconds = |ms: i64| ms as f64 / 1000.0;
    let sampled = seconds(last_ms - first_ms);
    let distance = sampled / (window.times_ms.len() - 1) as f64;
    let to_edge = |gap: f64| if gap >= distance * COVERED_DISTANCES { distance / 2.0 } else { gap };

    let mut to_start = to_edge(seconds(first_ms - window.after_ms));
    // A counter is not taken to have begun below zero.
    if change != Change::Delta && rise > 0.0 && first >= 0.0 {
        to_start = to_start.min(sampled * (first / rise));
    }
    let to_end = to_edge(seconds(window.until_ms - last_ms));
    (sampled + to_start + to_end) / sampled
}

/// The change between the last two samples, per second for a counter; none from fewer.
pub(super) fn of_last_two(window: &Window<'_>, counter: bool) -> f64 {
    let (&[.., before, last], &[.., before_ms, last_ms]) = (window.values, window.times_ms) else {
        return stale_marker();
    };
    let change = if counter && last < before { last } else { last - before };
    if counter { change / ((last_ms - before_ms) as f64 / 1000.0) } else { change }
}
