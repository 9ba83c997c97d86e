//! Aggregations, and lists of label names.
use super::cursor::Parser;
use super::lexer::TokenKind;
use crate::ast::{Aggregate, AggregateOp, Expr, Grouping, ValueType};
use crate::error::Error;

impl Parser<'_, '_, '_> {
    /// An aggregation whose operator is the next token, `name` in lower case. Returns `None` if that is no aggregation.
    pub(super) fn aggregation(&mut self, name: &str) -> Result<Option<Expr>, Error> {
        let position = self.position();
        let Some(op) = AggregateOp::by_name(name) else {
            return match name {
                "limitk" | "limit_ratio" => {
                    Err(Error::Unsupported(format!("the aggregation {name} (experimental in Prometheus)")))
                }
                _ => Ok(None),
            };
        };
        self.advance();
        let before = self.grouping()?;
        let args = self.arguments()?;
        let grouping = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or(Grouping::By(Vec::new())),
        };
        let param_type = op.param_type();
        let (expected, got) = (1 + usize::from(param_type.is_some()), args.len());
        if got != expected {
            let message = "wrong number of arguments for aggregate expression provided";
            return Err(self.error(position, format_args!("{message}, expected {expected}, got {got}")));
        }
        let mut args = args.into_iter();
        let mut param = None;
        if let Some(param_type) = param_type
            && let Some(node) = args.next()
        {
            self.expect_type(&node, param_type, "aggregation parameter")?;
            param = Some(Box::new(node.expr));
        }
        let inner =
            args.next().ok_or_else(|| self.error(position, "no arguments for aggregate expression provided"))?;
        self.expect_type(&inner, ValueType::Vector, "aggregation expression")?;
        Ok(Some(Expr::Aggregate(Aggregate { op, grouping, param, inner: Box::new(inner.expr) })))
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, Error> {
        if self.take_word("by") {
            return Ok(Some(Grouping::By(self.label_names()?)));
        }
        if self.take_word("without") {
            return Ok(Some(Grouping::Without(self.label_names()?)));
        }
        Ok(None)
    }

    /// Label names in parentheses.
    pub(super) fn label_names(&mut self) -> Result<Vec<String>, Error> {
        self.expect("(", "grouping opts")?;
        let mut names = Vec::new();
        while !self.take(")") {
            let name = match self.peek() {
                TokenKind::Word(name) => (*name).to_owned(),
                TokenKind::String(name) if !name.is_empty() => name.clone(),
                _ => return Err(self.unexpected("grouping opts", "label")),
            };
            self.advance();
            names.push(name);
            if !self.is_symbol_ahead(0, ")") {
                self.expect(",", "grouping opts")?;
            }
        }
        Ok(names)
    }
}

impl AggregateOp {
    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            "count" => Self::Count,
            "group" => Self::Group,
            "stddev" => Self::Stddev,
            "stdvar" => Self::Stdvar,
            "quantile" => Self::Quantile,
            "topk" => Self::Topk,
            "bottomk" => Self::Bottomk,
            "count_values" => Self::CountValues,
            _ => return None,
        })
    }

    /// The type of the parameter before the operand.
    fn param_type(self) -> Option<ValueType> {
        match self {
            Self::Quantile | Self::Topk | Self::Bottomk => Some(ValueType::Scalar),
            Self::CountValues => Some(ValueType::String),
            _ => None,
        }
    }
}
