//! Patterns that match whole label values.
use crate::error::Error;
use crate::literal_set::literal_set;
use crate::pattern_cost::is_affordable;
use regex_automata::meta::{BuildError, Config, Regex};
use std::collections::HashSet;
use std::sync::Arc;

/// The maximum compiled size of a regular expression; compiling one of this size takes milliseconds.
const MAX_COMPILED_BYTES: usize = 2 << 20;

/// The maximum memory of an automaton that is built while values are matched, and what it usually takes.
const MAX_LAZY_BYTES: usize = 1 << 20;
const LAZY_BYTES: usize = 256 << 10;

/// The maximum length of an expression in an error message.
const MAX_EXCERPT_BYTES: usize = 100;

/// What a string of a set takes besides its bytes.
const STRING_BYTES: usize = 80;

/// The right-hand side of `=~` and `!~`.
#[derive(Clone, Debug)]
pub struct Pattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// All values that match. Generated queries list hundreds of values; a lookup is faster than a compiled expression.
    LiteralSet(Arc<HashSet<String>>),
    Regex(Regex),
}

impl Pattern {
    /// Parses `source`, anchored at both ends.
    ///
    /// # Errors
    /// If it is malformed or too large.
    pub fn new(source: &str) -> Result<Self, Error> {
        match literal_set(source) {
            Some(literals) => Ok(Self(Kind::LiteralSet(Arc::new(literals)))),
            None => Ok(Self(Kind::Regex(compile_anchored(source)?))),
        }
    }

    /// Whether the pattern matches the whole of `value`.
    pub fn is_match(&self, value: &str) -> bool {
        match &self.0 {
            Kind::LiteralSet(literals) => literals.contains(value),
            Kind::Regex(regex) => regex.is_match(value),
        }
    }

    /// All values that match, in no particular order, if they are a known finite set.
    pub fn values(&self) -> Option<impl Iterator<Item = &str>> {
        match &self.0 {
            Kind::LiteralSet(literals) => Some(literals.iter().map(String::as_str)),
            Kind::Regex(_) => None,
        }
    }

    /// About how much memory it takes, once it has matched many values.
    pub fn size_bytes(&self) -> usize {
        match &self.0 {
            Kind::LiteralSet(literals) => literals.iter().map(|literal| literal.len() + STRING_BYTES).sum(),
            Kind::Regex(regex) => size_bytes(regex),
        }
    }
}

/// About how much memory a compiled expression takes, once it has matched many values.
pub(crate) fn size_bytes(regex: &Regex) -> usize {
    // The state of a search is about as large as the program.
    2 * regex.memory_usage() + LAZY_BYTES
}

/// Compiles `source` to match whole values. As in Prometheus, `.` matches line breaks too.
///
/// # Errors
/// If it is malformed or too large.
pub(crate) fn compile_anchored(source: &str) -> Result<Regex, Error> {
    let invalid = |problem: &str| {
        let excerpt = &source[..source.floor_char_boundary(MAX_EXCERPT_BYTES)];
        let ellipsis = if excerpt.len() < source.len() { "…" } else { "" };
        Error::Syntax(format!("invalid regular expression {excerpt:?}{ellipsis}: {problem}"))
    };
    let config = Config::new().nfa_size_limit(Some(MAX_COMPILED_BYTES)).hybrid_cache_capacity(MAX_LAZY_BYTES);
    let compile = |source: &str| {
        let source = format!("^(?s:{source})$");
        if !is_affordable(&source) {
            return Err(CompileError::TooCostly);
        }
        let built = Regex::builder().configure(config.clone()).build(&source);
        built.map_err(|error| CompileError::Build(Box::new(error)))
    };
    let compiled = compile(source).or_else(|error| match error {
        CompileError::Build(error) if error.syntax_error().is_some() => compile(&escape_literal_braces(source)),
        other => Err(other),
    });
    compiled.map_err(|error| invalid(&error.to_string()))
}

/// Why an expression is not compiled.
#[derive(Debug, thiserror::Error)]
enum CompileError {
    #[error("its classes have too many characters")]
    TooCostly,
    #[error("{}", problem(_0))]
    Build(Box<BuildError>),
}

/// What is wrong with an expression. The crate's message repeats it and points into it on several lines; its last line
/// names the problem.
fn problem(error: &BuildError) -> String {
    if let Some(limit) = error.size_limit() {
        return format!("its compiled form exceeds {limit} bytes");
    }
    let text = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// Escapes each brace that does not begin a repetition: in Go such a brace is a literal.
fn escape_literal_braces(source: &str) -> String {
    let mut text = String::with_capacity(source.len() + 8);
    let mut escaped = false;
    for (index, c) in source.char_indices() {
        if c == '{' && !escaped && !is_repetition(&source[index..]) {
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
    let (min, max) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !min.is_empty() && is_number(min) && is_number(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_without_a_repetition_are_literals() {
        for (source, value) in [("a{b}c", "a{b}c"), ("a{2}", "aa"), ("a{1,}{x", "aaa{x"), (r"\{a", "{a"), ("{}", "{}")]
        {
            assert!(compile_anchored(source).is_ok_and(|regex| regex.is_match(value)), "{source}");
        }
    }

    #[test]
    fn literal_sets_agree_with_compiled_expressions() {
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
            let (pattern, regex) = (Pattern::new(source), compile_anchored(source));
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
        let matches = |source: &str, value: &str| compile_anchored(source).is_ok_and(|regex| regex.is_match(value));
        assert!(matches("a.b|c", "a\nb") && matches("a.b|c", "c"));
        assert!(!matches("a.b|c", "a.bc") && !matches("a", "ba"));
    }

    #[test]
    fn oversized_and_malformed_expressions_are_rejected() {
        for source in [r"(\p{L}{20}){40}", "(", "[z-a]"] {
            assert!(matches!(compile_anchored(source), Err(Error::Syntax(_))), "{source}");
        }
    }
}
