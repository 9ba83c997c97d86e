//! SGLang 0.5.10, as one engine or as pools of prefill and decoding.
use super::{Process, no_bounds};
use crate::batch::Role;
use crate::counts::{Bounds, Measure};
use crate::histogram::{powers, whole};
use crate::page::{Kind, PageSink};
use crate::traffic::Ending;
use std::sync::Arc;

const FIRST_TOKEN: [f64; 18] =
    [0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 200.0, 400.0];
const TOKEN: [f64; 23] = [
    0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.06, 0.08, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0,
    2.0, 4.0, 6.0, 8.0,
];
const REQUEST: [f64; 22] = [
    0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 200.0, 400.0, 600.0, 1200.0,
    1800.0, 2400.0,
];
const QUEUE: [f64; 36] = [
    0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0,
    200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0, 1000.0, 1200.0, 1400.0, 1600.0, 1800.0, 2000.0, 2500.0,
    3000.0,
];
const RETRACTIONS: [f64; 19] =
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, 100.0];
const TRANSFER_MS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0];

pub(super) fn bounds() -> Bounds {
    let mut bounds = no_bounds();
    let mut set = |measure: Measure, values: Arc<[f64]>| bounds[measure as usize] = values;
    set(Measure::TimeToFirstToken, FIRST_TOKEN.into());
    set(Measure::InterTokenLatency, TOKEN.into());
    set(Measure::EndToEnd, REQUEST.into());
    set(Measure::Queue, QUEUE.into());
    // Source: `exponential_buckets(start=0.001, width=1.62, length=30)` in `metrics_collector.py`.
    set(Measure::Prefill, powers(0.001, 1.62, 30));
    set(Measure::Decode, powers(0.001, 1.62, 30));
    set(Measure::Preemptions, RETRACTIONS.into());
    set(Measure::TransferTime, TRANSFER_MS.into());
    bounds
}

pub(super) fn write(process: &Process<'_>, page: &mut impl PageSink) {
    let engine_type = match process.role {
        Role::Unified => "unified",
        Role::Prefill => "prefill",
        Role::Decode => "decode",
    };
    let model = process.model;
    let rank =
        [("engine_type", engine_type), ("model_name", model), ("moe_ep_rank", "0"), ("pp_rank", "0"), ("tp_rank", "0")];
    write_gauges(process, &rank, page);
    write_counters(process, &rank, page);
    write_histograms(process, &rank, page);
}

type Labels<'a> = [(&'a str, &'a str); 5];

fn write_gauges(process: &Process<'_>, rank: &Labels<'_>, page: &mut impl PageSink) {
    let Process { batch, .. } = *process;
    let hardware = batch.hardware();
    let (waiting, moving) = (batch.waiting() as f64, batch.prefilling() as f64);
    let decoding = batch.running() as f64 - moving;
    let (running, waiting, decode_prealloc, decode_transfer, inflight) = match process.role {
        Role::Unified => (decoding + moving, waiting, 0.0, 0.0, 0.0),
        Role::Prefill => (moving.min(1.0), waiting + (moving - 1.0).max(0.0), 0.0, 0.0, 0.0),
        Role::Decode => (decoding, 0.0, waiting, moving, 0.0),
    };
    let throughput = batch.decode_rate() * decoding;
    let usage = batch.kv_share();
    for (name, help, value) in [
        ("sglang:num_running_reqs", "The number of running requests.", running),
        ("sglang:num_used_tokens", "The number of used tokens.", batch.kv_used().max(0.0).round()),
        ("sglang:token_usage", "The token usage.", (usage * 100.0).round() / 100.0),
        ("sglang:full_token_usage", "The token usage for full attention layers.", (usage * 100.0).round() / 100.0),
        ("sglang:swa_token_usage", "The token usage for SWA layers.", 0.0),
        ("sglang:mamba_usage", "The token usage for Mamba layers.", 0.0),
        ("sglang:decode_sum_seq_lens", "The sum of all sequence lengths in decode.", batch.kv_used().max(0.0).round()),
        ("sglang:gen_throughput", "The generation throughput (token/s).", (throughput * 100.0).round() / 100.0),
        ("sglang:num_queue_reqs", "The number of requests in the waiting queue.", waiting),
        ("sglang:num_paused_reqs", "The number of paused requests by async weight sync.", 0.0),
        ("sglang:num_retracted_reqs", "The number of retracted requests.", 0.0),
        ("sglang:max_total_num_tokens", "Maximum total number of tokens in the KV cache pool.", hardware.kv_tokens),
        ("sglang:spec_accept_length", "The average acceptance length of speculative decoding.", 0.0),
        (
            "sglang:spec_accept_rate",
            "The average acceptance rate of speculative decoding (`accepted tokens / total draft tokens` in batch).",
            0.0,
        ),
        ("sglang:num_prefill_prealloc_queue_reqs", "The number of requests in the prefill prealloc queue.", 0.0),
        ("sglang:num_prefill_inflight_queue_reqs", "The number of requests in the prefill inflight queue.", inflight),
        (
            "sglang:num_decode_prealloc_queue_reqs",
            "The number of requests in the decode prealloc queue.",
            decode_prealloc,
        ),
        (
            "sglang:num_decode_transfer_queue_reqs",
            "The number of requests in the decode transfer queue.",
            decode_transfer,
        ),
        ("sglang:utilization", "The utilization.", 0.0),
        ("sglang:max_running_requests_under_SLO", "The maximum number of running requests under SLO.", 0.0),
        ("sglang:engine_startup_time", "The time taken for the engine to start up.", process.startup_s),
        ("sglang:engine_load_weights_time", "The time taken for the engine to load weights.", process.weights_s),
        ("sglang:is_cuda_graph", "Whether the batch is using CUDA graph.", f64::from(decoding > 0.0)),
        ("sglang:new_token_ratio", "The new token ratio.", 0.6),
    ] {
        page.gauge(name, help, rank, value);
    }
    let labels = [("num_pages", ""), ("page_size", "")];
    page.gauge("sglang:cache_config_info", "Cache configuration information.", &labels, 1.0);
}

fn write_counters(process: &Process<'_>, rank: &Labels<'_>, page: &mut impl PageSink) {
    let counts = process.counts;
    for (name, help, value) in [
        ("sglang:num_retracted_requests_total", "Total number of retracted requests.", counts.preemptions as f64),
        (
            "sglang:num_retracted_output_tokens_total",
            "Total number of retracted output tokens.",
            counts.retracted_tokens as f64,
        ),
        ("sglang:num_bootstrap_failed_reqs_total", "The number of bootstrap failed requests.", 0.0),
        ("sglang:num_transfer_failed_reqs_total", "The number of transfer failed requests.", 0.0),
    ] {
        page.counter(name, help, rank, value);
    }
    let mode = |value| [rank[0], ("mode", value), rank[1], rank[2], rank[3], rank[4]];
    let computed = (counts.prompt_tokens - counts.cached_tokens) as f64;
    let generated = if process.role == Role::Prefill { 0.0 } else { whole(counts.generated_tokens) };
    page.family(
        "sglang:cuda_graph_passes_total",
        Kind::Counter,
        "Total number of forward passes categorized by CUDA graph.",
    );
    page.sample("", &mode("decode_cuda_graph"), whole(counts.decode_steps));
    page.sample("", &mode("prefill_none"), whole(counts.prefill_steps));
    page.family(
        "sglang:realtime_tokens_total",
        Kind::Counter,
        "Total number of tokens processed (updated on each log interval). mode: prefill_compute, prefill_cache, decode.",
    );
    for (name, tokens) in
        [("prefill_compute", computed), ("prefill_cache", counts.cached_tokens as f64), ("decode", generated)]
    {
        page.sample("", &mode(name), tokens);
    }
    page.family(
        "sglang:gpu_execution_seconds_total",
        Kind::Counter,
        "Total time that GPU is busy executing a workload. Refer to ForwardMode for category labels.",
    );
    for (category, seconds) in [("forward_extend", counts.prefill_s), ("forward_decode", counts.decode_s)] {
        page.sample("", &[("category", category), rank[0], rank[1], rank[2], rank[3], rank[4]], seconds);
    }
    let own = [("model_name", process.model)];
    let help = "Number of prefill tokens processed.";
    page.counter("sglang:prompt_tokens_total", help, &own, counts.prompt_tokens as f64);
    page.counter("sglang:generation_tokens_total", "Number of generation tokens processed.", &own, generated);
    page.counter(
        "sglang:cached_tokens_total",
        "Number of cached prompt tokens by source (device/host/storage).",
        &[("cache_source", "device"), ("model_name", process.model)],
        counts.cached_tokens as f64,
    );
    let answered =
        counts.ended_as(&[Ending::Stop, Ending::Length, Ending::Abort, Ending::Error]) + counts.handed_on as f64;
    page.counter("sglang:num_requests_total", "Number of requests processed.", &own, answered);
    let help = "Number of structured output requests processed.";
    page.counter("sglang:num_so_requests_total", help, &own, 0.0);
    let aborted = counts.ended_as(&[Ending::Abort]);
    page.counter("sglang:num_aborted_requests_total", "Number of requests aborted.", &own, aborted);
}

fn write_histograms(process: &Process<'_>, rank: &Labels<'_>, page: &mut impl PageSink) {
    let counts = process.counts;
    let own = [("model_name", process.model)];
    for (name, help, measure) in [
        (
            "sglang:time_to_first_token_seconds",
            "Histogram of time to first token in seconds.",
            Measure::TimeToFirstToken,
        ),
        (
            "sglang:inter_token_latency_seconds",
            "Histogram of inter-token latency in seconds.",
            Measure::InterTokenLatency,
        ),
        ("sglang:e2e_request_latency_seconds", "Histogram of End-to-end request latency in seconds", Measure::EndToEnd),
        ("sglang:num_retractions", "Histogram of retraction counts per request.", Measure::Preemptions),
    ] {
        page.distribution(name, help, &own, counts.histogram(measure));
    }
    let help = "Histogram of queueing time in seconds.";
    page.distribution("sglang:queue_time_seconds", help, rank, counts.histogram(Measure::Queue));
    let help = "The latency of each stage of requests.";
    page.family("sglang:per_stage_req_latency_seconds", Kind::Histogram, help);
    let stage = |value| [rank[0], rank[1], rank[2], rank[3], ("stage", value), rank[4]];
    page.histogram(&stage("prefill_forward"), counts.histogram(Measure::Prefill));
    page.histogram(&stage("decode_forward"), counts.histogram(Measure::Decode));
    if process.role != Role::Unified {
        let help = "Histogram of KV cache transfer latency in ms.";
        page.distribution("sglang:kv_transfer_latency_ms", help, rank, counts.histogram(Measure::TransferTime));
    }
}
