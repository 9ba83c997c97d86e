//! Responses of `/metrics` and `/federate`: metrics pages in the requested format, and errors in plain text.
use crate::web::api::compress::{compressed, uncached};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use exposition::Encoding;
use prometheus_api::{ApiError, ErrorType};

/// The longest metrics page, before compression.
const MAX_PAGE_BYTES: usize = 50 << 20;

/// The format that the client prefers.
pub(crate) fn encoding(headers: &HeaderMap) -> Encoding {
    let accepted: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    Encoding::from_accept(&accepted.join(","))
}

/// A metrics page.
pub(crate) fn page_response(page: String, encoding: Encoding, gzip: bool) -> Response {
    compressed(encoding.content_type(), "accept, accept-encoding", page.into_bytes(), gzip)
}

/// An error as a line of text, as Prometheus gives it on these routes.
pub(crate) fn text_error(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    uncached(status, "text/plain; charset=utf-8", format!("{}\n", error.message))
}

/// Fails if the page is longer than the limit.
pub(crate) fn check_length(page: &str) -> Result<(), ApiError> {
    if page.len() <= MAX_PAGE_BYTES {
        return Ok(());
    }
    let problem = format!("the metrics page is longer than {MAX_PAGE_BYTES} bytes; select fewer series with match[]");
    Err(ApiError::new(ErrorType::Execution, problem))
}
