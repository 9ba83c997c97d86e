//! Pages of other origins that may read the API: those that the configuration lists, and frames of this server's own.
use crate::web::frame_policy::Framing;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The header by which a frame without an origin shows that this server gave it out.
const KEY: HeaderName = HeaderName::from_static("frame-key");

/// The origin of sandboxed frames, of local files and of redirects: anyone's.
const OPAQUE: &[u8] = b"null";

/// How long a browser may keep the answer to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Who may read.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Arc<[String]>,
    framing: Framing,
}

impl Cors {
    /// These origins, and what `framing` allows.
    pub fn new(origins: &[String], framing: Framing) -> Self {
        Self { origins: origins.into(), framing }
    }

    /// Whether a page of this origin may read the answer to a request with these headers.
    fn allows(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        if origin.as_bytes() == OPAQUE {
            return headers.get(KEY).is_some_and(|key| self.framing.is_key(key.as_bytes()));
        }
        self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes())
    }

    /// The answer to the question whether a request may be made; none to any other request.
    fn preflight(&self, request: &Request, origin: &HeaderValue) -> Option<Response> {
        let headers = request.headers();
        if request.method() != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        // A preflight cannot carry the key; that it asks to send one says nothing yet, and gives nothing yet.
        let wanted =
            headers.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok()).unwrap_or_default();
        let asks_by_key = wanted.split(',').any(|name| name.trim().eq_ignore_ascii_case(KEY.as_str()));
        let is_frame = origin.as_bytes() == OPAQUE && asks_by_key && self.framing.key.is_some();
        if !is_frame && !self.allows(origin, headers) {
            return None;
        }
        let answer = [
            (ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
            (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
            (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, frame-key")),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ];
        Some((StatusCode::NO_CONTENT, answer).into_response())
    }
}

/// Answers preflights, and says on every answer of the API whether another origin may read it.
pub async fn share(State(cors): State<Cors>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/api/v1/") && path != "/config.json" {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = match origin.as_ref().and_then(|origin| cors.preflight(&request, origin)) {
        Some(answer) => answer,
        None => {
            let reader = origin.filter(|origin| cors.allows(origin, request.headers()));
            let mut response = next.run(request).await;
            response.headers_mut().extend(reader.map(|origin| (ACCESS_CONTROL_ALLOW_ORIGIN, origin)));
            response
        }
    };
    // Beside what the answer varies by already.
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    response
}
