//! What the log says of a receiver: when it fails, once, and when it is right again.
use parking_lot::Mutex;
use std::io;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// How often refusals are logged.
const REFUSAL_PERIOD: Duration = Duration::from_secs(60);

/// Logs the troubles of one receiver.
#[derive(Debug)]
pub(super) struct Troubles {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when requests fail.
    failing_since: Option<Instant>,
    /// Whether it was said that the oldest samples are dropped.
    is_dropping: bool,
    /// Whether it was said that the position cannot be written.
    is_forgetful: bool,
    refused_at: Option<Instant>,
    /// Whether it was said that the receiver does not say what it has written.
    is_silent: bool,
}

impl Troubles {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), state: Mutex::default() }
    }

    /// A request failed and will be sent again.
    pub(super) fn failed(&self, reason: &str) {
        let mut state = self.state.lock();
        if state.failing_since.is_none() {
            state.failing_since = Some(Instant::now());
            warn!(receiver = ?self.name, "samples cannot be sent, and wait: {reason}");
        }
    }

    /// A request was accepted.
    pub(super) fn accepted(&self) {
        let mut state = self.state.lock();
        if let Some(since) = state.failing_since.take() {
            info!(receiver = ?self.name, "samples are sent again, after {:.1?}", since.elapsed());
        }
        state.is_dropping = false;
    }

    /// The receiver has refused `samples` for good.
    pub(super) fn refused(&self, samples: u64, reason: &str) {
        let mut state = self.state.lock();
        let is_due = state.refused_at.is_none_or(|at| at.elapsed() >= REFUSAL_PERIOD);
        if is_due {
            state.refused_at = Some(Instant::now());
            warn!(receiver = ?self.name, samples, "the receiver refuses samples, which are lost to it: {reason}");
        }
    }

    /// Samples were dropped, because too many wait.
    pub(super) fn dropped(&self, max_bytes: u64) {
        let mut state = self.state.lock();
        if !std::mem::replace(&mut state.is_dropping, true) {
            warn!(
                receiver = ?self.name,
                "more than {max_bytes} bytes of samples wait, so the oldest are dropped; raise queue_config.max_bytes to \
                 keep more"
            );
        }
    }

    /// What was sent was noted, or could not be.
    pub(super) fn noted(&self, result: io::Result<()>) {
        let was_forgetful = std::mem::replace(&mut self.state.lock().is_forgetful, result.is_err());
        if let Err(error) = result
            && !was_forgetful
        {
            warn!(
                receiver = ?self.name,
                "cannot note what was sent, so it will be sent again after a restart: {error}; check the disk"
            );
        }
    }

    /// Samples in damaged files were left out.
    pub(super) fn lost(&self, samples: u64) {
        warn!(receiver = ?self.name, samples, "the queue is damaged: these samples are not sent");
    }

    /// The receiver does not say how many samples of Remote-Write 2.0 it has written.
    pub(super) fn silent(&self) {
        if !std::mem::replace(&mut self.state.lock().is_silent, true) {
            warn!(
                receiver = ?self.name,
                "the receiver does not say how many samples it has written; if it has none, set protobuf_message = \
                 \"prometheus.WriteRequest\""
            );
        }
    }
}
