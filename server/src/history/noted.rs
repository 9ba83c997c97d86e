//! The history as queries read it, with notices of what happened to the clock.
use crate::clock::{Step, jumps};
use promql::{Labels, Notice, Samples, Selector, Storage, StorageError};
use std::ops::ControlFlow;
use tsdb::Store;

/// A store whose answers say when the clock was set.
pub(crate) struct NotedStore(pub(crate) Store);

impl Storage for NotedStore {
    fn select(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.0.select(selector, after_ms, until_ms, visit)
    }

    fn select_latest(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.0.select_latest(selector, after_ms, until_ms, visit)
    }

    fn notices(&self, after_ms: i64, until_ms: i64) -> Vec<Notice> {
        let mut notices = self.0.notices(after_ms, until_ms);
        notices.extend(jumps().steps.into_iter().map(notice).filter(|notice| is_within(notice, after_ms, until_ms)));
        notices
    }
}

fn notice(step: Step) -> Notice {
    Notice { first_ms: step.from_ms.min(step.to_ms), last_ms: step.from_ms.max(step.to_ms), text: step.describe() }
}

fn is_within(notice: &Notice, after_ms: i64, until_ms: i64) -> bool {
    notice.last_ms > after_ms && notice.first_ms <= until_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_concerns_the_times_that_it_skipped_or_repeated() {
        let (hour_ms, noon_ms) = (3_600_000, 1_790_000_000_000);
        for (from_ms, to_ms) in [(noon_ms, noon_ms + hour_ms), (noon_ms + hour_ms, noon_ms)] {
            let notice = notice(Step { from_ms, to_ms });
            assert!(is_within(&notice, noon_ms - 1000, noon_ms + 1000));
            assert!(is_within(&notice, noon_ms + 1000, noon_ms + 2000));
            assert!(!is_within(&notice, noon_ms - 2000, noon_ms - 1000));
            assert!(!is_within(&notice, noon_ms + hour_ms, noon_ms + 2 * hour_ms));
        }
    }
}
