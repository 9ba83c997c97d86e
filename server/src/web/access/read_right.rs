//! Who may read: everyone who reaches the server, or with `read_token_file` whoever has a token or a session.
use crate::clock::now_ms;
use crate::web::access::{Keyring, Refusal, Role, refusal};
use crate::web::api::error_text;
use crate::web::arrival::Arrival;
use crate::web::assets;
use crate::web::backends::paths::within_page;
use crate::web::cors::{Cors, FRAME_KEY};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// What needs no token: that the server runs, and the form.
const OPEN_PATHS: [&str; 5] = ["/-/healthy", "/-/ready", "/sign-in", "/sign-in.css", "/sign-out"];

/// Decides who may read.
#[derive(Clone, Debug)]
pub(crate) struct ReadRight {
    keyring: Arc<Keyring>,
    cors: Cors,
}

impl ReadRight {
    /// By the tokens of `keyring`; embeds that this server delivered read by their key.
    pub(crate) fn new(keyring: Arc<Keyring>, cors: Cors) -> Self {
        Self { keyring, cors }
    }

    /// The least role that reads a path; none if everyone may.
    fn needed(&self, path: &str) -> Option<Role> {
        let (access, path) = (&self.keyring.access, within_page(path));
        // The page's files have nothing in them; the page itself leads to the form.
        let is_open = OPEN_PATHS.contains(&path) || path != "/" && assets::is_file(path);
        let is_metrics = matches!(path, "/metrics" | "/federate") || path.starts_with("/openmetrics/");
        match (is_open, is_metrics) {
            (true, _) => None,
            (false, true) if access.metrics.is_some() => Some(Role::Metrics),
            _ => access.is_needed().then_some(Role::Read),
        }
    }

    /// Checks that a request may read.
    async fn check(&self, arrival: &Arrival, headers: &HeaderMap, needed: Role) -> Result<(), Refusal> {
        if self.keyring.user_role(arrival) >= Some(needed) {
            return Ok(());
        }
        let role = match self.keyring.token_role(arrival.client, headers).await? {
            Some(role) => Some(role),
            None => self.keyring.session_role(headers, now_ms()).await,
        };
        match role {
            Some(role) if role >= needed => Ok(()),
            Some(_) => Err(refusal(
                StatusCode::FORBIDDEN,
                "the token of metrics_token_file reads /metrics, /federate and /openmetrics only",
            )),
            // Such a page was delivered to somebody who may read.
            None if headers.get(FRAME_KEY).is_some_and(|key| self.cors.is_frame_key(key)) => Ok(()),
            None if !self.keyring.access.has_form() => Err(refusal(
                StatusCode::UNAUTHORIZED,
                "reading needs a sign-in at the proxy in front: open its address; see Behind a proxy in docs/security.md",
            )),
            None => Err(refusal(
                StatusCode::UNAUTHORIZED,
                "reading needs a token: open /sign-in in the browser, or send the header Authorization: Bearer; see Signing \
                 in in docs/security.md",
            )),
        }
    }
}

/// Middleware that refuses whom the configuration does not let read. A person is led to the form.
pub(crate) async fn check_reading(State(right): State<ReadRight>, request: Request, next: Next) -> Response {
    let Some(needed) = right.needed(request.uri().path()) else { return next.run(request).await };
    let has_form = right.keyring.access.has_form();
    match right.check(&Arrival::of(&request), request.headers(), needed).await {
        Ok(()) => next.run(request).await,
        Err(refused) if refused.status == StatusCode::UNAUTHORIZED && has_form && is_navigation(&request) => {
            to_form(request.uri())
        }
        Err(refused) => refused.response(request.uri().path()),
    }
}

/// Whether a person opens the page.
fn is_navigation(request: &Request) -> bool {
    let accepts_html = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("text/html"));
    request.method() == Method::GET
        && within_page(request.uri().path()) == "/"
        && request.headers().get(ACCEPT).is_some_and(accepts_html)
}

/// Leads to the form, which leads back to the same view.
fn to_form(uri: &Uri) -> Response {
    let view = uri.query().unwrap_or_default();
    // What a header can hold, a view can; others open without it. The path is relative: a proxy may have put one before it.
    let to = HeaderValue::try_from(format!("sign-in?{view}")).unwrap_or(HeaderValue::from_static("sign-in"));
    let headers = [(LOCATION, to), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

impl Refusal {
    /// The response: JSON for the API, and text otherwise.
    pub(crate) fn response(&self, path: &str) -> Response {
        let mut response = match within_page(path).starts_with("/api/") {
            true => error_text(self.status, &self.message),
            false => (self.status, format!("{}\n", self.message)).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"inferboard\""));
        }
        response
    }
}
