//! Doing the work of requests: a few at a time, on threads of their own, within bounds on time and memory.
use crate::web::api::query_cache::Parsed;
use crate::web::api::query_limit::Gate;
use crate::web::api::result_cache::Answers;
use prometheus_api::{ApiError, ErrorType};
use promql::{ErrorKind, Interrupt, Interruption, Limits, MemoryPool, Options, Storage};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest that a query may take, waiting included.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);

/// The most steps between the first and the last point of a series.
pub(crate) const STEPS: usize = 11_000;

/// Memory for the intermediate results of one query, and of all with their answers.
const QUERY_MEMORY_BYTES: u64 = 64 << 20;
const MEMORY_BYTES: u64 = 256 << 20;

/// Reads a store for requests.
pub(crate) struct Evaluator {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: Options,
    pub(crate) memory: Arc<MemoryPool>,
    pub(crate) answers: Answers,
    pub(crate) parsed: Parsed,
    gate: Gate,
}

impl Evaluator {
    /// An evaluator over `storage` that does the work of at most `running` requests at a time.
    pub(crate) fn new(storage: Arc<dyn Storage>, running: usize) -> Self {
        let limits = Limits { steps: STEPS + 1, memory_bytes: QUERY_MEMORY_BYTES, ..Limits::default() };
        let memory = MemoryPool::new(MEMORY_BYTES);
        let options = Options { limits, pool: Some(Arc::clone(&memory)), ..Options::default() };
        Self {
            storage,
            options,
            memory,
            answers: Answers::default(),
            parsed: Parsed::default(),
            gate: Gate::new(running),
        }
    }

    /// Waits for a turn and does `work` on a thread of its own. When its result is no longer waited for, or `deadline`
    /// has come, the work is told to end.
    pub(crate) async fn run<T: Send + 'static>(
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
}

/// Tells the working thread that the request's future is gone.
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The evaluator's error as the API names it.
pub(crate) fn api_error(error: &promql::Error) -> ApiError {
    let kind = match error.kind() {
        ErrorKind::BadData => ErrorType::BadData,
        ErrorKind::Execution => ErrorType::Execution,
        ErrorKind::Timeout => ErrorType::Timeout,
        ErrorKind::Cancelled => ErrorType::Canceled,
        ErrorKind::Unavailable => ErrorType::Unavailable,
        ErrorKind::Internal => ErrorType::Internal,
    };
    ApiError::new(kind, error.to_string())
}
