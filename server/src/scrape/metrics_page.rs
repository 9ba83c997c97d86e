//! What a target answers: a metrics page, or families from within this process.
use bytes::Bytes;
use exposition::{Family, Format, Limits};

/// A metrics page as the target sent it.
#[derive(Clone, Debug)]
pub struct MetricsPage {
    /// The text, decompressed.
    pub body: Bytes,
    /// Its format.
    pub format: Format,
    /// Its media type, for others who read it.
    pub media_type: &'static str,
    /// The limits of its target.
    pub limits: Limits,
}

impl MetricsPage {
    /// A page in Prometheus text that did not come from a server.
    pub(crate) fn from_text(text: String) -> Self {
        Self {
            body: text.into(),
            format: Format::Text,
            media_type: media_type(Format::Text, ""),
            limits: Limits::default(),
        }
    }
}

/// The media type of a page in `format`, whose server calls it `header`. Only the version is taken from that: the rest of a
/// header may be anything, such as a repeated secret.
pub(crate) fn media_type(format: Format, header: &str) -> &'static str {
    let mut parameters = header.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let version = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("version"));
    let version = version.map(|(_, value)| value.trim().trim_matches('"')).unwrap_or_default();
    match (format, version) {
        (Format::Text | Format::StrictText, "1.0.0") => {
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
        }
        (Format::Text | Format::StrictText, _) => "text/plain; version=0.0.4; charset=utf-8",
        (Format::OpenMetrics, "0.0.1") => "application/openmetrics-text; version=0.0.1; charset=utf-8",
        (Format::OpenMetrics, _) => "application/openmetrics-text; version=1.0.0; charset=utf-8",
    }
}

/// The answer to a scrape.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Page(MetricsPage),
    Families(Vec<Family>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_of_a_media_type_is_passed_on() {
        let text = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(media_type(Format::Text, ""), text);
        assert_eq!(media_type(Format::Text, "text/plain; version=0.0.4; echo=\"hf_CANARY\""), text);
        assert!(media_type(Format::Text, "text/plain;VERSION=1.0.0").contains("version=1.0.0"));
        let open = media_type(Format::OpenMetrics, "application/openmetrics-text; version=\"0.0.1\"; x=y");
        assert_eq!(open, "application/openmetrics-text; version=0.0.1; charset=utf-8");
    }
}
