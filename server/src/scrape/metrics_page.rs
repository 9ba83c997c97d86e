//! What a target answers: a metrics page, or families from within this process.
use bytes::Bytes;
use exposition::{Family, Format};
use reqwest::header::HeaderValue;

/// A metrics page as the target sent it.
#[derive(Clone, Debug)]
pub struct MetricsPage {
    /// The text, decompressed.
    pub body: Bytes,
    /// Its format.
    pub format: Format,
    /// The `Content-Type` header, if it came from an HTTP server that sent one.
    pub content_type: Option<HeaderValue>,
}

impl MetricsPage {
    /// A page in Prometheus text that did not come from a server.
    pub(crate) fn from_text(text: String) -> Self {
        Self { body: text.into(), format: Format::Text, content_type: None }
    }
}

/// The answer to a scrape.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Page(MetricsPage),
    Families(Vec<Family>),
}
