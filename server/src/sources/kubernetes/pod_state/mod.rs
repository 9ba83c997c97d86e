//! What a pod is doing, from its status as the Kubernetes API documents it (`PodStatus` in `core/v1`).
use catalogue::contract::ReplicaState;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// Reasons of a waiting container that do not mean that it cannot start.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The state of `pod`, where init containers whose name `downloads` accepts bring the weights.
pub(crate) fn state_of(pod: &Pod, downloads: &dyn Fn(&str) -> bool) -> ReplicaState {
    let no_status = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&no_status);
    match status.phase.as_deref() {
        _ if pod.metadata.deletion_timestamp.is_some() => return ReplicaState::Stopped,
        Some("Succeeded") => return ReplicaState::Stopped,
        Some("Failed") => return ReplicaState::Failed,
        _ => {}
    }
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    let inits: Vec<&ContainerStatus> = initializing(pod, status).collect();
    if containers.iter().chain(inits.iter().copied()).any(is_broken) {
        return ReplicaState::Failed;
    }
    if is_true(status, "Ready") {
        return ReplicaState::Running;
    }
    let is_placed = is_true(status, "PodScheduled") || pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    if !is_placed {
        return ReplicaState::Pending;
    }
    // Once there is a sandbox with its network and volumes, what a container waits for is its image. Clusters that do not
    // tell (before 1.29) leave it open.
    let waiting =
        if is_true(status, "PodReadyToStartContainers") { ReplicaState::Pulling } else { ReplicaState::Pending };
    if let Some(init) = inits.iter().find(|init| !has_ended(init)) {
        return match is_running(init) {
            true if downloads(&init.name) => ReplicaState::Downloading,
            true => ReplicaState::Initializing,
            false => waiting,
        };
    }
    if containers.is_empty() || containers.iter().any(|container| !is_running(container) && !has_ended(container)) {
        return waiting;
    }
    if has_lost_readiness(status, containers) { ReplicaState::Failed } else { ReplicaState::Initializing }
}

/// Since when the pod is ready.
pub(crate) fn ready_since(pod: &Pod) -> Option<&Time> {
    let ready = condition(pod.status.as_ref()?, "Ready")?;
    ready.last_transition_time.as_ref().filter(|_| ready.status == "True")
}

/// The init containers that come before the others; those that run beside them are none (`restartPolicy: Always`).
fn initializing<'p>(pod: &'p Pod, status: &'p PodStatus) -> impl Iterator<Item = &'p ContainerStatus> {
    let specs = pod.spec.as_ref().and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
    let is_sidecar =
        |name: &str| specs.iter().any(|spec| spec.name == name && spec.restart_policy.as_deref() == Some("Always"));
    let statuses = status.init_container_statuses.as_deref().unwrap_or_default();
    statuses.iter().filter(move |status| !is_sidecar(&status.name))
}

/// Whether it cannot start, or ended with an error and waits to be started again.
fn is_broken(container: &ContainerStatus) -> bool {
    let Some(state) = &container.state else { return false };
    let waits = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_deref());
    waits.is_some_and(|reason| !STARTING.contains(&reason))
        || state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0)
}

fn is_running(container: &ContainerStatus) -> bool {
    container.state.as_ref().is_some_and(|state| state.running.is_some())
}

fn has_ended(container: &ContainerStatus) -> bool {
    container.state.as_ref().is_some_and(|state| state.terminated.is_some())
}

/// Whether the pod was ready in this run of its containers: it became unready after they had started.
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
