//! Tests the requests of Grafana's Prometheus data source, in the order in which a user causes them.
//!
//! Source: `packages/grafana-prometheus` and `pkg/promlib` of grafana/grafana, and its documentation of the data source.
use crate::harness::{Companion, FakeTarget, args, http};
use serde_json::Value;

async fn call(companion: &Companion, post: bool, path: &str, params: &[(&str, &str)]) -> Value {
    let url = format!("http://{}{path}", companion.address);
    let request = if post {
        let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        http().post(url).header("Content-Type", "application/x-www-form-urlencoded").body(form)
    } else {
        http().get(url).query(params)
    };
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a body");
    assert_eq!(status, 200, "{path} {params:?}: {}", String::from_utf8_lossy(&body));
    let answer: Value = serde_json::from_slice(&body).expect("json");
    assert_eq!(answer["status"], "success", "{path}");
    answer["data"].clone()
}

#[tokio::test]
async fn the_requests_of_a_data_source_succeed() {
    let text = "# HELP vllm:num_requests_running Requests in execution batches.\n\
        # TYPE vllm:num_requests_running gauge\n\
        vllm:num_requests_running{model_name=\"llama\",engine=\"0\"} 3\n\
        # TYPE vllm:e2e_request_latency_seconds histogram\n\
        vllm:e2e_request_latency_seconds_bucket{model_name=\"llama\",le=\"1.0\"} 4\n\
        vllm:e2e_request_latency_seconds_bucket{model_name=\"llama\",le=\"+Inf\"} 5\n\
        vllm:e2e_request_latency_seconds_sum{model_name=\"llama\"} 6\n\
        vllm:e2e_request_latency_seconds_count{model_name=\"llama\"} 5\n";
    let target = FakeTarget::serving(text).await;
    let companion = Companion::start(&args(&[&target.url()])).await;
    companion.wait_for("vllm:num_requests_running", &[], &["3"]).await;
    let now_s = server::clock::now_ms() as f64 / 1000.0;
    let (start, end) = ((now_s - 3600.0).to_string(), now_s.to_string());
    let time_range = [("start", start.as_str()), ("end", end.as_str())];
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> { [&time_range[..], more].concat() };

    // "Save & test", and the detection of the Prometheus version.
    let health = call(&companion, true, "/api/v1/query", &[("query", "1+1"), ("time", "4")]).await;
    assert_eq!(health, serde_json::json!({ "resultType": "scalar", "result": [4, "2"] }));
    assert!(call(&companion, false, "/api/v1/status/buildinfo", &[]).await["version"].is_string());

    // The query builder: metrics, then labels, then values.
    let names = call(&companion, false, "/api/v1/label/__name__/values", &with(&[("limit", "40000")])).await;
    assert!(names.as_array().expect("names").contains(&"vllm:num_requests_running".into()), "{names}");
    let labels =
        call(&companion, true, "/api/v1/labels", &with(&[("match[]", "{__name__=\"vllm:num_requests_running\"}")]))
            .await;
    assert_eq!(labels, serde_json::json!(["__name__", "engine", "instance", "job", "model", "model_name", "replica"]));
    let values = "/api/v1/label/model_name/values";
    let values =
        call(&companion, false, values, &with(&[("match[]", "vllm:num_requests_running{engine=\"0\"}")])).await;
    assert_eq!(values, serde_json::json!(["llama"]));
    let series =
        call(&companion, true, "/api/v1/series", &with(&[("match[]", "vllm:num_requests_running"), ("limit", "5")]))
            .await;
    assert_eq!(series[0]["model"], "llama");
    let metadata = call(&companion, false, "/api/v1/metadata", &[("limit", "500")]).await;
    assert_eq!(metadata["vllm:num_requests_running"][0]["type"], "gauge");
    assert_eq!(metadata["vllm:num_requests_running"][0]["help"], "Requests in execution batches.");
    assert_eq!(metadata["vllm:e2e_request_latency_seconds"][0]["type"], "histogram");
    let rules = call(&companion, false, "/api/v1/rules", &[]).await;
    assert_eq!(rules["groups"], serde_json::json!([]));

    // A panel with expanded macros, an annotation, and a template variable.
    let quantile = "histogram_quantile(0.95, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[1m0s])))";
    let range = call(&companion, true, "/api/v1/query_range", &with(&[("query", quantile), ("step", "15")])).await;
    assert_eq!(range["resultType"], "matrix");
    let instant =
        call(&companion, true, "/api/v1/query", &[("query", "vllm:num_requests_running"), ("time", &end)]).await;
    assert_eq!(instant["result"][0]["value"][1], "3");
    let exemplars = call(&companion, true, "/api/v1/query_exemplars", &with(&[("query", "up")])).await;
    assert_eq!(exemplars, serde_json::json!([]));
    let formatted = call(&companion, false, "/api/v1/format_query", &[("query", "sum(up)by(job)")]).await;
    assert_eq!(formatted, "sum by (job) (up)");
    let truncated = http()
        .get(format!("http://{}/api/v1/labels", companion.address))
        .query(&[("limit", "2")])
        .send()
        .await
        .expect("an answer");
    let truncated: Value = serde_json::from_slice(&truncated.bytes().await.expect("a body")).expect("json");
    assert_eq!(truncated["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(truncated["warnings"], serde_json::json!(["results truncated due to limit"]));
}
