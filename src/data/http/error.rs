//! Why a request gave no usable answer.

/// How long an answer may take in full. It is more than the companion allows a query, so that its own message arrives.
pub(crate) const TIMEOUT_MS: u32 = 15_000;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nothing answers at the address.
    #[error("the server is not responding")]
    Unreachable,
    /// The answer did not arrive within [`TIMEOUT_MS`].
    #[error("the server did not respond within {} s", TIMEOUT_MS / 1000)]
    Late,
    /// The server answered with an error.
    #[error("{0}")]
    Refused(String),
    /// The answer does not come from a Prometheus API.
    #[error("the answer does not come from a Prometheus API: {0}")]
    Foreign(String),
    /// `config.json` beside the page is unusable.
    #[error("the file config.json next to the page is unusable: {0}")]
    Config(String),
}

impl RequestError {
    /// Whether the server itself is away, as opposed to one query being wrong.
    pub fn is_connection(&self) -> bool {
        matches!(self, Self::Unreachable | Self::Late)
    }
}
