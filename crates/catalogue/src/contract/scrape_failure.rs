//! Why scrapes fail.
use super::label_values;

label_values! {
    /// Why a scrape failed. Label `reason` of [`SCRAPE_FAILED`](super::names::SCRAPE_FAILED).
    pub enum ScrapeFailure {
        /// The host name has no address.
        Dns = "dns",
        /// The connection was refused or broke.
        Connect = "connect",
        /// There is no route to the host.
        Unreachable = "unreachable",
        /// The companion has no credentials to log in with.
        Credentials = "credentials",
        /// The TLS handshake failed.
        Tls = "tls",
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
        /// The metrics page contains the credentials that it was requested with.
        SecretEcho = "secret_echo",
    }
}

impl ScrapeFailure {
    /// What to do about it, in a sentence or two.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Dns => "The host name could not be resolved. Check the address for typos.",
            Self::Connect => "Nothing is listening there: the server is down or still starting.",
            Self::Unreachable => "No route to the host. Check that it is up and on this network.",
            Self::Credentials => "No usable credentials. Check the kubeconfig or the pod's service account.",
            Self::Tls => "The certificate is not trusted, or the port speaks plain HTTP.",
            Self::Timeout => "It responds too slowly. Give it more CPU, or increase the scrape timeout.",
            Self::Unauthorized => "The credentials were rejected. Check the token.",
            Self::Forbidden => "The credentials do not allow this. Check the token's permissions.",
            Self::NotFound => "There is no such page. The path may be wrong, or metrics may not be enabled.",
            Self::RateLimited => "Rate limited. Increase the scrape interval.",
            Self::ServerError => "The server returned an error. Check its log.",
            Self::Status => "It refuses. The path may be wrong, a key may be missing, or metrics may not be enabled.",
            Self::Redirect => "It redirects to another origin. Use the final URL.",
            Self::ContentType => "The response is not a metrics page. Check the path and the port.",
            Self::Encoding => "The response is damaged, or not compressed with gzip. Check the path and the port.",
            Self::Parse => "The metrics page is malformed. inferboard-server check shows where.",
            Self::BodyLimit => "The metrics page is too large. Drop metrics, or labels with many values.",
            Self::LineLimit => "The metrics page has too long a line. Shorten its label values.",
            Self::SampleLimit => "The metrics page has too many samples. Drop labels with many values.",
            Self::LabelLimit => "A sample has too many or too long labels. Drop or shorten them.",
            Self::SeriesCap => {
                "The companion's store has reached its limit of series. Drop targets, or labels with many values."
            }
            Self::SecretEcho => {
                "The metrics page repeats the credentials that it was sent, so it was not stored. Fix the server so \
                 that it does not print its secrets."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_failure_has_its_own_advice() {
        let advice: BTreeSet<&str> = ScrapeFailure::ALL.iter().map(|failure| failure.advice()).collect();
        assert_eq!(advice.len(), ScrapeFailure::ALL.len());
    }

    #[test]
    fn a_full_store_and_a_repeated_secret_are_not_blamed_on_the_size_of_the_page() {
        assert!(ScrapeFailure::SeriesCap.advice().contains("The companion's store"));
        assert!(ScrapeFailure::SecretEcho.advice().contains("credentials"));
    }

    #[test]
    fn ids_read_back() {
        for failure in ScrapeFailure::ALL {
            assert_eq!(ScrapeFailure::from_id(failure.id()), Some(failure));
        }
        assert_eq!(ScrapeFailure::from_id("of a newer companion"), None);
    }
}
