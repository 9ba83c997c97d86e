//! One target of the configuration, and what it comes to.
use crate::config::authorization::AuthorizationEntry;
use crate::config::{ConfigError, duration, pace, setting};
use crate::target::identity::Identity;
use crate::target::scope_rules::ScopeRules;
use crate::target::{Endpoint, Pace, Source, Target, instance_of};
use reqwest::Url;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One `[[targets]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TargetEntry {
    pub(crate) url: String,
    pub(crate) metrics_path: Option<String>,
    pub(crate) job: Option<String>,
    #[serde(skip)]
    pub(crate) instance: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) deployment: Option<String>,
    pub(crate) replica: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) scope_labels: ScopeEntry,
    #[serde(deserialize_with = "duration")]
    pub(crate) scrape_interval: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) scrape_timeout: Option<Duration>,
    pub(crate) authorization: Option<AuthorizationEntry>,
}

/// `scope_labels`: for each scope word the labels on the page that tell it, the best first.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScopeEntry {
    model: Option<Vec<String>>,
    environment: Option<Vec<String>>,
    deployment: Option<Vec<String>>,
    replica: Option<Vec<String>>,
}

impl ScopeEntry {
    /// The rules, those of `default` where the entry is silent.
    pub(crate) fn or(self, default: ScopeRules) -> ScopeRules {
        ScopeRules {
            model: self.model.unwrap_or(default.model),
            environment: self.environment.unwrap_or(default.environment),
            deployment: self.deployment.unwrap_or(default.deployment),
            replica: self.replica.unwrap_or(default.replica),
        }
    }
}

impl TargetEntry {
    /// An entry that says no more than a URL and perhaps a model.
    pub(crate) fn new(url: String, model: Option<String>) -> Self {
        Self { url, model, ..Self::default() }
    }

    /// The target, where messages call it `name` and `default` is the pace of those that do not say.
    pub(crate) fn resolve(self, name: &str, default: Pace) -> Result<Target, ConfigError> {
        let problem = |problem: String| setting(name, problem);
        let mut url = http_url(name, &self.url)?;
        if let Some(path) = self.metrics_path {
            url.set_path(&path);
        } else if url.path() == "/" {
            url.set_path("/metrics");
        }
        let instance = self.instance.or_else(|| instance_of(&url)).unwrap_or_default();
        if let Some(label) = self.labels.keys().find(|label| !is_free(label)) {
            return Err(problem(format!(
                "{label:?} cannot be a label here: it is a setting of its own, or no label name"
            )));
        }
        let interval = self.scrape_interval.unwrap_or(default.interval);
        let timeout = self.scrape_timeout.unwrap_or(default.timeout.min(interval));
        let authorization = self.authorization.map(|entry| entry.resolve(name, "Bearer").map(Arc::new)).transpose()?;
        // A page that tells its replicas is not one itself.
        let is_replica = self.scope_labels.replica.is_none();
        Ok(Target {
            source: Source::Http(Endpoint { url, authorization }),
            identity: Identity {
                job: self.job,
                model: self.model,
                environment: self.environment,
                deployment: self.deployment,
                replica: self.replica.or_else(|| is_replica.then(|| instance.clone())),
                instance,
                labels: self.labels.into_iter().collect(),
                rules: self.scope_labels.or(ScopeRules::default()),
            },
            pace: pace(&format!("{name}: scrape_timeout"), interval, timeout)?,
        })
    }
}

/// The URL in `text`, which is not quoted in messages: a token may be part of it.
pub(crate) fn http_url(name: &str, text: &str) -> Result<Url, ConfigError> {
    let url: Url = text.parse().map_err(|error| setting(name, format!("the URL cannot be read: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || instance_of(&url).is_none() {
        return Err(setting(name, "the URL must begin with http:// or https:// and name a host".into()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(setting(name, "the URL holds a password: use authorization instead".into()));
    }
    Ok(url)
}

/// Whether it is a label name that has no setting of its own and is not reserved.
fn is_free(name: &str) -> bool {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let own = ["job", "instance", "model", "environment", "deployment", "replica"];
    is_name && !name.starts_with("__") && !own.contains(&name)
}
