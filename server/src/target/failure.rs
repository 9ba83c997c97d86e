//! Why a scrape failed: a closed list, so that nothing that a target sends gets into labels or logs.
use catalogue::contract::ScrapeFailure;
use exposition::{ErrorKind, ParseError};
use reqwest::StatusCode;
use std::time::Duration;

/// Why a scrape failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The host name has no address.
    #[error("the host name cannot be resolved: check the URL")]
    Dns,
    /// The connection failed or broke.
    #[error("the connection failed or broke: is the server running?")]
    Connect,
    /// There is no route to the host.
    #[error("the host cannot be reached: is the machine up, and on this network?")]
    Unreachable,
    /// There are no credentials to log in with.
    #[error("no usable credentials: check the kubeconfig, or the service account of this pod")]
    Credentials,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: check the scheme and the certificate")]
    Tls,
    /// The metrics page was not complete in time.
    #[error("the metrics page was not complete within the scrape timeout")]
    Timeout,
    /// A status other than 200.
    #[error("status {code}{}", meaning(*code))]
    Status {
        /// The status.
        code: u16,
        /// The pause that the response asks for.
        retry_after: Option<Duration>,
    },
    /// A redirect to another origin.
    #[error("status {0}, a redirect to another origin, which is not followed: use the final URL")]
    Redirect(u16),
    /// The content type is not an exposition format.
    #[error("the content type is neither Prometheus text nor OpenMetrics: check the path")]
    ContentType,
    /// The body has another encoding than the accepted ones, or cannot be decompressed.
    #[error("the metrics page is damaged, or not compressed with gzip")]
    Encoding,
    /// The metrics page exceeds the limit on its length.
    #[error("the metrics page exceeds the body limit")]
    BodyLimit,
    /// A line exceeds the limit on its length.
    #[error("line {0} exceeds the line limit")]
    LineLimit(usize),
    /// The metrics page is malformed.
    #[error("the metrics page is malformed at line {line}, column {column}")]
    Parse {
        /// Line, from 1.
        line: usize,
        /// Byte within the line, from 1.
        column: usize,
    },
    /// The metrics page exceeds the limit on samples.
    #[error("the metrics page exceeds the sample limit")]
    SampleLimit,
    /// A sample exceeds the limits on the number or length of its labels.
    #[error("the labels in line {0} exceed the limits on their number or length")]
    LabelLimit(usize),
    /// The store has reached its limit on series.
    #[error("the store has reached its limit of series")]
    SeriesCap,
    /// The metrics page contains the target's own credentials.
    #[error("the metrics page repeats the credentials that it was requested with")]
    SecretEcho,
}

impl Failure {
    /// A response with this status and no `Retry-After`.
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

/// What a status means for a metrics page.
fn meaning(code: u16) -> &'static str {
    match code {
        401 => ": the credentials are missing or were rejected",
        403 => ": the credentials do not allow this",
        404 => ": there is no such page, or a hosted endpoint is paused",
        429 => ": rate limited",
        502..=504 => ": not ready, or starting up",
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
