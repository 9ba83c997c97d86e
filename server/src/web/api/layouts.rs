//! `/api/v1/inferboard/layouts`: the layout of the page that everyone has who opens a model and has none of one's own.
use crate::kept::entries::{Change, Entry};
use crate::kept::layout::{MAX_MODEL_BYTES, SharedLayout};
use crate::web::api::kept::{KeptState, answer, change, checked, etag, required};
use crate::web::api::{bad_parameter, error_response};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The model, empty for the page without one. It is a parameter, since names have slashes.
#[derive(Debug, Deserialize)]
pub(crate) struct ModelParameter {
    #[serde(default)]
    model: String,
}

/// The layout of a model. Without one, `layout` is null and the revision 0.
pub(crate) async fn get(
    State(state): State<Arc<KeptState>>,
    Query(ModelParameter { model }): Query<ModelParameter>,
) -> Response {
    let entries = state.kept.layouts.entries();
    let entry = entries.get(&model);
    let data = entry.map_or_else(|| json!({ "model": model, "revision": 0, "layout": null }), Entry::to_json);
    let mut response = answer(StatusCode::OK, &data, state.kept.layouts.warning());
    let tag = entry.and_then(|entry| etag(&format!("\"{}\"", entry.revision)));
    response.headers_mut().extend(tag);
    response
}

/// Keeps the layout of a model.
pub(crate) async fn put(
    State(state): State<Arc<KeptState>>,
    Query(ModelParameter { model }): Query<ModelParameter>,
    request: Request,
) -> Response {
    if model.len() > MAX_MODEL_BYTES || model.contains(char::is_control) {
        let problem = format!("a name has at most {MAX_MODEL_BYTES} bytes and no control characters");
        return error_response(bad_parameter("model", problem));
    }
    let to_change = |body: Value, expected| {
        let value = checked(body, |_: &mut SharedLayout| {})?;
        Ok(Change::Put { key: model, expected: required(expected)?, value })
    };
    change(&state.right, &state.kept.layouts, request, to_change).await
}

/// Deletes the layout of a model, so that everyone has the built-in one.
pub(crate) async fn delete(
    State(state): State<Arc<KeptState>>,
    Query(ModelParameter { model }): Query<ModelParameter>,
    request: Request,
) -> Response {
    let to_change = |_, expected| Ok(Change::Remove { key: model, expected: required(expected)? });
    change(&state.right, &state.kept.layouts, request, to_change).await
}
