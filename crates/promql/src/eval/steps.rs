//! The times at which an expression is evaluated, and the window of samples that belongs to each.
use super::budget::Meter;
use crate::ast::{At, Shift, Subquery, WindowMs};
use crate::{Error, Samples, stale_marker};

/// Evenly spaced times, in Unix milliseconds; at least one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) fn time_ms(&self, step: usize) -> i64 {
        self.start_ms.saturating_add(self.step_ms.saturating_mul(step as i64))
    }

    pub(crate) fn times_ms(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.count).map(|step| self.time_ms(step))
    }

    /// The steps at which a subquery's inner expression is evaluated: the multiples of its step that lie in any of
    /// `windows`. None if there is none.
    pub(crate) fn within(windows: &Windows, step_ms: i64) -> Option<Self> {
        let (after_ms, until_ms) = windows.bounds_ms();
        let start_ms = after_ms.div_euclid(step_ms).saturating_add(1).saturating_mul(step_ms);
        let count = usize::try_from(until_ms.checked_sub(start_ms)?.div_euclid(step_ms).saturating_add(1)).ok()?;
        (count > 0).then_some(Self { start_ms, step_ms, count })
    }
}

/// The first and last time of the whole query, which `@ start()` and `@ end()` mean, and its step (zero for one time).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) step_ms: i64,
}

/// For each step the window of samples `after < time <= until`, moving on with the steps or fixed by `@`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    steps: Steps,
    window_ms: i64,
    fixed_ms: Option<i64>,
    offset_ms: i64,
}

/// One step's samples; at least one.
pub(crate) struct Window<'s> {
    pub(crate) step: usize,
    /// Where the window's first sample is in the whole column.
    pub(crate) first: usize,
    pub(crate) times_ms: &'s [i64],
    pub(crate) values: &'s [f64],
    pub(crate) after_ms: i64,
    pub(crate) until_ms: i64,
}

impl Windows {
    pub(crate) fn new(steps: Steps, span: Span, window_ms: WindowMs, shift: Shift) -> Self {
        let fixed_ms = shift.at.map(|at| match at {
            At::Start => span.start_ms,
            At::End => span.end_ms,
            At::Time(time_ms) => time_ms,
        });
        Self { steps, window_ms, fixed_ms, offset_ms: shift.offset_ms }
    }

    /// The windows of a subquery's results.
    pub(crate) fn of_subquery(steps: Steps, span: Span, subquery: &Subquery) -> Self {
        Self::new(steps, span, subquery.window_ms, subquery.shift)
    }

    pub(crate) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Whether `@` fixes the windows, so that every step has the same samples.
    fn is_fixed(&self) -> bool {
        self.fixed_ms.is_some()
    }

    /// Whether every step has the same window.
    pub(crate) fn are_one(&self) -> bool {
        self.is_fixed() || self.steps.count == 1
    }

    fn until_ms(&self, step: usize) -> i64 {
        self.fixed_ms.unwrap_or_else(|| self.steps.time_ms(step)).saturating_sub(self.offset_ms)
    }

    /// The window around all windows, as `(after, until]`.
    pub(crate) fn bounds_ms(&self) -> (i64, i64) {
        (self.until_ms(0).saturating_sub(self.window_ms), self.until_ms(self.steps.count - 1))
    }

    /// Length of a window in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.window_ms as f64 / 1000.0
    }

    /// Sets `out` to one value per step: `f` of the step's window, or none where that is empty. Where all windows are
    /// the same, `f` is asked once.
    pub(crate) fn fill(
        &self,
        samples: Samples<'_>,
        meter: &Meter<'_>,
        out: &mut Vec<f64>,
        mut f: impl FnMut(Window<'_>) -> f64,
    ) -> Result<(), Error> {
        out.clear();
        if self.is_fixed() {
            self.walk(samples, 1, meter, &mut |window| out.push(window.map_or_else(stale_marker, &mut f)))?;
            out.resize(self.steps.count, out.first().copied().unwrap_or_else(stale_marker));
            return Ok(());
        }
        self.walk(samples, self.steps.count, meter, &mut |window| {
            out.push(window.map_or_else(stale_marker, &mut f));
        })
    }

    /// As [`Windows::fill`], for an `f` whose result depends on the step as well as on the window.
    pub(crate) fn fill_by_step(
        &self,
        samples: Samples<'_>,
        meter: &Meter<'_>,
        out: &mut Vec<f64>,
        mut f: impl FnMut(Window<'_>) -> f64,
    ) -> Result<(), Error> {
        out.clear();
        self.walk(samples, self.steps.count, meter, &mut |window| {
            out.push(window.map_or_else(stale_marker, &mut f));
        })
    }

    fn walk(
        &self,
        samples: Samples<'_>,
        count: usize,
        meter: &Meter<'_>,
        visit: &mut impl FnMut(Option<Window<'_>>),
    ) -> Result<(), Error> {
        let times = samples.times_ms;
        let (mut first, mut end) = (Edge::default(), Edge::default());
        for step in 0..count {
            let until_ms = self.until_ms(step);
            let after_ms = until_ms.saturating_sub(self.window_ms);
            let (first, end) = (first.move_to(times, after_ms), end.move_to(times, until_ms));
            meter.work(end - first + 1)?;
            visit((first < end).then(|| Window {
                step,
                first,
                times_ms: &times[first..end],
                values: &samples.values[first..end],
                after_ms,
                until_ms,
            }));
        }
        Ok(())
    }
}

/// One edge of a window that moves over times.
#[derive(Default)]
struct Edge {
    at: usize,
    /// By how much it moved last: samples are mostly evenly spaced, and so are steps.
    moved: usize,
}

impl Edge {
    /// The number of times up to and including `time_ms`, which is never before that of the last call.
    fn move_to(&mut self, times_ms: &[i64], time_ms: i64) -> usize {
        let from = self.at;
        let mut at = (from + self.moved).min(times_ms.len());
        while at > from && times_ms[at - 1] > time_ms {
            at -= 1;
        }
        while at < times_ms.len() && times_ms[at] <= time_ms {
            at += 1;
        }
        (self.at, self.moved) = (at, at - from);
        at
    }
}
