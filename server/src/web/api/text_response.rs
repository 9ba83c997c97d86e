//! Responses of `/metrics` and `/federate`: metrics pages in the requested format, and errors in plain text.
use crate::web::api::body::CountedBody;
use crate::web::api::compress::{compressed, uncached};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use exposition::Encoding;
use prometheus_api::ApiError;

/// The headers of a request that a metrics page depends on.
pub(crate) const VARY_PAGE: &str = "accept, accept-encoding";

/// The format that the client prefers.
pub(crate) fn encoding(headers: &HeaderMap) -> Encoding {
    let accepted: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    Encoding::from_accept(&accepted.join(","))
}

/// A metrics page.
pub(crate) fn page_response(page: CountedBody, encoding: Encoding, gzip: bool) -> Response {
    compressed(encoding.content_type(), VARY_PAGE, page, gzip)
}

/// An error as a line of text, as Prometheus gives it on these routes.
pub(crate) fn text_error(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    uncached(status, "text/plain; charset=utf-8", format!("{}\n", error.message))
}
