//! The range that a query is evaluated over.

/// The time range of the query, which `@ start()` and `@ end()` refer to, and its step (zero for an instant query).
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryRange {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) step_ms: i64,
}
