//! Every name that a recipe reads is on a page of a real server, or on one composed from its source, with the type that the
//! recipe expects, or says where it is documented; and every engine has a page.
use crate::captures::{Capture, captures, has_public_captures, own_pages};
use crate::scraped::all_recipes;
use catalogue::{ENGINES, Engine, Recipe, Shape, bare_name, detect, family_of, fed_by};
use exposition::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Metrics that are captured with a wrong type.
const MISTYPED: [&str; 23] = [
    // Gauges that only grow.
    "lmdeploy:num_requests_failed",
    "lmdeploy:num_requests_succeeded",
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
    "DCGM_FI_DEV_PCIE_REPLAY_TOTAL",
    "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL",
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
    "DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL",
    "DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL",
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
    // Bytes per second, which older exporters type as counters.
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
    "DCGM_FI_PROF_PCIE_RX_BYTES",
    "DCGM_FI_PROF_PCIE_TX_BYTES",
];

/// Engines whose names are this project's own, or those of other engines.
const OWN: [&str; 4] = ["inferboard", "nvml", "efficiency", "scraper"];

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

/// The types of each family on some pages.
type Kinds = BTreeMap<String, BTreeSet<&'static str>>;

fn kinds<'a>(pages: impl Iterator<Item = &'a Capture>) -> Kinds {
    let mut kinds = Kinds::new();
    for family in pages.flat_map(|page| &page.families) {
        kinds.entry(family.name.clone()).or_default().insert(family.kind.as_str());
    }
    kinds
}

/// The types of a name under all its spellings.
fn found(engine: &Engine, name: &str, kinds: &Kinds) -> BTreeSet<&'static str> {
    let of = |name: &String| kinds.get(name).or_else(|| kinds.get(family_of(name)));
    engine.spellings(name).iter().filter_map(of).flatten().copied().collect()
}

#[test]
fn names_are_captured_or_composed_with_their_types_or_documented() {
    let pages = captures();
    let is_complete = has_public_captures();
    let captured = kinds(pages.iter().filter(|page| !page.is_composed));
    let composed = kinds(pages.iter().filter(|page| page.is_composed));
    let mut failures = BTreeSet::new();
    for (engine, recipe) in all_recipes() {
        let mut is_undocumented = true;
        for name in recipe.names().map(bare_name) {
            let mut own = found(engine, name, &captured);
            if own.is_empty() {
                is_undocumented = false;
                own = found(engine, name, &composed);
            }
            if own.is_empty() {
                let is_known = OWN.contains(&engine.id)
                    || !recipe.documented.is_empty()
                    || RENAMED.iter().any(|(own, _)| *own == name)
                    || engine.is_captured && !is_complete;
                if !is_known {
                    failures.insert(format!("{}: {name} is on no page", engine.id));
                }
                continue;
            }
            let is_expected = expected(recipe, name).iter().any(|kind| own.contains(kind.as_str()));
            if !is_expected && !MISTYPED.contains(&name) {
                failures.insert(format!("{}: {name} is {own:?}", engine.id));
            }
        }
        if !recipe.documented.is_empty() && is_undocumented {
            failures.insert(format!("{}: {} is captured now", engine.id, recipe.feeds));
        }
    }
    assert!(failures.is_empty(), "{}", failures.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Each engine is recognised on a page of this repository, and draws from it.
#[test]
fn every_engine_has_a_page_in_this_repository() {
    let mut missing: BTreeSet<&str> =
        ENGINES.iter().filter(|engine| !engine.signatures.is_empty()).map(|engine| engine.id).collect();
    missing.retain(|id| !OWN.contains(id));
    for page in own_pages() {
        let names: BTreeSet<&str> =
            page.families.iter().flat_map(|family| &family.samples).map(|sample| sample.name.as_str()).collect();
        for engine in detect(names.iter().copied()) {
            if engine.recipes.is_empty() || !fed_by(engine, &|name| names.contains(name)).is_empty() {
                missing.remove(engine.id);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

fn expected(recipe: &Recipe, name: &str) -> Vec<Kind> {
    let is_part = name.ends_with("_sum") || name.ends_with("_count");
    match recipe.shape {
        Shape::Gauge { .. } | Shape::GaugeBy { .. } => vec![Kind::Gauge],
        Shape::Histogram { .. } => vec![Kind::Histogram],
        Shape::Mean { .. } | Shape::MeanBy { .. } => vec![Kind::Histogram, Kind::Summary],
        Shape::Quantiles { .. } => vec![Kind::Summary],
        Shape::Raw { promql, .. } if ["rate(", "deriv("].iter().all(|part| !promql.contains(part)) && !is_part => {
            vec![Kind::Gauge]
        }
        // Some alternatives are counters and some gauges.
        Shape::Raw { promql, .. } if promql.contains("$any(") => vec![Kind::Counter, Kind::Gauge],
        _ if is_part => vec![Kind::Histogram, Kind::Summary, Kind::Counter],
        _ => vec![Kind::Counter],
    }
}
