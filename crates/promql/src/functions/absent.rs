//! `absent` and `absent_over_time`.
use super::extended_rate::check_edges;
use crate::ast::{Call, ValueType};
use crate::eval::{Evaluator, SamplesNeeded, StepMatrix, Steps, absent_labels};
use crate::{Error, is_stale, stale_marker};

impl Evaluator<'_> {
    /// One series of ones at the steps at which the argument has no value.
    pub(super) fn absent(&self, call: &Call, steps: Steps) -> Result<StepMatrix, Error> {
        let expr = call.arg(0)?;
        let mut absent = vec![1.0; steps.count];
        let mut mark_present = |values: &[f64]| {
            for (absent, value) in absent.iter_mut().zip(values) {
                if !is_stale(*value) {
                    *absent = stale_marker();
                }
            }
        };
        if expr.value_type() == ValueType::Vector {
            self.stream(expr, steps, &mut |row| {
                mark_present(row.values);
                Ok(())
            })?;
        } else {
            check_edges(call, None, expr.edges())?;
            let mut present = Vec::with_capacity(steps.count);
            self.stream_windows(expr, steps, SamplesNeeded::Latest, &mut |series| {
                series.samples.fill(&mut present, |_| 1.0)?;
                mark_present(&present);
                Ok(())
            })?;
        }
        let mut result = StepMatrix::new(&self.budget);
        result.push(absent_labels(expr), absent)?;
        Ok(result)
    }
}
