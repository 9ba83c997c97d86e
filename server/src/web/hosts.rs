//! The host names under which the server answers, and what it says to requests for others.
use axum::http::header::{HOST, HeaderMap};
use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri};
use parking_lot::Mutex;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::warn;

/// The host names that requests may address. This stops DNS rebinding, where another site makes its own name resolve to
/// this machine: its requests carry that name.
#[derive(Clone, Debug)]
pub struct AllowedHosts(Arc<HostList>);

#[derive(Debug)]
struct HostList {
    names: Vec<String>,
    /// Whether any IP address is allowed: if the server listens on all addresses. IP addresses cannot be rebound.
    any_address: bool,
    /// When a rejected host was last logged.
    logged_at: Mutex<Option<Instant>>,
}

/// How often a rejected host is logged.
const LOG_PERIOD: Duration = Duration::from_secs(60);

/// How much of a rejected host is repeated, and how many hosts an answer lists.
const MAX_HOST_CHARS: usize = 100;
const MAX_LISTED: usize = 8;

/// Why a request for a host is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostRefusal {
    pub(crate) status: StatusCode,
    /// A sentence of plain text.
    pub(crate) message: String,
}

impl AllowedHosts {
    /// Allows loopback, the address `listen`, and `names`.
    pub fn new(listen: Option<SocketAddr>, names: &[String]) -> Self {
        let names = names.iter().map(|name| name.to_ascii_lowercase()).chain(["localhost".into()]);
        let names = names.chain(listen.map(|listen| host_of(listen.ip()))).collect();
        let any_address = listen.is_some_and(|listen| listen.ip().is_unspecified());
        Self(Arc::new(HostList { names, any_address, logged_at: Mutex::default() }))
    }

    fn allows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        match address.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => true,
            Ok(address) => self.0.any_address && !address.is_unspecified() || self.0.names.contains(&host),
            Err(_) => self.0.names.contains(&host),
        }
    }

    /// Why a request is refused whose host is missing or not allowed, also as a proxy that is believed has `forwarded` it.
    /// Now and then it is logged.
    pub(crate) fn refusal(&self, uri: &Uri, headers: &HeaderMap, forwarded: &[String]) -> Option<HostRefusal> {
        let bad = |message: &str| Some(HostRefusal { status: StatusCode::BAD_REQUEST, message: message.into() });
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return bad("a request has exactly one header Host");
        };
        let host = String::from_utf8_lossy(host.as_bytes());
        if host.is_empty() {
            return bad("the header Host is empty");
        }
        let hosts = [Some(&*host), uri.authority().map(Authority::as_str)];
        let mut hosts = hosts.into_iter().flatten().chain(forwarded.iter().map(String::as_str));
        let refused = hosts.find(|host| !without_port(host).is_some_and(|host| self.allows(host)))?;
        self.log(refused);
        Some(HostRefusal { status: StatusCode::MISDIRECTED_REQUEST, message: self.message(refused) })
    }

    /// What is wrong with a host, and what to do if it is the server's own name.
    fn message(&self, refused: &str) -> String {
        let list = &self.0;
        let more = list.names.len().saturating_sub(MAX_LISTED);
        let mut served = list.names.iter().take(MAX_LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
        if more > 0 {
            // Writing to a string cannot fail.
            let _ = write!(served, " and {more} more");
        }
        if list.any_address {
            served.push_str(", and for IP addresses");
        }
        // What stands in it may be of anyone. A name of a host has these characters only.
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || ".-_:[]".contains(*c);
        let shown: String = refused.chars().take(MAX_HOST_CHARS).map(|c| if is_plain(&c) { c } else { '?' }).collect();
        let name = without_port(&shown).filter(|_| shown == refused);
        let (quoted, name) = (format!("\"{shown}\""), name.unwrap_or("NAME"));
        format!(
            "this server does not answer for the host {quoted}, only for {served}; if that is the server's name, start it \
             with --allow-host {name}, or add it to allowed_hosts in its configuration"
        )
    }

    fn log(&self, refused: &str) {
        let mut logged_at = self.0.logged_at.lock();
        if logged_at.is_none_or(|at| at.elapsed() >= LOG_PERIOD) {
            *logged_at = Some(Instant::now());
            let host: String = refused.chars().take(MAX_HOST_CHARS).collect();
            warn!(?host, "a request for another host was refused; if it is this server's name, add --allow-host");
        }
    }
}

/// Whether `host[:port]` is a name or an address of loopback.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let name = without_port(host).unwrap_or_default();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn host_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The host of `host[:port]`, or none if either is malformed.
fn without_port(text: &str) -> Option<&str> {
    let (host, port) = match text.rfind(']') {
        Some(end) => {
            let (host, rest) = text.split_at(end + 1);
            host.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    (!host.is_empty() && port.is_none_or(|port| port.parse::<u16>().is_ok())).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn refusal(listen: &str, hosts: &[&str], uri: &str, forwarded: &[&str]) -> Option<HostRefusal> {
        let names = ["GpuBox.example".to_owned()];
        let headers: HeaderMap =
            hosts.iter().map(|host| (HOST, HeaderValue::from_bytes(host.as_bytes()).expect("a header"))).collect();
        let hosts = AllowedHosts::new(listen.parse().ok(), &names);
        let forwarded: Vec<String> = forwarded.iter().map(|&host| host.to_owned()).collect();
        hosts.refusal(&uri.parse().expect("a uri"), &headers, &forwarded)
    }

    fn status(listen: &str, hosts: &[&str], uri: &str) -> Option<u16> {
        refusal(listen, hosts, uri, &[]).map(|refused| refused.status.as_u16())
    }

    #[test]
    fn allowed_hosts_are_served() {
        for host in
            ["localhost", "LOCALHOST:9000", "127.0.0.1:7117", "127.0.0.9", "[::1]:7117", "[::1]", "gpubox.example:80"]
        {
            assert_eq!(status("127.0.0.1:7117", &[host], "/"), None, "{host}");
            assert_eq!(status("a socket", &[host], "/"), None, "{host}");
            assert_eq!(refusal("127.0.0.1:7117", &["localhost"], "/", &[host]), None, "{host}");
        }
        assert_eq!(status("0.0.0.0:7117", &["10.1.2.3:7117"], "/"), None);
        assert_eq!(status("10.1.2.3:7117", &["10.1.2.3:7117"], "/"), None);
    }

    #[test]
    fn other_hosts_are_rejected() {
        for host in [
            "attacker.example",
            "127.0.0.1.attacker.example",
            "localhost.attacker.example",
            "127.1",
            "0.0.0.0",
            "10.1.2.3",
            "localhost@attacker.example",
            "[::1",
            "[::1]x",
            "localhost:x",
            ":7117",
        ] {
            assert_eq!(status("127.0.0.1:7117", &[host], "/"), Some(421), "{host}");
            let forwarded = refusal("127.0.0.1:7117", &["localhost"], "/", &["localhost", host]);
            assert_eq!(forwarded.map(|refused| refused.status.as_u16()), Some(421), "{host}");
        }
        assert_eq!(status("0.0.0.0:7117", &["attacker.example"], "/"), Some(421));
        assert_eq!(status("127.0.0.1:7117", &["localhost"], "http://attacker.example/"), Some(421));
    }

    #[test]
    fn a_missing_or_repeated_host_is_a_bad_request() {
        for hosts in [&[][..], &[""], &["localhost", "localhost"]] {
            assert_eq!(status("127.0.0.1:7117", hosts, "/"), Some(400), "{hosts:?}");
        }
    }

    #[test]
    fn a_refusal_says_which_hosts_are_served_and_what_to_set() {
        let message = |listen: &str, host: &str| refusal(listen, &[host], "/", &[]).expect("a refusal").message;
        let usual = message("127.0.0.1:7117", "gpubox:7117");
        for text in
            ["\"gpubox:7117\"", "localhost, 127.0.0.1", "gpubox.example", "--allow-host gpubox,", "allowed_hosts"]
        {
            assert!(usual.contains(text), "{usual}");
        }
        assert!(message("0.0.0.0:1", "gpubox").contains("and for IP addresses"));
        let hostile = message("127.0.0.1:1", "<script>alert('1')</script>\u{e4}&");
        assert!(hostile.contains("\"?script?alert??1???") && hostile.contains("--allow-host NAME,"), "{hostile}");
        assert!(!hostile.contains(['<', '>', '&']) && hostile.is_ascii(), "{hostile}");
        assert!(message("127.0.0.1:1", &"a".repeat(10_000)).len() < 1_000);
        let many: Vec<String> = (0..500).map(|number| format!("host-{number}.example")).collect();
        let many = AllowedHosts::new(None, &many).message("other");
        assert!(many.contains(" and 493 more") && many.len() < 1_000, "{many}");
    }
}
