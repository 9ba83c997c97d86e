//! `/api/v1/format_query`: a query in its canonical form.
use crate::web::api::evaluator::Evaluator;
use crate::web::api::{bad_parameter, with_params};
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;

/// `/api/v1/format_query`
pub(crate) async fn format_query(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    with_params(request, |params| {
        let text = params.get("query").unwrap_or_default();
        let query = promql::parse(text, &evaluator.options.limits).map_err(|error| bad_parameter("query", error))?;
        Ok(query.to_string().into())
    })
    .await
}
