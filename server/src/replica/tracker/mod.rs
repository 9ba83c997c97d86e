//! Infers a replica's state from probes: from its metrics page, from what listens at its address and, where that is not
//! enough, from its health endpoint. See `docs/decisions/replicas-a-stop-needs-evidence.md`.
use crate::processes::listening::{Listening, ServerId};
use crate::target::failure::Failure;
use catalogue::contract::ReplicaState;

/// Start times that differ by less are the same: some servers compute theirs for each page.
const START_TOLERANCE_S: f64 = 1.0;

/// How many probes after a stop may leave open whether the server is the same, before it counts as another.
const MAX_UNDECIDED: u32 = 3;

/// The answer of a health endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// 2xx.
    Ready,
    /// 503 with a body that mentions loading: llama.cpp's `Loading model`.
    Loading,
    /// 503 without it: SGLang and TGI answer so before the model is loaded, vLLM after its engine died.
    Unavailable,
    /// Another server error.
    Broken,
    /// 401 or 403: it requires credentials.
    Refused,
    /// Any other status: there is no such endpoint.
    Absent,
    /// No answer.
    Silent,
}

/// The result of one probe.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProbeResult {
    /// How the scrape failed, if it did.
    pub failure: Option<Failure>,
    /// The answer of the health endpoint, if it was requested.
    pub health: Option<Health>,
    /// When the process started according to the metrics page, Unix seconds.
    pub start_s: Option<f64>,
    /// What listens at its address.
    pub listening: Listening,
}

/// Follows the state of one replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplicaTracker {
    /// The current state.
    pub state: ReplicaState,
    /// The number of restarts that were observed.
    pub restarts: f64,
    /// Seconds from the start of the current run until it was ready, if both were observed.
    pub ready_s: Option<f64>,
    /// When the process started according to the last metrics page, Unix seconds.
    pub start_s: Option<f64>,
    /// The number of observed ends and starts of its process.
    runs: u32,
    /// The server that listened when its last metrics page was read.
    server: Option<ServerId>,
    /// Whether it has been running since its last start.
    has_run: bool,
    /// Whether it has stopped, and it is not decided yet whether what ran afterwards is another run.
    has_ended: bool,
    /// The number of probes since then that found it running and not what listens.
    undecided: u32,
    /// Whether the last probe did not determine the state.
    is_inconclusive: bool,
    /// How the last scrape failed, if it did.
    failure: Option<Failure>,
    /// The first of the latest consecutive probes that found it initializing, Unix milliseconds.
    initializing_since_ms: Option<i64>,
    /// The last probe that found it running, Unix milliseconds.
    running_ms: Option<i64>,
    /// The last probe that found it certainly not serving, Unix milliseconds.
    not_serving_ms: Option<i64>,
    /// The first probe, Unix milliseconds.
    first_probe_ms: Option<i64>,
    /// The probe that found the current run ready, if the start of the run is not known yet.
    undated: Option<Readiness>,
}

/// When a run was found ready, Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Readiness {
    ready_ms: i64,
    /// The last probe that found the run before it running.
    previous_running_ms: Option<i64>,
}

impl ReplicaTracker {
    /// A replica that is expected and has not been probed.
    pub fn new() -> Self {
        Self::resumed(ReplicaState::Pending)
    }

    /// A replica that was in `state` before this process started.
    pub fn resumed(state: ReplicaState) -> Self {
        Self {
            state,
            restarts: 0.0,
            ready_s: None,
            start_s: None,
            runs: 0,
            server: None,
            has_run: state == ReplicaState::Running,
            has_ended: state == ReplicaState::Stopped,
            undecided: 0,
            is_inconclusive: false,
            failure: None,
            initializing_since_ms: None,
            running_ms: None,
            not_serving_ms: None,
            first_probe_ms: None,
            undated: None,
        }
    }

    /// A number that changes when the replica's process has ended or started.
    pub fn runs(&self) -> u32 {
        self.runs
    }

    /// Whether the health endpoint is needed at the same time as the metrics page, which hung at the last probe or was not
    /// readable.
    pub fn needs_health_with_page(&self) -> bool {
        self.is_inconclusive && matches!(self.failure, Some(Failure::Timeout | Failure::Parse { .. }))
    }

    /// Whether the health endpoint is needed to determine the state after a scrape that failed, or after a valid one if
    /// `is_early`: the engine serves its metrics page before it is ready. It is not needed if nothing answers, and must not
    /// be requested where the server asks for fewer requests or for other credentials.
    pub fn needs_health(&self, failure: Option<Failure>, is_early: bool) -> bool {
        match failure {
            None => is_early && (self.state != ReplicaState::Running || self.is_inconclusive),
            Some(Failure::Status { code: 401 | 403 | 429, .. }) => false,
            Some(Failure::Status { .. } | Failure::Redirect(_) | Failure::ContentType | Failure::Encoding) => true,
            // Its metrics page is not requested, so nothing else tells whether it still runs.
            Some(Failure::Quarantined) => true,
            Some(_) => false,
        }
    }

    /// Updates the state with the result of a probe at `time_ms`, Unix milliseconds.
    pub fn observe(&mut self, time_ms: i64, result: ProbeResult) {
        let has_restarted = self.is_new_start(result.start_s) || self.is_new_server(&result);
        if has_restarted {
            self.restarts += 1.0;
            self.has_run = false;
            self.has_ended = false;
            self.ready_s = None;
            // What was found running while this was undecided is the new run.
            if self.undecided == 0 {
                self.undated = None;
            }
            self.undecided = 0;
            self.runs += 1;
        }
        self.first_probe_ms.get_or_insert(time_ms);
        let previous = self.state;
        let determined = self.determine(result);
        self.state = match determined {
            Some(state) => state,
            // A single timeout or broken connection may only mean that the server is busy.
            None if previous == ReplicaState::Running && self.is_inconclusive => ReplicaState::Failed,
            None => previous,
        };
        if self.state == ReplicaState::Initializing
            || result.failure == Some(Failure::Connect)
            || result.listening == Listening::Nothing
        {
            self.not_serving_ms = Some(time_ms);
        }
        (self.is_inconclusive, self.failure) = (determined.is_none(), result.failure);
        if self.state != ReplicaState::Running {
            self.undated = None;
        }
        self.record_state(time_ms, previous, &result);
        // A new process may still be loading even if no scrape failed.
        if has_restarted && result.health.is_none() {
            self.has_run = false;
            self.is_inconclusive = true;
        }
        if result.failure.is_none() {
            self.start_s = result.start_s;
        }
        // Until a metrics page has told its start, another server is the only sign of a restart.
        if result.failure.is_none() || has_restarted || self.server.is_none() {
            self.server = result.listening.server().or(self.server);
        }
    }

    fn is_new_start(&self, start_s: Option<f64>) -> bool {
        start_s.zip(self.start_s).is_some_and(|(new, known)| (new - known).abs() > START_TOLERANCE_S)
    }

    /// Whether another process listens than before, where metrics pages do not tell when theirs started.
    fn is_new_server(&self, result: &ProbeResult) -> bool {
        let is_other = result.listening.server().zip(self.server).is_some_and(|(new, known)| new.is_other_than(known));
        is_other && result.start_s.is_none() && (self.start_s.is_none() || result.failure.is_none())
    }

    /// The state that a probe determines, if any.
    fn determine(&self, ProbeResult { failure, health, listening, .. }: ProbeResult) -> Option<ReplicaState> {
        let has_been_seen = self.state != ReplicaState::Pending;
        let seen_or_pending = |state| if has_been_seen { state } else { ReplicaState::Pending };
        Some(match (health, failure) {
            (Some(Health::Ready), _) => ReplicaState::Running,
            (Some(Health::Loading), _) => ReplicaState::Initializing,
            (Some(Health::Unavailable), _) if !self.has_run => ReplicaState::Initializing,
            (Some(Health::Unavailable | Health::Broken), _) => ReplicaState::Failed,
            (_, None) => ReplicaState::Running,
            (_, Some(Failure::Quarantined)) if listening == Listening::Nothing => ReplicaState::Stopped,
            (Some(Health::Silent), Some(Failure::Quarantined)) => return None,
            (_, Some(failure)) if failure.is_own_limit() => ReplicaState::Running,
            (_, Some(failure)) if failure.is_without_response() && listening == Listening::Nothing => {
                seen_or_pending(ReplicaState::Stopped)
            }
            // A refused connection is evidence only if the server cannot be looked for.
            (_, Some(Failure::Connect)) if listening == Listening::Unknown => seen_or_pending(ReplicaState::Stopped),
            (_, Some(Failure::Unreachable | Failure::Dns | Failure::Proxy(_))) => seen_or_pending(ReplicaState::Failed),
            (_, Some(failure)) if failure.is_tls() => ReplicaState::Failed,
            (_, Some(failure)) if failure.is_without_response() => return None,
            (_, Some(Failure::Status { code: 503, .. })) if !self.has_run => ReplicaState::Initializing,
            // It serves too many requests to serve this one.
            (_, Some(Failure::Status { code: 429, .. })) if self.has_run => ReplicaState::Running,
            (Some(Health::Absent | Health::Refused), Some(_)) => ReplicaState::Failed,
            // It answers, but never with a metrics page.
            (_, Some(Failure::Status { .. } | Failure::Redirect(_) | Failure::ContentType)) if !has_been_seen => {
                ReplicaState::Failed
            }
            (Some(Health::Silent) | None, Some(_)) => return None,
        })
    }

    /// Updates the times and counts that depend on the current state.
    fn record_state(&mut self, time_ms: i64, previous: ReplicaState, result: &ProbeResult) {
        let process_start_s = match result.listening {
            Listening::Server { start_s, .. } => start_s,
            _ => None,
        };
        match self.state {
            ReplicaState::Running => {
                let has_known_start = result.start_s.is_some() || self.start_s.is_some();
                let has_known_server = result.listening.server().is_some() && self.server.is_some();
                let is_unknown = self.has_ended && !has_known_start && !has_known_server;
                // A busy machine may tell only later what listens.
                if is_unknown && self.server.is_some() && self.undecided < MAX_UNDECIDED {
                    self.undecided += 1;
                } else {
                    if is_unknown {
                        self.restarts += 1.0;
                        // Whatever is found to listen later belongs to this run.
                        self.server = None;
                    }
                    (self.has_ended, self.undecided) = (false, 0);
                }
                if previous != ReplicaState::Running {
                    self.undated = Some(Readiness { ready_ms: time_ms, previous_running_ms: self.running_ms });
                }
                self.date_readiness(result.start_s.or(process_start_s));
                self.has_run = true;
                self.initializing_since_ms = None;
                self.running_ms = Some(time_ms);
            }
            ReplicaState::Initializing => {
                self.initializing_since_ms.get_or_insert(time_ms);
                self.ready_s = None;
            }
            ReplicaState::Stopped => {
                self.runs += u32::from(previous != ReplicaState::Stopped);
                (self.has_run, self.has_ended, self.undecided) = (false, true, 0);
                self.initializing_since_ms = None;
                self.ready_s = None;
            }
            _ => {}
        }
    }

    /// Sets the time until the current run was ready as soon as its start is known. A busy machine may tell it only after
    /// the probe that found the run ready.
    fn date_readiness(&mut self, start_s: Option<f64>) {
        let Some(readiness) = self.undated else { return };
        if let Some(started_ms) = self.started_ms(start_s, readiness.previous_running_ms) {
            self.ready_s = Some(((readiness.ready_ms - started_ms) as f64 / 1000.0).max(0.0));
            self.undated = None;
        }
    }

    /// When the run that is now ready started: according to its metrics page, if probes around that time confirm that it
    /// was not running; otherwise when it was first found initializing.
    fn started_ms(&self, start_s: Option<f64>, previous_running_ms: Option<i64>) -> Option<i64> {
        let reported_ms = start_s.map(|start_s| (start_s * 1000.0) as i64);
        let is_confirmed = |reported_ms: &i64| {
            previous_running_ms.is_none_or(|running_ms| *reported_ms > running_ms)
                && (self.not_serving_ms.is_some_and(|not_serving_ms| not_serving_ms >= *reported_ms)
                    || self.first_probe_ms.is_some_and(|first_ms| first_ms < *reported_ms))
        };
        reported_ms.filter(is_confirmed).or(self.initializing_since_ms)
    }
}

impl Default for ReplicaTracker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
