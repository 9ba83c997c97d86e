//! vLLM, V0 and V1, also under Ray and under names that others have normalised; and its router.
use crate::{
    Engine, Layer, Sign,
    recipe::{level, mean, mean_rate, peak, rate, rate_by, ratio, ratio_by, spread, total, total_by},
};

pub(super) const VLLM: Engine = Engine {
    id: "vllm",
    title: "vLLM",
    signs: &[Sign::Prefix("vllm:"), Sign::Prefix("ray_vllm"), Sign::Prefix("vllm_")],
    // Ray keeps the colon in older versions. It also gives each counter without `_total`, as a gauge: not asked for.
    dialects: Some(("vllm:", &["ray_vllm_", "ray_vllm:", "vllm_"])),
    version: None,
    source: "https://github.com/vllm-project/vllm: vllm/v1/metrics/loggers.py, vllm/v1/spec_decode/metrics.py, \
             vllm/distributed/kv_transfer; V0: vllm/engine/metrics.py",
    recipes: &[
        rate("volume/finished", &["vllm:request_success_total"]),
        ratio(
            "error-share/failed",
            &["vllm:request_success_total{finished_reason=\"error\"}"],
            &["vllm:request_success_total"],
        ),
        rate_by("finish-reasons", &["vllm:request_success_total"], "finished_reason"),
        rate_by("errors-by-cause", &["vllm:admission_rejections_total"], "reason").since("0.33"),
        spread("end-to-end-latency", &["vllm:e2e_request_latency_seconds"]),
        spread("inference-time", &["vllm:request_inference_time_seconds"]).since("0.6"),
        spread("time-to-first-token", &["vllm:time_to_first_token_seconds"]),
        spread("inter-token-latency", &["vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"]),
        spread("time-per-output-token", &["vllm:request_time_per_output_token_seconds"]).since("0.11"),
        spread("queue-time", &["vllm:request_queue_time_seconds", "vllm:time_in_queue_requests"]).since("0.6"),
        spread("prefill-time", &["vllm:request_prefill_time_seconds"]).since("0.6"),
        spread("decode-time", &["vllm:request_decode_time_seconds"]).since("0.6"),
        mean("phase-times/queue", &["vllm:request_queue_time_seconds"]).since("0.6"),
        mean("phase-times/prefill", &["vllm:request_prefill_time_seconds"]).since("0.6"),
        mean("phase-times/decode", &["vllm:request_decode_time_seconds"]).since("0.6"),
        spread("step-time", &["vllm:model_forward_time_milliseconds", "vllm:model_execute_time_milliseconds"])
            .scale(0.001),
        rate("tokens-per-second/generation", &["vllm:generation_tokens_total"]),
        rate("tokens-per-second/prompt", &["vllm:prompt_tokens_total"]),
        spread("prompt-length", &["vllm:request_prompt_tokens"]),
        spread("output-length", &["vllm:request_generation_tokens"]),
        spread("requested-tokens", &["vllm:request_params_max_tokens"]),
        spread("largest-answer", &["vllm:request_max_num_generation_tokens"]).since("0.6"),
        spread("requested-answers", &["vllm:request_params_n"]),
        spread("computed-prompt-tokens", &["vllm:request_prefill_kv_computed_tokens"]).since("0.13"),
        // The router repeats these with the label `server`.
        total("running-and-waiting/running", &["vllm:num_requests_running{server=\"\"}"]),
        total("running-and-waiting/waiting", &["vllm:num_requests_waiting{server=\"\"}"]),
        total("running-and-waiting/paused", &["vllm:num_requests_swapped{server=\"\"}"]),
        total_by("waiting-by-reason", &["vllm:num_requests_waiting_by_reason"], "reason").since("0.20"),
        total_by("kv-fetch-stages", &["vllm:num_requests_kv_fetch_by_stage"], "stage")
            .needs("a KV connector")
            .since("0.33")
            .documented("vllm/v1/metrics/loggers.py of 0.33.0"),
        level("kv-cache-use/in use", &["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"]),
        peak("kv-cache-use/fullest", &["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"]),
        level("kv-cache-use/CPU", &["vllm:cpu_cache_usage_perc"]),
        ratio(
            "prefix-cache-hit-share/hits",
            &["vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total{server=\"\"}"],
            &["vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total{server=\"\"}"],
        ),
        level("prefix-cache-hit-share/CPU", &["vllm:cpu_prefix_cache_hit_rate"]).valid(">= 0"),
        // V0 says −1 while the cache is off.
        level("prefix-cache-hit-share/as reported", &["vllm:gpu_prefix_cache_hit_rate{server=\"\"}"]).valid(">= 0"),
        ratio(
            "other-cache-hits/external",
            &["vllm:external_prefix_cache_hits_total"],
            &["vllm:external_prefix_cache_queries_total"],
        )
        .since("0.13"),
        ratio("other-cache-hits/any cache", &["vllm:prompt_tokens_cached_total"], &["vllm:prompt_tokens_total"])
            .since("0.20"),
        ratio("other-cache-hits/multimodal", &["vllm:mm_cache_hits_total"], &["vllm:mm_cache_queries_total"])
            .since("0.13"),
        ratio(
            "other-cache-hits/offload tier",
            &["vllm:kv_offload_tiering_chunk_hits_total"],
            &["vllm:kv_offload_tiering_chunk_queries_total"],
        )
        .needs("tiered KV offloading")
        .documented("vllm/v1/kv_offload/tiering/metrics.py of 0.33.0"),
        rate_by("cached-tokens", &["vllm:prompt_tokens_cached_by_source_total"], "source").since("0.33"),
        rate_by("prompt-tokens-by-source", &["vllm:prompt_tokens_by_source_total"], "source").since("0.20"),
        rate("preemptions/preemptions", &["vllm:num_preemptions_total"]),
        spread("preemptions-per-request", &["vllm:request_num_preemptions"]).since("0.33"),
        spread("tokens-per-step", &["vllm:iteration_tokens_total"]).since("0.6"),
        rate("engine-steps/steps", &["vllm:iteration_tokens_total_count"]).since("0.6"),
        ratio(
            "speculative-acceptance/accepted",
            &["vllm:spec_decode_num_accepted_tokens_total"],
            &["vllm:spec_decode_num_draft_tokens_total"],
        )
        .needs("speculative decoding"),
        level("speculative-acceptance/as reported", &["vllm:spec_decode_draft_acceptance_rate"])
            .needs("speculative decoding"),
        level("speculative-acceptance/efficiency", &["vllm:spec_decode_efficiency"]).needs("speculative decoding"),
        ratio(
            "speculative-length/tokens per pass",
            &["vllm:spec_decode_num_accepted_tokens_total"],
            &["vllm:spec_decode_num_drafts_total"],
        )
        .plus(1.0)
        .needs("speculative decoding"),
        rate("speculative-tokens/drafted", &["vllm:spec_decode_num_draft_tokens_total"]).needs("speculative decoding"),
        rate("speculative-tokens/accepted", &["vllm:spec_decode_num_accepted_tokens_total"])
            .needs("speculative decoding"),
        rate("speculative-tokens/emitted", &["vllm:spec_decode_num_emitted_tokens_total"])
            .needs("speculative decoding"),
        ratio_by(
            "speculative-positions",
            &["vllm:spec_decode_num_accepted_tokens_per_pos_total"],
            &["vllm:spec_decode_num_drafts_total"],
            "position",
        )
        .needs("speculative decoding"),
        mean_rate("compute-use/per GPU", &["vllm:estimated_flops_per_gpu_total"])
            .needs("--enable-mfu-metrics")
            .since("0.20"),
        mean_rate("memory-traffic/read", &["vllm:estimated_read_bytes_per_gpu_total"])
            .needs("--enable-mfu-metrics")
            .since("0.20"),
        mean_rate("memory-traffic/written", &["vllm:estimated_write_bytes_per_gpu_total"])
            .needs("--enable-mfu-metrics")
            .since("0.20"),
        rate(
            "kv-transfer-bytes/transferred",
            &["vllm:nixl_bytes_transferred_sum", "vllm:mooncake_bytes_transferred_sum"],
        )
        .needs("a KV connector")
        .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        rate("kv-transfer-bytes/loaded", &["vllm:kv_offload_load_bytes_total"])
            .needs("KV offloading")
            .documented("vllm/v1/kv_offload of 0.33.0"),
        rate("kv-transfer-bytes/stored", &["vllm:kv_offload_store_bytes_total"])
            .needs("KV offloading")
            .documented("vllm/v1/kv_offload of 0.33.0"),
        spread("kv-transfer-time", &["vllm:nixl_xfer_time_seconds", "vllm:mooncake_xfer_time_seconds"])
            .needs("a KV connector")
            .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        level("kv-offload-use/in use", &["vllm:kv_offload_cpu_cache_usage_perc"])
            .needs("KV offloading")
            .documented("vllm/v1/kv_offload of 0.33.0"),
        level("kv-offload-use/host", &["vllm:hisparse_host_cache_usage_perc"])
            .needs("HiSparse")
            .documented("vllm/distributed/kv_transfer/kv_connector/v1/hisparse/stats.py of 0.33.0"),
        spread("kv-block-lifetime", &["vllm:kv_block_lifetime_seconds"])
            .needs("--kv-cache-metrics")
            .documented("vllm/v1/metrics/loggers.py of 0.33.0"),
        spread("kv-block-idle", &["vllm:kv_block_idle_before_evict_seconds"])
            .needs("--kv-cache-metrics")
            .documented("vllm/v1/metrics/loggers.py of 0.33.0"),
        spread("kv-block-reuse-gap", &["vllm:kv_block_reuse_gap_seconds"])
            .needs("--kv-cache-metrics")
            .documented("vllm/v1/metrics/loggers.py of 0.33.0"),
        rate("engine-failures/corrupted", &["vllm:corrupted_requests_total"])
            .needs("VLLM_COMPUTE_NANS_IN_LOGITS")
            .documented("vllm/v1/metrics/loggers.py of 0.33.0"),
        rate(
            "engine-failures/transfer failed",
            &["vllm:nixl_num_failed_transfers_total", "vllm:mooncake_num_failed_transfers_total"],
        )
        .needs("a KV connector")
        .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        rate(
            "engine-failures/KV expired",
            &["vllm:nixl_num_kv_expired_reqs_total", "vllm:mooncake_num_kv_expired_reqs_total"],
        )
        .needs("a KV connector")
        .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        rate("engine-failures/store refused", &["vllm:kv_offload_allocation_failure_total"])
            .needs("KV offloading")
            .documented("vllm/v1/kv_offload of 0.33.0"),
        total_by("sleep-state", &["vllm:engine_sleep_state"], "sleep_state").since("0.13"),
        rate_by("tool-calls", &["vllm:tool_call_parser_invocations_total"], "outcome").documented("vLLM 0.33.0"),
        total("websocket-connections/open", &["vllm:websocket_connections_active"])
            .needs("the realtime API")
            .documented("vllm/entrypoints/speech_to_text/realtime/metrics.py of 0.33.0"),
        spread("websocket-duration", &["vllm:websocket_connection_duration_seconds"])
            .needs("the realtime API")
            .documented("vllm/entrypoints/speech_to_text/realtime/metrics.py of 0.33.0"),
    ],
    ..Engine::PLAIN
};

/// The router of the vLLM production stack, which repeats some of its engines' gauges.
pub(super) const ROUTER: Engine = Engine {
    id: "vllm-router",
    title: "vLLM router",
    signs: &[Sign::Name("vllm:healthy_pods_total"), Sign::Name("vllm:current_qps")],
    relays: Some("vllm"),
    source: "https://github.com/vllm-project/production-stack: src/vllm_router",
    is_captured: false,
    recipes: &[
        total("running-and-waiting/running", &["vllm:num_requests_running{server!=\"\"}"]),
        total("running-and-waiting/waiting", &["vllm:num_requests_waiting{server!=\"\"}"]),
        total("replicas/active", &["vllm:healthy_pods_total"]),
        rate_by("errors-by-cause", &["vllm:request_errors_total"], "error_type").layer(Layer::Gateway),
    ],
    ..Engine::PLAIN
};
