//! Decides which changes of one target are logged: when it comes up or fails for another reason, but not without end.
use crate::scrape::change_log::ChangeLog;
use crate::target::Target;
use crate::target::failure::Failure;
use catalogue::contract::ScrapeFailure;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::info;

/// How many changes are logged in a row, and how often one more.
const MAX_LINES: u32 = 6;
const LINE_PERIOD: Duration = Duration::from_secs(300);

/// The changes of one target.
#[derive(Debug, Default)]
pub(crate) struct TargetLog {
    /// The reason if the last scrape failed; none before the first scrape.
    last: Option<Option<ScrapeFailure>>,
    budget: LineBudget,
}

/// How much may be logged.
#[derive(Debug)]
struct LineBudget {
    left: u32,
    /// Since when the next line is being saved up.
    since: Option<Instant>,
    /// How many lines were left out since the last one.
    omitted: u64,
}

impl Default for LineBudget {
    fn default() -> Self {
        Self { left: MAX_LINES, since: None, omitted: 0 }
    }
}

impl LineBudget {
    /// Whether a line may be logged now, and then how many were left out before it.
    fn take(&mut self, now: Instant) -> Option<u64> {
        let since = *self.since.get_or_insert(now);
        let saved = now.duration_since(since).as_secs() / LINE_PERIOD.as_secs();
        if saved > 0 {
            self.left = self.left.saturating_add(u32::try_from(saved).unwrap_or(MAX_LINES)).min(MAX_LINES);
            self.since = Some(now);
        }
        if self.left == 0 {
            self.omitted += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.omitted))
    }
}

impl TargetLog {
    /// Whether the target has been scraped.
    pub(crate) fn has_outcome(&self) -> bool {
        self.last.is_some()
    }

    /// Logs the outcome of a scrape to `log`, if it differs from that of the one before.
    pub(crate) fn note(&mut self, log: &Arc<ChangeLog>, target: &Target, failure: Option<Failure>) {
        let reason = failure.map(Failure::reason);
        if self.last.replace(reason) == Some(reason) {
            return;
        }
        let Some(omitted) = self.budget.take(Instant::now()) else { return };
        if omitted > 0 {
            info!(target = ?target.name(), omitted, "changes too often for each to be logged");
        }
        log.note_outcome(target, failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_keeps_changing_fills_no_log() {
        let (mut budget, start) = (LineBudget::default(), Instant::now());
        let taken = |budget: &mut LineBudget, seconds: u64| budget.take(start + Duration::from_secs(seconds));
        let first: Vec<_> = (0..100).filter_map(|seconds| taken(&mut budget, seconds)).collect();
        assert_eq!(first, vec![0; MAX_LINES as usize]);
        let day = 86_400;
        let later = (100..day).filter_map(|seconds| taken(&mut budget, seconds)).count() as u64;
        assert!(later <= day / LINE_PERIOD.as_secs() + 1, "{later}");
        // The next line says how many were left out.
        let omitted = budget.omitted;
        assert!(omitted > 0 && taken(&mut budget, 2 * day) == Some(omitted));
    }

    #[test]
    fn a_target_that_changes_seldom_is_always_logged() {
        let (mut budget, start) = (LineBudget::default(), Instant::now());
        for hour in 0..100 {
            assert_eq!(budget.take(start + Duration::from_secs(hour * 3600)), Some(0));
        }
    }
}
