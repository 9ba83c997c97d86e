//! Evaluates requests on blocking threads, with limits on concurrency, time and memory.
use crate::web::api::query_cache::QueryCache;
use crate::web::api::query_limit::QueryLimit;
use crate::web::api::result_cache::ResultCache;
use prometheus_api::{ApiError, ErrorType};
use promql::{ErrorKind, Interrupt, Interruption, Limits, MemoryPool, Options, Storage};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a query may take, including the wait for a permit.
pub(crate) const MAX_QUERY_TIME: Duration = Duration::from_secs(10);

/// The maximum number of steps in a range query.
pub(crate) const MAX_STEPS: usize = 11_000;

/// The memory limits on one query's intermediate results, and on those of all queries with their results.
const MAX_QUERY_MEMORY_BYTES: u64 = 64 << 20;
const MAX_TOTAL_MEMORY_BYTES: u64 = 256 << 20;

/// Evaluates queries over a store.
pub(crate) struct Evaluator {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: Options,
    pub(crate) memory: Arc<MemoryPool>,
    pub(crate) results: ResultCache,
    pub(crate) queries: QueryCache,
    limit: QueryLimit,
}

impl Evaluator {
    /// Evaluates over `storage`, at most `max_running` requests at a time.
    pub(crate) fn new(storage: Arc<dyn Storage>, max_running: usize) -> Self {
        let limits = Limits { steps: MAX_STEPS + 1, memory_bytes: MAX_QUERY_MEMORY_BYTES, ..Limits::default() };
        let memory = MemoryPool::new(MAX_TOTAL_MEMORY_BYTES);
        let options = Options { limits, pool: Some(Arc::clone(&memory)), ..Options::default() };
        Self {
            storage,
            options,
            memory,
            results: ResultCache::default(),
            queries: QueryCache::default(),
            limit: QueryLimit::new(max_running),
        }
    }

    /// Waits for a permit and runs `work` on a blocking thread. The work is interrupted at `deadline`, and when the
    /// returned future is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        deadline: Instant,
        work: impl FnOnce(&Self, Interrupt<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = self.limit.acquire(deadline).await?;
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let _cancel_on_drop = SetOnDrop(Arc::clone(&is_cancelled));
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let interrupt = || match () {
                () if is_cancelled.load(Ordering::Relaxed) => Some(Interruption::Cancelled),
                () if Instant::now() >= deadline => Some(Interruption::Timeout),
                () => None,
            };
            work(&self, &interrupt)
        });
        match task.await {
            Ok(result) => result,
            Err(_) => Err(ApiError::new(ErrorType::Internal, "the evaluation panicked; please report this query")),
        }
    }
}

/// Sets a flag when it is dropped: with the future of a request, to interrupt the thread that works for it.
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The API's error for an error of the evaluation.
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
