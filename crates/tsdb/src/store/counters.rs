//! What a store counts while it is open.
use crate::disk::read_error::ReadError;
use crate::time::{TimeBounds, TimeRange};
use parking_lot::Mutex;
use promql::Notice;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) appended: AtomicU64,
    pub(crate) out_of_order: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) lost_samples: AtomicU64,
    losses: Mutex<Vec<TimeBounds>>,
}

/// The maximum number of times that are remembered as damaged; further ones are joined with the last.
const MAX_LOSSES: usize = 256;

impl Counters {
    /// Remembers that samples of some time are lost.
    pub(crate) fn add_loss(&self, bounds: TimeBounds) {
        let mut losses = self.losses.lock();
        if losses.iter().any(|own| own.union(bounds) == *own) {
            return;
        }
        let is_full = losses.len() >= MAX_LOSSES;
        match losses.last_mut().filter(|_| is_full) {
            Some(last) => *last = last.union(bounds),
            None => losses.push(bounds),
        }
    }

    /// What is lost within a time range.
    pub(crate) fn losses(&self, range: TimeRange) -> Vec<Notice> {
        let losses = self.losses.lock();
        let lost = losses.iter().filter(|bounds| bounds.overlaps(range));
        let text = "history is damaged: some samples are missing";
        lost.map(|bounds| Notice { first_ms: bounds.first_ms, last_ms: bounds.last_ms, text: text.into() }).collect()
    }

    /// Counts what a query or a merge could not read of samples within `bounds`.
    pub(crate) fn count_read_error(&self, error: &ReadError, bounds: TimeBounds) {
        self.add_loss(bounds);
        match error {
            ReadError::Damaged { records, samples } => {
                self.damaged.fetch_add(*records, Relaxed);
                self.lost_samples.fetch_add(*samples, Relaxed);
            }
            ReadError::Version(_) | ReadError::Io(_) => {
                self.damaged.fetch_add(1, Relaxed);
            }
        }
    }
}
