//! Every name that a recipe reads is on a page of a real server, with the type that the recipe takes it for, or says
//! where it is documented.
use crate::pages::{all_recipes, bare, captures, spellings};
use catalogue::{Recipe, Shape};
use exposition::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Metrics whose type on their page is not what they are.
const MISTYPED: [&str; 12] = [
    // An average, typed as a counter by older versions.
    "llamacpp:n_busy_slots_per_decode",
    // Counters of steps and of Ray's older versions, typed as gauges.
    "nv_trt_llm_general_metrics",
    "ray_serve_num_http_requests",
    "ray_serve_num_grpc_requests",
    "ray_serve_num_http_error_requests",
    "ray_serve_num_grpc_error_requests",
    "ray_serve_deployment_error_counter",
    "ray_serve_deployment_request_counter",
    "ray_serve_deployment_replica_starts",
    // Counts of errors since the driver was loaded, drawn as they are.
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
];

/// Other names of metrics that are captured, and where those are documented.
const RENAMED: [(&str, &str); 14] = [
    ("dynamo_component_gpu_cache_usage_percent", "Dynamo: lib/runtime/src/metrics/prometheus_names.rs"),
    ("dynamo_component_kv_cache_hit_rate", "Dynamo: lib/runtime/src/metrics/prometheus_names.rs"),
    ("dynamo_component_total_blocks", "Dynamo: lib/runtime/src/metrics/prometheus_names.rs"),
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
    if captures.len() < 2 {
        println!("skipped: the captures are absent");
        return;
    }
    let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for family in captures.iter().flat_map(|capture| &capture.families) {
        kinds.entry(&family.name).or_default().insert(family.kind.as_str());
    }
    let mut failures = BTreeSet::new();
    for (engine, recipe) in all_recipes() {
        let mut is_undocumented = true;
        for name in recipe.names().map(bare) {
            let family = |name: &str| kinds.get(name).or_else(|| kinds.get(family_of(name))).cloned();
            let spellings = spellings(engine, name);
            let found: BTreeSet<&str> = spellings.iter().filter_map(|name| family(name)).flatten().collect();
            if found.is_empty() {
                is_undocumented = false;
                if engine.is_captured && recipe.documented.is_empty() && RENAMED.iter().all(|(own, _)| *own != name) {
                    failures.insert(format!("{}: {name} is on no page", engine.id));
                }
                continue;
            }
            let is_expected = expected(recipe, name).iter().any(|kind| found.contains(kind.as_str()));
            if !is_expected && !MISTYPED.contains(&name) {
                failures.insert(format!("{}: {name} is {found:?}", engine.id));
            }
        }
        if !recipe.documented.is_empty() && is_undocumented {
            failures.insert(format!("{}: {} is captured by now", engine.id, recipe.feeds));
        }
    }
    assert!(failures.is_empty(), "{}", failures.into_iter().collect::<Vec<_>>().join("\n"));
}

fn family_of(name: &str) -> &str {
    ["_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

fn expected(recipe: &Recipe, name: &str) -> Vec<Kind> {
    let is_part = name.ends_with("_sum") || name.ends_with("_count");
    match recipe.shape {
        Shape::Gauge { .. } | Shape::GaugeBy { .. } => vec![Kind::Gauge],
        Shape::Spread { .. } => vec![Kind::Histogram],
        Shape::Mean { .. } | Shape::MeanBy { .. } => vec![Kind::Histogram, Kind::Summary],
        Shape::Quantiles { .. } => vec![Kind::Summary],
        Shape::Raw { promql, .. } if !promql.contains("rate(") => vec![Kind::Gauge],
        _ if is_part => vec![Kind::Histogram, Kind::Summary, Kind::Counter],
        _ => vec![Kind::Counter],
    }
}
