//! The form with which a person signs in: a token for a session.
use crate::clock::now_ms;
use crate::web::access::{Keyring, Refusal, Role, refuse_foreign};
use crate::web::arrival::Arrival;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, ORIGIN, SET_COOKIE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;

/// The longest form.
const MAX_BYTES: usize = 8 << 10;

/// The form's look.
const STYLE: &str = include_str!("sign_in.css");

/// The form sends to this server only.
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The routes of the form, beside the page at `base` and a slash.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(base: &str, keyring: Arc<Keyring>) -> Router<S> {
    Router::new()
        .route(&format!("{base}/sign-in"), get(form).post(sign_in))
        .route(&format!("{base}/sign-in.css"), get(style))
        .route(&format!("{base}/sign-out"), post(sign_out))
        .with_state(keyring)
}

async fn style() -> impl IntoResponse {
    let headers = [("text/css; charset=utf-8", CONTENT_TYPE), ("no-cache", CACHE_CONTROL)];
    (headers.map(|(value, name)| (name, HeaderValue::from_static(value))), STYLE)
}

async fn form(State(keyring): State<Arc<Keyring>>, request: Request) -> Response {
    if let Some(role) = keyring.user_role(&Arrival::of(&request)) {
        let text =
            format!("<p>The proxy has signed you in, and you may {}. <a href=\"./\">Open the page</a></p>", may(role));
        return page(StatusCode::OK, &text);
    }
    if !keyring.access.has_form() {
        let text = match keyring.access.user {
            Some(_) => "<p>People sign in at the proxy in front of this server: open its address.</p>",
            None => "<p>Nobody needs to sign in: the configuration has no token.</p>",
        };
        return page(StatusCode::NOT_FOUND, text);
    }
    match keyring.session_role(request.headers(), now_ms()).await {
        Some(role) => {
            let text = format!(
                "<p>You are signed in and may {}. <a href=\"./\">Open the page</a></p>\
                 <form method=\"post\" action=\"sign-out\"><button>Sign out</button></form>",
                may(role)
            );
            page(StatusCode::OK, &text)
        }
        None => page(StatusCode::OK, &fields(request.uri().query().unwrap_or_default(), "")),
    }
}

fn may(role: Role) -> &'static str {
    if role == Role::Write { "read and write" } else { "read" }
}

/// Begins a session, and leads to the view.
async fn sign_in(State(keyring): State<Arc<Keyring>>, request: Request) -> Response {
    let (arrival, headers) = (Arrival::of(&request), request.headers().clone());
    let is_https = is_https(&request);
    let view = request.uri().query().unwrap_or_default().to_owned();
    let role = async {
        refuse_foreign(&arrival, &headers)?;
        let too_long = |_| Refusal { status: StatusCode::PAYLOAD_TOO_LARGE, message: "the token is too long".into() };
        let body = to_bytes(request.into_body(), MAX_BYTES).await.map_err(too_long)?;
        let token =
            form_urlencoded::parse(&body).find(|(name, _)| name == "token").map(|(_, token)| token.into_owned());
        let role = keyring.role_of(arrival.client, token.unwrap_or_default().trim().as_bytes()).await?;
        match role {
            Role::Metrics => Err(Refusal {
                status: StatusCode::FORBIDDEN,
                message: "the token of metrics_token_file is for programs that read /metrics".into(),
            }),
            role => Ok(role),
        }
    };
    let refused = match role.await {
        Ok(role) => match keyring.session_cookie(role, is_https, now_ms()).await {
            Some(cookie) => return redirect(&format!("./?{view}"), cookie),
            None => Refusal { status: StatusCode::FORBIDDEN, message: "the token has just changed".into() },
        },
        Err(refused) => refused,
    };
    page(refused.status, &fields(&view, &refused.message))
}

async fn sign_out(State(keyring): State<Arc<Keyring>>, request: Request) -> Response {
    if let Err(refused) = refuse_foreign(&Arrival::of(&request), request.headers()) {
        return refused.response(request.uri().path());
    }
    match keyring.ended_cookie(is_https(&request)) {
        Some(cookie) => redirect("sign-in", cookie),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Whether the browser speaks HTTPS: with this server, or with a proxy that does not say so, as the origin of its page shows.
/// That origin has passed the check against the host; without TLS anywhere, no page has it.
fn is_https(request: &Request) -> bool {
    let is_https_page = |origin: &HeaderValue| origin.as_bytes().starts_with(b"https://");
    Arrival::of(request).is_https || request.headers().get(ORIGIN).is_some_and(is_https_page)
}

fn redirect(to: &str, cookie: HeaderValue) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("./"));
    let headers = [(LOCATION, to), (SET_COOKIE, cookie), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// The form. `view` is the query of the page's address, and `problem` is why the last try was refused.
fn fields(view: &str, problem: &str) -> String {
    let problem = match problem.split_at_checked(1) {
        Some((first, rest)) => format!("{}{rest}.", first.to_uppercase()),
        None => String::new(),
    };
    format!(
        "<form method=\"post\" action=\"sign-in?{}\"><p role=\"alert\">{}</p>\
         <label>Token<input type=\"password\" name=\"token\" autocomplete=\"current-password\" required \
         autofocus></label><button>Sign in</button></form>\
         <p>Whoever runs this server has it: it is in the file that <code>read_token_file</code> names.</p>",
        escaped(view),
        escaped(&problem)
    )
}

fn page(status: StatusCode, content: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sign in – Inferboard</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"stylesheet\" href=\"sign-in.css\"><main><h1>Inferboard</h1>{content}</main></html>"
    );
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, CSP),
    ];
    (status, headers, html).into_response()
}

/// Text for HTML's content and attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
