//! Resolution of the durations of a query, once its range is known.
use super::{Expr, VectorSelector};
use crate::error::Error;
use crate::query_range::QueryRange;
use std::borrow::Cow;

impl Expr {
    /// The expression with the value of each duration for a query over `range`.
    ///
    /// # Errors
    /// If a duration is no number, too long, or must be above zero and is not.
    pub(crate) fn with_durations(&self, range: QueryRange) -> Result<Cow<'_, Self>, Error> {
        if !self.has_duration_expressions() {
            return Ok(Cow::Borrowed(self));
        }
        let mut resolved = self.clone();
        resolved.resolve_durations(range)?;
        Ok(Cow::Owned(resolved))
    }

    fn has_duration_expressions(&self) -> bool {
        let has_own = match self {
            Self::VectorSelector(vector) => vector.modifiers.offset.is_expression(),
            Self::MatrixSelector(matrix) => {
                matrix.window.is_expression() || matrix.vector.modifiers.offset.is_expression()
            }
            Self::Subquery(subquery) => {
                let step = subquery.step.as_ref().is_some_and(super::Duration::is_expression);
                step || subquery.window.is_expression() || subquery.modifiers.offset.is_expression()
            }
            _ => false,
        };
        let mut found = has_own;
        self.for_each_child(&mut |child| found = found || child.has_duration_expressions());
        found
    }

    fn resolve_durations(&mut self, range: QueryRange) -> Result<(), Error> {
        match self {
            Self::Number(_) | Self::String(_) => Ok(()),
            Self::VectorSelector(vector) => vector.resolve_offset(range),
            Self::MatrixSelector(matrix) => {
                matrix.window.resolve_positive(range)?;
                matrix.vector.resolve_offset(range)
            }
            Self::Subquery(subquery) => {
                subquery.window.resolve_positive(range)?;
                if let Some(step) = &mut subquery.step {
                    step.resolve_positive(range)?;
                }
                subquery.modifiers.offset.resolve(range)?;
                subquery.inner.resolve_durations(range)
            }
            Self::Call(call) => call.args.iter_mut().try_for_each(|arg| arg.resolve_durations(range)),
            Self::Aggregate(aggregate) => {
                if let Some(param) = &mut aggregate.param {
                    param.resolve_durations(range)?;
                }
                aggregate.inner.resolve_durations(range)
            }
            Self::Binary(binary) => {
                binary.left.resolve_durations(range)?;
                binary.right.resolve_durations(range)
            }
            Self::Negate(inner) | Self::Paren(inner) => inner.resolve_durations(range),
        }
    }
}

impl VectorSelector {
    fn resolve_offset(&mut self, range: QueryRange) -> Result<(), Error> {
        self.modifiers.offset.resolve(range)
    }
}
