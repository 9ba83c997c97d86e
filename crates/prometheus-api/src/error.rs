//! Errors as the API names them, with their HTTP status.
use serde::{Deserialize, Serialize};

/// What kind of error an answer reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// The request cannot be understood: a parameter or the query's text.
    BadData,
    /// The query is understood but cannot be evaluated.
    Execution,
    /// It took too long.
    Timeout,
    /// The client left, or the server is going down.
    Canceled,
    /// The server's own fault.
    Internal,
    /// Not ready, or too busy.
    Unavailable,
    /// No such thing.
    NotFound,
    /// Something a peer names that this list does not.
    #[serde(other)]
    Other,
}

impl ErrorType {
    /// The HTTP status that goes with it (Prometheus: `getDefaultErrorCode` in `web/api/v1/api.go`).
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

/// An error answer: what kind, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The kind.
    pub kind: ErrorType,
    /// What happened and what to do.
    pub message: String,
}

impl ApiError {
    /// An error of `kind` saying `message`.
    pub fn new(kind: ErrorType, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}
