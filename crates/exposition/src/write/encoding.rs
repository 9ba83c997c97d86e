//! The encoding of a metrics page, negotiated with its reader.
use super::plain_names::plain_metric_name;
use std::borrow::Cow;

/// How a metrics page is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Encoding {
    /// OpenMetrics 1.0 rather than Prometheus text.
    pub is_openmetrics: bool,
    /// Whether names with characters other than letters, digits, `_` and `:` are quoted, which not every reader supports;
    /// otherwise such characters become `_`.
    pub has_quoted_names: bool,
}

impl Encoding {
    /// Prometheus text 0.0.4, which every reader supports.
    pub const TEXT: Self = Self { is_openmetrics: false, has_quoted_names: false };

    /// The encoding that an `Accept` header prefers: the first with the highest `q`. An empty header, `*/*` and unknown
    /// media types select Prometheus text. Source: RFC 9110, section 12.5.1; the parameter `escaping` is Prometheus's
    /// ("Content negotiation" in its documentation).
    pub fn from_accept(header: &str) -> Self {
        let mut best = (0.0, Self::TEXT);
        for range in header.split(',') {
            if let Some((quality, encoding)) = Self::from_range(range)
                && quality > best.0
            {
                best = (quality, encoding);
            }
        }
        best.1
    }

    /// The `Content-Type` of a page in this encoding.
    pub fn content_type(self) -> &'static str {
        match (self.is_openmetrics, self.has_quoted_names) {
            (false, false) => "text/plain; version=0.0.4; charset=utf-8",
            (false, true) => "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            (true, false) => "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            (true, true) => "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        }
    }

    /// The end of a page: `# EOF` and a line feed in OpenMetrics, nothing in Prometheus text.
    pub fn eof_marker(self) -> &'static str {
        if self.is_openmetrics { "# EOF\n" } else { "" }
    }

    /// The name of the metric `name` as it appears on the page.
    pub fn encoded_name(self, name: &str) -> Cow<'_, str> {
        if self.has_quoted_names { Cow::Borrowed(name) } else { plain_metric_name(name) }
    }

    /// One media range of the header with its quality; none if it is of another type.
    fn from_range(range: &str) -> Option<(f64, Self)> {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next()?.to_ascii_lowercase();
        let (mut quality, mut version, mut has_quoted_names) = (1.0, "", false);
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = value.parse().ok()?,
                "version" => version = value,
                "escaping" => has_quoted_names = value.eq_ignore_ascii_case("allow-utf-8"),
                _ => {}
            }
        }
        let is_openmetrics = match (media.as_str(), version) {
            ("application/openmetrics-text", "" | "0.0.1" | "1.0.0") => true,
            ("text/plain", "" | "0.0.4" | "1.0.0") | ("text/*" | "*/*", _) => false,
            _ => return None,
        };
        Some((quality, Self { is_openmetrics, has_quoted_names }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_encoding_is_chosen() {
        let openmetrics = Encoding { is_openmetrics: true, has_quoted_names: false };
        let quoted = |encoding| Encoding { has_quoted_names: true, ..encoding };
        for (header, encoding) in [
            ("", Encoding::TEXT),
            ("*/*", Encoding::TEXT),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Encoding::TEXT),
            ("application/openmetrics-text", openmetrics),
            ("application/openmetrics-text; version=2.0.0, text/plain;q=0.1", Encoding::TEXT),
            ("text/plain, application/openmetrics-text", Encoding::TEXT),
            ("text/plain;q=0.2, application/openmetrics-text;q=0.9", openmetrics),
            ("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.1", quoted(Encoding::TEXT)),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;\
                 version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                quoted(openmetrics),
            ),
            ("application/openmetrics-text;q=0", Encoding::TEXT),
        ] {
            assert_eq!(Encoding::from_accept(header), encoding, "{header}");
        }
    }
}
