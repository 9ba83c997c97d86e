//! Pieces of PromQL text: literals, durations, and the functions that name a line.
use crate::LINE_LABEL;
use std::fmt::Write;

/// A PromQL string literal.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// A PromQL duration, in seconds if they are whole.
pub(crate) fn duration(duration_ms: i64) -> String {
    if duration_ms % 1000 == 0 { format!("{}s", duration_ms / 1000) } else { format!("{duration_ms}ms") }
}

/// The selector of a metric. Not every backend knows names with dots in quotes, so that a matcher selects such a name.
pub(crate) fn selector(name: &str, matchers: &str) -> String {
    match name.contains('.') {
        true if matchers.is_empty() => format!("{{__name__={}}}", quoted(name)),
        true => format!("{{__name__={},{matchers}}}", quoted(name)),
        false => format!("{name}{{{matchers}}}"),
    }
}

/// The series of `expr` as one line of this name.
pub(crate) fn named(expr: &str, name: &str) -> String {
    labelled(expr, LINE_LABEL, name)
}

/// The series of `expr` with a label.
pub(crate) fn labelled(expr: &str, label: &str, value: &str) -> String {
    format!("label_replace({expr}, \"{label}\", {}, \"\", \"\")", quoted(value))
}

/// The series of `expr`, each named `to` after what `pattern` captures of the label `from`.
pub(crate) fn named_by(expr: &str, from: &str, pattern: &str, to: &str) -> String {
    format!("label_replace({expr}, \"{LINE_LABEL}\", {}, \"{from}\", {})", quoted(to), quoted(pattern))
}

/// PromQL with matchers in place of `$scope`, each followed by a comma.
pub(crate) fn with_scope(promql: &str, matchers: &str) -> String {
    let comma = if matchers.is_empty() { "" } else { "," };
    promql.replace("$scope", &format!("{matchers}{comma}"))
}

/// A text up to the parenthesis that closes one before it, and what follows.
pub(crate) fn until_closed(text: &str) -> (&str, &str) {
    let mut depth = 1;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[..at], &text[at + 1..]);
        }
    }
    (text, "")
}
