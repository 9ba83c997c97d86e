//! What guards every answer: who may ask by which name, and what a browser may do with it.
use crate::web::frame_policy::Framing;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST, HeaderName, X_FRAME_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Of every answer.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
];

/// Of the page besides. What is no document would send them along with every script and number for nothing.
const PAGE_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), \
             microphone=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()",
        ),
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// The policy of everything else, should a browser be made to show it as a document.
const BARE_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The names by which the server may be asked. A page of another site that has its own name resolve to this machine
/// (DNS rebinding) asks by that name, and is turned away.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<Allowed>);

#[derive(Debug)]
struct Allowed {
    names: Vec<String>,
    /// A literal address cannot be rebound; where all addresses are listened on, any of them may be meant.
    any_address: bool,
}

impl Hosts {
    /// Loopback, the address listened on, and `names`.
    pub fn new(listen: SocketAddr, names: &[String]) -> Self {
        let names = names.iter().map(|name| name.to_ascii_lowercase());
        let names = names.chain(["localhost".into(), host_of(listen.ip())]).collect();
        Self(Arc::new(Allowed { names, any_address: listen.ip().is_unspecified() }))
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

    /// The status with which a request is refused, if it is.
    fn refusal(&self, uri: &Uri, headers: &HeaderMap) -> Option<StatusCode> {
        let mut given = headers.get_all(HOST).iter();
        let (Some(host), None) = (given.next(), given.next()) else { return Some(StatusCode::BAD_REQUEST) };
        let host = host.to_str().unwrap_or_default();
        if host.is_empty() {
            return Some(StatusCode::BAD_REQUEST);
        }
        let named = [Some(host), uri.authority().map(Authority::as_str)];
        let known = named.into_iter().flatten().all(|name| without_port(name).is_some_and(|name| self.allows(name)));
        (!known).then_some(StatusCode::MISDIRECTED_REQUEST)
    }
}

/// Whether it is a request for the page as it stands in a frame.
pub(crate) fn is_framed(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    is_page(uri) && query.split('&').any(|pair| pair.starts_with("embed="))
}

/// Whether it is a request for the page.
fn is_page(uri: &Uri) -> bool {
    uri.path() == "/"
}

/// Refuses requests by a foreign name, and adds the headers that guard an answer.
pub async fn guard(State((hosts, framing)): State<(Hosts, Framing)>, request: Request, next: Next) -> Response {
    let denied = Some(HeaderValue::from_static("DENY"));
    let is_page = is_page(request.uri());
    let (policy, options) = match is_framed(request.uri()) {
        true => (framing.policy, framing.options),
        false if is_page => (framing.closed_policy, denied),
        false => (BARE_POLICY, denied),
    };
    let mut response = match hosts.refusal(request.uri(), request.headers()) {
        Some(status) => status.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    if is_page {
        headers.extend(PAGE_HEADERS);
    }
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.extend(options.map(|options| (X_FRAME_OPTIONS, options)));
    response
}

fn host_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The host of `host[:port]`; none where it is no host or the port no number.
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

    fn status(listen: &str, hosts: &[&str], uri: &str) -> Option<u16> {
        let names = ["GpuBox.example".to_owned()];
        let headers: HeaderMap =
            hosts.iter().map(|host| (HOST, HeaderValue::from_str(host).expect("a header"))).collect();
        let hosts = Hosts::new(listen.parse().expect("an address"), &names);
        hosts.refusal(&uri.parse().expect("a uri"), &headers).map(|status| status.as_u16())
    }

    #[test]
    fn own_names_are_served() {
        for host in
            ["localhost", "LOCALHOST:9000", "127.0.0.1:7117", "127.0.0.9", "[::1]:7117", "[::1]", "gpubox.example:80"]
        {
            assert_eq!(status("127.0.0.1:7117", &[host], "/"), None, "{host}");
        }
        assert_eq!(status("0.0.0.0:7117", &["10.1.2.3:7117"], "/"), None);
        assert_eq!(status("10.1.2.3:7117", &["10.1.2.3:7117"], "/"), None);
    }

    #[test]
    fn foreign_names_are_not() {
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
        }
        assert_eq!(status("0.0.0.0:7117", &["attacker.example"], "/"), Some(421));
        assert_eq!(status("127.0.0.1:7117", &["localhost"], "http://attacker.example/"), Some(421));
    }

    #[test]
    fn no_host_and_two_hosts_are_bad_requests() {
        for hosts in [&[][..], &[""], &["localhost", "localhost"]] {
            assert_eq!(status("127.0.0.1:7117", hosts, "/"), Some(400), "{hosts:?}");
        }
    }
}
