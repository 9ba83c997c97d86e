//! Origins of web pages, which the companion's configuration and an embed's link name.

/// The longest origin: a scheme, a host name of at most 253 bytes and a port.
const MAX_BYTES: usize = "https://".len() + 253 + ":65535".len();

/// Whether a text is an HTTP origin exactly as browsers write it: scheme, host and, if it is not the scheme's own, port.
/// Origins are compared as text, so a path or a capital letter would never match. `null` is no origin: any sandboxed
/// page has it.
///
/// Source: WHATWG HTML, "ASCII serialization of an origin"; WHATWG URL, "host serializer". A host name here has letters,
/// digits, `-`, `.` and `_` only: the standard allows more, but `*` and `;` mean something else in an HTTP header.
pub fn is_origin(text: &str) -> bool {
    let (rest, default_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, "443"),
        (_, Some(rest)) => (rest, "80"),
        (None, None) => return false,
    };
    // The colons of an IPv6 address are within its brackets.
    let host_end = rest.find(']').map_or(0, |end| end + 1);
    let (host, port) = match rest.get(host_end..).and_then(|after| after.find(':')) {
        Some(colon) => (&rest[..host_end + colon], Some(&rest[host_end + colon + 1..])),
        None => (rest, None),
    };
    text.len() <= MAX_BYTES && is_host(host) && port.is_none_or(|port| port != default_port && is_number(port, 65535))
}

/// Whether a text is a number up to `max` without leading zeros.
fn is_number(text: &str, max: u32) -> bool {
    text.parse::<u32>().is_ok_and(|number| number <= max && number.to_string() == text)
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return is_ipv6(address);
    }
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    // A host whose last label is a number is an IPv4 address.
    let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next().unwrap_or_default();
    let is_numeric = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    !text.is_empty() && text.bytes().all(is_plain) && (!is_numeric || is_ipv4(text))
}

fn is_ipv4(text: &str) -> bool {
    text.split('.').count() == 4 && text.split('.').all(|part| is_number(part, 255))
}

/// Whether a text is an IPv6 address in its one serialized form: no leading zeros, no dotted part, and `::` for the first
/// longest run of zeros. The page is smaller without the standard library's parser.
fn is_ipv6(text: &str) -> bool {
    fn pieces(part: &str) -> impl DoubleEndedIterator<Item = &str> {
        part.split(':').filter(|_| !part.is_empty())
    }
    fn longest_zeros(part: &str) -> usize {
        let (mut longest, mut run) = (0, 0);
        for piece in pieces(part) {
            run = if piece == "0" { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest
    }
    let is_piece = |piece: &str| {
        (1..=4).contains(&piece.len())
            && piece.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && (piece == "0" || !piece.starts_with('0'))
    };
    let (before, after) = text.split_once("::").map_or((text, None), |(before, after)| (before, Some(after)));
    let count = pieces(before).count() + pieces(after.unwrap_or_default()).count();
    if !pieces(before).chain(pieces(after.unwrap_or_default())).all(is_piece) {
        return false;
    }
    match after {
        None => count == 8 && longest_zeros(before) < 2,
        Some(after) => {
            let compressed = 8_usize.saturating_sub(count);
            compressed >= 2
                && longest_zeros(before) < compressed
                && longest_zeros(after) <= compressed
                && pieces(before).next_back() != Some("0")
                && pieces(after).next() != Some("0")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_exactly_as_browsers_write_them() {
        for text in [
            "https://a.example",
            "http://a.example.",
            "http://localhost:8080",
            "https://localhost:80",
            "http://a_b-c.example:65535",
            "https://xn--bcher-kva.example",
            "http://127.0.0.1:7117",
            "http://[::1]:8080",
            "http://[::1]",
            "http://[::]:1",
            "http://[1::]",
            "http://[2001:db8::1]",
            "http://[2001:db8:0:1:1:1:1:1]",
            "http://[::ffff:102:304]",
            "http://[1:0:0:2::3]",
            "http://[1::2:0:0:3]",
            "http://[1::2:3:0:0:6]",
            "http://[1:2:3:4:5:6:7:8]",
        ] {
            assert!(is_origin(text), "{text}");
        }
    }

    #[test]
    fn everything_else_is_no_origin() {
        for text in [
            "",
            "*",
            "null",
            "'self'",
            "a.example",
            "https://",
            "https://:80",
            "https://a.example/",
            "https://a.example/x",
            "https://a.example?x",
            "https://A.example",
            "HTTPS://a.example",
            "https://a.example:443",
            "http://a.example:80",
            "http://a.example:",
            "http://a.example:0080",
            "http://a.example:+80",
            "http://a.example:65536",
            "http://a.example:1:2",
            "https://*.a.example",
            "https://u@a.example",
            "https://a.example https://b.example",
            "https://a.example;",
            "https://bücher.example",
            "ftp://a.example",
            "data:",
            "file:///x",
            "http://127.1",
            "http://127.0.0.01",
            "http://0x7f000001",
            "http://256.0.0.1",
            "http://[::1",
            "http://::1",
            "http://[0:0:0:0:0:0:0:1]",
            "http://[::0001]",
            "http://[::FFFF]",
            "http://[::ffff:1.2.3.4]",
            "http://[1:0:0:0:2::3]",
            "http://[0::1]",
            "http://[1::0]",
            "http://[1:::2]",
            "http://[1::2::3]",
            "http://[1:2:3:4:5:6:7::8]",
            "http://[1:2:3:4:5:6:7]",
            "http://[1:0:0:4:5:6:7:8]",
            "http://[1:2:3:4:5:6:7:8:9]",
            "http://[fe80::1%25eth0]",
            &format!("https://{}.example", "a".repeat(300)),
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }
}
