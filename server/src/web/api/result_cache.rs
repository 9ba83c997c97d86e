//! Answers that several requests share: identical queries are computed once while they run and for a moment after.
use crate::web::api::compress::{compress, compressible, json_body, streamed};
use crate::web::api::json::{least_length, memory_bytes, write_json};
use axum::response::Response;
use bytes::Bytes;
use prometheus_api::{ApiError, ErrorType};
use promql::{MemoryPool, QueryResult, Reservation};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// How long an answer is given again: shorter than any refresh, so that nobody sees older data than without it.
const KEPT: Duration = Duration::from_secs(1);

/// The most answers that are kept.
const MOST_KEPT: usize = 64;

/// Longer answers are written while they are sent, and not kept.
const SHORT_BYTES: usize = 256 << 10;

/// The longest answer, before compression.
const ANSWER_BYTES: usize = 50 << 20;

/// What makes two queries identical.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key {
    pub(crate) query: String,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    /// None for an instant query.
    pub(crate) step_ms: Option<i64>,
    /// What the requests allow for it, as one that allows less may fail alone.
    pub(crate) timeout: Duration,
}

/// Answers that are being computed, and recent ones.
#[derive(Default)]
pub(crate) struct Answers(Mutex<HashMap<Key, Arc<Entry>>>);

#[derive(Default)]
struct Entry {
    outcome: OnceCell<Result<Arc<Prepared>, ApiError>>,
    done: OnceLock<Instant>,
}

impl Answers {
    /// The answer to `key`: that of another request, or the one that `compute` makes. When the request that computes is
    /// given up, another one that waits begins anew.
    pub(crate) async fn get(
        &self,
        key: Key,
        compute: impl Future<Output = Result<Arc<Prepared>, ApiError>>,
    ) -> Result<Arc<Prepared>, ApiError> {
        let entry = self.entry(&key);
        let outcome = entry.outcome.get_or_init(|| compute).await.clone();
        // A failure may be another next time, and a long answer is too large to keep.
        if !matches!(outcome.as_deref(), Ok(Prepared::Short { .. })) {
            self.lock().retain(|_, own| !Arc::ptr_eq(own, &entry));
        }
        entry.done.get_or_init(Instant::now);
        outcome
    }

    fn entry(&self, key: &Key) -> Arc<Entry> {
        let mut entries = self.lock();
        entries.retain(|_, entry| entry.done.get().is_none_or(|done| done.elapsed() < KEPT));
        if let Some(entry) = entries.get(key) {
            return Arc::clone(entry);
        }
        let finished = |entry: &Entry| entry.done.get().copied();
        if entries.values().filter(|entry| finished(entry).is_some()).count() >= MOST_KEPT {
            let oldest = entries
                .iter()
                .filter_map(|(key, entry)| Some((finished(entry)?, key.clone())))
                .min_by_key(|(done, _)| *done);
            oldest.map(|(_, key)| entries.remove(&key));
        }
        Arc::clone(entries.entry(key.clone()).or_default())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer ready to be sent, any number of times.
pub(crate) enum Prepared {
    /// Written already.
    Short { json: Bytes, packed: OnceLock<Bytes> },
    /// Written while it is sent; takes its part of the memory that all queries share.
    Long { answer: QueryResult, _memory: Reservation },
}

impl Prepared {
    /// Prepares `answer`, compressed too where `gzip` says that this will be asked for.
    ///
    /// # Errors
    /// When it is too long, or there is no memory for it now.
    pub(crate) fn new(answer: QueryResult, gzip: bool, memory: &Arc<MemoryPool>) -> Result<Self, ApiError> {
        let length = least_length(&answer);
        if length > ANSWER_BYTES {
            let problem =
                format!("the answer is longer than {ANSWER_BYTES} bytes; select fewer series or use a longer step");
            return Err(ApiError::new(ErrorType::Execution, problem));
        }
        if length > SHORT_BYTES {
            let busy = || ApiError::new(ErrorType::Unavailable, "too many long answers at once; ask again in a moment");
            let memory = memory.reserve(memory_bytes(&answer) as u64).ok_or_else(busy)?;
            return Ok(Self::Long { answer, _memory: memory });
        }
        let mut json = Vec::with_capacity(length + length / 4);
        // Writing to memory cannot fail.
        let _ = write_json(&answer, &mut json);
        let packed = OnceLock::new();
        if gzip && compressible(&json) {
            let _ = packed.set(compress(&json));
        }
        Ok(Self::Short { json: json.into(), packed })
    }

    /// The answer to one request.
    pub(crate) fn response(self: Arc<Self>, gzip: bool) -> Response {
        match &*self {
            Self::Short { json, packed } if gzip && compressible(json) => {
                json_body(packed.get_or_init(|| compress(json)).clone(), true)
            }
            Self::Short { json, .. } => json_body(json.clone(), false),
            Self::Long { .. } => streamed(gzip, move |out| match &*self {
                Self::Long { answer, .. } => write_json(answer, out),
                Self::Short { json, .. } => out.write_all(json),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::Value;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn key(query: &str) -> Key {
        Key { query: query.into(), start_ms: 0, end_ms: 0, step_ms: None, timeout: Duration::from_secs(10) }
    }

    fn prepared(value: f64) -> Result<Arc<Prepared>, ApiError> {
        let value = Value::Scalar { time_ms: 0, value };
        let answer = QueryResult { value, warnings: Vec::new(), infos: Vec::new() };
        Prepared::new(answer, false, &MemoryPool::new(1 << 20)).map(Arc::new)
    }

    #[tokio::test(start_paused = true)]
    async fn identical_queries_are_computed_once() {
        let (answers, computed) = (Answers::default(), AtomicUsize::new(0));
        let ask = |query| {
            answers.get(key(query), async {
                computed.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
                prepared(1.0)
            })
        };
        let all = tokio::join!(ask("a"), ask("a"), ask("b"), ask("a"));
        assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok());
        assert!(ask("a").await.is_ok());
        assert_eq!(computed.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_goes_on_when_the_first_one_leaves() {
        let answers = Answers::default();
        let never = answers.get(key("a"), std::future::pending());
        let waiting = answers.get(key("a"), async { prepared(2.0) });
        let (left, answered) = tokio::join!(tokio::time::timeout(Duration::from_millis(10), never), waiting);
        assert!(left.is_err() && answered.is_ok());
    }

    #[tokio::test]
    async fn failures_are_not_kept() {
        let answers = Answers::default();
        let failure = || Err(ApiError::new(ErrorType::Timeout, "slow"));
        assert!(answers.get(key("a"), async { failure() }).await.is_err());
        assert!(answers.get(key("a"), async { prepared(1.0) }).await.is_ok());
        assert!(answers.lock().len() == 1);
    }
}
