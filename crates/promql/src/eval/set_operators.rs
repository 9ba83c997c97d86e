//! The set operators `and`, `or` and `unless`.
use super::evaluator::Evaluator;
use super::label_map::LabelMap;
use super::matching::signature;
use super::step_matrix::{StepMatrix, StepSeries};
use super::steps::Steps;
use crate::ast::{Binary, BinaryOp, Matching};
use crate::{Error, is_stale, stale_marker};

impl Evaluator<'_> {
    pub(super) fn set_operation(&self, binary: &Binary, steps: Steps) -> Result<StepMatrix, Error> {
        let left = self.matrix(&binary.left, steps)?;
        let right = self.matrix(&binary.right, steps)?;
        let matching = &binary.matching;
        let mut result = StepMatrix::new(&self.budget);
        if binary.op == BinaryOp::Or {
            let presence = presence(&left.series, matching, steps)?;
            for series in &left.series {
                self.budget.count_work(steps.count)?;
                result.push(series.labels.clone(), series.values.clone())?;
            }
            for series in &right.series {
                self.budget.count_work(steps.count)?;
                let present = presence.get(&signature(matching, &series.labels));
                result.push(series.labels.clone(), filtered(series, present, false))?;
            }
            // A series may come from the left at some steps and from the right at others.
            result.merge_equal_labels()?;
        } else {
            let presence = presence(&right.series, matching, steps)?;
            for series in &left.series {
                self.budget.count_work(steps.count)?;
                let present = presence.get(&signature(matching, &series.labels));
                result.push(series.labels.clone(), filtered(series, present, binary.op == BinaryOp::And))?;
            }
        }
        Ok(result)
    }
}

/// For each signature, whether any of its series has a value at each step.
fn presence(series: &[StepSeries], matching: &Matching, steps: Steps) -> Result<LabelMap<Vec<bool>>, Error> {
    let mut presence: LabelMap<Vec<bool>> = LabelMap::new();
    for series in series {
        let present = presence.entry(signature(matching, &series.labels), |_| Ok(vec![false; steps.count]))?;
        for (present, value) in present.iter_mut().zip(&series.values) {
            *present |= !is_stale(*value);
        }
    }
    Ok(presence)
}

/// The values of `series` at the steps at which the presence of the other side is `wanted`.
fn filtered(series: &StepSeries, present: Option<&Vec<bool>>, wanted: bool) -> Vec<f64> {
    match present {
        None if wanted => vec![stale_marker(); series.values.len()],
        None => series.values.clone(),
        Some(present) => series
            .values
            .iter()
            .zip(present)
            .map(|(value, present)| if *present == wanted { *value } else { stale_marker() })
            .collect(),
    }
}
