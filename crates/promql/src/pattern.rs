//! Patterns over whole label values: texts, and regular expressions.
use crate::Error;
use crate::literal_set::texts;
use regex::{Regex, RegexBuilder};
use std::collections::HashSet;
use std::sync::Arc;

/// The compiled size from which a regular expression is refused; compiling one of this size takes milliseconds.
const SIZE_BYTES: usize = 2 << 20;

/// As much of a refused expression is repeated in the message.
const SHOWN_BYTES: usize = 100;

/// What a label's value is compared with by `=~` and `!~`.
#[derive(Clone, Debug)]
pub struct Pattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// All that matches: queries that a program writes have hundreds of texts, which are looked up and never compiled.
    AnyOf(Arc<HashSet<String>>),
    Regex(Regex),
}

impl Pattern {
    /// The pattern that `source` says, anchored at both ends.
    ///
    /// # Errors
    /// When it is malformed or too large.
    pub fn new(source: &str) -> Result<Self, Error> {
        match texts(source) {
            Some(texts) => Ok(Self(Kind::AnyOf(Arc::new(texts)))),
            None => Ok(Self(Kind::Regex(anchored(source)?))),
        }
    }

    /// Whether all of `value` matches.
    pub fn is_match(&self, value: &str) -> bool {
        match &self.0 {
            Kind::AnyOf(texts) => texts.contains(value),
            Kind::Regex(regex) => regex.is_match(value),
        }
    }

    /// The only values that match, if they are known, in no order.
    pub fn values(&self) -> Option<impl Iterator<Item = &str>> {
        match &self.0 {
            Kind::AnyOf(texts) => Some(texts.iter().map(String::as_str)),
            Kind::Regex(_) => None,
        }
    }
}

/// Compiles `source` to match whole values, `.` matching a line break too, as Prometheus does.
///
/// # Errors
/// When it is malformed or too large.
pub(crate) fn anchored(source: &str) -> Result<Regex, Error> {
    let compile = |source: &str| RegexBuilder::new(&format!("^(?s:{source})$")).size_limit(SIZE_BYTES).build();
    let compiled = compile(source).or_else(|error| match error {
        regex::Error::Syntax(_) => compile(&with_plain_braces(source)),
        other => Err(other),
    });
    compiled.map_err(|error| {
        // The crate's own message repeats the expression and points into it, over several lines.
        let error = error.to_string();
        let problem = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
        let begin = &source[..source.floor_char_boundary(SHOWN_BYTES)];
        let more = if begin.len() < source.len() { "…" } else { "" };
        Error::Syntax(format!("invalid regular expression {begin:?}{more}: {problem}"))
    })
}

/// `source` with a backslash before each brace that begins no repetition: such a brace stands for itself in Go.
fn with_plain_braces(source: &str) -> String {
    let mut text = String::with_capacity(source.len() + 8);
    let mut escaped = false;
    for (at, c) in source.char_indices() {
        if c == '{' && !escaped && !is_repetition(&source[at..]) {
            text.push('\\');
        }
        text.push(c);
        escaped = c == '\\' && !escaped;
    }
    text
}

/// Whether `text` begins with `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(text: &str) -> bool {
    let Some((inside, _)) = text[1..].split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_repeat_nothing_are_plain() {
        for (source, value) in [("a{b}c", "a{b}c"), ("a{2}", "aa"), ("a{1,}{x", "aaa{x"), (r"\{a", "{a"), ("{}", "{}")]
        {
            assert!(anchored(source).is_ok_and(|regex| regex.is_match(value)), "{source}");
        }
    }

    #[test]
    fn texts_between_bars_are_what_the_compiled_expression_matches() {
        let sources = [
            "a|b",
            "",
            "a|",
            "|",
            r"10\.0\.0\.4:8000|x",
            r"a\|b|c",
            "(a|b?|(1|é))",
            "?",
            "a|?",
            r"\\|\$",
            "é|ü-ß#&~ /",
            "a.b|c",
            r"\d",
            r"a\",
        ];
        let values =
            ["a", "b", "", "10.0.0.4:8000", "10x0.0.4:8000", "x", "a|b", "c", r"\", "$", "é", "ü-ß#&~ /", "a.b", "1"];
        for source in sources {
            let (pattern, regex) = (Pattern::new(source), anchored(source));
            assert_eq!(pattern.is_ok(), regex.is_ok(), "{source}");
            let (Ok(pattern), Ok(regex)) = (pattern, regex) else { continue };
            assert_eq!(pattern.values().is_some(), !["a.b|c", r"\d"].contains(&source), "{source}");
            for value in values {
                assert_eq!(pattern.is_match(value), regex.is_match(value), "{source} {value}");
            }
        }
    }

    #[test]
    fn a_value_is_matched_as_a_whole() {
        let matches = |source: &str, value: &str| anchored(source).is_ok_and(|regex| regex.is_match(value));
        assert!(matches("a.b|c", "a\nb") && matches("a.b|c", "c"));
        assert!(!matches("a.b|c", "a.bc") && !matches("a", "ba"));
    }

    #[test]
    fn what_is_too_large_or_malformed_is_refused() {
        for source in [r"(\p{L}{20}){40}", "(", "[z-a]"] {
            assert!(matches!(anchored(source), Err(Error::Syntax(_))), "{source}");
        }
    }
}
