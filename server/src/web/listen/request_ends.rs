//! Refuses requests whose end a proxy in front could see elsewhere, so that no request can hide in another.
//!
//! Source: RFC 9112, sections 2.2, 5.1, 6.1 and 6.3. What is refused here is what the HTTP parser accepts.

/// The start of a line that is kept: long enough for a header that frames a request.
const MAX_KEPT_BYTES: usize = 128;

/// Follows the bytes of a connection.
#[derive(Debug)]
pub(crate) struct RequestEnds {
    state: State,
    /// The start of the present line of a head.
    line: Vec<u8>,
    /// Whether a line of the head has ended.
    has_lines: bool,
    /// Whether the last byte was a carriage return.
    after_cr: bool,
    length: Option<u64>,
    is_chunked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Head,
    /// So many bytes of a body are to come.
    Body(u64),
    /// The body ends by itself, or the request is refused.
    Unknown,
}

/// The header lines that frame a request are ambiguous.
struct Ambiguous;

impl Default for RequestEnds {
    fn default() -> Self {
        Self {
            state: State::Head,
            line: Vec::new(),
            has_lines: false,
            after_cr: false,
            length: None,
            is_chunked: false,
        }
    }
}

impl RequestEnds {
    /// Follows `bytes`, in which it makes ambiguous heads invalid: the parser then answers 400 and closes the connection.
    pub(crate) fn check(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while let Some(rest) = bytes.get_mut(at..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::Unknown => return,
                State::Body(left) => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    at += taken;
                    let left = left - taken as u64;
                    self.state = if left == 0 { State::Head } else { State::Body(left) };
                }
                State::Head => {
                    let Some(byte) = rest.first_mut() else { return };
                    if self.head_byte(*byte).is_err() {
                        // No head may contain this byte.
                        *byte = 0;
                        self.state = State::Unknown;
                    }
                    at += 1;
                }
            }
        }
    }

    /// Whether the rest of a body is awaited.
    pub(crate) fn is_in_body(&self) -> bool {
        matches!(self.state, State::Body(_) | State::Unknown)
    }

    /// Notes that the response has been sent, so that a head comes next.
    pub(crate) fn end_request(&mut self) {
        if self.state == State::Unknown {
            *self = Self::default();
        }
    }

    fn head_byte(&mut self, byte: u8) -> Result<(), Ambiguous> {
        match (byte, std::mem::replace(&mut self.after_cr, byte == b'\r')) {
            (b'\n', true) => self.end_line(),
            (b'\n', false) => Err(Ambiguous),
            (_, true) => Err(Ambiguous),
            (b'\r', false) => Ok(()),
            (byte, false) => {
                if self.line.len() < MAX_KEPT_BYTES {
                    self.line.push(byte);
                }
                Ok(())
            }
        }
    }

    fn end_line(&mut self) -> Result<(), Ambiguous> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.has_lines = true;
            return self.header(&line);
        }
        // Empty lines may precede a request.
        if self.has_lines {
            let state = match (self.is_chunked, self.length) {
                (true, _) => State::Unknown,
                (false, Some(length)) if length > 0 => State::Body(length),
                (false, _) => State::Head,
            };
            *self = Self { state, ..Self::default() };
        }
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Ok(()) };
        let (name, value) = (&line[..colon], trimmed(&line[colon + 1..]));
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let is_alone = !self.is_chunked && self.length.is_none();
            self.is_chunked = true;
            return if is_alone && value.eq_ignore_ascii_case(b"chunked") { Ok(()) } else { Err(Ambiguous) };
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let length = digits.and_then(|text| text.parse().ok());
            let is_alone = !self.is_chunked && self.length.is_none();
            self.length = length;
            return if is_alone && length.is_some() { Ok(()) } else { Err(Ambiguous) };
        }
        Ok(())
    }
}

/// The value without the spaces and tabs around it.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = value.iter().position(is_text).unwrap_or(value.len());
    let end = value.iter().rposition(is_text).map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the bytes pass unchanged, whole and one at a time.
    fn passes(text: &str) -> bool {
        let mut whole = text.as_bytes().to_vec();
        RequestEnds::default().check(&mut whole);
        let mut ends = RequestEnds::default();
        let single: Vec<u8> = text
            .bytes()
            .map(|byte| {
                let mut one = [byte];
                ends.check(&mut one);
                one[0]
            })
            .collect();
        assert_eq!(whole, single, "{text:?}");
        whole == text.as_bytes()
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n";

    #[test]
    fn plain_requests_pass() {
        for text in [
            format!("{GET}\r\n{GET}\r\n"),
            format!("\r\n{GET}\r\n"),
            format!("{GET}Content-Length: 9\r\n\r\na=b\nc=d\r\n{GET}\r\n"),
            format!("{GET}Content-Length:0\r\n\r\n{GET}\r\n"),
            format!("{GET}transfer-encoding: Chunked\r\n\r\n3\r\na\nb\r\n0\r\n\r\n"),
            format!("{GET}X: {}\r\n\r\n", "content-length: 5, ".repeat(50)),
        ] {
            assert!(passes(&text), "{text:?}");
        }
    }

    #[test]
    fn ambiguous_requests_are_refused() {
        for headers in [
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding:\x0bchunked\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "X: a\nContent-Length: 5\r\n",
            "X: a\rContent-Length: 5\r\n",
        ] {
            assert!(!passes(&format!("{GET}{headers}\r\n")), "{headers:?}");
            // Behind another request in the same bytes too.
            assert!(!passes(&format!("{GET}Content-Length: 2\r\n\r\n\n\n{GET}{headers}\r\n")), "{headers:?}");
        }
        assert!(!passes("GET / HTTP/1.1\nHost: localhost\n\n"));
    }
}
