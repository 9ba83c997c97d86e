//! Derives the replica state of a pod from its status. Source: the Kubernetes API, `PodStatus` in `core/v1`.
use catalogue::contract::ReplicaState;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// Reasons why a container waits that are normal while a pod starts.
const NORMAL_WAIT_REASONS: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The state of `pod`. Init containers whose name `is_download` accepts download the weights.
pub(crate) fn state_of(pod: &Pod, is_download: &dyn Fn(&str) -> bool) -> ReplicaState {
    let no_status = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&no_status);
    match status.phase.as_deref() {
        _ if pod.metadata.deletion_timestamp.is_some() => return ReplicaState::Stopped,
        Some("Succeeded") => return ReplicaState::Stopped,
        Some("Failed") => return ReplicaState::Failed,
        _ => {}
    }
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    let inits: Vec<&ContainerStatus> = init_containers(pod, status).collect();
    if containers.iter().chain(inits.iter().copied()).any(is_broken) {
        return ReplicaState::Failed;
    }
    if is_true(status, "Ready") {
        return ReplicaState::Running;
    }
    let has_node = is_true(status, "PodScheduled") || pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    if !has_node {
        return ReplicaState::Pending;
    }
    // Once the sandbox with network and volumes is ready, a waiting container waits for its image. Clusters before 1.29
    // lack this condition, so there the reason is unknown.
    let waiting =
        if is_true(status, "PodReadyToStartContainers") { ReplicaState::Pulling } else { ReplicaState::Pending };
    if let Some(init) = inits.iter().find(|init| !has_ended(init)) {
        return match is_running(init) {
            true if is_download(&init.name) => ReplicaState::Downloading,
            true => ReplicaState::Initializing,
            false => waiting,
        };
    }
    if containers.is_empty() || containers.iter().any(|container| !is_running(container) && !has_ended(container)) {
        return waiting;
    }
    if has_lost_readiness(status, containers) { ReplicaState::Failed } else { ReplicaState::Initializing }
}

/// The time at which the pod became ready, if it is ready now.
pub(crate) fn ready_since(pod: &Pod) -> Option<&Time> {
    let ready = condition(pod.status.as_ref()?, "Ready")?;
    ready.last_transition_time.as_ref().filter(|_| ready.status == "True")
}

/// The init containers that run before the others, without sidecars (`restartPolicy: Always`).
fn init_containers<'p>(pod: &'p Pod, status: &'p PodStatus) -> impl Iterator<Item = &'p ContainerStatus> {
    let specs = pod.spec.as_ref().and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
    let is_sidecar =
        |name: &str| specs.iter().any(|spec| spec.name == name && spec.restart_policy.as_deref() == Some("Always"));
    let statuses = status.init_container_statuses.as_deref().unwrap_or_default();
    statuses.iter().filter(move |status| !is_sidecar(&status.name))
}

/// Whether the container cannot start, or has ended with an error and waits for its restart.
fn is_broken(container: &ContainerStatus) -> bool {
    let Some(state) = &container.state else { return false };
    let waits = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_deref());
    waits.is_some_and(|reason| !NORMAL_WAIT_REASONS.contains(&reason))
        || state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0)
}

fn is_running(container: &ContainerStatus) -> bool {
    container.state.as_ref().is_some_and(|state| state.running.is_some())
}

fn has_ended(container: &ContainerStatus) -> bool {
    container.state.as_ref().is_some_and(|state| state.terminated.is_some())
}

/// Whether the pod has been ready since its containers started: it became unready after that.
fn has_lost_readiness(status: &PodStatus, containers: &[ContainerStatus]) -> bool {
    let since = condition(status, "Ready").and_then(|ready| ready.last_transition_time.as_ref());
    let started = |container: &ContainerStatus| container.state.as_ref()?.running.as_ref()?.started_at.clone();
    since.zip(containers.iter().filter_map(started).max()).is_some_and(|(since, started)| *since > started)
}

fn is_true(status: &PodStatus, kind: &str) -> bool {
    condition(status, kind).is_some_and(|condition| condition.status == "True")
}

fn condition<'s>(status: &'s PodStatus, kind: &str) -> Option<&'s PodCondition> {
    status.conditions.as_deref()?.iter().find(|condition| condition.type_ == kind)
}

#[cfg(test)]
mod tests;
