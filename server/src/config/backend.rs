//! `[[backends]]`: engines that the page queries through the companion.
use crate::config::access::table_with_request_keys;
use crate::config::target::{check_label_name, http_url};
use crate::config::{ConfigError, duration, setting};
use crate::target::Endpoint;
use crate::web::api::body::MAX_BODY_BYTES;
use crate::web::backends::Backend;
use catalogue::ScopeLabels;
use exposition::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take. The page waits for 15 seconds, and this server's own message is to arrive in time.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(14);

/// The longest name, as that of a DNS label.
const MAX_NAME_BYTES: usize = 63;

table_with_request_keys! {
    /// One `[[backends]]`.
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct BackendEntry {
        name: String,
        url: String,
        params: BTreeMap<String, String>,
        labels: LabelsEntry,
        #[serde(deserialize_with = "duration")]
        timeout: Option<Duration>,
    }
}

/// `labels`: the engine's labels for the parts of the scope.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LabelsEntry {
    model: Option<String>,
    environment: Option<String>,
    deployment: Option<String>,
    replica: Option<String>,
}

impl BackendEntry {
    /// The backend.
    ///
    /// # Errors
    /// If a value cannot be used.
    fn resolve(self) -> Result<Backend, ConfigError> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.name.is_empty() || self.name.len() > MAX_NAME_BYTES || !self.name.bytes().all(is_name) {
            let problem = format!(
                "{:?} is no name; write 1 to {MAX_NAME_BYTES} small letters, digits and hyphens, as the page's address has it",
                self.name
            );
            return Err(setting("backends: name", problem));
        }
        let name = format!("backend {}", self.name);
        if self.url.is_empty() {
            return Err(setting(&name, "set url, such as http://prometheus.example:9090".into()));
        }
        let url = http_url(&name, &self.url)?;
        if url.query().is_some() {
            return Err(setting(&format!("{name}: url"), "the URL has a query; write it as params".into()));
        }
        if let Some(before) = url.path().trim_end_matches('/').strip_suffix("/api/v1") {
            let problem = format!("the companion adds /api/v1 itself; end the URL with {before:?}");
            return Err(setting(&format!("{name}: url"), problem));
        }
        let mut access = self.request().resolve(&name, "Bearer")?;
        access.limits = Limits { body_bytes: MAX_BODY_BYTES, ..Limits::default() };
        Ok(Backend {
            endpoint: Endpoint { url, access: Arc::new(access) },
            parameters: self.params.into_iter().collect(),
            labels: self.labels.resolve(&name)?,
            timeout: self.timeout.unwrap_or(DEFAULT_TIMEOUT),
            name: self.name,
        })
    }
}

impl LabelsEntry {
    fn resolve(self, name: &str) -> Result<ScopeLabels, ConfigError> {
        let default = ScopeLabels::default();
        let label = |key: &str, label: Option<String>, default: String| {
            let label = label.unwrap_or(default);
            match check_label_name(&label) {
                Ok(()) => Ok(label),
                Err(problem) => Err(setting(&format!("{name}: labels.{key}"), problem)),
            }
        };
        Ok(ScopeLabels {
            model: label("model", self.model, default.model)?,
            environment: label("environment", self.environment, default.environment)?,
            deployment: label("deployment", self.deployment, default.deployment)?,
            replica: label("replica", self.replica, default.replica)?,
        })
    }
}

/// The backends, in the order of the configuration.
///
/// # Errors
/// If a value cannot be used, or two backends have the same name.
pub(crate) fn resolve(entries: Vec<BackendEntry>) -> Result<Vec<Arc<Backend>>, ConfigError> {
    let mut backends: Vec<Arc<Backend>> = Vec::new();
    for entry in entries {
        let backend = entry.resolve()?;
        if backends.iter().any(|other| other.name == backend.name) {
            return Err(setting("backends", format!("two of them have the name {:?}; rename one", backend.name)));
        }
        backends.push(Arc::new(backend));
    }
    Ok(backends)
}
