//! How regularly targets are scraped: scrapes that are missing, and how late the others are.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// A scrape that is later than this counts as late.
const MAX_LATENESS: Duration = Duration::from_millis(100);

/// The scrapes of all targets by each scraper, since a time.
#[derive(Debug)]
pub(crate) struct Regularity {
    interval: Duration,
    targets: usize,
    since: Instant,
    scrapers: BTreeMap<String, Scraper>,
}

/// The scrapes by one program.
#[derive(Debug)]
struct Scraper {
    /// The last scrape of each target.
    last: Vec<Option<Instant>>,
    scrapes: u64,
    missed: u64,
    /// How much later than due after the scrape before, in microseconds.
    lateness_us: Vec<u32>,
}

impl Regularity {
    /// Nothing yet of so many `targets`, which should be scraped once in each `interval`.
    pub(crate) fn new(targets: usize, interval: Duration, now: Instant) -> Self {
        Self { interval, targets, since: now, scrapers: BTreeMap::new() }
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self, now: Instant) {
        (self.since, self.scrapers) = (now, BTreeMap::new());
    }

    /// Counts a scrape of a target.
    pub(crate) fn note(&mut self, scraper: &str, target: usize, now: Instant) {
        if !self.scrapers.contains_key(scraper) {
            let new = Scraper { last: vec![None; self.targets], scrapes: 0, missed: 0, lateness_us: Vec::new() };
            self.scrapers.insert(scraper.to_owned(), new);
        }
        let Some(own) = self.scrapers.get_mut(scraper) else { return };
        let Some(last) = own.last.get_mut(target) else { return };
        let gap = now - last.unwrap_or(self.since);
        let missed = missed_in(gap, self.interval);
        own.scrapes += 1;
        own.missed += missed;
        // The first one may come at any time within the interval.
        if last.replace(now).is_some() {
            let due = self.interval.mul_f64(missed as f64 + 1.0);
            own.lateness_us.push(gap.saturating_sub(due).as_micros().try_into().unwrap_or(u32::MAX));
        }
    }

    /// What was counted until `now`, as JSON: by scraper the scrapes that were made, those that are missing, those that
    /// were late, and the median, the 99th percentile and the maximum of lateness in milliseconds.
    pub(crate) fn to_json(&self, now: Instant) -> String {
        let mut json = String::from("{");
        for (name, scraper) in &self.scrapers {
            let missing = scraper.last.iter().map(|last| missed_in(now - last.unwrap_or(self.since), self.interval));
            let missed = scraper.missed + missing.sum::<u64>();
            let mut lateness_us = scraper.lateness_us.clone();
            lateness_us.sort_unstable();
            let late = lateness_us.iter().filter(|us| u128::from(**us) > MAX_LATENESS.as_micros()).count();
            let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| percentile(&lateness_us, share) / 1000.0);
            let separator = if json.len() > 1 { "," } else { "" };
            let _ = write!(
                json,
                r#"{separator}{name:?}:{{"scrapes":{},"missed":{missed},"late":{late},"p50":{p50},"p99":{p99},"max":{max}}}"#,
                scraper.scrapes,
            );
        }
        json.push('}');
        json
    }
}

/// How many scrapes are missing between two that are `gap` apart.
fn missed_in(gap: Duration, interval: Duration) -> u64 {
    (gap.as_secs_f64() / interval.as_secs_f64() - 0.5).max(0.0) as u64
}

/// A percentile of values in order; 0 of none.
fn percentile(ordered: &[u32], share: f64) -> f64 {
    let rank = (ordered.len() as f64 * share).ceil() as usize;
    ordered.get(rank.saturating_sub(1)).copied().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counts after scrapes of one target of two at these times, in milliseconds.
    fn counted(times_ms: &[u64], until_ms: u64) -> String {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut regularity = Regularity::new(2, Duration::from_secs(5), start);
        times_ms.iter().for_each(|ms| regularity.note("a", 0, at(*ms)));
        times_ms.iter().for_each(|ms| regularity.note("a", 1, at(*ms)));
        regularity.to_json(at(until_ms))
    }

    #[test]
    fn missing_and_late_scrapes_are_counted() {
        assert_eq!(
            counted(&[4000, 9000, 14_000], 19_000),
            r#"{"a":{"scrapes":6,"missed":0,"late":0,"p50":0,"p99":0,"max":0}}"#
        );
        assert_eq!(
            counted(&[4000, 9200, 14_000, 24_010], 34_000),
            r#"{"a":{"scrapes":8,"missed":4,"late":2,"p50":10,"p99":200,"max":200}}"#
        );
        assert_eq!(counted(&[12_000], 12_000), r#"{"a":{"scrapes":2,"missed":2,"late":0,"p50":0,"p99":0,"max":0}}"#);
    }
}
