//! The families about pods and their scaling.
use crate::sources::families::{family, sample};
use crate::sources::kubernetes::PodScope;
use crate::sources::kubernetes::cluster::ClusterState;
use crate::sources::kubernetes::pod::{TrackedPod, Workload};
use catalogue::contract::{ReplicaState, names};
use exposition::{Family, Kind};
use std::collections::BTreeMap;

/// The current families. A deleted pod is included once more, as stopped.
pub(crate) fn families(cluster: &mut ClusterState) -> Vec<Family> {
    let scale = scale_families(cluster);
    let deleted = cluster.pods.take_deleted();
    let models = models(cluster.pods.iter());
    let mut states =
        family(names::REPLICA_STATE, Kind::Gauge, "1 for the state that the replica is in, 0 for the others.");
    let mut restarts = family(
        names::REPLICA_RESTARTS_TOTAL,
        Kind::Counter,
        "Restarts of the replica's containers, by the reason why they ended.",
    );
    let mut ready =
        family(names::REPLICA_READY_SECONDS, Kind::Gauge, "Seconds from the start of the replica until it was ready.");
    for pod in cluster.pods.iter().chain(&deleted) {
        let labels = pod_labels(pod, &models);
        let with = |name: &str, value: &str| {
            labels.iter().cloned().chain([(name.to_owned(), value.to_owned())]).collect::<Vec<_>>()
        };
        states.samples.extend(
            ReplicaState::REPORTED
                .map(|state| sample(names::REPLICA_STATE, with("state", state.id()), f64::from(state == pod.state))),
        );
        let counts = pod.restarts.iter();
        restarts.samples.extend(
            counts.map(|(reason, n)| sample(names::REPLICA_RESTARTS_TOTAL, with("reason", reason.id()), f64::from(*n))),
        );
        ready.samples.extend(pod.ready_s.map(|ready_s| sample(names::REPLICA_READY_SECONDS, labels.clone(), ready_s)));
    }
    [states, restarts, ready].into_iter().chain(scale).collect()
}

/// Desired, minimum and maximum number of pods, summed over the workloads of each scope.
fn scale_families(cluster: &ClusterState) -> Vec<Family> {
    let models = models(cluster.pods.iter());
    let sums = |name: &str, help: &str, number_of: &dyn Fn(&Workload) -> Option<i32>| {
        let mut sums: BTreeMap<Vec<(String, String)>, f64> = BTreeMap::new();
        for (workload, scope) in &cluster.pods.workloads {
            if let Some(number) = number_of(workload) {
                let mut labels = scope_labels(scope, &models);
                labels.push(("namespace".into(), workload.namespace.clone()));
                *sums.entry(labels).or_default() += f64::from(number);
            }
        }
        let samples = sums.into_iter().map(|(labels, sum)| sample(name, labels, sum)).collect();
        Family { samples, ..family(name, Kind::Gauge, help) }
    };
    let scale = &cluster.scale;
    let families = [
        sums(names::REPLICAS_DESIRED, "Replicas that are wanted now.", &|workload| scale.desired(workload)),
        sums(names::REPLICAS_MIN, "The minimum number of replicas to scale to.", &|workload| {
            Some(scale.bounds(workload)?.min)
        }),
        sums(names::REPLICAS_MAX, "The maximum number of replicas to scale to.", &|workload| {
            Some(scale.bounds(workload)?.max)
        }),
    ];
    families.into_iter().filter(|family| !family.samples.is_empty()).collect()
}

/// The models that the metrics pages of pods name, by scope: the pods of a deployment serve the same model.
fn models<'p>(pods: impl Iterator<Item = &'p TrackedPod>) -> BTreeMap<PodScope, String> {
    pods.filter_map(|pod| Some((pod.scope.clone(), pod.page_model.get()?))).collect()
}

fn pod_labels(pod: &TrackedPod, models: &BTreeMap<PodScope, String>) -> Vec<(String, String)> {
    let mut labels = scope_labels(&pod.scope, models);
    labels.push(("namespace".into(), pod.namespace.clone()));
    labels.push(("replica".into(), pod.replica.clone()));
    labels
}

fn scope_labels(scope: &PodScope, models: &BTreeMap<PodScope, String>) -> Vec<(String, String)> {
    let model = scope.model.as_ref().or_else(|| models.get(scope));
    let labels =
        [("model", model), ("environment", scope.environment.as_ref()), ("deployment", scope.deployment.as_ref())];
    labels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect()
}
