//! `and`, `or` and `unless`: values kept or not by whether the other side has a match at the step.
use super::label_map::Groups;
use super::matching::signature;
use super::{Evaluator, Frame, Line, Steps};
use crate::ast::{Binary, BinaryOp, Matching};
use crate::{Error, is_stale, stale_marker};

impl Evaluator<'_> {
    pub(super) fn set_operation(&self, binary: &Binary, steps: Steps) -> Result<Frame, Error> {
        let left = self.frame(&binary.left, steps)?;
        let right = self.frame(&binary.right, steps)?;
        let matching = &binary.matching;
        let mut frame = Frame::new(&self.meter);
        match binary.op {
            BinaryOp::Or => {
                let present = presence(&left.lines, matching, steps)?;
                for line in &left.lines {
                    self.meter.work(steps.count)?;
                    frame.push(line.labels.clone(), line.values.clone())?;
                }
                for line in &right.lines {
                    self.meter.work(steps.count)?;
                    frame.push(
                        line.labels.clone(),
                        masked(line, present.get(&signature(matching, &line.labels)), false),
                    )?;
                }
                // A series may come from the left at some steps and from the right at others.
                frame.merge_equal_labels()?;
            }
            op => {
                let present = presence(&right.lines, matching, steps)?;
                for line in &left.lines {
                    self.meter.work(steps.count)?;
                    let mask = present.get(&signature(matching, &line.labels));
                    frame.push(line.labels.clone(), masked(line, mask, op == BinaryOp::And))?;
                }
            }
        }
        Ok(frame)
    }
}

/// For each signature the steps at which any of `lines` has a value.
fn presence(lines: &[Line], matching: &Matching, steps: Steps) -> Result<Groups<Vec<bool>>, Error> {
    let mut present: Groups<Vec<bool>> = Groups::new();
    for line in lines {
        let flags = present.entry(signature(matching, &line.labels), |_| Ok(vec![false; steps.count]))?;
        for (flag, value) in flags.iter_mut().zip(&line.values) {
            *flag |= !is_stale(*value);
        }
    }
    Ok(present)
}

/// The values of `line` at the steps at which the other side is present, or at those at which it is not.
fn masked(line: &Line, present: Option<&Vec<bool>>, wanted: bool) -> Vec<f64> {
    match present {
        None if wanted => vec![stale_marker(); line.values.len()],
        None => line.values.clone(),
        Some(flags) => line
            .values
            .iter()
            .zip(flags)
            .map(|(value, present)| if *present == wanted { *value } else { stale_marker() })
            .collect(),
    }
}
