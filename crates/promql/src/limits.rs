//! What a query may cost, and how it is stopped.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Ceilings on one query, each with its own [`Error`](crate::Error).
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest query text, in bytes.
    pub query_bytes: usize,
    /// Deepest nesting of brackets and signs.
    pub nesting: usize,
    /// Most operators, signs among them, in one query.
    pub operators: usize,
    /// Most different regular expressions in the matchers of one query.
    pub patterns: usize,
    /// Most steps of a range query.
    pub steps: usize,
    /// Most samples read from the store or produced by subqueries.
    pub samples: u64,
    /// Most bytes that intermediate results of one query may hold at a time.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            query_bytes: 16 << 10,
            nesting: 64,
            operators: 256,
            patterns: 64,
            steps: 11_000,
            samples: 50_000_000,
            memory_bytes: 256 << 20,
        }
    }
}

/// How queries are evaluated.
#[derive(Clone, Debug)]
pub struct Options {
    /// How far an instant selector looks back for the latest sample.
    pub lookback_ms: i64,
    /// The step of a subquery that names none.
    pub default_subquery_step_ms: i64,
    /// Ceilings.
    pub limits: Limits,
    /// Memory that the query shares with others that run at the same time.
    pub pool: Option<Arc<MemoryPool>>,
}

/// Memory that intermediate results and answers of all queries together may hold.
#[derive(Debug)]
pub struct MemoryPool {
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

impl MemoryPool {
    /// A pool of `limit_bytes`.
    pub fn new(limit_bytes: u64) -> Arc<Self> {
        Arc::new(Self { limit_bytes, used_bytes: AtomicU64::new(0) })
    }

    /// All of it.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Takes `bytes` out of the pool; none where that many are not left.
    pub fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Reservation> {
        let mut reservation = Reservation { pool: Arc::clone(self), bytes: 0 };
        reservation.grow(bytes).then_some(reservation)
    }
}

/// A part of a [`MemoryPool`], given back on drop.
#[derive(Debug)]
pub struct Reservation {
    pool: Arc<MemoryPool>,
    bytes: u64,
}

impl Reservation {
    /// How much it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes `bytes` more; false, and nothing taken, where that many are not left.
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

/// Why a running query is to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interruption {
    /// Its time is up.
    Timeout,
    /// Nobody waits for the answer any more.
    Cancelled,
}

/// Asked many times during evaluation whether to stop; the evaluator itself reads no clock.
pub type Interrupt<'a> = &'a dyn Fn() -> Option<Interruption>;

/// An [`Interrupt`] that never stops a query.
pub fn uninterrupted() -> Option<Interruption> {
    None
}
