//! Binary operators: their operands, and their result for two numbers.
use super::evaluator::Evaluator;
use super::step_matrix::{Sink, StepMatrix};
use super::steps::Steps;
use crate::ast::{Binary, BinaryOp, ValueType};
use crate::{Error, stale_marker};

impl Evaluator<'_> {
    pub(super) fn binary_scalar(&self, binary: &Binary, steps: Steps) -> Result<Vec<f64>, Error> {
        let left = self.scalar(&binary.left, steps)?;
        let right = self.scalar(&binary.right, steps)?;
        // Comparisons between scalars require `bool`, so there is always a number.
        Ok(left.into_iter().zip(right).map(|(left, right)| binary.apply(left, right, left)).collect())
    }

    pub(super) fn binary_vectors(&self, binary: &Binary, steps: Steps) -> Result<StepMatrix, Error> {
        if binary.op.is_set_operator() { self.set_operation(binary, steps) } else { self.match_vectors(binary, steps) }
    }

    /// An operation between a vector and a scalar. A comparison keeps values of the vector.
    pub(super) fn binary_with_scalar(&self, binary: &Binary, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let drops_name = binary.drops_name();
        if binary.left.value_type() == ValueType::Scalar {
            let left = self.scalar(&binary.left, steps)?;
            let apply = &mut |step: usize, right| binary.apply(left[step], right, right);
            self.map(&binary.right, steps, drops_name, apply, sink)
        } else {
            let right = self.scalar(&binary.right, steps)?;
            let apply = &mut |step: usize, left| binary.apply(left, right[step], left);
            self.map(&binary.left, steps, drops_name, apply, sink)
        }
    }
}

impl Binary {
    /// The result for two numbers. A comparison without `bool` returns `filtered` if it holds, otherwise the stale marker.
    pub(super) fn apply(&self, left: f64, right: f64, filtered: f64) -> f64 {
        let holds = match self.op {
            BinaryOp::Add => return left + right,
            BinaryOp::Sub => return left - right,
            BinaryOp::Mul => return left * right,
            BinaryOp::Div => return left / right,
            BinaryOp::Mod => return left % right,
            BinaryOp::Pow => return left.powf(right),
            BinaryOp::Atan2 => return left.atan2(right),
            BinaryOp::Equal => left == right,
            BinaryOp::NotEqual => left != right,
            BinaryOp::Greater => left > right,
            BinaryOp::Less => left < right,
            BinaryOp::GreaterOrEqual => left >= right,
            BinaryOp::LessOrEqual => left <= right,
            // Set operators only compare labels.
            BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => true,
        };
        match (self.return_bool, holds) {
            (true, _) => f64::from(u8::from(holds)),
            (false, true) => filtered,
            (false, false) => stale_marker(),
        }
    }
}
