//! SGLang, under all the names that its metrics have had, and its gateway.
use crate::engine::for_documents;
use crate::recipe::{
    avg, avg_rate, avg_rate_by, histogram, max, max_by, mean, mean_by, rate, rate_by, rate_by_class, ratio, raw, sum,
};
use crate::{Engine, HealthEndpoint, Layer, ModelApi, PrefixAliases, Signature};

const COLLECTOR: &str = "sglang/srt/observability/metrics_collector.py of 0.5.23";

pub(super) const SGLANG: Engine = Engine {
    id: "sglang",
    title: "SGLang",
    signatures: &[Signature::Prefix("sglang:"), Signature::Prefix("sglang_")],
    prefix_aliases: Some(PrefixAliases { original: "sglang:", others: &["sglang_"] }),
    // The gateway's `/engine_metrics` re-exports the workers' metrics with this label.
    own_matchers: "worker_addr=\"\"",
    // The schedulers of one engine each report the same requests; data-parallel ones have `dp_rank` and add up.
    rank_labels: &["tp_rank", "pp_rank", "moe_ep_rank", "pid"],
    // It listens while it warms up, and answers 503 until it has.
    health: Some(HealthEndpoint { path: "/health", is_needed_with_page: true }),
    model_apis: &[ModelApi::Models],
    turn_on: "--enable-metrics",
    source: for_documents(
        "https://github.com/sgl-project/sglang: python/sglang/srt/observability/metrics_collector.py, \
             http_request_metrics.py",
    ),
    recipes: recipes![
        rate_by_class("volume", &[without_probes!("sglang:http_responses_total", "endpoint")], "status_code")
            .layer(Layer::Server)
            .without_prefill()
            .documented("sglang/srt/observability/http_request_metrics.py of 0.5.23"),
        rate("volume/finished", &["sglang:num_requests_total", "sglang:diffusion_requests_total{is_warmup!=\"True\"}"])
            .without_prefill()
            .since("0.4.6"),
        ratio(
            "error-share/server errors",
            &[without_probes!("sglang:http_responses_total", "endpoint", "status_code=~\"5..\"")],
            &[without_probes!("sglang:http_responses_total", "endpoint")],
        )
        .documented("sglang/srt/observability/http_request_metrics.py of 0.5.23"),
        ratio(
            "error-share/client errors",
            &[without_probes!("sglang:http_responses_total", "endpoint", "status_code=~\"4..\"")],
            &[without_probes!("sglang:http_responses_total", "endpoint")],
        )
        .documented("sglang/srt/observability/http_request_metrics.py of 0.5.23"),
        rate_by("requests-by-route", &[without_probes!("sglang:http_requests_total", "endpoint")], "endpoint")
            .documented("sglang/srt/observability/http_request_metrics.py of 0.5.23"),
        rate("finish-reasons/abort", &["sglang:num_aborted_requests_total"]).since("0.4.10"),
        sum("concurrent-requests/in flight", &[without_probes!("sglang:http_requests_active", "endpoint")]),
        histogram(
            "end-to-end-latency",
            &["sglang:e2e_request_latency_seconds", "sglang:diffusion_request_latency_seconds{is_warmup!=\"True\"}"],
        )
        .without_prefill(),
        histogram("time-to-first-token", &["sglang:time_to_first_token_seconds"]),
        histogram(
            "inter-token-latency",
            &["sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds"],
        ),
        histogram("time-per-output-token", &["sglang:request_time_per_output_token_seconds"]).since("0.5.23"),
        histogram("queue-time", &["sglang:queue_time_seconds", "sglang:queue_time_s"]).since("0.5.2"),
        avg("queue-time/mean", &["sglang:avg_request_queue_latency"]),
        histogram("prefill-time", &["sglang:per_stage_req_latency_seconds{stage=\"prefill_forward\"}"]).since("0.5.5"),
        histogram("decode-time", &["sglang:per_stage_req_latency_seconds{stage=\"decode_forward\"}"]).since("0.5.5"),
        mean_by("phase-times", &["sglang:per_stage_req_latency_seconds"], "stage").since("0.5.5"),
        rate("tokens-per-second/generation", &["sglang:generation_tokens_total"]).without_prefill(),
        rate("tokens-per-second/prompt", &["sglang:prompt_tokens_total"]).without_prefill(),
        histogram("prompt-length", &["sglang:prompt_tokens_histogram"]).without_prefill().since("0.5.10"),
        histogram("output-length", &["sglang:generation_tokens_histogram"]).without_prefill().since("0.5.10"),
        histogram("computed-prompt-tokens", &["sglang:uncached_prompt_tokens_histogram"]).since("0.5.17"),
        sum("running-and-waiting/running", &["sglang:num_running_reqs", "sglang:diffusion_num_running_reqs"]),
        sum("running-and-waiting/waiting", &["sglang:num_queue_reqs", "sglang:diffusion_num_queue_reqs"]),
        raw(
            "evenness/running",
            "max$by (sglang:num_running_reqs{$scope}) / (avg$by (sglang:num_running_reqs{$scope}) > 0)",
            &["sglang:num_running_reqs"],
        ),
        mean("evenness/tokens over ranks", &["sglang:dp_attention_token_imbalance_ratio"]).since("0.5.23"),
        // A summary of the mean over the busiest.
        ratio(
            "expert-balance/busiest over mean",
            &["sglang:eplb_balancedness_count"],
            &["sglang:eplb_balancedness_sum"],
        )
        .needs("--expert-balancedness-report-mode prometheus")
        .documented(COLLECTOR),
        mean("first-token-stages/encode", &["sglang:encoder_request_e2e_latency_seconds"])
            .layer(Layer::Machine)
            .needs("--encoder-only")
            .documented(COLLECTOR),
        sum("pools/encode", &["sglang:encoder_dp_pending_requests"]).needs("--encoder-only").documented(COLLECTOR),
        ratio(
            "other-cache-hits/multimodal",
            &["sglang:encoder_cache_hit_tokens_total"],
            &["sglang:encoder_cache_total_tokens_total"],
        )
        .needs("--encoder-only")
        .documented(COLLECTOR),
        mean("first-token-stages/queue", &["sglang:queue_time_seconds"]).layer(Layer::Machine).since("0.5.2"),
        mean("first-token-stages/prefill", &["sglang:per_stage_req_latency_seconds{stage=\"prefill_forward\"}"])
            .layer(Layer::Machine)
            .since("0.5.5"),
        sum("pools/prefill", &["sglang:num_prefill_inflight_queue_reqs", "sglang:num_prefill_infight_queue_reqs"])
            .since("0.4.10"),
        sum("pools/decode", &["sglang:num_decode_transfer_queue_reqs"]).since("0.4.10"),
        sum("kv-budget/tokens", &["sglang:max_total_num_tokens"]).since("0.5.7"),
        ratio("cache-pays/load", &["sglang:load_back_duration_seconds_sum"], &["sglang:load_back_tokens_total"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        ratio(
            "cache-pays/prefill",
            &["sglang:per_stage_req_latency_seconds_sum{stage=\"prefill_forward\"}"],
            &["sglang:uncached_prompt_tokens_histogram_sum"],
        )
        .since("0.5.17"),
        sum("running-and-waiting/paused", &["sglang:num_paused_reqs"]).since("0.5.2"),
        sum("running-and-waiting/limit", &["sglang:max_running_requests_under_SLO"]).valid("> 0"),
        sum("waiting-by-reason/grammar", &["sglang:num_grammar_queue_reqs"]).since("0.4.10"),
        sum(
            "waiting-by-reason/prefill bootstrap",
            &["sglang:num_prefill_bootstrap_queue_reqs", "sglang:num_prefill_prealloc_queue_reqs"],
        )
        .since("0.4.10"),
        sum(
            "waiting-by-reason/prefill in flight",
            &["sglang:num_prefill_inflight_queue_reqs", "sglang:num_prefill_infight_queue_reqs"],
        )
        .since("0.4.10"),
        sum("waiting-by-reason/decode allocation", &["sglang:num_decode_prealloc_queue_reqs"]).since("0.4.10"),
        sum("waiting-by-reason/decode transfer", &["sglang:num_decode_transfer_queue_reqs"]).since("0.4.10"),
        sum("waiting-by-reason/retracted", &["sglang:num_retracted_reqs"]).since("0.5.2"),
        avg("kv-cache-use/in use", &["sglang:token_usage"]),
        max("kv-cache-use/fullest", &["sglang:token_usage"]),
        avg("kv-cache-use/full attention", &["sglang:full_token_usage"]).since("0.5.10"),
        avg("kv-cache-use/sliding window", &["sglang:swa_token_usage"]).since("0.5.2"),
        avg("kv-cache-use/state space", &["sglang:mamba_usage"]).since("0.5.5"),
        sum("kv-cache-tokens/used", &["sglang:kv_used_tokens", "sglang:num_used_tokens"]),
        sum("kv-cache-tokens/evictable", &["sglang:kv_evictable_tokens"]).since("0.5.17"),
        sum("kv-cache-tokens/available", &["sglang:kv_available_tokens"]).since("0.5.17"),
        sum("kv-cache-tokens/capacity", &["sglang:max_total_num_tokens"]).since("0.5.7"),
        ratio("prefix-cache-hit-share/hits", &["sglang:cached_tokens_total"], &["sglang:prompt_tokens_total"])
            .since("0.4.6"),
        avg("prefix-cache-hit-share/as reported", &["sglang:cache_hit_rate"]),
        rate_by("cached-tokens", &["sglang:cached_tokens_total"], "cache_source").since("0.4.6"),
        rate_by("prompt-tokens-by-source", &["sglang:realtime_tokens_total"], "mode").since("0.5.7"),
        rate("preemptions/preemptions", &["sglang:num_retracted_requests_total"]).since("0.5.7"),
        histogram("preemptions-per-request", &["sglang:num_retractions"]),
        rate("engine-steps/verifications", &["sglang:spec_verify_calls_total"])
            .needs("speculative decoding")
            .since("0.5.17"),
        rate_by("engine-steps", &["sglang:cuda_graph_passes_total"], "mode").since("0.5.7"),
        avg_rate("engine-load/idle", &["sglang:scheduler_idle_seconds_total"]).since("0.5.23"),
        avg("engine-load/utilisation", &["sglang:utilization"]).since("0.5.2"),
        avg_rate_by(
            "engine-load",
            &["sglang:forward_execution_seconds_total", "sglang:gpu_execution_seconds_total"],
            "category",
        )
        .since("0.5.7"),
        avg("engine-load/CUDA graphs", &["sglang:is_cuda_graph"]).since("0.5.5"),
        avg("engine-load/new-token ratio", &["sglang:new_token_ratio"]).since("0.5.7"),
        sum("tokens-in-flight/in flight", &["sglang:decode_sum_seq_lens"]).since("0.5.7"),
        avg("speculative-acceptance/as reported", &["sglang:spec_accept_rate"])
            .needs("speculative decoding")
            .since("0.5.5"),
        avg("speculative-length/as reported", &["sglang:spec_accept_length"])
            .needs("speculative decoding")
            .since("0.4.6"),
        sum("lora/loaded", &["sglang:lora_pool_slots_used"]).needs("LoRA adapters").documented(COLLECTOR),
        sum("lora/slots", &["sglang:lora_pool_slots_total"]).needs("LoRA adapters").documented(COLLECTOR),
        rate("kv-transfer-bytes/transferred", &["sglang:kv_transfer_total_mb_sum"]).scale(1e6).since("0.5.10"),
        rate("kv-transfer-bytes/loaded", &["sglang:load_back_bytes_total"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        rate("kv-transfer-bytes/stored", &["sglang:hicache_backup_bytes_total"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        histogram("kv-transfer-time", &["sglang:kv_transfer_latency_ms"]).scale(0.001).since("0.5.10"),
        avg("kv-transfer-time/mean", &["sglang:kv_transfer_latency_ms"]).scale(0.001),
        histogram("kv-transfer-speed", &["sglang:kv_transfer_speed_gb_s"]).scale(1e9).since("0.5.10"),
        avg("kv-transfer-speed/mean", &["sglang:kv_transfer_speed_gb_s"]).scale(1e9),
        mean("kv-transfer-phases/bootstrap", &["sglang:kv_transfer_bootstrap_ms"]).scale(0.001).since("0.5.10"),
        avg("kv-transfer-phases/bootstrap", &["sglang:kv_transfer_bootstrap_ms"]).scale(0.001),
        mean("kv-transfer-phases/allocation", &["sglang:kv_transfer_alloc_ms"]).scale(0.001).since("0.5.10"),
        avg("kv-transfer-phases/allocation", &["sglang:kv_transfer_alloc_ms"]).scale(0.001),
        mean("kv-transfer-phases/transfer", &["sglang:kv_transfer_latency_ms"]).scale(0.001).since("0.5.10"),
        avg("kv-transfer-phases/transfer", &["sglang:kv_transfer_latency_ms"]).scale(0.001),
        raw(
            "kv-offload-use/host",
            "avg$by (sglang:hicache_host_used_tokens{$scope} / sglang:hicache_host_total_tokens{$scope})",
            &["sglang:hicache_host_used_tokens", "sglang:hicache_host_total_tokens"],
        )
        .needs("--enable-hierarchical-cache")
        .documented(COLLECTOR),
        histogram("cache-load-time", &["sglang:load_back_duration_seconds"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        histogram("cache-eviction-time", &["sglang:eviction_duration_seconds"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        rate("cache-evictions/evicted", &["sglang:evicted_tokens_total"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        rate("cache-evictions/loaded back", &["sglang:load_back_tokens_total"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        rate("cache-evictions/backed up", &["sglang:hicache_backup_tokens_total"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        rate("cache-evictions/prefetched", &["sglang:prefetched_tokens_total"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        rate("cache-evictions/dropped", &["sglang:hicache_dropped_tokens_total"])
            .needs("--enable-hierarchical-cache")
            .documented(COLLECTOR),
        rate("engine-failures/bootstrap failed", &["sglang:num_bootstrap_failed_reqs_total"]).since("0.4.10"),
        rate("engine-failures/transfer failed", &["sglang:num_transfer_failed_reqs_total"]).since("0.4.10"),
        rate("engine-failures/grammar aborted", &["sglang:num_grammar_aborted_total"]).since("0.5.2"),
        rate("engine-failures/grammar timed out", &["sglang:num_grammar_timeout_total"]).since("0.5.10"),
        rate("structured-output/requests", &["sglang:num_so_requests_total"]).since("0.4.10"),
        rate("structured-output/grammars", &["sglang:num_grammar_total"]).since("0.5.2"),
        rate("structured-output/cache hits", &["sglang:num_grammar_cache_hit_total"]).since("0.5.2"),
        histogram("grammar-compilation", &["sglang:grammar_compilation_time_seconds"]).since("0.5.2"),
        sum("memory-split/weights", &["sglang:weight_memory_usage_gb"]).scale(1_073_741_824.0).since("0.5.17"),
        sum("memory-split/KV cache", &["sglang:kv_cache_memory_usage_gb"]).scale(1_073_741_824.0).since("0.5.17"),
        sum("memory-split/graphs", &["sglang:graph_memory_usage_gb"]).scale(1_073_741_824.0).since("0.5.17"),
        avg_rate("compute-use/per GPU", &["sglang:estimated_flops_per_gpu_total"]).since("0.5.10"),
        avg_rate("memory-traffic/read", &["sglang:estimated_read_bytes_per_gpu_total"]).since("0.5.10"),
        avg_rate("memory-traffic/written", &["sglang:estimated_write_bytes_per_gpu_total"]).since("0.5.10"),
        max_by("startup-time", &["sglang:startup_time_seconds"], "phase").since("0.5.17"),
        max("startup-time/engine", &["sglang:engine_startup_time"]),
        max("startup-time/weights", &["sglang:weight_load_duration_seconds", "sglang:engine_load_weights_time"]),
    ],
    ..Engine::PLAIN
};

/// SGLang's gateway, which has a project of its own.
pub(super) const GATEWAY: Engine = Engine {
    id: "sglang-gateway",
    title: "SGLang gateway",
    layer: Layer::Gateway,
    has_few_names: true,
    signatures: &[Signature::Prefix("smg_")],
    repeats_others: true,
    source: for_documents(
        "https://github.com/lightseekorg/smg: model_gateway/src/observability/metrics.rs of 73da68ca9",
    ),
    is_captured: false,
    recipes: recipes![
        rate_by_class("volume", &[without_probes!("smg_http_responses_total", "path")], "status_code"),
        rate("volume/finished", &["smg_router_requests_total"]).layer(Layer::Machine),
        ratio(
            "error-share/server errors",
            &[without_probes!("smg_http_responses_total", "path", "status_code=~\"5..\"")],
            &[without_probes!("smg_http_responses_total", "path")],
        ),
        ratio(
            "error-share/client errors",
            &[without_probes!("smg_http_responses_total", "path", "status_code=~\"4..\"")],
            &[without_probes!("smg_http_responses_total", "path")],
        ),
        rate_by("errors-by-cause", &["smg_router_request_errors_total"], "error_type"),
        rate_by("requests-by-route", &["smg_router_requests_total"], "endpoint"),
        rate("requests-by-mode/streamed", &["smg_router_requests_total{streaming=\"true\"}"]),
        rate("requests-by-mode/at once", &["smg_router_requests_total{streaming=\"false\"}"]),
        histogram(
            "end-to-end-latency",
            &["smg_router_request_duration_seconds", without_probes!("smg_http_request_duration_seconds", "path")],
        ),
        histogram("time-to-first-token", &["smg_pd_ttft_seconds", "smg_router_ttft_seconds"]),
        histogram("time-per-output-token", &["smg_router_tpot_seconds"]),
        histogram("decode-time", &["smg_router_generation_duration_seconds"]),
        histogram("prefill-time", &["smg_pd_prefill_duration_seconds"]),
        histogram("kv-transfer-time", &["smg_pd_kv_transfer_duration_seconds"]),
        mean("first-token-stages/prefill", &["smg_pd_prefill_duration_seconds"]).layer(Layer::Machine),
        mean("first-token-stages/transfer", &["smg_pd_kv_transfer_duration_seconds"]).layer(Layer::Machine),
        rate("engine-failures/transfer failed", &["smg_pd_kv_transfer_failures_total"]),
        rate("engine-failures/bootstrap failed", &["smg_pd_bootstrap_failures_total"]),
        rate("tokens-per-second/generation", &["smg_router_tokens_total{token_type=\"output\"}"]),
        rate("tokens-per-second/prompt", &["smg_router_tokens_total{token_type=\"input\"}"]),
        sum("concurrent-requests/in flight", &["smg_worker_requests_active"]),
        raw(
            "evenness/running",
            "max$by (smg_worker_requests_active{$scope}) / (avg$by (smg_worker_requests_active{$scope}) > 0)",
            &["smg_worker_requests_active"],
        ),
        sum("pools/prefill", &["smg_engine_pd_prefill_queue_reqs"]),
        sum("pools/decode", &["smg_engine_pd_decode_queue_reqs"]),
        sum("replicas/active", &["smg_worker_health"]),
        sum("replicas/known", &["smg_worker_pool_size"]),
    ],
    ..Engine::PLAIN
};

/// The workers' metrics that SGLang's gateway re-exports, for setups that cannot scrape the workers.
pub(super) const REEXPORTED: Engine = Engine {
    id: "sglang-relayed",
    title: "SGLang",
    prefix_aliases: SGLANG.prefix_aliases,
    own_matchers: "worker_addr!=\"\"",
    rank_labels: SGLANG.rank_labels,
    reexports: Some("sglang"),
    source: GATEWAY.source,
    is_captured: false,
    recipes: recipes![
        histogram("end-to-end-latency", &["sglang:e2e_request_latency_seconds"]),
        histogram("time-to-first-token", &["sglang:time_to_first_token_seconds"]),
        histogram("inter-token-latency", &["sglang:inter_token_latency_seconds"]),
        rate("tokens-per-second/generation", &["sglang:generation_tokens_total"]),
        rate("tokens-per-second/prompt", &["sglang:prompt_tokens_total"]),
        sum("running-and-waiting/running", &["sglang:num_running_reqs"]),
        sum("running-and-waiting/waiting", &["sglang:num_queue_reqs"]),
        avg("kv-cache-use/in use", &["sglang:token_usage"]),
        max("kv-cache-use/fullest", &["sglang:token_usage"]),
    ],
    ..Engine::PLAIN
};
