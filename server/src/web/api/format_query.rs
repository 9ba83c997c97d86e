//! `/api/v1/format_query`: a query in its canonical form.
use crate::web::api::evaluator::{Evaluator, parse_error};
use crate::web::api::json::push_quoted;
use crate::web::api::respond_with_data;
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;

/// `/api/v1/format_query`
pub(crate) async fn format_query(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    respond_with_data(evaluator, request, |work, params, body| {
        let text = params.get("query").unwrap_or_default();
        let query = promql::parse_query(text, &work.options, work.interrupt);
        push_quoted(&mut body.text, &query.map_err(|error| parse_error("query", &error))?.to_string());
        Ok(())
    })
    .await
}
