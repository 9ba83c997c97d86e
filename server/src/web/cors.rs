//! CORS: pages of the configured origins may read the API, and so may embeds that this server delivered.
use crate::web::backends::paths::within_page;
use crate::web::frame_policy::FramePolicy;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The header in which an embed without an origin sends its key.
pub(crate) const FRAME_KEY: HeaderName = HeaderName::from_static("frame-key");

/// The origin of sandboxed iframes, local files and redirects. It identifies no one.
const OPAQUE_ORIGIN: &[u8] = b"null";

/// How long browsers may cache a preflight's response, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Who may read the API.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Arc<[String]>,
    frame_policy: FramePolicy,
}

impl Cors {
    /// Allows `origins`, and the embeds of `frame_policy`.
    pub fn new(origins: &[String], frame_policy: FramePolicy) -> Self {
        Self { origins: origins.into(), frame_policy }
    }

    /// Whether a page of `origin` may read the response to a request with these headers.
    pub(crate) fn allows(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        if origin.as_bytes() == OPAQUE_ORIGIN {
            return headers.get(FRAME_KEY).is_some_and(|key| self.is_frame_key(key));
        }
        self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
    }

    /// Whether `key` is the one that this server wrote into embeds.
    pub(crate) fn is_frame_key(&self, key: &HeaderValue) -> bool {
        self.frame_policy.is_key(key.as_bytes())
    }

    /// The response to a preflight that is allowed, or none for any other request.
    fn preflight(&self, request: &Request, origin: &HeaderValue) -> Option<Response> {
        let headers = request.headers();
        if request.method() != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        // A preflight cannot carry the key, only announce it. The key itself is checked with the request that follows.
        let announced =
            headers.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok()).unwrap_or_default();
        let has_key = announced.split(',').any(|name| name.trim().eq_ignore_ascii_case(FRAME_KEY.as_str()));
        let is_embed = origin.as_bytes() == OPAQUE_ORIGIN && has_key && self.frame_policy.key.is_some();
        if !is_embed && !self.allows(origin, headers) {
            return None;
        }
        let headers = [
            (ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
            (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
            (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, frame-key")),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ];
        Some((StatusCode::NO_CONTENT, headers).into_response())
    }
}

/// Middleware that answers preflights, and marks the API's responses that another origin may read.
pub async fn apply_cors(State(cors): State<Cors>, request: Request, next: Next) -> Response {
    let path = within_page(request.uri().path());
    if !path.starts_with("/api/v1/") && path != "/config.json" {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = match origin.as_ref().and_then(|origin| cors.preflight(&request, origin)) {
        Some(response) => response,
        None => {
            let allowed = origin.filter(|origin| cors.allows(origin, request.headers()));
            let mut response = next.run(request).await;
            response.headers_mut().extend(allowed.map(|origin| (ACCESS_CONTROL_ALLOW_ORIGIN, origin)));
            response
        }
    };
    // Append: the response may have a Vary header already.
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    response
}
