//! `[[kubernetes]]`: clusters whose pods are replicas.
use crate::config::access::{self, table_of_targets};
use crate::config::selector::SelectorEntry;
use crate::config::target::ScopeEntry;
use crate::config::{ConfigError, duration, pace, setting};
use crate::sources::kubernetes::cluster::Cluster;
use crate::sources::kubernetes::{ClusterSpec, PodScope, PortRule};
use crate::target::identity::Identity;
use crate::target::scope_rules::ScopeRules;
use crate::target::{Pace, Source, Target};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Usual names of init containers that download weights. The second is KServe's.
const DEFAULT_DOWNLOAD_CONTAINERS: [&str; 4] = ["*download*", "storage-initializer", "*model*", "*weights*"];

table_of_targets! {
    /// One `[[kubernetes]]`: pods that a label selector matches.
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct KubernetesEntry {
        kubeconfig: Option<PathBuf>,
        context: Option<String>,
        namespaces: Vec<String>,
        selector: SelectorEntry,
        port: Option<PortEntry>,
        scheme: Option<String>,
        metrics_path: Option<String>,
        model: Option<String>,
        environment: Option<String>,
        deployment: Option<String>,
        pod_labels: ScopeEntry,
        download_containers: Option<Vec<String>>,
        replicas: Option<bool>,
        #[serde(deserialize_with = "duration")]
        scrape_interval: Option<Duration>,
        #[serde(deserialize_with = "duration")]
        scrape_timeout: Option<Duration>,
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a port number or name")]
enum PortEntry {
    Number(u16),
    Name(String),
}

impl KubernetesEntry {
    /// One source for each namespace.
    pub(crate) fn resolve(self, default: Pace) -> Result<Vec<ClusterSource>, ConfigError> {
        let problem = |key: &str, problem: String| setting(&format!("kubernetes: {key}"), problem);
        let access = Arc::new(access::resolve("kubernetes", "Bearer", self.request(), self.page())?);
        let interval = self.scrape_interval.unwrap_or(default.interval);
        let timeout = self.scrape_timeout.unwrap_or(default.timeout.min(interval));
        let pace = pace("kubernetes: scrape_timeout", interval, timeout)?;
        let scheme = self.scheme.unwrap_or_else(|| "http".into());
        if !["http", "https"].contains(&&*scheme) {
            return Err(problem("scheme", format!("{scheme:?} is neither http nor https")));
        }
        let downloads =
            self.download_containers.unwrap_or_else(|| DEFAULT_DOWNLOAD_CONTAINERS.map(str::to_owned).into());
        let pattern = |text: &String| {
            glob::Pattern::new(text).map_err(|error| problem("download_containers", format!("{text:?}: {error}")))
        };
        let spec = ClusterSpec {
            kubeconfig: self.kubeconfig,
            context: self.context,
            namespace: None,
            selector: self.selector.0,
            port: match self.port {
                None => PortRule::Default,
                Some(PortEntry::Number(number)) => PortRule::Number(number),
                Some(PortEntry::Name(name)) => PortRule::Name(name),
            },
            scheme,
            metrics_path: self.metrics_path.unwrap_or_else(|| "/metrics".into()),
            pace,
            access,
            fixed: PodScope { model: self.model, environment: self.environment, deployment: self.deployment },
            rules: self.pod_labels.or(ScopeRules { model: Vec::new(), ..ScopeRules::default() }),
            download_containers: downloads.iter().map(pattern).collect::<Result<_, _>>()?,
            has_replicas: self.replicas.unwrap_or(true),
        };
        let namespaces = match self.namespaces.is_empty() {
            true => vec![None],
            false => self.namespaces.into_iter().map(Some).collect(),
        };
        Ok(namespaces
            .into_iter()
            .map(|namespace| ClusterSource::new(ClusterSpec { namespace, ..spec.clone() }))
            .collect())
    }
}

/// A cluster to watch, and the target with the families about its pods.
#[derive(Clone, Debug)]
pub struct ClusterSource {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// The target.
    pub target: Arc<Target>,
}

impl ClusterSource {
    fn new(spec: ClusterSpec) -> Self {
        // The families name the model of each pod. If they name one model only, it is not necessarily that of later
        // pods.
        let rules = ScopeRules { model: Vec::new(), ..ScopeRules::default() };
        let (instance, pace) = (spec.instance(), spec.pace);
        let identity = Identity { job: Some("kubernetes".into()), instance, rules, ..Identity::default() };
        let cluster = Arc::new(Cluster::new(spec));
        let source = Source::Cluster(Arc::<Cluster>::clone(&cluster));
        Self { cluster, target: Arc::new(Target { source, identity, pace }) }
    }
}
