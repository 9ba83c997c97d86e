//! Other inference servers: llama.cpp, LMDeploy, Ray Serve, TorchServe and BentoML; and LMCache.
use crate::contract::TargetRole;
use crate::engine::HEALTH;
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
    source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    recipes: &[
        ratio(
            "time-per-output-token/mean",
            &["llamacpp:tokens_predicted_seconds_total"],
            &["llamacpp:tokens_predicted_total"],
        ),
        rate("tokens-per-second/generation", &["llamacpp:tokens_predicted_total"]),
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
    source: "https://github.com/InternLM/lmdeploy: lmdeploy/metrics/loggers.py",
    is_captured: false,
    recipes: &[
        rate("volume/finished", &["lmdeploy:request_success_total"]),
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

pub(super) const LMCACHE: Engine = Engine {
    id: "lmcache",
    title: "LMCache",
    layer: Layer::Engine,
    role: Some(TargetRole::Exporter),
    signatures: &[Signature::Prefix("lmcache:"), Signature::Prefix("lmcache_")],
    prefix_aliases: Some(PrefixAliases { original: "lmcache:", others: &["lmcache_"] }),
    source: "https://github.com/LMCache/LMCache: lmcache/observability.py",
    recipes: &[
        ratio(
            "other-cache-hits/LMCache",
            &["lmcache:num_hit_tokens_total", "lmcache_mp_lookup_hit_tokens_total"],
            &["lmcache:num_requested_tokens_total", "lmcache_mp_lookup_requested_tokens_total"],
        ),
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
    version: Some(VersionLabel { metric: "ray_*", label: "Version" }),
    source: "https://docs.ray.io/en/latest/serve/monitoring.html",
    recipes: &[
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
        sum("concurrent-requests/in flight", &["ray_serve_num_ongoing_http_requests"]),
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
    version: Some(VersionLabel { metric: "ray_*", label: "Version" }),
    source: "https://docs.ray.io/en/latest/ray-observability/reference/system-metrics.html",
    recipes: &[
        avg("cpu/average", &["ray_node_cpu_utilization"]).scale(0.01),
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

pub(super) const TORCHSERVE: Engine = Engine {
    id: "torchserve",
    title: "TorchServe",
    layer: Layer::Server,
    signatures: &[Signature::Prefix("ts_inference_"), Signature::Prefix("ts_queue_"), Signature::Name("Requests2XX")],
    turn_on: "metrics_mode=prometheus",
    source: "https://pytorch.org/serve/metrics.html",
    recipes: &[
        // `Requests2XX` also counts scrapes and health probes, and there is no label to tell them apart.
        rate("volume/finished", &["ts_inference_requests_total"]),
        ratio("error-share/client errors", &["Requests4XX"], &["ts_inference_requests_total"]),
        ratio("error-share/server errors", &["Requests5XX"], &["ts_inference_requests_total"]),
        ratio("end-to-end-latency/mean", &["ts_inference_latency_microseconds"], &["ts_inference_requests_total"])
            .scale(1e-6),
        ratio("queue-time/mean", &["ts_queue_latency_microseconds"], &["ts_inference_requests_total"]).scale(1e-6),
        avg("inference-time/mean", &["PredictionTime"]).scale(0.001),
        avg("cpu/average", &["CPUUtilization"]).scale(0.01),
        sum("memory/in use", &["MemoryUsed"]).scale(1_048_576.0),
        raw(
            "memory/capacity",
            "sum$by (MemoryUsed{$scope} + MemoryAvailable{$scope}) * 1048576",
            &["MemoryUsed", "MemoryAvailable"],
        ),
        avg("gpu/average", &["GPUUtilization"]).scale(0.01),
        sum("gpu-memory/in use", &["GPUMemoryUsed"]).scale(1_048_576.0),
        avg("gpu-memory-share/average", &["GPUMemoryUtilization"]).scale(0.01),
        max("disk-space/fullest", &["DiskUtilization"]).scale(0.01),
        max("startup-time/weights", &["WorkerLoadTime"]).scale(0.001),
    ],
    ..Engine::PLAIN
};

pub(super) const BENTOML: Engine = Engine {
    id: "bentoml",
    title: "BentoML",
    layer: Layer::Server,
    signatures: &[Signature::Prefix("bentoml_")],
    source: "https://docs.bentoml.com/en/latest/build-with-bentoml/observability/metrics.html",
    is_captured: false,
    recipes: &[
        rate_by_class("volume", &[without_probes!("bentoml_service_request_total", "endpoint")], "http_response_code"),
        ratio(
            "error-share/server errors",
            &[without_probes!("bentoml_service_request_total", "endpoint", "http_response_code=~\"5..\"")],
            &[without_probes!("bentoml_service_request_total", "endpoint")],
        ),
        ratio(
            "error-share/client errors",
            &[without_probes!("bentoml_service_request_total", "endpoint", "http_response_code=~\"4..\"")],
            &[without_probes!("bentoml_service_request_total", "endpoint")],
        ),
        rate_by("requests-by-route", &[without_probes!("bentoml_service_request_total", "endpoint")], "endpoint"),
        histogram("end-to-end-latency", &[without_probes!("bentoml_service_request_duration_seconds", "endpoint")]),
        sum("concurrent-requests/in flight", &[without_probes!("bentoml_service_request_in_progress", "endpoint")]),
        histogram("batch-size", &["bentoml_service_adaptive_batch_size"]),
    ],
    ..Engine::PLAIN
};
