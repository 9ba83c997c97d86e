//! The pauses between repetitions of a failed request: each twice the last, with chance, so that senders do not come all at
//! once to a receiver that is back.
use std::time::Duration;

/// The longest pause that a receiver can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// The pauses of one request.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// Pauses from `min` to `max`.
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self { next: min, max }
    }

    /// The next pause, between half of what is due and all of it; or what the receiver asks for, if that is longer.
    pub(super) fn pause(&mut self, retry_after: Option<Duration>) -> Duration {
        let due = self.next;
        self.next = (due * 2).min(self.max);
        let mut random = [0; 1];
        // Without chance the pauses are only less spread.
        let _ = getrandom::fill(&mut random);
        let own = due.mul_f64(0.5 + f64::from(random[0]) / 510.0);
        retry_after.map_or(own, |asked| asked.min(MAX_RETRY_AFTER).max(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let mut backoff = Backoff::new(Duration::from_millis(30), Duration::from_millis(100));
        for due_ms in [30, 60, 100, 100] {
            let pause = backoff.pause(None);
            let due = Duration::from_millis(due_ms);
            assert!(pause >= due / 2 && pause <= due, "{pause:?} of {due:?}");
        }
        assert_eq!(backoff.pause(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(backoff.pause(Some(Duration::from_secs(1_000_000))), MAX_RETRY_AFTER);
        assert!(backoff.pause(Some(Duration::ZERO)) >= Duration::from_millis(50));
    }
}
