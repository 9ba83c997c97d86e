//! Pods of a Kubernetes cluster: what each is doing, as targets and as series, followed by one watch.
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
use crate::target::authorization::Authorization;
use crate::target::scope_rules::ScopeRules;
use std::path::PathBuf;
use std::sync::Arc;

/// Which pods of a cluster are replicas, and how their pages are scraped.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The kubeconfig file; by default the usual one, or the service account of the pod that this process is in.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; by default the current one.
    pub context: Option<String>,
    /// The namespace; none for the context's own, `*` for all.
    pub namespace: Option<String>,
    /// A label selector, such as `app=vllm`.
    pub selector: String,
    /// The port of the metrics page.
    pub port: PortRule,
    /// `http` or `https`.
    pub scheme: String,
    /// The path of the metrics page.
    pub metrics_path: String,
    /// How often pages are asked, and the series about pods written.
    pub pace: Pace,
    /// What is sent to the pages.
    pub authorization: Option<Arc<Authorization>>,
    /// Scope words that are the same for all pods.
    pub fixed: Scope,
    /// Labels of pods that tell the others.
    pub rules: ScopeRules,
    /// Names of init containers that bring the weights.
    pub downloads: Vec<glob::Pattern>,
}

/// Which port of a pod has the metrics page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortRule {
    /// The one named `metrics` or `http`, else the first that a container declares.
    Usual,
    /// A container's port by its name.
    Name(String),
    /// This one.
    Number(u16),
}

/// What is served, in the scope's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The model.
    pub model: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The deployment.
    pub deployment: Option<String>,
}

impl Spec {
    /// Where its pods are, as the label `instance` names it: context and namespace, and the selector where there is one.
    pub fn place(&self) -> String {
        let context = self.context.as_deref().unwrap_or("cluster");
        let parts = [context, self.namespace.as_deref().unwrap_or("default"), &self.selector];
        parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
    }
}
