//! When a target is scraped, and the timestamps of its samples.
use crate::target::Pace;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// All targets are scraped once within this time after the start, so that a newly opened page has data.
const FIRST_ROUND: Duration = Duration::from_secs(1);

/// The maximum by which a timestamp is moved to make scrapes evenly spaced.
/// Source: `ScrapeTimestampTolerance` in Prometheus's `scrape/scrape.go`.
const MAX_ALIGNMENT_MS: i64 = 2;

/// The scrape times of one target.
#[derive(Debug)]
pub(crate) struct Schedule {
    first: Option<Duration>,
    later: Interval,
    interval_ms: i64,
    last_ms: Option<i64>,
}

impl Schedule {
    /// Spreads targets over the interval by a hash of their `key`. Missed scrapes are skipped.
    pub(crate) fn new(key: &str, pace: Pace) -> Self {
        let Delays { first, second } = delays(key, pace.interval);
        let mut later = interval_at(Instant::now() + second, pace.interval);
        later.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { first: Some(first), later, interval_ms: pace.interval.as_millis() as i64, last_ms: None }
    }

    /// Waits until the next scrape is due and returns its timestamp in Unix milliseconds. `now_ms` reads the clock.
    pub(crate) async fn due(&mut self, now_ms: impl Fn() -> i64) -> i64 {
        match self.first.take() {
            Some(delay) => tokio::time::sleep(delay).await,
            None => {
                self.later.tick().await;
            }
        }
        self.timestamp(now_ms())
    }

    /// The timestamp of a scrape that begins at `now_ms`.
    pub(crate) fn timestamp(&mut self, now_ms: i64) -> i64 {
        let time_ms = aligned(now_ms, self.last_ms, self.interval_ms);
        self.last_ms = Some(time_ms);
        time_ms
    }

    /// `now_ms`, or a time just after the last scrape's timestamp, which may have been moved beyond `now_ms`.
    pub(crate) fn after_last(&self, now_ms: i64) -> i64 {
        self.last_ms.map_or(now_ms, |last_ms| now_ms.max(last_ms + 1))
    }
}

/// The delays of the first and the second scrape.
struct Delays {
    first: Duration,
    second: Duration,
}

fn delays(key: &str, interval: Duration) -> Delays {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let share = hasher.finish() as f64 / u64::MAX as f64;
    let (first, second) = (FIRST_ROUND.min(interval).mul_f64(share), interval.mul_f64(share));
    // Two scrapes in quick succession are of little use.
    Delays { first, second: if second < first + interval / 2 { second + interval } else { second } }
}

/// The time at which the scrape is due by the interval if the clock is close to it, else the clock's time.
fn aligned(now_ms: i64, last_ms: Option<i64>, interval_ms: i64) -> i64 {
    match last_ms.map(|last_ms| last_ms + interval_ms) {
        Some(due_ms) if (now_ms - due_ms).abs() <= MAX_ALIGNMENT_MS.min(interval_ms / 100) => due_ms,
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
            let Delays { first, second } = delays(&format!("http://replica-{number}:8000/metrics"), interval);
            assert!(first <= FIRST_ROUND);
            assert!(second >= first + interval / 2 && second <= first + interval * 3 / 2);
            seconds[second.as_secs() as usize % 10] += 1;
        }
        assert!(seconds.iter().all(|count| (50..=150).contains(count)), "{seconds:?}");
    }

    #[test]
    fn small_delays_do_not_shift_timestamps() {
        assert_eq!(aligned(1_002, None, 1000), 1_002);
        assert_eq!(aligned(2_004, Some(1_002), 1000), 2_002);
        assert_eq!(aligned(2_005, Some(1_002), 1000), 2_005);
        assert_eq!(aligned(900, Some(1_002), 1000), 900);
    }

    #[tokio::test(start_paused = true)]
    async fn missed_scrapes_are_skipped() {
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
