//! Why a query has no answer.
use crate::StorageError;

/// Why a query has no answer; [`Error::kind`] says which of Prometheus's error types it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is longer than [`Limits::query_bytes`](crate::Limits::query_bytes).
    #[error("the query has {bytes} bytes, more than the {limit} allowed; shorten it or split it into several")]
    QueryTooLong {
        /// Length of the text.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Brackets or signs are nested deeper than [`Limits::nesting`](crate::Limits::nesting).
    #[error("the query is nested more than {limit} levels deep; remove brackets or split it")]
    NestedTooDeep {
        /// The limit.
        limit: usize,
    },
    /// There are more operators than [`Limits::operators`](crate::Limits::operators).
    #[error("the query has more than {limit} operators; split it")]
    TooManyOperators {
        /// The limit.
        limit: usize,
    },
    /// There are more regular expressions than [`Limits::patterns`](crate::Limits::patterns).
    #[error("the query has more than {limit} different regular expressions; split it")]
    TooManyPatterns {
        /// The limit.
        limit: usize,
    },
    /// The text is not PromQL.
    #[error("invalid query: {0}")]
    Syntax(String),
    /// The text is PromQL that this evaluator does not offer; see `UNSUPPORTED.md`.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Start, end and step do not make a range.
    #[error("invalid range: {0}")]
    BadRange(&'static str),
    /// The range has more steps than [`Limits::points`](crate::Limits::points).
    #[error(
        "the range has {count} points per series, more than the {limit} allowed; use a longer step or a shorter range"
    )]
    TooManySteps {
        /// Steps asked for.
        count: u64,
        /// The limit.
        limit: usize,
    },
    /// The query is well formed, but its data or arguments do not fit it.
    #[error("{0}")]
    Execution(String),
    /// More samples were read than [`Limits::samples`](crate::Limits::samples).
    #[error("the query reads more than {limit} samples; select fewer series or a shorter range")]
    TooManySamples {
        /// The limit.
        limit: u64,
    },
    /// Intermediate results need more than [`Limits::memory_bytes`](crate::Limits::memory_bytes).
    #[error(
        "the query needs more than {limit} bytes of memory; aggregate earlier, use a longer step or select fewer series"
    )]
    TooMuchMemory {
        /// The limit.
        limit: u64,
    },
    /// All queries together need more than the pool in [`Options::pool`](crate::Options::pool) holds.
    #[error("the queries that run now hold all of the {limit} bytes that they may together; ask again in a moment")]
    Busy {
        /// The pool's size.
        limit: u64,
    },
    /// The caller's time limit passed.
    #[error("query timed out in expression evaluation; select fewer series or a shorter range")]
    Timeout,
    /// The caller gave up.
    #[error("query was canceled in expression evaluation")]
    Cancelled,
    /// The store could not answer.
    #[error("reading samples failed: {0}")]
    Storage(#[from] StorageError),
}

/// Prometheus's error types of the query API, without their HTTP statuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// `bad_data`: the request cannot be understood or asks for too many steps.
    BadData,
    /// `execution`: evaluation failed.
    Execution,
    /// `timeout`: evaluation took too long.
    Timeout,
    /// `canceled`: the caller gave up.
    Cancelled,
    /// `unavailable`: others need the memory now.
    Unavailable,
    /// `internal`: the store failed.
    Internal,
}

impl Error {
    /// The error's type in Prometheus's table.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::QueryTooLong { .. }
            | Self::NestedTooDeep { .. }
            | Self::TooManyOperators { .. }
            | Self::TooManyPatterns { .. }
            | Self::Syntax(_)
            | Self::Unsupported(_)
            | Self::BadRange(_)
            | Self::TooManySteps { .. } => ErrorKind::BadData,
            Self::Execution(_) | Self::TooManySamples { .. } | Self::TooMuchMemory { .. } => ErrorKind::Execution,
            Self::Busy { .. } => ErrorKind::Unavailable,
            Self::Timeout => ErrorKind::Timeout,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Storage(_) => ErrorKind::Internal,
        }
    }

    pub(crate) fn same_labels() -> Self {
        Self::Execution("vector cannot contain metrics with the same labelset".into())
    }
}
