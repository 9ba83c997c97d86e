//! The keys that say which metrics pages are accepted: of which format, and how large.
use crate::config::memory::parse_size;
use crate::config::{ConfigError, setting};
use crate::target::access::Access;
use exposition::{Format, Limits};

/// The highest limits. A page is in memory while it is read, and two large ones at a time.
pub(crate) const HIGHEST: Limits = Limits {
    body_bytes: 256 << 20,
    line_bytes: 16 << 20,
    samples: 2_000_000,
    labels: 1_000,
    name_bytes: 64 << 10,
    value_bytes: 1 << 20,
};

/// The share of a page that one line may take, if that is more than the usual limit.
const LINES_PER_BODY: usize = 16;

/// The formats by Prometheus's names.
const PROTOCOLS: [(&str, Format); 4] = [
    ("PrometheusText0.0.4", Format::Text),
    ("PrometheusText1.0.0", Format::Text),
    ("OpenMetricsText1.0.0", Format::OpenMetrics),
    ("OpenMetricsText0.0.1", Format::OpenMetrics),
];

/// The keys, as they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageEntry {
    pub(crate) fallback_scrape_protocol: Option<String>,
    pub(crate) body_size_limit: Option<String>,
    pub(crate) sample_limit: Option<usize>,
    pub(crate) label_limit: Option<usize>,
    pub(crate) label_name_length_limit: Option<usize>,
    pub(crate) label_value_length_limit: Option<usize>,
}

/// Prometheus's name of a format, as a value of `fallback_scrape_protocol`.
pub(crate) fn protocol_name(format: Format) -> &'static str {
    PROTOCOLS.iter().find(|(_, other)| *other == format).map_or("PrometheusText0.0.4", |(name, _)| name)
}

impl PageEntry {
    /// `access` with these limits and this format. Error messages name `target`.
    pub(crate) fn resolve(self, target: &str, access: Access) -> Result<Access, ConfigError> {
        let fallback = self.fallback_scrape_protocol.map(|name| {
            let known = PROTOCOLS.iter().find(|(other, _)| *other == name).map(|(_, format)| *format);
            let names = PROTOCOLS.map(|(name, _)| name).join(", ");
            known.ok_or_else(|| {
                let problem = format!("{name:?} is not a protocol that is read; write one of {names}");
                setting(&format!("{target}: fallback_scrape_protocol"), problem)
            })
        });
        let limit = |key: &str, value: Option<usize>, default: usize, max: usize| match value {
            None => Ok(default),
            Some(value) if (1..=max).contains(&value) => Ok(value),
            Some(value) => {
                let problem = format!("{value} is not between 1 and {max}; there is no way to have no limit");
                Err(setting(&format!("{target}: {key}"), problem))
            }
        };
        let default = Limits::default();
        let body_bytes = match self.body_size_limit {
            None => default.body_bytes,
            Some(text) => {
                let key = format!("{target}: body_size_limit");
                let size_bytes = parse_size(&key, &text)?;
                if size_bytes > HIGHEST.body_bytes as u64 {
                    let problem = format!("{text:?} is more than {}MiB, the highest limit", HIGHEST.body_bytes >> 20);
                    return Err(setting(&key, problem));
                }
                size_bytes as usize
            }
        };
        let limits = Limits {
            body_bytes,
            line_bytes: default.line_bytes.max(body_bytes / LINES_PER_BODY),
            samples: limit("sample_limit", self.sample_limit, default.samples, HIGHEST.samples)?,
            labels: limit("label_limit", self.label_limit, default.labels, HIGHEST.labels)?,
            name_bytes: limit(
                "label_name_length_limit",
                self.label_name_length_limit,
                default.name_bytes,
                HIGHEST.name_bytes,
            )?,
            value_bytes: limit(
                "label_value_length_limit",
                self.label_value_length_limit,
                default.value_bytes,
                HIGHEST.value_bytes,
            )?,
        };
        Ok(Access { fallback: fallback.transpose()?, limits, ..access })
    }
}
