//! What happens to each value on its own: signs, functions of one number, arithmetic with a number.
use super::{Evaluator, Frame, Row, Sink, Steps};
use crate::ast::Expr;
use crate::{Error, is_stale};

impl Evaluator<'_> {
    /// Streams `inner` with `f(step, value)` in the place of each value; `f` may give the stale marker for none.
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

    /// Streams `source`, made from `inner`, without metric names. Only where two series of `inner` may become one by
    /// that are they kept, to be joined.
    pub(crate) fn without_names(
        &self,
        inner: &Expr,
        source: &mut dyn FnMut(&mut Sink<'_>) -> Result<(), Error>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if inner.is_distinct_without_name() {
            return source(&mut |row| sink(Row { named: false, ..row }));
        }
        let mut frame = Frame::new(&self.meter);
        source(&mut |row| frame.push_row(&Row { named: false, ..row }))?;
        frame.merge_equal_labels()?;
        frame.drain(sink)
    }
}
