//! `http_headers`: more headers of a target's requests.
use crate::config::authorization::{from_file, from_variable};
use crate::config::{ConfigError, setting};
use crate::target::access::{Header, HeaderText};
use crate::target::secret::Secret;
use crate::target::secret_source::SecretSource;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Headers that have keys of their own, or that the companion and HTTP itself set.
/// Source: `ReservedHeaders` in `config/headers.go` of prometheus/common.
const RESERVED: [&str; 19] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept",
    "accept-encoding",
    "accept-charset",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-prometheus-scrape-timeout-seconds",
    "x-prometheus-remote-write-version",
];

/// The values of one header, with the keys of Prometheus and `env`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table with values, secrets, files or env, which are lists")]
pub(crate) struct HeaderEntry {
    values: Vec<String>,
    secrets: Vec<Secret>,
    files: Vec<PathBuf>,
    env: Vec<String>,
}

impl HeaderEntry {
    /// The files that hold secrets: their own, and `config` for those in the configuration itself.
    pub(crate) fn secret_files(&self, config: &Path) -> Vec<PathBuf> {
        let own = (!self.secrets.is_empty()).then(|| config.to_owned());
        self.files.iter().cloned().chain(own).collect()
    }
}

/// The headers of `target`, which error messages name.
pub(crate) fn headers(target: &str, entries: BTreeMap<String, HeaderEntry>) -> Result<Vec<Header>, ConfigError> {
    let mut headers = Vec::new();
    for (name, entry) in entries {
        let key = format!("{target}: http_headers: {name}");
        let problem = |problem: String| setting(&key, problem);
        let header = HeaderName::try_from(&name).map_err(|_| problem("this is not the name of a header".into()))?;
        if RESERVED.contains(&header.as_str()) {
            return Err(problem("the companion sets this header itself; see authorization and basic_auth".into()));
        }
        let mut values = Vec::new();
        for value in entry.values {
            let value = HeaderValue::try_from(value).map_err(|_| problem("a header cannot hold this value".into()))?;
            values.push(HeaderText::Public(value));
        }
        let fixed = entry.secrets.into_iter().map(SecretSource::Fixed);
        values.extend(fixed.map(HeaderText::Secret));
        for path in entry.files {
            values.push(HeaderText::Secret(from_file(path)?));
        }
        for variable in entry.env {
            values.push(HeaderText::Secret(from_variable(&key, &variable)?));
        }
        if values.is_empty() {
            return Err(problem("set values, secrets, files or env, such as { values = [\"text\"] }".into()));
        }
        headers.extend(values.into_iter().map(|value| Header { name: header.clone(), value }));
    }
    Ok(headers)
}
