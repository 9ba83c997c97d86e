//! The pass over the text before `promql-parser` sees it: limits, and literals in a form that it reads without loss.
//!
//! The parser recurses over what it has read, panics on durations that do not fit, compiles regular expressions of any
//! size, and knows fewer escapes and number forms than Prometheus. So literals are read here and written out plainly,
//! and in the place of a regular expression the parser sees its number.
use super::number::{MAX_DURATION_MS, duration_ms, number};
use crate::string_literal::{quote, unquote};
use crate::{Error, Limits, Pattern};

/// What the parser is given, and what was taken out of it.
pub(super) struct Screened {
    pub(super) text: String,
    /// The regular expressions of matchers, each different one once, with their sources.
    pub(super) patterns: Vec<(String, Pattern)>,
}

/// Checks the limits and rewrites literals.
pub(super) fn screen(text: &str, limits: &Limits) -> Result<Screened, Error> {
    if text.len() > limits.query_bytes {
        return Err(Error::QueryTooLong { bytes: text.len(), limit: limits.query_bytes });
    }
    let mut screen = Screen {
        limits,
        rest: text,
        out: String::with_capacity(text.len()),
        patterns: Vec::new(),
        open: Vec::new(),
        operators: 0,
        after: After::Other,
    };
    while let Some(c) = screen.rest.chars().next() {
        screen.token(c)?;
    }
    Ok(Screened { text: screen.out, patterns: screen.patterns })
}

/// What came just before, where that changes what a literal means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// `offset`, perhaps with a sign.
    Offset,
    /// `=~` or `!~`.
    RegexOperator,
    Other,
}

struct Screen<'t> {
    limits: &'t Limits,
    rest: &'t str,
    out: String,
    patterns: Vec<(String, Pattern)>,
    /// The brackets open at this point.
    open: Vec<char>,
    operators: usize,
    after: After,
}

impl Screen<'_> {
    fn token(&mut self, c: char) -> Result<(), Error> {
        match c {
            '#' => self.copy(self.rest.find(['\n', '\r']).unwrap_or(self.rest.len())),
            '"' | '\'' | '`' => return self.string(),
            '(' | '[' | '{' => {
                self.refuse_duration_arithmetic(c)?;
                self.open.push(c);
                if self.open.len() > self.limits.nesting {
                    return Err(Error::NestedTooDeep { limit: self.limits.nesting });
                }
                self.copy(1);
            }
            ')' | ']' | '}' => {
                self.open.pop();
                self.copy(1);
            }
            '0'..='9' | '.' => return self.literal(),
            'a'..='z' | 'A'..='Z' | '_' | ':' if !(c == ':' && self.in_duration()) => return self.word(),
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '!' | '<' | '>' => return self.operator(c),
            _ => self.copy(c.len_utf8()),
        }
        if !c.is_whitespace() {
            self.after = After::Other;
        }
        Ok(())
    }

    fn copy(&mut self, bytes: usize) {
        let (token, rest) = self.rest.split_at(bytes);
        self.out.push_str(token);
        self.rest = rest;
    }

    fn in_duration(&self) -> bool {
        self.after == After::Offset || self.is_in('[')
    }

    /// Whether the innermost open bracket is `bracket`.
    fn is_in(&self, bracket: char) -> bool {
        self.open.last() == Some(&bracket)
    }

    fn operator(&mut self, c: char) -> Result<(), Error> {
        if self.is_in('[') {
            self.refuse_duration_arithmetic(c)?;
        }
        self.copy(1);
        if self.rest.starts_with(['=', '~']) {
            if self.rest.starts_with('~') {
                self.after = After::RegexOperator;
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

    fn refuse_duration_arithmetic(&self, c: char) -> Result<(), Error> {
        if self.in_duration() && c != '[' && c != '{' {
            return Err(Error::Unsupported("arithmetic in a duration (experimental in Prometheus)".into()));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Error> {
        let (contents, bytes) = unquote(self.rest)
            .ok_or_else(|| Error::Syntax(format!("unterminated or malformed string at: {}", excerpt(self.rest))))?;
        self.rest = &self.rest[bytes..];
        if self.after == After::RegexOperator && self.is_in('{') {
            let number = self.pattern_number(contents)?;
            // The parser asks whether a matcher accepts a missing label, so the stand-in has to answer the same.
            let or_nothing = if self.patterns[number].1.is_match("") { "|" } else { "" };
            self.out.push_str(&format!("\"{number}{or_nothing}\""));
        } else {
            self.out.push_str(&quote(&contents));
        }
        self.after = After::Other;
        Ok(())
    }

    fn pattern_number(&mut self, source: String) -> Result<usize, Error> {
        if let Some(number) = self.patterns.iter().position(|(known, _)| *known == source) {
            return Ok(number);
        }
        if self.patterns.len() >= self.limits.patterns {
            return Err(Error::TooManyPatterns { limit: self.limits.patterns });
        }
        let pattern = Pattern::new(&source)?;
        self.patterns.push((source, pattern));
        Ok(self.patterns.len() - 1)
    }

    fn word(&mut self) -> Result<(), Error> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let end = self.rest.find(|c: char| !is_part(c)).unwrap_or(self.rest.len());
        let word = self.rest[..end].to_ascii_lowercase();
        if self.in_duration() {
            return match word.as_str() {
                "inf" | "nan" => Err(Error::Syntax(format!("{word} is no duration"))),
                _ => Err(Error::Unsupported(format!("{word} in a duration (experimental in Prometheus)"))),
            };
        }
        self.copy(end);
        self.after = After::Other;
        if self.is_in('{') {
            return Ok(());
        }
        match word.as_str() {
            "offset" => {
                self.after = After::Offset;
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
        let seconds = match number(token) {
            Some(value) => value,
            None => duration_ms(token).map(|ms| ms as f64 / 1000.0).ok_or_else(malformed)?,
        };
        if self.in_duration() && seconds * 1000.0 > MAX_DURATION_MS as f64 {
            return Err(Error::Syntax(format!("duration out of range: {token}")));
        }
        self.out.push_str(&seconds.to_string());
        self.rest = rest;
        self.after = After::Other;
        Ok(())
    }
}

/// Where the number or duration at the start of `text` ends.
fn literal_end(text: &str) -> usize {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        let signed_exponent = !hex && matches!(previous, 'e' | 'E') && matches!(c, '+' | '-');
        if !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || signed_exponent) {
            return at;
        }
        previous = c;
    }
    text.len()
}

/// The start of `text`, for a message.
fn excerpt(text: &str) -> String {
    text.chars().take(20).collect()
}
