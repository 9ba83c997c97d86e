//! What the companion itself reports of a Kubernetes cluster: the state of each pod, and the bounds of its autoscalers.
use crate::page::{Kind, PageSink, PageSource};
use catalogue::contract::{ReplicaState, RestartReason, names};

/// A pod as the cluster shows it.
pub(crate) struct Pod<'a> {
    /// The labels `model`, `environment`, `deployment`, `namespace` and `replica`.
    pub(crate) labels: [(&'a str, &'a str); 5],
    pub(crate) state: ReplicaState,
    /// Restarts by reason, in the order of [`RestartReason::ALL`].
    pub(crate) restarts: [f64; 4],
    /// How long it took to be ready, if it is.
    pub(crate) ready_s: Option<f64>,
}

/// A workload with its autoscaler.
pub(crate) struct Scale<'a> {
    /// The labels `model`, `environment`, `deployment` and `namespace`.
    pub(crate) labels: [(&'a str, &'a str); 4],
    pub(crate) desired: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

fn with<'a, const N: usize>(labels: &[(&'a str, &'a str); N], more: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    labels.iter().copied().chain([more]).collect()
}

impl PageSource for Pod<'_> {
    fn write(&self, page: &mut impl PageSink) {
        write_pod(self, page);
    }
}

impl PageSource for Scale<'_> {
    fn write(&self, page: &mut impl PageSink) {
        write_scale(self, page);
    }
}

/// The families about a pod.
fn write_pod(pod: &Pod<'_>, page: &mut impl PageSink) {
    let help = "1 for the state that the replica is in, 0 for the others.";
    page.family(names::REPLICA_STATE, Kind::Gauge, help);
    for state in ReplicaState::REPORTED {
        page.sample("", &with(&pod.labels, ("state", state.id())), f64::from(state == pod.state));
    }
    let help = "Restarts of the replica's containers, by the reason why they ended.";
    page.family(names::REPLICA_RESTARTS_TOTAL, Kind::Counter, help);
    for (reason, count) in RestartReason::ALL.into_iter().zip(pod.restarts) {
        page.sample("", &with(&pod.labels, ("reason", reason.id())), count);
    }
    if let Some(ready_s) = pod.ready_s {
        let help = "Seconds from the start of the replica until it was ready.";
        page.gauge(names::REPLICA_READY_SECONDS, help, &pod.labels, ready_s);
    }
}

/// The families about the scaling of a workload.
fn write_scale(scale: &Scale<'_>, page: &mut impl PageSink) {
    for (name, help, value) in [
        (names::REPLICAS_DESIRED, "Replicas that are wanted now.", scale.desired),
        (names::REPLICAS_MIN, "The minimum number of replicas to scale to.", scale.min),
        (names::REPLICAS_MAX, "The maximum number of replicas to scale to.", scale.max),
    ] {
        page.gauge(name, help, &scale.labels, value);
    }
}
