//! Errors of parsing, evaluation and storage.

/// The storage failed to read samples.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// The reason a query fails; [`Error::kind`] maps it to one of Prometheus's error types.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is longer than [`Limits::query_bytes`](crate::Limits::query_bytes).
    #[error("the query has {bytes} bytes, more than the {limit} allowed; shorten it or split it into several")]
    QueryTooLong {
        /// The length of the text.
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
    /// The text has more operators than [`Limits::operators`](crate::Limits::operators).
    #[error("the query has more than {limit} operators; split it")]
    TooManyOperators {
        /// The limit.
        limit: usize,
    },
    /// The text has more regular expressions than [`Limits::patterns`](crate::Limits::patterns).
    #[error("the query has more than {limit} different regular expressions; split it")]
    TooManyPatterns {
        /// The limit.
        limit: usize,
    },
    /// The patterns need more than [`Limits::pattern_bytes`](crate::Limits::pattern_bytes).
    #[error("the regular expressions need more than {limit} bytes of memory; shorten them or split the query")]
    PatternsTooLarge {
        /// The limit.
        limit: u64,
    },
    /// There are more selectors than [`Limits::selectors`](crate::Limits::selectors).
    #[error("there are more than {limit} selectors; split the query, or send several requests")]
    TooManySelectors {
        /// The limit.
        limit: usize,
    },
    /// There are more matchers than [`Limits::matchers`](crate::Limits::matchers).
    #[error("there are more than {limit} matchers; split the query, or send several requests")]
    TooManyMatchers {
        /// The limit.
        limit: usize,
    },
    /// The text is a query where only a selector is valid.
    #[error("{0:?} is a query; give a selector such as {{job=\"vllm\"}}")]
    NotASelector(String),
    /// The text is not PromQL.
    #[error("invalid query: {0}")]
    Syntax(String),
    /// The text uses PromQL that is not implemented; see `UNSUPPORTED.md`.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Start, end and step are not a valid range.
    #[error("invalid range: {0}")]
    BadRange(&'static str),
    /// The range has more steps than [`Limits::points`](crate::Limits::points).
    #[error(
        "the range has {count} points per series, more than the {limit} allowed; use a longer step or a shorter range"
    )]
    TooManySteps {
        /// The number of steps.
        count: u64,
        /// The limit.
        limit: usize,
    },
    /// The query is valid, but its data or arguments cannot be evaluated.
    #[error("{0}")]
    Execution(String),
    /// The query reads more samples than [`Limits::samples`](crate::Limits::samples).
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
    /// Concurrent queries together need more memory than [`Options::pool`](crate::Options::pool) holds.
    #[error("concurrent queries use all of the {limit} bytes that they may hold together; try again in a moment")]
    Busy {
        /// The size of the pool.
        limit: u64,
    },
    /// The time limit of the caller has passed.
    #[error("query timed out in expression evaluation; select fewer series or a shorter range")]
    Timeout,
    /// The caller no longer waits for the result.
    #[error("query was canceled in expression evaluation")]
    Cancelled,
    /// The storage failed.
    #[error("reading samples failed: {0}")]
    Storage(#[from] StorageError),
}

/// The error types of Prometheus's query API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// `bad_data`: the request is invalid or has too many steps.
    BadData,
    /// `execution`: evaluation failed.
    Execution,
    /// `timeout`: evaluation took too long.
    Timeout,
    /// `canceled`: the caller no longer waits.
    Cancelled,
    /// `unavailable`: concurrent queries use all memory.
    Unavailable,
    /// `internal`: the storage failed.
    Internal,
}

impl Error {
    /// The error type in Prometheus's API.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::QueryTooLong { .. }
            | Self::NestedTooDeep { .. }
            | Self::TooManyOperators { .. }
            | Self::TooManyPatterns { .. }
            | Self::PatternsTooLarge { .. }
            | Self::TooManySelectors { .. }
            | Self::TooManyMatchers { .. }
            | Self::NotASelector(_)
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

    pub(crate) fn duplicate_label_set() -> Self {
        Self::Execution("vector cannot contain metrics with the same labelset".into())
    }
}
