//! NVIDIA's servers: TensorRT-LLM, Triton, NIM and Dynamo.
use crate::engine::{HEALTH, for_documents};
use crate::recipe::{
    avg, histogram, max, mean, mean_by, min, quantiles, rate, rate_by, ratio, raw, share_of, sum, sum_by,
};
use crate::{Engine, Layer, ModelApi, Signature};

pub(super) const TRTLLM: Engine = Engine {
    id: "trtllm",
    title: "TensorRT-LLM",
    signatures: &[Signature::Prefix("trtllm_")],
    health: HEALTH,
    model_apis: &[ModelApi::Models],
    turn_on: "the path /prometheus/metrics",
    source: for_documents("https://github.com/NVIDIA/TensorRT-LLM: tensorrt_llm/metrics/collector.py"),
    is_captured: false,
    recipes: recipes![
        rate("volume/succeeded", &["trtllm_request_success_total"]),
        rate("volume/failed", &["trtllm_request_error_total"]),
        rate_by("finish-reasons", &["trtllm_request_success_total"], "finished_reason"),
        rate("finish-reasons/abort", &["trtllm_num_aborted_requests_total"]),
        share_of("error-share/failed", &["trtllm_request_error_total"], &["trtllm_request_success_total"]),
        histogram("end-to-end-latency", &["trtllm_e2e_request_latency_seconds"]),
        histogram("inference-time", &["trtllm_request_inference_time_seconds"]),
        histogram("time-to-first-token", &["trtllm_time_to_first_token_seconds"]),
        histogram("time-per-output-token", &["trtllm_time_per_output_token_seconds"]),
        histogram("queue-time", &["trtllm_request_queue_time_seconds"]),
        histogram("prefill-time", &["trtllm_request_prefill_time_seconds"]),
        histogram("decode-time", &["trtllm_request_decode_time_seconds"]),
        mean("phase-times/queue", &["trtllm_request_queue_time_seconds"]),
        mean("phase-times/prefill", &["trtllm_request_prefill_time_seconds"]),
        mean("phase-times/decode", &["trtllm_request_decode_time_seconds"]),
        rate("tokens-per-second/generation", &["trtllm_generation_tokens_total"]),
        rate("tokens-per-second/prompt", &["trtllm_prompt_tokens_total"]),
        sum("running-and-waiting/running", &["trtllm_num_requests_running"]),
        sum("running-and-waiting/waiting", &["trtllm_num_requests_waiting"]),
        sum("running-and-waiting/paused", &["trtllm_num_paused_requests"]),
        sum("running-and-waiting/limit", &["trtllm_max_num_active_requests"]),
        avg("kv-cache-use/in use", &["trtllm_kv_cache_utilization"]),
        max("kv-cache-use/fullest", &["trtllm_kv_cache_utilization"]),
        avg("kv-offload-use/host", &["trtllm_kv_cache_host_utilization"]),
        sum("kv-cache-tokens/used", &["trtllm_kv_cache_used_blocks"]),
        sum("kv-cache-tokens/available", &["trtllm_kv_cache_free_blocks"]),
        sum("kv-cache-tokens/capacity", &["trtllm_kv_cache_max_blocks"]),
        avg("prefix-cache-hit-share/as reported", &["trtllm_kv_cache_hit_rate"]),
        ratio(
            "speculative-acceptance/accepted",
            &["trtllm_spec_decode_accepted_tokens_total"],
            &["trtllm_spec_decode_drafted_tokens_total"],
        )
        .needs("speculative decoding"),
        avg("speculative-length/as reported", &["trtllm_spec_decode_acceptance_length"]).needs("speculative decoding"),
        rate("speculative-tokens/drafted", &["trtllm_spec_decode_drafted_tokens_total"]).needs("speculative decoding"),
        rate("speculative-tokens/accepted", &["trtllm_spec_decode_accepted_tokens_total"])
            .needs("speculative decoding"),
        ratio("prefix-cache-hit-share/hits", &["trtllm_prompt_cached_tokens_total"], &["trtllm_prompt_tokens_total"]),
        share_of(
            "prefix-cache-hit-share/hits",
            &["trtllm_kv_cache_reused_blocks_total"],
            &["trtllm_kv_cache_missed_blocks_total"],
        ),
        rate_by("cached-tokens", &["trtllm_prompt_cache_hit_tokens_total"], "cache_tier"),
        avg("step-time/mean", &["trtllm_iteration_latency_seconds"]),
        raw(
            "kv-budget/tokens",
            "sum$by (trtllm_kv_cache_max_blocks{$scope} * trtllm_kv_cache_tokens_per_block{$scope})",
            &["trtllm_kv_cache_max_blocks", "trtllm_kv_cache_tokens_per_block"],
        ),
        sum("pools/prefill", &["trtllm_num_context_requests"]),
        sum("pools/decode", &["trtllm_num_generation_requests"]),
        histogram("kv-transfer-time", &["trtllm_kv_transfer_latency_seconds"]).needs("Dynamo"),
        histogram("kv-transfer-speed", &["trtllm_kv_transfer_speed_gb_s"]).scale(1e9).needs("Dynamo"),
        rate("kv-transfer-bytes/transferred", &["trtllm_kv_transfer_bytes_sum"]).needs("Dynamo"),
        rate("kv-transfer-bytes/loaded", &["trtllm_kv_cache_onboard_bytes_total"]),
        rate("kv-transfer-bytes/stored", &["trtllm_kv_cache_offload_bytes_total"]),
        sum("memory-split/GPU", &["trtllm_gpu_memory_usage_bytes"]),
        sum("memory-split/CPU", &["trtllm_cpu_memory_usage_bytes"]),
        sum("memory-split/pinned", &["trtllm_pinned_memory_usage_bytes"]),
    ],
    ..Engine::PLAIN
};

/// Versions 1.0 to 1.2, which write their names without a prefix, as NIM does. NIM has no type of engine.
pub(super) const TRTLLM_BARE: Engine = Engine {
    id: "trtllm-1.2",
    title: "TensorRT-LLM 1.2",
    signatures: &[Signature::Name("kv_cache_utilization"), Signature::Name("kv_cache_hit_rate")],
    requires: &["kv_cache_utilization", "kv_cache_hit_rate"],
    own_matchers: "engine_type!=\"\"",
    health: HEALTH,
    model_apis: &[ModelApi::Models],
    turn_on: "the path /prometheus/metrics",
    source: for_documents("https://pypi.org/project/tensorrt-llm/1.2.1, names by vllm-project/aibrix issue 2004"),
    is_captured: false,
    recipes: recipes![
        rate("volume/succeeded", &["request_success_total"]),
        rate_by("finish-reasons", &["request_success_total"], "finished_reason"),
        histogram("end-to-end-latency", &["e2e_request_latency_seconds"]),
        histogram("time-to-first-token", &["time_to_first_token_seconds"]),
        histogram("time-per-output-token", &["time_per_output_token_seconds"]),
        histogram("queue-time", &["request_queue_time_seconds"]),
        mean("phase-times/queue", &["request_queue_time_seconds"]),
        avg("kv-cache-use/in use", &["kv_cache_utilization"]),
        max("kv-cache-use/fullest", &["kv_cache_utilization"]),
        avg("prefix-cache-hit-share/as reported", &["kv_cache_hit_rate"]),
    ],
    ..Engine::PLAIN
};

const TRITON_DOCUMENTS: &str = "https://github.com/triton-inference-server/server/blob/main/docs/user_guide/metrics.md";

pub(super) const TRITON: Engine = Engine {
    id: "triton",
    title: "Triton",
    signatures: &[Signature::Prefix("nv_inference_"), Signature::Prefix("nv_trt_llm_")],
    steps: ["nv_inference_request_success", "nv_inference_request_duration_us"],
    gpu_label: "gpu_uuid",
    source: for_documents(TRITON_DOCUMENTS),
    recipes: recipes![
        rate("volume/succeeded", &["nv_inference_request_success"]).without_steps(),
        rate("volume/failed", &["nv_inference_request_failure"]).without_steps(),
        share_of("error-share/failed", &["nv_inference_request_failure"], &["nv_inference_request_success"])
            .without_steps(),
        rate_by("errors-by-cause", &["nv_inference_request_failure"], "reason").without_steps(),
        quantiles("end-to-end-latency", &["nv_inference_request_summary_us"])
            .scale(1e-6)
            .needs("--metrics-config summary_latencies=true")
            .documented(TRITON_DOCUMENTS),
        ratio("end-to-end-latency/mean", &["nv_inference_request_duration_us"], &["nv_inference_request_success"])
            .without_steps()
            .scale(1e-6),
        ratio("inference-time/mean", &["nv_inference_compute_infer_duration_us"], &["nv_inference_request_success"])
            .scale(1e-6),
        ratio("queue-time/mean", &["nv_inference_queue_duration_us"], &["nv_inference_request_success"]).scale(1e-6),
        ratio("phase-times/queue", &["nv_inference_queue_duration_us"], &["nv_inference_request_success"]).scale(1e-6),
        ratio("phase-times/input", &["nv_inference_compute_input_duration_us"], &["nv_inference_request_success"])
            .scale(1e-6),
        ratio("phase-times/inference", &["nv_inference_compute_infer_duration_us"], &["nv_inference_request_success"])
            .scale(1e-6),
        ratio("phase-times/output", &["nv_inference_compute_output_duration_us"], &["nv_inference_request_success"])
            .scale(1e-6),
        histogram("time-to-first-token", &["nv_inference_first_response_histogram_ms"])
            .scale(0.001)
            .needs("--metrics-config histogram_latencies=true")
            .documented(TRITON_DOCUMENTS),
        ratio("batch-size/mean", &["nv_inference_count"], &["nv_inference_exec_count"]),
        rate("engine-steps/steps", &["nv_trt_llm_general_metrics{general_type=\"iteration_counter\"}"]),
        rate("engine-steps/steps", &["nv_inference_exec_count"]),
        sum("running-and-waiting/running", &["nv_trt_llm_request_metrics{request_type=\"scheduled\"}"]),
        sum("running-and-waiting/waiting", &["nv_trt_llm_request_metrics{request_type=\"waiting\"}"]),
        sum("running-and-waiting/limit", &["nv_trt_llm_request_metrics{request_type=\"max\"}"]),
        sum("pending-requests/pending", &["nv_inference_pending_request_count"]),
        avg("kv-cache-use/in use", &["nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"}"]),
        max("kv-cache-use/fullest", &["nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"}"]),
        sum("kv-cache-tokens/used", &["nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"used\"}"]),
        sum("kv-cache-tokens/available", &["nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"free\"}"]),
        sum("kv-cache-tokens/capacity", &["nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"max\"}"]),
        avg(
            "tokens-per-step/context",
            &[
                "nv_trt_llm_inflight_batcher_metrics{inflight_batcher_specific_metric=\"total_context_tokens\"}",
                "nv_trt_llm_v1_metrics{v1_specific_metric=\"total_context_tokens\"}",
            ],
        ),
        ratio(
            "kv-transfer-time/mean",
            &["nv_trt_llm_disaggregated_serving_metrics{disaggregated_serving_type=\"kv_cache_transfer_ms\"}"],
            &["nv_trt_llm_disaggregated_serving_metrics{disaggregated_serving_type=\"request_count\"}"],
        )
        .scale(0.001),
        sum_by("memory-split", &["nv_trt_llm_runtime_memory_metrics"], "memory_type"),
        ratio("other-cache-hits/responses", &["nv_cache_num_hits"], &["nv_cache_num_lookups"])
            .needs("a response cache")
            .documented(TRITON_DOCUMENTS),
        max("startup-time/weights", &["nv_model_load_duration_secs"]),
        avg("cpu/average", &["nv_cpu_utilization"]).documented(TRITON_DOCUMENTS),
        sum("memory/in use", &["nv_cpu_memory_used_bytes"]).documented(TRITON_DOCUMENTS),
        sum("memory/capacity", &["nv_cpu_memory_total_bytes"]).documented(TRITON_DOCUMENTS),
        avg("gpu/average", &["nv_gpu_utilization"]).once_by(&["gpu_uuid"]).documented(TRITON_DOCUMENTS),
        max("gpu/busiest", &["nv_gpu_utilization"]).once_by(&["gpu_uuid"]).documented(TRITON_DOCUMENTS),
        sum("gpu-memory/in use", &["nv_gpu_memory_used_bytes"]).once_by(&["gpu_uuid"]).documented(TRITON_DOCUMENTS),
        sum("gpu-memory/capacity", &["nv_gpu_memory_total_bytes"]).once_by(&["gpu_uuid"]).documented(TRITON_DOCUMENTS),
        sum("gpu-power/drawn", &["nv_gpu_power_usage"]).once_by(&["gpu_uuid"]).documented(TRITON_DOCUMENTS),
        sum("gpu-power/limit", &["nv_gpu_power_limit"]).once_by(&["gpu_uuid"]).documented(TRITON_DOCUMENTS),
        rate("gpu-energy/mean", &["nv_energy_consumption"]).once_by(&["gpu_uuid"]).documented(TRITON_DOCUMENTS),
    ],
    ..Engine::PLAIN
};

pub(super) const NIM: Engine = Engine {
    id: "nim",
    title: "NIM",
    // Others use the same unprefixed names, but not these.
    signatures: &[Signature::Name("num_request_max"), Signature::Name("gpu_cache_usage_perc")],
    requires: &["num_request_max", "gpu_cache_usage_perc"],
    own_matchers: "engine_type=\"\"",
    model_apis: &[ModelApi::Models],
    turn_on: "the path /v1/metrics, or /metrics in older versions",
    source: for_documents("https://docs.nvidia.com/nim/large-language-models/latest/observability.html"),
    recipes: recipes![
        rate("volume/succeeded", &["request_success_total"]),
        rate("volume/failed", &["request_failure_total"]),
        share_of("error-share/failed", &["request_failure_total"], &["request_success_total"]),
        rate_by("finish-reasons", &["request_finish_total"], "finished_reason"),
        histogram("end-to-end-latency", &["e2e_request_latency_seconds"]),
        histogram("time-to-first-token", &["time_to_first_token_seconds"]),
        // One observation per token: a captured metrics page has 169 of them for 5 requests.
        histogram("inter-token-latency", &["time_per_output_token_seconds"]),
        rate("tokens-per-second/generation", &["generation_tokens_total"]),
        rate("tokens-per-second/prompt", &["prompt_tokens_total"]),
        histogram("prompt-length", &["request_prompt_tokens"]),
        histogram("output-length", &["request_generation_tokens"]),
        sum("running-and-waiting/running", &["num_requests_running"]),
        sum("running-and-waiting/waiting", &["num_requests_waiting"]),
        sum("running-and-waiting/limit", &["num_request_max"]),
        avg("kv-cache-use/in use", &["gpu_cache_usage_perc"]),
        max("kv-cache-use/fullest", &["gpu_cache_usage_perc"]),
    ],
    ..Engine::PLAIN
};

const DYNAMO_NAMES: &str = "https://github.com/ai-dynamo/dynamo: lib/runtime/src/metrics/prometheus_names.rs";

pub(super) const DYNAMO: Engine = Engine {
    id: "dynamo",
    title: "Dynamo",
    layer: Layer::Server,
    signatures: &[Signature::Prefix("dynamo_frontend_"), Signature::Prefix("dynamo_component_")],
    source: for_documents(DYNAMO_NAMES),
    recipes: recipes![
        // The frontend is in front of several workers, which have metrics pages of their own.
        rate("volume/succeeded", &["dynamo_frontend_requests_total{status=\"success\"}"]).layer(Layer::Gateway),
        rate("volume/failed", &["dynamo_frontend_requests_total{status=\"error\"}"]).layer(Layer::Gateway),
        ratio(
            "error-share/failed",
            &["dynamo_frontend_requests_total{status=\"error\"}"],
            &["dynamo_frontend_requests_total"],
        )
        .layer(Layer::Gateway),
        rate_by("errors-by-cause", &["dynamo_frontend_requests_total{status=\"error\"}"], "error_type")
            .layer(Layer::Gateway),
        rate_by("requests-by-route", &["dynamo_frontend_requests_total"], "endpoint").layer(Layer::Gateway),
        histogram(
            "end-to-end-latency",
            &["dynamo_frontend_request_duration_seconds", "dynamo_frontend_embedding_latency_seconds"],
        )
        .layer(Layer::Gateway),
        histogram("inference-time", &["dynamo_component_request_duration_seconds{dynamo_endpoint=\"generate\"}"]),
        histogram("time-to-first-token", &["dynamo_frontend_time_to_first_token_seconds"]).layer(Layer::Gateway),
        histogram("inter-token-latency", &["dynamo_frontend_inter_token_latency_seconds"]).layer(Layer::Gateway),
        // Its stages precede the engine, so they are drawn only where no engine reports its own.
        mean_by("phase-times", &["dynamo_frontend_stage_duration_seconds"], "stage")
            .layer(Layer::Machine)
            .documented(DYNAMO_NAMES),
        rate("tokens-per-second/generation", &["dynamo_frontend_output_tokens_total"]).layer(Layer::Gateway),
        rate("tokens-per-second/prompt", &["dynamo_frontend_input_sequence_tokens_sum"]).layer(Layer::Gateway),
        histogram("prompt-length", &["dynamo_frontend_input_sequence_tokens"]).layer(Layer::Gateway),
        histogram("output-length", &["dynamo_frontend_output_sequence_tokens"]).layer(Layer::Gateway),
        ratio(
            "prefix-cache-hit-share/hits",
            &["dynamo_frontend_cached_tokens_sum"],
            &["dynamo_frontend_input_sequence_tokens_sum"],
        )
        .layer(Layer::Gateway),
        rate("errors-by-cause/rejected", &["dynamo_frontend_model_rejection_total"]).layer(Layer::Gateway),
        rate_by("errors-by-cause", &["dynamo_frontend_admission_rejection_total"], "gate").layer(Layer::Gateway),
        rate("errors-by-cause/cancelled", &["dynamo_frontend_model_cancellation_total"]).layer(Layer::Gateway),
        rate("requests-by-mode/streamed", &["dynamo_frontend_requests_total{request_type=\"stream\"}"])
            .layer(Layer::Gateway),
        rate("requests-by-mode/at once", &["dynamo_frontend_requests_total{request_type=\"unary\"}"])
            .layer(Layer::Gateway),
        mean("first-token-stages/router", &["dynamo_component_router_time_to_first_token_seconds"])
            .layer(Layer::Machine),
        sum("concurrent-requests/in flight", &["dynamo_frontend_active_requests", "dynamo_frontend_inflight_requests"]),
        sum("pending-requests/pending", &["dynamo_frontend_queued_requests"]),
        sum_by("waiting-by-reason", &["dynamo_frontend_router_queue_pending_requests"], "worker_type"),
        raw(
            "kv-budget/tokens",
            "sum$by (dynamo_frontend_model_total_kv_blocks{$scope} * dynamo_frontend_model_kv_cache_block_size{$scope})",
            &["dynamo_frontend_model_total_kv_blocks", "dynamo_frontend_model_kv_cache_block_size"],
        ),
        raw(
            "kv-budget/requests at full length",
            "sum$by (dynamo_frontend_model_total_kv_blocks{$scope} * dynamo_frontend_model_kv_cache_block_size{$scope} \
             / dynamo_frontend_model_context_length{$scope})",
            &[
                "dynamo_frontend_model_total_kv_blocks",
                "dynamo_frontend_model_kv_cache_block_size",
                "dynamo_frontend_model_context_length",
            ],
        ),
        sum("running-and-waiting/running", &["dynamo_component_inflight_requests{dynamo_endpoint=\"generate\"}"]),
        ratio(
            "request-size/mean",
            &["dynamo_component_request_bytes_total{dynamo_endpoint=\"generate\"}"],
            &["dynamo_component_requests_total{dynamo_endpoint=\"generate\"}"],
        ),
        ratio(
            "response-size/mean",
            &["dynamo_component_response_bytes_total{dynamo_endpoint=\"generate\"}"],
            &["dynamo_component_requests_total{dynamo_endpoint=\"generate\"}"],
        ),
        avg(
            "kv-cache-use/in use",
            &["dynamo_component_gpu_cache_usage_percent", "dynamo_component_kvstats_gpu_cache_usage_percent"],
        ),
        sum("kv-cache-tokens/used", &["dynamo_component_kvstats_active_blocks"]),
        sum("kv-cache-tokens/capacity", &["dynamo_component_total_blocks", "dynamo_component_kvstats_total_blocks"]),
        avg(
            "prefix-cache-hit-share/as reported",
            &["dynamo_component_kv_cache_hit_rate", "dynamo_component_kvstats_gpu_prefix_cache_hit_rate"],
        ),
        mean("prefix-cache-hit-share/hits", &["dynamo_component_router_kv_hit_rate"]).documented(DYNAMO_NAMES),
        min("uptime/youngest", &["dynamo_component_uptime_seconds"]),
        max("uptime/oldest", &["dynamo_component_uptime_seconds"]),
        max("startup-time/weights", &["dynamo_component_model_load_time_seconds"]).documented(DYNAMO_NAMES),
    ],
    ..Engine::PLAIN
};
