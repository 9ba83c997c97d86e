//! text-generation-inference.
use super::{Process, no_bounds};
use crate::counts::{Bounds, Measure};
use crate::histogram::{linear, multiples, whole};
use crate::page::{Kind, PageSink};
use crate::traffic::Ending;
use std::sync::Arc;

/// Requests that it batches; also the number of buckets of a histogram.
const MAX_BATCH: usize = 64;

pub(super) fn bounds(max_model_len: f64) -> Bounds {
    let mut bounds = no_bounds();
    // Source: `setup_prometheus` in `router/src/server.rs`: durations from 0.1 ms by 1.5, lengths in a hundred steps.
    let durations = multiples(0.0001, 1.5, 35);
    for measure in [
        Measure::EndToEnd,
        Measure::Queue,
        Measure::Inference,
        Measure::Validation,
        Measure::TimePerOutputToken,
        Measure::PrefillStep,
        Measure::DecodeStep,
    ] {
        bounds[measure as usize] = Arc::clone(&durations);
    }
    for measure in [Measure::PromptLength, Measure::AnswerLength, Measure::RequestedLength] {
        bounds[measure as usize] = linear(max_model_len / 100.0, 100);
    }
    bounds[Measure::BatchSize as usize] = linear(1.0, MAX_BATCH);
    bounds
}

pub(super) fn write(process: &Process<'_>, page: &mut impl PageSink) {
    let Process { batch, counts, .. } = *process;
    let failed = counts.ended_as(&[Ending::Error]);
    let invalid = counts.ended_as(&[Ending::Invalid]);
    let succeeded = counts.ended_as(&[Ending::Stop, Ending::Length]);
    let aborted = counts.ended_as(&[Ending::Abort]);
    page.counter("tgi_request_success", "Number of successful requests", &[], succeeded);
    let received = succeeded + failed + invalid + aborted;
    page.counter("tgi_request_count", "Total number of requests", &[], received);
    page.family("tgi_request_failure", Kind::Counter, "Number of failed requests");
    page.sample("", &[("err", "validation")], invalid);
    page.sample("", &[("err", "generation")], failed);
    let help = "Inference calls per method (prefill or decode)";
    page.family("tgi_batch_inference_count", Kind::Counter, help);
    page.sample("", &[("method", "prefill")], whole(counts.prefill_steps));
    page.sample("", &[("method", "decode")], whole(counts.decode_steps));
    page.gauge("tgi_queue_size", "Current queue size", &[], batch.waiting() as f64);
    page.gauge("tgi_batch_current_size", "Current batch size", &[], batch.running() as f64);
    let reserved = batch.kv_used().max(0.0).round();
    page.gauge("tgi_batch_current_max_tokens", "Maximum tokens for the current batch", &[], reserved);
    for (name, help, measure) in [
        ("tgi_request_input_length", "Input token length per request", Measure::PromptLength),
        ("tgi_request_max_new_tokens", "Maximum new tokens per request", Measure::RequestedLength),
        ("tgi_request_generated_tokens", "Generated tokens per request", Measure::AnswerLength),
        ("tgi_request_inference_duration", "Request inference duration", Measure::Inference),
        ("tgi_request_duration", "Request duration", Measure::EndToEnd),
        ("tgi_request_validation_duration", "Request validation duration", Measure::Validation),
        ("tgi_request_queue_duration", "Request queue duration", Measure::Queue),
        ("tgi_request_mean_time_per_token_duration", "Mean time per token per request", Measure::TimePerOutputToken),
        ("tgi_batch_next_size", "Batch size of the next batch", Measure::BatchSize),
    ] {
        page.distribution(name, help, &[], counts.histogram(measure));
    }
    page.family("tgi_batch_inference_duration", Kind::Histogram, "Batch inference duration");
    page.histogram(&[("method", "prefill")], counts.histogram(Measure::PrefillStep));
    page.histogram(&[("method", "decode")], counts.histogram(Measure::DecodeStep));
}
