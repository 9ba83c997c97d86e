//! Small verbs that data sources ask: metadata, a query in its standard form, and what this server does not have.
use crate::scrape::metadata::{Description, Metadata};
use crate::web::api::evaluator::Evaluator;
use crate::web::api::parameters::Params;
use crate::web::api::{bad_parameter, error_response, json_response};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use prometheus_api::ApiError;
use serde_json::{Value, json};
use std::sync::Arc;

/// `/api/v1/metadata`
pub(crate) async fn metadata(State(metadata): State<Arc<Metadata>>, request: Request) -> Response {
    with_params(request, |params| {
        // One description for each family is within any limit per family.
        params.limit("limit_per_metric")?;
        let families = metadata.families(params.get("metric"), params.limit("limit")?);
        let described = families.into_iter().map(|(name, description)| (name, json!([described(&description)])));
        Ok(Value::Object(described.collect()))
    })
    .await
}

fn described(Description { kind, help, unit }: &Description) -> Value {
    json!({ "type": kind.as_str(), "help": help, "unit": unit })
}

/// `/api/v1/format_query`
pub(crate) async fn format_query(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    with_params(request, |params| {
        let text = params.get("query").unwrap_or_default();
        let query = promql::parse(text, &evaluator.options.limits).map_err(|error| bad_parameter("query", error))?;
        Ok(query.to_string().into())
    })
    .await
}

/// `/api/v1/query_exemplars`: none are kept, which is the answer to any query that can be read.
pub(crate) async fn exemplars(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    with_params(request, |params| {
        let text = params.get("query").unwrap_or_default();
        promql::parse(text, &evaluator.options.limits).map_err(|error| bad_parameter("query", error))?;
        Ok(json!([]))
    })
    .await
}

/// `/api/v1/rules`: there are none.
pub(crate) async fn rules() -> Response {
    success(&json!({ "groups": [] }))
}

/// `/api/v1/alerts`: there are none.
pub(crate) async fn alerts() -> Response {
    success(&json!({ "alerts": [] }))
}

async fn with_params(request: Request, answer: impl FnOnce(Params) -> Result<Value, ApiError>) -> Response {
    match Params::read(request).await {
        Ok(params) => answer(params).map_or_else(error_response, |data| success(&data)),
        Err(refused) => refused,
    }
}

fn success(data: &Value) -> Response {
    json_response(StatusCode::OK, json!({ "status": "success", "data": data }).to_string().into_bytes())
}
