//! Pod statuses as API servers return them, and the states they mean.
use crate::sources::kubernetes::pod_state::*;
use serde_json::{Value, json};

/// The state of a pod for which `conditions` are true, with this phase and these container statuses.
fn state(conditions: &[&str], phase: &str, inits: &Value, containers: &Value) -> &'static str {
    let conditions: Vec<Value> = ["PodScheduled", "PodReadyToStartContainers", "Initialized", "Ready"]
        .iter()
        .map(|kind| {
            let status = if conditions.contains(kind) { "True" } else { "False" };
            json!({"type": kind, "status": status, "lastTransitionTime": "2026-11-22T10:00:00Z"})
        })
        .collect();
    state_of_json(json!({"metadata": {"name": "p"}, "status": {"phase": phase, "conditions": conditions,
        "initContainerStatuses": inits, "containerStatuses": containers}}))
}

fn state_of_json(pod: Value) -> &'static str {
    let pod: Pod = serde_json::from_value(pod).expect("a pod");
    state_of(&pod, &|name| name.contains("download")).id()
}

fn container(name: &str, state: &Value) -> Value {
    json!({"name": name, "ready": false, "restartCount": 0, "image": "i", "imageID": "", "state": state})
}

fn waiting(reason: &str) -> Value {
    json!([container("vllm", &json!({"waiting": {"reason": reason}}))])
}

fn running(name: &str, started: &str) -> Value {
    json!([container(name, &json!({"running": {"startedAt": started}}))])
}

fn ended(name: &str, code: i32, reason: &str) -> Value {
    json!([container(name, &json!({"terminated": {"exitCode": code, "reason": reason}}))])
}

const NONE: Value = Value::Null;
const PLACED: &[&str] = &["PodScheduled"];
const SANDBOX: &[&str] = &["PodScheduled", "PodReadyToStartContainers"];

#[test]
fn a_pod_goes_from_pending_to_running() {
    assert_eq!(state(&[], "Pending", &NONE, &NONE), "pending");
    assert_eq!(state(PLACED, "Pending", &NONE, &waiting("ContainerCreating")), "pending", "no sandbox yet");
    assert_eq!(state(SANDBOX, "Pending", &NONE, &waiting("ContainerCreating")), "pulling");
    assert_eq!(state(SANDBOX, "Running", &NONE, &running("vllm", "2026-11-22T10:00:30Z")), "initializing");
    let ready = [SANDBOX, &["Initialized", "Ready"]].concat();
    assert_eq!(state(&ready, "Running", &NONE, &running("vllm", "2026-11-22T10:00:30Z")), "running");
}

#[test]
fn init_containers_download_the_weights() {
    let main = || waiting("PodInitializing");
    assert_eq!(state(SANDBOX, "Pending", &waiting("PodInitializing"), &main()), "pulling");
    let since = "2026-11-22T10:00:10Z";
    assert_eq!(state(SANDBOX, "Pending", &running("download-weights", since), &main()), "downloading");
    assert_eq!(state(SANDBOX, "Pending", &running("warm-up", since), &main()), "initializing");
    assert_eq!(state(SANDBOX, "Pending", &ended("download-weights", 0, "Completed"), &main()), "pulling");
    assert_eq!(state(SANDBOX, "Pending", &ended("download-weights", 1, "Error"), &main()), "failed");
    let beside = json!({"metadata": {"name": "p"},
        "spec": {"containers": [], "initContainers": [{"name": "proxy", "restartPolicy": "Always"}]},
        "status": {"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "True"}],
            "initContainerStatuses": running("proxy", since), "containerStatuses": running("vllm", since)}});
    assert_eq!(state_of_json(beside), "initializing", "no container waits for a sidecar");
}

#[test]
fn a_container_that_cannot_start_has_failed() {
    for reason in ["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError"] {
        assert_eq!(state(SANDBOX, "Pending", &NONE, &waiting(reason)), "failed", "{reason}");
    }
    assert_eq!(state(SANDBOX, "Running", &NONE, &ended("vllm", 137, "OOMKilled")), "failed");
    assert_eq!(state(SANDBOX, "Failed", &NONE, &ended("vllm", 1, "Error")), "failed");
    assert_eq!(state(&[], "Failed", &NONE, &NONE), "failed", "evicted");
}

#[test]
fn a_pod_that_lost_its_readiness_has_failed() {
    // According to its condition it became unready at ten.
    assert_eq!(state(SANDBOX, "Running", &NONE, &running("vllm", "2026-11-22T09:00:00Z")), "failed");
    assert_eq!(state(SANDBOX, "Running", &NONE, &running("vllm", "2026-11-22T10:00:05Z")), "initializing", "a new run");
}

#[test]
fn a_pod_that_ends_has_stopped() {
    assert_eq!(state(SANDBOX, "Succeeded", &NONE, &ended("vllm", 0, "Completed")), "stopped");
    let leaving = json!({"metadata": {"name": "p", "deletionTimestamp": "2026-11-22T10:00:00Z"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    assert_eq!(state_of_json(leaving), "stopped");
    assert_eq!(state_of_json(json!({"metadata": {"name": "p"}})), "pending", "it has no status");
}
