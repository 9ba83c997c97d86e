//! `count_values`.
use super::aggregate::param;
use super::evaluator::Evaluator;
use super::label_map::LabelMap;
use super::step_matrix::StepMatrix;
use super::steps::Steps;
use crate::ast::{Aggregate, Grouping, contains_label};
use crate::labels::is_label_name;
use crate::{Error, Labels, is_stale, stale_marker};

impl Evaluator<'_> {
    /// The number of series with each value, which the result has in a label.
    pub(super) fn count_values(&self, aggregate: &Aggregate, steps: Steps) -> Result<StepMatrix, Error> {
        let label = param(aggregate)?.text()?;
        if !is_label_name(label) {
            return Err(Error::Execution(format!("invalid label name {label:?}")));
        }
        // `without` removes the label after it is set.
        let drops_label = matches!(&aggregate.grouping, Grouping::Without(labels) if contains_label(labels, label));
        let mut counts: LabelMap<Vec<f64>> = LabelMap::new();
        let mut charge = self.budget.memory_charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            let group = Labels::from_sorted(row.group_labels(&aggregate.grouping));
            self.budget.count_work(row.values.len() * 64)?;
            for (step, value) in row.values.iter().enumerate().filter(|(_, value)| !is_stale(**value)) {
                let labels = if drops_label { group.clone() } else { group.with(label, &format_decimal(*value)) };
                let values = counts.entry(labels.labels().iter(), |labels| {
                    charge.add_labels(labels)?;
                    charge.add_values(steps.count)?;
                    Ok(vec![stale_marker(); steps.count])
                })?;
                values[step] = if is_stale(values[step]) { 1.0 } else { values[step] + 1.0 };
            }
            Ok(())
        })?;
        let mut result = StepMatrix::new(&self.budget);
        counts.into_iter().try_for_each(|(labels, values)| result.push(labels, values))?;
        Ok(result)
    }
}

/// Formats a value as a label, without an exponent.
fn format_decimal(value: f64) -> String {
    if value.is_infinite() { (if value > 0.0 { "+Inf" } else { "-Inf" }).into() } else { value.to_string() }
}
