//! The formats a page can be in, and which one a `Content-Type` header announces.
use crate::error::shortened;

/// How a page is written, and so how strictly it is judged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// Prometheus text 0.0.4 and 1.0 as servers print it and as Prometheus and its Python client read it. Tolerated
    /// besides: CRLF, a missing last line feed, families printed twice, counters without `_total`, `# UNIT` lines,
    /// `# EOF` and exemplars. What is malformed is refused.
    Text,
    /// Prometheus text by the letter, as `expfmt` of prometheus/common judges it.
    StrictText,
    /// OpenMetrics 1.0 text by the letter, as the OpenMetrics test suite and the Python client judge it.
    OpenMetrics,
}

/// A `Content-Type` that announces no format this crate reads.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot read content type {media:?}; a metrics page is text/plain or application/openmetrics-text")]
pub struct ContentTypeError {
    /// The media type as given, without its parameters and at most 64 characters of it.
    pub media: String,
}

impl Format {
    /// The format to read a page in by its `Content-Type` header: `text/plain` or `application/openmetrics-text`, of
    /// any version. Parameters do not matter: a page in another charset than it should be in is refused when read.
    ///
    /// # Errors
    /// Any other media type, such as the `text/html` of a login page, and an empty header.
    pub fn from_content_type(header: &str) -> Result<Self, ContentTypeError> {
        let media = header.split(';').next().unwrap_or_default().trim();
        if media.eq_ignore_ascii_case("text/plain") {
            Ok(Self::Text)
        } else if media.eq_ignore_ascii_case("application/openmetrics-text") {
            Ok(Self::OpenMetrics)
        } else {
            Err(ContentTypeError { media: shortened(media) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_of_servers_are_known() {
        for (header, format) in [
            ("text/plain", Format::Text),
            ("text/plain; version=0.0.4; charset=utf-8", Format::Text),
            ("text/plain;charset=ISO-8859-1", Format::Text),
            ("TEXT/PLAIN;version=1.0.0;escaping=allow-utf-8", Format::Text),
            ("application/openmetrics-text; version=1.0.0; charset=\"UTF-8\"", Format::OpenMetrics),
        ] {
            assert_eq!(Format::from_content_type(header), Ok(format), "{header}");
        }
    }

    #[test]
    fn other_content_types_are_refused_by_name() {
        for header in ["", "text/html; charset=utf-8", "application/vnd.google.protobuf", "text/plainer"] {
            let error = Format::from_content_type(header).expect_err(header);
            assert!(header.starts_with(&error.media), "{error}");
        }
    }
}
