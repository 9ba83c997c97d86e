//! Reading of string literals with PromQL's three kinds of quotes, and writing of double-quoted ones.

/// Reads the literal at the start of `text`, which begins with a quote. Returns its contents and its length including the
/// quotes, or `None` if it is unterminated or has an unknown escape. Invalid UTF-8 becomes U+FFFD.
pub(crate) fn unquote(text: &str) -> Option<(String, usize)> {
    let quote = text.chars().next()?;
    let body = text.get(1..)?;
    if quote == '`' {
        let end = body.find('`')?;
        return Some((body[..end].to_owned(), end + 2));
    }
    let mut contents = Vec::new();
    let mut chars = body.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((String::from_utf8_lossy(&contents).into_owned(), index + 2)),
            '\n' => return None,
            '\\' => {
                let length = escape(&body[index + 1..], quote, &mut contents)?;
                for _ in 0..length {
                    chars.next();
                }
            }
            _ => contents.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    None
}

/// Decodes the escape after a backslash into `out`. Returns its length without the backslash, in characters and in bytes,
/// as all escapes are ASCII.
fn escape(text: &str, quote: char, out: &mut Vec<u8>) -> Option<usize> {
    let c = text.chars().next()?;
    let simple = match c {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        _ if c == quote => quote as u8,
        'x' => {
            out.push(u8::from_str_radix(text.get(1..3)?, 16).ok()?);
            return Some(3);
        }
        'u' | 'U' => {
            let length = if c == 'u' { 5 } else { 9 };
            let code = char::from_u32(u32::from_str_radix(text.get(1..length)?, 16).ok()?)?;
            out.extend(code.encode_utf8(&mut [0; 4]).bytes());
            return Some(length);
        }
        '0'..='7' => {
            out.push(u8::from_str_radix(text.get(..3)?, 8).ok()?);
            return Some(3);
        }
        _ => return None,
    };
    out.push(simple);
    Some(1)
}

/// Formats `contents` as a double-quoted literal.
pub(crate) fn quote(contents: &str) -> String {
    let mut literal = String::with_capacity(contents.len() + 2);
    literal.push('"');
    for c in contents.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            _ if c.is_control() => literal.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_unquoted() {
        for (literal, contents) in [
            (r#""a\tb""#, "a\tb"),
            (r"'it\'s'", "it's"),
            (r#"`a\d"`"#, "a\\d\""),
            (r#""\x41\101\u00e9\U0001F600""#, "AA\u{e9}\u{1F600}"),
            (r#""\xc3\xa9""#, "\u{e9}"),
            (r#""\xff""#, "\u{fffd}"),
        ] {
            assert_eq!(unquote(literal), Some((contents.to_owned(), literal.len())), "{literal}");
        }
        for literal in [r#""a"#, "\"a\nb\"", r#""\d""#, r#""\x4""#, r#""\'""#, "`a"] {
            assert_eq!(unquote(literal), None, "{literal}");
        }
    }

    #[test]
    fn quoting_round_trips() {
        let contents = "a\"b\\c\nd\u{7}\u{e9}";
        assert_eq!(unquote(&quote(contents)).map(|(text, _)| text), Some(contents.to_owned()));
    }
}
