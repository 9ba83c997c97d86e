//! The verbs `query` and `query_range`.
use crate::clock::now_ms;
use crate::web::api::evaluator::{Evaluator, LONGEST, STEPS, api_error};
use crate::web::api::parameters::Params;
use crate::web::api::result_cache::{Key, Prepared};
use crate::web::api::{bad_parameter, error_response};
use crate::web::assets::accepts;
use axum::extract::{Request, State};
use axum::response::Response;
use prometheus_api::{ApiError, ErrorType, parse_duration_ms, parse_time_ms};
use promql::{Interrupt, Query, QueryResult};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Evaluator {
    /// The answer to `query`, shared with requests that ask the same.
    async fn answer(
        self: &Arc<Self>,
        (key, query): (Key, Arc<Query>),
        gzip: bool,
        evaluate: impl FnOnce(&Self, &Query, Interrupt<'_>) -> Result<QueryResult, promql::Error> + Send + 'static,
    ) -> Result<Response, ApiError> {
        let deadline = Instant::now() + key.timeout;
        let computed = Arc::clone(self).run(deadline, move |own, interrupt| {
            let answer = evaluate(own, &query, interrupt).map_err(|error| api_error(&error))?;
            Prepared::new(answer, gzip, &own.memory).map(Arc::new)
        });
        Ok(self.answers.get(key, computed).await?.response(gzip))
    }

    /// The query of a request, and what tells it from others.
    fn query(
        &self,
        params: &Params,
        start_ms: i64,
        end_ms: i64,
        step_ms: Option<i64>,
    ) -> Result<(Key, Arc<Query>), ApiError> {
        let timeout = timeout(params)?;
        let text = params.get("query").unwrap_or_default();
        let query = self.parsed.query(text, &self.options.limits).map_err(|error| bad_parameter("query", error))?;
        Ok((Key { query: text.to_owned(), start_ms, end_ms, step_ms, timeout }, query))
    }
}

/// `/api/v1/query`
pub(crate) async fn instant(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let gzip = accepts(request.headers(), "gzip");
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let answered = async {
        let time_ms = params.get("time").map_or(Ok(now_ms()), |text| time("time", text))?;
        let query = evaluator.query(&params, time_ms, time_ms, None)?;
        evaluator
            .answer(query, gzip, move |own, query, interrupt| {
                promql::instant(&*own.storage, query, time_ms, &own.options, interrupt)
            })
            .await
    };
    answered.await.unwrap_or_else(error_response)
}

/// `/api/v1/query_range`
pub(crate) async fn range(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let gzip = accepts(request.headers(), "gzip");
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let answered = async {
        let start_ms = time("start", params.get("start").unwrap_or_default())?;
        let end_ms = time("end", params.get("end").unwrap_or_default())?;
        let step_ms =
            parse_duration_ms(params.get("step").unwrap_or_default()).map_err(|error| bad_parameter("step", error))?;
        check_range(start_ms, end_ms, step_ms)?;
        let query = evaluator.query(&params, start_ms, end_ms, Some(step_ms))?;
        evaluator
            .answer(query, gzip, move |own, query, interrupt| {
                promql::range(&*own.storage, query, start_ms, end_ms, step_ms, &own.options, interrupt)
            })
            .await
    };
    answered.await.unwrap_or_else(error_response)
}

pub(crate) fn time(name: &str, text: &str) -> Result<i64, ApiError> {
    parse_time_ms(text).map_err(|error| bad_parameter(name, error))
}

/// As `query_range` in Prometheus's `web/api/v1/api.go`.
fn check_range(start_ms: i64, end_ms: i64, step_ms: i64) -> Result<(), ApiError> {
    if end_ms < start_ms {
        return Err(bad_parameter("end", "end timestamp must not be before start time"));
    }
    if step_ms <= 0 {
        return Err(bad_parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if end_ms.abs_diff(start_ms) / step_ms.unsigned_abs() > STEPS as u64 {
        let problem = "exceeded maximum resolution of 11,000 points per timeseries. \
            Try decreasing the query resolution (?step=XX)";
        return Err(ApiError::new(ErrorType::BadData, problem));
    }
    Ok(())
}

/// How long the query may take: the parameter `timeout`, or the server's limit where that is less.
fn timeout(params: &Params) -> Result<Duration, ApiError> {
    match params.get("timeout") {
        None => Ok(LONGEST),
        Some(text) => {
            let timeout_ms = parse_duration_ms(text).map_err(|error| bad_parameter("timeout", error))?;
            Ok(Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)).min(LONGEST))
        }
    }
}

#[cfg(test)]
mod tests;
