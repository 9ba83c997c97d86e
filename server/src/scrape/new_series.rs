//! How many new series a target may make: one that makes them without end would fill the memory that all share, and is not
//! scraped for a while.
use crate::target::failure::Failure;
use promql::Labels;
use std::time::Duration;
use tokio::time::Instant;
use tsdb::{Group, SERIES_BYTES};

/// How many new series a target may make at once. Long labels count as more, as the store counts them. A metrics page has
/// 50,000 samples at most, and its labels weigh up to 21,000 more.
const MAX_WEIGHT: usize = 80_000;

/// The part of it, in tenths of the samples that a target may have, where those are more.
const WEIGHT_PER_TEN_SAMPLES: usize = 16;

/// The time in which it may make as many again.
const REFILL_PERIOD: Duration = Duration::from_secs(30 * 60);

/// The shortest time for which a target is not scraped.
const MIN_QUARANTINE: Duration = Duration::from_secs(30);

/// What a target may still make.
#[derive(Debug)]
pub(crate) struct NewSeriesBudget {
    max_weight: usize,
    left: f64,
    since: Instant,
    /// What it has made in all.
    made: usize,
    /// How long it must not be scraped, if its last page had too many new series.
    quarantine: Option<Duration>,
}

impl Default for NewSeriesBudget {
    fn default() -> Self {
        Self { max_weight: MAX_WEIGHT, left: MAX_WEIGHT as f64, since: Instant::now(), made: 0, quarantine: None }
    }
}

impl NewSeriesBudget {
    /// The budget of a target that may have so many samples.
    pub(crate) fn of_samples(samples: usize) -> Self {
        let max_weight = MAX_WEIGHT.max(samples.saturating_mul(WEIGHT_PER_TEN_SAMPLES) / 10);
        Self { max_weight, left: max_weight as f64, ..Self::default() }
    }

    /// Refuses a page with more new series than the target may make. `added` are those that its last page lacked; `group`
    /// knows which of them are new.
    ///
    /// # Errors
    /// [`Failure::Quarantined`].
    pub(crate) fn check<'l>(
        &mut self,
        added: impl Iterator<Item = &'l Labels> + Clone,
        group: &Group,
    ) -> Result<(), Failure> {
        let most = added.clone().map(|labels| 1 + labels.text_bytes() / SERIES_BYTES).sum();
        if self.allows(most) {
            return Ok(());
        }
        let weight = group.weight_of(added);
        if self.allows(weight) {
            return Ok(());
        }
        self.quarantine = Some(self.wait(weight));
        Err(Failure::Quarantined)
    }

    /// Notes how much the target has made in all.
    pub(crate) fn note_made(&mut self, made: usize) {
        self.take(made.saturating_sub(self.made));
        self.made = made;
    }

    /// How long the target must not be scraped, if the last page was refused.
    pub(crate) fn take_quarantine(&mut self) -> Option<Duration> {
        self.quarantine.take()
    }

    /// How much the target may make now.
    fn left(&mut self) -> usize {
        let now = Instant::now();
        let share = now.duration_since(self.since).div_duration_f64(REFILL_PERIOD);
        self.left = (self.left + share * self.max_weight as f64).min(self.max_weight as f64);
        self.since = now;
        self.left as usize
    }

    fn take(&mut self, weight: usize) {
        self.left = (self.left - weight as f64).max(0.0);
    }

    /// How long it takes until the target may make as much as `weight`.
    fn wait(&mut self, weight: usize) -> Duration {
        let missing = weight.min(self.max_weight).saturating_sub(self.left());
        REFILL_PERIOD.mul_f64(missing as f64 / self.max_weight as f64).max(MIN_QUARANTINE) + Duration::from_secs(1)
    }

    /// Whether the target may make as much as `weight`. One that needs more than there ever is may when all is left; the
    /// store refuses what it has no room for.
    fn allows(&mut self, weight: usize) -> bool {
        weight.min(self.max_weight) <= self.left()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_target_that_makes_series_without_end_is_held_to_a_rate() {
        let mut budget = NewSeriesBudget::default();
        let (mut made, mut waited) = (0, Duration::ZERO);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(24 * 3600) {
            if budget.allows(23_400) {
                budget.take(23_400);
                made += 23_400;
                tokio::time::advance(Duration::from_secs(1)).await;
            } else {
                let wait = budget.wait(23_400);
                assert!((MIN_QUARANTINE..=REFILL_PERIOD + Duration::from_secs(1)).contains(&wait), "{wait:?}");
                tokio::time::advance(wait).await;
                waited += wait;
            }
        }
        assert!(made <= MAX_WEIGHT + 48 * MAX_WEIGHT, "{made}");
        assert!(made > 40 * MAX_WEIGHT && waited > Duration::from_secs(23 * 3600), "{made} {waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_with_a_higher_limit_may_begin_anew_with_all_its_series() {
        for (samples, restarts) in [(50_000, 1), (200_000, 1), (10, 8000)] {
            let mut budget = NewSeriesBudget::of_samples(samples);
            for _ in 0..restarts {
                assert!(budget.allows(samples), "{samples}");
                budget.take(samples);
            }
            assert!(!budget.allows(samples.max(MAX_WEIGHT)), "{samples}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ordinary_targets_are_never_held_up() {
        let mut budget = NewSeriesBudget::default();
        // The largest page, and then 100 new series each 5 s.
        assert!(budget.allows(50_000));
        budget.take(50_000);
        for _ in 0..10_000 {
            assert!(budget.allows(100));
            budget.take(100);
            tokio::time::advance(Duration::from_secs(5)).await;
        }
        budget.take(1000);
        // One that exceeds what there ever is waits for all of it.
        assert!(!budget.allows(usize::MAX));
        tokio::time::advance(budget.wait(usize::MAX)).await;
        assert!(budget.allows(usize::MAX));
    }
}
