//! Routers made for inference, and gateways that use OpenTelemetry's names.
use crate::contract::TargetRole;
use crate::engine::for_documents;
use crate::recipe::{avg, histogram, max_by, mean, mean_by, rate, rate_by, ratio, raw, share_of, sum};
use crate::{Engine, Layer, Signature};

/// The coordinator of llm-d's router, which runs the phases of a request one by one: it counts requests of clients, of
/// each of which the endpoint picker and the engines count several.
pub(super) const COORDINATOR: Engine = Engine {
    id: "llm-d-coordinator",
    title: "llm-d coordinator",
    layer: Layer::Platform,
    role: Some(TargetRole::Gateway),
    has_few_names: true,
    signatures: &[Signature::Prefix("llm_d_coordinator_")],
    source: for_documents("https://github.com/llm-d/llm-d-router: pkg/coordinator/metrics of 04f964712"),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", &["llm_d_coordinator_request_total"]),
        ratio("error-share/failed", &["llm_d_coordinator_request_error_total"], &["llm_d_coordinator_request_total"]),
        rate_by("errors-by-cause", &["llm_d_coordinator_request_error_total"], "error_code"),
        histogram("end-to-end-latency", &["llm_d_coordinator_request_duration_seconds"]),
        histogram("gateway-overhead", &[without_probes!("llm_d_coordinator_orchestration_overhead_seconds", "route")]),
        histogram("upstream-latency", &["llm_d_coordinator_upstream_request_duration_seconds{upstream=\"decode\"}"]),
        // The engines measure the other steps.
        mean_by(
            "first-token-stages",
            &["llm_d_coordinator_step_duration_seconds{step!~\"prefill|(.+-)?decode\"}"],
            "step",
        )
        .layer(Layer::Machine),
        histogram("request-size", &["llm_d_coordinator_request_size_bytes"]),
        histogram("response-size", &["llm_d_coordinator_response_size_bytes"]),
        histogram("prompt-length", &["llm_d_coordinator_request_input_tokens"]),
        sum("concurrent-requests/in flight", &["llm_d_coordinator_request_running"]),
        rate_by("router-decisions", &["llm_d_coordinator_execution_path_total"], "path"),
    ],
    ..Engine::PLAIN
};

/// The proxy beside each replica for decode, in llm-d. The endpoint picker and the engine count its requests.
pub(super) const SIDECAR: Engine = Engine {
    id: "llm-d-sidecar",
    title: "llm-d sidecar",
    layer: Layer::Gateway,
    has_few_names: true,
    signatures: &[Signature::Prefix("llm_d_disagg_sidecar_")],
    source: for_documents("https://github.com/llm-d/llm-d-router: pkg/sidecar/metrics/metrics.go of 6db6c0d73"),
    is_captured: false,
    recipes: recipes![
        rate("engine-failures/phase failed", &["llm_d_disagg_sidecar_request_errors_total"]),
        histogram("prefill-time", &["llm_d_disagg_sidecar_prefill_duration_seconds"]),
        histogram("decode-time", &["llm_d_disagg_sidecar_decode_duration_seconds"]),
    ],
    ..Engine::PLAIN
};

/// The endpoint picker of llm-d's router, which began as that of the Gateway API's inference extension. While its names
/// change it exports old and new ones, with different labels.
pub(super) const ENDPOINT_PICKER: Engine = Engine {
    id: "epp",
    title: "Endpoint picker",
    layer: Layer::Gateway,
    has_few_names: true,
    signatures: &[
        Signature::Prefix("llm_d_"),
        Signature::Prefix("inference_objective_"),
        Signature::Prefix("inference_pool_"),
        Signature::Prefix("inference_extension_"),
        Signature::Prefix("inference_model_"),
    ],
    has_relabelled_names: true,
    source: for_documents(
        "https://github.com/llm-d/llm-d-router: pkg/epp/metrics of ebab68792; before: \
         https://github.com/kubernetes-sigs/gateway-api-inference-extension: pkg/epp/metrics",
    ),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", REQUESTS),
        ratio("error-share/failed", ERRORS, REQUESTS),
        rate_by("errors-by-cause", ERRORS, "error_code"),
        histogram(
            "end-to-end-latency",
            &[
                "llm_d_epp_request_duration_seconds",
                "inference_objective_request_duration_seconds",
                "inference_model_request_duration_seconds",
            ],
        ),
        histogram(
            "time-to-first-token",
            &[
                "llm_d_epp_request_ttft_seconds",
                "inference_objective_request_ttft_seconds",
                "inference_model_request_ttft_seconds",
            ],
        ),
        histogram("inter-token-latency", &["llm_d_epp_request_streaming_itl_seconds"]),
        histogram(
            "time-per-output-token",
            &["llm_d_epp_request_streaming_tpot_seconds", "inference_objective_request_tpot_seconds"],
        ),
        histogram("queue-time", &["llm_d_epp_flow_control_request_queue_duration_seconds"]),
        histogram("gateway-overhead", &["llm_d_epp_scheduler_e2e_duration_seconds"]),
        mean("first-token-stages/router", &["llm_d_epp_scheduler_e2e_duration_seconds"]).layer(Layer::Machine),
        mean("first-token-stages/queue at the router", &["llm_d_epp_flow_control_request_queue_duration_seconds"])
            .layer(Layer::Machine),
        histogram("request-size", &["llm_d_epp_request_size_bytes", "inference_objective_request_sizes"]),
        histogram("response-size", &["llm_d_epp_response_size_bytes", "inference_objective_response_sizes"]),
        histogram("prompt-length", &["llm_d_epp_request_input_tokens", "inference_objective_input_tokens"]),
        histogram("output-length", &["llm_d_epp_request_output_tokens", "inference_objective_output_tokens"]),
        rate(
            "tokens-per-second/generation",
            &["llm_d_epp_request_output_tokens_sum", "inference_objective_output_tokens_sum"],
        ),
        rate(
            "tokens-per-second/prompt",
            &["llm_d_epp_request_input_tokens_sum", "inference_objective_input_tokens_sum"],
        ),
        ratio(
            "prefix-cache-hit-share/hits",
            &["llm_d_epp_request_cached_tokens_sum"],
            &["llm_d_epp_request_input_tokens_sum"],
        ),
        rate_by("tenants", &["llm_d_epp_request_total{fairness_id!=\"\"}"], "fairness_id").top(TOP),
        sum("concurrent-requests/in flight", &["llm_d_epp_request_running", "inference_objective_running_requests"]),
        sum(
            "pending-requests/pending",
            &["llm_d_epp_flow_control_queue_size", "inference_extension_flow_control_queue_size"],
        ),
        // An average over the endpoints.
        raw(
            "pending-requests/at the engines",
            "sum$by ($any(llm_d_epp_average_queue_size{$scope} * on (instance, name) group_left () llm_d_epp_ready_endpoints{$scope} | \
             inference_pool_average_queue_size{$scope} * on (instance, name) group_left () inference_pool_ready_pods{$scope} | \
             inference_pool_average_queue_size{$scope}))",
            &[
                "llm_d_epp_average_queue_size",
                "llm_d_epp_ready_endpoints",
                "inference_pool_average_queue_size",
                "inference_pool_ready_pods",
            ],
        ),
        sum("replicas/active", &["llm_d_epp_ready_endpoints", "inference_pool_ready_pods"]),
        avg(
            "kv-cache-use/in use",
            &["llm_d_epp_average_kv_cache_utilization", "inference_pool_average_kv_cache_utilization"],
        ),
        max_by("pool-saturation", &["llm_d_epp_flow_control_pool_saturation"], "stage"),
        rate_by(
            "router-decisions",
            &["llm_d_epp_disagg_decision_total", "llm_d_epp_pd_decision_total"],
            "decision_type",
        ),
        raw(
            "evenness/deviation",
            "max$by (llm_d_epp_std_dev_running_requests{$scope} / \
             (llm_d_epp_average_running_requests{$scope} > 0))",
            &["llm_d_epp_std_dev_running_requests", "llm_d_epp_average_running_requests"],
        ),
    ],
    ..Engine::PLAIN
};

/// How many of the parties that share a gateway are drawn one by one.
const TOP: u8 = 8;

const REQUESTS: &[&str] =
    &["llm_d_epp_request_total", "inference_objective_request_total", "inference_model_request_total"];
const ERRORS: &[&str] = &[
    "llm_d_epp_request_error_total",
    "inference_objective_request_error_total",
    "inference_model_request_error_total",
];

/// OpenTelemetry's names for generative AI, as Envoy AI Gateway and others export them: with their units or without,
/// and with dots where nothing translates them. Labels with dots are left out: many backends cannot select by them.
pub(super) const GEN_AI: Engine = Engine {
    id: "gen-ai",
    title: "OpenTelemetry",
    layer: Layer::Gateway,
    has_few_names: true,
    signatures: &[Signature::Prefix("gen_ai_"), Signature::Prefix("gen_ai.")],
    source: for_documents(
        "https://github.com/open-telemetry/semantic-conventions-genai: docs/gen-ai/gen-ai-metrics.md; \
         https://github.com/envoyproxy/ai-gateway: internal/metrics/genai.go of c217da8a5",
    ),
    is_captured: false,
    recipes: recipes![
        rate(
            "volume/finished",
            &[
                "gen_ai_server_request_duration_seconds_count",
                "gen_ai_server_request_duration_count",
                "gen_ai.server.request.duration_seconds_count",
                "gen_ai.server.request.duration_count",
            ],
        ),
        ratio(
            "error-share/failed",
            &[
                "gen_ai_server_request_duration_seconds_count{error_type!=\"\"}",
                "gen_ai_server_request_duration_count{error_type!=\"\"}",
            ],
            DURATION_COUNTS,
        ),
        rate_by(
            "errors-by-cause",
            &[
                "gen_ai_server_request_duration_seconds_count{error_type!=\"\"}",
                "gen_ai_server_request_duration_count{error_type!=\"\"}",
            ],
            "error_type",
        ),
        rate_by("requests-by-route", DURATION_COUNTS, "gen_ai_operation_name"),
        histogram(
            "end-to-end-latency",
            &[
                "gen_ai_server_request_duration_seconds",
                "gen_ai_server_request_duration",
                "gen_ai.server.request.duration_seconds",
                "gen_ai.server.request.duration",
            ],
        ),
        histogram(
            "upstream-latency",
            &[
                "gen_ai_client_operation_duration_seconds",
                "gen_ai_client_operation_duration",
                "gen_ai.client.operation.duration_seconds",
                "gen_ai.client.operation.duration",
            ],
        ),
        histogram(
            "time-to-first-token",
            &[
                "gen_ai_server_time_to_first_token_seconds",
                "gen_ai_server_time_to_first_token",
                "gen_ai.server.time_to_first_token_seconds",
                "gen_ai.server.time_to_first_token",
            ],
        ),
        histogram(
            "time-per-output-token",
            &[
                "gen_ai_server_time_per_output_token_seconds",
                "gen_ai_server_time_per_output_token",
                "gen_ai.server.time_per_output_token_seconds",
                "gen_ai.server.time_per_output_token",
            ],
        ),
        rate("tokens-per-second/generation", &["gen_ai_client_token_usage_sum{gen_ai_token_type=\"output\"}"]),
        rate("tokens-per-second/prompt", &["gen_ai_client_token_usage_sum{gen_ai_token_type=\"input\"}"]),
        histogram("prompt-length", &["gen_ai_client_token_usage{gen_ai_token_type=\"input\"}"]),
        histogram("output-length", &["gen_ai_client_token_usage{gen_ai_token_type=\"output\"}"]),
    ],
    ..Engine::PLAIN
};

const DURATION_COUNTS: &[&str] =
    &["gen_ai_server_request_duration_seconds_count", "gen_ai_server_request_duration_count"];

pub(super) const SEMANTIC: Engine = Engine {
    id: "semantic-router",
    title: "Semantic router",
    layer: Layer::Gateway,
    has_few_names: true,
    signatures: &[Signature::Prefix("llm_model_"), Signature::Name("llm_request_errors_total")],
    source: for_documents(
        "https://github.com/vllm-project/semantic-router: src/semantic-router/pkg/observability/metrics of 3d48f8c9c",
    ),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", &["llm_model_requests_total"]),
        ratio("error-share/failed", &["llm_request_errors_total"], &["llm_model_requests_total"]),
        rate_by("errors-by-cause", &["llm_request_errors_total"], "reason"),
        histogram("end-to-end-latency", &["llm_model_completion_latency_seconds"]),
        histogram("time-to-first-token", &["llm_model_ttft_seconds"]),
        histogram("time-per-output-token", &["llm_model_tpot_seconds"]),
        histogram("gateway-overhead", &["llm_model_routing_latency_seconds"]),
        rate("tokens-per-second/generation", &["llm_model_completion_tokens_total"]),
        rate("tokens-per-second/prompt", &["llm_model_prompt_tokens_total"]),
        sum("concurrent-requests/in flight", &["llm_model_inflight_requests"]),
        share_of("other-cache-hits/responses", &["llm_cache_plugin_hits_total"], &["llm_cache_plugin_misses_total"]),
        rate_by("router-decisions", &["llm_routing_reason_codes_total"], "reason_code"),
    ],
    ..Engine::PLAIN
};
