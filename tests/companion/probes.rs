//! Tests of requests that a target might count as errors, or that make it work: health probes, and scrapes that it rejects.
use crate::harness::{Behaviour, Companion, FakeTarget, answer, args, metrics_page, raw, scratch_file, status};
use server::config::serve_args::ServeArgs;
use std::sync::Arc;

const STATE: &str = "inferboard_replica_state == 1";
const METRICS: &str = "GET /metrics ";

/// Answers each path with the behaviour that it is listed with, and all others with `otherwise`.
fn paths(listed: Vec<(&'static str, Behaviour)>, otherwise: Behaviour) -> Behaviour {
    Arc::new(move |head, stream| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let listed = listed.iter().find(|(own, _)| *own == path).map(|(_, behaviour)| behaviour);
        listed.unwrap_or(&otherwise)(head.clone(), stream)
    })
}

/// Waits for more scrapes.
async fn scrapes(target: &FakeTarget, count: usize) {
    target.wait_for(METRICS, target.count(METRICS) + count).await;
}

/// The number of requests for anything but the metrics page.
fn probes(target: &FakeTarget) -> usize {
    target.count("GET ") - target.count(METRICS)
}

#[tokio::test]
async fn a_server_with_a_metrics_page_is_not_probed() {
    // HAProxy's exporter answers every other path with 503, and BentoML counts each 404 as an error.
    let otherwise = [status("503 Service Unavailable"), status("404 Not Found")];
    for (text, otherwise) in
        ["haproxy_process_uptime_seconds 1\n", "bentoml_service_request_total 1\n"].into_iter().zip(otherwise)
    {
        let target = FakeTarget::start(paths(vec![("/metrics", metrics_page(text))], otherwise)).await;
        let companion = Companion::start(&args(&[&target.url()])).await;
        scrapes(&target, 3).await;
        // A page that fails later is no reason to probe either.
        target.set_behaviour(Some(status("500 Internal Server Error")));
        companion.wait_for("up{job=\"targets\"}", &[], &["0"]).await;
        scrapes(&target, 3).await;
        assert_eq!(probes(&target), 0, "{text}");
    }
}

#[tokio::test]
async fn litellm_is_never_asked_to_call_its_models() {
    let text = "litellm_proxy_total_requests_metric_total 1\n";
    // A gateway is no replica, but that is known only once it has served a metrics page.
    let unknown = [status("500 Internal Server Error"), status("404 Not Found")];
    for (first, is_known) in unknown.map(|first| (first, false)).into_iter().chain([(metrics_page(text), true)]) {
        let liveliness = ("/health/liveliness", answer("", b"\"I'm alive!\""));
        let behaviour = |metrics| paths(vec![("/metrics", metrics), liveliness.clone()], status("200 OK"));
        let target = FakeTarget::start(behaviour(first)).await;
        let companion = Companion::start(&args(&[&target.url()])).await;
        let states: &[&str] = if is_known { &[] } else { &["running 1"] };
        companion.wait_for(STATE, &["state"], states).await;
        scrapes(&target, 3).await;
        target.set_behaviour(Some(behaviour(status("503 Service Unavailable"))));
        scrapes(&target, 3).await;
        companion.wait_for(STATE, &["state"], states).await;
        assert_eq!(target.count("GET /health "), 0);
        assert!(target.count("GET /health/liveliness ") <= 2, "a good answer holds for a while");
    }
}

#[tokio::test]
async fn an_unknown_health_endpoint_is_not_asked_for_again() {
    let target = FakeTarget::start(status("404 Not Found")).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    companion.wait_for(STATE, &["state"], &["failed 1"]).await;
    scrapes(&target, 5).await;
    assert_eq!((target.count("GET /health "), probes(&target)), (1, 2));
}

#[tokio::test]
async fn an_engine_that_serves_pages_before_it_is_ready_is_probed_until_it_is() {
    let page = metrics_page("sglang:num_running_reqs{model_name=\"m\"} 0\n");
    let behaviour = |health| paths(vec![("/metrics", page.clone()), ("/health", health)], status("404 Not Found"));
    let target = FakeTarget::start(behaviour(status("503 Service Unavailable"))).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    companion.wait_for(STATE, &["state"], &["initializing 1"]).await;
    companion.wait_for("count(max_over_time(inferboard_replica_state{state=\"running\"}[1m]) == 1)", &[], &[]).await;
    target.set_behaviour(Some(behaviour(status("200 OK"))));
    companion.wait_for(STATE, &["state"], &["running 1"]).await;
    let probes_before = probes(&target);
    scrapes(&target, 4).await;
    assert_eq!(probes(&target), probes_before);
}

#[tokio::test]
async fn a_target_that_rejects_the_credentials_is_asked_ever_more_rarely_until_they_change() {
    let guarded: Behaviour = Arc::new(|head, stream| match head.contains("authorization: Bearer right\r\n") {
        true => metrics_page("good 1\n")(head, stream),
        false => status("401 Unauthorized")(head, stream),
    });
    let target = FakeTarget::start(guarded).await;
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    std::fs::write(&key, "wrong").expect("a file");
    let text = format!(
        "[[targets]]\nurl = \"{}\"\nauthorization = {{ credentials_file = \"{}\" }}\n",
        target.url(),
        key.display()
    );
    let file = scratch_file(&text);
    let flags = ServeArgs { config: Some(file.to_path_buf()), ..args(&[]) };
    let companion = Companion::start(&flags).await;
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["unauthorized 1"]).await;
    target.wait_for(METRICS, 4).await;
    // The pauses before the second to fourth request are 2, 4 and 8 intervals, less the time that a scrape may be late.
    let pauses = target.pauses(METRICS);
    assert!(pauses[2] > pauses[0] && pauses[2].as_millis() > 2_500, "{pauses:?}");
    assert_eq!(probes(&target), 0, "it would count them as errors too");
    // Meanwhile each scrape interval has its sample, with the reason.
    let instance = target.instance();
    let more = format!("count_over_time(up{{instance=\"{instance}\"}}[5m]) > bool {}", target.count(METRICS) + 4);
    companion.wait_for(&more, &[], &["1"]).await;

    let requests = target.count(METRICS);
    std::fs::write(&key, "right").expect("a file");
    companion.wait_for("good", &[], &["1"]).await;
    assert!(target.count(METRICS) >= requests);
    companion.wait_for("inferboard_scrape_failed", &[], &[]).await;
}

#[tokio::test]
async fn an_unknown_server_gets_no_credentials_with_a_probe() {
    let target = FakeTarget::start(raw("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")).await;
    let text = format!("[[targets]]\nurl = \"{}\"\nauthorization = {{ credentials = \"hf_CANARY\" }}\n", target.url());
    let file = scratch_file(&text);
    let _companion = Companion::start(&ServeArgs { config: Some(file.to_path_buf()), ..args(&[]) }).await;
    target.wait_for("GET /health ", 1).await;
    let requests = target.requests.lock().expect("a lock").clone();
    for head in requests {
        assert_eq!(head.contains("CANARY"), head.starts_with(METRICS), "{head}");
    }
}
