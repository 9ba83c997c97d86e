//! Tests of the states of replicas, as scrapes and health probes show them.
use crate::harness::{Behaviour, Companion, FakeTarget, args, hang, metrics_page, raw, status};
use server::config::Settings;
use server::config::serve_args::ServeArgs;
use std::sync::Arc;

const STATE: &str = "inferboard_replica_state == 1";
const LOADING: &str = "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}";

/// Answers `/health` with `health`, and all else with `metrics`.
fn server(metrics: Behaviour, health: Behaviour) -> Behaviour {
    Arc::new(move |head, stream| match head.starts_with("GET /health ") {
        true => health(head, stream),
        false => metrics(head, stream),
    })
}

fn loading() -> Behaviour {
    let length = LOADING.len();
    raw(format!("HTTP/1.1 503 Service Unavailable\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{LOADING}"))
}

fn vllm(start_s: u32) -> Behaviour {
    let text = format!("vllm:num_requests_running{{model_name=\"m\"}} 3\nprocess_start_time_seconds {start_s}\n");
    server(metrics_page(&text), status("200 OK"))
}

#[tokio::test]
async fn a_replica_goes_through_its_states_and_restarts() {
    let address = FakeTarget::serving("").await.stop().await;
    let url = format!("http://{address}");
    let companion = Companion::start(&args(&[&url])).await;
    let by = ["state", "replica", "instance"];
    companion.wait_for(STATE, &by, &[&format!("pending {address} {address} 1")]).await;

    let target = FakeTarget::start_at(address, server(loading(), loading())).await;
    companion.wait_for(STATE, &["state"], &["initializing 1"]).await;
    companion.wait_for("count(inferboard_replica_state)", &[], &["7"]).await;
    target.set_behaviour(Some(vllm(100)));
    let running = format!("running {address} {address} 1");
    companion.wait_for(STATE, &by, &[&running]).await;
    companion.wait_for("inferboard_replica_ready_seconds > bool 0", &[], &["1"]).await;
    companion.wait_for("inferboard_replica_model", &["model", "replica"], &[&format!("m {address} 1")]).await;
    companion.wait_for("inferboard_replica_restarts_total", &["reason"], &["unknown 0"]).await;

    let address = target.stop().await;
    companion.wait_for(STATE, &by, &[&format!("stopped {address} {address} 1")]).await;
    companion.wait_for("inferboard_replica_ready_seconds", &[], &[]).await;
    let target = FakeTarget::start_at(address, vllm(200)).await;
    companion.wait_for(STATE, &by, &[&running]).await;
    companion.wait_for("inferboard_replica_restarts_total", &["reason"], &["unknown 1"]).await;

    // A replica that answers scrapes is not probed.
    let (probes, scrapes) = (target.count("GET /health "), target.count("GET /metrics "));
    while target.count("GET /metrics ") < scrapes + 5 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(target.count("GET /health "), probes);
    assert!(probes <= 1, "{probes}");

    target.set_behaviour(Some(server(hang(), status("500 Internal Server Error"))));
    companion.wait_for(STATE, &["state"], &["failed 1"]).await;
    target.set_behaviour(Some(server(hang(), status("200 OK"))));
    companion.wait_for(STATE, &["state"], &["running 1"]).await;
}

#[tokio::test]
async fn a_removed_replica_is_stopped_and_then_gone() {
    let (kept, ended) = (FakeTarget::start(vllm(100)).await, FakeTarget::start(vllm(100)).await);
    let companion = Companion::start(&args(&[&kept.url(), &ended.url()])).await;
    companion.wait_for("count by (state) (inferboard_replica_state == 1)", &["state"], &["running 2"]).await;
    let settings = Settings::load(&args(&[&kept.url()])).expect("settings");
    companion.reloads.send(settings.targets).await.expect("a companion");
    companion.wait_for(STATE, &["replica", "state"], &[&format!("{} running 1", kept.instance())]).await;
    let stopped = "max by (replica) (max_over_time(inferboard_replica_state{state=\"stopped\"}[1m])) == 1";
    companion.wait_for(stopped, &["replica"], &[&format!("{} 1", ended.instance())]).await;
    companion.wait_for("count(inferboard_replica_state)", &[], &["7"]).await;
}

#[tokio::test]
async fn an_exporter_is_not_a_replica() {
    let (exporter, engine) = (FakeTarget::serving("node_load1 1\n").await, FakeTarget::start(vllm(100)).await);
    let companion = Companion::start(&args(&[&exporter.url(), &engine.url()])).await;
    companion.wait_for("count(up{replica!=\"\"})", &[], &["2"]).await;
    let replica = format!("{} 7", engine.instance());
    companion.wait_for("count by (replica) (inferboard_replica_state)", &["replica"], &[&replica]).await;
    let exporter = format!("{} exporter 1", exporter.instance());
    companion.wait_for("inferboard_target_role", &["replica", "role"], &[&exporter]).await;
}

#[tokio::test]
async fn the_state_of_a_replica_survives_a_companion_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = FakeTarget::start(vllm(100)).await;
    let flags = ServeArgs { in_memory: false, data_dir: Some(folder.path().into()), ..args(&[&target.url()]) };
    let by = ["state", "job"];
    let companion = Companion::start(&flags).await;
    companion.wait_for(STATE, &by, &["running targets 1"]).await;
    target.set_behaviour(Some(vllm(200)));
    companion.wait_for("inferboard_replica_restarts_total", &[], &["1"]).await;
    companion.stop().await;

    let address = target.stop().await;
    let companion = Companion::start(&flags).await;
    companion.wait_for(STATE, &by, &["stopped targets 1"]).await;
    // Its model is known although it has not answered since.
    companion.wait_for("inferboard_replica_model", &["model"], &["m 1"]).await;
    let pending = "max_over_time(inferboard_replica_state{state=\"pending\"}[1m])";
    assert_eq!(companion.values(pending, &[]).await, ["0"]);
    companion.stop().await;

    let _target = FakeTarget::start_at(address, vllm(300)).await;
    let companion = Companion::start(&flags).await;
    companion.wait_for(STATE, &by, &["running targets 1"]).await;
    companion.wait_for("inferboard_replica_restarts_total", &["job"], &["targets 2"]).await;
    companion.stop().await;
}

#[tokio::test]
async fn a_server_that_breaks_connections_while_it_listens_has_neither_stopped_nor_restarted() {
    // Without a start time on its page, only its process tells.
    let page = || metrics_page("llamacpp:requests_processing 1\n");
    let target = FakeTarget::start(page()).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    companion.wait_for(STATE, &["state"], &["running 1"]).await;
    target.set_behaviour(None);
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["broken 1"]).await;
    companion.wait_for(STATE, &["state"], &["failed 1"]).await;
    target.set_behaviour(Some(page()));
    companion.wait_for(STATE, &["state"], &["running 1"]).await;
    let stopped = "max_over_time(inferboard_replica_state{state=\"stopped\"}[1m])";
    assert_eq!(companion.values(stopped, &[]).await, ["0"]);
    companion.wait_for("inferboard_replica_restarts_total", &[], &["0"]).await;

    // It really stops to listen, and the same process listens again.
    let address = target.stop().await;
    companion.wait_for(STATE, &["state"], &["stopped 1"]).await;
    let _target = FakeTarget::start_at(address, page()).await;
    companion.wait_for(STATE, &["state"], &["running 1"]).await;
    companion.wait_for("inferboard_replica_restarts_total", &[], &["0"]).await;
}
