//! Servers and platforms for several kinds of engines: OpenVINO, Xinference, KServe, GPUStack, TorchServe and BentoML.
use crate::contract::TargetRole;
use crate::engine::for_documents;
use crate::recipe::{avg, histogram, max, mean, rate, rate_by, rate_by_class, ratio, raw, share_of, sum};
use crate::{Engine, Layer, Signature};

pub(super) const OVMS: Engine = Engine {
    id: "ovms",
    title: "OpenVINO Model Server",
    layer: Layer::Server,
    has_few_names: true,
    signatures: &[Signature::Prefix("ovms_")],
    turn_on: "--metrics_enable",
    source: for_documents("https://github.com/openvinotoolkit/model_server: docs/metrics.md of 7e4df0c7a"),
    is_captured: false,
    recipes: recipes![
        rate("volume/succeeded", &["ovms_requests_success"]),
        rate("volume/failed", &["ovms_requests_fail"]),
        // Language models are graphs.
        rate("volume/finished", &["ovms_requests_accepted"]),
        share_of("error-share/failed", &["ovms_requests_fail"], &["ovms_requests_success"]),
        rate_by("requests-by-route", &["ovms_requests_success", "ovms_requests_accepted"], "method"),
        histogram("end-to-end-latency", &["ovms_request_time_us", "ovms_graph_processing_time_us"]).scale(1e-6),
        histogram("inference-time", &["ovms_inference_time_us"]).scale(1e-6),
        histogram("time-to-first-byte", &["ovms_graph_request_latency_us"]).scale(1e-6),
        histogram("queue-time", &["ovms_wait_for_infer_req_time_us"]).scale(1e-6),
        rate("engine-failures/aborted", &["ovms_graph_error"]),
        sum("running-and-waiting/running", &["ovms_infer_req_active", "ovms_current_graphs"]),
        sum("running-and-waiting/limit", &["ovms_infer_req_queue_size"]),
        sum("concurrent-requests/in flight", &["ovms_current_requests", "ovms_current_graphs"]),
    ],
    ..Engine::PLAIN
};

pub(super) const XINFERENCE: Engine = Engine {
    id: "xinference",
    title: "Xinference",
    layer: Layer::Server,
    has_few_names: true,
    signatures: &[Signature::Prefix("xinference:")],
    gpu_label: "gpu_index",
    source: for_documents("https://github.com/xorbitsai/inference: xinference/core/metrics.py of 7ecec16b6"),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", &["xinference:model_request_total"]),
        ratio("error-share/failed", &["xinference:model_request_errors_total"], &["xinference:model_request_total"]),
        histogram("end-to-end-latency", &["xinference:model_request_duration_seconds"]),
        histogram("time-to-first-token", &["xinference:time_to_first_token_seconds"]),
        rate(
            "tokens-per-second/generation",
            &["xinference:output_tokens_total_counter_total", "xinference:output_tokens_total_counter"],
        ),
        rate(
            "tokens-per-second/prompt",
            &["xinference:input_tokens_total_counter_total", "xinference:input_tokens_total_counter"],
        ),
        sum("running-and-waiting/running", &["xinference:model_serve_count"]),
        sum("running-and-waiting/limit", &["xinference:model_request_limit"]).valid("> 0"),
        max("startup-time/engine", &["xinference:model_last_load_duration_seconds"]),
        avg("cpu/average", &["xinference:worker_cpu_utilization percent"]),
        sum("memory/in use", &["xinference:worker_memory_used_bytes"]),
        sum("memory/capacity", &["xinference:worker_memory_total_bytes"]),
        avg("gpu/average", &["xinference:worker_gpu_utilization_percent"]).scale(0.01),
        max("gpu/busiest", &["xinference:worker_gpu_utilization_percent"]).scale(0.01),
        sum("gpu-memory/in use", &["xinference:worker_gpu_memory_used_bytes"]),
        sum("gpu-memory/capacity", &["xinference:worker_gpu_memory_total_bytes"]),
    ],
    ..Engine::PLAIN
};

/// Xinference's router, which chooses a model by the length of the prompt.
pub(super) const TOKEN_ROUTER: Engine = Engine {
    id: "xinference-router",
    title: "Xinference router",
    layer: Layer::Gateway,
    has_few_names: true,
    signatures: &[Signature::Prefix("xinference_token_router_")],
    source: for_documents("https://github.com/xorbitsai/inference: xinference/router/metrics.py of 4.1.0"),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", &["xinference_token_router_route_requests_total"]),
        ratio(
            "error-share/failed",
            &["xinference_token_router_route_requests_total{result!~\"completed|client_disconnected|cancelled\"}"],
            &["xinference_token_router_route_requests_total"],
        ),
        rate_by("errors-by-cause", &["xinference_token_router_route_requests_total{result!=\"completed\"}"], "result",),
        rate("requests-by-mode/streamed", &["xinference_token_router_route_requests_total{route_mode=\"stream\"}"],),
        rate("requests-by-mode/at once", &["xinference_token_router_route_requests_total{route_mode!=\"stream\"}"],),
        histogram("end-to-end-latency", &["xinference_token_router_request_duration_seconds"]),
        histogram("upstream-latency", &["xinference_token_router_backend_request_duration_seconds"]),
        histogram("queue-time", &["xinference_token_router_pool_wait_duration_seconds"]),
        mean("first-token-stages/queue at the router", &["xinference_token_router_pool_wait_duration_seconds"])
            .layer(Layer::Machine),
        sum("concurrent-requests/in flight", &["xinference_token_router_requests_in_flight"]),
        sum("pending-requests/pending", &["xinference_token_router_pool_waiting"]),
        rate_by("router-decisions", &["xinference_token_router_backend_selections_total"], "rule_id"),
    ],
    ..Engine::PLAIN
};

/// The Python server of KServe, around a model's own code.
pub(super) const KSERVE: Engine = Engine {
    id: "kserve",
    title: "KServe",
    layer: Layer::Server,
    signatures: &[Signature::Prefix("request_predict_seconds")],
    source: for_documents("https://github.com/kserve/kserve: python/kserve/kserve/metrics.py of aaac4e294"),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", &["request_predict_seconds_count"]),
        histogram("inference-time", &["request_predict_seconds"]),
        mean("phase-times/input", &["request_preprocess_seconds"]),
        mean("phase-times/inference", &["request_predict_seconds"]),
        mean("phase-times/output", &["request_postprocess_seconds"]),
    ],
    ..Engine::PLAIN
};

/// The workers of GPUStack, which export the metrics of several engines under one set of names.
pub(super) const GPUSTACK: Engine = Engine {
    id: "gpustack",
    title: "GPUStack",
    layer: Layer::Gateway,
    has_few_names: true,
    role: Some(TargetRole::Exporter),
    signatures: &[Signature::Prefix("gpustack:")],
    repeats_others: true,
    source: for_documents("https://github.com/gpustack/gpustack: gpustack/assets/metrics_config of 47277d79"),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", &["gpustack:request_success_total"]),
        histogram("end-to-end-latency", &["gpustack:e2e_request_latency_seconds"]),
        histogram("inference-time", &["gpustack:request_inference_time_seconds"]),
        histogram("time-to-first-token", &["gpustack:time_to_first_token_seconds"]),
        histogram("inter-token-latency", &["gpustack:inter_token_latency_seconds"]),
        histogram("time-per-output-token", &["gpustack:time_per_output_token_seconds"]),
        histogram("queue-time", &["gpustack:request_queue_time_seconds"]),
        histogram("prefill-time", &["gpustack:request_prefill_time_seconds"]),
        histogram("decode-time", &["gpustack:request_decode_time_seconds"]),
        rate("tokens-per-second/generation", &["gpustack:generation_tokens_total"]),
        rate("tokens-per-second/prompt", &["gpustack:prompt_tokens_total"]),
        histogram("prompt-length", &["gpustack:request_prompt_tokens"]),
        histogram("output-length", &["gpustack:request_generation_tokens"]),
        sum("running-and-waiting/running", &["gpustack:num_requests_running"]),
        sum("running-and-waiting/waiting", &["gpustack:num_requests_waiting"]),
        sum("running-and-waiting/paused", &["gpustack:num_requests_swapped"]),
        avg("kv-cache-use/in use", &["gpustack:kv_cache_usage_ratio"]),
        max("kv-cache-use/fullest", &["gpustack:kv_cache_usage_ratio"]),
        ratio(
            "prefix-cache-hit-share/hits",
            &["gpustack:prefix_cache_hits_total"],
            &["gpustack:prefix_cache_queries_total"],
        ),
        avg("prefix-cache-hit-share/as reported", &["gpustack:prefix_cache_hit_rate"]),
        rate("preemptions/preemptions", &["gpustack:request_preemptions_total"]),
        ratio(
            "speculative-acceptance/accepted",
            &["gpustack:spec_decode_accepted_tokens_total"],
            &["gpustack:spec_decode_draft_tokens_total"],
        ),
    ],
    ..Engine::PLAIN
};

pub(super) const TORCHSERVE: Engine = Engine {
    id: "torchserve",
    title: "TorchServe",
    layer: Layer::Server,
    signatures: &[Signature::Prefix("ts_inference_"), Signature::Prefix("ts_queue_"), Signature::Name("Requests2XX")],
    turn_on: "metrics_mode=prometheus",
    source: for_documents("https://pytorch.org/serve/metrics.html"),
    recipes: recipes![
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
    source: for_documents("https://docs.bentoml.com/en/latest/build-with-bentoml/observability/metrics.html"),
    is_captured: false,
    recipes: recipes![
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
