//! What the process of a replica has counted since it started.
use crate::histogram::Histogram;
use crate::traffic::{Ending, Request};
use std::sync::Arc;

/// What is counted in a histogram. Times are in seconds, lengths in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    TimeToFirstToken,
    InterTokenLatency,
    TimePerOutputToken,
    EndToEnd,
    Queue,
    Inference,
    Prefill,
    Decode,
    PromptLength,
    AnswerLength,
    RequestedLength,
    ComputedPrompt,
    Preemptions,
    StepTokens,
    PrefillStep,
    DecodeStep,
    BatchSize,
    TransferTime,
    Validation,
}

/// The number of measures.
pub(crate) const MEASURES: usize = 19;

/// The bounds of the buckets of each measure; empty where the engine has no such histogram.
pub(crate) type Bounds = [Arc<[f64]>; MEASURES];

/// What processes have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Requests that were answered, refused or abandoned.
    pub(crate) requests: u64,
    /// Tokens of their answers.
    pub(crate) tokens: f64,
    /// Tokens that were generated, for requests that have not ended too.
    pub(crate) generated_tokens: f64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.tokens += other.tokens;
        self.generated_tokens += other.generated_tokens;
    }
}

/// The counts of one process.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    histograms: Vec<Histogram>,
    /// Requests that ended, by [`Ending`], and those that another replica went on with.
    pub(crate) ended: [u64; 5],
    pub(crate) handed_on: u64,
    /// Tokens of prompts whose prefill is complete, and those of them that the prefix cache had.
    pub(crate) prompt_tokens: u64,
    pub(crate) cached_tokens: u64,
    /// Tokens of answers.
    pub(crate) generated_tokens: f64,
    /// Tokens of the answers of requests that have ended.
    pub(crate) ended_tokens: f64,
    pub(crate) preemptions: u64,
    pub(crate) retracted_tokens: u64,
    /// Steps of the engine that decode, and those that also prefill.
    pub(crate) decode_steps: f64,
    pub(crate) prefill_steps: f64,
    /// Seconds in which the GPUs decoded and prefilled.
    pub(crate) decode_s: f64,
    pub(crate) prefill_s: f64,
    /// Bytes of the KV cache that went to another replica, or came from one.
    pub(crate) transferred_bytes: f64,
    /// The integrals over time of running and of waiting requests.
    pub(crate) running_s: f64,
    pub(crate) waiting_s: f64,
    /// The sums over ended requests of their time, and of the part of it that they waited.
    pub(crate) stay_s: f64,
    /// Every time that a request has taken, to compare histograms with.
    #[cfg(test)]
    pub(crate) stays_s: Vec<f64>,
}

impl Counts {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self {
            histograms: bounds.iter().map(Histogram::new).collect(),
            ended: [0; 5],
            handed_on: 0,
            prompt_tokens: 0,
            cached_tokens: 0,
            generated_tokens: 0.0,
            ended_tokens: 0.0,
            preemptions: 0,
            retracted_tokens: 0,
            decode_steps: 0.0,
            prefill_steps: 0.0,
            decode_s: 0.0,
            prefill_s: 0.0,
            transferred_bytes: 0.0,
            running_s: 0.0,
            waiting_s: 0.0,
            stay_s: 0.0,
            #[cfg(test)]
            stays_s: Vec::new(),
        }
    }

    pub(crate) fn histogram(&self, measure: Measure) -> &Histogram {
        &self.histograms[measure as usize]
    }

    /// Counts an observation `weight` times.
    pub(crate) fn observe_weighted(&mut self, measure: Measure, value: f64, weight: f64) {
        let histogram = &mut self.histograms[measure as usize];
        if !histogram.bounds.is_empty() {
            histogram.observe(value, weight);
        }
    }

    /// Counts an observation.
    pub(crate) fn observe(&mut self, measure: Measure, value: f64) {
        self.observe_weighted(measure, value, 1.0);
    }

    /// Counts a request whose first token appears at `now_s`.
    pub(crate) fn first_token(&mut self, request: &Request, now_s: f64) {
        self.observe(Measure::TimeToFirstToken, now_s - request.arrived_s);
    }

    /// Counts a request that never reached the engine.
    pub(crate) fn refuse(&mut self, ending: Ending) {
        self.ended[ending as usize] += 1;
    }

    /// Counts a request that ends at `now_s`.
    pub(crate) fn end(&mut self, request: &Request, now_s: f64) {
        self.ended[request.ending as usize] += 1;
        self.ended_tokens += request.generated_tokens;
        self.stay_s += now_s - request.arrived_s;
        #[cfg(test)]
        self.stays_s.push(now_s - request.arrived_s);
        let scheduled_s = request.scheduled_s.unwrap_or(now_s);
        let first_s = request.first_token_s.unwrap_or(now_s);
        self.observe(Measure::EndToEnd, now_s - request.arrived_s);
        self.observe(Measure::Queue, scheduled_s - request.arrived_s);
        // A tokenizer does some ten million tokens per second.
        self.observe(Measure::Validation, 0.0006 + f64::from(request.prompt_tokens) * 1e-7);
        self.observe(Measure::Inference, now_s - scheduled_s);
        self.observe(Measure::Prefill, first_s - scheduled_s);
        self.observe(Measure::Decode, now_s - first_s);
        self.observe(Measure::PromptLength, f64::from(request.prompt_tokens));
        self.observe(Measure::AnswerLength, request.generated_tokens.round());
        self.observe(Measure::RequestedLength, f64::from(request.max_tokens));
        self.observe(Measure::ComputedPrompt, f64::from(request.prompt_tokens - request.cached_tokens));
        self.observe(Measure::Preemptions, f64::from(request.preemptions));
        if request.generated_tokens > 1.5 {
            self.observe(Measure::TimePerOutputToken, (now_s - first_s) / (request.generated_tokens - 1.0));
        }
    }

    /// What it has ended: requests, and the tokens of their answers.
    pub(crate) fn outcome(&self) -> Outcome {
        let requests = self.ended.iter().sum();
        Outcome { requests, tokens: self.ended_tokens, generated_tokens: self.generated_tokens }
    }

    /// Requests that ended in one of some ways.
    pub(crate) fn ended_as(&self, endings: &[Ending]) -> f64 {
        endings.iter().map(|ending| self.ended[*ending as usize]).sum::<u64>() as f64
    }
}
