//! Pauses between the questions to a server that is no inference server: it may count each one as an error.
use super::candidate::Candidate;
use reqwest::Url;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The addresses that are not asked for a while.
#[derive(Debug, Default)]
pub(super) struct Pauses(HashMap<Url, Pause>);

/// A time during which an address is not asked.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Instant,
    length: Duration,
}

impl Pauses {
    pub(super) fn is_paused(&self, candidate: &Candidate, now: Instant) -> bool {
        self.0.get(&candidate.url).is_some_and(|pause| now < pause.until)
    }

    /// Makes the pause twice as long as the last one, and at least two periods.
    pub(super) fn double(&mut self, candidate: &Candidate, now: Instant, period: Duration) {
        let last = self.0.get(&candidate.url).map_or(Duration::ZERO, |pause| pause.length);
        let length = (last * 2).clamp(period * 2, MAX_PAUSE.max(period * 2));
        // Half a period less, so that the tick that is due by then is not missed.
        self.0.insert(candidate.url.clone(), Pause { until: now + length - period / 2, length });
    }

    pub(super) fn end(&mut self, candidate: &Candidate) {
        self.0.remove(&candidate.url);
    }

    /// Forgets addresses that are no candidates any more.
    pub(super) fn keep_only(&mut self, candidates: &[Candidate]) {
        self.0.retain(|url, _| candidates.iter().any(|candidate| candidate.url == *url));
    }
}
