//! Selectors and subqueries: the places where samples come in.
use super::{Evaluator, Row, Sink, Steps, Windows, mistyped};
use crate::ast::{Expr, Select, Subquery, Type};
use crate::{Error, Labels, METRIC_NAME, MatchOp, Samples, is_stale, stale_marker};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Who takes the samples of a range vector: labels, whether the metric's name counts among them, samples without stale
/// markers, and their windows.
pub(crate) type SamplesSink<'s> = dyn FnMut(&Labels, bool, Samples<'_>, &Windows) -> Result<(), Error> + 's;

/// Which samples of a window matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Needed {
    All,
    /// The last one that is no stale marker, and what follows it.
    Latest,
}

impl Evaluator<'_> {
    /// The latest sample at each step.
    pub(super) fn stream_select(&self, select: &Select, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        self.latest(select, steps, &mut |_, value| value, sink)
    }

    /// The time of the latest sample at each step, in seconds.
    pub(crate) fn stream_timestamps(&self, select: &Select, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        self.latest(select, steps, &mut |time_ms, _| time_ms as f64 / 1000.0, sink)
    }

    fn latest(
        &self,
        select: &Select,
        steps: Steps,
        pick: &mut dyn FnMut(i64, f64) -> f64,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let windows = Windows::new(steps, self.span, self.options.lookback_ms, select.shift);
        let mut out = Vec::with_capacity(steps.count);
        self.each_stored(select, &windows, Needed::Latest, &mut |labels, column| {
            windows.fill(column, &self.meter, &mut out, |window| {
                match (window.times_ms.last(), window.values.last()) {
                    (Some(time_ms), Some(value)) if !is_stale(*value) => pick(*time_ms, *value),
                    _ => stale_marker(),
                }
            })?;
            sink(Row { labels, named: true, values: &mut out })
        })
    }

    /// Hands the samples of each series of a range vector expression to `visit`, at least those that are `needed`.
    pub(crate) fn each_samples(
        &self,
        expr: &Expr,
        steps: Steps,
        needed: Needed,
        visit: &mut SamplesSink<'_>,
    ) -> Result<(), Error> {
        match expr.unwrapped() {
            Expr::Window(select, window_ms) => {
                let windows = Windows::new(steps, self.span, *window_ms, select.shift);
                let mut present = Present::default();
                self.each_stored(select, &windows, needed, &mut |labels, column| {
                    visit(labels, true, present.of(column), &windows)
                })
            }
            Expr::Subquery(subquery) => self.each_of_subquery(subquery, steps, visit),
            other => Err(mistyped(Type::Matrix, other)),
        }
    }

    fn each_of_subquery(&self, subquery: &Subquery, steps: Steps, visit: &mut SamplesSink<'_>) -> Result<(), Error> {
        let windows = Windows::of_subquery(steps, self.span, subquery);
        let step_ms = subquery.step_ms.unwrap_or(self.options.default_subquery_step_ms);
        let Some(inner) = Steps::within(&windows, step_ms) else { return Ok(()) };
        let mut charge = self.meter.charge();
        charge.values(inner.count)?;
        let times_ms: Vec<i64> = inner.times_ms().collect();
        let mut present = Present::default();
        self.stream(&subquery.inner, inner, &mut |row| {
            self.meter.samples(row.values.len())?;
            let column = Samples { times_ms: &times_ms, values: row.values };
            visit(row.labels, row.named, present.of(column), &windows)
        })
    }

    fn each_stored(
        &self,
        select: &Select,
        windows: &Windows,
        needed: Needed,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (after_ms, until_ms) = windows.bounds_ms();
        let mut outcome = Ok(());
        let visit = &mut |labels: &Labels, column: Samples<'_>| {
            outcome = self.meter.samples(column.times_ms.len()).and_then(|()| visit(labels, column));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        if needed == Needed::Latest && windows.are_one() {
            self.storage.select_latest(&select.selector, after_ms, until_ms, visit)?;
        } else {
            self.storage.select(&select.selector, after_ms, until_ms, visit)?;
        }
        outcome
    }
}

/// Room for a column's samples that are no stale markers.
#[derive(Default)]
struct Present {
    times_ms: Vec<i64>,
    values: Vec<f64>,
}

impl Present {
    fn of<'s>(&'s mut self, column: Samples<'s>) -> Samples<'s> {
        // Without a way out in between, many values are compared at a time.
        if !column.values.iter().fold(false, |any, value| any | is_stale(*value)) {
            return column;
        }
        self.times_ms.clear();
        self.values.clear();
        for (time_ms, value) in column.times_ms.iter().zip(column.values) {
            if !is_stale(*value) {
                self.times_ms.push(*time_ms);
                self.values.push(*value);
            }
        }
        Samples { times_ms: &self.times_ms, values: &self.values }
    }
}

/// The labels that `absent` and `absent_over_time` can tell from what was asked: those compared with `=`, unless another
/// matcher of the same label follows.
pub(crate) fn absent_labels(expr: &Expr) -> Labels {
    let select = match expr.unwrapped() {
        Expr::Select(select) | Expr::Window(select, _) => select,
        _ => return Labels::default(),
    };
    let [matchers] = select.selector.any_of.as_slice() else { return Labels::default() };
    let mut known: HashMap<&str, &str> = HashMap::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name != METRIC_NAME) {
        let is_new = !known.contains_key(matcher.name.as_str());
        let value = if is_new && matches!(matcher.op, MatchOp::Equal) { matcher.value.as_str() } else { "" };
        // An empty value is left out of the labels, but it remembers that the label was met, unless by no `=` yet.
        if !is_new || matches!(matcher.op, MatchOp::Equal) {
            known.insert(&matcher.name, value);
        }
    }
    Labels::from_pairs(known)
}
