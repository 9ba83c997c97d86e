//! Empty responses for features of Prometheus that the companion does not have.
use crate::web::api::evaluator::{Evaluator, parse_error};
use crate::web::api::{respond_with_data, success};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// `/api/v1/query_exemplars`: the store has no exemplars, so every valid query has an empty result.
pub(crate) async fn exemplars(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    respond_with_data(evaluator, request, |work, params, body| {
        let text = params.get("query").unwrap_or_default();
        let query = promql::parse_query(text, &work.options, work.interrupt);
        query.map_err(|error| parse_error("query", &error))?;
        body.text.extend_from_slice(b"[]");
        Ok(())
    })
    .await
}

/// `/api/v1/rules`
pub(crate) async fn rules() -> Response {
    success(&json!({ "groups": [] }))
}

/// `/api/v1/alerts`
pub(crate) async fn alerts() -> Response {
    success(&json!({ "alerts": [] }))
}
