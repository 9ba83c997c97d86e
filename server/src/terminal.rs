//! Text on its way to a terminal or a log. What could act on a terminal, hide text or forge a line is escaped: much of what
//! is printed comes from targets and other servers.
use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};

/// Prints `text`, which may have several lines, to standard output. A reader such as `head` may have closed the pipe.
pub fn print(text: &str) {
    let _ = io::stdout().write_all(lines(text).as_bytes());
}

/// Prints one line to standard error.
pub fn print_error(text: impl Display) {
    let text = format!("{text}\n");
    let _ = io::stderr().write_all(lines(&text).as_bytes());
}

/// The text without anything that acts on a terminal, on as many lines as before.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| !matches!(c, '\n' | '\t') && is_hidden(c), push_escape)
}

/// The text on one line, without anything that acts on a terminal.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, push_escape)
}

/// JSON without anything that acts on a terminal, and with the same meaning: such characters can be in its strings only.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let is_escaped = |c| !matches!(c, '\n' | '\r' | '\t') && is_hidden(c);
    escaped(text, is_escaped, |out, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn push_escape(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => out.extend(c.escape_unicode()),
    }
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool, push: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_escaped(c) {
            push(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character is shown as nothing, ends a line, changes the order of others, or acts on a terminal.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}]0;x\u{7}\u{9b}31m\u{202e}b\u{200b}\r\n\tc\u{7f}\u{e0041}";

    #[test]
    fn nothing_that_acts_on_a_terminal_is_left() {
        assert_eq!(lines(HOSTILE), "a\\u{1b}]0;x\\u{7}\\u{9b}31m\\u{202e}b\\u{200b}\\r\n\tc\\u{7f}\\u{e0041}");
        assert!(one_line(HOSTILE).contains("\\r\\n\\tc"));
        for plain in ["", "naïve → 漢字 e\u{301} 👩‍🚀".trim_end(), "up{job=\"a\"}\n"] {
            let expected = plain.replace('\u{200d}', "\\u{200d}");
            assert_eq!(lines(plain), expected);
        }
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = serde_json::json!({ "a": HOSTILE, "b": "😀" });
        let printed = value.to_string();
        let safe = json(&printed);
        assert!(!safe.chars().any(is_hidden), "{safe:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).expect("json"), value);
        assert_eq!(json("{\n\t\"a\": 1\n}"), "{\n\t\"a\": 1\n}");
    }
}
