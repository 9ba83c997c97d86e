//! Why scrapes fail.
use super::label_values;

label_values! {
    /// Why a scrape failed. Label `reason` of [`SCRAPE_FAILED`](super::names::SCRAPE_FAILED).
    pub enum ScrapeFailure {
        /// The host name has no address.
        Dns = "dns",
        /// The connection was refused.
        Connect = "connect",
        /// The connection broke before the answer was complete.
        Broken = "broken",
        /// There is no route to the host.
        Unreachable = "unreachable",
        /// The companion has no credentials to log in with.
        Credentials = "credentials",
        /// The TLS handshake failed.
        Tls = "tls",
        /// The server's certificate is from an authority that is not trusted.
        TlsAuthority = "tls_authority",
        /// The server's certificate is for another name.
        TlsName = "tls_name",
        /// The server's certificate has expired, or is not valid yet.
        TlsExpired = "tls_expired",
        /// The server does not accept the companion's certificate, or that it has none.
        TlsClient = "tls_client",
        /// The proxy cannot be reached, or refuses.
        Proxy = "proxy",
        /// The metrics page was not complete within the scrape timeout.
        Timeout = "timeout",
        /// Status 401.
        Unauthorized = "unauthorized",
        /// Status 403.
        Forbidden = "forbidden",
        /// Status 404.
        NotFound = "not_found",
        /// Status 429.
        RateLimited = "rate_limited",
        /// A status of class 5xx.
        ServerError = "server_error",
        /// Any other status but 200.
        Status = "status",
        /// A redirect to another origin.
        Redirect = "redirect",
        /// The content type is no exposition format.
        ContentType = "content_type",
        /// The body is damaged, or compressed other than by gzip.
        Encoding = "encoding",
        /// The metrics page exceeds the limit on its size.
        BodyLimit = "body_limit",
        /// A line exceeds the limit on its length.
        LineLimit = "line_limit",
        /// The metrics page is malformed.
        Parse = "parse",
        /// The metrics page has more samples than the limit.
        SampleLimit = "sample_limit",
        /// A sample exceeds the limits on the number or length of its labels.
        LabelLimit = "label_limit",
        /// The store has reached its limit on series.
        SeriesCap = "series_cap",
        /// The target made so many new series that it is not scraped for a while.
        Quarantined = "quarantined",
        /// The metrics page contains the credentials that it was requested with.
        SecretEcho = "secret_echo",
    }
}

impl ScrapeFailure {
    /// Why it failed and what to do about it, in the words of the log and the page.
    pub fn words(self) -> &'static str {
        match self {
            Self::Dns => "the host name cannot be resolved: check the URL",
            Self::Connect => "the connection was refused: is the server running?",
            Self::Broken => "the connection broke before the answer was complete: check the server's log",
            Self::Unreachable => "the host cannot be reached: is the machine up, and on this network?",
            Self::Credentials => {
                "no usable credentials: check their file, the kubeconfig, or the service account of this pod"
            }
            Self::Tls => "the TLS handshake failed: check the scheme and the certificate",
            Self::TlsAuthority => {
                "the server's certificate is from an unknown authority: set tls_config.ca_file to that authority's certificate"
            }
            Self::TlsName => {
                "the server's certificate is for another name: use its name in the URL, or set tls_config.server_name"
            }
            Self::TlsExpired => "the server's certificate has expired or is not valid yet: renew it, or set the clocks",
            Self::TlsClient => {
                "the server wants a certificate of the companion, or does not accept it: check tls_config.cert_file"
            }
            Self::Proxy => {
                "the proxy cannot be reached or refuses: check proxy_url, proxy_basic_auth and what the proxy allows"
            }
            Self::Timeout => "the metrics page was not complete within the scrape timeout",
            Self::Unauthorized => "status 401: the credentials are missing or were rejected",
            Self::Forbidden => "status 403: the credentials do not allow this",
            Self::NotFound => "status 404: there is no such page, or a hosted endpoint is paused",
            Self::RateLimited => "status 429: rate limited; increase the scrape interval",
            Self::ServerError => "the server answers with an error: check its log",
            Self::Status => "the server refuses: check the path, the key, and whether metrics are enabled",
            Self::Redirect => "a redirect to another origin, which is not followed: use the final URL",
            Self::ContentType => {
                "the content type is neither Prometheus text nor OpenMetrics: check the path and the port, or set \
                 fallback_scrape_protocol"
            }
            Self::Encoding => "the metrics page is damaged, or not compressed with gzip",
            Self::BodyLimit => "the metrics page exceeds body_size_limit: raise it for this target, or export less",
            Self::LineLimit => "a line exceeds the limit on lines: shorten label values, or raise body_size_limit",
            Self::Parse => "the metrics page is malformed: inferboard-server check shows where",
            Self::SampleLimit => "the metrics page exceeds sample_limit: raise it for this target, or export less",
            Self::LabelLimit => {
                "the labels of a sample exceed label_limit, label_name_length_limit or label_value_length_limit: raise it \
                 for this target, or export less"
            }
            Self::SeriesCap => "the companion's store has reached its limit of series",
            Self::Quarantined => {
                "the target makes new series faster than they can be kept, so it is not scraped for a while: remove labels \
                 with ever new values, such as request ids"
            }
            Self::SecretEcho => "the metrics page repeats the credentials that it was requested with",
        }
    }

    /// The words for the reason `id`, and for the status of the response if the reason leaves that open; the id of a later
    /// version stands for itself.
    pub fn words_of(id: &str, status: &str) -> String {
        match Self::from_id(id) {
            Some(Self::ServerError | Self::Status) if !status.is_empty() => {
                let starting = if matches!(status, "502" | "503" | "504") { "not ready, or starting up; " } else { "" };
                let words = Self::from_id(id).map_or("", Self::words);
                format!("status {status}: {starting}{words}")
            }
            Some(failure) => failure.words().to_owned(),
            None => id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_failure_has_its_own_words() {
        let words: BTreeSet<&str> = ScrapeFailure::ALL.iter().map(|failure| failure.words()).collect();
        assert_eq!(words.len(), ScrapeFailure::ALL.len());
    }

    #[test]
    fn a_full_store_and_a_repeated_secret_are_not_blamed_on_the_size_of_the_page() {
        assert!(ScrapeFailure::SeriesCap.words().contains("the companion's store"));
        assert!(ScrapeFailure::SecretEcho.words().contains("credentials"));
    }

    #[test]
    fn the_status_of_a_response_is_named() {
        let words = ScrapeFailure::words_of;
        assert_eq!(
            words("server_error", "503"),
            "status 503: not ready, or starting up; the server answers with an error: check its log"
        );
        assert!(words("status", "400").starts_with("status 400: the server refuses"));
        assert!(words("server_error", "").starts_with("the server answers with an error"));
        assert!(words("unauthorized", "").starts_with("status 401: "));
        assert_eq!(words("of_a_newer_companion", ""), "of_a_newer_companion");
    }

    #[test]
    fn ids_read_back() {
        for failure in ScrapeFailure::ALL {
            assert_eq!(ScrapeFailure::from_id(failure.id()), Some(failure));
        }
        assert_eq!(ScrapeFailure::from_id("of a newer companion"), None);
    }
}
