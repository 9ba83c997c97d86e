//! Why a scrape failed: a closed list, so that nothing a target sends gets into labels or logs by this way.
use exposition::{ErrorKind, ParseError};

/// Why a scrape failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The host's name has no address.
    #[error("the host's name cannot be resolved: check the URL")]
    Dns,
    /// No connection, or one that broke.
    #[error("no connection, or it broke: is the server running?")]
    Connect,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed: check the scheme and the certificate")]
    Tls,
    /// The page was not complete in time.
    #[error("no complete page within the scrape timeout")]
    Timeout,
    /// An answer other than 200.
    #[error("status {0}")]
    Status(u16),
    /// The target points elsewhere.
    #[error("status {0}, a redirect, which is not followed: give the final URL")]
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
    /// The word for the label `reason`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Status(_) => "status",
            Self::Redirect(_) => "redirect",
            Self::ContentType => "content_type",
            Self::Encoding => "encoding",
            Self::BodyLimit => "body_limit",
            Self::LineLimit(_) => "line_limit",
            Self::Parse { .. } => "parse",
            Self::SampleLimit => "sample_limit",
            Self::LabelLimit(_) => "label_limit",
            Self::SeriesCap => "series_cap",
            Self::SecretEcho => "secret_echo",
        }
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
