//! Operations on each value alone: signs, functions of one number, arithmetic with a scalar.
use super::evaluator::Evaluator;
use super::step_matrix::{Row, Sink, StepMatrix};
use super::steps::Steps;
use crate::ast::Expr;
use crate::{Error, is_stale};

impl Evaluator<'_> {
    /// Streams `inner` with each value replaced by `f(step, value)`; `f` removes a value by the stale marker.
    pub(crate) fn map(
        &self,
        inner: &Expr,
        steps: Steps,
        drops_name: bool,
        f: &mut dyn FnMut(usize, f64) -> f64,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut mapped = |sink: &mut Sink<'_>| {
            self.stream(inner, steps, &mut |row| {
                for (step, value) in row.values.iter_mut().enumerate() {
                    if !is_stale(*value) {
                        *value = f(step, *value);
                    }
                }
                sink(row)
            })
        };
        if drops_name { self.without_names(inner, &mut mapped, sink) } else { mapped(sink) }
    }

    /// Streams `source`, which is computed from `inner`, without metric names. Series are held, to merge them, only if
    /// two series of `inner` may become equal.
    pub(crate) fn without_names(
        &self,
        inner: &Expr,
        source: &mut dyn FnMut(&mut Sink<'_>) -> Result<(), Error>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if inner.is_distinct_without_name() {
            return source(&mut |row| sink(Row { named: false, ..row }));
        }
        let mut matrix = StepMatrix::new(&self.budget);
        source(&mut |row| matrix.push_row(&Row { named: false, ..row }))?;
        matrix.merge_equal_labels()?;
        matrix.stream_into(sink)
    }
}
