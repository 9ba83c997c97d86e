//! Does the work of requests on threads of its own, with limits on concurrency, time and memory.
use crate::threads::Threads;
use crate::web::api::query_cache::QueryCache;
use crate::web::api::query_limit::QueryLimit;
use crate::web::api::result_cache::ResultCache;
use crate::web::peers::{Peer, Peers};
use axum::extract::Request;
use prometheus_api::{ApiError, ErrorType};
use promql::{ErrorKind, Interrupt, Interruption, Limits, Options, Storage};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a request may take, including the wait for a permit.
pub(crate) const MAX_QUERY_TIME: Duration = Duration::from_secs(10);

/// How long after its deadline a request is answered at the latest: work is interrupted between two steps only.
const MAX_DELAY: Duration = Duration::from_millis(250);

/// The maximum number of steps in a range query.
pub(crate) const MAX_STEPS: usize = 11_000;

/// The memory limit on one query's intermediate results.
const MAX_QUERY_MEMORY_BYTES: u64 = 64 << 20;

/// Evaluates queries over a store.
pub(crate) struct Evaluator {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: Options,
    pub(crate) results: ResultCache,
    pub(crate) queries: QueryCache,
    peers: Arc<Peers>,
    limit: QueryLimit,
    threads: Threads,
}

/// What the work for one request uses.
pub(crate) struct Work<'w> {
    pub(crate) evaluator: &'w Evaluator,
    /// The client.
    pub(crate) peer: &'w Arc<Peer>,
    /// The settings of evaluations, with the memory of the client.
    pub(crate) options: Options,
    /// Says whether to stop.
    pub(crate) interrupt: Interrupt<'w>,
}

impl Work<'_> {
    /// Fails if the work should stop. `advice` says how to ask for less.
    pub(crate) fn check_interrupt(&self, advice: &str) -> Result<(), ApiError> {
        match (self.interrupt)() {
            None => Ok(()),
            Some(Interruption::Timeout) => {
                Err(ApiError::new(ErrorType::Timeout, format!("the request took too long; {advice}")))
            }
            Some(Interruption::Cancelled) => Err(ApiError::new(ErrorType::Canceled, "the request was cancelled")),
        }
    }
}

impl Evaluator {
    /// Evaluates over `storage`, at most `max_running` requests of one client at a time, and as many for all others; all
    /// together take at most `memory_bytes`.
    pub(crate) fn new(storage: Arc<dyn Storage>, max_running: usize, memory_bytes: u64) -> Self {
        let query_bytes = MAX_QUERY_MEMORY_BYTES.min(memory_bytes);
        let limits = Limits { steps: MAX_STEPS + 1, memory_bytes: query_bytes, ..Limits::default() };
        Self {
            storage,
            options: Options { limits, ..Options::default() },
            results: ResultCache::default(),
            queries: QueryCache::default(),
            peers: Arc::new(Peers::new(max_running, memory_bytes)),
            limit: QueryLimit::new(max_running * 2),
            threads: Threads::new("query", max_running * 2),
        }
    }

    /// The clients of the server.
    pub(crate) fn peers(&self) -> Arc<Peers> {
        Arc::clone(&self.peers)
    }

    /// The client that sent `request`.
    pub(crate) fn peer_of(&self, request: &Request) -> Arc<Peer> {
        let known = request.extensions().get::<Arc<Peer>>();
        known.map_or_else(|| self.peers.at(IpAddr::V4(Ipv4Addr::LOCALHOST)), Arc::clone)
    }

    /// Waits for a permit of `peer` and does `work` on a thread. The work is interrupted at `deadline`, and when the
    /// returned future is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        peer: Arc<Peer>,
        deadline: Instant,
        work: impl FnOnce(&Work<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = self.limit.acquire(&peer.running, deadline).await?;
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let _cancel_on_drop = SetOnDrop(Arc::clone(&is_cancelled));
        let threads = self.threads.clone();
        let task = threads.run(move || {
            let _permit = permit;
            let interrupt = || match () {
                () if is_cancelled.load(Ordering::Relaxed) => Some(Interruption::Cancelled),
                () if Instant::now() >= deadline => Some(Interruption::Timeout),
                () => None,
            };
            let options = Options { pool: Some(Arc::clone(&peer.memory)), ..self.options.clone() };
            work(&Work { evaluator: &self, peer: &peer, options, interrupt: &interrupt })
        });
        match tokio::time::timeout_at((deadline + MAX_DELAY).into(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ApiError::new(ErrorType::Internal, "the evaluation panicked; please report this query")),
            // The permit is held until the work has noticed.
            Err(_) => Err(ApiError::new(ErrorType::Timeout, "the request took too long; select fewer series")),
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

/// The API's error for an error in the text of a parameter.
pub(crate) fn parse_error(name: &str, error: &promql::Error) -> ApiError {
    match error.kind() {
        ErrorKind::BadData => ApiError::new(ErrorType::BadData, format!("invalid parameter {name:?}: {error}")),
        _ => api_error(error),
    }
}
