//! `/api/v1/inferboard/notes`: notes at times and ranges, about a scope.
use crate::clock::now_ms;
use crate::kept::entries::{Change, Entry};
use crate::kept::note::{Note, NoteFilter, Time};
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::compress::{VARY_ENCODING, compress, is_compressible};
use crate::web::api::kept::{BadRequest, KeptState, answer, body_of, change, checked, etag, required};
use crate::web::api::parameters::Params;
use crate::web::api::{bad_parameter, error_response};
use crate::web::assets::lists;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use prometheus_api::{ApiError, ErrorType, parse_time_ms};
use serde_json::{Value, json};
use std::sync::Arc;

/// Answers may be stored, and are asked for again each time: unchanged notes are not sent twice.
const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// The notes of a range and a scope, by their beginning. Whoever has them already is told that nothing has changed.
pub(crate) async fn list(State(state): State<Arc<KeptState>>, request: Request) -> Response {
    let (headers, is_gzip) = (request.headers().clone(), accepts_encoding(request.headers(), "gzip"));
    let filter = match Params::read(request).await.map(|params| filter(&params)) {
        Ok(Ok(filter)) => filter,
        Ok(Err(error)) => return error_response(error),
        Err(response) => return response,
    };
    let entries = state.kept.notes.entries();
    let tag = format!("W/\"{}\"", entries.revision);
    let mut own = HeaderMap::from_iter([(CACHE_CONTROL, REVALIDATED), (VARY, HeaderValue::from_static(VARY_ENCODING))]);
    own.extend(etag(&tag));
    if headers.get_all(IF_NONE_MATCH).iter().any(|tags| lists(tags, tag.trim_start_matches("W/"))) {
        return (StatusCode::NOT_MODIFIED, own).into_response();
    }
    let mut notes: Vec<&Entry<Note>> = entries.list.iter().filter(|entry| filter.matches(&entry.value)).collect();
    notes.sort_by_key(|entry| (entry.value.start_ms(), entry.revision));
    let notes: Vec<Value> = notes.into_iter().map(Entry::to_json).collect();
    let data = json!({ "revision": entries.revision, "notes": notes });
    let mut body = body_of(&data, state.kept.notes.warning());
    own.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if is_gzip && is_compressible(&body) {
        body = compress(&body);
        own.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    own.insert(CONTENT_LENGTH, body.len().into());
    (own, body).into_response()
}

fn filter(params: &Params) -> Result<NoteFilter, ApiError> {
    let time = |name: &str| {
        let time_ms = params.get(name).map(|text| parse_time_ms(text).map_err(|error| bad_parameter(name, error)));
        time_ms.transpose()
    };
    let scope = ["model", "environment", "deployment", "replica"].map(|name| params.get(name).map(str::to_owned));
    Ok(NoteFilter { start_ms: time("start")?, end_ms: time("end")?, scope })
}

/// One note.
pub(crate) async fn get(State(state): State<Arc<KeptState>>, Path(id): Path<String>) -> Response {
    let entries = state.kept.notes.entries();
    match entries.get(&id) {
        Some(entry) => {
            let mut response = answer(StatusCode::OK, &entry.to_json(), state.kept.notes.warning());
            response.headers_mut().extend(etag(&format!("\"{}\"", entry.revision)));
            response
        }
        None => error_response(ApiError::new(ErrorType::NotFound, "there is no note with this id")),
    }
}

/// Adds a note, now if it has no time.
pub(crate) async fn add(State(state): State<Arc<KeptState>>, request: Request) -> Response {
    change(&state.right, &state.kept.notes, request, |body, _| Ok(Change::Add(note(body)?))).await
}

/// Replaces a note.
pub(crate) async fn put(State(state): State<Arc<KeptState>>, Path(id): Path<String>, request: Request) -> Response {
    let to_change = |body, expected| Ok(Change::Put { key: id, expected: required(expected)?, value: note(body)? });
    change(&state.right, &state.kept.notes, request, to_change).await
}

/// Deletes a note.
pub(crate) async fn delete(State(state): State<Arc<KeptState>>, Path(id): Path<String>, request: Request) -> Response {
    let to_change = |_, expected| Ok(Change::Remove { key: id, expected: required(expected)? });
    change(&state.right, &state.kept.notes, request, to_change).await
}

/// The note of a body.
fn note(body: Value) -> Result<Note, BadRequest> {
    checked(body, |note: &mut Note| {
        note.start.get_or_insert(Time(now_ms()));
    })
}
