//! Expressions: binary and unary operators, calls, literals. Source: `generated_parser.y` of Prometheus 3.
use super::cursor::{Node, Parser};
use super::lexer::TokenKind;
use crate::ast::{Call, Expr, ValueType};
use crate::error::Error;
use crate::functions;

/// The precedence of `^`, and of what a sign applies to.
const POWER: u8 = 6;

/// Keywords that are not metric names.
const RESERVED: [&str; 6] = ["bool", "on", "ignoring", "group_left", "group_right", "atan2"];

/// Functions whose names are keywords, which have any case.
const KEYWORD_FUNCTIONS: [&str; 6] = ["start", "end", "step", "range", "min_of", "max_of"];

impl Parser<'_, '_, '_> {
    /// The whole text.
    pub(super) fn query(&mut self) -> Result<Expr, Error> {
        if *self.peek() == TokenKind::End {
            return Err(self.error(self.position(), "no expression found in input"));
        }
        let node = self.expression(0)?;
        if *self.peek() == TokenKind::End { Ok(node.expr) } else { Err(self.unexpected("query", "an operator")) }
    }

    /// An expression of operators that bind at least as strongly as `min_precedence`.
    pub(super) fn expression(&mut self, min_precedence: u8) -> Result<Node, Error> {
        let mut left = self.signed()?;
        while let Some((op, precedence)) = self.peek_operator()? {
            if precedence < min_precedence {
                break;
            }
            let position = self.position();
            self.advance();
            self.count_operator()?;
            let matching = self.matching()?;
            // Only `^` groups from the right.
            let right = match precedence {
                POWER => self.nested(|parser| parser.expression(POWER))?,
                _ => self.expression(precedence + 1)?,
            };
            left = self.binary(left, op, position, matching, right)?;
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Node, Error> {
        let start = self.position();
        let Some(is_negative) = self.take_sign() else { return self.operand() };
        self.count_operator()?;
        let inner = self.nested(|parser| parser.expression(POWER))?;
        let value_type = inner.expr.value_type();
        if !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
            let rule = "unary expression only allowed on expressions of type scalar or instant vector";
            return Err(self.error(start, format_args!("{rule}, got {value_type}")));
        }
        let expr = match inner.expr {
            expr if !is_negative => expr,
            Expr::Number(value) => Expr::Number(-value),
            expr => Expr::Negate(Box::new(expr)),
        };
        Ok(Node { expr, start })
    }

    /// A literal, a selector, a call, an aggregation or an expression in parentheses, with the modifiers after it.
    fn operand(&mut self) -> Result<Node, Error> {
        let start = self.position();
        let expr = match self.peek().clone() {
            TokenKind::Number(value) | TokenKind::Duration(value) => {
                self.advance();
                Expr::Number(value)
            }
            TokenKind::String(contents) => {
                self.advance();
                Expr::String(contents)
            }
            TokenKind::Symbol("(") => {
                self.advance();
                let inner = self.expression(0)?;
                self.expect(")", "parentheses")?;
                Expr::Paren(Box::new(inner.expr))
            }
            TokenKind::Symbol("{") => Expr::VectorSelector(self.vector_selector(None)?),
            TokenKind::Word(word) => self.named(word)?,
            _ => return Err(self.unexpected("query", "an expression")),
        };
        self.modifiers(Node { expr, start })
    }

    /// An operand that begins with a word.
    fn named(&mut self, word: &str) -> Result<Expr, Error> {
        let keyword = word.to_ascii_lowercase();
        let is_called = self.is_symbol_ahead(1, "(");
        if (is_called || matches!(self.word_ahead(1).as_deref(), Some("by" | "without")))
            && let Some(aggregation) = self.aggregation(&keyword)?
        {
            return Ok(aggregation);
        }
        match keyword.as_str() {
            _ if is_called => self.call(if KEYWORD_FUNCTIONS.contains(&&*keyword) { &keyword } else { word }),
            "inf" | "nan" => {
                self.advance();
                Ok(Expr::Number(if keyword == "inf" { f64::INFINITY } else { f64::NAN }))
            }
            reserved if RESERVED.contains(&reserved) => Err(self.unexpected("query", "an expression")),
            _ => {
                self.advance();
                Ok(Expr::VectorSelector(self.vector_selector(Some(word.to_owned()))?))
            }
        }
    }

    fn call(&mut self, name: &str) -> Result<Expr, Error> {
        let position = self.position();
        let function = match functions::by_name(name) {
            Some(function) => function,
            None if functions::is_experimental(name) => {
                return Err(Error::Unsupported(format!("the function {name} (experimental in Prometheus)")));
            }
            None => return Err(self.error(position, format_args!("unknown function with name {name:?}"))),
        };
        self.advance();
        let args = self.arguments()?;
        let signature = function.signature();
        let (min, max) = (signature.required, if signature.repeats { usize::MAX } else { signature.args.len() });
        if args.len() < min || args.len() > max {
            let expected = if min == max {
                "exactly"
            } else if args.len() < min {
                "at least"
            } else {
                "at most"
            };
            let (count, got) = (if args.len() < min { min } else { max }, args.len());
            let message = format!("expected {expected} {count} argument(s) in call to {name:?}, got {got}");
            return Err(self.error(position, message));
        }
        for (index, arg) in args.iter().enumerate() {
            // A function with any number of arguments repeats the last type.
            let expected = signature.args.get(index).or(signature.args.last());
            if let Some(expected) = expected {
                self.expect_type(arg, *expected, format_args!("call to function {name:?}"))?;
            }
        }
        let args = args.into_iter().map(|arg| arg.expr).collect();
        Ok(Expr::Call(Call { name: name.to_owned(), function, return_type: signature.returns, args }))
    }

    /// Expressions in parentheses, separated by commas.
    pub(super) fn arguments(&mut self) -> Result<Vec<Node>, Error> {
        self.expect("(", "call")?;
        let mut args = Vec::new();
        if self.take(")") {
            return Ok(args);
        }
        loop {
            args.push(self.expression(0)?);
            if self.take(")") {
                return Ok(args);
            }
            self.expect(",", "arguments")?;
        }
    }
}
