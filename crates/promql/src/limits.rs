//! Limits on the cost of a query, and its interruption.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The limits of one query, each with its own [`Error`](crate::Error).
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum length of the query text in bytes.
    pub query_bytes: usize,
    /// Maximum nesting depth of brackets, and of signs and `^`.
    pub nesting: usize,
    /// Maximum number of operators, signs included.
    pub operators: usize,
    /// Maximum number of distinct regular expressions in matchers.
    pub patterns: usize,
    /// Maximum number of steps of a range query.
    pub steps: usize,
    /// Maximum number of samples read from the storage or produced by subqueries.
    pub samples: u64,
    /// Maximum memory of intermediate results at any time, in bytes.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            query_bytes: 64 << 10,
            nesting: 64,
            operators: 512,
            patterns: 64,
            steps: 11_000,
            samples: 50_000_000,
            memory_bytes: 256 << 20,
        }
    }
}

/// The settings of an evaluation.
#[derive(Clone, Debug)]
pub struct Options {
    /// How far an instant vector selector looks back for the latest sample.
    pub lookback_ms: i64,
    /// The step of subqueries that do not specify one.
    pub default_subquery_step_ms: i64,
    /// The limits of each query.
    pub limits: Limits,
    /// The memory shared by concurrent queries.
    pub pool: Option<Arc<MemoryPool>>,
}

/// The memory that intermediate results and results of all queries may hold together.
#[derive(Debug)]
pub struct MemoryPool {
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

impl MemoryPool {
    /// Creates a pool of `limit_bytes`.
    pub fn new(limit_bytes: u64) -> Arc<Self> {
        Arc::new(Self { limit_bytes, used_bytes: AtomicU64::new(0) })
    }

    /// The size of the pool.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Takes `bytes` out of the pool. Returns `None` if it has less left.
    pub fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Reservation> {
        let mut reservation = Reservation { pool: Arc::clone(self), bytes: 0 };
        reservation.grow(bytes).then_some(reservation)
    }
}

/// A part of a [`MemoryPool`], returned on drop.
#[derive(Debug)]
pub struct Reservation {
    pool: Arc<MemoryPool>,
    bytes: u64,
}

impl Reservation {
    /// The size of the reservation.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes `bytes` more. Returns false and takes nothing if the pool has less left.
    pub fn grow(&mut self, bytes: u64) -> bool {
        let more = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.pool.limit_bytes);
        let taken = self.pool.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.pool.used_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Prometheus's defaults.
impl Default for Options {
    fn default() -> Self {
        Self { lookback_ms: 300_000, default_subquery_step_ms: 60_000, limits: Limits::default(), pool: None }
    }
}

/// The reason to stop a running query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interruption {
    /// Its time limit has passed.
    Timeout,
    /// The caller no longer waits for the result.
    Cancelled,
}

/// Called repeatedly during evaluation to ask whether to stop, since the evaluator reads no clock.
pub type Interrupt<'a> = &'a dyn Fn() -> Option<Interruption>;

/// An [`Interrupt`] that never stops a query.
pub fn uninterrupted() -> Option<Interruption> {
    None
}
