//! The verbs `series`, `labels` and `label/<name>/values`: what there is, without a sample.
use crate::web::api::compress::packed;
use crate::web::api::evaluator::{Evaluator, LONGEST};
use crate::web::api::parameters::Params;
use crate::web::api::query::time;
use crate::web::api::{bad_parameter, error_response};
use crate::web::assets::accepts;
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

/// The most names, values or series in an answer that asks for no fewer.
const MOST: usize = 100_000;

/// What these verbs read.
#[derive(Clone)]
pub(crate) struct Catalog {
    pub(crate) evaluator: Arc<Evaluator>,
    pub(crate) store: Store,
}

/// What a request asks about.
struct Asked {
    /// None where every series counts.
    selector: Option<Selector>,
    times_ms: RangeInclusive<i64>,
    limit: usize,
}

/// `/api/v1/series`
pub(crate) async fn series(State(catalog): State<Catalog>, request: Request) -> Response {
    answer(catalog, request, |store, asked, limit| {
        let selector =
            asked.selector.ok_or_else(|| ApiError::new(ErrorType::BadData, "no match[] parameter provided"))?;
        let mut series = store.series(&selector, asked.times_ms, limit);
        series.sort_unstable();
        Ok(series.iter().map(object).collect())
    })
    .await
}

/// `/api/v1/labels`
pub(crate) async fn label_names(State(catalog): State<Catalog>, request: Request) -> Response {
    answer(catalog, request, |store, asked, limit| {
        Ok(texts(&store.label_names(&asked.selector.unwrap_or_else(everything), asked.times_ms, limit)))
    })
    .await
}

/// `/api/v1/label/<name>/values`
pub(crate) async fn label_values(
    State(catalog): State<Catalog>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return error_response(ApiError::new(ErrorType::BadData, format!("invalid label name: {name:?}")));
    }
    answer(catalog, request, move |store, asked, limit| {
        Ok(texts(&store.label_values(&name, &asked.selector.unwrap_or_else(everything), asked.times_ms, limit)))
    })
    .await
}

/// Answers with what `find` finds, and a warning where the limit cuts it short.
async fn answer(
    Catalog { evaluator, store }: Catalog,
    request: Request,
    find: impl FnOnce(&Store, Asked, usize) -> Result<Vec<Value>, ApiError> + Send + 'static,
) -> Response {
    let gzip = accepts(request.headers(), "gzip");
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let answered = async {
        let asked = asked(&evaluator, &params)?;
        evaluator
            .run(Instant::now() + LONGEST, move |_, _| {
                let limit = asked.limit;
                let mut found = find(&store, asked, limit + 1)?;
                let mut body = json!({ "status": "success" });
                if found.len() > limit {
                    found.truncate(limit);
                    body["warnings"] = json!(["results truncated due to limit"]);
                }
                body["data"] = found.into();
                Ok(packed("application/json", "accept-encoding", body.to_string().into_bytes(), gzip))
            })
            .await
    };
    answered.await.unwrap_or_else(error_response)
}

fn asked(evaluator: &Evaluator, params: &Params) -> Result<Asked, ApiError> {
    let start_ms = params.get("start").map_or(Ok(i64::MIN), |text| time("start", text))?;
    let end_ms = params.get("end").map_or(Ok(i64::MAX), |text| time("end", text))?;
    if end_ms < start_ms {
        return Err(bad_parameter("end", "end timestamp must not be before start time"));
    }
    let limit = params.limit("limit")?.min(MOST);
    Ok(Asked { selector: selector(evaluator, params)?, times_ms: start_ms..=end_ms, limit })
}

/// What any of the parameters `match[]` selects; none where there are none.
///
/// # Errors
/// When one of them is no selector.
pub(crate) fn selector(evaluator: &Evaluator, params: &Params) -> Result<Option<Selector>, ApiError> {
    let mut any_of = Vec::new();
    for text in params.all(MATCH) {
        let query = promql::parse(text, &evaluator.options.limits).map_err(|error| bad_parameter(MATCH, error))?;
        let selector = query.as_selector().ok_or_else(|| {
            bad_parameter(MATCH, format_args!("{text:?} is no selector, such as {{job=\"vllm\"}}, but a query"))
        })?;
        any_of.extend(selector.any_of.iter().cloned());
    }
    Ok((!any_of.is_empty()).then_some(Selector { any_of }))
}

/// Every series has a name.
fn everything() -> Selector {
    let named = Matcher { name: promql::METRIC_NAME.into(), op: MatchOp::NotEqual, value: String::new() };
    Selector { any_of: vec![vec![named]] }
}

fn object(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

fn texts(texts: &[Arc<str>]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(&**text)).collect()
}
