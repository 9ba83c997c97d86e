//! Infers a replica's state from probes: from its metrics page and, where that is not enough, its health endpoint.
use crate::target::failure::Failure;
use catalogue::contract::ReplicaState;

/// Start times that differ by less are the same: some servers compute theirs for each page.
const START_TOLERANCE_S: f64 = 1.0;

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
    /// No information: there is no such endpoint, or it requires credentials.
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
    /// Whether it has been running since its last start.
    has_run: bool,
    /// Whether it has stopped since it was last running.
    has_ended: bool,
    /// Whether the last probe did not determine the state.
    is_inconclusive: bool,
    /// The first of the latest consecutive probes that found it initializing, Unix milliseconds.
    initializing_since_ms: Option<i64>,
    /// The last probe that found it running, Unix milliseconds.
    running_ms: Option<i64>,
    /// The last probe that found it certainly not serving, Unix milliseconds.
    not_serving_ms: Option<i64>,
    /// The first probe, Unix milliseconds.
    first_probe_ms: Option<i64>,
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
            has_run: state == ReplicaState::Running,
            has_ended: state == ReplicaState::Stopped,
            is_inconclusive: false,
            initializing_since_ms: None,
            running_ms: None,
            not_serving_ms: None,
            first_probe_ms: None,
        }
    }

    /// Whether the last probe did not determine the state. The health endpoint is then requested at the same time as the
    /// metrics page, which may hang.
    pub fn is_inconclusive(&self) -> bool {
        self.is_inconclusive
    }

    /// Whether the health endpoint is needed to determine the state, given how the scrape failed. If nothing answers at
    /// all, it is not.
    pub fn needs_health(&self, failure: Option<Failure>) -> bool {
        match failure {
            None => self.state != ReplicaState::Running,
            Some(Failure::Connect | Failure::Unreachable | Failure::Dns | Failure::Tls | Failure::Timeout) => false,
            Some(_) => true,
        }
    }

    /// Updates the state with the result of a probe at `time_ms`, Unix milliseconds.
    pub fn observe(&mut self, time_ms: i64, result: ProbeResult) {
        let has_restarted = self.is_new_start(result.start_s);
        if has_restarted {
            self.restarts += 1.0;
            self.has_run = false;
            self.ready_s = None;
        }
        self.first_probe_ms.get_or_insert(time_ms);
        let previous = self.state;
        let determined = self.determine(result);
        self.state = match determined {
            Some(state) => state,
            // A single timeout may only mean that the server is busy.
            None if previous == ReplicaState::Running && self.is_inconclusive => ReplicaState::Failed,
            None => previous,
        };
        if self.state == ReplicaState::Initializing || result.failure == Some(Failure::Connect) {
            self.not_serving_ms = Some(time_ms);
        }
        self.is_inconclusive = determined.is_none();
        self.record_state(time_ms, previous, result.start_s);
        // A new process may still be loading even if no scrape failed.
        if has_restarted && result.health.is_none() {
            self.has_run = false;
            self.is_inconclusive = true;
        }
        self.start_s = result.start_s.or(self.start_s);
    }

    fn is_new_start(&self, start_s: Option<f64>) -> bool {
        start_s.zip(self.start_s).is_some_and(|(new, known)| (new - known).abs() > START_TOLERANCE_S)
    }

    /// The state that a probe determines, if any.
    fn determine(&self, ProbeResult { failure, health, .. }: ProbeResult) -> Option<ReplicaState> {
        let has_been_seen = self.state != ReplicaState::Pending;
        Some(match (health, failure) {
            (Some(Health::Ready), _) => ReplicaState::Running,
            (Some(Health::Loading), _) => ReplicaState::Initializing,
            (Some(Health::Unavailable), _) if !self.has_run => ReplicaState::Initializing,
            (Some(Health::Unavailable | Health::Broken), _) => ReplicaState::Failed,
            (Some(Health::Silent) | None, None) => ReplicaState::Running,
            (_, Some(Failure::Connect)) if has_been_seen => ReplicaState::Stopped,
            (_, Some(Failure::Unreachable | Failure::Dns)) if has_been_seen => ReplicaState::Failed,
            (_, Some(Failure::Connect | Failure::Unreachable | Failure::Dns)) => ReplicaState::Pending,
            (_, Some(Failure::Tls)) => ReplicaState::Failed,
            (_, Some(Failure::Timeout)) | (None, Some(_)) => return None,
            (_, Some(Failure::Status { code: 503, .. })) if !self.has_run => ReplicaState::Initializing,
            (Some(Health::Silent), Some(_)) => ReplicaState::Failed,
        })
    }

    /// Updates the times and counts that depend on the current state.
    fn record_state(&mut self, time_ms: i64, previous: ReplicaState, start_s: Option<f64>) {
        match self.state {
            ReplicaState::Running => {
                if self.has_ended && start_s.is_none() && self.start_s.is_none() {
                    self.restarts += 1.0;
                }
                if previous != ReplicaState::Running
                    && let Some(started_ms) = self.started_ms(start_s)
                {
                    self.ready_s = Some(((time_ms - started_ms) as f64 / 1000.0).max(0.0));
                }
                (self.has_run, self.has_ended) = (true, false);
                self.initializing_since_ms = None;
                self.running_ms = Some(time_ms);
            }
            ReplicaState::Initializing => {
                self.initializing_since_ms.get_or_insert(time_ms);
                self.ready_s = None;
            }
            ReplicaState::Stopped => {
                (self.has_run, self.has_ended) = (false, true);
                self.initializing_since_ms = None;
                self.ready_s = None;
            }
            _ => {}
        }
    }

    /// When the run that is now ready started: according to its metrics page, if probes around that time confirm that it
    /// was not running; otherwise when it was first found initializing.
    fn started_ms(&self, start_s: Option<f64>) -> Option<i64> {
        let reported_ms = start_s.map(|start_s| (start_s * 1000.0) as i64);
        let is_confirmed = |reported_ms: &i64| {
            self.running_ms.is_none_or(|running_ms| *reported_ms > running_ms)
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
