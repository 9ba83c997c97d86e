//! The proxy through which a target is requested, and the hosts that are requested without it.
use crate::target::authorization::Authorization;
use http::Uri;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// The proxies through which targets are requested, by the scheme of the target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// For `http`.
    pub http: Option<ProxyServer>,
    /// For `https`.
    pub https: Option<ProxyServer>,
    /// The hosts that are requested without it.
    pub exceptions: Exceptions,
}

/// A proxy that speaks HTTP: it forwards requests for `http`, and opens tunnels for `https`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyServer {
    /// `http://host:port`.
    pub address: Uri,
    /// The credentials for it.
    pub authorization: Option<Authorization>,
}

impl Proxy {
    /// The proxy through which `uri` is requested; none for the direct way. That is the one to this machine: for a proxy,
    /// loopback is another machine.
    pub(crate) fn server_for(&self, uri: &Uri) -> Option<&ProxyServer> {
        let host = Host::of(uri);
        if host.is_loopback() || self.exceptions.0.iter().any(|exception| exception.matches(&host)) {
            return None;
        }
        if uri.scheme_str() == Some("https") { self.https.as_ref() } else { self.http.as_ref() }
    }

    /// The credentials for the proxies.
    pub(crate) fn authorizations(&self) -> impl Iterator<Item = &Authorization> {
        self.http.iter().chain(&self.https).filter_map(|server| server.authorization.as_ref())
    }
}

impl Hash for ProxyServer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
    }
}

/// The hosts that are requested without the proxy, as in the variable `NO_PROXY`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exceptions(Vec<Exception>);

/// One of them, perhaps for one port only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Exception {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Hosts {
    All,
    Address(IpAddr),
    /// The addresses whose first bits are those of this one.
    Network(IpAddr, u32),
    /// A name in lower case, and all names below it.
    Domain(String),
    /// All names below this one.
    Below(String),
}

/// The host and the port of a request.
struct Host {
    /// In lower case, without brackets.
    name: String,
    address: Option<IpAddr>,
    port: u16,
}

impl Host {
    fn of(uri: &Uri) -> Self {
        let name = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        Self { address: name.parse().ok(), name, port: uri.port_u16().unwrap_or(default) }
    }

    fn is_loopback(&self) -> bool {
        match self.address {
            Some(address) => address.to_canonical().is_loopback(),
            None => self.name == "localhost" || self.name.ends_with(".localhost"),
        }
    }
}

impl Exceptions {
    /// The hosts of a list with commas: `*`, names, `.domain`, addresses and networks, each perhaps with a port.
    ///
    /// # Errors
    /// The first part that is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| Exception::parse(part).ok_or_else(|| part.to_owned())).collect::<Result<_, _>>().map(Self)
    }
}

impl Exception {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse() {
            return Some(Self { hosts: Hosts::Address(address), port: None });
        }
        if let Some((address, bits)) = text.split_once('/') {
            let (address, bits): (IpAddr, u32) = (address.parse().ok()?, bits.parse().ok()?);
            let is_valid = bits <= if address.is_ipv4() { 32 } else { 128 };
            return is_valid.then_some(Self { hosts: Hosts::Network(address, bits), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        let hosts = match (host.as_str(), host.parse(), below) {
            ("*", ..) => Hosts::All,
            (_, Ok(address), _) => Hosts::Address(address),
            (_, _, Some(domain)) if is_name(domain) => Hosts::Below(domain.to_owned()),
            (name, ..) if is_name(name) => Hosts::Domain(name.to_owned()),
            _ => return None,
        };
        Some(Self { hosts, port })
    }

    fn matches(&self, host: &Host) -> bool {
        let below = |domain: &str| host.name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        let is_host = match &self.hosts {
            Hosts::All => true,
            Hosts::Address(address) => host.address == Some(*address),
            Hosts::Network(network, bits) => host.address.is_some_and(|address| is_in(address, *network, *bits)),
            Hosts::Domain(domain) => host.name == *domain || below(domain),
            Hosts::Below(domain) => below(domain),
        };
        is_host && self.port.is_none_or(|port| port == host.port)
    }
}

/// Whether the first `bits` of two addresses of the same kind are the same.
fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let differ = |difference: u128, width: u32| difference.checked_shr(width - bits).unwrap_or(0) != 0;
    match (address, network) {
        (IpAddr::V4(own), IpAddr::V4(other)) => !differ(u128::from(own.to_bits() ^ other.to_bits()), 32),
        (IpAddr::V6(own), IpAddr::V6(other)) => !differ(own.to_bits() ^ other.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_used(exceptions: &str, uri: &str) -> bool {
        let exceptions = Exceptions::parse(exceptions).expect(exceptions);
        let server = ProxyServer { address: "http://p:3128".parse().expect("a URL"), authorization: None };
        let proxy = Proxy { http: Some(server.clone()), https: Some(server), exceptions };
        proxy.server_for(&uri.parse().expect(uri)).is_some()
    }

    #[test]
    fn exceptions_are_those_of_no_proxy() {
        for (exceptions, uri, expected) in [
            ("", "http://gpu-1:8000/metrics", true),
            ("*", "http://gpu-1:8000/metrics", false),
            ("gpu-1", "http://gpu-1:8000/metrics", false),
            ("GPU-1", "http://gpu-1./metrics", false),
            ("gpu-1", "http://gpu-11/metrics", true),
            ("acme.example", "https://a.b.acme.example/", false),
            ("acme.example", "https://notacme.example/", true),
            (".acme.example", "https://acme.example/", true),
            ("*.acme.example, other", "https://a.acme.example/", false),
            ("gpu-1:8000", "http://gpu-1:8000/", false),
            ("gpu-1:8000", "http://gpu-1:8001/", true),
            ("gpu-1:443", "https://gpu-1/", false),
            ("10.1.2.3", "http://10.1.2.3:1/", false),
            ("10.0.0.0/8", "http://10.200.2.3/", false),
            ("10.0.0.0/8", "http://11.0.0.1/", true),
            ("0.0.0.0/0", "http://11.0.0.1/", false),
            ("10.0.0.0/8", "http://ten/", true),
            ("fd00::/8", "http://[fd12::1]:8000/", false),
            ("fd00::1", "http://[fd00::1]/", false),
            ("[fd00::1]:80", "http://[fd00::1]/", false),
        ] {
            assert_eq!(is_used(exceptions, uri), expected, "{exceptions:?} {uri}");
        }
    }

    #[test]
    fn loopback_is_never_requested_through_a_proxy() {
        for uri in ["http://localhost:8000/", "http://a.localhost/", "http://127.8.0.1/", "http://[::1]:80/"] {
            assert!(!is_used("", uri), "{uri}");
        }
    }

    #[test]
    fn what_is_no_host_is_named() {
        for text in ["a b", "10.0.0.0/33", "gpu-1:port", "http://gpu-1", "a,b c"] {
            assert!(Exceptions::parse(text).is_err(), "{text}");
        }
    }
}
