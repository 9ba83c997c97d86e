//! `/api/v1/query` and `/api/v1/query_range`.
use crate::clock::now_ms;
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::evaluator::{Evaluator, MAX_QUERY_TIME, MAX_STEPS, api_error, parse_error};
use crate::web::api::json::QueryTimes;
use crate::web::api::parameters::Params;
use crate::web::api::result_cache::{Encoded, QueryKey};
use crate::web::api::{bad_parameter, error_response};
use crate::web::peers::Peer;
use axum::extract::{Request, State};
use axum::response::Response;
use prometheus_api::{ApiError, ErrorType, parse_duration_ms, parse_time_ms};
use promql::{Interrupt, Options, Query, QueryResult, Storage, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Evaluator {
    /// Evaluates the query of a request, or shares the result of an identical one. The query is parsed when it is its
    /// turn, because compiling its patterns can take as long as evaluating it.
    async fn respond(
        self: &Arc<Self>,
        peer: Arc<Peer>,
        key: QueryKey,
        gzip: bool,
        evaluate: impl FnOnce(&dyn Storage, &Query, &Options, Interrupt<'_>) -> Result<QueryResult, promql::Error>
        + Send
        + 'static,
    ) -> Result<Response, ApiError> {
        let arrived = Instant::now();
        let (text, limit, stats) = (key.query.clone(), key.limit, key.stats.clone());
        let (deadline, lookback_ms) = (arrived + key.timeout, key.lookback_ms);
        let result = self.results.get_or_compute(key, &peer, |begun| {
            Arc::clone(self).run(Arc::clone(&peer), deadline, move |work| {
                begun.set();
                let started = Instant::now();
                let options = Options { lookback_ms, ..work.options.clone() };
                let query = work.evaluator.queries.get_or_parse(&text, &options, work.interrupt);
                let query = query.map_err(|error| parse_error("query", &error))?;
                let result = evaluate(&*work.evaluator.storage, &query, &options, work.interrupt);
                let mut result = result.map_err(|error| api_error(&error))?;
                let times = QueryTimes { queue: started - arrived, evaluation: started.elapsed() };
                if truncate(&mut result.value, limit) {
                    result.warnings.push("results truncated due to limit".into());
                }
                result.warnings.extend(stats.as_deref().and_then(stats_warning));
                Encoded::new(result, stats.map(|_| times), gzip, work.peer).map(Arc::new)
            })
        });
        result.await?.response(gzip, &peer)
    }

    /// What identifies the query of a request for this time range.
    fn key(&self, params: &Params, start_ms: i64, end_ms: i64, step_ms: Option<i64>) -> Result<QueryKey, ApiError> {
        let (limit, timeout) = (params.limit("limit")?, timeout(params)?);
        let lookback_ms = lookback_ms(params)?.unwrap_or(self.options.lookback_ms);
        let stats = params.get("stats").map(str::to_owned);
        let query = params.get("query").unwrap_or_default().to_owned();
        Ok(QueryKey { query, start_ms, end_ms, step_ms, timeout, lookback_ms, limit, stats })
    }
}

/// `/api/v1/query`
pub(crate) async fn instant(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let (gzip, peer) = (accepts_encoding(request.headers(), "gzip"), evaluator.peer_of(&request));
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(response) => return response,
    };
    let response = async {
        let time_ms = params.get("time").map_or(Ok(now_ms()), |text| time("time", text))?;
        let key = evaluator.key(&params, time_ms, time_ms, None)?;
        drop(params);
        let evaluate = move |storage: &dyn Storage, query: &Query, options: &Options, interrupt: Interrupt<'_>| {
            promql::instant(storage, query, time_ms, options, interrupt)
        };
        evaluator.respond(peer, key, gzip, evaluate).await
    };
    response.await.unwrap_or_else(error_response)
}

/// `/api/v1/query_range`
pub(crate) async fn range(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let (gzip, peer) = (accepts_encoding(request.headers(), "gzip"), evaluator.peer_of(&request));
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
        let key = evaluator.key(&params, start_ms, end_ms, Some(step_ms))?;
        drop(params);
        let evaluate = move |storage: &dyn Storage, query: &Query, options: &Options, interrupt: Interrupt<'_>| {
            promql::range(storage, query, start_ms, end_ms, step_ms, options, interrupt)
        };
        evaluator.respond(peer, key, gzip, evaluate).await
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

/// How far instant vectors look back: the parameter `lookback_delta`, if it is above zero.
fn lookback_ms(params: &Params) -> Result<Option<i64>, ApiError> {
    let Some(text) = params.get("lookback_delta") else { return Ok(None) };
    let lookback_ms = parse_duration_ms(text).map_err(|error| {
        ApiError::new(ErrorType::BadData, format!("error parsing lookback delta duration: {error}"))
    })?;
    Ok((lookback_ms > 0).then_some(lookback_ms))
}

/// Prometheus's warning about a value of `stats` other than those that it documents.
fn stats_warning(stats: &str) -> Option<String> {
    let is_documented = matches!(stats, "true" | "all");
    (!is_documented).then(|| {
        format!(
            "value {stats:?} for parameter \"stats\" is deprecated and will be rejected in the next major release, \
             use \"true\" or \"all\""
        )
    })
}

/// Drops the series after the first `limit`. Returns whether there were more.
fn truncate(value: &mut Value, limit: usize) -> bool {
    let count = match value {
        Value::Scalar { .. } | Value::String { .. } => return false,
        Value::Vector(samples) => {
            let count = samples.len();
            samples.truncate(limit);
            count
        }
        Value::Matrix(series) => {
            let count = series.len();
            series.truncate(limit);
            count
        }
    };
    count > limit
}

#[cfg(test)]
mod tests;
