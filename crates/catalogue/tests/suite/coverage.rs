//! Every name that a recipe reads is captured from a real server, with the type that the recipe expects, or says where it
//! is documented.
use crate::captures::{captures, has_public_captures};
use crate::scraped::all_recipes;
use catalogue::{Recipe, Shape, bare_name, family_of};
use exposition::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Metrics that are captured with a wrong type.
const MISTYPED: [&str; 15] = [
    // An average that older versions type as a counter.
    "llamacpp:n_busy_slots_per_decode",
    // A maximum, typed as a counter.
    "llamacpp:n_tokens_max",
    // Counters that are typed as gauges: Triton's steps, and those of older versions of Ray.
    "nv_trt_llm_general_metrics",
    "ray_serve_num_http_requests",
    "ray_serve_num_grpc_requests",
    "ray_serve_num_http_error_requests",
    "ray_serve_num_grpc_error_requests",
    "ray_serve_deployment_error_counter",
    "ray_serve_deployment_request_counter",
    "ray_serve_deployment_replica_starts",
    // Counts of errors since the driver was loaded, drawn without a rate.
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
    // Bytes per second, which older exporters type as counters.
    "DCGM_FI_PROF_PCIE_RX_BYTES",
    "DCGM_FI_PROF_PCIE_TX_BYTES",
];

/// Other names of captured metrics, and where those are documented.
const RENAMED: [(&str, &str); 16] = [
    ("dynamo_component_gpu_cache_usage_percent", "Dynamo: lib/runtime/src/metrics/prometheus_names.rs"),
    ("dynamo_component_kv_cache_hit_rate", "Dynamo: lib/runtime/src/metrics/prometheus_names.rs"),
    ("dynamo_component_total_blocks", "Dynamo: lib/runtime/src/metrics/prometheus_names.rs"),
    ("litellm_input_tokens_total", "LiteLLM's documentation on Prometheus"),
    ("litellm_output_tokens_total", "LiteLLM's documentation on Prometheus"),
    ("lmcache_mp_lookup_hit_tokens_total", "LMCache's multiprocess server"),
    ("lmcache_mp_lookup_requested_tokens_total", "LMCache's multiprocess server"),
    ("ray_serve_deployment_error_counter_total", "Ray Serve's documentation on monitoring"),
    ("ray_serve_deployment_replica_starts_total", "Ray Serve's documentation on monitoring"),
    ("ray_serve_deployment_request_counter_total", "Ray Serve's documentation on monitoring"),
    ("ray_serve_num_grpc_error_requests_total", "Ray Serve's documentation on monitoring"),
    ("ray_serve_num_grpc_requests_total", "Ray Serve's documentation on monitoring"),
    ("ray_serve_num_http_error_requests_total", "Ray Serve's documentation on monitoring"),
    ("ray_serve_num_http_requests_total", "Ray Serve's documentation on monitoring"),
    ("sglang:num_prefill_infight_queue_reqs", "SGLang 0.4.10: python/sglang/srt/metrics/collector.py"),
    ("sglang:queue_time_s", "SGLang 0.5.2: python/sglang/srt/metrics/collector.py"),
];

#[test]
fn names_are_captured_with_their_types_or_documented() {
    let captures = captures();
    let is_complete = has_public_captures();
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for family in captures.iter().flat_map(|capture| &capture.families) {
        kinds.entry(&family.name).or_default().insert(family.kind.as_str());
    }
    let mut failures = BTreeSet::new();
    for (engine, recipe) in all_recipes() {
        let mut is_undocumented = true;
        for name in recipe.names().map(bare_name) {
            let family = |name: &str| kinds.get(name).or_else(|| kinds.get(family_of(name))).cloned();
            let spellings = engine.spellings(name);
            let found: BTreeSet<&str> = spellings.iter().filter_map(|name| family(name)).flatten().collect();
            if found.is_empty() {
                is_undocumented = false;
                if is_complete
                    && engine.is_captured
                    && recipe.documented.is_empty()
                    && RENAMED.iter().all(|(own, _)| *own != name)
                {
                    failures.insert(format!("{}: {name} is not captured", engine.id));
                }
                continue;
            }
            let is_expected = expected(recipe, name).iter().any(|kind| found.contains(kind.as_str()));
            if !is_expected && !MISTYPED.contains(&name) {
                failures.insert(format!("{}: {name} is {found:?}", engine.id));
            }
        }
        if !recipe.documented.is_empty() && is_undocumented {
            failures.insert(format!("{}: {} is captured now", engine.id, recipe.feeds));
        }
    }
    assert!(failures.is_empty(), "{}", failures.into_iter().collect::<Vec<_>>().join("\n"));
}

fn expected(recipe: &Recipe, name: &str) -> Vec<Kind> {
    let is_part = name.ends_with("_sum") || name.ends_with("_count");
    match recipe.shape {
        Shape::Gauge { .. } | Shape::GaugeBy { .. } => vec![Kind::Gauge],
        Shape::Histogram { .. } => vec![Kind::Histogram],
        Shape::Mean { .. } | Shape::MeanBy { .. } => vec![Kind::Histogram, Kind::Summary],
        Shape::Quantiles { .. } => vec![Kind::Summary],
        Shape::Raw { promql, .. } if !promql.contains("rate(") => vec![Kind::Gauge],
        _ if is_part => vec![Kind::Histogram, Kind::Summary, Kind::Counter],
        _ => vec![Kind::Counter],
    }
}
