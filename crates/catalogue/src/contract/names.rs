//! The name of every metric that begins with `inferboard_`, each written once.

macro_rules! names {
    ($($constant:ident = $name:literal,)*) => {
        $(
            #[doc = concat!("The metric `", $name, "`.")]
            pub const $constant: &str = $name;
        )*

        /// Every name of this list.
        pub const ALL: &[&str] = &[$($constant),*];
    };
}

names! {
    // Requests.
    REQUESTS_TOTAL = "inferboard_requests_total",
    REQUESTS_RUNNING = "inferboard_requests_running",
    CONCURRENT_REQUESTS = "inferboard_concurrent_requests",
    ERRORS_TOTAL = "inferboard_errors_total",
    RESPONSE_TIME_SECONDS = "inferboard_response_time_seconds",
    INFERENCE_TIME_SECONDS = "inferboard_inference_time_seconds",
    TIME_TO_FIRST_BYTE_SECONDS = "inferboard_time_to_first_byte_seconds",
    TIME_TO_FIRST_TOKEN_SECONDS = "inferboard_time_to_first_token_seconds",
    INTER_TOKEN_LATENCY_SECONDS = "inferboard_inter_token_latency_seconds",
    TIME_PER_OUTPUT_TOKEN_SECONDS = "inferboard_time_per_output_token_seconds",
    UPSTREAM_LATENCY_SECONDS = "inferboard_upstream_latency_seconds",
    GATEWAY_OVERHEAD_SECONDS = "inferboard_gateway_overhead_seconds",
    HTTP_LATENCY_SECONDS = "inferboard_http_latency_seconds",
    CONCURRENT_REQUESTS_LIMIT = "inferboard_concurrent_requests_limit",
    PENDING_REQUESTS = "inferboard_pending_requests",
    REQUESTS_WAITING = "inferboard_requests_waiting",
    REQUESTS_PAUSED = "inferboard_requests_paused",
    REQUESTS_RUNNING_LIMIT = "inferboard_requests_running_limit",
    GENERATION_TOKENS_TOTAL = "inferboard_generation_tokens_total",
    PROMPT_TOKENS_TOTAL = "inferboard_prompt_tokens_total",
    REQUEST_TOKENS_PER_SECOND = "inferboard_request_tokens_per_second",
    REQUEST_SIZE_BYTES = "inferboard_request_size_bytes",
    RESPONSE_SIZE_BYTES = "inferboard_response_size_bytes",
    REQUEST_PROMPT_TOKENS = "inferboard_request_prompt_tokens",
    REQUEST_GENERATION_TOKENS = "inferboard_request_generation_tokens",
    REQUEST_MAX_TOKENS = "inferboard_request_max_tokens",
    REQUEST_LARGEST_ANSWER_TOKENS = "inferboard_request_largest_answer_tokens",
    REQUEST_ANSWERS = "inferboard_request_answers",
    WEBSOCKET_CONNECTIONS = "inferboard_websocket_connections",
    WEBSOCKET_DURATION_SECONDS = "inferboard_websocket_duration_seconds",
    TOOL_CALLS_TOTAL = "inferboard_tool_calls_total",
    REQUESTS_BY_MODE_TOTAL = "inferboard_requests_by_mode_total",
    TENANT_REQUESTS_TOTAL = "inferboard_tenant_requests_total",
    OLDEST_WAITING_SECONDS = "inferboard_oldest_waiting_seconds",
    // The engine.
    FIRST_TOKEN_STAGE_SECONDS = "inferboard_first_token_stage_seconds",
    POOL_REQUESTS = "inferboard_pool_requests",
    POOL_SATURATION_RATIO = "inferboard_pool_saturation_ratio",
    ROUTER_DECISIONS_TOTAL = "inferboard_router_decisions_total",
    BUSIEST_OVER_MEAN = "inferboard_busiest_over_mean",
    EXPERT_BALANCE = "inferboard_expert_busiest_over_mean",
    KV_BUDGET_TOKENS = "inferboard_kv_budget_tokens",
    KV_BUDGET_REQUESTS = "inferboard_kv_budget_requests",
    CACHE_TIER_BYTES = "inferboard_cache_tier_bytes",
    CACHE_LOAD_TOKEN_SECONDS = "inferboard_cache_load_seconds_per_token",
    CACHE_PREFILL_TOKEN_SECONDS = "inferboard_prefill_seconds_per_token",
    KV_CACHE_USAGE_RATIO = "inferboard_kv_cache_usage_ratio",
    KV_CACHE_USED_TOKENS = "inferboard_kv_cache_used_tokens",
    KV_CACHE_EVICTABLE_TOKENS = "inferboard_kv_cache_evictable_tokens",
    KV_CACHE_CAPACITY_TOKENS = "inferboard_kv_cache_capacity_tokens",
    QUEUE_TIME_SECONDS = "inferboard_queue_time_seconds",
    PREFILL_TIME_SECONDS = "inferboard_prefill_time_seconds",
    DECODE_TIME_SECONDS = "inferboard_decode_time_seconds",
    PHASE_TIME_SECONDS = "inferboard_phase_time_seconds",
    PREFIX_CACHE_HITS_TOTAL = "inferboard_prefix_cache_hits_total",
    PREFIX_CACHE_QUERIES_TOTAL = "inferboard_prefix_cache_queries_total",
    EXTERNAL_CACHE_HITS_TOTAL = "inferboard_external_cache_hits_total",
    EXTERNAL_CACHE_QUERIES_TOTAL = "inferboard_external_cache_queries_total",
    CACHED_TOKENS_TOTAL = "inferboard_cached_tokens_total",
    TOKENS_BY_SOURCE_TOTAL = "inferboard_tokens_by_source_total",
    REQUEST_COMPUTED_TOKENS = "inferboard_request_computed_tokens",
    PREEMPTIONS_TOTAL = "inferboard_preemptions_total",
    REQUEST_PREEMPTIONS = "inferboard_request_preemptions",
    FINISHED_REQUESTS_TOTAL = "inferboard_finished_requests_total",
    REQUESTS_WAITING_BY_REASON = "inferboard_requests_waiting_by_reason",
    KV_FETCHES = "inferboard_kv_fetches",
    BATCH_SIZE = "inferboard_batch_size",
    BATCH_SIZE_LIMIT = "inferboard_batch_size_limit",
    STEP_TOKENS = "inferboard_step_tokens",
    STEPS_TOTAL = "inferboard_steps_total",
    STEP_TIME_SECONDS = "inferboard_step_time_seconds",
    IDLE_SECONDS_TOTAL = "inferboard_idle_seconds_total",
    TOKENS_IN_FLIGHT = "inferboard_tokens_in_flight",
    SPECULATIVE_ACCEPTED_TOKENS_TOTAL = "inferboard_speculative_accepted_tokens_total",
    SPECULATIVE_DRAFTED_TOKENS_TOTAL = "inferboard_speculative_drafted_tokens_total",
    SPECULATIVE_ACCEPTANCE_LENGTH = "inferboard_speculative_acceptance_length",
    SPECULATIVE_ACCEPTED_BY_POSITION_TOTAL = "inferboard_speculative_accepted_by_position_total",
    SPECULATIVE_DRAFTS_TOTAL = "inferboard_speculative_drafts_total",
    LORA_ADAPTERS = "inferboard_lora_adapters",
    LORA_SLOTS = "inferboard_lora_slots",
    KV_TRANSFER_BYTES_TOTAL = "inferboard_kv_transfer_bytes_total",
    KV_TRANSFER_SECONDS = "inferboard_kv_transfer_seconds",
    KV_TRANSFER_BYTES_PER_SECOND = "inferboard_kv_transfer_bytes_per_second",
    KV_TRANSFER_PHASE_SECONDS = "inferboard_kv_transfer_phase_seconds",
    CACHE_LOAD_SECONDS = "inferboard_cache_load_seconds",
    CACHE_EVICTION_SECONDS = "inferboard_cache_eviction_seconds",
    KV_OFFLOAD_USAGE_RATIO = "inferboard_kv_offload_usage_ratio",
    KV_BLOCK_LIFETIME_SECONDS = "inferboard_kv_block_lifetime_seconds",
    KV_BLOCK_IDLE_SECONDS = "inferboard_kv_block_idle_seconds",
    KV_BLOCK_REUSE_GAP_SECONDS = "inferboard_kv_block_reuse_gap_seconds",
    CACHE_EVICTED_TOKENS_TOTAL = "inferboard_cache_evicted_tokens_total",
    CACHE_LOADED_TOKENS_TOTAL = "inferboard_cache_loaded_tokens_total",
    CORRUPTED_REQUESTS_TOTAL = "inferboard_corrupted_requests_total",
    KV_TRANSFER_FAILURES_TOTAL = "inferboard_kv_transfer_failures_total",
    STRUCTURED_REQUESTS_TOTAL = "inferboard_structured_requests_total",
    GRAMMAR_COMPILATION_SECONDS = "inferboard_grammar_compilation_seconds",
    GPU_MEMORY_BYTES = "inferboard_gpu_memory_bytes",
    FLOPS_PER_GPU_TOTAL = "inferboard_flops_per_gpu_total",
    READ_BYTES_PER_GPU_TOTAL = "inferboard_read_bytes_per_gpu_total",
    WRITTEN_BYTES_PER_GPU_TOTAL = "inferboard_written_bytes_per_gpu_total",
    ENGINE_STATE = "inferboard_engine_state",
    // Replicas.
    REPLICA_STATE = "inferboard_replica_state",
    REPLICAS_ACTIVE = "inferboard_replicas_active",
    REPLICAS_STARTING = "inferboard_replicas_starting",
    REPLICAS_UNHEALTHY = "inferboard_replicas_unhealthy",
    AUTOSCALER_LOAD_RATIO = "inferboard_autoscaler_load_ratio",
    AUTOSCALER_LIMITED = "inferboard_autoscaler_limited",
    REPLICAS_DESIRED = "inferboard_replicas_desired",
    REPLICAS_MIN = "inferboard_replicas_min",
    REPLICAS_MAX = "inferboard_replicas_max",
    REPLICA_RESTARTS_TOTAL = "inferboard_replica_restarts_total",
    RESTARTS_TOTAL = "inferboard_restarts_total",
    REPLICA_READINESS = "inferboard_replica_readiness",
    REPLICA_READY_SECONDS = "inferboard_replica_ready_seconds",
    STARTUP_TIME_SECONDS = "inferboard_startup_time_seconds",
    DEPLOYMENT_STATE = "inferboard_deployment_state",
    // Hardware.
    CPU_SECONDS_TOTAL = "inferboard_cpu_seconds_total",
    CPU_LIMIT_CORES = "inferboard_cpu_limit_cores",
    MEMORY_USED_BYTES = "inferboard_memory_used_bytes",
    MEMORY_LIMIT_BYTES = "inferboard_memory_limit_bytes",
    MEMORY_USAGE_RATIO = "inferboard_memory_usage_ratio",
    GPU_UTILIZATION_RATIO = "inferboard_gpu_utilization_ratio",
    GPU_MEMORY_USED_BYTES = "inferboard_gpu_memory_used_bytes",
    GPU_MEMORY_USAGE_RATIO = "inferboard_gpu_memory_usage_ratio",
    TOKENS_PER_JOULE = "inferboard_tokens_per_joule",
    GPU_XID_ERRORS_TOTAL = "inferboard_gpu_xid_errors_total",
    // Asynchronous requests.
    TIME_IN_ASYNC_QUEUE_SECONDS = "inferboard_time_in_async_queue_seconds",
    ASYNC_QUEUE_SIZE = "inferboard_async_queue_size",
    WEBHOOK_REQUESTS_TOTAL = "inferboard_webhook_requests_total",
    WEBHOOK_LATENCY_SECONDS = "inferboard_webhook_latency_seconds",
    // What the companion adds to each target or exports of hosted endpoints.
    SCRAPE_FAILED = "inferboard_scrape_failed",
    ENGINE_INFO = "inferboard_engine_info",
    ENGINE_GRAPHS = "inferboard_engine_graphs",
    UNCLAIMED_FAMILIES = "inferboard_unclaimed_families",
    FAMILY_UNCLAIMED = "inferboard_family_unclaimed",
    REPLICA_ATTRIBUTED = "inferboard_replica_attributed",
    REPLICA_MODEL = "inferboard_replica_model",
    TARGET_ROLE = "inferboard_target_role",
    OWN_MACHINE = "inferboard_own_machine",
    ENDPOINT_STATE = "inferboard_endpoint_state",
    ENDPOINT_INFO = "inferboard_endpoint_info",
    // The companion itself.
    BUILD_INFO = "inferboard_build_info",
    COLLECTOR_ERRORS_TOTAL = "inferboard_collector_errors_total",
    CLOCK_JUMPS_TOTAL = "inferboard_clock_jumps_total",
    SAMPLES_REFUSED_TOTAL = "inferboard_samples_refused_total",
    STORE_SERIES = "inferboard_store_series",
    STORE_LABEL_BYTES = "inferboard_store_label_bytes",
    STORE_SIZE_BYTES = "inferboard_store_size_bytes",
    STORE_BLOCKS = "inferboard_store_blocks",
    STORE_BLOCK_BYTES = "inferboard_store_block_bytes",
    STORE_BLOCK_SAMPLES = "inferboard_store_block_samples",
    STORE_LOG_BYTES = "inferboard_store_log_bytes",
    STORE_WRITE_FAILED = "inferboard_store_write_failed",
    STORE_SAMPLES_TOTAL = "inferboard_store_samples_total",
    STORE_DAMAGED_TOTAL = "inferboard_store_damaged_total",
    STORE_LOST_SAMPLES_TOTAL = "inferboard_store_lost_samples_total",
    REMOTE_WRITE_SAMPLES_SENT_TOTAL = "inferboard_remote_write_samples_sent_total",
    REMOTE_WRITE_SAMPLES_FAILED_TOTAL = "inferboard_remote_write_samples_failed_total",
    REMOTE_WRITE_SAMPLES_RETRIED_TOTAL = "inferboard_remote_write_samples_retried_total",
    REMOTE_WRITE_SAMPLES_DROPPED_TOTAL = "inferboard_remote_write_samples_dropped_total",
    REMOTE_WRITE_SAMPLES_PENDING = "inferboard_remote_write_samples_pending",
    REMOTE_WRITE_BYTES_TOTAL = "inferboard_remote_write_bytes_total",
    REMOTE_WRITE_QUEUE_BYTES = "inferboard_remote_write_queue_bytes",
    REMOTE_WRITE_SHARDS = "inferboard_remote_write_shards",
    REMOTE_WRITE_HIGHEST_TIMESTAMP_SECONDS = "inferboard_remote_write_highest_timestamp_seconds",
    REMOTE_WRITE_HIGHEST_SENT_TIMESTAMP_SECONDS = "inferboard_remote_write_highest_sent_timestamp_seconds",
}

// Series of the metrics above, selected by their labels: recipes write names and matchers as one text.

/// Requests answered with a client error.
pub(crate) const REQUESTS_4XX: &str = "inferboard_requests_total{status_code=~\"4..\"}";
/// Requests answered with a server error.
pub(crate) const REQUESTS_5XX: &str = "inferboard_requests_total{status_code=~\"5..\"}";
/// Replicas that serve.
pub(crate) const REPLICAS_RUNNING: &str = "inferboard_replica_state{state=\"running\"}";
/// Replicas on their way to serve.
pub(crate) const REPLICAS_NOT_READY: &str =
    "inferboard_replica_state{state=~\"pending|downloading|pulling|initializing\"}";
/// Replicas that failed.
pub(crate) const REPLICAS_FAILED: &str = "inferboard_replica_state{state=\"failed\"}";

/// When a process started, Unix seconds. The name is that of Prometheus's client libraries.
pub const PROCESS_START_TIME: &str = "process_start_time_seconds";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ReplicaState;
    use crate::metric_name::bare_name;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_begin_alike() {
        assert_eq!(ALL.iter().collect::<BTreeSet<_>>().len(), ALL.len());
        assert!(ALL.iter().all(|name| name.starts_with("inferboard_")));
    }

    #[test]
    fn selected_series_are_of_listed_metrics_and_states() {
        assert_eq!([REQUESTS_4XX, REQUESTS_5XX].map(bare_name), [REQUESTS_TOTAL; 2]);
        for selector in [REPLICAS_RUNNING, REPLICAS_NOT_READY, REPLICAS_FAILED] {
            assert_eq!(bare_name(selector), REPLICA_STATE);
            let states = selector.split('"').nth(1).expect("a value");
            assert!(states.split('|').all(|state| ReplicaState::from_id(state).is_some()), "{states}");
        }
    }
}
