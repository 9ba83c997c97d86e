//! What can go wrong in a fixture.
use std::{io, time::Duration};

/// Why a fixture cannot serve a test.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// The system refused a file, a socket or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's word.
        source: io::Error,
    },
    /// A program that the test needs is not on this machine.
    #[error("{0} is not installed")]
    Absent(&'static str),
    /// A program said something else than expected, or nothing.
    #[error("{program} {what}; it wrote:\n{output}")]
    Program {
        /// Which.
        program: &'static str,
        /// What happened.
        what: String,
        /// Its last lines.
        output: String,
    },
    /// Something waited for did not come.
    #[error("no {what} within {limit:?}; the last look gave {last}")]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
        /// What the last look gave.
        last: String,
    },
    /// A recorded scrape whose name or text does not fit the format.
    #[error("{file} is no recorded scrape: {why}")]
    Recording {
        /// Its name.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// An HTTP exchange failed.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// An answer that is no answer of the Prometheus API.
    #[error("{url} answered with something else than the API's JSON ({source}): {body}")]
    Answer {
        /// Of what.
        url: String,
        /// What is wrong with it.
        source: serde_json::Error,
        /// Its beginning.
        body: String,
    },
    /// The API refused a query.
    #[error("{query:?} was refused: {source}")]
    Query {
        /// The query.
        query: String,
        /// The refusal.
        source: prometheus_api::ApiError,
    },
    /// The API answered a query with another type of result than asked for.
    #[error("{query:?} gave a result of another type than {wanted}")]
    ResultType {
        /// The query.
        query: String,
        /// The type wanted.
        wanted: &'static str,
    },
    /// The API answered a query with another number of series than one.
    #[error("{query:?} gave {count} series where there should be one")]
    OneSeries {
        /// The query.
        query: String,
        /// How many it gave.
        count: usize,
    },
    /// The browser or its driver failed.
    #[error(transparent)]
    Browser(#[from] thirtyfour::error::WebDriverError),
    /// The page does not hold what the test looks for.
    #[error("the page: {0}")]
    Page(String),
}

impl FixtureError {
    /// For `map_err`: the system's error with what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
