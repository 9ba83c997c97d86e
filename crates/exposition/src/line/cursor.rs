//! A place within a line, moved by what is found there.
use memchr::memchr2;

/// A line and how far it has been read. It only ever stops at ASCII bytes, which are never within a character.
#[derive(Clone)]
pub(crate) struct Cursor<'b> {
    line: &'b str,
    at: usize,
}

impl<'b> Cursor<'b> {
    pub(crate) fn new(line: &'b str) -> Self {
        Self { line, at: 0 }
    }

    /// Bytes read so far.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.line.len()
    }

    /// What is left of the line.
    pub(crate) fn rest(&self) -> &'b str {
        self.line.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    /// Goes on by `bytes`, which the caller has seen to be ASCII.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Passes `byte` if it comes next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Passes spaces and tabs; how many there were.
    pub(crate) fn skip_blanks(&mut self) -> usize {
        self.take_while(|byte| matches!(byte, b' ' | b'\t')).len()
    }

    /// What there is up to the next space, tab or the end of the line.
    pub(crate) fn field(&mut self) -> &'b str {
        self.take_while(|byte| !matches!(byte, b' ' | b'\t'))
    }

    /// A metric name that needs no quotes, or nothing: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    pub(crate) fn metric_name(&mut self) -> &'b str {
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return "";
        }
        self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
    }

    /// A label name that needs no quotes, or nothing: `[a-zA-Z_][a-zA-Z0-9_]*`.
    pub(crate) fn label_name(&mut self) -> &'b str {
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return "";
        }
        self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    /// What there is up to the next quote that no backslash escapes, which is passed too, and whether backslashes are
    /// among it. None when the line has no such quote.
    pub(crate) fn until_quote(&mut self) -> Option<(&'b str, bool)> {
        let rest = self.rest();
        let mut end = 0;
        let mut escaped = false;
        loop {
            end += memchr2(b'"', b'\\', rest.as_bytes().get(end..)?)?;
            if rest.as_bytes().get(end) == Some(&b'"') {
                break;
            }
            escaped = true;
            end += 2;
        }
        self.at += end + 1;
        Some((rest.get(..end)?, escaped))
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'b str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !keep(byte)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }
}
