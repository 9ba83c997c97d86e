//! Why a scrape failed: a closed list, so that nothing that a target sends gets into labels or logs.
use catalogue::contract::ScrapeFailure;
use exposition::{ErrorKind, ParseError};
use reqwest::StatusCode;
use std::time::Duration;

/// Why a scrape failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The host name has no address.
    #[error("{}", ScrapeFailure::Dns.words())]
    Dns,
    /// The connection was refused.
    #[error("{}", ScrapeFailure::Connect.words())]
    Connect,
    /// The connection broke before the answer was complete, or the answer is not HTTP.
    #[error("{}", ScrapeFailure::Broken.words())]
    Broken,
    /// There is no route to the host.
    #[error("{}", ScrapeFailure::Unreachable.words())]
    Unreachable,
    /// There are no credentials to log in with.
    #[error("{}", ScrapeFailure::Credentials.words())]
    Credentials,
    /// The TLS handshake failed.
    #[error("{}", ScrapeFailure::Tls.words())]
    Tls,
    /// The server's certificate is from an authority that is not trusted.
    #[error("{}", ScrapeFailure::TlsAuthority.words())]
    TlsAuthority,
    /// The server's certificate is for another name.
    #[error("{}", ScrapeFailure::TlsName.words())]
    TlsName,
    /// The server's certificate is not valid any more, or not yet.
    #[error("{}", ScrapeFailure::TlsExpired.words())]
    TlsExpired,
    /// The server does not accept the companion's certificate, or that it has none.
    #[error("{}", ScrapeFailure::TlsClient.words())]
    TlsClient,
    /// The proxy cannot be reached or refuses, with the status of its answer.
    #[error("{}", proxy_words(*_0))]
    Proxy(Option<u16>),
    /// The metrics page was not complete in time.
    #[error("{}", ScrapeFailure::Timeout.words())]
    Timeout,
    /// A status other than 200.
    #[error("{}", status_words(*code))]
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
    #[error("{}", ScrapeFailure::ContentType.words())]
    ContentType,
    /// The body has another encoding than the accepted ones, or cannot be decompressed.
    #[error("{}", ScrapeFailure::Encoding.words())]
    Encoding,
    /// The metrics page exceeds the limit on its length.
    #[error("{}", ScrapeFailure::BodyLimit.words())]
    BodyLimit,
    /// A line exceeds the limit on its length.
    #[error("line {0} exceeds the limit on lines: shorten label values, or raise body_size_limit, which raises it too")]
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
    #[error("{}", ScrapeFailure::SampleLimit.words())]
    SampleLimit,
    /// A sample exceeds the limits on the number or length of its labels.
    #[error("line {line} exceeds {limit}: raise it for this target, or export fewer and shorter labels")]
    LabelLimit {
        /// Line, or sample of a source without lines, from 1.
        line: usize,
        /// The key of the limit.
        limit: &'static str,
    },
    /// The store has reached its limit on series.
    #[error("{}", ScrapeFailure::SeriesCap.words())]
    SeriesCap,
    /// The target made too many new series, so it is not scraped for a while.
    #[error("{}", ScrapeFailure::Quarantined.words())]
    Quarantined,
    /// The metrics page contains the target's own credentials.
    #[error("{}", ScrapeFailure::SecretEcho.words())]
    SecretEcho,
}

impl Failure {
    /// A response with this status and no `Retry-After`.
    pub fn status(status: StatusCode) -> Self {
        Self::Status { code: status.as_u16(), retry_after: None }
    }

    /// The status of the response, where the reason leaves that open.
    pub(crate) fn status_code(self) -> Option<u16> {
        match (self, self.reason()) {
            (Self::Status { code, .. }, ScrapeFailure::ServerError | ScrapeFailure::Status) => Some(code),
            _ => None,
        }
    }

    /// Whether the target refused the credentials.
    pub(crate) fn is_unauthorized(self) -> bool {
        matches!(self, Self::Status { code: 401 | 403, .. } | Self::Proxy(Some(407)))
    }

    /// Whether something answers, and no encrypted connection to it comes about.
    pub(crate) fn is_tls(self) -> bool {
        matches!(self, Self::Tls | Self::TlsAuthority | Self::TlsName | Self::TlsExpired | Self::TlsClient)
    }

    /// Whether the server must have spoken TLS for a request at `https` to fail so.
    pub(crate) fn is_of_https(self) -> bool {
        let has_certificate = matches!(self, Self::TlsAuthority | Self::TlsName | Self::TlsExpired | Self::TlsClient);
        has_certificate || matches!(self, Self::Status { .. } | Self::Redirect(_) | Self::ContentType)
    }

    /// Whether no response arrived, so that the process may have ended.
    pub(crate) fn is_without_response(self) -> bool {
        matches!(self, Self::Connect | Self::Broken | Self::Timeout)
    }

    /// Whether the target answered with its metrics page, which only the companion does not accept.
    pub(crate) fn is_own_limit(self) -> bool {
        matches!(
            self,
            Self::BodyLimit
                | Self::LineLimit(_)
                | Self::SampleLimit
                | Self::LabelLimit { .. }
                | Self::SeriesCap
                | Self::Quarantined
                | Self::SecretEcho
        )
    }

    /// The reason that is stored and shown.
    pub fn reason(self) -> ScrapeFailure {
        match self {
            Self::Dns => ScrapeFailure::Dns,
            Self::Connect => ScrapeFailure::Connect,
            Self::Broken => ScrapeFailure::Broken,
            Self::Unreachable => ScrapeFailure::Unreachable,
            Self::Credentials => ScrapeFailure::Credentials,
            Self::Tls => ScrapeFailure::Tls,
            Self::TlsAuthority => ScrapeFailure::TlsAuthority,
            Self::TlsName => ScrapeFailure::TlsName,
            Self::TlsExpired => ScrapeFailure::TlsExpired,
            Self::TlsClient => ScrapeFailure::TlsClient,
            Self::Proxy(_) => ScrapeFailure::Proxy,
            Self::Timeout => ScrapeFailure::Timeout,
            Self::Status { code, .. } => reason_of_status(code),
            Self::Redirect(_) => ScrapeFailure::Redirect,
            Self::ContentType => ScrapeFailure::ContentType,
            Self::Encoding => ScrapeFailure::Encoding,
            Self::BodyLimit => ScrapeFailure::BodyLimit,
            Self::LineLimit(_) => ScrapeFailure::LineLimit,
            Self::Parse { .. } => ScrapeFailure::Parse,
            Self::SampleLimit => ScrapeFailure::SampleLimit,
            Self::LabelLimit { .. } => ScrapeFailure::LabelLimit,
            Self::SeriesCap => ScrapeFailure::SeriesCap,
            Self::Quarantined => ScrapeFailure::Quarantined,
            Self::SecretEcho => ScrapeFailure::SecretEcho,
        }
    }
}

fn reason_of_status(code: u16) -> ScrapeFailure {
    match code {
        401 => ScrapeFailure::Unauthorized,
        403 => ScrapeFailure::Forbidden,
        404 => ScrapeFailure::NotFound,
        429 => ScrapeFailure::RateLimited,
        500..=599 => ScrapeFailure::ServerError,
        _ => ScrapeFailure::Status,
    }
}

fn proxy_words(status: Option<u16>) -> String {
    let words = ScrapeFailure::Proxy.words();
    status.map_or(words.to_owned(), |status| format!("{words}; it answered status {status}"))
}

fn status_words(code: u16) -> String {
    ScrapeFailure::words_of(reason_of_status(code).id(), &code.to_string())
}

impl From<ParseError> for Failure {
    fn from(ParseError { line, column, kind }: ParseError) -> Self {
        match kind {
            ErrorKind::BodyLimit { .. } => Self::BodyLimit,
            ErrorKind::LineLimit { .. } => Self::LineLimit(line),
            ErrorKind::SampleLimit { .. } => Self::SampleLimit,
            ErrorKind::LabelLimit { .. } => Self::LabelLimit { line, limit: "label_limit" },
            ErrorKind::NameLimit { .. } => Self::LabelLimit { line, limit: "label_name_length_limit" },
            ErrorKind::ValueLimit { .. } => Self::LabelLimit { line, limit: "label_value_length_limit" },
            _ => Self::Parse { line, column },
        }
    }
}
