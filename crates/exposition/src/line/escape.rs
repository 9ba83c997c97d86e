//! Escape sequences in quoted texts and in help texts.
use crate::format::Format;

/// The characters that may follow a backslash in a quoted text.
pub(crate) const IN_QUOTES: &str = "n\\\"";

/// The characters that may follow a backslash in a help text. In Prometheus text quotes are not escaped there.
pub(crate) fn escapes_in_help(format: Format) -> &'static str {
    if format == Format::OpenMetrics { IN_QUOTES } else { "n\\" }
}

/// `text` with the backslashes before the characters of `escapes` resolved. Other backslashes are kept, as Prometheus and
/// its Python client do.
pub(crate) fn unescaped(text: &str, escapes: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut after = escaped.chars();
        match after.next() {
            Some('n') => out.push('\n'),
            Some(character) if escapes.contains(character) => out.push(character),
            other => {
                out.push('\\');
                out.extend(other);
            }
        }
        rest = after.as_str();
    }
    out.push_str(rest);
    out
}

/// The first character after a backslash in `text` that is not in `escapes`.
pub(crate) fn unknown_escape(text: &str, escapes: &str) -> Option<char> {
    let mut characters = text.chars();
    while characters.by_ref().any(|character| character == '\\') {
        match characters.next() {
            Some(character) if escapes.contains(character) => {}
            other => return other.or(Some('\\')),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_escapes_are_resolved_and_others_are_kept() {
        assert_eq!(unescaped(r#"a\\n\n\"\z\"#, IN_QUOTES), "a\\n\n\"\\z\\");
        assert_eq!(unescaped(r#"\"\\"#, escapes_in_help(Format::Text)), "\\\"\\");
    }

    #[test]
    fn unknown_escapes_are_found() {
        assert_eq!(unknown_escape(r#"a\\t\n\""#, IN_QUOTES), None);
        assert_eq!(unknown_escape(r"a\\\t", IN_QUOTES), Some('t'));
        assert_eq!(unknown_escape("a\\", IN_QUOTES), Some('\\'));
    }
}
