//! The result cache: identical queries are evaluated once while they run and for a moment after.
use crate::web::api::compress::{compress, encoded_json, is_compressible, streamed_json};
use crate::web::api::json::{QueryTimes, memory_bytes, min_length, write_json};
use axum::response::Response;
use bytes::Bytes;
use parking_lot::Mutex;
use prometheus_api::{ApiError, ErrorType};
use promql::{MemoryPool, QueryResult, Reservation};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How long a result is reused. This is shorter than any refresh interval, so viewers do not see older data.
const LIFETIME: Duration = Duration::from_secs(1);

/// The maximum number of cached results.
const MAX_RESULTS: usize = 64;

/// The longest result that is encoded at once and cached. Longer ones are encoded while they are sent.
const MAX_CACHED_BYTES: usize = 256 << 10;

/// The longest result, before compression.
const MAX_RESULT_BYTES: usize = 50 << 20;

/// What makes two queries identical.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct QueryKey {
    pub(crate) query: String,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// None for an instant query.
    pub(crate) step_ms: Option<i64>,
    /// Part of the key because a query with a shorter timeout may fail where others succeed.
    pub(crate) timeout: Duration,
    pub(crate) lookback_ms: i64,
    /// The maximum number of series.
    pub(crate) limit: usize,
    /// The parameter `stats`.
    pub(crate) stats: Option<String>,
}

/// Results that are being computed, and recent ones.
#[derive(Default)]
pub(crate) struct ResultCache(Mutex<HashMap<QueryKey, Arc<Entry>>>);

#[derive(Default)]
struct Entry {
    outcome: OnceCell<Result<Arc<Encoded>, ApiError>>,
    finished: OnceLock<Instant>,
}

impl ResultCache {
    /// The result for `key`: shared with another request, or from `compute`. If the request that computes is cancelled,
    /// one that waits for it starts its own computation.
    pub(crate) async fn get_or_compute(
        &self,
        key: QueryKey,
        compute: impl Future<Output = Result<Arc<Encoded>, ApiError>>,
    ) -> Result<Arc<Encoded>, ApiError> {
        let entry = self.entry(&key);
        let outcome = entry.outcome.get_or_init(|| compute).await.clone();
        // The next attempt may succeed where this one failed, and streamed results are too large to cache.
        if !matches!(outcome.as_deref(), Ok(Encoded::Buffered { .. })) {
            self.0.lock().retain(|_, other| !Arc::ptr_eq(other, &entry));
        }
        entry.finished.get_or_init(Instant::now);
        outcome
    }

    fn entry(&self, key: &QueryKey) -> Arc<Entry> {
        let mut entries = self.0.lock();
        entries.retain(|_, entry| entry.finished.get().is_none_or(|finished| finished.elapsed() < LIFETIME));
        if let Some(entry) = entries.get(key) {
            return Arc::clone(entry);
        }
        let finished = |entry: &Entry| entry.finished.get().copied();
        if entries.values().filter(|entry| finished(entry).is_some()).count() >= MAX_RESULTS {
            let oldest = entries
                .iter()
                .filter_map(|(key, entry)| Some((finished(entry)?, key.clone())))
                .min_by_key(|(finished, _)| *finished);
            oldest.map(|(_, key)| entries.remove(&key));
        }
        Arc::clone(entries.entry(key.clone()).or_default())
    }
}

/// A result that can be sent any number of times.
pub(crate) enum Encoded {
    /// Encoded as JSON. The compressed form is made when it is first needed.
    Buffered { json: Bytes, gzip: OnceLock<Bytes> },
    /// Encoded while it is sent. The result counts towards the memory of all queries.
    Streamed { result: QueryResult, times: Option<QueryTimes>, _memory: Reservation },
}

impl Encoded {
    /// Encodes `result`, with statistics if there are `times`, and compresses it if the client accepts `gzip`.
    ///
    /// # Errors
    /// If the result is too long, or all queries' memory is in use.
    pub(crate) fn new(
        result: QueryResult,
        times: Option<QueryTimes>,
        gzip: bool,
        memory: &Arc<MemoryPool>,
    ) -> Result<Self, ApiError> {
        let length = min_length(&result);
        if length > MAX_RESULT_BYTES {
            let problem =
                format!("the result is longer than {MAX_RESULT_BYTES} bytes; select fewer series or use a longer step");
            return Err(ApiError::new(ErrorType::Execution, problem));
        }
        if length > MAX_CACHED_BYTES {
            let busy =
                || ApiError::new(ErrorType::Unavailable, "too many long results are being sent; try again in a moment");
            let memory = memory.reserve(memory_bytes(&result) as u64).ok_or_else(busy)?;
            return Ok(Self::Streamed { result, times, _memory: memory });
        }
        let mut json = Vec::with_capacity(length + length / 4);
        // Writing to memory cannot fail.
        let _ = write_json(&result, times, &mut json);
        let compressed = OnceLock::new();
        if gzip && is_compressible(&json) {
            let _ = compressed.set(compress(&json));
        }
        Ok(Self::Buffered { json: json.into(), gzip: compressed })
    }

    /// The response to one request, compressed if the client accepts gzip.
    pub(crate) fn response(self: Arc<Self>, accepts_gzip: bool) -> Response {
        match &*self {
            Self::Buffered { json, gzip } if accepts_gzip && is_compressible(json) => {
                encoded_json(gzip.get_or_init(|| compress(json)).clone(), true)
            }
            Self::Buffered { json, .. } => encoded_json(json.clone(), false),
            Self::Streamed { .. } => streamed_json(accepts_gzip, move |out| match &*self {
                Self::Streamed { result, times, .. } => write_json(result, *times, out),
                Self::Buffered { json, .. } => out.write_all(json),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::{SampleCounts, Value};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn key(query: &str) -> QueryKey {
        QueryKey {
            query: query.into(),
            start_ms: 0,
            end_ms: 0,
            step_ms: None,
            timeout: Duration::from_secs(10),
            lookback_ms: 300_000,
            limit: usize::MAX,
            stats: None,
        }
    }

    fn encoded(value: f64) -> Result<Arc<Encoded>, ApiError> {
        let value = Value::Scalar { time_ms: 0, value };
        let result = QueryResult { value, warnings: Vec::new(), infos: Vec::new(), samples: SampleCounts::default() };
        Encoded::new(result, None, false, &MemoryPool::new(1 << 20)).map(Arc::new)
    }

    #[tokio::test(start_paused = true)]
    async fn identical_queries_are_computed_once() {
        let (cache, computed) = (ResultCache::default(), AtomicUsize::new(0));
        let get = |query| {
            cache.get_or_compute(key(query), async {
                computed.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
                encoded(1.0)
            })
        };
        let all = tokio::join!(get("a"), get("a"), get("b"), get("a"));
        assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok());
        assert!(get("a").await.is_ok());
        assert_eq!(computed.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_request_computes_when_the_first_one_is_cancelled() {
        let cache = ResultCache::default();
        let never = cache.get_or_compute(key("a"), std::future::pending());
        let waiting = cache.get_or_compute(key("a"), async { encoded(2.0) });
        let (cancelled, computed) = tokio::join!(tokio::time::timeout(Duration::from_millis(10), never), waiting);
        assert!(cancelled.is_err() && computed.is_ok());
    }

    #[tokio::test]
    async fn failures_are_not_cached() {
        let cache = ResultCache::default();
        let failure = || Err(ApiError::new(ErrorType::Timeout, "slow"));
        assert!(cache.get_or_compute(key("a"), async { failure() }).await.is_err());
        assert!(cache.get_or_compute(key("a"), async { encoded(1.0) }).await.is_ok());
        assert!(cache.0.lock().len() == 1);
    }
}
