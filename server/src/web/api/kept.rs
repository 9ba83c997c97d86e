//! What requests about notes and layouts share: the right to write, the revision that a change is made to, and answers.
use crate::clock::now_ms;
use crate::kept::entries::{Change, Entry, Expected, KeptError};
use crate::kept::{Keepable, Kept, KeptList};
use crate::web::access::Refusal;
use crate::web::access::write_right::WriteRight;
use crate::web::api::json_response;
use crate::web::api::parameters::{body_error, read_body};
use crate::web::arrival::Arrival;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the handlers work with.
#[derive(Debug)]
pub(crate) struct KeptState {
    pub(crate) kept: Kept,
    pub(crate) right: WriteRight,
}

/// `/api/v1/inferboard/writing`: whether the page that asks may write, with which key, or else why not.
pub(crate) async fn writing(State(state): State<Arc<KeptState>>, request: Request) -> Response {
    let data = match state.right.key_for(&Arrival::of(&request), request.headers()).await {
        Ok(key) => json!({ "allowed": true, "key": key }),
        Err(refusal) => json!({ "allowed": false, "reason": refusal.message }),
    };
    answer(StatusCode::OK, &data, None)
}

/// Changes `list` as `to_change` says, if the client of `request` may write. It gets the JSON of the body, `null` if the
/// method has none, and what the client expects to find.
pub(super) async fn change<T: Keepable>(
    right: &WriteRight,
    list: &KeptList<T>,
    request: Request,
    to_change: impl FnOnce(Value, Option<Expected>) -> Result<Change<T>, BadRequest> + Send,
) -> Response {
    if let Err(refusal) = right.check(&Arrival::of(&request), request.headers()).await {
        return refused(&refusal);
    }
    let change: Result<_, Response> = async {
        let expected = expected(request.headers()).map_err(BadRequest::response)?;
        let is_new = request.method() == Method::POST;
        let body = if request.method() == Method::DELETE { Value::Null } else { json_of(request).await? };
        Ok((to_change(body, expected).map_err(BadRequest::response)?, is_new))
    }
    .await;
    match change {
        Ok((change, is_new)) => match list.apply(change, now_ms()).await {
            Ok(entry) => {
                let data = entry.as_ref().map_or(Value::Null, Entry::to_json);
                let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
                let mut response = answer(status, &data, list.warning());
                if let Some(entry) = entry {
                    response.headers_mut().extend(etag(&format!("\"{}\"", entry.revision)));
                }
                response
            }
            Err(error) => not_kept(&error),
        },
        Err(response) => response,
    }
}

/// What is wrong with a request.
#[derive(Debug)]
pub(super) struct BadRequest {
    status: StatusCode,
    problem: String,
}

impl BadRequest {
    fn response(self) -> Response {
        error(self.status, "bad_data", &self.problem, None)
    }
}

/// The value of a body, which has passed its check.
///
/// # Errors
/// What is wrong with it.
pub(super) fn checked<T: Keepable>(body: Value, complete: impl FnOnce(&mut T)) -> Result<T, BadRequest> {
    let bad = |problem: String| BadRequest { status: StatusCode::BAD_REQUEST, problem };
    if !body.is_object() {
        return Err(bad("the body is no JSON object".into()));
    }
    let mut value: T = serde_json::from_value(body).map_err(|error| bad(error.to_string()))?;
    complete(&mut value);
    value.check().map_err(bad)?;
    Ok(value)
}

/// The revision that a change is made to.
///
/// # Errors
/// If there is none.
pub(super) fn required(expected: Option<Expected>) -> Result<Expected, BadRequest> {
    let problem = "say which revision you change: send it as If-Match: \"REVISION\", * for any, or If-None-Match: * if \
        there is none yet";
    expected.ok_or_else(|| BadRequest { status: StatusCode::PRECONDITION_REQUIRED, problem: problem.into() })
}

fn expected(headers: &HeaderMap) -> Result<Option<Expected>, BadRequest> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    let revision = |text: &str| text.trim_matches('"').parse().ok().map(Expected::Revision);
    let expected = match (text(IF_MATCH), text(IF_NONE_MATCH)) {
        (None, None) => return Ok(None),
        (Some("*"), None) => Some(Expected::Any),
        (None, Some("*")) => Some(Expected::Absent),
        (Some(text), None) => revision(text),
        _ => None,
    };
    let problem = "If-Match is no revision";
    expected.map(Some).ok_or_else(|| BadRequest { status: StatusCode::BAD_REQUEST, problem: problem.into() })
}

/// The body as JSON. Its media type is one that other sites' pages cannot send without asking first.
async fn json_of(request: Request) -> Result<Value, Response> {
    let headers = request.headers();
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") || headers.contains_key(CONTENT_ENCODING) {
        let problem = "send uncompressed JSON with the header Content-Type: application/json";
        return Err(body_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem));
    }
    let body = read_body(request.into_body()).await?;
    serde_json::from_slice(&body).map_err(|error| body_error(StatusCode::BAD_REQUEST, &error.to_string()))
}

/// A successful answer.
pub(super) fn answer(status: StatusCode, data: &Value, warning: Option<String>) -> Response {
    json_response(status, body_of(data, warning))
}

/// The body of a successful answer.
pub(super) fn body_of(data: &Value, warning: Option<String>) -> Vec<u8> {
    let mut body = json!({ "status": "success", "data": data });
    if let Some(warning) = warning {
        body["warnings"] = json!([warning]);
    }
    body.to_string().into_bytes()
}

/// An error in the API's envelope. `data` is what is there instead.
fn error(status: StatusCode, kind: &str, message: &str, data: Option<Value>) -> Response {
    let mut body = json!({ "status": "error", "errorType": kind, "error": message });
    if let Some(data) = data {
        body["data"] = data;
    }
    json_response(status, body.to_string().into_bytes())
}

fn refused(refusal: &Refusal) -> Response {
    let kind = if refusal.status == StatusCode::UNAUTHORIZED { "unauthorized" } else { "forbidden" };
    let mut response = error(refusal.status, kind, &refusal.message, None);
    if refusal.status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"inferboard\""));
    }
    response
}

fn not_kept<T: Keepable>(problem: &KeptError<T>) -> Response {
    let (status, kind) = match problem {
        KeptError::TooMany(_) | KeptError::TooManyBytes => (StatusCode::INSUFFICIENT_STORAGE, "execution"),
        KeptError::Changed(_) => (StatusCode::CONFLICT, "conflict"),
        KeptError::Absent => (StatusCode::NOT_FOUND, "not_found"),
        KeptError::Unusable(_) | KeptError::Write(_) | KeptError::Slow => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    };
    let found = match problem {
        KeptError::Changed(found) => Some(found.as_ref().map_or(Value::Null, Entry::to_json)),
        _ => None,
    };
    error(status, kind, &problem.to_string(), found)
}

/// The header with an entity tag.
pub(super) fn etag(tag: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((ETAG, HeaderValue::from_str(tag).ok()?))
}
