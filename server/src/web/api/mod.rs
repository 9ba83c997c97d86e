//! The Prometheus HTTP API: the verbs that the page and a Grafana data source ask with, and the pages that other
//! Prometheuses scrape.
pub mod compress;
pub mod evaluator;
pub mod federate;
pub mod json;
pub mod metadata;
pub mod metrics;
pub mod parameters;
pub mod query;
pub mod query_cache;
pub mod query_limit;
pub mod result_cache;
pub mod series;
pub mod status;
pub mod text_response;

use crate::scrape::metadata::Metadata;
use crate::web::api::evaluator::Evaluator;
use crate::web::api::metrics::OwnMetrics;
use crate::web::api::series::Catalog;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use prometheus_api::{ApiError, ApiResponse, ErrorType};
use std::sync::Arc;
use tsdb::Store;

/// Routes of the API over `store`, and the few around it; `/metrics` has `own`.
pub(crate) fn routes(evaluator: Arc<Evaluator>, store: Store, metadata: Arc<Metadata>, own: OwnMetrics) -> Router {
    let catalog = Catalog { evaluator: Arc::clone(&evaluator), store };
    Router::new()
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .route("/api/v1/query_exemplars", get(metadata::exemplars).post(metadata::exemplars))
        .route("/api/v1/format_query", get(metadata::format_query).post(metadata::format_query))
        .route("/federate", get(federate::federate))
        .with_state(evaluator)
        .route("/api/v1/series", get(series::series).post(series::series))
        .route("/api/v1/labels", get(series::label_names).post(series::label_names))
        .route("/api/v1/label/{name}/values", get(series::label_values))
        .with_state(catalog)
        .route("/api/v1/metadata", get(metadata::metadata))
        .with_state(metadata)
        .route("/metrics", get(metrics::metrics))
        .with_state(Arc::new(own))
        .route("/api/v1/rules", get(metadata::rules))
        .route("/api/v1/alerts", get(metadata::alerts))
        .route("/api/v1/status/buildinfo", get(status::build_info))
        .route("/config.json", get(status::config))
        .route("/-/healthy", get(status::healthy))
        .route("/-/ready", get(status::ready))
}

/// An answer's body in JSON, not to be kept by anyone.
fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    compress::uncached(status, "application/json", body)
}

/// An error as the API reports it.
fn error_response(error: ApiError) -> Response {
    let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    refusal(status, error)
}

/// An error with a status of its own.
fn refusal(status: StatusCode, error: ApiError) -> Response {
    // An envelope of two strings always serialises.
    json_response(status, serde_json::to_vec(&ApiResponse::<()>::from(error)).unwrap_or_default())
}

fn bad_parameter(name: &str, problem: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorType::BadData, format!("invalid parameter {name:?}: {problem}"))
}
