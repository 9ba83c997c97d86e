//! Checks the host of every request, and sets the security headers of every response.
use crate::web::assets;
use crate::web::backends::paths::within_page;
use crate::web::frame_policy::FramePolicy;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST, HeaderName, X_FRAME_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::warn;

/// Headers of every response.
const COMMON_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
];

/// Says which sites' pages may load a response without being able to read it: of all responses, only the page's files, as
/// sandboxed iframes of the page have no origin.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Further headers of the page. They have an effect on documents only, so other responses do without them.
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

/// The Content-Security-Policy of all other responses, in case a browser shows one as a document.
const RESTRICTIVE_CSP: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

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

/// How often a rejected host is logged, and how much of it.
const LOG_PERIOD: Duration = Duration::from_secs(60);
const MAX_LOGGED_BYTES: usize = 100;

impl AllowedHosts {
    /// Allows loopback, the address `listen`, and `names`.
    pub fn new(listen: SocketAddr, names: &[String]) -> Self {
        let names = names.iter().map(|name| name.to_ascii_lowercase());
        let names = names.chain(["localhost".into(), host_of(listen.ip())]).collect();
        Self(Arc::new(HostList { names, any_address: listen.ip().is_unspecified(), logged_at: Mutex::default() }))
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

    /// Logs that a host was rejected, now and then.
    fn log_rejection(&self, headers: &HeaderMap) {
        let mut logged_at = self.0.logged_at.lock();
        if logged_at.is_none_or(|at| at.elapsed() >= LOG_PERIOD) {
            *logged_at = Some(Instant::now());
            let host = headers.get(HOST).map(|host| host.as_bytes().get(..MAX_LOGGED_BYTES).unwrap_or(host.as_bytes()));
            let host = String::from_utf8_lossy(host.unwrap_or_default());
            warn!(?host, "a request for another host was refused; if it is this server's name, add --allow-host");
        }
    }

    /// The error status of a request whose host is missing or not allowed.
    fn rejection(&self, uri: &Uri, headers: &HeaderMap) -> Option<StatusCode> {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Some(StatusCode::BAD_REQUEST) };
        let host = host.to_str().unwrap_or_default();
        if host.is_empty() {
            return Some(StatusCode::BAD_REQUEST);
        }
        let hosts = [Some(host), uri.authority().map(Authority::as_str)];
        let is_allowed =
            hosts.into_iter().flatten().all(|host| without_port(host).is_some_and(|host| self.allows(host)));
        (!is_allowed).then_some(StatusCode::MISDIRECTED_REQUEST)
    }
}

/// Whether the page is requested for an iframe: with `embed` in its address.
pub(crate) fn is_embed_request(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    is_page(uri) && query.split('&').any(|pair| pair.starts_with("embed="))
}

/// Whether the page itself is requested.
fn is_page(uri: &Uri) -> bool {
    within_page(uri.path()) == "/"
}

/// What [`guard`] enforces.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The hosts that requests may address.
    pub hosts: AllowedHosts,
    /// Who may embed the page.
    pub frame_policy: FramePolicy,
}

/// Middleware that rejects requests for other hosts and sets the security headers.
pub async fn guard(State(Guard { hosts, frame_policy }): State<Guard>, request: Request, next: Next) -> Response {
    let deny = Some(HeaderValue::from_static("DENY"));
    let is_page = is_page(request.uri());
    let path = request.uri().path();
    // A sandboxed iframe of an earlier process asks for the configuration to find out whether the server is there again.
    let is_loadable = !is_page && (assets::is_file(path) || within_page(path) == assets::API_FILE);
    let resource_policy = HeaderValue::from_static(if is_loadable { "cross-origin" } else { "same-origin" });
    let (csp, frame_options) = match is_embed_request(request.uri()) {
        true => (frame_policy.embed_csp, frame_policy.embed_frame_options),
        false if is_page => (frame_policy.default_csp, deny),
        false => (RESTRICTIVE_CSP, deny),
    };
    let mut response = match hosts.rejection(request.uri(), request.headers()) {
        Some(status) => {
            hosts.log_rejection(request.headers());
            status.into_response()
        }
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.extend(COMMON_HEADERS);
    headers.insert(RESOURCE_POLICY, resource_policy);
    if is_page {
        headers.extend(PAGE_HEADERS);
    }
    // The form for signing in has its own.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(csp);
    headers.extend(frame_options.map(|value| (X_FRAME_OPTIONS, value)));
    response
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

    fn status(listen: &str, hosts: &[&str], uri: &str) -> Option<u16> {
        let names = ["GpuBox.example".to_owned()];
        let headers: HeaderMap =
            hosts.iter().map(|host| (HOST, HeaderValue::from_str(host).expect("a header"))).collect();
        let hosts = AllowedHosts::new(listen.parse().expect("an address"), &names);
        hosts.rejection(&uri.parse().expect("a uri"), &headers).map(|status| status.as_u16())
    }

    #[test]
    fn allowed_hosts_are_served() {
        for host in
            ["localhost", "LOCALHOST:9000", "127.0.0.1:7117", "127.0.0.9", "[::1]:7117", "[::1]", "gpubox.example:80"]
        {
            assert_eq!(status("127.0.0.1:7117", &[host], "/"), None, "{host}");
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
}
