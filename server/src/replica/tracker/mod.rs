//! The life of one replica, told from looks at it: its metrics page and, where that does not tell enough, its health
//! endpoint.
use crate::target::failure::Failure;
use catalogue::contract::ReplicaState;

/// Start times that lie closer together are one: some servers compute theirs anew for each page.
const SAME_START_S: f64 = 1.0;

/// What a health endpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// 2xx.
    Ready,
    /// 503, with a word on loading: llama.cpp's `Loading model`.
    Loading,
    /// 503 without it: SGLang and TGI answer so before the model is there, vLLM after its engine died.
    Unavailable,
    /// Another error of the server.
    Broken,
    /// Nothing that tells: there is no such endpoint, or it wants credentials.
    Silent,
}

/// What one look showed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    /// How the metrics page failed, where it did.
    pub failure: Option<Failure>,
    /// What the health endpoint said, where it was asked.
    pub health: Option<Health>,
    /// When the process started, Unix seconds, where the page says so.
    pub start_s: Option<f64>,
}

/// What is known of a replica by now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Life {
    /// What it is doing.
    pub state: ReplicaState,
    /// How often it was seen to have started again.
    pub restarts: f64,
    /// Seconds from the start of the current run until it was ready, where that was seen.
    pub ready_s: Option<f64>,
    /// When the process of the last page started, Unix seconds.
    pub start_s: Option<f64>,
    /// Whether it served since it last started.
    has_run: bool,
    /// Whether it ended since it last served.
    has_ended: bool,
    /// Whether the last look said nothing about a replica that served before.
    is_doubted: bool,
    /// When it was last seen not to serve yet, first look of those in a row, Unix milliseconds.
    initializing_since_ms: Option<i64>,
    /// When it was last seen to serve, Unix milliseconds.
    served_ms: Option<i64>,
    /// When it was last seen not to serve for certain, Unix milliseconds.
    unserved_ms: Option<i64>,
    /// The first look, Unix milliseconds.
    watched_since_ms: Option<i64>,
}

impl Life {
    /// A replica of which nothing is known but that there should be one.
    pub fn new() -> Self {
        Self::resumed(ReplicaState::Pending)
    }

    /// A replica that was in `state` when it was last looked at, some time ago.
    pub fn resumed(state: ReplicaState) -> Self {
        Self {
            state,
            restarts: 0.0,
            ready_s: None,
            start_s: None,
            has_run: state == ReplicaState::Running,
            has_ended: state == ReplicaState::Stopped,
            is_doubted: false,
            initializing_since_ms: None,
            served_ms: None,
            unserved_ms: None,
            watched_since_ms: None,
        }
    }

    /// Whether the last look told nothing: then the health endpoint is asked beside the page, which may hang.
    pub fn is_doubted(&self) -> bool {
        self.is_doubted
    }

    /// Whether a page that came, or failed like this, leaves open what the replica is doing, so that its health endpoint
    /// should be asked. Where nothing answers there is nobody to ask.
    pub fn wants_health(&self, failure: Option<Failure>) -> bool {
        match failure {
            None => self.state != ReplicaState::Running,
            Some(Failure::Connect | Failure::Unreachable | Failure::Dns | Failure::Tls | Failure::Timeout) => false,
            Some(_) => true,
        }
    }

    /// Takes a look at `time_ms`, Unix milliseconds, into account.
    pub fn see(&mut self, time_ms: i64, look: Look) {
        let starts_anew = self.is_new_start(look.start_s);
        if starts_anew {
            self.restarts += 1.0;
            self.has_run = false;
            self.ready_s = None;
        }
        self.watched_since_ms.get_or_insert(time_ms);
        let before = self.state;
        let told = self.told(look);
        self.state = match told {
            Some(state) => state,
            // One page that did not come in time is a server that is busy.
            None if before == ReplicaState::Running && self.is_doubted => ReplicaState::Failed,
            None => before,
        };
        if self.state == ReplicaState::Initializing || look.failure == Some(Failure::Connect) {
            self.unserved_ms = Some(time_ms);
        }
        self.is_doubted = told.is_none();
        self.remember(time_ms, before, look.start_s);
        // A process that is new behind a page that never failed may still be loading.
        if starts_anew && look.health.is_none() {
            self.has_run = false;
            self.is_doubted = true;
        }
        self.start_s = look.start_s.or(self.start_s);
    }

    fn is_new_start(&self, start_s: Option<f64>) -> bool {
        start_s.zip(self.start_s).is_some_and(|(now, known)| (now - known).abs() > SAME_START_S)
    }

    /// The state that a look tells, if any.
    fn told(&self, Look { failure, health, .. }: Look) -> Option<ReplicaState> {
        let is_known = self.state != ReplicaState::Pending;
        Some(match (health, failure) {
            (Some(Health::Ready), _) => ReplicaState::Running,
            (Some(Health::Loading), _) => ReplicaState::Initializing,
            (Some(Health::Unavailable), _) if !self.has_run => ReplicaState::Initializing,
            (Some(Health::Unavailable | Health::Broken), _) => ReplicaState::Failed,
            (Some(Health::Silent) | None, None) => ReplicaState::Running,
            (_, Some(Failure::Connect)) if is_known => ReplicaState::Stopped,
            (_, Some(Failure::Unreachable | Failure::Dns)) if is_known => ReplicaState::Failed,
            (_, Some(Failure::Connect | Failure::Unreachable | Failure::Dns)) => ReplicaState::Pending,
            (_, Some(Failure::Tls)) => ReplicaState::Failed,
            (_, Some(Failure::Timeout)) | (None, Some(_)) => return None,
            (_, Some(Failure::Status { code: 503, .. })) if !self.has_run => ReplicaState::Initializing,
            (Some(Health::Silent), Some(_)) => ReplicaState::Failed,
        })
    }

    fn remember(&mut self, time_ms: i64, before: ReplicaState, start_s: Option<f64>) {
        match self.state {
            ReplicaState::Running => {
                if self.has_ended && start_s.is_none() && self.start_s.is_none() {
                    self.restarts += 1.0;
                }
                if before != ReplicaState::Running
                    && let Some(started_ms) = self.started_ms(start_s)
                {
                    self.ready_s = Some(((time_ms - started_ms) as f64 / 1000.0).max(0.0));
                }
                (self.has_run, self.has_ended) = (true, false);
                self.initializing_since_ms = None;
                self.served_ms = Some(time_ms);
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

    /// When the run began that is ready now: as its page says, where it was watched then or seen not to serve after, and
    /// did not serve before; or when it first answered.
    fn started_ms(&self, start_s: Option<f64>) -> Option<i64> {
        let own_ms = start_s.map(|start_s| (start_s * 1000.0) as i64);
        let is_seen = |own_ms: &i64| {
            self.served_ms.is_none_or(|served_ms| *own_ms > served_ms)
                && (self.unserved_ms.is_some_and(|unserved_ms| unserved_ms >= *own_ms)
                    || self.watched_since_ms.is_some_and(|since_ms| since_ms < *own_ms))
        };
        own_ms.filter(is_seen).or(self.initializing_since_ms)
    }
}

impl Default for Life {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
