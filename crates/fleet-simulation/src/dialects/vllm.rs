//! vLLM: the page of 0.32, and that of 0.9 with the names of its time.
use super::{EngineKind, Process, http, no_bounds, python};
use crate::counts::{Bounds, Measure};
use crate::histogram::{one_two_five, whole};
use crate::page::{Kind, PageSink};
use crate::traffic::Ending;

const FIRST_TOKEN: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];
const TOKEN: [f64; 19] =
    [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0];
const REQUEST: [f64; 21] = [
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
];
const STEP_TOKENS: [f64; 13] =
    [1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0];

pub(super) fn bounds(version: EngineKind, max_model_len: f64) -> Bounds {
    let mut bounds = no_bounds();
    let mut set = |measures: &[Measure], values: &[f64]| {
        measures.iter().for_each(|measure| bounds[*measure as usize] = values.into());
    };
    set(&[Measure::TimeToFirstToken], &FIRST_TOKEN);
    set(&[Measure::InterTokenLatency], &TOKEN);
    set(&[Measure::EndToEnd, Measure::Queue, Measure::Inference, Measure::Prefill, Measure::Decode], &REQUEST);
    set(&[Measure::PromptLength, Measure::AnswerLength, Measure::RequestedLength], &one_two_five(max_model_len));
    set(&[Measure::StepTokens], &STEP_TOKENS);
    if version == EngineKind::Vllm032 {
        set(&[Measure::TimePerOutputToken], &TOKEN);
        set(&[Measure::ComputedPrompt], &one_two_five(max_model_len));
        set(&[Measure::Preemptions], &[1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0]);
    }
    bounds
}

pub(super) fn write_0_32(process: &Process<'_>, page: &mut impl PageSink) {
    python::write(process, page);
    write_queue(process, page);
    write_caches(process, page, &[("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.")], &[""]);
    write_other_caches(process, page);
    write_tokens(process, page);
    write_prompt_sources(process, page);
    write_finished(process, page, &["stop", "length", "abort", "error", "repetition"]);
    write_rejections(process, page);
    write_lengths(process, page);
    write_new_distributions(process, page);
    write_latencies(process, page);
    write_cache_config(process.batch.hardware().kv_tokens, page);
    http::write(process, page);
}

fn write_queue(process: &Process<'_>, page: &mut impl PageSink) {
    let Process { batch, model, .. } = *process;
    let own = [("engine", "0"), ("model_name", model)];
    page.gauge(
        "vllm:num_requests_running",
        "Number of requests in model execution batches.",
        &own,
        batch.running() as f64,
    );
    page.gauge(
        "vllm:num_requests_waiting",
        "Number of requests waiting to be processed.",
        &own,
        batch.waiting() as f64,
    );
    page.family(
        "vllm:num_requests_waiting_by_reason",
        Kind::Gauge,
        "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; 'deferred' = \
         deferred by transient constraints (LoRA budget, KV transfer, blocked status). Sum of all reasons equals \
         vllm:num_requests_waiting.",
    );
    for (reason, count) in [("capacity", batch.waiting() as f64), ("deferred", 0.0)] {
        page.sample("", &[("engine", "0"), ("model_name", model), ("reason", reason)], count);
    }
    page.family(
        "vllm:engine_sleep_state",
        Kind::Gauge,
        "Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake; weights_offloaded = 1 \
         means sleep level 1; discard_all = 1 means sleep level 2.",
    );
    for (state, value) in [("awake", 1.0), ("weights_offloaded", 0.0), ("discard_all", 0.0)] {
        page.sample("", &[("engine", "0"), ("model_name", model), ("sleep_state", state)], value);
    }
}

fn write_other_caches(process: &Process<'_>, page: &mut impl PageSink) {
    let own = [("engine", "0"), ("model_name", process.model)];
    for (name, help) in [
        (
            "vllm:external_prefix_cache_queries_total",
            "External prefix cache queries from KV connector cross-instance cache sharing, in terms of number of \
             queried tokens.",
        ),
        (
            "vllm:external_prefix_cache_hits_total",
            "External prefix cache hits from KV connector cross-instance cache sharing, in terms of number of cached \
             tokens.",
        ),
        ("vllm:mm_cache_queries_total", "Multi-modal cache queries, in terms of number of queried items."),
        ("vllm:mm_cache_hits_total", "Multi-modal cache hits, in terms of number of cached items."),
    ] {
        page.counter(name, help, &own, 0.0);
    }
}

fn write_prompt_sources(process: &Process<'_>, page: &mut impl PageSink) {
    let Process { counts, model, .. } = *process;
    let own = [("engine", "0"), ("model_name", model)];
    let (cached, computed) = (counts.cached_tokens as f64, (counts.prompt_tokens - counts.cached_tokens) as f64);
    page.family("vllm:prompt_tokens_by_source_total", Kind::Counter, "Number of prompt tokens by source.");
    for (source, tokens) in [("local_compute", computed), ("local_cache_hit", cached), ("external_kv_transfer", 0.0)] {
        page.sample("", &[("engine", "0"), ("model_name", model), ("source", source)], tokens);
    }
    page.counter("vllm:prompt_tokens_cached_total", "Number of cached prompt tokens (local + external).", &own, cached);
    page.family(
        "vllm:prompt_tokens_cached_by_source_total",
        Kind::Counter,
        "Prefix-cache hit tokens by the cache tier that supplied them: device (local HBM), host (offloaded to DRAM), \
         disk, p2p (transferred from another vLLM instance) or external_unspecified. Counted at admission; sums to \
         vllm:prefix_cache_hits + vllm:external_prefix_cache_hits.",
    );
    for (source, tokens) in
        [("device", cached), ("host", 0.0), ("p2p", 0.0), ("disk", 0.0), ("external_unspecified", 0.0)]
    {
        page.sample("", &[("engine", "0"), ("model_name", model), ("source", source)], tokens);
    }
}

fn write_rejections(process: &Process<'_>, page: &mut impl PageSink) {
    page.family(
        "vllm:admission_rejections_total",
        Kind::Counter,
        "Number of admission attempts rejected by a queue limit, by reason.",
    );
    for reason in ["max_num_queued_reqs", "max_num_queued_tokens"] {
        page.sample("", &[("model_name", process.model), ("reason", reason)], 0.0);
    }
}

fn write_new_distributions(process: &Process<'_>, page: &mut impl PageSink) {
    let Process { counts, model, .. } = *process;
    let own = [("engine", "0"), ("model_name", model)];
    let mut distribution = |name: &str, help: &str, measure: Measure| {
        page.distribution(name, help, &own, counts.histogram(measure));
    };
    distribution(
        "vllm:inter_token_latency_seconds",
        "Histogram of inter-token latency in seconds.",
        Measure::InterTokenLatency,
    );
    distribution(
        "vllm:request_time_per_output_token_seconds",
        "Histogram of time_per_output_token_seconds per request.",
        Measure::TimePerOutputToken,
    );
    distribution(
        "vllm:request_num_preemptions",
        "Histogram of the number of times a request was preempted.",
        Measure::Preemptions,
    );
    distribution(
        "vllm:request_prefill_kv_computed_tokens",
        "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
        Measure::ComputedPrompt,
    );
}

pub(super) fn write_0_9(process: &Process<'_>, page: &mut impl PageSink) {
    let Process { batch, counts, model, .. } = *process;
    let own = [("engine", "0"), ("model_name", model)];
    python::write(process, page);
    page.gauge(
        "vllm:num_requests_running",
        "Number of requests in model execution batches.",
        &own,
        batch.running() as f64,
    );
    page.gauge(
        "vllm:num_requests_waiting",
        "Number of requests waiting to be processed.",
        &own,
        batch.waiting() as f64,
    );
    write_caches(
        process,
        page,
        &[
            (
                "vllm:gpu_cache_usage_perc",
                "GPU KV-cache usage. 1 means 100 percent usage.DEPRECATED: Use vllm:kv_cache_usage_perc instead.",
            ),
            ("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage."),
        ],
        &["gpu_", ""],
    );
    write_tokens(process, page);
    write_finished(process, page, &["stop", "length", "abort"]);
    write_lengths(process, page);
    page.distribution(
        "vllm:time_per_output_token_seconds",
        "Histogram of time per output token in seconds.",
        &own,
        counts.histogram(Measure::InterTokenLatency),
    );
    write_latencies(process, page);
    write_cache_config(batch.hardware().kv_tokens, page);
    http::write(process, page);
}

/// The counters of the prefix cache with their help: queries and hits.
const PREFIX_CACHE: [(&str, &str); 2] = [
    ("vllm:prefix_cache_queries_total", "Prefix cache queries, in terms of number of queried tokens."),
    ("vllm:prefix_cache_hits_total", "Prefix cache hits, in terms of number of cached tokens."),
];
/// The same under the names before, whose help has no space between its sentences.
const GPU_PREFIX_CACHE: [(&str, &str); 2] = [
    (
        "vllm:gpu_prefix_cache_queries_total",
        "GPU prefix cache queries, in terms of number of queried tokens.DEPRECATED: Use vllm:prefix_cache_queries instead.",
    ),
    (
        "vllm:gpu_prefix_cache_hits_total",
        "GPU prefix cache hits, in terms of number of cached tokens.DEPRECATED: Use vllm:prefix_cache_hits instead.",
    ),
];

fn write_caches(
    process: &Process<'_>,
    page: &mut impl PageSink,
    gauges: &[(&'static str, &'static str)],
    prefixes: &[&'static str],
) {
    let counts = process.counts;
    let own = [("engine", "0"), ("model_name", process.model)];
    for (name, help) in gauges {
        page.gauge(name, help, &own, process.batch.kv_share());
    }
    for prefix in prefixes {
        let [(queries, queries_help), (hits, hits_help)] = match *prefix {
            "" => PREFIX_CACHE,
            _ => GPU_PREFIX_CACHE,
        };
        page.counter(queries, queries_help, &own, counts.prompt_tokens as f64);
        page.counter(hits, hits_help, &own, counts.cached_tokens as f64);
    }
}

fn write_tokens(process: &Process<'_>, page: &mut impl PageSink) {
    let counts = process.counts;
    let own = [("engine", "0"), ("model_name", process.model)];
    let help = "Cumulative number of preemption from the engine.";
    page.counter("vllm:num_preemptions_total", help, &own, counts.preemptions as f64);
    page.counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.", &own, counts.prompt_tokens as f64);
    let help = "Number of generation tokens processed.";
    page.counter("vllm:generation_tokens_total", help, &own, whole(counts.generated_tokens));
}

fn write_finished(process: &Process<'_>, page: &mut impl PageSink, reasons: &[&str]) {
    page.family("vllm:request_success_total", Kind::Counter, "Count of successfully processed requests.");
    for reason in reasons {
        let ending = match *reason {
            "stop" => &[Ending::Stop][..],
            "length" => &[Ending::Length],
            "abort" => &[Ending::Abort],
            "error" => &[Ending::Error],
            _ => &[],
        };
        let labels = [("engine", "0"), ("finished_reason", reason), ("model_name", process.model)];
        page.sample("", &labels, process.counts.ended_as(ending));
    }
}

fn write_lengths(process: &Process<'_>, page: &mut impl PageSink) {
    let counts = process.counts;
    let own = [("engine", "0"), ("model_name", process.model)];
    let mut distribution = |name: &str, help: &str, measure: Measure| {
        page.distribution(name, help, &own, counts.histogram(measure));
    };
    distribution("vllm:request_prompt_tokens", "Number of prefill tokens processed.", Measure::PromptLength);
    distribution("vllm:request_generation_tokens", "Number of generation tokens processed.", Measure::AnswerLength);
    distribution("vllm:iteration_tokens_total", "Histogram of number of tokens per engine_step.", Measure::StepTokens);
    distribution(
        "vllm:request_max_num_generation_tokens",
        "Histogram of maximum number of requested generation tokens.",
        Measure::AnswerLength,
    );
    distribution(
        "vllm:request_params_max_tokens",
        "Histogram of the max_tokens request parameter.",
        Measure::RequestedLength,
    );
}

fn write_latencies(process: &Process<'_>, page: &mut impl PageSink) {
    let counts = process.counts;
    let own = [("engine", "0"), ("model_name", process.model)];
    for (name, help, measure) in [
        ("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", Measure::TimeToFirstToken),
        ("vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", Measure::EndToEnd),
        ("vllm:request_queue_time_seconds", "Histogram of time spent in WAITING phase for request.", Measure::Queue),
        (
            "vllm:request_inference_time_seconds",
            "Histogram of time spent in RUNNING phase for request.",
            Measure::Inference,
        ),
        (
            "vllm:request_prefill_time_seconds",
            "Histogram of time spent in PREFILL phase for request.",
            Measure::Prefill,
        ),
        ("vllm:request_decode_time_seconds", "Histogram of time spent in DECODE phase for request.", Measure::Decode),
    ] {
        page.distribution(name, help, &own, counts.histogram(measure));
    }
}

fn write_cache_config(kv_tokens: f64, page: &mut impl PageSink) {
    // Of its many labels, those that say something about the simulated engine.
    let blocks = format!("{}", (kv_tokens / 16.0).floor());
    let labels = [
        ("block_size", "16"),
        ("cache_dtype", "auto"),
        ("enable_prefix_caching", "True"),
        ("engine", "0"),
        ("gpu_memory_utilization", "0.92"),
        ("num_gpu_blocks", &*blocks),
    ];
    page.gauge("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", &labels, 1.0);
}
