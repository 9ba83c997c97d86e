//! The formats a page can be in, and which one a `Content-Type` header announces.

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
#[error("cannot read content type {given:?}; a metrics page is text/plain or application/openmetrics-text")]
pub struct ContentTypeError {
    /// The media type as given, without its parameters and at most 64 characters of it.
    pub given: String,
}

impl Format {
    /// The format to read a page in by its `Content-Type` header: `text/plain` of any version, charset UTF-8, or
    /// `application/openmetrics-text`. Parameters other than the charset do not change how a page is read.
    ///
    /// # Errors
    /// Any other media type, such as the `text/html` of a login page, another charset, and an empty header.
    pub fn from_content_type(header: &str) -> Result<Self, ContentTypeError> {
        let mut parts = header.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let foreign_charset = parts
            .filter_map(|parameter| parameter.split_once('='))
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim().trim_matches('"'))
            .any(|charset| !charset.eq_ignore_ascii_case("utf-8") && !charset.eq_ignore_ascii_case("us-ascii"));
        match media {
            _ if foreign_charset => {}
            _ if media.eq_ignore_ascii_case("text/plain") => return Ok(Self::Text),
            _ if media.eq_ignore_ascii_case("application/openmetrics-text") => return Ok(Self::OpenMetrics),
            _ => {}
        }
        let given = if foreign_charset { header } else { media };
        Err(ContentTypeError { given: given.chars().take(64).collect() })
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
            ("TEXT/PLAIN;version=1.0.0;escaping=allow-utf-8", Format::Text),
            ("application/openmetrics-text; version=1.0.0; charset=\"UTF-8\"", Format::OpenMetrics),
        ] {
            assert_eq!(Format::from_content_type(header), Ok(format), "{header}");
        }
    }

    #[test]
    fn other_content_types_are_refused_by_name() {
        for header in ["", "text/html; charset=utf-8", "application/vnd.google.protobuf", "text/plain; charset=utf-16"]
        {
            let error = Format::from_content_type(header).expect_err(header);
            assert!(header.starts_with(&error.given), "{error}");
        }
    }
}
