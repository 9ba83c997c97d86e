//! Error kinds of the API and their HTTP statuses.
use serde::{Deserialize, Serialize};

/// The kind of an error response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// A parameter or the query text is invalid.
    BadData,
    /// The query is valid but its evaluation failed.
    Execution,
    /// The request took too long.
    Timeout,
    /// The client disconnected, or the server is shutting down.
    Canceled,
    /// The server failed.
    Internal,
    /// The server is not ready, or overloaded.
    Unavailable,
    /// The resource does not exist.
    NotFound,
    /// A kind that this list does not have.
    #[serde(other)]
    Other,
}

impl ErrorType {
    /// The HTTP status of this kind (Prometheus: `getDefaultErrorCode` in `web/api/v1/api.go`).
    pub fn status(self) -> u16 {
        match self {
            Self::BadData => 400,
            Self::NotFound => 404,
            Self::Execution => 422,
            Self::Canceled => 499,
            Self::Timeout | Self::Unavailable => 503,
            Self::Internal | Self::Other => 500,
        }
    }
}

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The kind.
    pub kind: ErrorType,
    /// What failed and how to fix it.
    pub message: String,
}

impl ApiError {
    /// Creates an error.
    pub fn new(kind: ErrorType, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}
