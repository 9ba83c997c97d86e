//! Binary operators: which operands they take, and what they make of two numbers.
use super::{Evaluator, Frame, Sink, Steps};
use crate::ast::{Binary, BinaryOp, Type};
use crate::{Error, stale_marker};

impl Evaluator<'_> {
    pub(super) fn binary_scalar(&self, binary: &Binary, steps: Steps) -> Result<Vec<f64>, Error> {
        let left = self.scalar(&binary.left, steps)?;
        let right = self.scalar(&binary.right, steps)?;
        // Between scalars a comparison needs `bool`, so that there always is a number.
        Ok(left.into_iter().zip(right).map(|(left, right)| binary.apply(left, right, left)).collect())
    }

    pub(super) fn binary_vectors(&self, binary: &Binary, steps: Steps) -> Result<Frame, Error> {
        if binary.op.is_set() { self.set_operation(binary, steps) } else { self.match_vectors(binary, steps) }
    }

    /// One operand is a scalar; a comparison keeps the other's values.
    pub(super) fn binary_with_scalar(&self, binary: &Binary, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        let drops_name = binary.drops_name();
        if binary.left.value_type() == Type::Scalar {
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
    /// Whether the result is no longer what the metric's name says.
    pub(super) fn drops_name(&self) -> bool {
        self.return_bool || !(self.op.is_comparison() || self.op.is_set())
    }

    /// The result of two numbers; of a comparison without `bool`, `kept` where it holds and the stale marker where it
    /// does not.
    pub(super) fn apply(&self, left: f64, right: f64, kept: f64) -> f64 {
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
            // Set operators look at labels only.
            BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => true,
        };
        match (self.return_bool, holds) {
            (true, _) => f64::from(u8::from(holds)),
            (false, true) => kept,
            (false, false) => stale_marker(),
        }
    }
}
