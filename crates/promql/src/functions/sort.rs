//! `sort` and `sort_desc`.
use crate::Error;
use crate::ast::Expr;
use crate::eval::{Evaluator, StepMatrix, Steps};

impl Evaluator<'_> {
    /// Sorts by the value of the only step, NaN last. The series of a range query are always sorted by labels.
    pub(super) fn sort(&self, expr: &Expr, descending: bool, steps: Steps) -> Result<StepMatrix, Error> {
        let mut result = self.collect(&mut |sink| self.stream(expr, steps, sink))?;
        result.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        if steps.count == 1 {
            result.series.sort_by(|a, b| {
                let (a, b) = (a.values[0], b.values[0]);
                let order = if descending { b.total_cmp(&a) } else { a.total_cmp(&b) };
                a.is_nan().cmp(&b.is_nan()).then(order)
            });
        }
        Ok(result)
    }
}
