//! Hugging Face's own servers: text-generation-inference and text-embeddings-inference, and their toolkit.
use crate::{
    Engine, Layer, Sign,
    recipe::{mean, quantiles, rate, rate_by, ratio, raw, spread, total},
};

pub(super) const TGI: Engine = Engine {
    id: "tgi",
    title: "TGI",
    signs: &[Sign::Prefix("tgi_")],
    source: "https://huggingface.co/docs/text-generation-inference/reference/metrics",
    recipes: &[
        rate("volume/succeeded", &["tgi_request_success"]),
        rate("volume/failed", &["tgi_request_failure"]),
        ratio("error-share/failed", &["tgi_request_failure"], &["tgi_request_count"]),
        rate_by("errors-by-cause", &["tgi_request_failure"], "err"),
        spread("end-to-end-latency", &["tgi_request_duration"]),
        spread("inference-time", &["tgi_request_inference_duration"]),
        // Some versions wrote the label as a Python dictionary.
        raw(
            "time-to-first-token/derived",
            "sum$by (rate(tgi_request_validation_duration_sum{$scope}[$window])) \
             / (sum$by (rate(tgi_request_validation_duration_count{$scope}[$window])) > 0) \
             + sum$by (rate(tgi_request_queue_duration_sum{$scope}[$window])) \
             / (sum$by (rate(tgi_request_queue_duration_count{$scope}[$window])) > 0) \
             + sum$by (rate(tgi_batch_inference_duration_sum{$scopemethod=~\".*prefill.*\"}[$window])) \
             / (sum$by (rate(tgi_batch_inference_duration_count{$scopemethod=~\".*prefill.*\"}[$window])) > 0)",
            &[
                "tgi_request_validation_duration_sum",
                "tgi_request_validation_duration_count",
                "tgi_request_queue_duration_sum",
                "tgi_request_queue_duration_count",
                "tgi_batch_inference_duration_sum",
                "tgi_batch_inference_duration_count",
            ],
        ),
        spread("time-per-output-token", &["tgi_request_mean_time_per_token_duration"]),
        spread("queue-time", &["tgi_request_queue_duration"]),
        spread("prefill-time", &["tgi_batch_inference_duration{method=~\".*prefill.*\"}"]),
        spread("decode-time", &["tgi_batch_inference_duration{method=~\".*decode.*\"}"]),
        spread("step-time", &["tgi_batch_forward_duration"]),
        mean("phase-times/validation", &["tgi_request_validation_duration"]),
        mean("phase-times/queue", &["tgi_request_queue_duration"]),
        mean("phase-times/inference", &["tgi_request_inference_duration"]),
        rate("tokens-per-second/generation", &["tgi_request_generated_tokens_sum"]),
        rate("tokens-per-second/prompt", &["tgi_request_input_length_sum"]),
        spread("prompt-length", &["tgi_request_input_length"]),
        spread("output-length", &["tgi_request_generated_tokens"]),
        spread("requested-tokens", &["tgi_request_max_new_tokens"]),
        total("running-and-waiting/running", &["tgi_batch_current_size"]),
        total("running-and-waiting/waiting", &["tgi_queue_size"]),
        total("tokens-in-flight/reserved", &["tgi_batch_current_max_tokens"]),
        spread("batch-size", &["tgi_batch_next_size"]),
        rate_by("engine-steps", &["tgi_batch_inference_count"], "method"),
        rate("speculative-tokens/accepted", &["tgi_request_skipped_tokens_sum"]),
    ],
    ..Engine::PLAIN
};

pub(super) const TEI: Engine = Engine {
    id: "tei",
    title: "TEI",
    signs: &[Sign::Prefix("te_")],
    source: "https://github.com/huggingface/text-embeddings-inference: core/src/infer.rs, core/src/queue.rs",
    is_captured: false,
    recipes: &[
        rate("volume/succeeded", &["te_request_success"]),
        rate("volume/failed", &["te_request_failure"]),
        ratio("error-share/failed", &["te_request_failure"], &["te_request_count"]),
        rate_by("errors-by-cause", &["te_request_failure"], "err"),
        spread("end-to-end-latency", &["te_request_duration", "te_embed_duration"]),
        quantiles("end-to-end-latency", &["te_request_duration", "te_embed_duration"]),
        spread("inference-time", &["te_request_inference_duration", "te_embed_inference_duration"]),
        spread("queue-time", &["te_request_queue_duration", "te_embed_queue_duration"]),
        mean("phase-times/tokenization", &["te_request_tokenization_duration", "te_embed_tokenization_duration"]),
        mean("phase-times/queue", &["te_request_queue_duration", "te_embed_queue_duration"]),
        mean("phase-times/inference", &["te_request_inference_duration", "te_embed_inference_duration"]),
        rate("tokens-per-second/prompt", &["te_request_input_length_sum"]),
        spread("prompt-length", &["te_request_input_length"]),
        total("running-and-waiting/waiting", &["te_queue_size"]),
        spread("batch-size", &["te_batch_next_size"]),
        spread("tokens-per-step", &["te_batch_next_tokens"]),
    ],
    ..Engine::PLAIN
};

/// The server inside endpoints that have no engine of their own.
pub(super) const TOOLKIT: Engine = Engine {
    id: "hf-toolkit",
    title: "HF toolkit",
    signs: &[Sign::Name("inf_batch_current_size"), Sign::Name("inf_queue_size")],
    source: "https://github.com/huggingface/huggingface-inference-toolkit",
    is_captured: false,
    recipes: &[
        total("running-and-waiting/running", &["inf_batch_current_size"]),
        total("running-and-waiting/waiting", &["inf_queue_size"]),
    ],
    ..Engine::PLAIN
};

/// The router that an endpoint can have in front of its replicas.
pub(super) const CUSTOM_ROUTER: Engine = Engine {
    id: "hf-router",
    title: "HF router",
    layer: Layer::Gateway,
    signs: &[Sign::Prefix("custom_router_")],
    source: "https://huggingface.co/docs/inference-endpoints/guides/custom_router",
    is_captured: false,
    recipes: &[
        rate("volume/finished", &["custom_router_requests_dispatched_total"]),
        total("pending-requests/pending", &["custom_router_queue_depth"]),
        total("concurrent-requests/in flight", &["custom_router_backend_inflight_requests"]),
    ],
    ..Engine::PLAIN
};
