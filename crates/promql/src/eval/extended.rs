//! Windows whose edges have a value: the modifiers `anchored` and `smoothed`.
//!
//! Source: `promql/functions.go` of Prometheus 3, `extendedRate`, and `promql/engine.go`, `extendFloats`.
use super::windows::{Edge, Window};
use crate::Samples;
use crate::ast::Edges;
use std::ops::Range;

/// A window with the values at its edges.
pub(crate) struct ExtendedWindow {
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// The index of the sample at or before the start; without one, of the first sample.
    pub(crate) first: usize,
    /// The indices of the samples strictly between start and end.
    pub(crate) inside: Range<usize>,
}

/// Extends the windows of one series, which come in ascending order.
pub(crate) struct Extender<'s> {
    edges: Edges,
    /// Whether values between two samples of which the second is lower rise from zero.
    is_counter: bool,
    samples: Samples<'s>,
    start: Edge,
    end: Edge,
}

impl<'s> Extender<'s> {
    pub(crate) fn new(edges: Edges, is_counter: bool, samples: Samples<'s>) -> Self {
        Self { edges, is_counter, samples, start: Edge::default(), end: Edge::default() }
    }

    /// The values at the edges of `window`. Returns `None` if no sample is after its start, or with `smoothed` if all
    /// samples are after its end.
    pub(crate) fn extend(&mut self, window: &Window<'_>) -> Option<ExtendedWindow> {
        let Samples { times_ms, values } = self.samples;
        let last = window.end() - 1;
        let after_start = self.start.move_to(times_ms, window.after_ms);
        if after_start > last {
            return None;
        }
        let first = after_start.saturating_sub(1).max(window.first);
        // The number of samples before the end.
        let inside_end = self.end.move_to(times_ms, window.until_ms.saturating_sub(1));
        let (left, right) = if self.edges == Edges::Smoothed {
            if times_ms[first] > window.until_ms {
                return None;
            }
            let left = if times_ms[first] < window.after_ms {
                self.value_between(first, window.after_ms)
            } else {
                values[first]
            };
            let last = inside_end.min(last);
            let right = if times_ms[last] > window.until_ms {
                self.value_between(last - 1, window.until_ms)
            } else {
                values[last]
            };
            (left, right)
        } else {
            (values[first], values[last])
        };
        Some(ExtendedWindow { left, right, first, inside: after_start..inside_end.max(after_start) })
    }

    /// The value at `time_ms`, between the sample at `index` and the next one.
    fn value_between(&self, index: usize, time_ms: i64) -> f64 {
        let Samples { times_ms, values } = self.samples;
        let (mut from, to) = (values[index], values[index + 1]);
        if self.is_counter && to < from {
            from = 0.0;
        }
        interpolate((times_ms[index], from), (times_ms[index + 1], to), time_ms)
    }
}

/// The value at `time_ms` on the line through two samples.
pub(super) fn interpolate(from: (i64, f64), to: (i64, f64), time_ms: i64) -> f64 {
    from.1 + (to.1 - from.1) * (time_ms - from.0) as f64 / (to.0 - from.0) as f64
}
