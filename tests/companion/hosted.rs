//! Tests with fake hosted platforms that follow their documentation: what is stored, what is shared, and what stays
//! secret.
use crate::harness::{Behaviour, Companion, FakeTarget, INTERVAL, answer, args, http, metrics_page, raw, scratch_file};
use server::config::serve_args::ServeArgs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const TOKEN: &str = "hf_CANARY0123456789";

/// As documented by Hugging Face: no `# EOF`, a counter without `_total`, a unit after the type.
const HF_METRICS: &str = "# HELP latency_distribution Latency distribution\n# TYPE latency_distribution summary\n\
    latency_distribution{quantile=\"0.5\"} 0.25\nlatency_distribution_sum 120.5\nlatency_distribution_count 400\n\
    # HELP http_requests HTTP requests by code and replicas\n# TYPE http_requests counter\n\
    http_requests{replica_id=\"fqwg7eri-hskoj\",status_code=\"200\"} 398\n\
    # TYPE cpu_usage_percent gauge\n# UNIT cpu_usage_percent percent\n";

const HF_STATE: &str = r#"{"name":"llama","type":"protected","status":{"state":"running","message":"Endpoint is ready",
    "readyReplica":2,"targetReplica":3,"url":"https://x.endpoints.huggingface.cloud"},
    "compute":{"accelerator":"gpu","instanceType":"nvidia-l4","instanceSize":"x1",
    "scaling":{"minReplica":1,"maxReplica":4,"metric":"pendingRequests"}},
    "model":{"repository":"org/llama","secrets":{"HF":"inner_CANARY"}},"provider":{"vendor":"aws","region":"us-east-1"}}"#;

const BASETEN_METRICS: &str = "# TYPE baseten_inference_requests_total counter\n\
    baseten_inference_requests_total{model_id=\"m1\",model_name=\"whisper\",deployment_id=\"d1\",\
    environment=\"production\",rollout_phase=\"stable\",status_code=\"200\",is_async=\"false\"} 7\n\
    baseten_inference_requests_total{model_id=\"m2\",model_name=\"llama\",deployment_id=\"d2\",environment=\"\",\
    rollout_phase=\"\",status_code=\"200\",is_async=\"false\"} 9\n\
    # TYPE baseten_gpu_utilization gauge\n\
    baseten_gpu_utilization{model_id=\"m2\",model_name=\"llama\",deployment_id=\"d2\",replica=\"r1\",gpu=\"0\"} 93\n";

/// Answers by path if the credentials are right, and otherwise with 401.
fn platform(authorization: String, by_path: Vec<(&'static str, Behaviour)>) -> Behaviour {
    Arc::new(move |head, stream| {
        let is_authorized = head.lines().any(|line| line == format!("authorization: {authorization}"));
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        match by_path.iter().find(|(route, _)| *route == path) {
            _ if !is_authorized => refuse("401 Unauthorized", "")(head, stream),
            Some((_, behaviour)) => behaviour(head, stream),
            None => refuse("404 Not Found", "")(head, stream),
        }
    })
}

/// A JSON error as platforms send it, here with the token in it.
fn refuse(status: &str, headers: &str) -> Behaviour {
    let body = format!("{{\"error\":\"no: {TOKEN}\"}}");
    let length = body.len();
    raw(format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    ))
}

fn hugging_face(metrics: Behaviour, state: Behaviour) -> Behaviour {
    let routes = vec![("/v2/endpoint/acme/llama/open-metrics", metrics), ("/v2/endpoint/acme/llama", state)];
    platform(format!("Bearer {TOKEN}"), routes)
}

async fn companion_with(text: &str) -> Companion {
    let file = scratch_file(text);
    Companion::start(&ServeArgs { config: Some(file.to_path_buf()), ..args(&[]) }).await
}

/// A companion for one endpoint, with the token in a file.
async fn with_endpoint(platform: &FakeTarget) -> Companion {
    with_endpoint_every(platform, INTERVAL).await
}

async fn with_endpoint_every(platform: &FakeTarget, interval: &str) -> Companion {
    let token = scratch_file(&format!("{TOKEN}\n"));
    companion_with(&format!(
        "[[huggingface]]\nnamespace = \"acme\"\nname = \"llama\"\napi_url = \"{}/v2\"\nscrape_interval = \"{interval}\"\n\
         authorization = {{ credentials_file = {:?} }}\n",
        platform.url(),
        token.display()
    ))
    .await
}

async fn read_shared(companion: &Companion, name: &str) -> (u16, String, String) {
    let url = format!("http://{}/openmetrics/{name}", companion.address);
    let response = http().get(url).send().await.expect("an answer");
    let status = response.status().as_u16();
    let headers = format!("{:?}", response.headers());
    (status, headers, String::from_utf8_lossy(&response.bytes().await.expect("a body")).into_owned())
}

/// Waits until the shared metrics answer with `status` and a body that contains `word`, and returns the headers.
async fn wait_for_shared(companion: &Companion, status: u16, word: &str) -> String {
    let mut last = (0, String::new(), String::new());
    for _ in 0..100 {
        last = read_shared(companion, "llama").await;
        if last.0 == status && last.2.contains(word) {
            return last.1;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{last:?} instead of {status} {word}");
}

#[tokio::test]
async fn an_endpoint_is_stored_with_its_replicas_and_shared_unchanged() {
    let metrics = answer("Content-Type: application/openmetrics-text\r\n", HF_METRICS.as_bytes());
    let lenient = metrics_page(HF_METRICS);
    let state = answer("Content-Type: application/json\r\n", HF_STATE.as_bytes());
    let platform = FakeTarget::start(hugging_face(lenient, state.clone())).await;
    let companion = with_endpoint(&platform).await;
    let by = ["job", "instance", "model", "replica"];
    companion.wait_for("http_requests", &by, &["huggingface acme/llama llama fqwg7eri-hskoj 398"]).await;
    companion.wait_for("inferboard_replicas_max", &by, &["huggingface-state acme/llama llama - 4"]).await;
    companion.wait_for("inferboard_replicas_starting", &[], &["1"]).await;
    companion.wait_for("inferboard_endpoint_state == 1", &["state"], &["running 1"]).await;
    let (status, headers, body) = read_shared(&companion, "llama").await;
    assert_eq!((status, body.as_str()), (200, HF_METRICS));
    assert!(headers.contains("text/plain; version=0.0.4") && headers.contains("no-store"), "{headers}");
    assert_eq!(read_shared(&companion, "other").await.0, 404);

    // Invalid OpenMetrics is refused with its reason.
    platform.set_behaviour(Some(hugging_face(metrics, state)));
    companion.wait_for("inferboard_scrape_failed", &["reason"], &["parse 1"]).await;
    wait_for_shared(&companion, 502, "(parse)").await;
    // The state is still collected.
    companion.wait_for("inferboard_replicas_active", &[], &["2"]).await;
}

#[tokio::test]
async fn each_failure_has_its_reason_and_is_never_shared_as_metrics() {
    let state = || answer("Content-Type: application/json\r\n", HF_STATE.as_bytes());
    let platform = FakeTarget::start(hugging_face(metrics_page(HF_METRICS), state())).await;
    let companion = with_endpoint(&platform).await;
    wait_for_shared(&companion, 200, "http_requests").await;
    let error_page = answer("Content-Type: text/html\r\n", b"<html>Sign in</html>");
    let truncated = raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\nhttp_requests 1\n");
    let slow: Behaviour = Arc::new(|head, stream| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            metrics_page(HF_METRICS)(head, stream).await;
        })
    });
    for (behaviour, reason, status) in [
        (refuse("403 Forbidden", ""), "forbidden", 502),
        (refuse("404 Not Found", ""), "not_found", 502),
        (refuse("502 Bad Gateway", ""), "server_error", 502),
        (refuse("503 Service Unavailable", ""), "server_error", 503),
        (error_page, "content_type", 502),
        (truncated, "broken", 502),
        (slow, "timeout", 504),
    ] {
        platform.set_behaviour(Some(hugging_face(behaviour, state())));
        wait_for_shared(&companion, status, &format!("({reason})")).await;
        companion.wait_for("inferboard_scrape_failed", &["reason"], &[&format!("{reason} 1")]).await;
    }
    platform.set_behaviour(Some(refuse("401 Unauthorized", "")));
    wait_for_shared(&companion, 502, "(unauthorized)").await;
    let failed = "sum by (job, reason) (inferboard_scrape_failed)";
    let both = ["huggingface unauthorized 1", "huggingface-state unauthorized 1"];
    companion.wait_for(failed, &["job", "reason"], &both).await;
    platform.set_behaviour(Some(hugging_face(metrics_page(HF_METRICS), state())));
    wait_for_shared(&companion, 200, "http_requests").await;
}

#[tokio::test]
async fn the_retry_after_of_a_platform_is_respected() {
    let platform = FakeTarget::start(refuse("429 Too Many Requests", "Retry-After: 2\r\n")).await;
    let companion = with_endpoint(&platform).await;
    let headers = wait_for_shared(&companion, 503, "(rate_limited)").await;
    assert!(headers.contains("\"retry-after\": \"2\""), "{headers}");
    for path in ["/v2/endpoint/acme/llama/open-metrics ", "/v2/endpoint/acme/llama "] {
        let request = format!("GET {path}");
        platform.wait_for(&request, 2).await;
        assert!(platform.pauses(&request).iter().all(|pause| *pause >= Duration::from_secs(2)), "{path}");
    }
    // Each interval stores a scrape although no request is sent.
    companion.wait_for("count_over_time(up{job=\"huggingface\"}[1m]) > bool 4", &[], &["1"]).await;
    platform.set_behaviour(Some(hugging_face(metrics_page(HF_METRICS), metrics_page("{}"))));
    companion.wait_for("up{job=\"huggingface\"}", &[], &["1"]).await;
}

#[tokio::test]
async fn five_hundred_readers_cause_one_platform_request_per_interval() {
    let platform = FakeTarget::start(hugging_face(metrics_page(HF_METRICS), metrics_page("{}"))).await;
    let companion = with_endpoint_every(&platform, "5s").await;
    wait_for_shared(&companion, 200, "http_requests").await;
    let count = || {
        let requests = platform.requests.lock().expect("a lock");
        requests.iter().filter(|head| head.starts_with("GET /v2/endpoint/acme/llama/open-metrics ")).count()
    };
    let (before, began) = (count(), std::time::Instant::now());
    let client = http();
    let url = format!("http://{}/openmetrics/llama", companion.address);
    // One client may have this many connections at a time.
    let permits = Arc::new(tokio::sync::Semaphore::new(32));
    let readers = (0..500).map(|_| {
        let (client, url, permits) = (client.clone(), url.clone(), Arc::clone(&permits));
        tokio::spawn(async move {
            let _permit = permits.acquire().await.expect("a permit");
            client.get(url).send().await.expect("an answer").bytes().await.expect("a body")
        })
    });
    for reader in readers.collect::<Vec<_>>() {
        assert_eq!(reader.await.expect("a reader"), HF_METRICS.as_bytes());
    }
    let intervals = began.elapsed().as_millis() as usize / 5000 + 2;
    let requests = count() - before;
    assert!(requests <= intervals, "{requests} requests in {intervals} intervals");
}

#[tokio::test]
async fn baseten_models_and_deployments_are_told_apart() {
    let export = platform("Api-Key bt_CANARY".into(), vec![("/metrics", metrics_page(BASETEN_METRICS))]);
    let platform = FakeTarget::start(export).await;
    let companion = companion_with(&format!(
        "[[baseten]]\nurl = \"{}/metrics\"\nauthorization = {{ credentials = \"bt_CANARY\" }}\n",
        platform.url()
    ))
    .await;
    let by = ["job", "model", "environment", "deployment"];
    let expected = ["baseten llama - d2 9", "baseten whisper production d1 7"];
    companion.wait_for("sort_desc(baseten_inference_requests_total)", &by, &expected).await;
    companion.wait_for("baseten_gpu_utilization", &["model", "replica"], &["llama r1 93"]).await;
    assert_eq!(read_shared(&companion, "baseten").await.2, BASETEN_METRICS);
    assert_eq!(platform.requests.lock().expect("a lock").len(), 1);
}

#[tokio::test]
async fn no_route_or_series_contains_a_token() {
    let echo: Behaviour = Arc::new(|head, stream| {
        let value = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default().to_owned();
        metrics_page(&format!("http_requests{{replica_id=\"{value}\"}} 1\n"))(head, stream)
    });
    let state = answer("Content-Type: application/json\r\n", HF_STATE.as_bytes());
    let platform = FakeTarget::start(hugging_face(echo, state)).await;
    let companion = with_endpoint(&platform).await;
    wait_for_shared(&companion, 502, "(secret_echo)").await;
    let seen = AtomicBool::new(false);
    for behaviour in
        [refuse("401 Unauthorized", ""), refuse("500 Internal Server Error", ""), metrics_page("a{b=\"hf_\n")]
    {
        let requests = platform.count("GET ");
        platform.set_behaviour(Some(hugging_face(behaviour.clone(), behaviour)));
        platform.wait_for("GET ", requests + 4).await;
        let routes = [
            "/",
            "/openmetrics/llama",
            "/openmetrics/hf_CANARY",
            "/metrics",
            "/api/v1/status/buildinfo",
            "/api/v1/query?query=%7B__name__%3D~%22.%2B%22%7D",
            "/api/v1/query?query=hf_CANAR",
            "/federate?match%5B%5D=%7B__name__%3D~%22.%2B%22%7D",
            "/config",
            "/healthz",
        ];
        for route in routes {
            let url = format!("http://{}{route}", companion.address);
            for method in [reqwest::Method::GET, reqwest::Method::POST, reqwest::Method::OPTIONS] {
                let response = http().request(method, &url).send().await.expect("an answer");
                let headers = format!("{:?}", response.headers());
                let text = headers + response.text().await.expect("a body").as_str();
                seen.fetch_or(text.contains("scrape_failed"), Ordering::Relaxed);
                for secret in [TOKEN, "0123456789", "aGZfQ0FOQVJZ", "inner_CANARY"] {
                    assert!(!text.contains(secret), "{secret} in the answer of {route}");
                }
            }
        }
    }
    assert!(seen.into_inner(), "no route shows what is stored");
}
