//! Empty responses for features of Prometheus that the companion does not have.
use crate::web::api::evaluator::Evaluator;
use crate::web::api::{bad_parameter, success, with_params};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// `/api/v1/query_exemplars`: the store has no exemplars, so every valid query has an empty result.
pub(crate) async fn exemplars(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    with_params(request, |params| {
        let text = params.get("query").unwrap_or_default();
        promql::parse(text, &evaluator.options.limits).map_err(|error| bad_parameter("query", error))?;
        Ok(json!([]))
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
