//! Properties of expressions that decide how they are evaluated.
use crate::ast::{Aggregate, AggregateOp, Binary, Edges, Expr, Function, Grouping, ValueType, contains_label};
use crate::{Error, METRIC_NAME};

/// The error of an expression of another type. The parser checks types, so it indicates a bug.
pub(crate) fn type_mismatch(expected: ValueType, expr: &Expr) -> Error {
    Error::Execution(format!("expected a {expected:?}, got {expr}"))
}

impl Binary {
    /// Whether both operands are vectors.
    pub(super) fn joins_vectors(&self) -> bool {
        self.left.value_type() == ValueType::Vector && self.right.value_type() == ValueType::Vector
    }

    /// Whether the result is no longer what the metric name describes.
    pub(super) fn drops_name(&self) -> bool {
        self.return_bool || !(self.op.is_comparison() || self.op.is_set_operator())
    }
}

impl Expr {
    /// The text of a string expression.
    pub(crate) fn text(&self) -> Result<&str, Error> {
        match self.without_parens() {
            Self::String(text) => Ok(text),
            other => Err(type_mismatch(ValueType::String, other)),
        }
    }

    /// How a range vector knows the values at the edges of its windows.
    pub(crate) fn edges(&self) -> Edges {
        match self.without_parens() {
            Self::MatrixSelector(matrix) => matrix.vector.edges,
            _ => Edges::Plain,
        }
    }

    /// Whether the series can be passed on one by one, without holding all of them.
    pub(super) fn streams(&self) -> bool {
        match self {
            Self::VectorSelector(_) | Self::Negate(_) | Self::Paren(_) => true,
            Self::Binary(binary) => !binary.joins_vectors(),
            Self::Call(call) => call.function.streams(),
            Self::Number(_) | Self::String(_) | Self::MatrixSelector(_) | Self::Subquery(_) | Self::Aggregate(_) => {
                false
            }
        }
    }

    /// Whether label sets stay distinct if the metric name is removed from each.
    pub(crate) fn is_distinct_without_name(&self) -> bool {
        match self {
            Self::VectorSelector(vector) => vector.single_metric_name().is_some(),
            Self::MatrixSelector(matrix) => matrix.vector.single_metric_name().is_some(),
            Self::Subquery(subquery) => subquery.inner.is_distinct_without_name(),
            Self::Negate(_) => true,
            Self::Paren(inner) => inner.is_distinct_without_name(),
            Self::Call(call) => match call.function {
                Function::OverWindow(function) if function.keeps_name() => {
                    call.args.iter().all(Self::is_distinct_without_name)
                }
                Function::LabelReplace | Function::LabelJoin | Function::Sort { .. } => false,
                _ => true,
            },
            Self::Binary(binary) => binary.drops_name(),
            Self::Aggregate(Aggregate { op, grouping, inner, .. }) => match (op, grouping) {
                (AggregateOp::Topk | AggregateOp::Bottomk, _) => inner.is_distinct_without_name(),
                (AggregateOp::CountValues, _) => false,
                (_, Grouping::By(labels)) => !contains_label(labels, METRIC_NAME),
                (_, Grouping::Without(_)) => true,
            },
            Self::Number(_) | Self::String(_) => true,
        }
    }

    /// Whether the series of an instant query come in an order of their own.
    pub(super) fn is_ordered(&self) -> bool {
        match self {
            Self::Aggregate(aggregate) => matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk),
            Self::Call(call) => match call.function {
                Function::Sort { .. } => true,
                function if function.is_elementwise() => call.args.first().is_some_and(Self::is_ordered),
                _ => false,
            },
            Self::Binary(binary) if !binary.joins_vectors() => binary.left.is_ordered() || binary.right.is_ordered(),
            Self::Negate(inner) | Self::Paren(inner) => inner.is_ordered(),
            _ => false,
        }
    }
}
