//! What `/metrics` and `/federate` share: the page's form, its length, and refusals in plain text.
use crate::web::api::compress::{packed, uncached};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use exposition::Encoding;
use prometheus_api::{ApiError, ErrorType};

/// The longest page, before compression.
const PAGE_BYTES: usize = 50 << 20;

/// The form of page that the request prefers.
pub(crate) fn encoding(headers: &HeaderMap) -> Encoding {
    let accepted: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    Encoding::from_accept(&accepted.join(","))
}

/// A page as an answer.
pub(crate) fn page_response(page: String, encoding: Encoding, gzip: bool) -> Response {
    packed(encoding.content_type(), "accept, accept-encoding", page.into_bytes(), gzip)
}

/// A refusal as Prometheus gives it here: a line of text, for people.
pub(crate) fn text_refusal(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    uncached(status, "text/plain; charset=utf-8", format!("{}\n", error.message))
}

/// Refuses a page that has grown beyond the limit.
pub(crate) fn check_length(page: &str) -> Result<(), ApiError> {
    if page.len() <= PAGE_BYTES {
        return Ok(());
    }
    let problem = format!("the page is longer than {PAGE_BYTES} bytes; select fewer series by match[]");
    Err(ApiError::new(ErrorType::Execution, problem))
}
