//! Binary operators with their clauses.
use super::cursor::{Node, Parser};
use super::lexer::TokenKind;
use crate::ast::{Binary, BinaryOp, Cardinality, Expr, Matching, ValueType};
use crate::error::Error;

/// What stands between the operator and its right operand.
pub(super) struct Clauses {
    return_bool: bool,
    matching: Matching,
}

impl Parser<'_, '_, '_> {
    /// The binary operator that is next, and how strongly it binds.
    pub(super) fn peek_operator(&self) -> Result<Option<(BinaryOp, u8)>, Error> {
        let word = self.word_ahead(0);
        let name = match self.peek() {
            TokenKind::Symbol(symbol) => symbol,
            TokenKind::Word(_) => word.as_deref().unwrap_or_default(),
            _ => return Ok(None),
        };
        Ok(Some(match name {
            "or" => (BinaryOp::Or, 1),
            "and" => (BinaryOp::And, 2),
            "unless" => (BinaryOp::Unless, 2),
            "==" => (BinaryOp::Equal, 3),
            "!=" => (BinaryOp::NotEqual, 3),
            ">" => (BinaryOp::Greater, 3),
            "<" => (BinaryOp::Less, 3),
            ">=" => (BinaryOp::GreaterOrEqual, 3),
            "<=" => (BinaryOp::LessOrEqual, 3),
            "</" | ">/" => return Err(Error::Unsupported(format!("the operator {name}, of native histograms,"))),
            "+" => (BinaryOp::Add, 4),
            "-" => (BinaryOp::Sub, 4),
            "*" => (BinaryOp::Mul, 5),
            "/" => (BinaryOp::Div, 5),
            "%" => (BinaryOp::Mod, 5),
            "atan2" => (BinaryOp::Atan2, 5),
            "^" => (BinaryOp::Pow, 6),
            _ => return Ok(None),
        }))
    }

    /// `bool`, `on` or `ignoring`, `group_left` or `group_right`, and fill values.
    pub(super) fn matching(&mut self) -> Result<Clauses, Error> {
        let return_bool = self.take_word("bool");
        let mut matching = Matching {
            on: false,
            labels: Vec::new(),
            cardinality: Cardinality::OneToOne,
            fill_left: None,
            fill_right: None,
        };
        matching.on = self.take_word("on");
        if matching.on || self.take_word("ignoring") {
            matching.labels = self.label_names()?;
            if self.take_word("group_left") {
                matching.cardinality = Cardinality::ManyToOne(self.optional_label_names()?);
            } else if self.take_word("group_right") {
                matching.cardinality = Cardinality::OneToMany(self.optional_label_names()?);
            }
        }
        self.fill_values(&mut matching)?;
        Ok(Clauses { return_bool, matching })
    }

    fn optional_label_names(&mut self) -> Result<Vec<String>, Error> {
        if self.is_symbol_ahead(0, "(") { self.label_names() } else { Ok(Vec::new()) }
    }

    fn fill_values(&mut self, matching: &mut Matching) -> Result<(), Error> {
        // Without parentheses these are metric names.
        while self.is_symbol_ahead(1, "(") {
            let sides = match self.word_ahead(0).as_deref() {
                Some("fill") => (true, true),
                Some("fill_left") => (true, false),
                Some("fill_right") => (false, true),
                _ => return Ok(()),
            };
            if sides.0 && matching.fill_left.is_some() || sides.1 && matching.fill_right.is_some() {
                return Err(self.error(self.position(), "the fill value of a side may not be set multiple times"));
            }
            self.advance();
            let value = self.fill_value()?;
            if sides.0 {
                matching.fill_left = Some(value);
            }
            if sides.1 {
                matching.fill_right = Some(value);
            }
        }
        Ok(())
    }

    fn fill_value(&mut self) -> Result<f64, Error> {
        self.expect("(", "fill value")?;
        let value = self.signed_number("fill value")?;
        self.expect(")", "fill value")?;
        Ok(value)
    }

    /// A number or a duration in seconds, with a sign or without.
    pub(super) fn signed_number(&mut self, context: &str) -> Result<f64, Error> {
        let is_negative = self.take_sign().unwrap_or_default();
        let value = match (self.peek(), self.word_ahead(0).as_deref()) {
            (TokenKind::Number(value) | TokenKind::Duration(value), _) => *value,
            (_, Some("inf")) => f64::INFINITY,
            (_, Some("nan")) => f64::NAN,
            _ => return Err(self.unexpected(context, "number")),
        };
        self.advance();
        Ok(if is_negative { -value } else { value })
    }

    /// A binary expression whose operator is at `position`, if its operands and clauses fit.
    pub(super) fn binary(
        &self,
        left: Node,
        op: BinaryOp,
        position: usize,
        clauses: Clauses,
        right: Node,
    ) -> Result<Node, Error> {
        let Clauses { return_bool, matching } = clauses;
        let error = |message: &str| Err(self.error(position, message));
        if return_bool && !op.is_comparison() {
            return error("bool modifier can only be used on comparison operators");
        }
        for side in [&left, &right] {
            if !matches!(side.expr.value_type(), ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return Err(self.error(side.start, message));
            }
        }
        let is_scalar = |side: &Node| side.expr.value_type() == ValueType::Scalar;
        if op.is_comparison() && !return_bool && is_scalar(&left) && is_scalar(&right) {
            return error("comparisons between scalars must use BOOL modifier");
        }
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if is_scalar(&left) || is_scalar(&right) {
            if op.is_set_operator() {
                return error("set operators are not allowed in binary scalar expressions");
            }
            if !matching.labels.is_empty() || fills {
                return error("vector matching and fill values are only allowed between instant vectors");
            }
        }
        if let Cardinality::ManyToOne(include) | Cardinality::OneToMany(include) = &matching.cardinality {
            if op.is_set_operator() {
                return error("no grouping allowed for set operations");
            }
            if matching.on && matching.labels.iter().any(|label| include.contains(label)) {
                return error("a label must not occur in ON and GROUP clause at once");
            }
        }
        if fills && op.is_set_operator() {
            return error("filling in missing series not allowed for set operators");
        }
        let (start, left, right) = (left.start, Box::new(left.expr), Box::new(right.expr));
        Ok(Node { expr: Expr::Binary(Binary { op, left, right, return_bool, matching }), start })
    }
}
