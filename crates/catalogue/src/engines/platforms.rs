//! What hosted platforms export about their endpoints: Hugging Face and Baseten.
use crate::engine::for_documents;
use crate::recipe::{avg, histogram, max, mean, quantiles, rate, rate_by_class, ratio, sum, sum_by};
use crate::{Engine, Layer, Signature};

const UNVERIFIED: &str = "named by third parties only; the route's full list of names is not public";

pub(super) const HUGGING_FACE: Engine = Engine {
    id: "huggingface",
    title: "Hugging Face",
    layer: Layer::Platform,
    signatures: &[Signature::Name("latency_distribution")],
    replica_label: "replica_id",
    turn_on: "a Team or Enterprise plan, and a token that may read the endpoint",
    source: for_documents("https://huggingface.co/docs/inference-endpoints/guides/analytics"),
    recipes: recipes![
        rate_by_class("volume", &["http_requests{replica_id!=\"\"}"], "status_code"),
        ratio(
            "error-share/server errors",
            &["http_requests{status_code=~\"5..\",replica_id!=\"\"}"],
            &["http_requests{replica_id!=\"\"}"],
        ),
        ratio(
            "error-share/client errors",
            &["http_requests{status_code=~\"4..\",replica_id!=\"\"}"],
            &["http_requests{replica_id!=\"\"}"],
        ),
        quantiles("end-to-end-latency", &["latency_distribution"]),
        mean("end-to-end-latency/mean", &["latency_distribution"]),
        avg("cpu/average", &["cpu_usage_percent"]).scale(0.01),
        avg("memory-share/average", &["memory_usage_percent"]).scale(0.01).documented(UNVERIFIED),
        avg("gpu/average", &["gpu_usage_percent"]).scale(0.01).documented(UNVERIFIED),
        avg("gpu-memory-share/average", &["gpu_memory_usage_percent"]).scale(0.01).documented(UNVERIFIED),
    ],
    ..Engine::PLAIN
};

pub(super) const BASETEN: Engine = Engine {
    id: "baseten",
    title: "Baseten",
    layer: Layer::Platform,
    has_few_names: true,
    signatures: &[Signature::Prefix("baseten_")],
    source: for_documents("https://docs.baseten.co/observability/export-metrics/supported-metrics"),
    is_captured: false,
    recipes: recipes![
        rate_by_class("volume", &["baseten_inference_requests_total"], "status_code"),
        ratio(
            "error-share/server errors",
            &["baseten_inference_requests_total{status_code=~\"5..\"}"],
            &["baseten_inference_requests_total"],
        ),
        ratio(
            "error-share/client errors",
            &["baseten_inference_requests_total{status_code=~\"4..\"}"],
            &["baseten_inference_requests_total"],
        ),
        histogram("end-to-end-latency", &["baseten_end_to_end_response_time_seconds"]),
        histogram("time-to-first-byte", &["baseten_time_to_first_byte_seconds"]),
        histogram("request-size", &["baseten_request_size_bytes"]),
        histogram("response-size", &["baseten_response_size_bytes"]),
        sum("concurrent-requests/in flight", &["baseten_concurrent_requests"]),
        sum("websocket-connections/open", &["baseten_ongoing_websocket_connections"]),
        sum("replicas/active", &["baseten_replicas_active"]),
        sum("replicas/starting", &["baseten_replicas_starting"]),
        sum("replicas/desired", &["baseten_replicas_desired"]),
        rate("restarts/restarts", &["baseten_container_restarts_total"]),
        sum_by("readiness", &["baseten_pod_readiness"], "condition"),
        rate("cpu-cores/in use", &["baseten_container_cpu_usage_seconds_total"]),
        sum("container-memory/in use", &["baseten_container_cpu_memory_working_set_bytes"]),
        avg("gpu/average", &["baseten_gpu_utilization"]).scale(0.01),
        max("gpu/busiest", &["baseten_gpu_utilization"]).scale(0.01),
        sum("gpu-memory/in use", &["baseten_gpu_memory_used"]).scale(1_048_576.0),
        histogram("time-in-async-queue", &["baseten_time_in_async_queue_seconds"]),
        sum("async-queue-size/queued", &["baseten_async_queue_size"]),
        rate("webhook-requests/deliveries", &["baseten_async_webhook_requests_total"]),
        histogram("webhook-latency", &["baseten_async_webhook_latency_seconds"]),
        // Its own inference stack, BIS-LLM.
        rate("tokens-per-second/generation", &["baseten_llm_output_tokens_total"]),
        rate("tokens-per-second/prompt", &["baseten_llm_input_tokens_total"]),
        histogram("prompt-length", &["baseten_llm_input_tokens_per_request"]),
        histogram("output-length", &["baseten_llm_output_tokens_per_request"]),
        histogram("tokens-per-second-per-request", &["baseten_llm_tokens_per_second_per_request"]),
        mean("prefix-cache-hit-share/hits", &["baseten_llm_kv_cache_hit_rate"]),
        ratio(
            "speculative-acceptance/accepted",
            &["baseten_llm_spec_decode_num_accepted_tokens_total"],
            &["baseten_llm_spec_decode_num_draft_tokens_total"],
        ),
        rate("speculative-tokens/drafted", &["baseten_llm_spec_decode_num_draft_tokens_total"]),
        rate("speculative-tokens/accepted", &["baseten_llm_spec_decode_num_accepted_tokens_total"]),
        sum("tokens-in-flight/in flight", &["baseten_llm_in_flight_tokens"]),
        avg("tokens-in-flight/average", &["baseten_llm_avg_in_flight_tokens"]),
        sum("running-and-waiting/running", &["baseten_llm_num_requests"]),
    ],
    ..Engine::PLAIN
};
