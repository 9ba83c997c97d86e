//! Hugging Face's servers: text-generation-inference, text-embeddings-inference, the inference toolkit and the router.
use crate::engine::for_documents;
use crate::recipe::{histogram, mean, quantiles, rate, rate_by, ratio, raw, sum};
use crate::{Engine, Layer, ModelApi, PrefixAliases, Signature};

pub(super) const TGI: Engine = Engine {
    id: "tgi",
    title: "TGI",
    signatures: &[Signature::Prefix("tgi_"), Signature::Prefix("lorax_")],
    // LoRAX is a fork of TGI.
    prefix_aliases: Some(PrefixAliases { original: "tgi_", others: &["lorax_"] }),
    model_apis: &[ModelApi::Info],
    source: for_documents("https://huggingface.co/docs/text-generation-inference/reference/metrics"),
    recipes: recipes![
        rate("volume/succeeded", &["tgi_request_success"]),
        rate("volume/failed", &["tgi_request_failure"]),
        ratio("error-share/failed", &["tgi_request_failure"], &["tgi_request_count"]),
        rate_by("errors-by-cause", &["tgi_request_failure"], "err"),
        histogram("end-to-end-latency", &["tgi_request_duration"]),
        histogram("inference-time", &["tgi_request_inference_duration"]),
        // Some versions write the label as a Python dictionary.
        raw(
            "time-to-first-token/derived",
            "sum$by ($rate(tgi_request_validation_duration_sum{$scope})) \
             / (sum$by ($rate(tgi_request_validation_duration_count{$scope})) > 0) \
             + sum$by ($rate(tgi_request_queue_duration_sum{$scope})) \
             / (sum$by ($rate(tgi_request_queue_duration_count{$scope})) > 0) \
             + sum$by ($rate(tgi_batch_inference_duration_sum{$scopemethod=~\".*prefill.*\"})) \
             / (sum$by ($rate(tgi_batch_inference_duration_count{$scopemethod=~\".*prefill.*\"})) > 0)",
            &[
                "tgi_request_validation_duration_sum",
                "tgi_request_validation_duration_count",
                "tgi_request_queue_duration_sum",
                "tgi_request_queue_duration_count",
                "tgi_batch_inference_duration_sum",
                "tgi_batch_inference_duration_count",
            ],
        ),
        histogram("time-per-output-token", &["tgi_request_mean_time_per_token_duration"]),
        histogram("queue-time", &["tgi_request_queue_duration"]),
        histogram("prefill-time", &["tgi_batch_inference_duration{method=~\".*prefill.*\"}"]),
        histogram("decode-time", &["tgi_batch_inference_duration{method=~\".*decode.*\"}"]),
        histogram("step-time", &["tgi_batch_forward_duration"]),
        mean("phase-times/validation", &["tgi_request_validation_duration"]),
        mean("phase-times/queue", &["tgi_request_queue_duration"]),
        mean("phase-times/inference", &["tgi_request_inference_duration"]),
        rate("tokens-per-second/generation", &["tgi_request_generated_tokens_sum"]),
        rate("tokens-per-second/prompt", &["tgi_request_input_length_sum"]),
        histogram("prompt-length", &["tgi_request_input_length"]),
        histogram("output-length", &["tgi_request_generated_tokens"]),
        histogram("requested-tokens", &["tgi_request_max_new_tokens"]),
        sum("running-and-waiting/running", &["tgi_batch_current_size"]),
        sum("running-and-waiting/waiting", &["tgi_queue_size"]),
        sum("tokens-in-flight/reserved", &["tgi_batch_current_max_tokens"]),
        histogram("batch-size", &["tgi_batch_next_size"]),
        rate_by("engine-steps", &["tgi_batch_inference_count"], "method"),
        rate("speculative-tokens/accepted", &["tgi_request_skipped_tokens_sum"]),
    ],
    ..Engine::PLAIN
};

pub(super) const TEI: Engine = Engine {
    id: "tei",
    title: "TEI",
    signatures: &[Signature::Prefix("te_")],
    model_apis: &[ModelApi::Info],
    source: for_documents(
        "https://github.com/huggingface/text-embeddings-inference: core/src/infer.rs, core/src/queue.rs",
    ),
    is_captured: false,
    recipes: recipes![
        rate("volume/succeeded", &["te_request_success"]),
        rate("volume/failed", &["te_request_failure"]),
        ratio("error-share/failed", &["te_request_failure"], &["te_request_count"]),
        rate_by("errors-by-cause", &["te_request_failure"], "err"),
        histogram("end-to-end-latency", &["te_request_duration", "te_embed_duration"]),
        quantiles("end-to-end-latency", &["te_request_duration", "te_embed_duration"]),
        histogram("inference-time", &["te_request_inference_duration", "te_embed_inference_duration"]),
        histogram("queue-time", &["te_request_queue_duration", "te_embed_queue_duration"]),
        mean("phase-times/tokenization", &["te_request_tokenization_duration", "te_embed_tokenization_duration"]),
        mean("phase-times/queue", &["te_request_queue_duration", "te_embed_queue_duration"]),
        mean("phase-times/inference", &["te_request_inference_duration", "te_embed_inference_duration"]),
        rate("tokens-per-second/prompt", &["te_request_input_length_sum"]),
        histogram("prompt-length", &["te_request_input_length"]),
        sum("running-and-waiting/waiting", &["te_queue_size"]),
        histogram("batch-size", &["te_batch_next_size"]),
        histogram("tokens-per-step", &["te_batch_next_tokens"]),
    ],
    ..Engine::PLAIN
};

/// The server inside endpoints without an engine of their own.
pub(super) const TOOLKIT: Engine = Engine {
    id: "hf-toolkit",
    title: "HF toolkit",
    signatures: &[Signature::Name("inf_batch_current_size"), Signature::Name("inf_queue_size")],
    source: for_documents("https://github.com/huggingface/huggingface-inference-toolkit"),
    is_captured: false,
    recipes: recipes![
        sum("running-and-waiting/running", &["inf_batch_current_size"]),
        sum("running-and-waiting/waiting", &["inf_queue_size"]),
    ],
    ..Engine::PLAIN
};

/// The optional router in front of an endpoint's replicas.
pub(super) const CUSTOM_ROUTER: Engine = Engine {
    id: "hf-router",
    title: "HF router",
    layer: Layer::Gateway,
    signatures: &[Signature::Prefix("custom_router_")],
    source: for_documents("https://huggingface.co/docs/inference-endpoints/guides/custom_router"),
    is_captured: false,
    recipes: recipes![
        rate("volume/finished", &["custom_router_requests_dispatched_total"]),
        sum("pending-requests/pending", &["custom_router_queue_depth"]),
        sum("concurrent-requests/in flight", &["custom_router_backend_inflight_requests"]),
    ],
    ..Engine::PLAIN
};
