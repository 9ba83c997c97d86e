//! The Prometheus HTTP API: the verbs that the page and a Grafana data source ask with, and the pages that other
//! Prometheuses scrape.
mod answers;
mod evaluator;
mod exposition;
mod federate;
mod gate;
mod json;
mod metrics;
mod pack;
mod params;
mod query;
mod status;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use promapi::{Answer, ApiError, ErrorType};
use std::sync::Arc;

pub(crate) use evaluator::Evaluator;
pub(crate) use metrics::OwnPages;

/// Routes of the API, and the few around it; `/metrics` has `own`.
pub(crate) fn routes(evaluator: Arc<Evaluator>, own: OwnPages) -> Router {
    Router::new()
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .route("/federate", get(federate::federate))
        .with_state(evaluator)
        .route("/metrics", get(metrics::metrics))
        .with_state(Arc::new(own))
        .route("/api/v1/status/buildinfo", get(status::build_info))
        .route("/config.json", get(status::config))
        .route("/-/healthy", get(status::healthy))
        .route("/-/ready", get(status::ready))
}

/// An answer's body in JSON, not to be kept by anyone.
fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    pack::uncached(status, "application/json", body)
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
