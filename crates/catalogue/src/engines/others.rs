//! Other inference servers: llama.cpp, LMDeploy and Ray Serve; and LMCache.
use crate::contract::TargetRole;
use crate::engine::{HEALTH, for_documents};
use crate::recipe::{
    avg, avg_rate, histogram, max, mean, mean_by, rate, rate_by, rate_by_class, ratio, ratio_by, raw, share_of, sum,
};
use crate::{Engine, Layer, ModelApi, PrefixAliases, Signature, VersionLabel};

pub(super) const LLAMACPP: Engine = Engine {
    id: "llamacpp",
    title: "llama.cpp",
    signatures: &[Signature::Prefix("llamacpp:"), Signature::Prefix("llamacpp_")],
    prefix_aliases: Some(PrefixAliases { original: "llamacpp:", others: &["llamacpp_"] }),
    health: HEALTH,
    model_apis: &[ModelApi::Models, ModelApi::Props],
    turn_on: "--metrics",
    source: for_documents("https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"),
    recipes: recipes![
        ratio(
            "time-per-output-token/mean",
            &["llamacpp:tokens_predicted_seconds_total"],
            &["llamacpp:tokens_predicted_total"],
        ),
        rate("tokens-per-second/generation", &["llamacpp:tokens_predicted_total"]),
        // Unlike other engines it does not count cached tokens among those of the prompt.
        raw(
            "tokens-per-second/prompt",
            "sum$by ($rate(llamacpp:prompt_tokens_total{$scope})) + \
             sum$by ($rate(llamacpp:prompt_tokens_cached_total{$scope}))",
            &["llamacpp:prompt_tokens_total", "llamacpp:prompt_tokens_cached_total"],
        ),
        rate("tokens-per-second/prompt", &["llamacpp:prompt_tokens_total"]),
        sum("running-and-waiting/running", &["llamacpp:requests_processing"]),
        sum("running-and-waiting/waiting", &["llamacpp:requests_deferred"]),
        avg("kv-cache-use/in use", &["llamacpp:kv_cache_usage_ratio"])
            .needs("a version before May 2025, which still exports it")
            .documented("ggml-org/llama.cpp before pull request 13660"),
        max("kv-cache-tokens/most so far", &["llamacpp:n_tokens_max"]),
        share_of(
            "prefix-cache-hit-share/hits",
            &["llamacpp:prompt_tokens_cached_total"],
            &["llamacpp:prompt_tokens_total"],
        )
        .since("2026"),
        avg("batch-size/mean", &["llamacpp:n_busy_slots_per_decode"]),
        rate("engine-steps/steps", &["llamacpp:n_decode_total"]),
        avg_rate("engine-load/prefill", &["llamacpp:prompt_seconds_total"]),
        avg_rate("engine-load/decode", &["llamacpp:tokens_predicted_seconds_total"]),
        ratio(
            "speculative-acceptance/accepted",
            &["llamacpp:spec_decode_num_accepted_tokens_total"],
            &["llamacpp:spec_decode_num_draft_tokens_total"],
        )
        .since("2026"),
        ratio(
            "speculative-length/tokens per pass",
            &["llamacpp:spec_decode_num_accepted_tokens_total"],
            &["llamacpp:spec_decode_num_drafts_total"],
        )
        .plus(1.0)
        .since("2026"),
        rate("speculative-tokens/drafted", &["llamacpp:spec_decode_num_draft_tokens_total"]).since("2026"),
        rate("speculative-tokens/accepted", &["llamacpp:spec_decode_num_accepted_tokens_total"]).since("2026"),
        ratio_by(
            "speculative-positions",
            &["llamacpp:spec_decode_num_accepted_tokens_per_pos_total"],
            &["llamacpp:spec_decode_num_drafts_total"],
            "position",
        )
        .since("2026"),
    ],
    ..Engine::PLAIN
};

pub(super) const LMDEPLOY: Engine = Engine {
    id: "lmdeploy",
    title: "LMDeploy",
    signatures: &[Signature::Prefix("lmdeploy:"), Signature::Prefix("lmdeploy_")],
    prefix_aliases: Some(PrefixAliases { original: "lmdeploy:", others: &["lmdeploy_"] }),
    health: HEALTH,
    model_apis: &[ModelApi::Models],
    turn_on: "--enable-metrics",
    source: for_documents("https://github.com/InternLM/lmdeploy: lmdeploy/metrics/loggers.py"),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", &["lmdeploy:request_success_total"]),
        // Gauges that only grow.
        rate("volume/failed", &["lmdeploy:num_requests_failed"]),
        share_of("error-share/failed", &["lmdeploy:num_requests_failed"], &["lmdeploy:num_requests_succeeded"]),
        rate_by("finish-reasons", &["lmdeploy:request_success_total"], "finished_reason"),
        histogram("end-to-end-latency", &["lmdeploy:e2e_request_latency_seconds"]),
        histogram("inference-time", &["lmdeploy:request_inference_time_seconds"]),
        histogram("time-to-first-token", &["lmdeploy:time_to_first_token_seconds"]),
        histogram("inter-token-latency", &["lmdeploy:iter_token_latency"]),
        histogram("time-per-output-token", &["lmdeploy:time_per_output_token_seconds"]),
        histogram("queue-time", &["lmdeploy:request_queue_time_seconds"]),
        histogram("prefill-time", &["lmdeploy:request_prefill_time_seconds"]),
        histogram("decode-time", &["lmdeploy:request_decode_time_seconds"]),
        mean("phase-times/queue", &["lmdeploy:request_queue_time_seconds"]),
        mean("phase-times/prefill", &["lmdeploy:request_prefill_time_seconds"]),
        mean("phase-times/decode", &["lmdeploy:request_decode_time_seconds"]),
        rate("tokens-per-second/generation", &["lmdeploy:generation_tokens_total"]),
        rate("tokens-per-second/prompt", &["lmdeploy:prompt_tokens_total"]),
        histogram("prompt-length", &["lmdeploy:request_prompt_tokens"]),
        histogram("output-length", &["lmdeploy:request_generation_tokens"]),
        sum("running-and-waiting/running", &["lmdeploy:num_requests_running"]),
        sum("running-and-waiting/waiting", &["lmdeploy:num_requests_waiting"]),
        sum("waiting-by-reason/API", &["lmdeploy:num_api_requests_waiting"]),
        avg("kv-cache-use/in use", &["lmdeploy:gpu_cache_usage_perc"]),
        max("kv-cache-use/fullest", &["lmdeploy:gpu_cache_usage_perc"]),
        ratio("prefix-cache-hit-share/hits", &["lmdeploy:cached_tokens_total"], &["lmdeploy:prompt_tokens_total"]),
        avg("prefix-cache-hit-share/as reported", &["lmdeploy:prefix_cache_hit_rate"]),
        histogram("tokens-per-step", &["lmdeploy:iteration_tokens_total"]),
        rate("engine-steps/steps", &["lmdeploy:iteration_tokens_total_count"]),
        ratio(
            "speculative-acceptance/accepted",
            &["lmdeploy:spec_decode_num_accepted_tokens_total"],
            &["lmdeploy:spec_decode_num_draft_tokens_total"],
        )
        .needs("speculative decoding"),
        avg("speculative-acceptance/as reported", &["lmdeploy:spec_decode_mean_accept_rate"])
            .needs("speculative decoding"),
        avg("speculative-length/as reported", &["lmdeploy:spec_decode_mean_accept_length"])
            .needs("speculative decoding"),
        rate("speculative-tokens/drafted", &["lmdeploy:spec_decode_num_draft_tokens_total"])
            .needs("speculative decoding"),
        rate("speculative-tokens/accepted", &["lmdeploy:spec_decode_num_accepted_tokens_total"])
            .needs("speculative decoding"),
        ratio_by(
            "speculative-positions",
            &["lmdeploy:spec_decode_num_accepted_tokens_per_pos_total"],
            &["lmdeploy:spec_decode_num_drafts_total"],
            "position",
        )
        .needs("speculative decoding"),
    ],
    ..Engine::PLAIN
};

const LMCACHE_NAMES: &str = "LMCache 0.5.6: lmcache/v1/mp_observability/subscribers/metrics";

pub(super) const LMCACHE: Engine = Engine {
    id: "lmcache",
    title: "LMCache",
    layer: Layer::Engine,
    role: Some(TargetRole::Exporter),
    signatures: &[Signature::Prefix("lmcache:"), Signature::Prefix("lmcache_")],
    prefix_aliases: Some(PrefixAliases { original: "lmcache:", others: &["lmcache_"] }),
    source: for_documents("https://github.com/LMCache/LMCache: lmcache/observability.py"),
    recipes: recipes![
        ratio(
            "other-cache-hits/LMCache",
            &["lmcache:num_hit_tokens_total", "lmcache_mp_lookup_hit_tokens_total"],
            &["lmcache:num_requested_tokens_total", "lmcache_mp_lookup_requested_tokens_total"],
        ),
        ratio(
            "other-cache-hits/LMCache in memory",
            &["lmcache_mp_lookup_hit_l1_tokens_total"],
            &["lmcache_mp_lookup_requested_tokens_total"],
        )
        .documented(LMCACHE_NAMES),
        ratio(
            "other-cache-hits/LMCache beyond",
            &["lmcache_mp_lookup_hit_l2_tokens_total"],
            &["lmcache_mp_lookup_requested_tokens_total"],
        )
        .documented(LMCACHE_NAMES),
        rate("engine-failures/store refused", &["lmcache_mp_l1_allocation_failure_chunks_total"])
            .documented(LMCACHE_NAMES),
        rate("engine-failures/promotion failed", &["lmcache_mp_l2_prefetch_failure_chunks_total"])
            .documented(LMCACHE_NAMES),
        avg("kv-offload-use/host", &["lmcache_mp_l1_usage_ratio"]).documented(LMCACHE_NAMES),
        sum("cache-tiers/host", &["lmcache_mp_l1_memory_usage_bytes", "lmcache:local_cache_usage"]),
        sum("cache-tiers/disk", &["lmcache_mp_l2_usage_bytes", "lmcache:local_storage_usage"]),
        sum("cache-tiers/remote", &["lmcache:remote_cache_usage"]),
        histogram("cache-load-time", &["lmcache:time_to_retrieve"]),
        ratio("cache-pays/load", &["lmcache:time_to_retrieve_sum"], &["lmcache:num_hit_tokens_total"]),
        rate("kv-transfer-bytes/loaded", &["lmcache:num_remote_read_bytes_total"]),
        rate("kv-transfer-bytes/stored", &["lmcache:num_remote_write_bytes_total"]),
    ],
    ..Engine::PLAIN
};

pub(super) const RAY: Engine = Engine {
    id: "ray",
    title: "Ray Serve",
    // Its proxies are in front of replicas on several machines.
    layer: Layer::Gateway,
    signatures: &[Signature::Prefix("ray_serve_")],
    // Its metrics pages are those of node agents: they have the metrics of all replicas on a machine.
    role: Some(TargetRole::Exporter),
    repeats_others: true,
    replica_label: "replica",
    version: Some(VersionLabel { metric: "ray_*", labels: &["Version"] }),
    source: for_documents("https://docs.ray.io/en/latest/serve/monitoring.html"),
    recipes: recipes![
        // Counters without `_total` are typed as gauges; newer versions export both.
        rate_by_class(
            "volume",
            &[
                without_probes!("ray_serve_num_http_requests_total", "route"),
                without_probes!("ray_serve_num_http_requests", "route"),
                without_probes!("ray_serve_num_grpc_requests_total", "route"),
                without_probes!("ray_serve_num_grpc_requests", "route"),
            ],
            "status_code",
        ),
        ratio(
            "error-share/server errors",
            &[
                without_probes!("ray_serve_num_http_requests_total", "route", "status_code=~\"5..\""),
                without_probes!("ray_serve_num_http_requests", "route", "status_code=~\"5..\""),
            ],
            &[
                without_probes!("ray_serve_num_http_requests_total", "route"),
                without_probes!("ray_serve_num_http_requests", "route"),
            ],
        ),
        ratio(
            "error-share/client errors",
            &[
                without_probes!("ray_serve_num_http_requests_total", "route", "status_code=~\"4..\""),
                without_probes!("ray_serve_num_http_requests", "route", "status_code=~\"4..\""),
            ],
            &[
                without_probes!("ray_serve_num_http_requests_total", "route"),
                without_probes!("ray_serve_num_http_requests", "route"),
            ],
        ),
        rate_by(
            "errors-by-cause",
            &[
                without_probes!("ray_serve_num_http_error_requests_total", "route"),
                without_probes!("ray_serve_num_http_error_requests", "route"),
                without_probes!("ray_serve_num_grpc_error_requests_total", "route"),
                without_probes!("ray_serve_num_grpc_error_requests", "route"),
            ],
            "error_code",
        ),
        ratio(
            "error-share/failed",
            &[
                without_probes!("ray_serve_deployment_error_counter_total", "route"),
                without_probes!("ray_serve_deployment_error_counter", "route"),
            ],
            &[
                without_probes!("ray_serve_deployment_request_counter_total", "route"),
                without_probes!("ray_serve_deployment_request_counter", "route"),
            ],
        ),
        mean_by("latency-by-route", &[without_probes!("ray_serve_http_request_latency_ms", "route")], "route")
            .scale(0.001),
        rate_by(
            "requests-by-route",
            &[
                without_probes!("ray_serve_num_http_requests_total", "route"),
                without_probes!("ray_serve_num_http_requests", "route"),
            ],
            "route",
        ),
        histogram(
            "end-to-end-latency",
            &[
                without_probes!("ray_serve_http_request_latency_ms", "route"),
                without_probes!("ray_serve_grpc_request_latency_ms", "route"),
            ],
        )
        .scale(0.001),
        histogram("inference-time", &[without_probes!("ray_serve_deployment_processing_latency_ms", "route")])
            .scale(0.001),
        sum(
            "concurrent-requests/in flight",
            &["ray_serve_num_ongoing_http_requests", "ray_serve_num_ongoing_grpc_requests"],
        ),
        sum("replicas/desired", &["ray_serve_autoscaling_target_replicas"]),
        raw(
            "autoscaler-load/highest",
            "max$by (ray_serve_autoscaling_total_requests{$scope} / ray_serve_autoscaling_target_ongoing_requests{$scope} / \
             (ray_serve_autoscaling_target_replicas{$scope} > 0))",
            &[
                "ray_serve_autoscaling_total_requests",
                "ray_serve_autoscaling_target_ongoing_requests",
                "ray_serve_autoscaling_target_replicas",
            ],
        ),
        // What its policy decides, before the bounds.
        raw(
            "autoscaler-limits/ScalingLimited",
            "sum$by (ray_serve_autoscaling_desired_replicas{$scope} > bool ray_serve_autoscaling_target_replicas{$scope})",
            &["ray_serve_autoscaling_desired_replicas", "ray_serve_autoscaling_target_replicas"],
        ),
        mean("first-token-stages/queue at the router", &["ray_serve_request_router_fulfillment_time_ms"])
            .scale(0.001)
            .layer(Layer::Machine),
        raw(
            "startup-time/ready",
            "max$by (ray_serve_replica_startup_latency_ms_sum{$scope} / \
             ray_serve_replica_startup_latency_ms_count{$scope}) / 1000",
            &["ray_serve_replica_startup_latency_ms_sum", "ray_serve_replica_startup_latency_ms_count"],
        ),
        raw(
            "startup-time/engine",
            "max$by (ray_serve_replica_initialization_latency_ms_sum{$scope} / \
             ray_serve_replica_initialization_latency_ms_count{$scope}) / 1000",
            &["ray_serve_replica_initialization_latency_ms_sum", "ray_serve_replica_initialization_latency_ms_count"],
        ),
        raw(
            "evenness/running",
            "max$by (ray_serve_replica_processing_queries{$scope}) / \
             (avg$by (ray_serve_replica_processing_queries{$scope}) > 0)",
            &["ray_serve_replica_processing_queries"],
        ),
        sum("running-and-waiting/running", &["ray_serve_replica_processing_queries"]),
        sum("running-and-waiting/waiting", &["ray_serve_deployment_queued_queries"]),
        sum("replicas/active", &["ray_serve_deployment_replica_healthy"]),
        sum("replicas-answering/answering", &["ray_serve_deployment_replica_healthy"]),
        raw(
            "replicas-answering/known",
            "count$by (ray_serve_deployment_replica_healthy{$scope})",
            &["ray_serve_deployment_replica_healthy"],
        ),
        raw(
            "replicas/unhealthy",
            "count$by (ray_serve_deployment_replica_healthy{$scope} == 0)",
            &["ray_serve_deployment_replica_healthy"],
        ),
        rate(
            "restarts/restarts",
            &["ray_serve_deployment_replica_starts_total", "ray_serve_deployment_replica_starts"],
        ),
    ],
    ..Engine::PLAIN
};

const RAY_GPUS: &str = "Ray 2.60.0: python/ray/dashboard/modules/reporter/reporter_agent.py";

/// A machine of a Ray cluster.
pub(super) const RAY_NODE: Engine = Engine {
    id: "ray-node",
    title: "Ray node",
    layer: Layer::Machine,
    signatures: &[
        Signature::Prefix("ray_node_"),
        // The dashboard and the autoscaler have metrics pages of their own.
        Signature::Prefix("ray_component_"),
        Signature::Prefix("ray_dashboard_"),
        Signature::Name("autoscaler_running_workers_nodes"),
        Signature::Name("autoscaler_active_nodes"),
    ],
    repeats_others: true,
    gpu_label: "GpuIndex",
    version: Some(VersionLabel { metric: "ray_*", labels: &["Version"] }),
    source: for_documents("https://docs.ray.io/en/latest/ray-observability/reference/system-metrics.html"),
    recipes: recipes![
        avg("cpu/average", &["ray_node_cpu_utilization"]).scale(0.01),
        avg("gpu/average", &["ray_node_gpus_utilization"]).scale(0.01).documented(RAY_GPUS),
        max("gpu/busiest", &["ray_node_gpus_utilization"]).scale(0.01).documented(RAY_GPUS),
        // In MiB, whatever the help text says.
        sum("gpu-memory/in use", &["ray_node_gram_used"]).scale(1_048_576.0).documented(RAY_GPUS),
        raw(
            "gpu-memory/capacity",
            "sum$by (ray_node_gram_used{$scope} + ray_node_gram_available{$scope}) * 1048576",
            &["ray_node_gram_used", "ray_node_gram_available"],
        )
        .documented(RAY_GPUS),
        sum("memory/in use", &["ray_node_mem_used"]),
        sum("memory/capacity", &["ray_node_mem_total"]),
        sum("network/received", &["ray_node_network_receive_speed"]),
        sum("network/sent", &["ray_node_network_send_speed"]),
        sum("disk-throughput/read", &["ray_node_disk_io_read_speed"]),
        sum("disk-throughput/written", &["ray_node_disk_io_write_speed"]),
        max("disk-space/fullest", &["ray_node_disk_utilization_percentage"]).scale(0.01),
    ],
    ..Engine::PLAIN
};
