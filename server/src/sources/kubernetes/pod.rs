//! One pod, as far as it matters here.
use crate::sources::kubernetes::pod_state::{ready_since, state_of};
use crate::sources::kubernetes::{PortRule, Scope, Spec};
use crate::target::identity::Identity;
use crate::target::{Endpoint, ModelName, Source, Target};
use catalogue::contract::{ReplicaState, RestartReason};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use reqwest::Url;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Ports that serve metrics by these names.
const USUAL_PORTS: [&str; 2] = ["metrics", "http"];

/// What a pod belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Workload {
    pub(crate) namespace: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// A pod as it was last seen.
#[derive(Debug)]
pub(crate) struct KnownPod {
    pub(crate) namespace: String,
    /// What the pages are labelled with.
    pub(crate) replica: String,
    pub(crate) scope: Scope,
    pub(crate) workload: Option<Workload>,
    pub(crate) state: ReplicaState,
    /// Restarts since the watch began, by reason.
    pub(crate) restarts: BTreeMap<RestartReason, u32>,
    pub(crate) ready_s: Option<f64>,
    /// The model that its metrics page names.
    pub(crate) page_model: Arc<ModelName>,
    target: Option<Arc<Target>>,
    /// How often each container had been started again when last seen.
    counts: BTreeMap<String, i32>,
}

impl KnownPod {
    /// A pod seen for the first time. What it went through before does not count.
    pub(crate) fn new(spec: &Spec, pod: &Pod) -> Self {
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        let mut known = Self {
            replica: String::new(),
            scope: Scope::default(),
            workload: workload_of(&pod.metadata),
            state: ReplicaState::Pending,
            restarts: RestartReason::ALL.map(|reason| (reason, 0)).into(),
            ready_s: None,
            page_model: Arc::default(),
            target: None,
            counts: statuses(pod).map(|status| (status.name.clone(), status.restart_count)).collect(),
            namespace,
        };
        known.update(spec, pod);
        known
    }

    /// Takes the pod's new status.
    pub(crate) fn update(&mut self, spec: &Spec, pod: &Pod) {
        let label = |names: &[String]| {
            let labels = pod.metadata.labels.as_ref()?;
            names.iter().find_map(|name| labels.get(name)).filter(|value| !value.is_empty()).cloned()
        };
        let (fixed, rules) = (&spec.fixed, &spec.rules);
        let workload = self.workload.as_ref().map(|workload| workload.name.clone());
        self.scope = Scope {
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
        let before = self.state;
        self.state = state_of(pod, &|name| spec.downloads.iter().any(|pattern| pattern.matches(name)));
        match self.state {
            // One that only lost its readiness for a while did not start.
            ReplicaState::Running
                if !matches!(before, ReplicaState::Running | ReplicaState::Failed) || self.ready_s.is_none() =>
            {
                let restarted = latest_start(pod).filter(|_| statuses(pod).any(|status| status.restart_count > 0));
                self.ready_s = ready_after(pod, restarted.as_ref().or(pod.metadata.creation_timestamp.as_ref()));
            }
            ReplicaState::Running | ReplicaState::Failed => {}
            _ => self.ready_s = None,
        }
        self.target = self.make_target(spec, pod).map(|new| match self.target.take() {
            Some(known) if *known == new => known,
            _ => Arc::new(new),
        });
    }

    /// The pod after it went.
    pub(crate) fn ended(self) -> Self {
        Self { state: ReplicaState::Stopped, ready_s: None, target: None, ..self }
    }

    /// What to scrape of it; none before it has an address and after it ended.
    pub(crate) fn target(&self) -> Option<&Arc<Target>> {
        self.target.as_ref()
    }

    fn count_restarts(&mut self, pod: &Pod) {
        for status in statuses(pod) {
            let known = self.counts.insert(status.name.clone(), status.restart_count).unwrap_or(0);
            let more = u32::try_from(status.restart_count - known).unwrap_or(0);
            if more == 0 {
                continue;
            }
            // Of several only the last one's reason is told.
            let told = [(last_reason(status), 1), (RestartReason::Unknown, more - 1)];
            told.into_iter().for_each(|(reason, count)| *self.restarts.entry(reason).or_default() += count);
            self.ready_s = None;
        }
    }

    fn make_target(&self, spec: &Spec, pod: &Pod) -> Option<Target> {
        let status = pod.status.as_ref()?;
        if matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
            return None;
        }
        let address: IpAddr = status.pod_ip.as_deref()?.parse().ok()?;
        let port = port_of(&spec.port, pod)?;
        let mut url: Url = format!("{}://{}", spec.scheme, std::net::SocketAddr::new(address, port)).parse().ok()?;
        url.set_path(&spec.metrics_path);
        let Scope { model, environment, deployment } = self.scope.clone();
        Some(Target {
            identity: Identity {
                instance: crate::target::instance_of(&url)?,
                model,
                environment,
                deployment,
                replica: Some(self.replica.clone()),
                labels: vec![("namespace".into(), self.namespace.clone())],
                ..Identity::default()
            },
            source: Source::Pod {
                endpoint: Endpoint { url, authorization: spec.authorization.clone() },
                model: Arc::clone(&self.page_model),
            },
            pace: spec.pace,
        })
    }
}

/// What controls the pod. Replica sets are made by deployments, whose name and a hash theirs is.
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

/// When the container that was started last was.
fn latest_start(pod: &Pod) -> Option<Time> {
    statuses(pod).filter_map(|status| status.state.as_ref()?.running.as_ref()?.started_at.clone()).max()
}

fn port_of(rule: &PortRule, pod: &Pod) -> Option<u16> {
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let ports = || containers.iter().filter_map(|container| container.ports.as_deref()).flatten();
    let named = |name: &str| ports().find(|port| port.name.as_deref() == Some(name));
    let found = match rule {
        PortRule::Number(number) => return Some(*number),
        PortRule::Name(name) => named(name),
        PortRule::Usual => USUAL_PORTS.into_iter().find_map(named).or_else(|| ports().next()),
    };
    u16::try_from(found?.container_port).ok()
}
