//! Pods through lists and events, and the page they come to.
use crate::sources::kubernetes::cluster::Known;
use crate::sources::kubernetes::families::families;
use crate::sources::kubernetes::pods::*;
use crate::sources::kubernetes::{PortRule, Scope};
use crate::target::Pace;
use crate::target::scope_rules::ScopeRules;
use catalogue::contract::names::REPLICA_READY_SECONDS;
use exposition::{Encoding, write};
use serde_json::{Value, json};
use std::time::Duration;

fn spec_of(port: PortRule) -> Spec {
    let second = Duration::from_secs(1);
    Spec {
        kubeconfig: None,
        context: None,
        namespace: None,
        selector: String::new(),
        port,
        scheme: "http".into(),
        metrics_path: "/metrics".into(),
        pace: Pace { interval: second, timeout: second },
        authorization: None,
        fixed: Scope::default(),
        rules: ScopeRules { model: vec!["served".into()], ..ScopeRules::default() },
        downloads: Vec::new(),
    }
}

/// A pod that runs, whose container was started again this often, the last time for this reason.
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

/// The page's lines that begin like this.
fn lines(known: &mut Known, beginning: &str) -> Vec<String> {
    let mut page = String::new();
    write(&families(known), Encoding::TEXT, &mut page);
    page.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
}

const LABELS: &str = "model=\"m\",environment=\"n\",deployment=\"chat\",namespace=\"n\",replica=\"p\"";

#[test]
fn a_pod_becomes_series_and_a_target() {
    let (spec, mut known) = (spec_of(PortRule::Usual), Known::default());
    known.pods.take(&spec, Event::Apply(read(pod("p", 0, ""))));
    let states = lines(&mut known, "inferboard_replica_state{");
    assert_eq!(states.len(), 7);
    assert!(states.contains(&format!("inferboard_replica_state{{{LABELS},state=\"running\"}} 1.0")), "{states:?}");
    assert_eq!(lines(&mut known, "inferboard_replica_ready"), [format!("{REPLICA_READY_SECONDS}{{{LABELS}}} 40.0")]);
    let targets = known.pods.targets();
    let [target] = &targets[..] else { panic!("{targets:?}") };
    assert_eq!(target.key(), "http://10.0.0.1:2/metrics");
    for (rule, key) in [(PortRule::Number(9), Some("9")), (PortRule::Name("none".into()), None)] {
        let (spec, mut pods) = (spec_of(rule), Pods::default());
        pods.take(&spec, Event::Apply(read(pod("p", 0, ""))));
        let ports: Vec<_> = pods.targets().iter().map(|target| target.key().contains(":9/")).collect();
        assert_eq!(ports, key.map_or(vec![], |_| vec![true]));
    }
}

#[test]
fn restarts_count_from_the_first_look_on() {
    let (spec, mut known) = (spec_of(PortRule::Usual), Known::default());
    let counts = |known: &mut Known| -> Vec<String> {
        let told = lines(known, "inferboard_replica_restarts_total{");
        told.iter().filter(|line| !line.ends_with(" 0.0")).map(|line| line.replace(LABELS, "")).collect()
    };
    known.pods.take(&spec, Event::Apply(read(pod("p", 5, "OOMKilled"))));
    assert!(counts(&mut known).is_empty(), "when those were is not known");
    known.pods.take(&spec, Event::Apply(read(pod("p", 8, "OOMKilled"))));
    assert_eq!(
        counts(&mut known),
        [
            "inferboard_replica_restarts_total{,reason=\"OOMKilled\"} 1.0",
            "inferboard_replica_restarts_total{,reason=\"unknown\"} 2.0",
        ]
    );
    assert_eq!(lines(&mut known, "inferboard_replica_ready"), [format!("{REPLICA_READY_SECONDS}{{{LABELS}}} 10.0")]);
}

#[test]
fn what_a_new_list_lacks_is_told_once_as_stopped() {
    let (spec, mut known) = (spec_of(PortRule::Usual), Known::default());
    known.pods.take(&spec, Event::Apply(read(pod("p", 0, ""))));
    known.pods.take(&spec, Event::Apply(read(pod("q", 0, ""))));
    known.pods.take(&spec, Event::Init);
    known.pods.take(&spec, Event::InitApply(read(pod("q", 0, ""))));
    assert_eq!(lines(&mut known, "inferboard_replica_state{").len(), 14, "the list is not complete");
    known.pods.take(&spec, Event::InitDone);
    let stopped = format!("inferboard_replica_state{{{LABELS},state=\"stopped\"}} 1.0");
    assert!(lines(&mut known, "inferboard_replica_state{").contains(&stopped));
    assert_eq!(lines(&mut known, "inferboard_replica_state{").len(), 7);
    known.pods.take(&spec, Event::Delete(read(pod("q", 0, ""))));
    assert_eq!(lines(&mut known, "inferboard_replica_state{").len(), 7);
    assert!(lines(&mut known, "inferboard_replica_state{").is_empty() && known.pods.targets().is_empty());
}
