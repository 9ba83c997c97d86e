//! The windows of samples that steps look back over.
use super::budget::Budget;
use super::steps::{QueryRange, Steps};
use crate::ast::{At, Edges, Subquery, TimeModifiers};
use crate::{Error, Samples, stale_marker};

/// The window `after < time <= until` of each step, which moves with the steps unless `@` fixes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    steps: Steps,
    window_ms: i64,
    fixed_ms: Option<i64>,
    offset_ms: i64,
    /// How far before the window samples count too, for the value at its start.
    before_ms: i64,
    /// How far after the window samples count too, for the value at its end.
    after_ms: i64,
    /// Whether only the last sample counts as loaded.
    is_latest: bool,
}

impl Windows {
    pub(crate) fn new(steps: Steps, query_range: QueryRange, window_ms: i64, modifiers: &TimeModifiers) -> Self {
        let fixed_ms = modifiers.at.map(|at| match at {
            At::Start => query_range.start_ms,
            At::End => query_range.end_ms,
            At::TimeMs(time_ms) => time_ms,
        });
        Self { steps, window_ms, fixed_ms, offset_ms: modifiers.offset.ms, before_ms: 0, after_ms: 0, is_latest: false }
    }

    /// The windows of an instant vector, which loads one sample for each step.
    pub(crate) fn of_latest(self) -> Self {
        Self { is_latest: true, ..self }
    }

    /// The windows with the samples around them that a selector with these `edges` needs.
    pub(crate) fn with_edges(self, edges: Edges, lookback_ms: i64) -> Self {
        let (before_ms, after_ms) = match edges {
            Edges::Plain => (0, 0),
            Edges::Anchored => (lookback_ms, 0),
            Edges::Smoothed => (lookback_ms, lookback_ms),
        };
        Self { before_ms, after_ms, ..self }
    }

    /// The windows over the results of a subquery.
    pub(crate) fn of_subquery(steps: Steps, query_range: QueryRange, subquery: &Subquery) -> Self {
        Self::new(steps, query_range, subquery.window.ms, &subquery.modifiers)
    }

    /// The steps at which the inner expression of a subquery is evaluated: the multiples of `step_ms` within the windows.
    /// Returns `None` if there are none.
    pub(crate) fn subquery_steps(&self, step_ms: i64) -> Option<Steps> {
        let (after_ms, until_ms) = self.bounds_ms();
        let start_ms = after_ms.div_euclid(step_ms).saturating_add(1).saturating_mul(step_ms);
        let count = usize::try_from(until_ms.checked_sub(start_ms)?.div_euclid(step_ms).saturating_add(1)).ok()?;
        (count > 0).then_some(Steps { start_ms, step_ms, count })
    }

    /// Whether `@` fixes the window, so that every step has the same samples.
    fn is_fixed(&self) -> bool {
        self.fixed_ms.is_some()
    }

    /// Whether all steps have the same window.
    pub(crate) fn is_single(&self) -> bool {
        self.is_fixed() || self.steps.count == 1
    }

    fn until_ms(&self, step: usize) -> i64 {
        self.fixed_ms.unwrap_or_else(|| self.steps.time_ms(step)).saturating_sub(self.offset_ms)
    }

    /// The smallest `(after, until]` that covers all windows, with the samples around them that count too.
    pub(crate) fn bounds_ms(&self) -> (i64, i64) {
        let (first_ms, last_ms) = (self.until_ms(0), self.until_ms(self.steps.count - 1));
        let after_ms = first_ms.saturating_sub(self.window_ms).saturating_sub(self.before_ms);
        (after_ms, last_ms.saturating_add(self.after_ms))
    }
}

/// The samples of one series, divided into windows.
#[derive(Clone, Copy)]
pub(crate) struct WindowedSamples<'w> {
    pub(crate) samples: Samples<'w>,
    pub(super) windows: &'w Windows,
    pub(super) budget: &'w Budget<'w>,
}

/// The samples of one step, with those around the window that count too; at least one.
pub(crate) struct Window<'s> {
    pub(crate) step: usize,
    /// The index of the first sample in the samples of the series.
    pub(crate) first: usize,
    pub(crate) times_ms: &'s [i64],
    pub(crate) values: &'s [f64],
    /// The window without the samples around it is `after < time <= until`.
    pub(crate) after_ms: i64,
    pub(crate) until_ms: i64,
}

impl Window<'_> {
    /// The index after the last sample in the samples of the series.
    pub(crate) fn end(&self) -> usize {
        self.first + self.values.len()
    }
}

impl<'w> WindowedSamples<'w> {
    pub(crate) fn steps(&self) -> &'w Steps {
        &self.windows.steps
    }

    /// The length of a window in seconds.
    pub(crate) fn window_seconds(&self) -> f64 {
        self.windows.window_ms as f64 / 1000.0
    }

    /// Sets `out` to one value per step: `f` of the window, or the stale marker if the window is empty. If all steps have
    /// the same window, `f` is called once.
    pub(crate) fn fill(&self, out: &mut Vec<f64>, mut f: impl FnMut(Window<'_>) -> f64) -> Result<(), Error> {
        out.clear();
        if self.windows.is_fixed() {
            self.for_each_window(1, &mut |window| out.push(window.map_or_else(stale_marker, &mut f)))?;
            out.resize(self.windows.steps.count, out.first().copied().unwrap_or_else(stale_marker));
            return Ok(());
        }
        self.fill_by_step(out, f)
    }

    /// Like [`WindowedSamples::fill`], for an `f` whose result also depends on the step.
    pub(crate) fn fill_by_step(&self, out: &mut Vec<f64>, mut f: impl FnMut(Window<'_>) -> f64) -> Result<(), Error> {
        out.clear();
        self.for_each_window(self.windows.steps.count, &mut |window| {
            out.push(window.map_or_else(stale_marker, &mut f));
        })
    }

    fn for_each_window(&self, count: usize, visit: &mut impl FnMut(Option<Window<'_>>)) -> Result<(), Error> {
        let Samples { times_ms, values } = self.samples;
        let (mut first, mut end) = (Edge::default(), Edge::default());
        let mut loaded = 0;
        for step in 0..count {
            let until_ms = self.windows.until_ms(step);
            let after_ms = until_ms.saturating_sub(self.windows.window_ms);
            let first = first.move_to(times_ms, after_ms.saturating_sub(self.windows.before_ms));
            let end = end.move_to(times_ms, until_ms.saturating_add(self.windows.after_ms));
            self.budget.count_work(end - first + 1)?;
            loaded += if self.windows.is_latest { (end - first).min(1) } else { end - first };
            visit((first < end).then(|| Window {
                step,
                first,
                times_ms: &times_ms[first..end],
                values: &values[first..end],
                after_ms,
                until_ms,
            }));
        }
        self.budget.count_loaded(loaded);
        Ok(())
    }
}

/// An edge of a window that moves over sample times.
#[derive(Default)]
pub(crate) struct Edge {
    index: usize,
    /// The distance of the last move, a good guess for the next one, as samples and steps are mostly evenly spaced.
    last_move: usize,
}

impl Edge {
    /// The number of samples up to and including `time_ms`, which must not decrease between calls.
    pub(crate) fn move_to(&mut self, times_ms: &[i64], time_ms: i64) -> usize {
        let from = self.index;
        let mut index = (from + self.last_move).min(times_ms.len());
        while index > from && times_ms[index - 1] > time_ms {
            index -= 1;
        }
        while index < times_ms.len() && times_ms[index] <= time_ms {
            index += 1;
        }
        (self.index, self.last_move) = (index, index - from);
        index
    }
}
