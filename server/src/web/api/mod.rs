//! The Prometheus HTTP API, for the page and Grafana, and the metrics pages that other servers scrape.
pub mod body;
pub mod compress;
pub mod empty;
pub mod evaluator;
pub mod features;
pub mod federate;
pub mod format_query;
pub mod json;
pub(crate) mod kept;
pub(crate) mod layouts;
pub mod metadata;
pub mod metrics;
pub(crate) mod notes;
pub mod parameters;
pub mod query;
pub mod query_cache;
pub mod query_limit;
pub mod result_cache;
pub mod series;
pub mod status;
pub mod text_response;

use crate::scrape::metadata::Metadata;
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::body::CountedBody;
use crate::web::api::compress::{VARY_ENCODING, compressed};
use crate::web::api::evaluator::{Evaluator, MAX_QUERY_TIME, Work};
use crate::web::api::metadata::MetadataState;
use crate::web::api::metrics::{MetricsState, OwnMetrics};
use crate::web::api::parameters::Params;
use crate::web::api::series::SeriesState;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use prometheus_api::{ApiError, ApiResponse, ErrorType};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use tsdb::Store;

/// The routes to what people keep.
pub(crate) fn kept_routes(state: kept::KeptState) -> Router {
    Router::new()
        .route("/api/v1/inferboard/writing", get(kept::writing))
        .route("/api/v1/inferboard/notes", get(notes::list).post(notes::add))
        .route("/api/v1/inferboard/notes/{id}", get(notes::get).put(notes::put).delete(notes::delete))
        .route("/api/v1/inferboard/layouts", get(layouts::get).put(layouts::put).delete(layouts::delete))
        .with_state(Arc::new(state))
}

/// The routes of the API over `store`, with `/metrics` from `own`, and of the health checks. `page` is what the page is told.
pub(crate) fn routes(
    evaluator: Arc<Evaluator>,
    store: Store,
    metadata: Arc<Metadata>,
    own: OwnMetrics,
    page: &status::PageConfig,
) -> Router {
    let config = status::config(page, None);
    let series_state = SeriesState { evaluator: Arc::clone(&evaluator), store };
    let metadata_state = MetadataState { evaluator: Arc::clone(&evaluator), metadata };
    let own = Arc::new(MetricsState { evaluator: Arc::clone(&evaluator), own });
    Router::new()
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .route("/api/v1/query_exemplars", get(empty::exemplars).post(empty::exemplars))
        .route("/api/v1/format_query", get(format_query::format_query).post(format_query::format_query))
        .route("/federate", get(federate::federate))
        .with_state(evaluator)
        .route("/api/v1/series", get(series::series).post(series::series))
        .route("/api/v1/labels", get(series::label_names).post(series::label_names))
        .route("/api/v1/label/{name}/values", get(series::label_values))
        .with_state(series_state)
        .route("/api/v1/metadata", get(metadata::metadata))
        .with_state(metadata_state)
        .route("/metrics", get(metrics::metrics))
        .with_state(own)
        .route("/api/v1/rules", get(empty::rules))
        .route("/api/v1/alerts", get(empty::alerts))
        .route("/api/v1/features", get(features::features))
        .route("/api/v1/status/buildinfo", get(status::build_info))
        .route("/config.json", get(async move || status::config_response(config)))
        .route("/-/healthy", get(status::healthy))
        .route("/-/ready", get(status::ready))
}

/// Responds with the JSON data that `write` writes for the parameters of `request`, when it is the client's turn.
async fn respond_with_data(
    evaluator: Arc<Evaluator>,
    request: Request,
    write: impl FnOnce(&Work<'_>, &Params, &mut CountedBody) -> Result<(), ApiError> + Send + 'static,
) -> Response {
    let (gzip, peer) = (accepts_encoding(request.headers(), "gzip"), evaluator.peer_of(&request));
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let response = evaluator.run(peer, Instant::now() + MAX_QUERY_TIME, move |work| {
        let mut body = CountedBody::new(work.peer)?;
        body.text.extend_from_slice(br#"{"status":"success","data":"#);
        write(work, &params, &mut body)?;
        body.text.push(b'}');
        body.check()?;
        Ok(compressed("application/json", VARY_ENCODING, body, gzip))
    });
    response.await.unwrap_or_else(error_response)
}

/// A successful response with this data.
fn success(data: &Value) -> Response {
    json_response(StatusCode::OK, json!({ "status": "success", "data": data }).to_string().into_bytes())
}

fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    compress::uncached(status, "application/json", body)
}

/// An error response, with the status of the error's type.
pub(crate) fn error_response(error: ApiError) -> Response {
    let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    error_with_status(status, error)
}

/// An error response with another status.
fn error_with_status(status: StatusCode, error: ApiError) -> Response {
    // An object of two strings always serialises.
    json_response(status, serde_json::to_vec(&ApiResponse::<()>::from(error)).unwrap_or_default())
}

/// An error response for a request that is refused before it reaches the API.
pub(crate) fn error_text(status: StatusCode, message: &str) -> Response {
    error_with_status(status, ApiError::new(ErrorType::Other, message))
}

fn bad_parameter(name: &str, problem: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorType::BadData, format!("invalid parameter {name:?}: {problem}"))
}
