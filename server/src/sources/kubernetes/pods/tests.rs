//! Pods that lists and events add, change and delete, and their families.
use crate::sources::kubernetes::cluster::{Cluster, ClusterState};
use crate::sources::kubernetes::families::families;
use crate::sources::kubernetes::pods::*;
use crate::sources::kubernetes::{PodScope, PortRule};
use crate::target::Pace;
use crate::target::scope_rules::ScopeRules;
use crate::target::source::FamilySource;
use catalogue::contract::names::REPLICA_READY_SECONDS;
use exposition::{Encoding, write};
use serde_json::{Value, json};
use std::time::Duration;

fn spec_of(port: PortRule) -> ClusterSpec {
    let second = Duration::from_secs(1);
    ClusterSpec {
        kubeconfig: None,
        context: None,
        namespace: None,
        selector: String::new(),
        port,
        scheme: "http".into(),
        metrics_path: "/metrics".into(),
        pace: Pace { interval: second, timeout: second },
        access: Arc::default(),
        fixed: PodScope::default(),
        rules: ScopeRules { model: vec!["served".into()], ..ScopeRules::default() },
        download_containers: Vec::new(),
        has_replicas: true,
    }
}

/// A running pod whose container was restarted this often, the last time for this reason.
fn pod(name: &str, restarts: u32, reason: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "uid": name, "creationTimestamp": "2026-11-22T10:00:00Z",
        "labels": {"pod-template-hash": "7f9", "served": "m"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "chat-7f9", "uid": "r",
            "controller": true}]},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 1}, {"name": "metrics", "containerPort": 2}]}]},
        "status": {"phase": "Running", "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-22T10:00:40Z"}],
            "containerStatuses": [{"name": "c", "ready": true, "restartCount": restarts, "image": "i", "imageID": "",
                "state": {"running": {"startedAt": "2026-11-22T10:00:30Z"}},
                "lastState": {"terminated": {"exitCode": 1, "reason": reason}}}]}})
}

fn read(pod: Value) -> Pod {
    serde_json::from_value(pod).expect("a pod")
}

/// The lines of the families' metrics page that begin with `prefix`.
fn lines(cluster: &mut ClusterState, prefix: &str) -> Vec<String> {
    let mut page = String::new();
    write(&families(cluster), Encoding::TEXT, &mut page);
    page.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
}

const LABELS: &str = "model=\"m\",environment=\"n\",deployment=\"chat\",namespace=\"n\",replica=\"p\"";

#[test]
fn a_pod_becomes_series_and_a_target() {
    let (spec, mut cluster) = (spec_of(PortRule::Default), ClusterState::default());
    cluster.pods.apply(&spec, Event::Apply(read(pod("p", 0, ""))));
    let states = lines(&mut cluster, "inferboard_replica_state{");
    assert_eq!(states.len(), 7);
    assert!(states.contains(&format!("inferboard_replica_state{{{LABELS},state=\"running\"}} 1.0")), "{states:?}");
    assert_eq!(lines(&mut cluster, "inferboard_replica_ready"), [format!("{REPLICA_READY_SECONDS}{{{LABELS}}} 40.0")]);
    let targets = cluster.pods.targets();
    let [target] = &targets[..] else { panic!("{targets:?}") };
    assert_eq!(target.key(), "http://10.0.0.1:2/metrics");
    for (rule, key) in [(PortRule::Number(9), Some("9")), (PortRule::Name("none".into()), None)] {
        let (spec, mut pods) = (spec_of(rule), Pods::default());
        pods.apply(&spec, Event::Apply(read(pod("p", 0, ""))));
        let ports: Vec<_> = pods.targets().iter().map(|target| target.key().contains(":9/")).collect();
        assert_eq!(ports, key.map_or(vec![], |_| vec![true]));
    }
}

#[test]
fn restarts_count_from_the_start_of_the_watch() {
    let (spec, mut cluster) = (spec_of(PortRule::Default), ClusterState::default());
    let counts = |cluster: &mut ClusterState| -> Vec<String> {
        let lines = lines(cluster, "inferboard_replica_restarts_total{");
        lines.iter().filter(|line| !line.ends_with(" 0.0")).map(|line| line.replace(LABELS, "")).collect()
    };
    cluster.pods.apply(&spec, Event::Apply(read(pod("p", 5, "OOMKilled"))));
    assert!(counts(&mut cluster).is_empty(), "earlier restarts have no known time");
    cluster.pods.apply(&spec, Event::Apply(read(pod("p", 8, "OOMKilled"))));
    assert_eq!(
        counts(&mut cluster),
        [
            "inferboard_replica_restarts_total{,reason=\"OOMKilled\"} 1.0",
            "inferboard_replica_restarts_total{,reason=\"unknown\"} 2.0",
        ]
    );
    assert_eq!(lines(&mut cluster, "inferboard_replica_ready"), [format!("{REPLICA_READY_SECONDS}{{{LABELS}}} 10.0")]);
}

#[test]
fn a_pod_that_a_new_list_lacks_is_reported_once_as_stopped() {
    let (spec, mut cluster) = (spec_of(PortRule::Default), ClusterState::default());
    cluster.pods.apply(&spec, Event::Apply(read(pod("p", 0, ""))));
    cluster.pods.apply(&spec, Event::Apply(read(pod("q", 0, ""))));
    cluster.pods.apply(&spec, Event::Init);
    cluster.pods.apply(&spec, Event::InitApply(read(pod("q", 0, ""))));
    assert_eq!(lines(&mut cluster, "inferboard_replica_state{").len(), 14, "the list is not complete");
    cluster.pods.apply(&spec, Event::InitDone);
    let stopped = format!("inferboard_replica_state{{{LABELS},state=\"stopped\"}} 1.0");
    assert!(lines(&mut cluster, "inferboard_replica_state{").contains(&stopped));
    assert_eq!(lines(&mut cluster, "inferboard_replica_state{").len(), 7);
    cluster.pods.apply(&spec, Event::Delete(read(pod("q", 0, ""))));
    assert_eq!(lines(&mut cluster, "inferboard_replica_state{").len(), 7);
    assert!(lines(&mut cluster, "inferboard_replica_state{").is_empty() && cluster.pods.targets().is_empty());
}

#[tokio::test]
async fn exporters_are_scraped_and_are_no_replicas() {
    let spec = ClusterSpec { has_replicas: false, ..spec_of(PortRule::Default) };
    let cluster = Cluster::new(spec.clone());
    let mut exporter = pod("p", 0, "");
    exporter["spec"]["nodeName"] = json!("node-1");
    cluster.state().pods.apply(&spec, Event::Apply(read(exporter)));
    cluster.set_status(Ok(()));
    let targets = cluster.targets();
    let [target] = &targets[..] else { panic!("{targets:?}") };
    let labels = [("namespace".to_owned(), "n".to_owned()), ("node".to_owned(), "node-1".to_owned())];
    assert_eq!(target.identity.labels, labels);
    let scope = [&target.identity.model, &target.identity.environment, &target.identity.deployment];
    assert_eq!((scope, &target.identity.replica), ([&None; 3], &None));
    assert!(cluster.families().await.is_ok_and(|families| families.is_empty()));
}
