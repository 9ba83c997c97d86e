//! `/api/v1/series`, `/api/v1/labels` and `/api/v1/label/<name>/values`: which series and labels exist.
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::compress::compressed;
use crate::web::api::evaluator::{Evaluator, MAX_QUERY_TIME};
use crate::web::api::parameters::Params;
use crate::web::api::query::time;
use crate::web::api::{bad_parameter, error_response};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use prometheus_api::{ApiError, ErrorType};
use promql::{Labels, MatchOp, Matcher, Selector};
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;
use tsdb::Store;

pub(crate) const MATCH: &str = "match[]";

/// The maximum number of names, values or series in a response.
const MAX_RESULTS: usize = 100_000;

/// The state of these routes.
#[derive(Clone)]
pub(crate) struct SeriesState {
    pub(crate) evaluator: Arc<Evaluator>,
    pub(crate) store: Store,
}

/// The parameters of a request.
struct SeriesParams {
    /// None selects every series.
    selector: Option<Selector>,
    times_ms: RangeInclusive<i64>,
    limit: usize,
}

/// `/api/v1/series`
pub(crate) async fn series(State(state): State<SeriesState>, request: Request) -> Response {
    respond(state, request, |store, params, limit| {
        let selector =
            params.selector.ok_or_else(|| ApiError::new(ErrorType::BadData, "no match[] parameter provided"))?;
        let mut series = store.series(&selector, params.times_ms, limit);
        series.sort_unstable();
        Ok(series.iter().map(object).collect())
    })
    .await
}

/// `/api/v1/labels`
pub(crate) async fn label_names(State(state): State<SeriesState>, request: Request) -> Response {
    respond(state, request, |store, params, limit| {
        Ok(texts(&store.label_names(&params.selector.unwrap_or_else(all_series), params.times_ms, limit)))
    })
    .await
}

/// `/api/v1/label/<name>/values`
pub(crate) async fn label_values(
    State(state): State<SeriesState>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return error_response(ApiError::new(ErrorType::BadData, format!("invalid label name: {name:?}")));
    }
    respond(state, request, move |store, params, limit| {
        Ok(texts(&store.label_values(&name, &params.selector.unwrap_or_else(all_series), params.times_ms, limit)))
    })
    .await
}

/// Responds with the results of `find`, and with a warning if the limit truncates them.
async fn respond(
    SeriesState { evaluator, store }: SeriesState,
    request: Request,
    find: impl FnOnce(&Store, SeriesParams, usize) -> Result<Vec<Value>, ApiError> + Send + 'static,
) -> Response {
    let gzip = accepts_encoding(request.headers(), "gzip");
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let response = async {
        let params = series_params(&evaluator, &params)?;
        evaluator
            .run(Instant::now() + MAX_QUERY_TIME, move |_, _| {
                let limit = params.limit;
                let mut results = find(&store, params, limit + 1)?;
                let mut body = json!({ "status": "success" });
                if results.len() > limit {
                    results.truncate(limit);
                    body["warnings"] = json!(["results truncated due to limit"]);
                }
                body["data"] = results.into();
                Ok(compressed("application/json", "accept-encoding", body.to_string().into_bytes(), gzip))
            })
            .await
    };
    response.await.unwrap_or_else(error_response)
}

fn series_params(evaluator: &Evaluator, params: &Params) -> Result<SeriesParams, ApiError> {
    let start_ms = params.get("start").map_or(Ok(i64::MIN), |text| time("start", text))?;
    let end_ms = params.get("end").map_or(Ok(i64::MAX), |text| time("end", text))?;
    if end_ms < start_ms {
        return Err(bad_parameter("end", "end timestamp must not be before start time"));
    }
    let limit = params.limit("limit")?.min(MAX_RESULTS);
    Ok(SeriesParams { selector: selector(evaluator, params)?, times_ms: start_ms..=end_ms, limit })
}

/// A selector of the series that any parameter `match[]` selects, or none without such parameters.
///
/// # Errors
/// If one of them is not a selector.
pub(crate) fn selector(evaluator: &Evaluator, params: &Params) -> Result<Option<Selector>, ApiError> {
    let mut any_of = Vec::new();
    for text in params.all(MATCH) {
        let query = promql::parse(text, &evaluator.options.limits).map_err(|error| bad_parameter(MATCH, error))?;
        let selector = query.as_selector().ok_or_else(|| {
            bad_parameter(MATCH, format_args!("{text:?} is a query; give a selector such as {{job=\"vllm\"}}"))
        })?;
        any_of.extend(selector.any_of.iter().cloned());
    }
    Ok((!any_of.is_empty()).then_some(Selector { any_of }))
}

/// Selects every series: each has a name.
fn all_series() -> Selector {
    let named = Matcher { name: promql::METRIC_NAME.into(), op: MatchOp::NotEqual, value: String::new() };
    Selector { any_of: vec![vec![named]] }
}

fn object(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

fn texts(texts: &[Arc<str>]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(&**text)).collect()
}
