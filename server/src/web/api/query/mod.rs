//! `/api/v1/query` and `/api/v1/query_range`.
use crate::clock::now_ms;
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::evaluator::{Evaluator, MAX_QUERY_TIME, MAX_STEPS, api_error};
use crate::web::api::parameters::Params;
use crate::web::api::result_cache::{Encoded, QueryKey};
use crate::web::api::{bad_parameter, error_response};
use axum::extract::{Request, State};
use axum::response::Response;
use prometheus_api::{ApiError, ErrorType, parse_duration_ms, parse_time_ms};
use promql::{Interrupt, Query, QueryResult};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The query of a request.
struct RequestedQuery {
    key: QueryKey,
    query: Arc<Query>,
}

impl Evaluator {
    /// Evaluates a query, or shares the result of an identical one.
    async fn respond(
        self: &Arc<Self>,
        RequestedQuery { key, query }: RequestedQuery,
        gzip: bool,
        evaluate: impl FnOnce(&Self, &Query, Interrupt<'_>) -> Result<QueryResult, promql::Error> + Send + 'static,
    ) -> Result<Response, ApiError> {
        let deadline = Instant::now() + key.timeout;
        let compute = Arc::clone(self).run(deadline, move |evaluator, interrupt| {
            let result = evaluate(evaluator, &query, interrupt).map_err(|error| api_error(&error))?;
            Encoded::new(result, gzip, &evaluator.memory).map(Arc::new)
        });
        Ok(self.results.get_or_compute(key, compute).await?.response(gzip))
    }

    /// Parses the query of a request for this time range.
    fn query(
        &self,
        params: &Params,
        start_ms: i64,
        end_ms: i64,
        step_ms: Option<i64>,
    ) -> Result<RequestedQuery, ApiError> {
        let timeout = timeout(params)?;
        let text = params.get("query").unwrap_or_default();
        let query =
            self.queries.get_or_parse(text, &self.options.limits).map_err(|error| bad_parameter("query", error))?;
        Ok(RequestedQuery { key: QueryKey { query: text.to_owned(), start_ms, end_ms, step_ms, timeout }, query })
    }
}

/// `/api/v1/query`
pub(crate) async fn instant(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let gzip = accepts_encoding(request.headers(), "gzip");
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let response = async {
        let time_ms = params.get("time").map_or(Ok(now_ms()), |text| time("time", text))?;
        let query = evaluator.query(&params, time_ms, time_ms, None)?;
        evaluator
            .respond(query, gzip, move |evaluator, query, interrupt| {
                promql::instant(&*evaluator.storage, query, time_ms, &evaluator.options, interrupt)
            })
            .await
    };
    response.await.unwrap_or_else(error_response)
}

/// `/api/v1/query_range`
pub(crate) async fn range(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let gzip = accepts_encoding(request.headers(), "gzip");
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let response = async {
        let start_ms = time("start", params.get("start").unwrap_or_default())?;
        let end_ms = time("end", params.get("end").unwrap_or_default())?;
        let step_ms =
            parse_duration_ms(params.get("step").unwrap_or_default()).map_err(|error| bad_parameter("step", error))?;
        check_range(start_ms, end_ms, step_ms)?;
        let query = evaluator.query(&params, start_ms, end_ms, Some(step_ms))?;
        evaluator
            .respond(query, gzip, move |evaluator, query, interrupt| {
                promql::range(&*evaluator.storage, query, start_ms, end_ms, step_ms, &evaluator.options, interrupt)
            })
            .await
    };
    response.await.unwrap_or_else(error_response)
}

pub(crate) fn time(name: &str, text: &str) -> Result<i64, ApiError> {
    parse_time_ms(text).map_err(|error| bad_parameter(name, error))
}

/// Checks a time range and step as `query_range` in Prometheus's `web/api/v1/api.go` does.
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
    if end_ms.abs_diff(start_ms) / step_ms.unsigned_abs() > MAX_STEPS as u64 {
        let problem = "exceeded maximum resolution of 11,000 points per timeseries. \
            Try decreasing the query resolution (?step=XX)";
        return Err(ApiError::new(ErrorType::BadData, problem));
    }
    Ok(())
}

/// How long the query may take: the parameter `timeout`, up to the server's limit.
fn timeout(params: &Params) -> Result<Duration, ApiError> {
    match params.get("timeout") {
        None => Ok(MAX_QUERY_TIME),
        Some(text) => {
            let timeout_ms = parse_duration_ms(text).map_err(|error| bad_parameter("timeout", error))?;
            Ok(Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)).min(MAX_QUERY_TIME))
        }
    }
}

#[cfg(test)]
mod tests;
