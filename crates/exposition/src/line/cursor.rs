//! A cursor over a line.
use memchr::memchr2;

/// A line and the read position, which is always at an ASCII byte and so never within a character.
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

    /// The rest of the line.
    pub(crate) fn rest(&self) -> &'b str {
        self.line.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    /// Skips `bytes`, which the caller knows to be ASCII.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Skips `byte` if it comes next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Skips spaces and tabs, and returns how many there are.
    pub(crate) fn skip_blanks(&mut self) -> usize {
        self.take_while(|byte| matches!(byte, b' ' | b'\t')).len()
    }

    /// The text up to the next space, tab or the end of the line.
    pub(crate) fn field(&mut self) -> &'b str {
        self.take_while(|byte| !matches!(byte, b' ' | b'\t'))
    }

    /// An unquoted metric name, or nothing: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    pub(crate) fn metric_name(&mut self) -> &'b str {
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return "";
        }
        self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
    }

    /// An unquoted label name, or nothing: `[a-zA-Z_][a-zA-Z0-9_]*`.
    pub(crate) fn label_name(&mut self) -> &'b str {
        if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return "";
        }
        self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    /// The text up to the next unescaped quote, and whether it has backslashes. Skips the quote too. None if the line has
    /// no such quote.
    pub(crate) fn until_quote(&mut self) -> Option<(&'b str, bool)> {
        let rest = self.rest();
        let mut end = 0;
        let mut has_escapes = false;
        loop {
            end += memchr2(b'"', b'\\', rest.as_bytes().get(end..)?)?;
            if rest.as_bytes().get(end) == Some(&b'"') {
                break;
            }
            has_escapes = true;
            end += 2;
        }
        self.at += end + 1;
        Some((rest.get(..end)?, has_escapes))
    }

    fn take_while(&mut self, is_included: impl Fn(u8) -> bool) -> &'b str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !is_included(byte)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }
}
