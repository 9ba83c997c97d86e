//! The pass over the text before `promql-parser` sees it: limits, and literals in a form that it reads without loss.
//!
//! The parser recurses over what it has read, panics on durations that do not fit, and knows fewer escapes and number
//! forms than Prometheus, so literals are read here and written out plainly.
use super::number::{MAX_DURATION_MS, duration_ms, number};
use super::unquote::{quote, unquote};
use crate::{Error, Limits};

/// Checks the limits and rewrites literals.
pub(super) fn screen(text: &str, limits: &Limits) -> Result<String, Error> {
    if text.len() > limits.query_bytes {
        return Err(Error::QueryTooLong { bytes: text.len(), limit: limits.query_bytes });
    }
    let mut screen =
        Screen { rest: text, out: String::with_capacity(text.len()), open: Vec::new(), operators: 0, offset: false };
    while let Some(c) = screen.rest.chars().next() {
        screen.token(c, limits)?;
    }
    Ok(screen.out)
}

struct Screen<'t> {
    rest: &'t str,
    out: String,
    /// The brackets open at this point.
    open: Vec<char>,
    operators: usize,
    /// Whether `offset` and perhaps a sign came just before.
    offset: bool,
}

impl Screen<'_> {
    fn token(&mut self, c: char, limits: &Limits) -> Result<(), Error> {
        match c {
            '#' => self.copy(self.rest.find(['\n', '\r']).unwrap_or(self.rest.len())),
            '"' | '\'' | '`' => return self.string(),
            '(' | '[' | '{' => {
                self.refuse_duration_arithmetic(c)?;
                self.open.push(c);
                if self.open.len() > limits.nesting {
                    return Err(Error::NestedTooDeep { limit: limits.nesting });
                }
                self.copy(1);
            }
            ')' | ']' | '}' => {
                self.open.pop();
                self.copy(1);
            }
            '0'..='9' | '.' => return self.literal(),
            'a'..='z' | 'A'..='Z' | '_' | ':' if !(c == ':' && self.in_duration()) => return self.word(limits),
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '!' | '<' | '>' => {
                if self.open.last() == Some(&'[') {
                    self.refuse_duration_arithmetic(c)?;
                }
                self.copy(1);
                let regex = self.rest.starts_with('~');
                if regex || self.rest.starts_with('=') {
                    self.copy(1);
                }
                // Plain matchers are cheap; a regular expression is compiled.
                return if self.open.last() == Some(&'{') && !regex { Ok(()) } else { self.count_operator(limits) };
            }
            _ => self.copy(c.len_utf8()),
        }
        if !c.is_whitespace() {
            self.offset = false;
        }
        Ok(())
    }

    fn copy(&mut self, bytes: usize) {
        let (token, rest) = self.rest.split_at(bytes);
        self.out.push_str(token);
        self.rest = rest;
    }

    fn in_duration(&self) -> bool {
        self.offset || self.open.last() == Some(&'[')
    }

    fn count_operator(&mut self, limits: &Limits) -> Result<(), Error> {
        self.operators += 1;
        if self.operators > limits.operators {
            return Err(Error::TooManyOperators { limit: limits.operators });
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
        self.out.push_str(&quote(&contents));
        self.rest = &self.rest[bytes..];
        self.offset = false;
        Ok(())
    }

    fn word(&mut self, limits: &Limits) -> Result<(), Error> {
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
        self.offset = word == "offset" && self.open.last() != Some(&'{');
        match word.as_str() {
            "and" | "or" | "unless" | "atan2" => self.count_operator(limits),
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
        self.offset = false;
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
