//! `[[huggingface]]` and `[[baseten]]`: the targets of hosted platforms.
use crate::config::access::{self, RequestEntry, table_of_targets};
use crate::config::authorization::AuthorizationEntry;
use crate::config::target::{ScopeEntry, http_url};
use crate::config::{ConfigError, MAX_DEFAULT_TIMEOUT, duration, pace, setting};
use crate::sources::huggingface::state_families;
use crate::target::identity::Identity;
use crate::target::scope_rules::ScopeRules;
use crate::target::{Endpoint, Pace, Source, Target, instance_of};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

const HUGGING_FACE_URL: &str = "https://api.endpoints.huggingface.cloud/v2";
const HUGGING_FACE_INTERVAL: Duration = Duration::from_secs(15);
const BASETEN_URL: &str = "https://app.baseten.co/metrics";
const BASETEN_INTERVAL: Duration = Duration::from_secs(60);

/// Baseten allows six requests a minute. This interval stays within that limit even in the first minute, which has one
/// additional scrape at its start.
const MIN_BASETEN_INTERVAL: Duration = Duration::from_secs(12);

table_of_targets! {
    /// One `[[huggingface]]`: an Inference Endpoint.
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct HuggingFaceEntry {
        namespace: String,
        name: String,
        api_url: Option<String>,
        shared_as: Option<String>,
        model: Option<String>,
        environment: Option<String>,
        deployment: Option<String>,
        scope_labels: ScopeEntry,
        #[serde(deserialize_with = "duration")]
        scrape_interval: Option<Duration>,
        #[serde(deserialize_with = "duration")]
        scrape_timeout: Option<Duration>,
    }
}

table_of_targets! {
    /// One `[[baseten]]`: the metrics export of an organisation.
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct BasetenEntry {
        url: Option<String>,
        shared_as: Option<String>,
        scope_labels: ScopeEntry,
        #[serde(deserialize_with = "duration")]
        scrape_interval: Option<Duration>,
        #[serde(deserialize_with = "duration")]
        scrape_timeout: Option<Duration>,
    }
}

impl HuggingFaceEntry {
    /// Two targets, the endpoint's metrics and its state, because either may fail without the other.
    pub(crate) fn resolve(self) -> Result<[Target; 2], ConfigError> {
        if self.namespace.is_empty() || self.name.is_empty() {
            return Err(setting("huggingface", "set namespace and name, as in the endpoint's URL".into()));
        }
        let instance = format!("{}/{}", self.namespace, self.name);
        let entry = format!("huggingface {instance}");
        let mut state = http_url(&entry, self.api_url.as_deref().unwrap_or(HUGGING_FACE_URL))?;
        // HTTP URLs always have path segments. The names are escaped.
        if let Ok(mut path) = state.path_segments_mut() {
            path.pop_if_empty().extend(["endpoint", &self.namespace, &self.name]);
        }
        let mut metrics = state.clone();
        if let Ok(mut path) = metrics.path_segments_mut() {
            path.push("open-metrics");
        }
        let pace = hosted_pace(&entry, self.scrape_interval.unwrap_or(HUGGING_FACE_INTERVAL), self.scrape_timeout)?;
        let access =
            Arc::new(access::resolve(&entry, "Bearer", with_default(self.request(), "HF_TOKEN"), self.page())?);
        let rules = ScopeRules { replica: vec!["replica_id".into()], ..ScopeRules::default() };
        let identity = Identity {
            job: Some("huggingface".into()),
            instance,
            model: Some(self.model.unwrap_or_else(|| self.name.clone())),
            environment: self.environment,
            deployment: self.deployment,
            rules: self.scope_labels.or(rules),
            ..Identity::default()
        };
        let state = Target {
            source: Source::Api {
                endpoint: Endpoint { url: state, access: Arc::clone(&access) },
                families: state_families,
            },
            identity: Identity { job: Some("huggingface-state".into()), ..identity.clone() },
            pace,
        };
        let name = shared_name(&entry, self.shared_as.unwrap_or(self.name))?;
        let source = Source::Hosted { endpoint: Endpoint { url: metrics, access }, name };
        Ok([Target { source, identity, pace }, state])
    }
}

impl BasetenEntry {
    /// The metrics export of all models and deployments. Its labels contain their names.
    pub(crate) fn resolve(self) -> Result<Target, ConfigError> {
        let entry = "baseten";
        let url = http_url(entry, self.url.as_deref().unwrap_or(BASETEN_URL))?;
        let pace = hosted_pace(entry, self.scrape_interval.unwrap_or(BASETEN_INTERVAL), self.scrape_timeout)?;
        if pace.interval < MIN_BASETEN_INTERVAL {
            let problem = "Baseten allows six requests a minute; set scrape_interval to 12s or more";
            return Err(setting(entry, problem.into()));
        }
        let access =
            Arc::new(access::resolve(entry, "Api-Key", with_default(self.request(), "BASETEN_API_KEY"), self.page())?);
        let rules = ScopeRules { deployment: vec!["deployment_id".into()], ..ScopeRules::default() };
        Ok(Target {
            identity: Identity {
                job: Some(entry.into()),
                instance: instance_of(&url).unwrap_or_default(),
                rules: self.scope_labels.or(rules),
                ..Identity::default()
            },
            source: Source::Hosted {
                endpoint: Endpoint { url, access },
                name: shared_name(entry, self.shared_as.unwrap_or_else(|| entry.into()))?,
            },
            pace,
        })
    }
}

/// `request` with the credentials in the environment variable `name`, if it has none.
fn with_default(mut request: RequestEntry, name: &str) -> RequestEntry {
    if request.basic_auth.is_none() {
        request.authorization.get_or_insert_with(|| AuthorizationEntry::from_env(name));
    }
    request
}

fn hosted_pace(entry: &str, interval: Duration, timeout: Option<Duration>) -> Result<Pace, ConfigError> {
    pace(&format!("{entry}: scrape_timeout"), interval, timeout.unwrap_or(MAX_DEFAULT_TIMEOUT.min(interval)))
}

/// The name, if it is valid as the last segment of a path.
fn shared_name(entry: &str, name: String) -> Result<String, ConfigError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
        let problem = format!("{name:?} cannot be part of a URL; use letters, digits, - and _");
        return Err(setting(&format!("{entry}: shared_as"), problem));
    }
    Ok(name)
}
