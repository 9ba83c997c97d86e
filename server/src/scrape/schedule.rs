//! When a target is asked, and which time its samples get.
use crate::target::Pace;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// All targets are asked once within this time after the start, so that a page that was just opened has something.
const FIRST_ROUND: Duration = Duration::from_secs(1);

/// The most by which a time is moved to make scrapes evenly spaced.
/// Source: `ScrapeTimestampTolerance` in Prometheus's `scrape/scrape.go`.
const TOLERANCE_MS: i64 = 2;

/// The times of one target.
#[derive(Debug)]
pub(crate) struct Schedule {
    first: Option<Duration>,
    later: Interval,
    interval_ms: i64,
    last_ms: Option<i64>,
}

impl Schedule {
    /// Spreads targets over the interval by a hash of their `key`. Missed times are skipped, not made up for.
    pub(crate) fn new(key: &str, pace: Pace) -> Self {
        let (first, second) = delays(key, pace.interval);
        let mut later = interval_at(Instant::now() + second, pace.interval);
        later.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { first: Some(first), later, interval_ms: pace.interval.as_millis() as i64, last_ms: None }
    }

    /// Waits until the next scrape is due and gives its time in Unix milliseconds, where `now_ms` reads the clock.
    pub(crate) async fn due(&mut self, now_ms: impl Fn() -> i64) -> i64 {
        match self.first.take() {
            Some(delay) => tokio::time::sleep(delay).await,
            None => {
                self.later.tick().await;
            }
        }
        let time_ms = aligned(now_ms(), self.last_ms, self.interval_ms);
        self.last_ms = Some(time_ms);
        time_ms
    }

    /// The time `now_ms`, or just after the last scrape's, which may have been moved beyond it.
    pub(crate) fn after_last(&self, now_ms: i64) -> i64 {
        self.last_ms.map_or(now_ms, |last_ms| now_ms.max(last_ms + 1))
    }
}

/// Delays of the first and of the second scrape.
fn delays(key: &str, interval: Duration) -> (Duration, Duration) {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let share = hasher.finish() as f64 / u64::MAX as f64;
    let (first, second) = (FIRST_ROUND.min(interval).mul_f64(share), interval.mul_f64(share));
    // Two scrapes in quick succession tell little.
    if second < first + interval / 2 { (first, second + interval) } else { (first, second) }
}

/// The time due by the interval, where the clock is close to it.
fn aligned(now_ms: i64, last_ms: Option<i64>, interval_ms: i64) -> i64 {
    match last_ms.map(|last_ms| last_ms + interval_ms) {
        Some(due_ms) if (now_ms - due_ms).abs() <= TOLERANCE_MS.min(interval_ms / 100) => due_ms,
        _ => now_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_spread_over_the_interval() {
        let interval = Duration::from_secs(10);
        let mut seconds = [0; 10];
        for number in 0..1000 {
            let (first, second) = delays(&format!("http://replica-{number}:8000/metrics"), interval);
            assert!(first <= FIRST_ROUND);
            assert!(second >= first + interval / 2 && second <= first + interval * 3 / 2);
            seconds[second.as_secs() as usize % 10] += 1;
        }
        assert!(seconds.iter().all(|count| (50..=150).contains(count)), "{seconds:?}");
    }

    #[test]
    fn small_delays_do_not_bend_the_grid() {
        assert_eq!(aligned(1_002, None, 1000), 1_002);
        assert_eq!(aligned(2_004, Some(1_002), 1000), 2_002);
        assert_eq!(aligned(2_005, Some(1_002), 1000), 2_005);
        assert_eq!(aligned(900, Some(1_002), 1000), 900);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missed_time_is_not_made_up_for() {
        let interval = Duration::from_secs(5);
        let mut schedule = Schedule::new("a", Pace { interval, timeout: interval });
        let start = Instant::now();
        let clock = || start.elapsed().as_millis() as i64;
        schedule.due(clock).await;
        let second_ms = schedule.due(clock).await;
        tokio::time::sleep(interval * 10 + Duration::from_secs(1)).await;
        let late_ms = schedule.due(clock).await;
        let next_ms = schedule.due(clock).await;
        assert!(late_ms >= second_ms + 51_000);
        assert_eq!((next_ms - second_ms) % 5000, 0);
        assert!(next_ms - late_ms >= 1000);
    }
}
