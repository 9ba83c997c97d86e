//! What to write to the configuration so that a metrics page that is refused would be stored.
use crate::cli::check::MAX_ERRORS;
use crate::config::access::page::{HIGHEST, protocol_name};
use crate::scrape::metrics_page::MetricsPage;
use crate::target::failure::Failure;
use exposition::{Family, Format, Limits, lint};

/// The names of a certificate that are proposed.
const MAX_NAMES: usize = 3;

/// The lines for a server whose certificate has a common name at most, which is verified nowhere any more.
const NAMELESS: [&str; 2] = [
    "# The certificate has no subjectAltName. Make it anew with one, or, where nobody can be on the way:",
    "tls_config = { insecure_skip_verify = true }",
];

/// The lines of a target for a page that could not be scraped; none if no line would help. `presented` are the names in the
/// certificate of its server, if it failed because of them.
pub(crate) fn after(failure: Failure, presented: &[String]) -> Vec<String> {
    if failure == Failure::TlsName && presented.is_empty() {
        return NAMELESS.map(str::to_owned).to_vec();
    }
    if failure == Failure::TlsName {
        let names = presented.iter().filter_map(|text| name_of(text)).take(MAX_NAMES);
        let lines: Vec<_> = names.map(|name| format!("tls_config = {{ server_name = \"{name}\" }}")).collect();
        if !lines.is_empty() {
            return lines;
        }
    }
    let lines: &[&str] = match failure {
        Failure::TlsAuthority => &["tls_config = { ca_file = \"/path/to/ca.pem\" }"],
        Failure::TlsName => &["tls_config = { server_name = \"name.in.its.certificate\" }"],
        Failure::TlsClient => &["tls_config = { cert_file = \"/path/to/cert.pem\", key_file = \"/path/to/key.pem\" }"],
        Failure::Status { code: 401, .. } => &[
            "authorization = { credentials_file = \"/path/to/token\" }",
            "basic_auth = { username = \"user\", password_file = \"/path/to/password\" }",
        ],
        Failure::Proxy(Some(407)) => {
            &["proxy_basic_auth = { username = \"user\", password_file = \"/path/to/password\" }"]
        }
        Failure::Status { code: 404, .. } => &["metrics_path = \"/path/to/metrics\""],
        _ => &[],
    };
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The name in rustls's text of one, such as `DnsName("gpu-7.acme.example")`; none if it is no name of one server.
fn name_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("DnsName(").or_else(|| text.strip_prefix("IpAddress("))?;
    let name = rest.strip_suffix(')')?.trim_matches('"');
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}

/// The lines for a page whose content type is no exposition format; none if it is no metrics page.
pub(crate) fn fallback(page: &MetricsPage, format: Format) -> Vec<String> {
    let lint = lint(&page.body, format, &HIGHEST, 1);
    let is_page = lint.errors.is_empty() && !lint.families.is_empty();
    let line = format!("fallback_scrape_protocol = \"{}\"", protocol_name(format));
    is_page.then_some(line).into_iter().chain(limits(page, format)).collect()
}

/// The lines that raise the limits of a page as far as it needs; none if it is within them.
pub(crate) fn limits(page: &MetricsPage, format: Format) -> Vec<String> {
    let lint = lint(&page.body, format, &HIGHEST, MAX_ERRORS);
    let own = page.limits;
    let needed = needed(&lint.families);
    let mut lines = Vec::new();
    // A page that reaches the limit may have been cut off there.
    if page.body.len() > own.body_bytes {
        lines.push(format!("body_size_limit = \"{}MiB\"", with_room(page.body.len()).div_ceil(1 << 20)));
    }
    for (key, needed, limit, highest) in [
        ("sample_limit", needed.samples, own.samples, HIGHEST.samples),
        ("label_limit", needed.labels, own.labels, HIGHEST.labels),
        ("label_name_length_limit", needed.name_bytes, own.name_bytes, HIGHEST.name_bytes),
        ("label_value_length_limit", needed.value_bytes, own.value_bytes, HIGHEST.value_bytes),
    ] {
        if needed > limit {
            lines.push(format!("{key} = {}", with_room(needed).min(highest)));
        }
    }
    lines
}

/// What these families need.
fn needed(families: &[Family]) -> Limits {
    let samples = || families.iter().flat_map(|family| &family.samples);
    let labels = || samples().flat_map(|sample| &sample.labels);
    let names = samples().map(|sample| sample.name.len()).chain(labels().map(|(name, _)| name.len()));
    Limits {
        samples: samples().count(),
        labels: samples().map(|sample| sample.labels.len()).max().unwrap_or(0),
        name_bytes: names.max().unwrap_or(0),
        value_bytes: labels().map(|(_, value)| value.len()).max().unwrap_or(0),
        ..Limits::default()
    }
}

/// A limit with a quarter to spare, as two digits and zeros.
fn with_room(needed: usize) -> usize {
    let limit = needed + needed / 4;
    let digits = limit.checked_ilog10().unwrap_or(0).saturating_sub(1);
    let unit = 10_usize.pow(digits);
    limit.div_ceil(unit) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_round_and_leave_room() {
        for (needed, expected) in [(1, 1), (65, 81), (60_000, 75_000), (50_001, 63_000), (999_999, 1_300_000)] {
            assert_eq!(with_room(needed), expected, "{needed}");
        }
    }

    #[test]
    fn the_names_of_a_certificate_are_proposed() {
        let lines = |presented: &[&str]| {
            after(Failure::TlsName, &presented.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        };
        let placeholder = ["tls_config = { server_name = \"name.in.its.certificate\" }"];
        for unusable in [&["DnsName(\"*.acme.example\")"][..], &["DnsName(\"a\" }\\nb\")"], &["Unsupported(0x82)"]] {
            assert_eq!(lines(unusable), placeholder, "{unusable:?}");
        }
        assert_eq!(lines(&[]), NAMELESS);
        let expected = ["tls_config = { server_name = \"gpu-7\" }", "tls_config = { server_name = \"10.0.0.7\" }"];
        assert_eq!(lines(&["DnsName(\"gpu-7\")", "IpAddress(10.0.0.7)"]), expected);
    }

    #[test]
    fn every_exceeded_limit_has_its_line() {
        let text = format!("a{{b=\"{}\",c=\"d\"}} 1\nlong_name 2\n", "x".repeat(100));
        let limits_of =
            |own: Limits| limits(&MetricsPage { limits: own, ..MetricsPage::from_text(text.clone()) }, Format::Text);
        assert!(limits_of(Limits::default()).is_empty());
        let tight = Limits { samples: 1, labels: 1, name_bytes: 8, value_bytes: 80, ..Limits::default() };
        let expected =
            ["sample_limit = 2", "label_limit = 2", "label_name_length_limit = 11", "label_value_length_limit = 130"];
        assert_eq!(limits_of(tight), expected);
        let body = Limits { body_bytes: 10, ..Limits::default() };
        assert_eq!(limits_of(body), ["body_size_limit = \"1MiB\""]);
    }

    #[test]
    fn what_is_no_metrics_page_gets_no_fallback() {
        assert!(fallback(&MetricsPage::from_text("<html>login</html>".into()), Format::Text).is_empty());
        assert!(fallback(&MetricsPage::from_text(String::new()), Format::Text).is_empty());
        let page = MetricsPage::from_text("a 1\n".into());
        assert_eq!(fallback(&page, Format::Text), ["fallback_scrape_protocol = \"PrometheusText0.0.4\""]);
        let page = MetricsPage::from_text("a 1\n# EOF\n".into());
        assert_eq!(fallback(&page, Format::OpenMetrics), ["fallback_scrape_protocol = \"OpenMetricsText1.0.0\""]);
    }
}
