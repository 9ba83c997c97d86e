//! The families about pods and their scaling.
use crate::sources::families::{family, sample};
use crate::sources::kubernetes::Scope;
use crate::sources::kubernetes::cluster::Known;
use crate::sources::kubernetes::pod::KnownPod;
use catalogue::contract::{ReplicaState, names};
use exposition::{Family, Kind};
use std::collections::BTreeMap;

/// The current families. A pod that is gone is included once more, as stopped.
pub(crate) fn families(known: &mut Known) -> Vec<Family> {
    let scale = scale_families(known);
    let gone = known.pods.take_gone();
    let models = models(known.pods.iter());
    let mut states =
        family(names::REPLICA_STATE, Kind::Gauge, "1 for the state that the replica is in, 0 for the others.");
    let mut restarts = family(
        names::REPLICA_RESTARTS_TOTAL,
        Kind::Counter,
        "Restarts of the replica's containers, by why they ended.",
    );
    let mut ready =
        family(names::REPLICA_READY_SECONDS, Kind::Gauge, "Seconds from the start of the replica until it was ready.");
    for pod in known.pods.iter().chain(&gone) {
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

/// Desired, least and greatest number of pods, of all workloads of one scope together.
fn scale_families(known: &Known) -> Vec<Family> {
    let models = models(known.pods.iter());
    let mut sums: [BTreeMap<Vec<(String, String)>, f64>; 3] = Default::default();
    for (workload, scope) in &known.pods.workloads {
        let bounds = known.scale.bounds(workload);
        let numbers = [known.scale.desired(workload), bounds.map(|bounds| bounds.min), bounds.map(|bounds| bounds.max)];
        let mut labels = scope_labels(scope, &models);
        labels.push(("namespace".into(), workload.namespace.clone()));
        for (sum, number) in sums.iter_mut().zip(numbers) {
            if let Some(number) = number {
                *sum.entry(labels.clone()).or_default() += f64::from(number);
            }
        }
    }
    let scale = [
        (names::REPLICAS_DESIRED, "Replicas that are wanted now."),
        (names::REPLICAS_MIN, "The least number of replicas to scale to."),
        (names::REPLICAS_MAX, "The greatest number of replicas to scale to."),
    ];
    let families = scale.into_iter().zip(sums).map(|((name, help), sums)| {
        let samples = sums.into_iter().map(|(labels, sum)| sample(name, labels, sum)).collect();
        Family { samples, ..family(name, Kind::Gauge, help) }
    });
    families.filter(|family| !family.samples.is_empty()).collect()
}

/// The models that pages of pods have named, by the rest of the scope: pods of one deployment serve the same.
fn models<'p>(pods: impl Iterator<Item = &'p KnownPod>) -> BTreeMap<Scope, String> {
    pods.filter_map(|pod| Some((pod.scope.clone(), pod.page_model.get()?))).collect()
}

fn pod_labels(pod: &KnownPod, models: &BTreeMap<Scope, String>) -> Vec<(String, String)> {
    let mut labels = scope_labels(&pod.scope, models);
    labels.push(("namespace".into(), pod.namespace.clone()));
    labels.push(("replica".into(), pod.replica.clone()));
    labels
}

fn scope_labels(scope: &Scope, models: &BTreeMap<Scope, String>) -> Vec<(String, String)> {
    let model = scope.model.as_ref().or_else(|| models.get(scope));
    let words =
        [("model", model), ("environment", scope.environment.as_ref()), ("deployment", scope.deployment.as_ref())];
    words.into_iter().filter_map(|(word, value)| Some((word.to_owned(), value?.clone()))).collect()
}
