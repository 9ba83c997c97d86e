//! Selectors and subqueries, which read samples.
use super::evaluator::Evaluator;
use super::extended::interpolate;
use super::properties::type_mismatch;
use super::step_matrix::{Row, Sink};
use super::steps::Steps;
use super::windows::{Edge, Window, WindowedSamples, Windows};
use crate::ast::{Edges, Expr, Subquery, ValueType, VectorSelector};
use crate::{Error, Labels, Samples, is_stale, stale_marker};
use std::ops::ControlFlow;

/// One series of a range vector, without stale markers.
pub(crate) struct WindowedSeries<'w> {
    pub(crate) labels: &'w Labels,
    /// Whether the metric name counts as part of `labels`.
    pub(crate) named: bool,
    pub(crate) samples: WindowedSamples<'w>,
}

/// A consumer of the series of a range vector.
pub(crate) type WindowedSink<'s> = dyn FnMut(WindowedSeries<'_>) -> Result<(), Error> + 's;

/// The samples of a window that its consumer needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SamplesNeeded {
    All,
    /// The last one that is not a stale marker, and those after it.
    Latest,
}

impl Evaluator<'_> {
    /// Streams the latest value at each step.
    pub(super) fn stream_values(
        &self,
        vector: &VectorSelector,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if vector.edges == Edges::Smoothed {
            return self.stream_smoothed(vector, steps, sink);
        }
        self.stream_latest(vector, steps, &mut |_, value| value, sink)
    }

    /// Streams the value at each step, interpolated between the samples around it.
    fn stream_smoothed(&self, vector: &VectorSelector, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let lookback_ms = self.options.lookback_ms;
        let windows = Windows::new(steps, self.query_range, lookback_ms, &vector.modifiers);
        let windows = windows.with_edges(Edges::Smoothed, lookback_ms);
        let mut out = Vec::with_capacity(steps.count);
        let mut filter = StaleFilter::default();
        self.for_each_stored(vector, &windows, SamplesNeeded::All, &mut |labels, samples| {
            let samples = filter.apply(samples);
            let mut until = Edge::default();
            self.windowed(samples, &windows).fill(&mut out, |window| {
                let index = until.move_to(samples.times_ms, window.until_ms);
                interpolated(&window, index.saturating_sub(window.first)).unwrap_or_else(stale_marker)
            })?;
            sink(Row { labels, named: true, values: &mut out })
        })
    }

    /// Streams the time of the latest sample at each step, in seconds.
    pub(crate) fn stream_timestamps(
        &self,
        vector: &VectorSelector,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        self.stream_latest(vector, steps, &mut |time_ms, _| time_ms as f64 / 1000.0, sink)
    }

    fn stream_latest(
        &self,
        vector: &VectorSelector,
        steps: Steps,
        value_of: &mut dyn FnMut(i64, f64) -> f64,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let windows = Windows::new(steps, self.query_range, self.options.lookback_ms, &vector.modifiers).of_latest();
        let mut out = Vec::with_capacity(steps.count);
        self.for_each_stored(vector, &windows, SamplesNeeded::Latest, &mut |labels, samples| {
            self.windowed(samples, &windows).fill(&mut out, |window| {
                match (window.times_ms.last(), window.values.last()) {
                    (Some(time_ms), Some(value)) if !is_stale(*value) => value_of(*time_ms, *value),
                    _ => stale_marker(),
                }
            })?;
            sink(Row { labels, named: true, values: &mut out })
        })
    }

    /// Passes each series of a range vector to `sink`, with at least the samples that are `needed`.
    pub(crate) fn stream_windows(
        &self,
        expr: &Expr,
        steps: Steps,
        needed: SamplesNeeded,
        sink: &mut WindowedSink<'_>,
    ) -> Result<(), Error> {
        match expr.without_parens() {
            Expr::MatrixSelector(matrix) => {
                let (window_ms, vector) = (matrix.window.ms, &matrix.vector);
                let windows = Windows::new(steps, self.query_range, window_ms, &vector.modifiers)
                    .with_edges(vector.edges, self.options.lookback_ms);
                let mut filter = StaleFilter::default();
                self.for_each_stored(vector, &windows, needed, &mut |labels, samples| {
                    let samples = self.windowed(filter.apply(samples), &windows);
                    sink(WindowedSeries { labels, named: true, samples })
                })
            }
            Expr::Subquery(subquery) => self.stream_subquery(subquery, steps, sink),
            other => Err(type_mismatch(ValueType::Matrix, other)),
        }
    }

    fn stream_subquery(&self, subquery: &Subquery, steps: Steps, sink: &mut WindowedSink<'_>) -> Result<(), Error> {
        let windows = Windows::of_subquery(steps, self.query_range, subquery);
        let step_ms = subquery.step.as_ref().map_or(self.options.default_subquery_step_ms, |step| step.ms);
        let Some(inner) = windows.subquery_steps(step_ms) else { return Ok(()) };
        let mut charge = self.budget.memory_charge();
        charge.add_values(inner.count)?;
        let times_ms: Vec<i64> = inner.times_ms().collect();
        let mut filter = StaleFilter::default();
        self.stream(&subquery.inner, inner, &mut |row| {
            self.budget.count_samples(row.values.len())?;
            let samples = Samples { times_ms: &times_ms, values: row.values };
            let samples = self.windowed(filter.apply(samples), &windows);
            sink(WindowedSeries { labels: row.labels, named: row.named, samples })
        })
    }

    fn windowed<'w>(&'w self, samples: Samples<'w>, windows: &'w Windows) -> WindowedSamples<'w> {
        WindowedSamples { samples, windows, budget: &self.budget }
    }

    fn for_each_stored(
        &self,
        vector: &VectorSelector,
        windows: &Windows,
        needed: SamplesNeeded,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (after_ms, until_ms) = windows.bounds_ms();
        let mut outcome = Ok(());
        let visit = &mut |labels: &Labels, samples: Samples<'_>| {
            outcome = self.budget.count_read(samples.times_ms.len()).and_then(|()| visit(labels, samples));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        if needed == SamplesNeeded::Latest && windows.is_single() {
            self.storage.select_latest(&vector.selector, after_ms, until_ms, visit)?;
        } else {
            self.storage.select(&vector.selector, after_ms, until_ms, visit)?;
        }
        self.storage.notices(after_ms, until_ms).iter().for_each(|notice| self.annotations.notice(notice));
        outcome
    }
}

/// The value at the end of a window, of whose samples `before` are not after it: interpolated with the one that follows,
/// or the last one if none follows. Returns `None` if there is no sample before.
fn interpolated(window: &Window<'_>, before: usize) -> Option<f64> {
    let previous = before.checked_sub(1)?;
    let (time_ms, value) = (*window.times_ms.get(previous)?, *window.values.get(previous)?);
    match (window.times_ms.get(before), window.values.get(before)) {
        (Some(next_ms), Some(next)) if time_ms < window.until_ms => {
            Some(interpolate((time_ms, value), (*next_ms, *next), window.until_ms))
        }
        _ => Some(value),
    }
}

/// Removes stale markers, with a buffer that series share.
#[derive(Default)]
struct StaleFilter {
    times_ms: Vec<i64>,
    values: Vec<f64>,
}

impl StaleFilter {
    fn apply<'s>(&'s mut self, samples: Samples<'s>) -> Samples<'s> {
        // Without an early exit, the comparison is vectorised.
        if !samples.values.iter().fold(false, |any, value| any | is_stale(*value)) {
            return samples;
        }
        self.times_ms.clear();
        self.values.clear();
        for (time_ms, value) in samples.times_ms.iter().zip(samples.values) {
            if !is_stale(*value) {
                self.times_ms.push(*time_ms);
                self.values.push(*value);
            }
        }
        Samples { times_ms: &self.times_ms, values: &self.values }
    }
}
