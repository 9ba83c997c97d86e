//! The result cache: identical queries are evaluated once while they run and for a moment after.
use crate::web::api::body::{CountedBody, CountedMemory, MAX_BODY_BYTES};
use crate::web::api::compress::{
    PIECE_BYTES, Pieces, VARY_ENCODING, compress, encoded_json, is_compressible, streamed,
};
use crate::web::api::json::{JsonWriter, QueryTimes, memory_bytes, min_length, write_json};
use crate::web::peers::Peer;
use axum::response::Response;
use bytes::Bytes;
use parking_lot::Mutex;
use prometheus_api::{ApiError, ErrorType};
use promql::QueryResult;
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How long a result is reused. This is shorter than any refresh interval, so viewers do not see older data.
const LIFETIME: Duration = Duration::from_secs(1);

/// The maximum number of cached results.
const MAX_RESULTS: usize = 64;

/// The longest result that is encoded at once and cached. Longer ones are encoded while they are sent.
const MAX_CACHED_BYTES: usize = 256 << 10;

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

struct Entry {
    outcome: OnceCell<Result<Arc<Encoded>, ApiError>>,
    finished: OnceLock<Instant>,
    /// The client whose request computes it.
    peer: Arc<Peer>,
    /// Whether the computation has begun, rather than waiting for the client's turn.
    is_running: Arc<AtomicBool>,
}

/// Notes that a computation has begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Started(Arc<AtomicBool>);

impl Started {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl ResultCache {
    /// The result for `key`: shared with another request, or what `compute` returns, which says when it has started. If
    /// the request that computes is cancelled, one that waits for it starts its own computation.
    pub(crate) async fn get_or_compute<F>(
        &self,
        key: QueryKey,
        peer: &Arc<Peer>,
        compute: impl FnOnce(Started) -> F,
    ) -> Result<Arc<Encoded>, ApiError>
    where
        F: Future<Output = Result<Arc<Encoded>, ApiError>>,
    {
        let entry = self.entry(&key, peer);
        let compute = compute(Started(Arc::clone(&entry.is_running)));
        let outcome = entry.outcome.get_or_init(|| compute).await.clone();
        // The next attempt may succeed where this one failed, and streamed results are too large to cache.
        if !matches!(outcome.as_deref(), Ok(Encoded::Buffered { .. })) {
            self.0.lock().retain(|_, other| !Arc::ptr_eq(other, &entry));
        }
        entry.finished.get_or_init(Instant::now);
        outcome
    }

    fn entry(&self, key: &QueryKey, peer: &Arc<Peer>) -> Arc<Entry> {
        let mut entries = self.0.lock();
        entries.retain(|_, entry| entry.finished.get().is_none_or(|finished| finished.elapsed() < LIFETIME));
        let new = || {
            let is_running = Arc::default();
            Arc::new(Entry { outcome: OnceCell::new(), finished: OnceLock::new(), peer: Arc::clone(peer), is_running })
        };
        if let Some(entry) = entries.get(key) {
            // What waits for another client's turn may wait for long.
            let is_shared = Arc::ptr_eq(&entry.peer, peer)
                || entry.finished.get().is_some()
                || entry.is_running.load(Ordering::Relaxed);
            return if is_shared { Arc::clone(entry) } else { new() };
        }
        let finished = |entry: &Entry| entry.finished.get().copied();
        if entries.values().filter(|entry| finished(entry).is_some()).count() >= MAX_RESULTS {
            let oldest = entries
                .iter()
                .filter_map(|(key, entry)| Some((finished(entry)?, key.clone())))
                .min_by_key(|(finished, _)| *finished);
            oldest.map(|(_, key)| entries.remove(&key));
        }
        let entry = new();
        entries.insert(key.clone(), Arc::clone(&entry));
        entry
    }
}

/// A result that can be sent any number of times. Its memory counts towards that of the client that asked first.
pub(crate) enum Encoded {
    /// Encoded as JSON. The compressed form is made when it is first needed.
    Buffered { json: Bytes, gzip: OnceLock<Bytes> },
    /// Encoded while it is sent.
    Streamed { result: QueryResult, times: Option<QueryTimes>, _memory: CountedMemory },
}

impl Encoded {
    /// Encodes `result`, with statistics if there are `times`, and compresses it if the client accepts `gzip`.
    ///
    /// # Errors
    /// If the result is too long, or the memory of `peer` is in use.
    pub(crate) fn new(
        result: QueryResult,
        times: Option<QueryTimes>,
        gzip: bool,
        peer: &Peer,
    ) -> Result<Self, ApiError> {
        let length = min_length(&result);
        if length > MAX_BODY_BYTES {
            let problem =
                format!("the result is longer than {MAX_BODY_BYTES} bytes; select fewer series or use a longer step");
            return Err(ApiError::new(ErrorType::Execution, problem));
        }
        if length > MAX_CACHED_BYTES {
            let mut memory = CountedMemory::new(&peer.memory)?;
            memory.grow_to(memory_bytes(&result))?;
            return Ok(Self::Streamed { result, times, _memory: memory });
        }
        let mut json = Vec::with_capacity(length + length / 4);
        write_json(&result, times, &mut json);
        let compressed = OnceLock::new();
        if gzip && is_compressible(&json) {
            let _ = compressed.set(CountedBody::of(peer, compress(&json))?.into_bytes());
        }
        Ok(Self::Buffered { json: CountedBody::of(peer, json)?.into_bytes(), gzip: compressed })
    }

    /// The response to one request of `peer`, compressed if the client accepts gzip.
    ///
    /// # Errors
    /// If the client has not read too many long answers yet.
    pub(crate) fn response(self: Arc<Self>, accepts_gzip: bool, peer: &Peer) -> Result<Response, ApiError> {
        match &*self {
            Self::Buffered { json, gzip } if accepts_gzip && is_compressible(json) => {
                Ok(encoded_json(gzip.get_or_init(|| compress(json).into()).clone(), true))
            }
            Self::Buffered { json, .. } => Ok(encoded_json(json.clone(), false)),
            Self::Streamed { .. } => {
                let pieces = ResultPieces { writer: JsonWriter::default(), encoded: self };
                streamed(peer, "application/json", VARY_ENCODING, accepts_gzip, pieces)
            }
        }
    }
}

/// The pieces of a long result.
struct ResultPieces {
    writer: JsonWriter,
    encoded: Arc<Encoded>,
}

impl Pieces for ResultPieces {
    fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        match &*self.encoded {
            Encoded::Streamed { result, times, .. } => self.writer.write(result, *times, out, PIECE_BYTES),
            Encoded::Buffered { json, .. } => {
                out.extend_from_slice(json);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::peers::Peers;
    use promql::{SampleCounts, Value};
    use std::net::IpAddr;
    use std::sync::atomic::AtomicUsize;

    fn peer(host: u8) -> Arc<Peer> {
        Peers::new(1, 256 << 20).at(IpAddr::from([10, 0, 0, host]))
    }

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
        Encoded::new(result, None, false, &peer(1)).map(Arc::new)
    }

    #[tokio::test(start_paused = true)]
    async fn identical_queries_are_computed_once() {
        let (cache, computed, peer) = (ResultCache::default(), AtomicUsize::new(0), peer(1));
        let get = |query| {
            cache.get_or_compute(key(query), &peer, async |_| {
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
        let (cache, peer) = (ResultCache::default(), peer(1));
        let never = cache.get_or_compute(key("a"), &peer, |_| std::future::pending());
        let waiting = cache.get_or_compute(key("a"), &peer, async |_| encoded(2.0));
        let (cancelled, computed) = tokio::join!(tokio::time::timeout(Duration::from_millis(10), never), waiting);
        assert!(cancelled.is_err() && computed.is_ok());
    }

    #[tokio::test]
    async fn failures_are_not_cached() {
        let (cache, peer) = (ResultCache::default(), peer(1));
        let failure = || Err(ApiError::new(ErrorType::Timeout, "slow"));
        assert!(cache.get_or_compute(key("a"), &peer, async |_| failure()).await.is_err());
        assert!(cache.get_or_compute(key("a"), &peer, async |_| encoded(1.0)).await.is_ok());
        assert!(cache.0.lock().len() == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_that_waits_for_another_clients_turn_is_not_shared() {
        let (cache, greedy, modest) = (ResultCache::default(), peer(1), peer(2));
        let waiting = cache.get_or_compute(key("a"), &greedy, |_| std::future::pending());
        let other = cache.get_or_compute(key("a"), &modest, async |_| encoded(1.0));
        let running = cache.get_or_compute(key("b"), &greedy, async |started: Started| {
            started.set();
            tokio::time::sleep(Duration::from_millis(5)).await;
            encoded(2.0)
        });
        let shared = cache.get_or_compute(key("b"), &modest, |_| std::future::pending());
        let waiting = tokio::time::timeout(Duration::from_millis(10), waiting);
        let (waited, other, running, shared) = tokio::join!(waiting, other, running, shared);
        assert!(waited.is_err() && other.is_ok());
        assert!(running.is_ok_and(|own| shared.is_ok_and(|other| Arc::ptr_eq(&own, &other))));
    }
}
