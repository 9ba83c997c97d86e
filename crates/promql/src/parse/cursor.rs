//! The parser's position in the tokens, its limits, and its errors.
use super::lexer::{Token, TokenKind, error_at};
use super::request::RequestParser;
use crate::ast::{Expr, ValueType};
use crate::error::Error;
use crate::limits::Limits;
use crate::pattern::Pattern;
use std::fmt::Display;

/// A parser by recursive descent. Nesting of brackets, and of signs and `^`, bounds its depth.
pub(super) struct Parser<'t, 'r, 'o> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    /// The index of the next token.
    next: usize,
    limits: &'o Limits,
    operators: usize,
    /// How many signs and `^` are being parsed whose operands are not complete.
    depth: usize,
    /// What the texts of the request share.
    request: &'r mut RequestParser<'o>,
}

/// An expression and the byte at which it begins.
pub(super) struct Node {
    pub(super) expr: Expr,
    pub(super) start: usize,
}

impl<'t, 'r, 'o> Parser<'t, 'r, 'o> {
    pub(super) fn new(text: &'t str, tokens: Vec<Token<'t>>, request: &'r mut RequestParser<'o>) -> Self {
        Self { text, tokens, next: 0, limits: request.limits(), operators: 0, depth: 0, request }
    }

    /// The token `ahead` of the next one.
    fn token(&self, ahead: usize) -> &TokenKind<'t> {
        self.tokens.get(self.next + ahead).map_or(&TokenKind::End, |token| &token.kind)
    }

    pub(super) fn peek(&self) -> &TokenKind<'t> {
        self.token(0)
    }

    /// The byte at which the next token begins.
    pub(super) fn position(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |token| token.start)
    }

    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    /// Whether the next token is `symbol`, or the one `ahead` of it.
    pub(super) fn is_symbol_ahead(&self, ahead: usize, symbol: &str) -> bool {
        matches!(self.token(ahead), TokenKind::Symbol(other) if *other == symbol)
    }

    /// Skips the next token if it is `symbol`.
    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol_ahead(0, symbol);
        self.next += usize::from(found);
        found
    }

    /// Skips the next token, which must be `symbol`.
    pub(super) fn expect(&mut self, symbol: &str, context: &str) -> Result<(), Error> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(context, &format!("{symbol:?}"))) }
    }

    /// The word `ahead` of the next token in lower case, as keywords have any case.
    pub(super) fn word_ahead(&self, ahead: usize) -> Option<String> {
        match self.token(ahead) {
            TokenKind::Word(word) => Some(word.to_ascii_lowercase()),
            _ => None,
        }
    }

    /// Skips the next token if it is the keyword `word`.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.word_ahead(0).is_some_and(|next| next == word);
        self.next += usize::from(found);
        found
    }

    /// Skips a sign, and returns whether it was a minus.
    pub(super) fn take_sign(&mut self) -> Option<bool> {
        let minus = self.take("-");
        (minus || self.take("+")).then_some(minus)
    }

    pub(super) fn error(&self, position: usize, message: impl Display) -> Error {
        error_at(self.text, position, message)
    }

    /// The error that the next token does not belong in `context`.
    pub(super) fn unexpected(&self, context: &str, expected: &str) -> Error {
        let found = match (self.peek(), self.tokens.get(self.next)) {
            (TokenKind::End, _) | (_, None) => "end of input".to_owned(),
            (_, Some(token)) => {
                let text: String = self.text.get(token.start..token.end).unwrap_or_default().chars().take(40).collect();
                format!("{text:?}")
            }
        };
        self.error(self.position(), format_args!("unexpected {found} in {context}, expected {expected}"))
    }

    /// Counts an operator or a sign.
    pub(super) fn count_operator(&mut self) -> Result<(), Error> {
        self.operators += 1;
        if self.operators > self.limits.operators {
            return Err(Error::TooManyOperators { limit: self.limits.operators });
        }
        Ok(())
    }

    /// Parses the operand of a sign or the right one of `^`.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.depth += 1;
        if self.depth > self.limits.nesting {
            return Err(Error::NestedTooDeep { limit: self.limits.nesting });
        }
        let parsed = parse(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    /// The compiled form of `source`; equal expressions of the request share it.
    pub(super) fn pattern(&mut self, source: &str) -> Result<Pattern, Error> {
        self.request.pattern(source)
    }

    /// Counts a selector, or an alternative of one.
    pub(super) fn count_selector(&mut self) -> Result<(), Error> {
        self.request.count_selector()
    }

    /// Counts a matcher.
    pub(super) fn count_matcher(&mut self) -> Result<(), Error> {
        self.request.count_matcher()
    }

    /// Checks the type of an expression.
    pub(super) fn expect_type(&self, node: &Node, expected: ValueType, context: impl Display) -> Result<(), Error> {
        let actual = node.expr.value_type();
        if actual == expected {
            return Ok(());
        }
        Err(self.error(node.start, format_args!("expected type {expected} in {context}, got {actual}")))
    }
}
