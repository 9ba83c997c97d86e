//! Checks the host of every request, and sets the security headers of every response.
use crate::web::api::error_text;
use crate::web::arrival::Arrival;
use crate::web::assets;
use crate::web::backends::paths::within_page;
use crate::web::base_path::BasePath;
use crate::web::frame_policy::FramePolicy;
use crate::web::hosts::{AllowedHosts, HostRefusal};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, LOCATION, X_FRAME_OPTIONS};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

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

/// Whether the page is requested for an iframe: with `embed` in its address.
pub(crate) fn is_embed_request(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    is_page(uri) && query.split('&').any(|pair| pair.starts_with("embed="))
}

/// Whether the page itself is requested.
fn is_page(uri: &Uri) -> bool {
    within_page(uri.path()) == "/"
}

impl HostRefusal {
    /// The response: JSON for the API, so that the page can show the sentence, and plain text otherwise.
    fn response(&self, path: &str) -> Response {
        let mut response = match within_page(path).starts_with("/api/") {
            true => error_text(self.status, &self.message),
            false => (self.status, format!("{}\n", self.message)).into_response(),
        };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// What [`guard`] enforces.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The hosts that requests may address.
    pub hosts: AllowedHosts,
    /// Who may embed the page.
    pub frame_policy: FramePolicy,
    /// The path below which the page is opened.
    pub base_path: BasePath,
}

/// Leads from the base path without the slash at its end to the page.
fn to_slash(base_path: &BasePath, uri: &Uri) -> Response {
    let to = HeaderValue::try_from(base_path.with_slash(uri.query()));
    match to.or_else(|_| HeaderValue::try_from(base_path.with_slash(None))) {
        Ok(to) => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, to)]).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Middleware that rejects requests for other hosts and sets the security headers.
pub async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let Guard { hosts, frame_policy, base_path } = guard;
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
    let arrival = Arrival::of(&request);
    let mut response = match hosts.refusal(request.uri(), request.headers(), &arrival.hosts) {
        Some(refused) => refused.response(path),
        None if arrival.lacks_slash => to_slash(&base_path, request.uri()),
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
