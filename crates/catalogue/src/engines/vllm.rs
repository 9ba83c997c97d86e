//! vLLM V0 and V1, also under the names that Ray and other exporters give its metrics; and its router.
use crate::contract::TargetRole;
use crate::engine::{HEALTH, for_documents};
use crate::recipe::{avg, avg_rate, histogram, max, mean, rate, rate_by, ratio, ratio_by, raw, share_of, sum, sum_by};
use crate::{Engine, Layer, ModelApi, PrefixAliases, Signature};

/// The newest list of each server, if it matches a pattern; as one for the place in a list that the pattern asks for.
macro_rules! running_adapters {
    ($pattern:literal) => {
        concat!(
            "vllm:lora_requests_info{$scoperunning_lora_adapters=~\"",
            $pattern,
            "\"} == on (instance) group_left () max by (instance) (vllm:lora_requests_info{$scope})"
        )
    };
    ($place:literal, $pattern:literal) => {
        concat!("label_replace((", running_adapters!($pattern), ") * 0 + 1, \"n\", \"", $place, "\", \"\", \"\")")
    };
}

pub(super) const VLLM: Engine = Engine {
    id: "vllm",
    title: "vLLM",
    signatures: &[Signature::Prefix("vllm:"), Signature::Prefix("ray_vllm"), Signature::Prefix("vllm_")],
    // Older versions of Ray keep the colon. Ray also exports each counter without `_total` as a gauge; those are unread.
    prefix_aliases: Some(PrefixAliases { original: "vllm:", others: &["ray_vllm_", "ray_vllm:", "vllm_"] }),
    model_apis: &[ModelApi::Models],
    version: None,
    health: HEALTH,
    source: for_documents(
        "https://github.com/vllm-project/vllm: vllm/v1/metrics/loggers.py, vllm/v1/spec_decode/metrics.py, \
             vllm/distributed/kv_transfer; V0: vllm/engine/metrics.py",
    ),
    recipes: recipes![
        rate("volume/finished", &["vllm:request_success_total"]).without_prefill(),
        ratio(
            "error-share/failed",
            &["vllm:request_success_total{finished_reason=\"error\"}"],
            &["vllm:request_success_total"],
        )
        .without_prefill(),
        rate_by("finish-reasons", &["vllm:request_success_total"], "finished_reason").without_prefill(),
        rate_by("errors-by-cause", &["vllm:admission_rejections_total"], "reason").since("0.33"),
        histogram("end-to-end-latency", &["vllm:e2e_request_latency_seconds"]).without_prefill(),
        histogram("inference-time", &["vllm:request_inference_time_seconds"]).since("0.6"),
        histogram("time-to-first-token", &["vllm:time_to_first_token_seconds"]),
        histogram("inter-token-latency", &["vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"]),
        histogram("time-per-output-token", &["vllm:request_time_per_output_token_seconds"]).since("0.11"),
        histogram("queue-time", &["vllm:request_queue_time_seconds", "vllm:time_in_queue_requests"]).since("0.6"),
        histogram("prefill-time", &["vllm:request_prefill_time_seconds"]).since("0.6"),
        histogram("decode-time", &["vllm:request_decode_time_seconds"]).since("0.6"),
        mean("phase-times/queue", &["vllm:request_queue_time_seconds"]).since("0.6"),
        mean("phase-times/prefill", &["vllm:request_prefill_time_seconds"]).since("0.6"),
        mean("phase-times/decode", &["vllm:request_decode_time_seconds"]).since("0.6"),
        histogram("step-time", &["vllm:model_forward_time_milliseconds", "vllm:model_execute_time_milliseconds"])
            .scale(0.001),
        rate("tokens-per-second/generation", &["vllm:generation_tokens_total"]).without_prefill(),
        rate("tokens-per-second/prompt", &["vllm:prompt_tokens_total"]).without_prefill(),
        histogram("prompt-length", &["vllm:request_prompt_tokens"]).without_prefill(),
        histogram("output-length", &["vllm:request_generation_tokens"]).without_prefill(),
        histogram("requested-tokens", &["vllm:request_params_max_tokens"]).without_prefill(),
        histogram("largest-answer", &["vllm:request_max_num_generation_tokens"]).since("0.6"),
        histogram("requested-answers", &["vllm:request_params_n"]),
        histogram("computed-prompt-tokens", &["vllm:request_prefill_kv_computed_tokens"]).since("0.13"),
        // The router re-exports these with the label `server`.
        sum("running-and-waiting/running", &["vllm:num_requests_running{server=\"\"}"]),
        sum("running-and-waiting/waiting", &["vllm:num_requests_waiting{server=\"\"}"]),
        sum("running-and-waiting/paused", &["vllm:num_requests_swapped{server=\"\"}"]),
        sum_by("waiting-by-reason", &["vllm:num_requests_waiting_by_reason"], "reason").since("0.20"),
        sum_by("kv-fetch-stages", &["vllm:num_requests_kv_fetch_by_stage"], "stage")
            .needs("a KV connector")
            .since("0.33")
            .documented("vllm/v1/metrics/loggers.py of 0.33.0"),
        avg("kv-cache-use/in use", &["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"]),
        max("kv-cache-use/fullest", &["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"]),
        avg("kv-cache-use/CPU", &["vllm:cpu_cache_usage_perc"]),
        ratio(
            "prefix-cache-hit-share/hits",
            &["vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total{server=\"\"}"],
            &["vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total{server=\"\"}"],
        ),
        avg("prefix-cache-hit-share/CPU", &["vllm:cpu_prefix_cache_hit_rate"]).valid(">= 0"),
        // V0 reports −1 while the cache is off.
        avg("prefix-cache-hit-share/as reported", &["vllm:gpu_prefix_cache_hit_rate{server=\"\"}"]).valid(">= 0"),
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
        share_of(
            "other-cache-hits/HiSparse",
            &["vllm:hisparse_cache_hits_total"],
            &["vllm:hisparse_cache_misses_total"],
        )
        .needs("HiSparse")
        .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        // Tokens are counted by the scheduler, whichever connector supplied them.
        ratio("cache-pays/load", &["vllm:kv_offload_load_time_total"], &["vllm:external_prefix_cache_hits_total"])
            .needs("KV offloading")
            .documented("vllm/v1/kv_offload of 0.33.0"),
        ratio(
            "cache-pays/prefill",
            &["vllm:request_prefill_time_seconds_sum"],
            &["vllm:request_prefill_kv_computed_tokens_sum"],
        ),
        rate_by("cached-tokens", &["vllm:prompt_tokens_cached_by_source_total"], "source").since("0.33"),
        rate_by("prompt-tokens-by-source", &["vllm:prompt_tokens_by_source_total"], "source").since("0.20"),
        rate("preemptions/preemptions", &["vllm:num_preemptions_total"]),
        histogram("preemptions-per-request", &["vllm:request_num_preemptions"]).since("0.33"),
        histogram("tokens-per-step", &["vllm:iteration_tokens_total"]).since("0.6"),
        rate("engine-steps/steps", &["vllm:iteration_tokens_total_count"]).since("0.6"),
        ratio(
            "speculative-acceptance/accepted",
            &["vllm:spec_decode_num_accepted_tokens_total"],
            &["vllm:spec_decode_num_draft_tokens_total"],
        )
        .needs("speculative decoding"),
        avg("speculative-acceptance/as reported", &["vllm:spec_decode_draft_acceptance_rate"])
            .needs("speculative decoding"),
        avg("speculative-acceptance/efficiency", &["vllm:spec_decode_efficiency"]).needs("speculative decoding"),
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
        avg_rate("compute-use/per GPU", &["vllm:estimated_flops_per_gpu_total"])
            .needs("--enable-mfu-metrics")
            .since("0.20"),
        avg_rate("memory-traffic/read", &["vllm:estimated_read_bytes_per_gpu_total"])
            .needs("--enable-mfu-metrics")
            .since("0.20"),
        avg_rate("memory-traffic/written", &["vllm:estimated_write_bytes_per_gpu_total"])
            .needs("--enable-mfu-metrics")
            .since("0.20"),
        rate(
            "kv-transfer-bytes/transferred",
            &["vllm:nixl_bytes_transferred_sum", "vllm:mooncake_bytes_transferred_sum"],
        )
        .needs("a KV connector")
        .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        rate(
            "kv-transfer-bytes/loaded",
            &["vllm:kv_offload_load_bytes_total", "vllm:mooncake_store_operation_bytes_total{operation=\"load_get\"}"],
        )
        .needs("KV offloading")
        .documented("vllm/v1/kv_offload of 0.33.0"),
        rate(
            "kv-transfer-bytes/stored",
            &["vllm:kv_offload_store_bytes_total", "vllm:mooncake_store_operation_bytes_total{operation=\"save_put\"}"],
        )
        .needs("KV offloading")
        .documented("vllm/v1/kv_offload of 0.33.0"),
        rate("kv-transfer-bytes/promoted", &["vllm:kv_offload_tiering_read_bytes_total"])
            .needs("tiered KV offloading")
            .documented("vllm/v1/kv_offload/tiering/metrics.py of 0.33.0"),
        rate("kv-transfer-bytes/demoted", &["vllm:kv_offload_tiering_write_bytes_total"])
            .needs("tiered KV offloading")
            .documented("vllm/v1/kv_offload/tiering/metrics.py of 0.33.0"),
        histogram("cache-load-time", &["vllm:mooncake_store_operation_time_seconds{operation=\"load_get\"}"])
            .needs("KV offloading")
            .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        histogram("kv-transfer-time", &["vllm:nixl_xfer_time_seconds", "vllm:mooncake_xfer_time_seconds"])
            .needs("a KV connector")
            .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        avg("kv-offload-use/in use", &["vllm:kv_offload_cpu_cache_usage_perc"])
            .needs("KV offloading")
            .documented("vllm/v1/kv_offload of 0.33.0"),
        avg("kv-offload-use/host", &["vllm:hisparse_host_cache_usage_perc"])
            .needs("HiSparse")
            .documented("vllm/distributed/kv_transfer/kv_connector/v1/hisparse/stats.py of 0.33.0"),
        histogram("kv-block-lifetime", &["vllm:kv_block_lifetime_seconds"])
            .needs("--kv-cache-metrics")
            .documented("vllm/v1/metrics/loggers.py of 0.33.0"),
        histogram("kv-block-idle", &["vllm:kv_block_idle_before_evict_seconds"])
            .needs("--kv-cache-metrics")
            .documented("vllm/v1/metrics/loggers.py of 0.33.0"),
        histogram("kv-block-reuse-gap", &["vllm:kv_block_reuse_gap_seconds"])
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
        rate("engine-failures/promotion failed", &["vllm:kv_offload_tiering_promotion_job_failures_total"])
            .needs("tiered KV offloading")
            .documented("vllm/v1/kv_offload/tiering/metrics.py of 0.33.0"),
        rate("engine-failures/demotion failed", &["vllm:kv_offload_tiering_cascade_job_failures_total"])
            .needs("tiered KV offloading")
            .documented("vllm/v1/kv_offload/tiering/metrics.py of 0.33.0"),
        rate("engine-failures/receive failed", &["vllm:mooncake_num_failed_recvs_total"])
            .needs("a KV connector")
            .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        raw("lora/active", RUNNING_ADAPTERS, &["vllm:lora_requests_info"]).needs("LoRA adapters"),
        raw(
            "evenness/running",
            "max$by (vllm:num_requests_running{$scopeserver=\"\"}) / \
             (avg$by (vllm:num_requests_running{$scopeserver=\"\"}) > 0)",
            &["vllm:num_requests_running"],
        ),
        raw(
            "evenness/KV cache",
            "max$by (vllm:kv_cache_usage_perc{$scope}) / (avg$by (vllm:kv_cache_usage_perc{$scope}) > 0)",
            &["vllm:kv_cache_usage_perc"],
        ),
        mean("first-token-stages/queue", &["vllm:request_queue_time_seconds"]).layer(Layer::Machine).since("0.6"),
        mean("first-token-stages/prefill", &["vllm:request_prefill_time_seconds"]).layer(Layer::Machine).since("0.6"),
        mean("first-token-stages/transfer", &["vllm:nixl_xfer_time_seconds", "vllm:mooncake_xfer_time_seconds"])
            .layer(Layer::Machine)
            .needs("a KV connector")
            .documented("vllm/distributed/kv_transfer/kv_connector/v1 of 0.33.0"),
        sum_by("sleep-state", &["vllm:engine_sleep_state"], "sleep_state").since("0.13"),
        rate_by("tool-calls", &["vllm:tool_call_parser_invocations_total"], "outcome").documented("vLLM 0.33.0"),
        sum("websocket-connections/open", &["vllm:websocket_connections_active"])
            .needs("the realtime API")
            .documented("vllm/entrypoints/speech_to_text/realtime/metrics.py of 0.33.0"),
        histogram("websocket-duration", &["vllm:websocket_connection_duration_seconds"])
            .needs("the realtime API")
            .documented("vllm/entrypoints/speech_to_text/realtime/metrics.py of 0.33.0"),
    ],
    ..Engine::PLAIN
};

/// How many adapters run, from the lists in a label. Each change of a list is a new series, whose value is its time.
const RUNNING_ADAPTERS: &str = concat!(
    "sum$by (label_replace((",
    running_adapters!(".*"),
    ") * 0, \"n\", \"0\", \"\", \"\") or ",
    running_adapters!("1", ".+"),
    " or ",
    running_adapters!("2", ".+(,.+)"),
    " or ",
    running_adapters!("3", ".+(,.+){2}"),
    " or ",
    running_adapters!("4", ".+(,.+){3}"),
    " or ",
    running_adapters!("5", ".+(,.+){4}"),
    " or ",
    running_adapters!("6", ".+(,.+){5}"),
    " or ",
    running_adapters!("7", ".+(,.+){6}"),
    " or ",
    running_adapters!("8", ".+(,.+){7}"),
    ")"
);

/// The router of the vLLM production stack, which re-exports some of its engines' gauges.
pub(super) const ROUTER: Engine = Engine {
    id: "vllm-router",
    title: "vLLM router",
    signatures: &[
        Signature::Name("vllm:healthy_pods_total"),
        Signature::Name("vllm:current_qps"),
        Signature::Name("vllm:num_incoming_requests_total"),
    ],
    role: Some(TargetRole::Gateway),
    repeats_others: true,
    reexports: Some("vllm"),
    source: for_documents("https://github.com/vllm-project/production-stack: src/vllm_router"),
    is_captured: false,
    recipes: recipes![
        sum("running-and-waiting/running", &["vllm:num_requests_running{server!=\"\"}"]),
        sum("running-and-waiting/waiting", &["vllm:num_requests_waiting{server!=\"\"}"]),
        sum("replicas/active", &["vllm:healthy_pods_total"]),
        rate_by("errors-by-cause", &["vllm:request_errors_total"], "error_type").layer(Layer::Gateway),
        rate("volume/finished", &["vllm:num_incoming_requests_total"]).layer(Layer::Gateway),
        rate("tokens-per-second/generation", &["vllm:output_tokens_total"]).layer(Layer::Gateway),
        rate("tokens-per-second/prompt", &["vllm:input_tokens_total"]).layer(Layer::Gateway),
        histogram("end-to-end-latency", &["vllm:request_latency_seconds"]).layer(Layer::Gateway),
    ],
    ..Engine::PLAIN
};

/// vLLM-Omni, for models that speak and paint. Its names end in `_s` where vLLM's end in `_seconds`.
pub(super) const OMNI: Engine = Engine {
    id: "vllm-omni",
    title: "vLLM-Omni",
    signatures: &[Signature::Prefix("vllm_omni")],
    model_apis: &[ModelApi::Models],
    health: HEALTH,
    source: for_documents("https://github.com/vllm-project/vllm-omni: vllm_omni/metrics of 0.30.0"),
    is_captured: false,
    recipes: recipes![
        rate("volume/succeeded", &["vllm_omni:requests_success_total"]),
        rate("volume/failed", &["vllm_omni:requests_failed_total"]),
        share_of("error-share/failed", &["vllm_omni:requests_failed_total"], &["vllm_omni:requests_success_total"]),
        rate_by("finish-reasons", &["vllm_omni:requests_success_total"], "finished_reason"),
        histogram("end-to-end-latency", &["vllm_omni:e2e_request_latency_s"]),
        histogram("queue-time", &["vllm_omni:request_queue_wait_s"]),
        rate("tokens-per-second/generation", &["vllm_omni:generation_tokens_total"]),
        rate("tokens-per-second/prompt", &["vllm_omni:prompt_tokens_total"]),
        sum("running-and-waiting/running", &["vllm_omni:num_requests_running"]),
        sum("running-and-waiting/waiting", &["vllm_omni:num_requests_waiting"]),
    ],
    ..Engine::PLAIN
};
