//! Limits on the cost of a query, and its interruption.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The limits of one request, each with its own [`Error`](crate::Error). A request has one query, or any number of
/// selectors.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum length of each text in bytes.
    pub query_bytes: usize,
    /// Maximum nesting depth of brackets, and of signs and `^`.
    pub nesting: usize,
    /// Maximum number of operators, signs included.
    pub operators: usize,
    /// Maximum number of selectors. Each alternative of one, joined by `or`, counts.
    pub selectors: usize,
    /// Maximum number of matchers.
    pub matchers: usize,
    /// Maximum number of distinct regular expressions in matchers.
    pub patterns: usize,
    /// Maximum memory of their compiled forms together, in bytes.
    pub pattern_bytes: u64,
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
            selectors: 1024,
            matchers: 8192,
            patterns: 64,
            pattern_bytes: 24 << 20,
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

/// The memory that intermediate results, results and patterns of all queries may hold together, or those of one client.
#[derive(Debug)]
pub struct MemoryPool {
    limit_bytes: u64,
    used_bytes: AtomicU64,
    /// The pool that this one is a part of.
    whole: Option<Arc<Self>>,
}

impl MemoryPool {
    /// Creates a pool of `limit_bytes`.
    pub fn new(limit_bytes: u64) -> Arc<Self> {
        Arc::new(Self { limit_bytes, used_bytes: AtomicU64::new(0), whole: None })
    }

    /// Creates a pool of `limit_bytes` that takes its memory out of `whole`.
    pub fn within(whole: &Arc<Self>, limit_bytes: u64) -> Arc<Self> {
        Arc::new(Self { limit_bytes, used_bytes: AtomicU64::new(0), whole: Some(Arc::clone(whole)) })
    }

    /// The size of the pool.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// How much of it is taken.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Takes `bytes` out of the pool. Returns `None` if it has less left.
    pub fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Reservation> {
        let mut reservation = Reservation { pool: Arc::clone(self), bytes: 0 };
        reservation.grow(bytes).then_some(reservation)
    }

    /// Takes `bytes` out of this pool and those that it is a part of, or nothing.
    fn take(&self, bytes: u64) -> bool {
        let more = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit_bytes);
        if self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            return false;
        }
        let has_room = self.whole.as_ref().is_none_or(|whole| whole.take(bytes));
        if !has_room {
            self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        has_room
    }

    fn give_back(&self, bytes: u64) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.give_back(bytes);
        }
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
        let taken = self.pool.take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Gives back what is above `bytes`.
    pub fn shrink_to(&mut self, bytes: u64) {
        self.pool.give_back(self.bytes.saturating_sub(bytes));
        self.bytes = self.bytes.min(bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.pool.give_back(self.bytes);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_takes_its_memory_out_of_the_whole() {
        let whole = MemoryPool::new(100);
        let [one, other] = [80, 80].map(|limit| MemoryPool::within(&whole, limit));
        let mut held = one.reserve(70).expect("room");
        assert!(!held.grow(20) && one.reserve(11).is_none());
        assert!(other.reserve(31).is_none());
        assert_eq!((whole.used_bytes(), other.used_bytes()), (70, 0));
        held.shrink_to(10);
        let second = other.reserve(80).expect("room");
        assert_eq!(whole.used_bytes(), 90);
        drop((held, second));
        assert_eq!((whole.used_bytes(), one.used_bytes(), other.used_bytes()), (0, 0, 0));
    }
}
