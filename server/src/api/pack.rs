//! Bodies of answers: never kept by anyone, and compressed where the client takes it.
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use std::io::Write;

/// Shorter answers are not worth compressing.
const COMPRESSED_FROM_BYTES: usize = 1 << 10;

/// An answer with this body, not to be kept by anyone.
pub(super) fn uncached(status: StatusCode, content_type: &'static str, body: impl IntoResponse) -> Response {
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(content_type)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, body).into_response()
}

/// The answer to a good request, compressed where `gzip` is taken and it is worth it. `vary` names the request's headers
/// that it depends on.
pub(super) fn packed(content_type: &'static str, vary: &'static str, body: Vec<u8>, gzip: bool) -> Response {
    let compressed = (gzip && body.len() >= COMPRESSED_FROM_BYTES).then(|| compress(&body)).and_then(Result::ok);
    let (coding, body) = compressed.map_or((None, body), |compressed| (Some("gzip"), compressed));
    let mut response = uncached(StatusCode::OK, content_type, body);
    let coding = coding.map(|coding| (CONTENT_ENCODING, coding));
    response.headers_mut().extend([(VARY, vary)].into_iter().chain(coding).map(fixed));
    response
}

fn fixed((name, value): (HeaderName, &'static str)) -> (HeaderName, HeaderValue) {
    (name, HeaderValue::from_static(value))
}

fn compress(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
