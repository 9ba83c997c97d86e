//! Tests with a fake Kubernetes cluster: the states of pods and their times, restarts with their reasons, and an API
//! server that fails.
use crate::apiserver::{ApiServer, NAMESPACE, kubeconfig};
use crate::certificates::{Authority, Folder, TlsServer, Validity, args_with};
use crate::harness::{Companion, FakeTarget, PlaintextServer, args, http, scratch_file};
use serde_json::{Value, json};
use server::config::Settings;
use server::config::serve_args::ServeArgs;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempPath;

/// The pause after the first failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A pod of the deployment `llama` in `state`, whose metrics page is at `target`.
fn pod(name: &str, target: SocketAddr, state: &str) -> Value {
    let condition = |kind: &str, states: &[&str]| {
        let status = if states.contains(&state) { "True" } else { "False" };
        json!({"type": kind, "status": status, "lastTransitionTime": "2026-11-22T10:01:30Z"})
    };
    let waiting = json!({"waiting": {"reason": "ContainerCreating"}});
    let running = json!({"running": {"startedAt": "2026-11-22T10:01:40Z"}});
    let is_up = ["initializing", "running"].contains(&state);
    let placed = state != "pending";
    let mut pod = json!({
        "metadata": {"name": name, "uid": format!("uid-{name}"), "creationTimestamp": "2026-11-22T10:00:00Z",
            "labels": {"app": "vllm", "pod-template-hash": "7f9c4d", "tier": "gold"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "llama-7f9c4d", "uid": "rs",
                "controller": true}]},
        "spec": {"containers": [{"name": "vllm", "ports": [{"name": "http", "containerPort": target.port()}]}]},
        "status": {"phase": if is_up { "Running" } else { "Pending" }, "conditions": [
            condition("PodScheduled", &["pulling", "initializing", "running"]),
            condition("PodReadyToStartContainers", &["pulling", "initializing", "running"]),
            condition("Ready", &["running"])]}});
    if placed {
        pod["status"]["containerStatuses"] = json!([{"name": "vllm", "ready": state == "running", "restartCount": 0,
            "image": "vllm", "imageID": "", "state": if is_up { running } else { waiting }}]);
    }
    if is_up {
        pod["status"]["podIP"] = target.ip().to_string().into();
    }
    pod
}

fn deployment(replicas: u32) -> Value {
    json!({"metadata": {"name": "llama"}, "spec": {"replicas": replicas, "selector": {}, "template": {}}})
}

/// The arguments of a companion, and the files that it reads at its start, on a reload and on each connection.
struct Files {
    args: ServeArgs,
    all: [TempPath; 2],
}

/// Starts a companion that watches the cluster at `address`.
async fn companion(address: SocketAddr, more: &str) -> (Companion, Files) {
    let kubeconfig = scratch_file(&kubeconfig(address));
    let text = format!("[[kubernetes]]\nkubeconfig = {:?}\nselector = \"app=vllm\"\n{more}", kubeconfig.display());
    let file = scratch_file(&text);
    let args = ServeArgs { config: Some(file.to_path_buf()), ..args(&[]) };
    (Companion::start(&args).await, Files { args, all: [file, kubeconfig] })
}

fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs_f64() * 1000.0
}

/// The states through which the test takes each pod, with the times at which they began.
struct Rollout<'a> {
    companion: &'a Companion,
    server: ApiServer,
    target: SocketAddr,
    states: Vec<(String, &'static str, f64)>,
}

impl Rollout<'_> {
    async fn set_state(&mut self, names: &[&str], state: &'static str) {
        for name in names {
            self.states.push(((*name).to_owned(), state, now_ms()));
            match state {
                "stopped" => self.server.delete("pods", name),
                _ => self.server.apply("pods", pod(name, self.target, state)),
            }
        }
        for name in names {
            let query = format!("max_over_time(inferboard_replica_state{{replica=\"{name}\",state=\"{state}\"}}[1m])");
            self.companion.wait_for(&query, &[], &["1"]).await;
        }
    }

    /// The states of one pod, with their times.
    fn states_of(&self, name: &str) -> Vec<(&'static str, f64)> {
        self.states.iter().filter(|(own, ..)| own == name).map(|(_, state, at_ms)| (*state, *at_ms)).collect()
    }
}

/// The stored states of a pod, each with the time of its first sample.
async fn stored_states(companion: &Companion, name: &str) -> Vec<(String, f64)> {
    let answer = companion.query(&format!("inferboard_replica_state{{replica=\"{name}\"}}[5m]")).await;
    let mut samples: Vec<(f64, String)> = Vec::new();
    for series in answer["data"]["result"].as_array().expect("series") {
        let state = series["metric"]["state"].as_str().expect("a state");
        for sample in series["values"].as_array().expect("values").iter().filter(|sample| sample[1] == "1") {
            samples.push((sample[0].as_f64().expect("a time") * 1000.0, state.to_owned()));
        }
    }
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    samples.dedup_by(|next, first| next.1 == first.1);
    samples.into_iter().map(|(at_ms, state)| (state, at_ms)).collect()
}

#[tokio::test]
async fn scaling_from_two_to_six_and_back_is_stored_as_it_happened() {
    let target = FakeTarget::serving("vllm:num_requests_running{model_name=\"m\"} 1\n").await;
    let server = ApiServer::new();
    server.apply("deployments", deployment(2));
    let autoscaler = json!({"metadata": {"name": "llama"}, "spec": {"minReplicas": 2, "maxReplicas": 8,
        "scaleTargetRef": {"kind": "Deployment", "name": "llama"}}});
    server.apply("horizontalpodautoscalers", autoscaler);
    for name in ["p1", "p2"] {
        server.apply("pods", pod(name, target.address, "running"));
    }
    let fake = server.start().await;
    let (companion, _files) = companion(fake.address, "").await;
    let count = "sum by (state, model) (inferboard_replica_state) > 0";
    companion.wait_for(count, &["state", "model"], &["running m 2"]).await;
    let began_ms = now_ms();

    let mut rollout = Rollout { companion: &companion, server, target: target.address, states: Vec::new() };
    let new = ["p3", "p4", "p5", "p6"];
    rollout.server.apply("deployments", deployment(6));
    for state in ["pending", "pulling", "initializing", "running"] {
        rollout.set_state(&new, state).await;
    }
    companion.wait_for(count, &["state"], &["running 6"]).await;
    companion.wait_for("inferboard_replicas_desired", &["model", "deployment"], &["m llama 6"]).await;
    let bounds = "sort(inferboard_replicas_min or on (__name__) inferboard_replicas_max)";
    companion.wait_for(bounds, &["__name__"], &["inferboard_replicas_min 2", "inferboard_replicas_max 8"]).await;
    rollout.server.apply("deployments", deployment(2));
    rollout.set_state(&new, "stopped").await;
    companion.wait_for(count, &["state"], &["running 2"]).await;

    for name in new {
        let (expected, stored) = (rollout.states_of(name), stored_states(&companion, name).await);
        let states: Vec<&str> = stored.iter().map(|(state, ..)| state.as_str()).collect();
        assert_eq!(states, ["pending", "pulling", "initializing", "running", "stopped"], "{name}");
        for ((state, at_ms), (_, first_ms)) in expected.iter().zip(&stored) {
            assert!(at_ms <= first_ms, "{name} {state}: began at {at_ms}, stored at {first_ms}");
        }
    }
    // The page's query: how many ran at the start, at most, and at the end.
    let running = "sum(inferboard_replica_state{state=\"running\",model=\"m\",deployment=\"llama\"})";
    let series = range(&companion, running, began_ms, now_ms()).await;
    let counts: Vec<&str> = series.iter().map(|(_, count)| count.as_str()).collect();
    assert_eq!((counts.first(), counts.iter().max(), counts.last()), (Some(&"2"), Some(&"6"), Some(&"2")));
}

/// The samples of the only series of a range query, with their times in milliseconds.
async fn range(companion: &Companion, query: &str, start_ms: f64, end_ms: f64) -> Vec<(f64, String)> {
    let url = format!("http://{}/api/v1/query_range", companion.address);
    let (start, end) = ((start_ms / 1000.0).to_string(), (end_ms / 1000.0).to_string());
    let parameters = [("query", query), ("start", &start), ("end", &end), ("step", "0.2")];
    let response = http().get(url).query(&parameters).send().await.expect("an answer");
    let answer: Value = serde_json::from_slice(&response.bytes().await.expect("a body")).expect("json");
    let values = answer["data"]["result"][0]["values"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
    let sample = |sample: &Value| Some((sample[0].as_f64()? * 1000.0, sample[1].as_str()?.to_owned()));
    values.iter().filter_map(sample).collect()
}

#[tokio::test]
async fn pods_are_scraped_under_their_scope_and_not_probed() {
    let (one, two) = (
        FakeTarget::serving("vllm:num_requests_running{model_name=\"m\"} 1\n").await,
        FakeTarget::serving("vllm:num_requests_running{model_name=\"m\"} 2\n").await,
    );
    let server = ApiServer::new();
    server.refuse("deployments", Some("403 Forbidden"));
    server.apply("pods", pod("p1", one.address, "running"));
    server.apply("pods", pod("p2", two.address, "initializing"));
    let fake = server.start().await;
    let (companion, files) =
        companion(fake.address, "environment = \"production\"\npod_labels = { deployment = [\"tier\"] }\n").await;
    let by = ["model", "environment", "deployment", "replica", "namespace"];
    let expected = ["m production gold p1 inference 1", "m production gold p2 inference 2"];
    companion.wait_for("sort(vllm:num_requests_running)", &by, &expected).await;
    for (replica, state) in [("p1", "running"), ("p2", "initializing")] {
        let query = format!("inferboard_replica_state{{replica=\"{replica}\"}} == 1");
        let expected = format!("m production gold {state} 1");
        companion.wait_for(&query, &["model", "environment", "deployment", "state"], &[&expected]).await;
    }
    companion.wait_for("inferboard_replica_ready_seconds", &["replica"], &["p1 90"]).await;
    companion.wait_for("inferboard_replicas_desired", &[], &[]).await;
    assert_eq!((one.count("GET /health"), two.count("GET /health")), (0, 0));
    assert!(fake.count(&format!("GET /api/v1/namespaces/{NAMESPACE}/pods?&labelSelector=app%3Dvllm")) > 0);

    let lists = fake.count("GET /api/v1/");
    let settings = Settings::load(&files.args).expect("settings");
    companion.reloads.send(settings.targets).await.expect("a companion");
    server.delete("pods", "p2");
    companion.wait_for("vllm:num_requests_running", &["replica"], &["p1 1"]).await;
    companion.wait_for("count(inferboard_replica_state)", &[], &["7"]).await;
    assert_eq!(fake.count("GET /api/v1/"), lists, "the unchanged cluster is not listed again");
}

#[tokio::test]
async fn restarts_are_counted_by_reason() {
    let target = FakeTarget::serving("a 1\n").await;
    let server = ApiServer::new();
    server.apply("pods", pod("p1", target.address, "running"));
    let fake = server.start().await;
    let (companion, _files) = companion(fake.address, "").await;
    let state = "inferboard_replica_state == 1";
    companion.wait_for(state, &["state"], &["running 1"]).await;

    let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let mut now = pod("p1", target.address, "initializing");
    now["status"]["containerStatuses"][0]["state"] = killed.clone();
    server.apply("pods", now.clone());
    companion.wait_for(state, &["state"], &["failed 1"]).await;
    now["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    now["status"]["containerStatuses"][0]["lastState"] = killed.clone();
    server.apply("pods", now);
    // Several scrapes later the pod is still failed.
    companion.wait_for("sum_over_time(inferboard_replica_state{state=\"failed\"}[1m]) > bool 3", &[], &["1"]).await;
    companion.wait_for(state, &["state"], &["failed 1"]).await;
    let restarts = "sum by (reason) (inferboard_replica_restarts_total)";
    let no_restarts = ["Completed 0", "Error 0", "OOMKilled 0", "unknown 0"];
    companion.wait_for(restarts, &["reason"], &no_restarts).await;

    for (state_now, word) in [("initializing", "initializing 1"), ("running", "running 1")] {
        let mut now = pod("p1", target.address, state_now);
        now["status"]["containerStatuses"][0]["restartCount"] = 1.into();
        now["status"]["containerStatuses"][0]["lastState"] = killed.clone();
        server.apply("pods", now);
        companion.wait_for(state, &["state"], &[word]).await;
    }
    companion.wait_for(restarts, &["reason"], &["Completed 0", "Error 0", "OOMKilled 1", "unknown 0"]).await;
    // The condition is older than the container, so the run was ready at once.
    companion.wait_for("inferboard_replica_ready_seconds", &[], &["0"]).await;
    companion
        .wait_for("increase(inferboard_replica_restarts_total{reason=\"OOMKilled\"}[1m]) > bool 0", &[], &["1"])
        .await;
}

#[tokio::test]
async fn a_failed_connection_reports_its_reason() {
    let plaintext = PlaintextServer::start().await;
    let failure = "inferboard_scrape_failed{job=\"kubernetes\"}";
    let (companion, files) = companion(plaintext.address, "").await;
    companion.wait_for(failure, &["reason"], &["broken 1"]).await;
    let [_, kubeconfig] = &files.all;
    let text = std::fs::read_to_string(kubeconfig).expect("a kubeconfig");
    std::fs::write(kubeconfig, text.replace("http://", "https://")).expect("a kubeconfig");
    companion.wait_for(failure, &["reason"], &["tls 1"]).await;
    std::fs::write(kubeconfig, "no: kubeconfig").expect("a kubeconfig");
    companion.wait_for(failure, &["reason"], &["credentials 1"]).await;
}

/// Asserts that the minimum of each pause is twice that of the previous one.
fn assert_pauses_double(pauses: &[Duration]) {
    for (pause, min) in pauses.iter().zip((0..).map(|doublings| FIRST_PAUSE * 2_u32.pow(doublings))) {
        assert!(*pause >= min, "{pauses:?}");
    }
}

#[tokio::test]
async fn a_forbidden_watch_is_retried_with_growing_pauses() {
    let target = FakeTarget::serving("a 1\n").await;
    let server = ApiServer::new();
    server.apply("pods", pod("p1", target.address, "running"));
    server.refuse("pods?watch", Some("403 Forbidden"));
    let fake = server.start().await;
    let (companion, _files) = companion(fake.address, "").await;
    companion.wait_for("inferboard_scrape_failed{job=\"kubernetes\"}", &["reason"], &["forbidden 1"]).await;
    let watches = format!("GET /api/v1/namespaces/{NAMESPACE}/pods?&watch=true");
    fake.wait_for(&watches, 3).await;
    assert_pauses_double(&fake.pauses(&watches));
    server.refuse("pods?watch", None);
    companion.wait_for("inferboard_replica_state == 1", &["state"], &["running 1"]).await;
}

#[tokio::test]
async fn watches_that_end_early_are_restarted_with_pauses() {
    let target = FakeTarget::serving("a 1\n").await;
    let server = ApiServer::new();
    server.apply("pods", pod("p1", target.address, "running"));
    server.end_watches_early();
    let fake = server.start().await;
    let (companion, _files) = companion(fake.address, "").await;
    companion.wait_for("inferboard_replica_state == 1", &["state"], &["running 1"]).await;
    let watches = format!("GET /api/v1/namespaces/{NAMESPACE}/pods?&watch=true");
    fake.wait_for(&watches, 5).await;
    let pauses = fake.pauses(&watches);
    assert!(pauses.iter().sum::<Duration>() >= Duration::from_millis(200) * pauses.len() as u32, "{pauses:?}");
    server.apply("pods", pod("p2", target.address, "running"));
    companion.wait_for("count(inferboard_replica_state == 1)", &[], &["2"]).await;
}

#[tokio::test]
async fn a_cluster_that_fails_reports_its_reason_and_recovers() {
    let target = FakeTarget::serving("a 1\n").await;
    let server = ApiServer::new();
    for name in ["p1", "p2"] {
        server.apply("pods", pod(name, target.address, "running"));
    }
    server.refuse("pods", Some("403 Forbidden"));
    let fake = server.start().await;
    let (companion, _files) = companion(fake.address, "").await;
    let failure = "inferboard_scrape_failed{job=\"kubernetes\"}";
    companion.wait_for(failure, &["reason", "instance"], &["forbidden cluster/default/app=vllm 1"]).await;
    companion.wait_for("up{job=\"kubernetes\"}", &[], &["0"]).await;
    let lists = format!("GET /api/v1/namespaces/{NAMESPACE}/pods?");
    fake.wait_for(&lists, 3).await;
    assert_pauses_double(&fake.pauses(&lists));
    server.refuse("pods", None);
    let running = "sum by (state) (inferboard_replica_state) > 0";
    companion.wait_for(running, &["state"], &["running 2"]).await;
    companion.wait_for(failure, &[], &[]).await;

    // A closed connection and an expired history are not failures.
    let fine_since_ms = now_ms();
    server.disconnect();
    server.apply("pods", pod("p3", target.address, "running"));
    companion.wait_for(running, &["state"], &["running 3"]).await;
    server.expire("pods", "p3");
    companion.wait_for(running, &["state"], &["running 2"]).await;
    let stored = stored_states(&companion, "p3").await;
    assert_eq!(stored.iter().map(|(state, ..)| state.as_str()).collect::<Vec<_>>(), ["running", "stopped"]);
    let window_ms = (now_ms() - fine_since_ms) as i64;
    let lowest_up = companion.values(&format!("min_over_time(up{{job=\"kubernetes\"}}[{window_ms}ms])"), &[]).await;
    assert_eq!(lowest_up, ["1"]);

    let address = fake.stop().await;
    server.disconnect();
    companion.wait_for(failure, &["reason"], &["connect 1"]).await;
    companion.wait_for("inferboard_replica_state", &[], &[]).await;
    companion.wait_for("a", &["replica"], &["p1 1"]).await;
    let _fake = FakeTarget::start_at(address, server.behaviour()).await;
    companion.wait_for(running, &["state"], &["running 2"]).await;
    companion.wait_for("up{job=\"kubernetes\"}", &[], &["1"]).await;
    let everything = companion.query("{__name__=~\".+\"}").await.to_string();
    assert!(!everything.contains("CANARY"), "no label contains a message of the server");
}

#[tokio::test]
async fn pods_have_certificates_for_a_name_that_is_not_their_address() {
    let (authority, folder) = (Authority::new("Acme"), Folder::new());
    let ca = folder.write("ca.pem", &authority.pem);
    let server = TlsServer::start(&authority.sign("vllm.inference.svc", Validity::Now), None, "a 1\n").await;
    let api = ApiServer::new();
    api.apply("pods", pod("p-0", server.address, "running"));
    let fake = api.start().await;
    let tls =
        format!("scheme = \"https\"\ntls_config = {{ ca_file = {ca:?}, server_name = \"vllm.inference.svc\" }}\n");
    let (companion, _files) = companion(fake.address, &tls).await;
    companion.wait_for("a", &["replica"], &["p-0 1"]).await;
    companion.stop().await;
}

#[tokio::test]
async fn the_selector_of_a_pod_monitor_reaches_the_cluster() {
    let target = FakeTarget::serving("a 1\n").await;
    let api = ApiServer::new();
    api.apply("pods", pod("p-0", target.address, "running"));
    let fake = api.start().await;
    let folder = Folder::new();
    folder.write("kubeconfig", &kubeconfig(fake.address));
    let text = "[[kubernetes]]\nkubeconfig = \"$DIR/kubeconfig\"\nport = \"http\"\n[kubernetes.selector]\n\
        matchLabels = { app = \"vllm\" }\nmatchExpressions = [{ key = \"tier\", operator = \"In\", values = [\"gold\", \"silver\"] }]\n";
    let companion = Companion::start(&args_with(&folder.config(text))).await;
    companion.wait_for("a", &["replica"], &["p-0 1"]).await;
    let heads = fake.requests.lock().expect("a lock").clone();
    let of_pods = heads.iter().find(|head| head.starts_with("GET /api/v1/namespaces/inference/pods?")).expect("a list");
    assert!(of_pods.contains("labelSelector=app%3Dvllm%2Ctier+in+%28gold%2Csilver%29"), "{of_pods}");
    companion.stop().await;
}
