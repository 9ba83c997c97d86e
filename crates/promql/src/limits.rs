//! What a query may cost, and how it is stopped.

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
    /// Most steps of a range query: points per series.
    pub points: usize,
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
            points: 11_000,
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
}

/// Prometheus's defaults.
impl Default for Options {
    fn default() -> Self {
        Self { lookback_ms: 300_000, default_subquery_step_ms: 60_000, limits: Limits::default() }
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
