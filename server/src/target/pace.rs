//! Scrape intervals and timeouts.
use std::time::Duration;

/// How often a target is scraped, and how long a scrape may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time between two scrapes.
    pub interval: Duration,
    /// The scrape timeout, at most the interval.
    pub timeout: Duration,
}
