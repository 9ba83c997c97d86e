//! The Prometheus HTTP API: the verbs that the page and a Grafana data source ask with.
mod gate;
mod json;
mod params;
mod query;
mod status;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use promapi::{Answer, ApiError, ErrorType};
use std::sync::Arc;

pub(crate) use query::Evaluator;

/// Routes of the API, and the few around it.
pub(crate) fn routes(evaluator: Arc<Evaluator>) -> Router {
    Router::new()
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .with_state(evaluator)
        .route("/api/v1/status/buildinfo", get(status::build_info))
        .route("/config.json", get(status::config))
        .route("/-/healthy", get(status::healthy))
        .route("/-/ready", get(status::ready))
}

/// An answer's body in JSON, not to be kept by anyone.
fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}

/// An error as the API reports it.
fn error_response(error: ApiError) -> Response {
    let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    refusal(status, error)
}

/// An error with a status of its own.
fn refusal(status: StatusCode, error: ApiError) -> Response {
    // An envelope of two strings always serialises.
    json_response(status, serde_json::to_vec(&Answer::<()>::from(error)).unwrap_or_default())
}

fn bad_parameter(name: &str, problem: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorType::BadData, format!("invalid parameter {name:?}: {problem}"))
}
