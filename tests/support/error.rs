//! Errors of fixtures.
use std::io;
use std::time::Duration;

/// The reason why a fixture failed.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// An operation on a file, a socket or a process failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation that failed.
        what: String,
        /// The system's error.
        source: io::Error,
    },
    /// A program that the test needs is not installed.
    #[error("{0} is not installed")]
    Absent(&'static str),
    /// A program did not behave as expected.
    #[error("{program} {what}; its output was:\n{output}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What happened.
        what: String,
        /// The last lines of its output.
        output: String,
    },
    /// An expected value did not appear in time.
    #[error("no {what} within {limit:?}; the last attempt returned {last}")]
    Late {
        /// The expected value.
        what: String,
        /// The time limit.
        limit: Duration,
        /// The result of the last attempt.
        last: String,
    },
    /// A file is not a valid recorded scrape.
    #[error("{file} is not a recorded scrape: {why}")]
    Recording {
        /// The file's name.
        file: String,
        /// The reason.
        why: String,
    },
    /// An HTTP request failed.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// A response is not the JSON of the Prometheus API.
    #[error("{url} did not respond with JSON of the API ({source}): {body}")]
    Answer {
        /// The requested URL.
        url: String,
        /// The error of the parser.
        source: serde_json::Error,
        /// The beginning of the response.
        body: String,
    },
    /// The API refused a query.
    #[error("{query:?} was refused: {source}")]
    Query {
        /// The query.
        query: String,
        /// The API's error.
        source: prometheus_api::ApiError,
    },
    /// The result of a query has an unexpected type.
    #[error("the result of {query:?} is not {wanted}")]
    ResultType {
        /// The query.
        query: String,
        /// The expected type.
        wanted: &'static str,
    },
    /// The result of a query is not exactly one series.
    #[error("the result of {query:?} has {count} series instead of one")]
    OneSeries {
        /// The query.
        query: String,
        /// The number of series in the result.
        count: usize,
    },
    /// The browser or its driver failed.
    #[error(transparent)]
    Browser(#[from] thirtyfour::error::WebDriverError),
    /// The page does not contain what the test expects.
    #[error("the page: {0}")]
    Page(String),
}

impl FixtureError {
    /// Adds the failed operation to a system error; for `map_err`.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
