//! The configuration file: its shape, and each target in it as one that can be scraped.
use super::{ConfigError, pace, positive_duration, setting};
use crate::scrape::{Authorization, Identity, Pace, Source, Target, instance_of};
use crate::secret::Secret;
use reqwest::Url;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration file, in Prometheus's words.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<String>,
    pub(super) allow_open_network: bool,
    pub(super) allowed_hosts: Vec<String>,
    #[serde(deserialize_with = "duration")]
    pub(super) retention: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(super) scrape_interval: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(super) scrape_timeout: Option<Duration>,
    pub(super) procfs: Option<PathBuf>,
    pub(super) discovery: Option<bool>,
    pub(super) targets: Vec<TargetEntry>,
}

/// One `[[targets]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TargetEntry {
    url: String,
    metrics_path: Option<String>,
    job: Option<String>,
    model: Option<String>,
    environment: Option<String>,
    deployment: Option<String>,
    replica: Option<String>,
    #[serde(deserialize_with = "duration")]
    scrape_interval: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    scrape_timeout: Option<Duration>,
    authorization: Option<AuthorizationEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with credentials or credentials_file")]
struct AuthorizationEntry {
    #[serde(rename = "type")]
    scheme: Option<String>,
    credentials: Option<Secret>,
    credentials_file: Option<PathBuf>,
}

/// Reads the text of the file at `path`.
pub(super) fn parse(text: &str, path: &Path) -> Result<File, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        ConfigError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1,
            message: unquoted(error.message()),
        }
    })
}

/// The message without the value it found where another type was due.
fn unquoted(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => format!("expected {expected}"),
        _ => message.to_owned(),
    }
}

impl TargetEntry {
    /// An entry that says no more than a URL and perhaps a model.
    pub(super) fn new(url: String, model: Option<String>) -> Self {
        Self { url, model, ..Self::default() }
    }

    /// The target, where it is the `number`th one and `default` is the pace of those that do not say.
    pub(super) fn resolve(self, number: usize, default: Pace) -> Result<Target, ConfigError> {
        let problem = |problem: String| setting(&format!("target {number}"), problem);
        // The URL is not quoted: a token may be part of it.
        let mut url: Url = self.url.parse().map_err(|error| problem(format!("the URL cannot be read: {error}")))?;
        let Some(instance) = instance_of(&url).filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return Err(problem("the URL must begin with http:// or https:// and name a host".into()));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(problem("the URL holds a password: use authorization instead".into()));
        }
        if let Some(path) = self.metrics_path {
            url.set_path(&path);
        } else if url.path() == "/" {
            url.set_path("/metrics");
        }
        let interval = self.scrape_interval.unwrap_or(default.interval);
        let timeout = self.scrape_timeout.unwrap_or(default.timeout.min(interval));
        let authorization = self.authorization.map(|entry| entry.resolve(number)).transpose()?;
        Ok(Target {
            source: Source::Http { url, authorization },
            identity: Identity {
                job: self.job,
                model: self.model,
                environment: self.environment,
                deployment: self.deployment,
                replica: Some(self.replica.unwrap_or_else(|| instance.clone())),
                instance,
            },
            pace: pace(&format!("target {number}: scrape_timeout"), interval, timeout)?,
        })
    }
}

impl AuthorizationEntry {
    fn resolve(self, number: usize) -> Result<Authorization, ConfigError> {
        let scheme = self.scheme.unwrap_or_else(|| "Bearer".into());
        match (self.credentials, self.credentials_file) {
            (Some(credentials), None) => Ok(Authorization::fixed(scheme, credentials)),
            (None, Some(path)) => {
                Authorization::from_file(scheme, path.clone()).map_err(|source| ConfigError::Read { path, source })
            }
            _ => Err(setting(
                &format!("target {number}: authorization"),
                "give either credentials or credentials_file".into(),
            )),
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    positive_duration(&text).map(Some).map_err(serde::de::Error::custom)
}
