//! The lexer: the text of a query as tokens. Source: `promql/parser/lex.go` of Prometheus 3.
use super::number::{parse_duration_ms, parse_number};
use crate::error::Error;
use crate::limits::Limits;
use crate::string_literal::unquote;

/// Symbols, longer ones before those that they begin with.
const SYMBOLS: [&str; 25] = [
    "==", "!=", "=~", "!~", "<=", ">=", "</", ">/", "(", ")", "[", "]", "{", "}", "+", "-", "*", "/", "%", "^", "=",
    "<", ">", ",", "@",
];

/// A token and the bytes of the text that it takes up.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum TokenKind<'t> {
    Number(f64),
    /// A duration literal, in seconds.
    Duration(f64),
    /// The contents of a string literal.
    String(String),
    /// A keyword, a metric name, a label name or the name of a function.
    Word(&'t str),
    Symbol(&'static str),
    End,
}

/// The tokens of `text`; the last one is [`TokenKind::End`].
///
/// # Errors
/// If the text is too long, is nested too deep, or has a malformed token.
pub(super) fn tokens<'t>(text: &'t str, limits: &Limits) -> Result<Vec<Token<'t>>, Error> {
    if text.len() > limits.query_bytes {
        return Err(Error::QueryTooLong { bytes: text.len(), limit: limits.query_bytes });
    }
    let mut lexer = Lexer { text, position: 0, open_brackets: Vec::new(), limits };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.position;
        let kind = lexer.token()?;
        let is_end = kind == TokenKind::End;
        tokens.push(Token { kind, start, end: lexer.position });
        if is_end {
            return Ok(tokens);
        }
    }
}

/// A syntax error at a byte of the text, with line and column as in Prometheus.
pub(super) fn error_at(text: &str, position: usize, message: impl std::fmt::Display) -> Error {
    let before = text.get(..position).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Error::Syntax(format!("{line}:{column}: parse error: {message}"))
}

struct Lexer<'t, 'l> {
    text: &'t str,
    position: usize,
    open_brackets: Vec<&'static str>,
    limits: &'l Limits,
}

impl<'t> Lexer<'t, '_> {
    fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn error(&self, message: impl std::fmt::Display) -> Error {
        error_at(self.text, self.position, message)
    }

    /// Whether the innermost open bracket is `bracket`.
    fn is_in(&self, bracket: &str) -> bool {
        self.open_brackets.last() == Some(&bracket)
    }

    /// Skips white space and comments.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let skipped = match rest.chars().next() {
                Some(' ' | '\t' | '\n' | '\r') => 1,
                Some('#') => rest.find(['\n', '\r']).unwrap_or(rest.len()),
                _ => return,
            };
            self.position += skipped;
        }
    }

    fn token(&mut self) -> Result<TokenKind<'t>, Error> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else { return Ok(TokenKind::End) };
        let starts_number = c.is_ascii_digit() || c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if starts_number && !self.is_in("{") {
            return self.number();
        }
        match c {
            '"' | '\'' | '`' => {
                let (contents, bytes) =
                    unquote(rest).ok_or_else(|| self.error("unterminated quoted string or unknown escape sequence"))?;
                self.position += bytes;
                Ok(TokenKind::String(contents))
            }
            // In square brackets a colon separates the range of a subquery from its step.
            ':' if self.in_square_brackets() => {
                self.position += 1;
                Ok(TokenKind::Symbol(":"))
            }
            'a'..='z' | 'A'..='Z' | '_' | ':' => Ok(self.word()),
            _ => self.symbol(c),
        }
    }

    fn in_square_brackets(&self) -> bool {
        self.open_brackets.contains(&"[") || self.is_in("{")
    }

    fn word(&mut self) -> TokenKind<'t> {
        let (rest, with_colons) = (self.rest(), !self.in_square_brackets());
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' && with_colons;
        let word = &rest[..rest.find(|c: char| !is_part(c)).unwrap_or(rest.len())];
        self.position += word.len();
        TokenKind::Word(word)
    }

    fn number(&mut self) -> Result<TokenKind<'t>, Error> {
        let rest = self.rest();
        let literal = &rest[..literal_end(rest)];
        let kind = match parse_number(literal) {
            Some(value) => TokenKind::Number(value),
            None => match parse_duration_ms(literal) {
                Some(ms) => TokenKind::Duration(ms as f64 / 1000.0),
                None => return Err(self.error(format_args!("bad number or duration syntax: {:?}", excerpt(literal)))),
            },
        };
        self.position += literal.len();
        Ok(kind)
    }

    fn symbol(&mut self, c: char) -> Result<TokenKind<'t>, Error> {
        let rest = self.rest();
        let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
        let symbol = symbol.ok_or_else(|| self.error(format_args!("unexpected character: {c:?}")))?;
        match symbol {
            "(" | "[" | "{" => {
                self.open_brackets.push(symbol);
                if self.open_brackets.len() > self.limits.nesting {
                    return Err(Error::NestedTooDeep { limit: self.limits.nesting });
                }
            }
            ")" | "]" | "}" => drop(self.open_brackets.pop()),
            _ => {}
        }
        self.position += symbol.len();
        Ok(TokenKind::Symbol(symbol))
    }
}

/// The length of the number or duration at the start of `text`.
fn literal_end(text: &str) -> usize {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let mut previous = ' ';
    for (index, c) in text.char_indices() {
        let signed_exponent = !hex && matches!(previous, 'e' | 'E') && matches!(c, '+' | '-');
        if !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || signed_exponent) {
            return index;
        }
        previous = c;
    }
    text.len()
}

/// The start of `text` for an error message.
fn excerpt(text: &str) -> String {
    text.chars().take(20).collect()
}
