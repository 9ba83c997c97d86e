//! Queries as text.
use super::*;
use crate::{Scope, ScopeLabels, graph};

fn labels() -> ScopeLabels {
    ScopeLabels::default()
}

fn scope() -> Scope {
    Scope { model: Some("m".into()), ..Scope::default() }
}

fn query_of(id: &str, present: &[&str]) -> Option<String> {
    let (scope, labels) = (scope(), labels());
    let context = QueryContext::of_moments(&scope, &labels, 20_000);
    drawn_query(graph(id).expect("a graph"), &|name| present.contains(&name), &context)
}

#[test]
fn a_renamed_metric_stays_one_line_and_only_present_names_are_queried() {
    assert_eq!(
        query_of("preemptions", &["ray_vllm_num_preemptions_total"]).as_deref(),
        Some(
            r#"label_replace(sum(rate(ray_vllm_num_preemptions_total{model="m"}[20s])), "line", "preemptions", "", "")"#
        )
    );
    let both = query_of(
        "inter-token-latency",
        &["vllm:inter_token_latency_seconds_count", "vllm:time_per_output_token_seconds_count"],
    );
    assert!(both.expect("a query").contains(
        "rate(vllm:inter_token_latency_seconds_bucket{model=\"m\"}[20s]) or \
         rate(vllm:time_per_output_token_seconds_bucket{model=\"m\"}[20s])"
    ));
}

#[test]
fn a_graph_without_metrics_has_no_query() {
    assert_eq!(query_of("kv-cache-use", &["up"]), None);
    assert_eq!(query_of("prefix-cache-hit-share", &["vllm:prefix_cache_hits_total"]), None);
    assert!(!has_data(graph("memory").expect("a graph"), &|name| name == "node_memory_MemTotal_bytes"));
    assert_eq!(query_of("memory", &["node_memory_MemTotal_bytes"]), None, "a limit alone is no graph");
}

#[test]
fn a_histogram_is_known_by_its_count_and_queried_by_its_buckets() {
    let query = query_of("time-to-first-token", &["vllm:time_to_first_token_seconds_count"]).expect("a query");
    assert!(query.contains(r#"rate(vllm:time_to_first_token_seconds_bucket{model="m"}[20s])"#), "{query}");
    assert_eq!(query.matches(" or ").count(), 4, "four percentiles and the mean: {query}");
}

#[test]
fn machines_match_without_a_model_and_replicas_must_have_it() {
    let memory = ["node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"];
    assert!(query_of("memory", &memory).expect("a query").contains(r#"node_memory_MemTotal_bytes{model=~"|m""#));
    let answering = query_of("replicas-answering", &["up"]).expect("a query");
    assert!(answering.contains(r#"sum(up{model="m",replica!=""})"#), "{answering}");
}

#[test]
fn pods_are_selected_where_they_are_the_backends_replicas() {
    let scope = Scope { replica: Some("p-1".into()), ..Scope::default() };
    let labels = ScopeLabels { replica: "pod".into(), ..ScopeLabels::default() };
    let context = QueryContext::of_moments(&scope, &labels, 20_000);
    let memory = |name: &str| name == "container_memory_working_set_bytes";
    let query = drawn_query(graph("container-memory").expect("a graph"), &memory, &context).expect("a query");
    assert!(query.contains("pod=~\"|p-1\""), "{query}");
    let host = |name: &str| name.starts_with("node_memory_Mem");
    let query = drawn_query(graph("memory").expect("a graph"), &host, &context).expect("a query");
    assert!(!query.contains("p-1"), "{query}");
}

#[test]
fn an_engine_feeds_the_graphs_of_its_present_metrics() {
    let engine = crate::engine("llamacpp").expect("an engine");
    let present = |name: &str| ["llamacpp:requests_processing", "llamacpp:requests_deferred"].contains(&name);
    let ids: Vec<&str> = fed_by(engine, &present).into_iter().map(|graph| graph.id).collect();
    assert_eq!(ids, ["running-and-waiting"]);
}

#[test]
fn summaries_count_over_the_range_and_leave_out_values_of_a_moment() {
    let (scope, labels) = (Scope::default(), labels());
    let context = QueryContext::of_moments(&scope, &labels, 20_000);
    let summary =
        |id, present: &dyn Fn(&str) -> bool| summary_query(graph(id).expect("a graph"), present, &context, 3_600_000);
    let counts = summary("preemptions", &|name| name.starts_with("vllm:")).expect("a summary");
    assert!(counts.contains("[3600s]") && counts.ends_with(" * 3600"), "{counts}");
    assert_eq!(summary("cpu", &|_| true), None);
    assert_eq!(summary("end-to-end-latency", &|name| name == "latency_distribution"), None);
}

#[test]
fn details_separate_replicas_and_gpus_and_limits_stay_one_line() {
    let (scope, labels) = (Scope::default(), labels());
    let context = QueryContext::of_moments(&scope, &labels, 20_000);
    let detailed = |id: &str, names: &[&str]| {
        detailed_query(graph(id).expect("a graph"), &|name| names.contains(&name), &context).expect("details")
    };
    assert_eq!(
        detailed("gpu-memory", &["gpu_memory_used_bytes", "gpu_memory_total_bytes"]),
        "label_replace(label_join(sum by (instance, gpu) (gpu_memory_used_bytes{mig=\"\"}), \"line\", \" \", \
         \"instance\", \"gpu\"), \"line\", \"$1\", \"line\", \"(.*)\") or \
         label_replace(max(sum by (instance, gpu) (gpu_memory_total_bytes{mig=\"\"})), \"line\", \"capacity\", \
         \"\", \"\")"
    );
    assert_eq!(
        detailed("running-and-waiting", &["vllm:num_requests_running", "vllm:num_requests_waiting"]),
        "label_replace(sum by (replica) (vllm:num_requests_running{server=\"\"}), \"line\", \"$1 · running\", \
         \"replica\", \"(.*)\") or \
         label_replace(sum by (replica) (vllm:num_requests_waiting{server=\"\"}), \"line\", \"$1 · waiting\", \
         \"replica\", \"(.*)\")"
    );
    assert_eq!(
        detailed("gpu", &["gpu_utilization_ratio"]),
        "label_replace(label_join(avg by (instance, gpu) (gpu_utilization_ratio{}), \"line\", \" \", \"instance\", \
         \"gpu\"), \"line\", \"$1\", \"line\", \"(.*)\")"
    );
    assert!(detailed("volume", &["http_requests_total"]).contains("\"$1\", \"status\", \"(.*)\""));
    assert!(
        detailed("queue-time", &["vllm:request_queue_time_seconds_count"])
            .contains("histogram_quantile(0.95, sum by (le, replica)")
    );
}

#[test]
fn requests_counted_at_two_layers_are_stacked_once() {
    let names = ["http_requests_total", "vllm:request_success_total", "envoy_cluster_upstream_rq"];
    let query = query_of("volume", &names).expect("a query");
    let (chosen, proxy) = query.split_once(" or on () ").expect("a proxy is drawn where nothing else counts");
    assert!(chosen.contains("http_requests") && chosen.contains("vllm:") && proxy.contains("envoy_cluster"), "{query}");
    assert!(chosen.contains(" unless on (instance) (") && !proxy.contains(" unless "), "{query}");
}

#[test]
fn counts_are_exact_where_the_server_counts_and_lines_stay_extrapolated() {
    let (scope, labels) = (Scope::default(), labels());
    let present = |name: &str| name == "vllm:num_preemptions_total";
    let graph = graph("preemptions").expect("a graph");
    for (counting, adjacent, whole) in [
        (
            Counting::Extrapolated,
            "sum(rate(vllm:num_preemptions_total{}[60s]))",
            "sum(rate(vllm:num_preemptions_total{}[60s]))",
        ),
        (
            Counting::Anchored,
            "sum(rate(vllm:num_preemptions_total{}[60s] smoothed))",
            "sum(rate(vllm:num_preemptions_total{}[60s] anchored))",
        ),
        (
            Counting::Difference,
            "sum(rate(vllm:num_preemptions_total{}[60s]))",
            "sum((increase(vllm:num_preemptions_total{}[60s]) / 60))",
        ),
    ] {
        let context = QueryContext { counting, ..QueryContext::of_moments(&scope, &labels, 20_000) };
        let sliding = drawn_query(graph, &present, &context).expect("a query");
        assert!(sliding.contains("sum(rate(vllm:num_preemptions_total{}[20s]))"), "{sliding}");
        let summary = summary_query(graph, &present, &context, 60_000).expect("a summary");
        assert!(summary.contains(whole), "{summary}");
        let window = Window { length_ms: 60_000, kind: WindowKind::Adjacent };
        let bars = drawn_query(graph, &present, &QueryContext { window, ..context }).expect("a query");
        assert!(bars.contains(adjacent), "{bars}");
        assert_eq!(counting.is_exact(), counting == Counting::Difference, "births are missed");
    }
}

#[test]
fn rates_of_a_young_history_are_divided_by_its_time_and_counts_are_not() {
    let (scope, labels) = (Scope::default(), labels());
    let present = |name: &str| name == "vllm:num_preemptions_total";
    let graph = graph("preemptions").expect("a graph");
    let history_start = Some(HistoryStart { time_ms: 1_500_250, interval_ms: 5000 });
    let adjacent = Window { length_ms: 60_000, kind: WindowKind::Adjacent };
    let sliding = "scalar(clamp_min(vector(20 / (time() - 1497.750 + 20 * (time() >= bool 1514.750))), 1))";
    for (counting, window, factor) in [
        (Counting::AnchoredFromZero, adjacent, Some("scalar(clamp_min(vector(60 / (time() - 1500.250)), 1))")),
        (Counting::AnchoredFromZero, Window::sliding(20_000), Some(sliding)),
        (Counting::Extrapolated, Window::sliding(20_000), Some(sliding)),
        // MetricsQL divides by the time between samples.
        (Counting::Difference, Window::sliding(20_000), None),
    ] {
        let context = QueryContext { counting, window, history_start, ..QueryContext::of_moments(&scope, &labels, 0) };
        let query = drawn_query(graph, &present, &context).expect("a query");
        assert_eq!(query.contains("scalar"), factor.is_some(), "{query}");
        assert!(factor.is_none_or(|factor| query.contains(&format!(" * {factor})"))), "{query}");
        assert!(!summary_query(graph, &present, &context, 60_000).expect("a summary").contains("scalar"));
        let factor = history_start.and_then(|start| start.factor(window, counting));
        let length_ms = window.length_ms;
        for (after_ms, expected) in [(-86_400_000, 1.0), (length_ms, 1.0), (86_400_000, 1.0)] {
            let Some(factor) = &factor else { continue };
            assert_eq!(value_at(factor, 1_500_250 + after_ms), expected, "{factor} after {after_ms} ms");
        }
    }
    let adjacent = HistoryStart { time_ms: 1_500_250, interval_ms: 5000 }.factor(adjacent, Counting::Anchored);
    assert_eq!(value_at(&adjacent.expect("a factor"), 1_515_250), 4.0, "a quarter of the window has history");
}

#[test]
fn gauges_keep_their_peaks_and_limits_are_values_of_a_moment() {
    let (scope, labels) = (Scope::default(), labels());
    let query = |id: &str, names: &[&str], is_complete| {
        let peaks = Some(Peaks { step_ms: 60_000, resolution_ms: 5000, is_complete });
        let context = QueryContext { peaks, ..QueryContext::of_moments(&scope, &labels, 20_000) };
        drawn_query(graph(id).expect("a graph"), &|name| names.contains(&name), &context).expect("a query")
    };
    let sampled = query("running-and-waiting", &["llamacpp:requests_processing"], false);
    let line = r#"label_replace(sum(llamacpp:requests_processing{}), "line", "running", "", "")"#;
    assert_eq!(
        sampled,
        format!(
            "avg_over_time(({line})[60s:5s]) or label_replace(min_over_time(({line})[60s:5s]), \"bound\", \"least\", \
             \"\", \"\") or label_replace(max_over_time(({line})[60s:5s]), \"bound\", \"greatest\", \"\", \"\")"
        )
    );
    let complete = query("running-and-waiting", &["llamacpp:requests_processing"], true);
    assert!(
        complete.contains("max_over_time((label_replace(sum(max_over_time(llamacpp:requests_processing{}[5s]))"),
        "{complete}"
    );
    let memory = query("memory", &["node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"], true);
    let (_, capacity) = memory.rsplit_once(" or ").expect("a limit");
    assert!(!capacity.contains("over_time"), "{capacity}");
    assert!(query("preemptions", &["vllm:num_preemptions_total"], true).starts_with("label_replace(sum(rate("));
    let highest = query("end-to-end-latency", &["latency_distribution"], false);
    assert!(!highest.contains("avg_over_time"), "{highest}");
}

#[test]
fn the_names_behind_a_graph_are_those_that_are_present() {
    let present = ["vllm:request_success_total", "vllm:e2e_request_latency_seconds_count", "up"];
    let names = |id| read_names(graph(id).expect("a graph"), &|name| present.contains(&name));
    assert_eq!(names("volume"), ["vllm:request_success_total"]);
    assert_eq!(names("end-to-end-latency"), ["vllm:e2e_request_latency_seconds_count"]);
    assert!(names("gpu").is_empty());
}

/// The value of a scalar expression at a time, without any series.
fn value_at(query: &str, time_ms: i64) -> f64 {
    let (store, options) = (tsdb::Store::new(tsdb::Limits::default()), promql::Options::default());
    let parsed = promql::parse(query, &options.limits).expect("a query");
    let answer = promql::instant(&store, &parsed, time_ms, &options, &promql::uninterrupted).expect("an answer");
    match answer.value {
        promql::Value::Scalar { value, .. } => value,
        other => panic!("{other:?}"),
    }
}
