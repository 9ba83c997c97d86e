//! Kubernetes: watches the pods of a cluster and derives targets and families from them.
pub mod cluster;
pub mod connect;
pub mod failure;
pub mod families;
pub mod pod;
pub mod pod_state;
pub mod pods;
pub mod scaling;
pub mod watch;

use crate::target::Pace;
use crate::target::access::Access;
use crate::target::scope_rules::ScopeRules;
use std::path::PathBuf;
use std::sync::Arc;

/// Which pods of a cluster are replicas, and how to scrape them.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterSpec {
    /// The kubeconfig file; by default the user's, or in a pod its service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig; by default the current one.
    pub context: Option<String>,
    /// The namespace; by default the context's. `*` is all namespaces.
    pub namespace: Option<String>,
    /// A label selector, such as `app=vllm`.
    pub selector: String,
    /// The port of the metrics page.
    pub port: PortRule,
    /// `http` or `https`.
    pub scheme: String,
    /// The path of the metrics page.
    pub metrics_path: String,
    /// The interval and timeout of scrapes, also of the families about pods.
    pub pace: Pace,
    /// How the metrics pages are requested.
    pub access: Arc<Access>,
    /// The parts of the scope that are the same for all pods.
    pub fixed: PodScope,
    /// The pod labels that contain the other parts.
    pub rules: ScopeRules,
    /// Patterns for the names of init containers that download weights.
    pub download_containers: Vec<glob::Pattern>,
    /// Whether the pods are replicas, rather than exporters that measure something else.
    pub has_replicas: bool,
}

/// How to find the port of a pod's metrics page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortRule {
    /// The port named `metrics` or `http`, otherwise the first declared one.
    Default,
    /// The port with this name.
    Name(String),
    /// The port with this number, declared or not.
    Number(u16),
}

/// The scope of a pod, without the replica.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodScope {
    /// The model.
    pub model: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The deployment.
    pub deployment: Option<String>,
}

impl ClusterSpec {
    /// The label `instance` of the families about the pods: context, namespace and, if there is one, selector.
    pub fn instance(&self) -> String {
        let context = self.context.as_deref().unwrap_or("cluster");
        let parts = [context, self.namespace.as_deref().unwrap_or("default"), &self.selector];
        parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
    }
}
