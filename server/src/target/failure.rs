//! Why a scrape failed: a closed list, so that nothing a target sends gets into labels or logs by this way.
use catalogue::contract::ScrapeFailure;
use exposition::{ErrorKind, ParseError};
use reqwest::StatusCode;
use std::time::Duration;

/// Why a scrape failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The host's name has no address.
    #[error("the host's name cannot be resolved: check the URL")]
    Dns,
    /// No connection, or one that broke.
    #[error("no connection, or it broke: is the server running?")]
    Connect,
    /// There is no way to the host.
    #[error("the host cannot be reached: is the machine up, and on this network?")]
    Unreachable,
    /// There is nothing to log in with.
    #[error("no usable credentials: check the kubeconfig, or the service account of this pod")]
    Credentials,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: check the scheme and the certificate")]
    Tls,
    /// The page was not complete in time.
    #[error("no complete page within the scrape timeout")]
    Timeout,
    /// An answer other than 200.
    #[error("status {code}{}", meaning(*code))]
    Status {
        /// The status.
        code: u16,
        /// How long not to ask again, where the answer says so.
        retry_after: Option<Duration>,
    },
    /// The target points elsewhere.
    #[error("status {0}, a redirect to another origin, which is not followed: give the final URL")]
    Redirect(u16),
    /// The page is of no known format.
    #[error("the content type is neither Prometheus text nor OpenMetrics: check the path")]
    ContentType,
    /// The page is compressed in a way that was not asked for, or cannot be unpacked.
    #[error("the page is compressed other than by gzip, or damaged")]
    Encoding,
    /// The page breaks a limit on its length.
    #[error("the page is larger than the body limit")]
    BodyLimit,
    /// A line breaks the limit on its length.
    #[error("line {0} is longer than the line limit")]
    LineLimit(usize),
    /// The page is not well formed.
    #[error("the page is not well formed at line {line}, column {column}")]
    Parse {
        /// Line, from 1.
        line: usize,
        /// Byte within the line, from 1.
        column: usize,
    },
    /// The page has more samples than the limit.
    #[error("the page has more samples than the limit")]
    SampleLimit,
    /// A sample breaks a limit on its labels.
    #[error("the labels in line {0} break the limits on their number or length")]
    LabelLimit(usize),
    /// The store is full.
    #[error("the store holds as many series as it may")]
    SeriesCap,
    /// The page holds the target's own credentials.
    #[error("the page repeats the credentials it was asked with")]
    SecretEcho,
}

impl Failure {
    /// An answer with this status and nothing else.
    pub fn status(status: StatusCode) -> Self {
        Self::Status { code: status.as_u16(), retry_after: None }
    }

    /// The reason that is stored and shown.
    pub fn reason(self) -> ScrapeFailure {
        match self {
            Self::Dns => ScrapeFailure::Dns,
            Self::Connect => ScrapeFailure::Connect,
            Self::Unreachable => ScrapeFailure::Unreachable,
            Self::Credentials => ScrapeFailure::Credentials,
            Self::Tls => ScrapeFailure::Tls,
            Self::Timeout => ScrapeFailure::Timeout,
            Self::Status { code: 401, .. } => ScrapeFailure::Unauthorized,
            Self::Status { code: 403, .. } => ScrapeFailure::Forbidden,
            Self::Status { code: 404, .. } => ScrapeFailure::NotFound,
            Self::Status { code: 429, .. } => ScrapeFailure::RateLimited,
            Self::Status { code: 500..=599, .. } => ScrapeFailure::ServerError,
            Self::Status { .. } => ScrapeFailure::Status,
            Self::Redirect(_) => ScrapeFailure::Redirect,
            Self::ContentType => ScrapeFailure::ContentType,
            Self::Encoding => ScrapeFailure::Encoding,
            Self::BodyLimit => ScrapeFailure::BodyLimit,
            Self::LineLimit(_) => ScrapeFailure::LineLimit,
            Self::Parse { .. } => ScrapeFailure::Parse,
            Self::SampleLimit => ScrapeFailure::SampleLimit,
            Self::LabelLimit(_) => ScrapeFailure::LabelLimit,
            Self::SeriesCap => ScrapeFailure::SeriesCap,
            Self::SecretEcho => ScrapeFailure::SecretEcho,
        }
    }
}

/// What a status says about a metrics page.
fn meaning(code: u16) -> &'static str {
    match code {
        401 => ": the credentials are missing or not accepted",
        403 => ": the credentials do not allow this",
        404 => ": nothing is there; a hosted endpoint that is paused answers so too",
        429 => ": asked too often",
        502..=504 => ": not ready, or waking up",
        _ => "",
    }
}

impl From<ParseError> for Failure {
    fn from(ParseError { line, column, kind }: ParseError) -> Self {
        match kind {
            ErrorKind::BodyLimit { .. } => Self::BodyLimit,
            ErrorKind::LineLimit { .. } => Self::LineLimit(line),
            ErrorKind::SampleLimit { .. } => Self::SampleLimit,
            ErrorKind::LabelLimit { .. } | ErrorKind::NameLimit { .. } | ErrorKind::ValueLimit { .. } => {
                Self::LabelLimit(line)
            }
            _ => Self::Parse { line, column },
        }
    }
}
