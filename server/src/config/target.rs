//! `[[targets]]`: one configured target.
use crate::config::access::{self, table_of_targets};
use crate::config::{ConfigError, duration, pace, setting};
use crate::target::identity::Identity;
use crate::target::scope_rules::ScopeRules;
use crate::target::{Endpoint, Pace, Source, Target, instance_of};
use reqwest::Url;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Labels that a target always has, which are set by other keys.
const LABELS_WITH_SETTINGS: [&str; 6] = ["job", "instance", "model", "environment", "deployment", "replica"];

table_of_targets! {
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
        pub(crate) replica: Option<ReplicaEntry>,
        pub(crate) labels: BTreeMap<String, String>,
        pub(crate) scope_labels: ScopeEntry,
        #[serde(deserialize_with = "duration")]
        pub(crate) scrape_interval: Option<Duration>,
        #[serde(deserialize_with = "duration")]
        pub(crate) scrape_timeout: Option<Duration>,
    }
}

/// `replica`: its name, or whether the target is one.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected the name of the replica, true, or false for a target that is no replica")]
pub(crate) enum ReplicaEntry {
    /// Whether it is a replica, whatever its engine is.
    Is(bool),
    /// The name.
    Name(String),
}

/// `scope_labels`: the labels on the metrics page that contain each part of the scope, in order of preference.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScopeEntry {
    model: Option<Vec<String>>,
    environment: Option<Vec<String>>,
    deployment: Option<Vec<String>>,
    replica: Option<Vec<String>>,
}

impl ScopeEntry {
    /// The rules of this entry, with `default` for those that it does not set.
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
    /// An entry with a URL and perhaps a model.
    pub(crate) fn new(url: String, model: Option<String>) -> Self {
        Self { url, model, ..Self::default() }
    }

    /// The URL of its metrics page. Error messages call the target `name`.
    pub(crate) fn page_url(&self, name: &str) -> Result<Url, ConfigError> {
        let mut url = http_url(name, &self.url)?;
        if let Some(path) = &self.metrics_path {
            url.set_path(path);
        } else if url.path() == "/" {
            url.set_path("/metrics");
        }
        Ok(url)
    }

    /// The target. Error messages call it `name`. `default` is its pace unless the entry has its own.
    pub(crate) fn resolve(self, name: &str, default: Pace) -> Result<Target, ConfigError> {
        let url = self.page_url(name)?;
        let access = access::resolve(name, "Bearer", self.request(), self.page())?;
        if access.route.tls.is_some() && url.scheme() == "http" {
            let problem = "it has no effect on a URL that begins with http://; write https://, or remove it";
            return Err(setting(&format!("{name}: tls_config"), problem.into()));
        }
        let instance = self.instance.or_else(|| instance_of(&url)).unwrap_or_default();
        check_labels(name, self.labels.keys())?;
        let interval = self.scrape_interval.unwrap_or(default.interval);
        let timeout = self.scrape_timeout.unwrap_or(default.timeout.min(interval));
        let (replica, is_certainly_replica) = match self.replica {
            Some(ReplicaEntry::Name(name)) => (Some(name), true),
            Some(ReplicaEntry::Is(is_replica)) => (is_replica.then(|| instance.clone()), is_replica),
            // A target whose metrics page names its replicas is not a replica itself.
            None => (self.scope_labels.replica.is_none().then(|| instance.clone()), false),
        };
        Ok(Target {
            source: Source::Http(Endpoint { url, access: Arc::new(access) }),
            identity: Identity {
                job: self.job,
                model: self.model,
                environment: self.environment,
                deployment: self.deployment,
                replica,
                is_certainly_replica,
                instance,
                labels: self.labels.into_iter().collect(),
                rules: self.scope_labels.or(ScopeRules::default()),
            },
            pace: pace(&format!("{name}: scrape_timeout"), interval, timeout)?,
        })
    }
}

/// Parses a URL. Error messages do not quote it: it may contain a token.
pub(crate) fn http_url(name: &str, text: &str) -> Result<Url, ConfigError> {
    let url: Url = text.parse().map_err(|error| setting(name, format!("the URL is invalid: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || instance_of(&url).is_none() {
        return Err(setting(name, "the URL must begin with http:// or https:// and name a host".into()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(setting(name, "the URL contains a user name or password; use basic_auth instead".into()));
    }
    Ok(url)
}

/// Checks that a label may be called `name`; an error says why not.
pub(crate) fn check_label_name(name: &str) -> Result<(), String> {
    let is_valid = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_valid {
        return Err(format!("{name:?} is not a valid label name; use letters, digits and _"));
    }
    if name.starts_with("__") {
        return Err(format!("{name:?} is reserved; use a name that does not begin with __"));
    }
    Ok(())
}

/// Checks that the names are valid for additional labels.
fn check_labels<'l>(target: &str, names: impl IntoIterator<Item = &'l String>) -> Result<(), ConfigError> {
    let error = |problem: String| Err(setting(&format!("{target}: labels"), problem));
    for name in names {
        check_label_name(name).or_else(error)?;
        if LABELS_WITH_SETTINGS.contains(&name.as_str()) {
            return error(format!("{name:?} has a setting of its own; it cannot be among the labels"));
        }
    }
    Ok(())
}
