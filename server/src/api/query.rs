//! The verbs `query` and `query_range`.
use super::gate::Gate;
use super::json::to_json;
use super::pack::packed;
use super::params::Params;
use super::{bad_parameter, error_response};
use crate::assets::accepts;
use crate::clock::now_ms;
use axum::extract::{Request, State};
use axum::response::Response;
use promapi::{ApiError, ErrorType, parse_duration_ms, parse_time_ms};
use promql::{Answer, ErrorKind, Interrupt, Interruption, Limits, Options, Query, Storage};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest that a query may take, waiting included.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// The most steps between the first and the last point of a series.
const STEPS: usize = 11_000;

/// Memory for the intermediate results of one query.
const QUERY_MEMORY_BYTES: u64 = 64 << 20;

/// The longest answer, before compression.
const ANSWER_BYTES: usize = 50 << 20;

/// Evaluates queries over a store, a few at a time.
pub(crate) struct Evaluator {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) options: Options,
    gate: Gate,
}

impl Evaluator {
    /// An evaluator over `storage`; at most `running` queries are evaluated at a time.
    pub(crate) fn new(storage: Arc<dyn Storage>, running: usize) -> Self {
        let limits = Limits { points: STEPS + 1, memory_bytes: QUERY_MEMORY_BYTES, ..Limits::default() };
        Self { storage, options: Options { limits, ..Options::default() }, gate: Gate::new(running) }
    }

    /// Runs `evaluate` and answers with its result.
    async fn answer(
        self: Arc<Self>,
        deadline: Instant,
        gzip: bool,
        evaluate: impl FnOnce(&Self, Interrupt<'_>) -> Result<Answer, promql::Error> + Send + 'static,
    ) -> Result<Response, ApiError> {
        let answered = self.run(deadline, move |own, interrupt| {
            let answer = evaluate(own, interrupt).map_err(|error| api_error(&error))?;
            let body = to_json(answer, ANSWER_BYTES)
                .map_err(|error| ApiError::new(ErrorType::Execution, error.to_string()))?;
            Ok(packed("application/json", "accept-encoding", body, gzip))
        });
        answered.await
    }

    /// Waits for a turn and does `work` on a thread of its own. When its result is no longer waited for, or `deadline`
    /// has come, the work is told to end.
    pub(super) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        deadline: Instant,
        work: impl FnOnce(&Self, Interrupt<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = self.gate.enter(deadline).await?;
        let left = Arc::new(AtomicBool::new(false));
        let _leaving = SetOnDrop(Arc::clone(&left));
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let interrupt = || match () {
                () if left.load(Ordering::Relaxed) => Some(Interruption::Cancelled),
                () if Instant::now() >= deadline => Some(Interruption::Timeout),
                () => None,
            };
            work(&self, &interrupt)
        });
        match working.await {
            Ok(result) => result,
            Err(_) => Err(ApiError::new(ErrorType::Internal, "the query could not be evaluated")),
        }
    }

    fn parse(&self, params: &Params) -> Result<Query, ApiError> {
        promql::parse(params.get("query").unwrap_or_default(), &self.options.limits)
            .map_err(|error| bad_parameter("query", error))
    }
}

/// Tells the evaluating thread that the request's future is gone.
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// `/api/v1/query`
pub(super) async fn instant(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
    let gzip = accepts(request.headers(), "gzip");
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let answered = async {
        let time_ms = params.get("time").map_or(Ok(now_ms()), |text| time("time", text))?;
        let deadline = deadline(&params)?;
        let query = evaluator.parse(&params)?;
        evaluator
            .answer(deadline, gzip, move |own, interrupt| {
                promql::instant(&*own.storage, &query, time_ms, &own.options, interrupt)
            })
            .await
    };
    answered.await.unwrap_or_else(error_response)
}

/// `/api/v1/query_range`
pub(super) async fn range(State(evaluator): State<Arc<Evaluator>>, request: Request) -> Response {
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
        let deadline = deadline(&params)?;
        let query = evaluator.parse(&params)?;
        evaluator
            .answer(deadline, gzip, move |own, interrupt| {
                promql::range(&*own.storage, &query, start_ms, end_ms, step_ms, &own.options, interrupt)
            })
            .await
    };
    answered.await.unwrap_or_else(error_response)
}

fn time(name: &str, text: &str) -> Result<i64, ApiError> {
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

/// When the query must be done: after the parameter `timeout`, or the server's limit where that is sooner.
fn deadline(params: &Params) -> Result<Instant, ApiError> {
    let timeout = match params.get("timeout") {
        None => LONGEST,
        Some(text) => {
            let timeout_ms = parse_duration_ms(text).map_err(|error| bad_parameter("timeout", error))?;
            Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)).min(LONGEST)
        }
    };
    Ok(Instant::now() + timeout)
}

pub(super) fn api_error(error: &promql::Error) -> ApiError {
    let kind = match error.kind() {
        ErrorKind::BadData => ErrorType::BadData,
        ErrorKind::Execution => ErrorType::Execution,
        ErrorKind::Timeout => ErrorType::Timeout,
        ErrorKind::Cancelled => ErrorType::Canceled,
        ErrorKind::Internal => ErrorType::Internal,
    };
    ApiError::new(kind, error.to_string())
}

#[cfg(test)]
mod tests;
