//! Counts of the samples that the store did not accept.
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples that targets sent and that were not stored, since the start.
#[derive(Debug, Default)]
pub struct RefusedSamples {
    /// Repeated samples of a series on one page.
    pub duplicates: Counter,
    /// Samples whose time is not after the previous one's.
    pub out_of_order: Counter,
    /// Samples whose own timestamp is too far from the current time.
    pub out_of_bounds: Counter,
}

/// A number that only increases.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl RefusedSamples {
    /// The counts by the value of the label `reason`.
    pub fn by_reason(&self) -> [(&'static str, u64); 3] {
        [
            ("duplicate", self.duplicates.get()),
            ("out_of_order", self.out_of_order.get()),
            ("out_of_bounds", self.out_of_bounds.get()),
        ]
    }
}

impl Counter {
    /// Adds `increment`.
    pub fn add(&self, increment: u64) {
        self.0.fetch_add(increment, Ordering::Relaxed);
    }

    /// The current number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
