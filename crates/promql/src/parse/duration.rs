//! Durations: literals, and expressions of them.
use super::cursor::Parser;
use super::lexer::TokenKind;
use super::number::MAX_DURATION_MS;
use crate::ast::{Duration, DurationExpr, DurationOp};
use crate::error::Error;

/// The precedence of `^`, and of what a sign applies to.
const POWER: u8 = 3;

impl Parser<'_, '_, '_> {
    /// An expression of operators that bind at least as strongly as `min_precedence`.
    pub(super) fn duration(&mut self, min_precedence: u8) -> Result<DurationExpr, Error> {
        let left = self.signed_duration()?;
        self.duration_operators(left, min_precedence)
    }

    fn duration_operators(&mut self, mut left: DurationExpr, min_precedence: u8) -> Result<DurationExpr, Error> {
        loop {
            let TokenKind::Symbol(symbol) = *self.peek() else { return Ok(left) };
            let (op, precedence) = match symbol {
                "+" => (DurationOp::Add, 1),
                "-" => (DurationOp::Sub, 1),
                "*" => (DurationOp::Mul, 2),
                "/" => (DurationOp::Div, 2),
                "%" => (DurationOp::Mod, 2),
                "^" => (DurationOp::Pow, POWER),
                _ => return Ok(left),
            };
            if precedence < min_precedence {
                return Ok(left);
            }
            let position = self.position();
            self.advance();
            self.count_operator()?;
            let right = match precedence {
                POWER => self.nested(|parser| parser.duration(POWER))?,
                _ => self.duration(precedence + 1)?,
            };
            if matches!(right, DurationExpr::Literal { seconds: 0.0, .. }) {
                match op {
                    DurationOp::Div => return Err(self.error(position, "division by zero")),
                    DurationOp::Mod => return Err(self.error(position, "modulo by zero")),
                    _ => {}
                }
            }
            left = DurationExpr::Binary { op, left: Box::new(left), right: Box::new(right) };
        }
    }

    fn signed_duration(&mut self) -> Result<DurationExpr, Error> {
        let Some(is_negative) = self.take_sign() else { return self.duration_operand() };
        self.count_operator()?;
        let inner = self.nested(|parser| parser.duration(POWER))?;
        Ok(if is_negative { inner.negated() } else { inner })
    }

    fn duration_operand(&mut self) -> Result<DurationExpr, Error> {
        let position = self.position();
        match (self.peek(), self.word_ahead(0).as_deref()) {
            (&TokenKind::Number(seconds), _) => self.duration_literal(seconds, false),
            (&TokenKind::Duration(seconds), _) => self.duration_literal(seconds, true),
            (TokenKind::Symbol("("), _) => {
                self.advance();
                let inner = self.duration(0)?;
                self.expect(")", "duration")?;
                Ok(DurationExpr::Paren(Box::new(inner)))
            }
            (_, Some("step")) => self.duration_word(DurationExpr::Step),
            (_, Some("range")) => self.duration_word(DurationExpr::Range),
            (_, Some("min_of")) => {
                let (a, b) = self.two_durations()?;
                Ok(DurationExpr::MinOf(a, b))
            }
            (_, Some("max_of")) => {
                let (a, b) = self.two_durations()?;
                Ok(DurationExpr::MaxOf(a, b))
            }
            (_, Some("inf" | "nan")) => Err(self.error(position, "duration is NaN or infinite")),
            _ => Err(self.unexpected("duration", "number, duration, step(), or range()")),
        }
    }

    fn duration_literal(&mut self, seconds: f64, has_unit: bool) -> Result<DurationExpr, Error> {
        if seconds * 1000.0 > MAX_DURATION_MS as f64 {
            return Err(self.error(self.position(), "duration out of range"));
        }
        self.advance();
        Ok(DurationExpr::Literal { seconds, has_unit })
    }

    /// `step()` or `range()`.
    fn duration_word(&mut self, expr: DurationExpr) -> Result<DurationExpr, Error> {
        self.advance();
        self.expect("(", "duration")?;
        self.expect(")", "duration")?;
        Ok(expr)
    }

    /// The arguments of `min_of` and `max_of`.
    fn two_durations(&mut self) -> Result<(Box<DurationExpr>, Box<DurationExpr>), Error> {
        self.advance();
        self.expect("(", "duration")?;
        let first = self.duration(0)?;
        self.expect(",", "duration")?;
        let second = self.duration(0)?;
        self.expect(")", "duration")?;
        Ok((Box::new(first), Box::new(second)))
    }

    /// The duration after `offset`. An operator after it belongs to the query, as in `x offset 5m + 1`, except after
    /// parentheses without a sign, as in Prometheus.
    pub(super) fn offset(&mut self) -> Result<Duration, Error> {
        let sign = self.take_sign();
        if sign.is_some() {
            self.count_operator()?;
        }
        let mut expr = self.duration_operand()?;
        if sign.is_none() && matches!(expr, DurationExpr::Paren(_)) {
            expr = self.duration_operators(expr, 0)?;
        }
        Ok(Duration::from(if sign == Some(true) { expr.negated() } else { expr }))
    }
}
