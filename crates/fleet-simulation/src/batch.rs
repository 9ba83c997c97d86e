//! Continuous batching: the requests of one engine, from the queue through prefill and decoding to their end.
//!
//! Between two events every running request gets tokens at the same rate, so nothing is computed for single steps: the
//! state moves from event to event. An event is the end of a prefill, the end of a request, or a full KV cache.
use crate::counts::{Counts, Measure};
use crate::traffic::{Ending, Request};
use std::collections::VecDeque;

/// Rounding errors of tokens: of the answer to one request, and of what flows faster. Times of a week later have steps of
/// a tenth of a nanosecond.
const EPSILON: f64 = 1e-6;
const FAST_EPSILON: f64 = 0.01;

/// The share of the KV cache that must stay free for another request to be admitted.
/// Source: `watermark` of vLLM's scheduler.
const WATERMARK: f64 = 0.01;

/// How fast an engine is on its GPUs, and how much it can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hardware {
    /// The time of a step that decodes: at least, for each request, and for each token in the KV cache. Seconds.
    pub(crate) step_s: f64,
    pub(crate) step_per_request_s: f64,
    pub(crate) step_per_kv_token_s: f64,
    /// Tokens per second of a prefill, and how many of them one step computes.
    pub(crate) prefill_rate: f64,
    pub(crate) chunk_tokens: f64,
    /// Tokens that fit into the KV cache.
    pub(crate) kv_tokens: f64,
    /// Requests that may run at a time.
    pub(crate) max_running: usize,
    /// Bytes of the KV cache for each token.
    pub(crate) kv_bytes_per_token: f64,
}

/// The part of the work that an engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// All of it.
    Unified,
    /// Prefill only; another replica decodes.
    Prefill,
    /// Decoding only, of what another replica has prefilled.
    Decode,
}

/// Tokens per second that one replica receives from another that has prefilled them.
const TRANSFER_RATE: f64 = 90_000.0;

/// The requests of one engine.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    hardware: Hardware,
    role: Role,
    /// A factor of the time of each step.
    pub(crate) slowdown: f64,
    /// Whether it admits no requests.
    pub(crate) is_stuck: bool,
    now_s: f64,
    next_event_s: f64,
    waiting: VecDeque<Request>,
    /// Admitted requests whose prefill is not complete; the first is in progress.
    prefilling: VecDeque<Request>,
    /// Tokens that the first of them still needs.
    prefill_left: f64,
    decoding: Vec<Decoding>,
    /// Tokens that a request would have got that has been decoding since the start.
    decoded_tokens: f64,
    /// Tokens in the KV cache, less `decoded_tokens` for each decoding request.
    kv_offset: f64,
    admitted: u64,
    rates: Rates,
}

#[derive(Clone, Debug)]
struct Decoding {
    /// The value of `Batch::decoded_tokens` at which it ends.
    ends_at: f64,
    admission: u64,
    request: Request,
}

/// How fast things go until the next event, per second.
#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    /// Tokens of each decoding request.
    decode: f64,
    /// Tokens of the prefill in progress.
    prefill: f64,
    /// Steps of the engine.
    steps: f64,
    /// The share of the time that is spent on prefill.
    prefill_share: f64,
}

impl Batch {
    pub(crate) fn new(hardware: Hardware, role: Role, now_s: f64) -> Self {
        Self {
            hardware,
            role,
            slowdown: 1.0,
            is_stuck: false,
            now_s,
            next_event_s: f64::INFINITY,
            waiting: VecDeque::new(),
            prefilling: VecDeque::new(),
            prefill_left: 0.0,
            decoding: Vec::new(),
            decoded_tokens: 0.0,
            kv_offset: 0.0,
            admitted: 0,
            rates: Rates::default(),
        }
    }

    /// The time up to which it has been simulated.
    pub(crate) fn now_s(&self) -> f64 {
        self.now_s
    }

    /// Requests that are admitted.
    pub(crate) fn running(&self) -> usize {
        self.prefilling.len() + self.decoding.len()
    }

    /// Requests that wait to be admitted.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Requests whose prefill, or whose transfer from another replica, is not complete.
    pub(crate) fn prefilling(&self) -> usize {
        self.prefilling.len()
    }

    /// Tokens in the KV cache.
    pub(crate) fn kv_used(&self) -> f64 {
        self.kv_offset + self.decoded_tokens * self.decoding.len() as f64
    }

    /// The share of the KV cache that is in use.
    pub(crate) fn kv_share(&self) -> f64 {
        (self.kv_used() / self.hardware.kv_tokens).clamp(0.0, 1.0)
    }

    pub(crate) fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// Tokens of each request per second at the moment.
    pub(crate) fn decode_rate(&self) -> f64 {
        self.rates.decode
    }

    /// Adds a request at the current time.
    pub(crate) fn push(&mut self, request: Request, counts: &mut Counts) {
        self.waiting.push_back(request);
        self.plan(counts);
    }

    /// Applies a change of `slowdown` or `is_stuck`.
    pub(crate) fn replan(&mut self, counts: &mut Counts) {
        self.plan(counts);
    }

    /// Moves on to a time. What a prefill replica has finished goes to `handed_on`, in order of time, with the time.
    pub(crate) fn run_until(&mut self, until_s: f64, counts: &mut Counts, handed_on: &mut Vec<(f64, Request)>) {
        while self.next_event_s <= until_s {
            self.flow(self.next_event_s, counts);
            self.end_prefills(counts, handed_on);
            self.end_requests(counts);
            self.preempt(counts);
            self.plan(counts);
        }
        self.flow(until_s, counts);
    }

    /// Ends the requests that have waited since `since_s` without being scheduled: their clients have gone away.
    pub(crate) fn abandon(&mut self, since_s: f64, counts: &mut Counts) {
        let before = self.waiting.len();
        self.waiting.retain(|request| request.arrived_s > since_s || request.scheduled_s.is_some());
        (self.waiting.len()..before).for_each(|_| counts.refuse(Ending::Abort));
    }

    /// Takes all requests out, as a process does that ends.
    pub(crate) fn take_all(&mut self) -> Vec<Request> {
        let progress = self.decoded_tokens;
        let decoding = self.decoding.drain(..).map(|decoding| interrupted(decoding, progress));
        let all = decoding.chain(self.prefilling.drain(..)).chain(self.waiting.drain(..)).collect();
        (self.kv_offset, self.next_event_s) = (0.0, f64::INFINITY);
        all
    }

    /// Tokens of answers that are not complete.
    pub(crate) fn tokens_in_flight(&self) -> f64 {
        let left = |decoding: &Decoding| decoding.ends_at - self.decoded_tokens;
        let decoding = self.decoding.iter().map(|own| f64::from(own.request.answer_tokens) - left(own));
        let others = self.prefilling.iter().chain(&self.waiting).map(|request| request.generated_tokens);
        decoding.chain(others).sum()
    }

    /// What happens without events until a time.
    fn flow(&mut self, to_s: f64, counts: &mut Counts) {
        let seconds = to_s - self.now_s;
        self.now_s = to_s;
        if seconds <= 0.0 {
            return;
        }
        counts.running_s += self.running() as f64 * seconds;
        counts.waiting_s += self.waiting.len() as f64 * seconds;
        if self.running() == 0 {
            return;
        }
        let Rates { decode, prefill, steps, prefill_share } = self.rates;
        let number = self.decoding.len() as f64;
        if number > 0.0 {
            let tokens = number * decode * seconds;
            self.decoded_tokens += decode * seconds;
            counts.generated_tokens += tokens;
            counts.observe_weighted(Measure::InterTokenLatency, 1.0 / decode, tokens);
            counts.observe_weighted(Measure::DecodeStep, 1.0 / decode, steps * seconds);
            counts.decode_steps += steps * seconds;
        }
        let is_prefilling = !self.prefilling.is_empty();
        if is_prefilling {
            self.prefill_left -= prefill * seconds;
            if self.role != Role::Decode {
                counts.prefill_steps += steps * seconds;
                counts.observe_weighted(Measure::PrefillStep, 1.0 / steps, steps * seconds);
            }
        }
        let step_tokens = number + if is_prefilling { prefill / steps } else { 0.0 };
        counts.observe_weighted(Measure::StepTokens, step_tokens, steps * seconds);
        counts.prefill_s += prefill_share * seconds;
        counts.decode_s += (1.0 - prefill_share) * seconds;
    }

    fn end_prefills(&mut self, counts: &mut Counts, handed_on: &mut Vec<(f64, Request)>) {
        if self.prefill_left > FAST_EPSILON {
            return;
        }
        let Some(mut request) = self.prefilling.pop_front() else { return };
        self.begin_prefill();
        let held_tokens = f64::from(request.prompt_tokens) + request.generated_tokens;
        if request.first_token_s.is_none() && self.role != Role::Decode {
            counts.prompt_tokens += u64::from(request.prompt_tokens);
            counts.cached_tokens += u64::from(request.cached_tokens);
        }
        match self.role {
            Role::Prefill => {
                self.kv_offset -= held_tokens;
                counts.observe(Measure::Prefill, self.now_s - request.scheduled_s.unwrap_or(self.now_s));
                counts.observe(Measure::Queue, request.scheduled_s.unwrap_or(self.now_s) - request.arrived_s);
                counts.transferred_bytes += held_tokens * self.hardware.kv_bytes_per_token;
                counts.handed_on += 1;
                request.scheduled_s = None;
                handed_on.push((self.now_s, request));
                return;
            }
            Role::Decode => {
                let bytes = held_tokens * self.hardware.kv_bytes_per_token;
                counts.transferred_bytes += bytes;
                counts.observe(Measure::TransferTime, held_tokens / TRANSFER_RATE * 1000.0);
            }
            Role::Unified => {}
        }
        if request.first_token_s.is_none() {
            request.first_token_s = Some(self.now_s);
            request.generated_tokens = 1.0;
            counts.generated_tokens += 1.0;
            self.kv_offset += 1.0;
            counts.first_token(&request, self.now_s);
        }
        self.kv_offset -= self.decoded_tokens;
        let ends_at = self.decoded_tokens + f64::from(request.answer_tokens) - request.generated_tokens;
        self.admitted += 1;
        self.decoding.push(Decoding { ends_at, admission: self.admitted, request });
    }

    fn end_requests(&mut self, counts: &mut Counts) {
        let mut index = 0;
        while index < self.decoding.len() {
            if self.decoding[index].ends_at > self.decoded_tokens + EPSILON {
                index += 1;
                continue;
            }
            let Decoding { ends_at, mut request, .. } = self.decoding.swap_remove(index);
            let answer_tokens = f64::from(request.answer_tokens);
            self.kv_offset -= f64::from(request.prompt_tokens) + answer_tokens - ends_at;
            request.generated_tokens = answer_tokens;
            counts.end(&request, self.now_s);
        }
        if self.decoding.is_empty() && self.prefilling.is_empty() {
            // Rounding errors do not add up.
            (self.kv_offset, self.decoded_tokens) = (0.0, 0.0);
        }
    }

    /// Puts the newest requests back into the queue while the KV cache is full; their tokens are computed again.
    fn preempt(&mut self, counts: &mut Counts) {
        while self.decoding.len() > 1 && self.kv_used() >= self.hardware.kv_tokens - FAST_EPSILON {
            let newest = self.decoding.iter().enumerate().max_by_key(|(_, decoding)| decoding.admission);
            let Some((index, _)) = newest else { return };
            let decoding = self.decoding.swap_remove(index);
            let started_at = decoding.ends_at - f64::from(decoding.request.answer_tokens);
            self.kv_offset -= f64::from(decoding.request.prompt_tokens) - started_at;
            let mut request = interrupted(decoding, self.decoded_tokens);
            request.preemptions += 1;
            counts.preemptions += 1;
            counts.retracted_tokens += request.generated_tokens as u64;
            self.waiting.push_front(request);
        }
    }

    /// Admits what fits and computes the rates and the next event.
    fn plan(&mut self, counts: &mut Counts) {
        self.admit(counts);
        let Hardware { step_s, step_per_request_s, step_per_kv_token_s, prefill_rate, chunk_tokens, kv_tokens, .. } =
            self.hardware;
        let number = self.decoding.len() as f64;
        let decode_s =
            (step_s + step_per_request_s * number + step_per_kv_token_s * self.kv_used().max(0.0)) * self.slowdown;
        let chunk_s = chunk_tokens / prefill_rate * self.slowdown;
        let is_prefilling = !self.prefilling.is_empty();
        self.rates = match self.role {
            Role::Decode => {
                let steps = 1.0 / decode_s;
                Rates { decode: steps, prefill: TRANSFER_RATE, steps, prefill_share: 0.0 }
            }
            _ if is_prefilling && number == 0.0 => {
                Rates { decode: 0.0, prefill: chunk_tokens / chunk_s, steps: 1.0 / chunk_s, prefill_share: 1.0 }
            }
            _ if is_prefilling => {
                let both_s = decode_s + chunk_s;
                let steps = 1.0 / both_s;
                Rates { decode: steps, prefill: chunk_tokens / both_s, steps, prefill_share: chunk_s / both_s }
            }
            _ => Rates { decode: 1.0 / decode_s, prefill: 0.0, steps: 1.0 / decode_s, prefill_share: 0.0 },
        };
        let mut next_s = f64::INFINITY;
        if is_prefilling {
            next_s = self.prefill_left.max(0.0) / self.rates.prefill;
        }
        if number > 0.0 {
            let first_end = self.decoding.iter().map(|decoding| decoding.ends_at).fold(f64::INFINITY, f64::min);
            next_s = next_s.min((first_end - self.decoded_tokens).max(0.0) / self.rates.decode);
        }
        if number > 1.0 {
            next_s = next_s.min((kv_tokens - self.kv_used()).max(0.0) / (number * self.rates.decode));
        }
        self.next_event_s = self.now_s + next_s;
    }

    fn admit(&mut self, counts: &mut Counts) {
        let Hardware { kv_tokens, max_running, .. } = self.hardware;
        while !self.is_stuck && self.running() < max_running {
            let Some(request) = self.waiting.front() else { return };
            let tokens = f64::from(request.prompt_tokens) + request.generated_tokens;
            let is_alone = self.running() == 0;
            if !is_alone && self.kv_used() + tokens > kv_tokens * (1.0 - WATERMARK) {
                return;
            }
            let Some(mut request) = self.waiting.pop_front() else { return };
            request.scheduled_s.get_or_insert(self.now_s);
            self.kv_offset += tokens;
            self.prefilling.push_back(request);
            if self.prefilling.len() == 1 {
                self.begin_prefill();
            }
            counts.observe(Measure::BatchSize, self.running() as f64);
        }
    }

    /// Sets the tokens that the first request still needs.
    fn begin_prefill(&mut self) {
        let Some(request) = self.prefilling.front() else { return };
        let cached = if self.role == Role::Decode { 0 } else { request.cached_tokens };
        self.prefill_left = f64::from(request.prompt_tokens - cached) + request.generated_tokens;
    }
}

/// The request of an interrupted decoding, with what it has got until now.
fn interrupted(decoding: Decoding, decoded_tokens: f64) -> Request {
    let Decoding { ends_at, mut request, .. } = decoding;
    request.generated_tokens = f64::from(request.answer_tokens) - (ends_at - decoded_tokens);
    request
}
