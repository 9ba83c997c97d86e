//! What proxies say of a request in its headers: `X-Forwarded-For`, `-Proto` and `-Host`, or else `Forwarded` (RFC 7239).
use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HeaderName};
use std::net::{IpAddr, SocketAddr};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The maximum number of proxies on the way of a request that are looked at.
const MAX_HOPS: usize = 32;

/// What is said of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded {
    /// The client: the last one on the way that is no proxy which is believed. None if none is named, or not by an address.
    pub(crate) client: Option<IpAddr>,
    /// Whether the browser speaks HTTPS with the first proxy.
    pub(crate) is_https: bool,
    /// The hosts that the request was for, the browser's first.
    pub(crate) hosts: Vec<String>,
}

/// One proxy's words in `Forwarded`.
#[derive(Debug, Default)]
struct Hop {
    client: Option<IpAddr>,
    proto: String,
    host: Option<String>,
}

impl Forwarded {
    /// What the headers say, if whoever `trusts` accepts is believed. Where a proxy sends headers of the older kind, those
    /// of the newer one are the client's own, and do not count.
    pub(crate) fn read(headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> Self {
        if [FOR, PROTO, HOST].iter().any(|name| headers.contains_key(name)) {
            let clients = list(headers, &FOR).map(address).collect();
            return Self {
                client: last_client(clients, trusts),
                is_https: list(headers, &PROTO).next().is_some_and(|proto| proto.eq_ignore_ascii_case("https")),
                hosts: list(headers, &HOST).take(MAX_HOPS).map(str::to_owned).collect(),
            };
        }
        let values = headers.get_all(FORWARDED).iter().map(|value| value.to_str().unwrap_or_default());
        let hops: Vec<Hop> = values.flat_map(|value| split(value, ',')).map(hop).collect();
        let clients = hops.iter().map(|hop| hop.client).collect();
        Self {
            client: last_client(clients, trusts),
            is_https: hops.first().is_some_and(|hop| hop.proto.eq_ignore_ascii_case("https")),
            hosts: hops.into_iter().take(MAX_HOPS).filter_map(|hop| hop.host).collect(),
        }
    }
}

/// The last client that is not believed, seen from the server; the first one if all are. What stands before one that is
/// no address may have been written by anyone.
fn last_client(clients: Vec<Option<IpAddr>>, trusts: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut last = None;
    for client in clients.into_iter().rev().take(MAX_HOPS) {
        let Some(client) = client else { break };
        last = Some(client);
        if !trusts(client) {
            break;
        }
    }
    last
}

/// The parts of all headers of a name, which are lists with commas.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = plain.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

fn hop(text: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in split(text, ';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = unquoted(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.client = address(&value),
            "proto" => hop.proto = value,
            "host" => hop.host = Some(value),
            _ => {}
        }
    }
    hop
}

/// The parts between separators that are not in quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut begin, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == separator && !is_quoted => {
                parts.push(text.get(begin..at).unwrap_or_default());
                begin = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(begin..).unwrap_or_default());
    parts.into_iter().map(str::trim).collect()
}

/// The value of a quoted string (RFC 9110, section 5.6.4), or a token as it is.
fn unquoted(text: &str) -> String {
    let Some(inside) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    let mut chars = inside.chars();
    let mut value = String::new();
    while let Some(c) = chars.next() {
        value.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// What is said, if 10.0.0.0/8 is believed: client, whether HTTPS, hosts.
    fn said(headers: &[(&str, &str)]) -> (String, bool, String) {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::try_from(*name).expect("a name"), HeaderValue::try_from(*value).expect("a value"))
        });
        let trusts = |address: IpAddr| address.to_string().starts_with("10.");
        let Forwarded { client, is_https, hosts } = Forwarded::read(&headers.collect(), trusts);
        (client.map_or_else(String::new, |client| client.to_string()), is_https, hosts.join(" "))
    }

    fn client(header: &str) -> String {
        said(&[("x-forwarded-for", header)]).0
    }

    #[test]
    fn the_client_is_the_last_one_that_is_not_believed() {
        for (header, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, 10.0.0.1", "192.0.2.1"),
            ("198.51.100.9, 192.0.2.1 ,10.0.0.1", "192.0.2.1"),
            ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("[2001:db8::1]:80, 10.0.0.1", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("198.51.100.9, unknown, 10.0.0.1", "10.0.0.1"),
            ("127.0.0.1, evil", ""),
            ("", ""),
        ] {
            assert_eq!(client(header), expected, "{header:?}");
        }
        let two = [("x-forwarded-for", "198.51.100.9"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(said(&two).0, "192.0.2.1", "a second header follows the first");
        assert_eq!(client(&format!("192.0.2.1{}", ", 10.0.0.1".repeat(5000))), "10.0.0.1", "the way is bounded");
    }

    #[test]
    fn the_newer_header_says_the_same() {
        for (header, expected) in [
            ("for=192.0.2.1;proto=https;host=dash.example", ("192.0.2.1", true, "dash.example")),
            ("For=\"[2001:db8::1]:80\" ; Proto=HTTPS", ("2001:db8::1", true, "")),
            ("for=192.0.2.1;host=\"a\\\",b;c\", for=10.0.0.1;proto=https", ("192.0.2.1", false, "a\",b;c")),
            ("for=_hidden, for=10.0.0.1", ("10.0.0.1", false, "")),
            ("nonsense;;==,", ("", false, "")),
            ("for=\"192.0.2.1", ("", false, "")),
        ] {
            let (client, is_https, hosts) = said(&[("forwarded", header)]);
            assert_eq!((client.as_str(), is_https, hosts.as_str()), expected, "{header:?}");
        }
    }

    #[test]
    fn where_a_proxy_sends_the_older_headers_the_newer_one_is_the_clients() {
        let both = [("forwarded", "for=198.51.100.9;host=evil.example;proto=https"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(said(&both), ("192.0.2.1".into(), false, String::new()));
        let all = [("x-forwarded-proto", "https, http"), ("x-forwarded-host", "dash.example, 127.0.0.1:7117")];
        assert_eq!(said(&all), (String::new(), true, "dash.example 127.0.0.1:7117".into()));
    }
}
