//! Rows about the machine below a program: kills, disks, clocks, descriptors, signals.
pub(crate) mod clocks;
pub(crate) mod disks;
pub(crate) mod ends;
pub(crate) mod loads;

use crate::target::{Target, changing};
use std::time::{Duration, Instant};

/// A target whose only series is the number of its scrape.
pub(crate) fn counting() -> Target {
    Target::start(changing(|scrape| format!("scrapes {scrape}\n")))
}

/// Waits until `holds`, for `limit` at most; returns how long that took.
pub(crate) fn wait_until(limit: Duration, mut holds: impl FnMut() -> bool) -> Option<Duration> {
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(began.elapsed())
}
