//! The change of a series within a window whose edges have a value: `anchored` and `smoothed`. Nothing is extrapolated.
//!
//! Source: `promql/functions.go` of Prometheus 3, `extendedRate` and `pickFirstSampleIndices`.
use super::over_time::prefix_counts;
use super::rate::{Change, reset_indices};
use crate::ast::{Call, Edges, WindowFunction};
use crate::eval::{Extender, WindowedSamples};
use crate::{Error, stale_marker};

/// The change between the edges of each window, with what counters lost at resets.
pub(super) fn change(
    change: Change,
    edges: Edges,
    windowed: WindowedSamples<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    let values = windowed.samples.values;
    let is_counter = change != Change::GaugeDelta;
    let resets = if is_counter { reset_indices(values) } else { Vec::new() };
    let mut passed = 0;
    let mut extender = Extender::new(edges, is_counter, windowed.samples);
    windowed.fill(out, |window| {
        let Some(extended) = extender.extend(&window) else { return stale_marker() };
        let mut result = extended.right - extended.left;
        if is_counter {
            // Resets between two samples within the window, then those between an edge and the sample beside it.
            let inside = extended.inside;
            while resets.get(passed).is_some_and(|reset| *reset <= inside.start) {
                passed += 1;
            }
            let within = resets[passed..].iter().take_while(|reset| **reset < inside.end);
            result += within.map(|reset| values[reset - 1]).sum::<f64>();
            let (first, last) = match values.get(inside) {
                Some([first, .., last]) => (*first, *last),
                Some([only]) => (*only, *only),
                _ => (extended.left, extended.left),
            };
            result += lost(extended.left, first) + lost(last, extended.right);
        }
        if change == Change::CounterRate { result / windowed.window_seconds() } else { result }
    })
}

/// What a counter lost between two values.
fn lost(previous: f64, next: f64) -> f64 {
    if next < previous { previous } else { 0.0 }
}

/// The number of neighbouring values `(previous, value)` that satisfy `counts`, from the sample at or before the start of
/// each window on.
pub(super) fn count_pairs(
    counts: impl Fn(f64, f64) -> bool,
    edges: Edges,
    windowed: WindowedSamples<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    let prefix_counts = prefix_counts(counts, windowed.samples.values);
    let mut extender = Extender::new(edges, false, windowed.samples);
    windowed.fill(out, |window| match extender.extend(&window) {
        Some(extended) => prefix_counts[window.end() - 1] - prefix_counts[extended.first],
        None => stale_marker(),
    })
}

/// Fails if `call` has a range vector with `edges` that its function does not support.
pub(super) fn check_edges(call: &Call, function: Option<WindowFunction>, edges: Edges) -> Result<(), Error> {
    use WindowFunction::{Changes, Delta, Increase, Rate, Resets};
    let (is_supported, names) = match edges {
        Edges::Plain => return Ok(()),
        Edges::Anchored => (
            matches!(function, Some(Changes | Delta | Increase | Rate | Resets)),
            "changes, delta, increase, rate, resets",
        ),
        Edges::Smoothed => (matches!(function, Some(Delta | Increase | Rate)), "delta, increase, rate"),
    };
    if is_supported {
        return Ok(());
    }
    let (modifier, name) = (edges.name(), &call.name);
    Err(Error::Execution(format!("{modifier} modifier can only be used with: {names} - not with {name}")))
}
