//! Origins of web pages, which the companion's configuration and an embed's link name.
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

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
    text.len() <= MAX_BYTES && is_host(host) && port.is_none_or(|port| port != default_port && is_port(port))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port.to_string() == text)
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse().is_ok_and(|parsed| ipv6_text(parsed) == address);
    }
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    // A host whose last label is a number is an IPv4 address.
    let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    !text.is_empty() && text.bytes().all(is_plain) && (!is_number || text.parse::<Ipv4Addr>().is_ok())
}

/// The address with its first longest run of zeros compressed, and without a dotted part.
fn ipv6_text(address: Ipv6Addr) -> String {
    let pieces = address.segments();
    let zeros_at = |start: usize| pieces[start..].iter().take_while(|piece| **piece == 0).count();
    let mut compressed = (0, 1);
    for start in 0..pieces.len() {
        if zeros_at(start) > compressed.1 {
            compressed = (start, zeros_at(start));
        }
    }
    let mut text = String::new();
    let mut at = 0;
    while at < pieces.len() {
        if at == compressed.0 && compressed.1 > 1 {
            text.push_str(if at == 0 { "::" } else { ":" });
            at += compressed.1;
            continue;
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{:x}", pieces[at]);
        at += 1;
        if at < pieces.len() {
            text.push(':');
        }
    }
    text
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
            "http://[fe80::1%25eth0]",
            &format!("https://{}.example", "a".repeat(300)),
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }
}
