//! A pre-lexer that enforces limits and rewrites literals before `promql-parser` sees the text.
//!
//! The parser recurses without a limit, panics on durations that overflow, compiles regular expressions of any size, and
//! supports fewer escapes and number formats than Prometheus. The pre-lexer therefore writes each literal in a plain form
//! and replaces each regular expression by its index.
use super::number::{MAX_DURATION_MS, parse_duration_ms, parse_number};
use crate::error::Error;
use crate::limits::Limits;
use crate::pattern::Pattern;
use crate::string_literal::{quote, unquote};

/// A rewritten query.
pub(super) struct Prelexed {
    /// The text for the parser.
    pub(super) text: String,
    /// The distinct regular expressions of matchers, which the text refers to by index.
    pub(super) patterns: Vec<SourcePattern>,
}

/// A regular expression with its source.
pub(super) struct SourcePattern {
    pub(super) source: String,
    pub(super) pattern: Pattern,
}

/// Checks the limits and rewrites literals.
pub(super) fn prelex(text: &str, limits: &Limits) -> Result<Prelexed, Error> {
    if text.len() > limits.query_bytes {
        return Err(Error::QueryTooLong { bytes: text.len(), limit: limits.query_bytes });
    }
    let mut prelexer = Prelexer {
        limits,
        rest: text,
        out: String::with_capacity(text.len()),
        patterns: Vec::new(),
        open_brackets: Vec::new(),
        operators: 0,
        preceding: Preceding::Other,
    };
    while let Some(c) = prelexer.rest.chars().next() {
        prelexer.token(c)?;
    }
    Ok(Prelexed { text: prelexer.out, patterns: prelexer.patterns })
}

/// The preceding token, if it changes the meaning of a literal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Preceding {
    /// `offset`, with or without a sign.
    Offset,
    /// `=~` or `!~`.
    RegexOperator,
    Other,
}

struct Prelexer<'t> {
    limits: &'t Limits,
    rest: &'t str,
    out: String,
    patterns: Vec<SourcePattern>,
    open_brackets: Vec<char>,
    operators: usize,
    preceding: Preceding,
}

impl Prelexer<'_> {
    fn token(&mut self, c: char) -> Result<(), Error> {
        match c {
            '#' => self.copy(self.rest.find(['\n', '\r']).unwrap_or(self.rest.len())),
            '"' | '\'' | '`' => return self.string(),
            '(' | '[' | '{' => {
                self.reject_duration_arithmetic(c)?;
                self.open_brackets.push(c);
                if self.open_brackets.len() > self.limits.nesting {
                    return Err(Error::NestedTooDeep { limit: self.limits.nesting });
                }
                self.copy(1);
            }
            ')' | ']' | '}' => {
                self.open_brackets.pop();
                self.copy(1);
            }
            '0'..='9' | '.' => return self.literal(),
            'a'..='z' | 'A'..='Z' | '_' | ':' if !(c == ':' && self.in_duration()) => return self.word(),
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '!' | '<' | '>' => return self.operator(c),
            _ => self.copy(c.len_utf8()),
        }
        if !c.is_whitespace() {
            self.preceding = Preceding::Other;
        }
        Ok(())
    }

    fn copy(&mut self, bytes: usize) {
        let (token, rest) = self.rest.split_at(bytes);
        self.out.push_str(token);
        self.rest = rest;
    }

    fn in_duration(&self) -> bool {
        self.preceding == Preceding::Offset || self.is_in('[')
    }

    /// Whether the innermost open bracket is `bracket`.
    fn is_in(&self, bracket: char) -> bool {
        self.open_brackets.last() == Some(&bracket)
    }

    fn operator(&mut self, c: char) -> Result<(), Error> {
        if self.is_in('[') {
            self.reject_duration_arithmetic(c)?;
        }
        self.copy(1);
        if self.rest.starts_with(['=', '~']) {
            if self.rest.starts_with('~') {
                self.preceding = Preceding::RegexOperator;
            }
            self.copy(1);
        }
        if self.is_in('{') { Ok(()) } else { self.count_operator() }
    }

    fn count_operator(&mut self) -> Result<(), Error> {
        self.operators += 1;
        if self.operators > self.limits.operators {
            return Err(Error::TooManyOperators { limit: self.limits.operators });
        }
        Ok(())
    }

    fn reject_duration_arithmetic(&self, c: char) -> Result<(), Error> {
        if self.in_duration() && c != '[' && c != '{' {
            return Err(Error::Unsupported("arithmetic in a duration (experimental in Prometheus)".into()));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Error> {
        let (contents, bytes) = unquote(self.rest)
            .ok_or_else(|| Error::Syntax(format!("unterminated or malformed string at: {}", excerpt(self.rest))))?;
        self.rest = &self.rest[bytes..];
        if self.preceding == Preceding::RegexOperator && self.is_in('{') {
            let index = self.pattern_index(contents)?;
            // The parser checks whether a matcher accepts a missing label, so the placeholder must match it alike.
            let or_empty = if self.patterns[index].pattern.is_match("") { "|" } else { "" };
            self.out.push_str(&format!("\"{index}{or_empty}\""));
        } else {
            self.out.push_str(&quote(&contents));
        }
        self.preceding = Preceding::Other;
        Ok(())
    }

    fn pattern_index(&mut self, source: String) -> Result<usize, Error> {
        if let Some(index) = self.patterns.iter().position(|known| known.source == source) {
            return Ok(index);
        }
        if self.patterns.len() >= self.limits.patterns {
            return Err(Error::TooManyPatterns { limit: self.limits.patterns });
        }
        let pattern = Pattern::new(&source)?;
        self.patterns.push(SourcePattern { source, pattern });
        Ok(self.patterns.len() - 1)
    }

    fn word(&mut self) -> Result<(), Error> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let end = self.rest.find(|c: char| !is_part(c)).unwrap_or(self.rest.len());
        let word = self.rest[..end].to_ascii_lowercase();
        if self.in_duration() {
            return match word.as_str() {
                "inf" | "nan" => Err(Error::Syntax(format!("{word} is not a duration"))),
                _ => Err(Error::Unsupported(format!("{word} in a duration (experimental in Prometheus)"))),
            };
        }
        self.copy(end);
        self.preceding = Preceding::Other;
        if self.is_in('{') {
            return Ok(());
        }
        match word.as_str() {
            "offset" => {
                self.preceding = Preceding::Offset;
                Ok(())
            }
            "and" | "or" | "unless" | "atan2" => self.count_operator(),
            "anchored" | "smoothed" => Err(Error::Unsupported(format!("{word} (experimental in Prometheus)"))),
            _ => Ok(()),
        }
    }

    fn literal(&mut self) -> Result<(), Error> {
        let end = literal_end(self.rest);
        let (token, rest) = self.rest.split_at(end);
        let malformed = || Error::Syntax(format!("malformed number or duration: {}", excerpt(token)));
        let seconds = match parse_number(token) {
            Some(value) => value,
            None => parse_duration_ms(token).map(|ms| ms as f64 / 1000.0).ok_or_else(malformed)?,
        };
        if self.in_duration() && seconds * 1000.0 > MAX_DURATION_MS as f64 {
            return Err(Error::Syntax(format!("duration out of range: {token}")));
        }
        self.out.push_str(&seconds.to_string());
        self.rest = rest;
        self.preceding = Preceding::Other;
        Ok(())
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
