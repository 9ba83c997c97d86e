//! Tracks one pod: its scope, state and restarts, and the target to scrape.
use crate::sources::kubernetes::pod_state::{ready_since, state_of};
use crate::sources::kubernetes::{ClusterSpec, PodScope, PortRule};
use crate::target::identity::Identity;
use crate::target::{Endpoint, ModelName, Source, Target};
use catalogue::contract::{ReplicaState, RestartReason};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use reqwest::Url;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Usual names of ports that serve metrics, in order of preference.
const DEFAULT_PORT_NAMES: [&str; 2] = ["metrics", "http"];

/// The workload, such as a deployment, that a pod belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Workload {
    pub(crate) namespace: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// A pod and its history since the watch began.
#[derive(Debug)]
pub(crate) struct TrackedPod {
    pub(crate) namespace: String,
    pub(crate) replica: String,
    pub(crate) scope: PodScope,
    pub(crate) workload: Option<Workload>,
    pub(crate) state: ReplicaState,
    /// Restarts since the watch began, by reason.
    pub(crate) restarts: BTreeMap<RestartReason, u32>,
    /// How long the pod took to become ready in this run.
    pub(crate) ready_s: Option<f64>,
    /// The model that its metrics page names.
    pub(crate) page_model: Arc<ModelName>,
    target: Option<Arc<Target>>,
    /// The last restart count of each container.
    restart_counts: BTreeMap<String, i32>,
}

impl TrackedPod {
    /// A new pod. Its earlier restarts do not count.
    pub(crate) fn new(spec: &ClusterSpec, pod: &Pod) -> Self {
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        let mut known = Self {
            replica: String::new(),
            scope: PodScope::default(),
            workload: workload_of(&pod.metadata),
            state: ReplicaState::Pending,
            restarts: RestartReason::ALL.map(|reason| (reason, 0)).into(),
            ready_s: None,
            page_model: Arc::default(),
            target: None,
            restart_counts: statuses(pod).map(|status| (status.name.clone(), status.restart_count)).collect(),
            namespace,
        };
        known.update(spec, pod);
        known
    }

    /// Updates the pod with its new status.
    pub(crate) fn update(&mut self, spec: &ClusterSpec, pod: &Pod) {
        let label = |names: &[String]| {
            let labels = pod.metadata.labels.as_ref()?;
            names.iter().find_map(|name| labels.get(name)).filter(|value| !value.is_empty()).cloned()
        };
        let (fixed, rules) = (&spec.fixed, &spec.rules);
        let workload = self.workload.as_ref().map(|workload| workload.name.clone());
        self.scope = PodScope {
            model: fixed.model.clone().or_else(|| label(&rules.model)),
            environment: fixed
                .environment
                .clone()
                .or_else(|| label(&rules.environment))
                .or(Some(self.namespace.clone())),
            deployment: fixed.deployment.clone().or_else(|| label(&rules.deployment)).or(workload),
        };
        self.replica = label(&rules.replica).or_else(|| pod.metadata.name.clone()).unwrap_or_default();
        self.count_restarts(pod);
        let previous = self.state;
        self.state = state_of(pod, &|name| spec.download_containers.iter().any(|pattern| pattern.matches(name)));
        match self.state {
            // A pod that only lost its readiness for a while has not started again.
            ReplicaState::Running
                if !matches!(previous, ReplicaState::Running | ReplicaState::Failed) || self.ready_s.is_none() =>
            {
                let restarted = latest_start(pod).filter(|_| statuses(pod).any(|status| status.restart_count > 0));
                self.ready_s = ready_after(pod, restarted.as_ref().or(pod.metadata.creation_timestamp.as_ref()));
            }
            ReplicaState::Running | ReplicaState::Failed => {}
            _ => self.ready_s = None,
        }
        self.target = self.make_target(spec, pod).map(|new| match self.target.take() {
            Some(current) if *current == new => current,
            _ => Arc::new(new),
        });
    }

    /// The pod after it was deleted.
    pub(crate) fn stopped(self) -> Self {
        Self { state: ReplicaState::Stopped, ready_s: None, target: None, ..self }
    }

    /// Its target; none before it has an address and after it ended.
    pub(crate) fn target(&self) -> Option<&Arc<Target>> {
        self.target.as_ref()
    }

    fn count_restarts(&mut self, pod: &Pod) {
        for status in statuses(pod) {
            let previous = self.restart_counts.insert(status.name.clone(), status.restart_count).unwrap_or(0);
            let added = u32::try_from(status.restart_count - previous).unwrap_or(0);
            if added == 0 {
                continue;
            }
            // The status has the reason of the last restart only.
            *self.restarts.entry(last_reason(status)).or_default() += 1;
            *self.restarts.entry(RestartReason::Unknown).or_default() += added - 1;
            self.ready_s = None;
        }
    }

    fn make_target(&self, spec: &ClusterSpec, pod: &Pod) -> Option<Target> {
        let status = pod.status.as_ref()?;
        if matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
            return None;
        }
        let address: IpAddr = status.pod_ip.as_deref()?.parse().ok()?;
        let port = port_of(&spec.port, pod)?;
        let mut url: Url = format!("{}://{}", spec.scheme, std::net::SocketAddr::new(address, port)).parse().ok()?;
        url.set_path(&spec.metrics_path);
        // An exporter belongs to what its metrics page names, unless the configuration says it.
        let scope = if spec.has_replicas { &self.scope } else { &spec.fixed };
        let PodScope { model, environment, deployment } = scope.clone();
        let mut labels = vec![("namespace".into(), self.namespace.clone())];
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).filter(|_| !spec.has_replicas);
        labels.extend(node.map(|node| ("node".into(), node)));
        Some(Target {
            identity: Identity {
                instance: crate::target::instance_of(&url)?,
                model,
                environment,
                deployment,
                replica: spec.has_replicas.then(|| self.replica.clone()),
                labels,
                ..Identity::default()
            },
            source: Source::Pod {
                endpoint: Endpoint { url, access: Arc::clone(&spec.access) },
                model: Arc::clone(&self.page_model),
            },
            pace: spec.pace,
        })
    }
}

/// The pod's workload. A replica set whose name ends with the pod's template hash belongs to a deployment.
fn workload_of(metadata: &ObjectMeta) -> Option<Workload> {
    let owner = metadata.owner_references.as_deref()?.iter().find(|owner| owner.controller == Some(true))?;
    let hash = metadata.labels.as_ref().and_then(|labels| labels.get("pod-template-hash"));
    let deployment = hash.and_then(|hash| owner.name.strip_suffix(hash)?.strip_suffix('-'));
    let (kind, name) = match deployment {
        Some(name) if owner.kind == "ReplicaSet" => ("Deployment", name),
        _ => (&*owner.kind, &*owner.name),
    };
    let namespace = metadata.namespace.clone().unwrap_or_default();
    Some(Workload { namespace, kind: kind.to_owned(), name: name.to_owned() })
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().filter_map(|status| status.container_statuses.as_deref()).flatten()
}

fn last_reason(status: &ContainerStatus) -> RestartReason {
    let ended = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    let reason = ended.and_then(|ended| ended.reason.as_deref());
    reason.and_then(RestartReason::from_id).unwrap_or(RestartReason::Unknown)
}

/// Seconds from `start` until the pod was ready.
fn ready_after(pod: &Pod, start: Option<&Time>) -> Option<f64> {
    let (ready, start) = (ready_since(pod)?, start?);
    Some(((ready.0.as_millisecond() - start.0.as_millisecond()) as f64 / 1000.0).max(0.0))
}

/// When the most recently started container started.
fn latest_start(pod: &Pod) -> Option<Time> {
    statuses(pod).filter_map(|status| status.state.as_ref()?.running.as_ref()?.started_at.clone()).max()
}

fn port_of(rule: &PortRule, pod: &Pod) -> Option<u16> {
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let ports = || containers.iter().filter_map(|container| container.ports.as_deref()).flatten();
    let named = |name: &str| ports().find(|port| port.name.as_deref() == Some(name));
    let port = match rule {
        PortRule::Number(number) => return Some(*number),
        PortRule::Name(name) => named(name),
        PortRule::Default => DEFAULT_PORT_NAMES.into_iter().find_map(named).or_else(|| ports().next()),
    };
    u16::try_from(port?.container_port).ok()
}
