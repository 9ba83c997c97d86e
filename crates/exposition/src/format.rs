//! The formats of metrics pages, and how a `Content-Type` header selects one.
use crate::error::shortened;

/// The format of a metrics page, which decides how strictly it is validated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    /// Prometheus text 0.0.4 and 1.0 as servers write it and as Prometheus and its Python client read it. It also allows
    /// CRLF, a missing last line feed, families in several pieces, counters without `_total`, `# UNIT` lines, `# EOF` and
    /// exemplars. Malformed lines are rejected.
    Text,
    /// Prometheus text to the letter, as `expfmt` of prometheus/common validates it.
    StrictText,
    /// OpenMetrics 1.0 text to the letter, as the OpenMetrics test suite and the Python client validate it.
    OpenMetrics,
}

/// A `Content-Type` that this crate does not read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot read content type {media:?}; a metrics page is text/plain or application/openmetrics-text")]
pub struct ContentTypeError {
    /// The first 64 characters of the media type, without its parameters.
    pub media: String,
}

impl Format {
    /// The format of a metrics page with this `Content-Type` header: `text/plain` or `application/openmetrics-text`, of any
    /// version. Parameters are ignored: a page in another charset is rejected when it is parsed.
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
    fn content_types_of_servers_are_recognised() {
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
    fn other_content_types_are_rejected_by_name() {
        for header in ["", "text/html; charset=utf-8", "application/vnd.google.protobuf", "text/plainer"] {
            let error = Format::from_content_type(header).expect_err(header);
            assert!(header.starts_with(&error.media), "{error}");
        }
    }
}
