//! What a store counts while it is open.
use crate::disk::read_error::ReadError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) appended: AtomicU64,
    pub(crate) out_of_order: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) lost_samples: AtomicU64,
}

impl Counters {
    /// Counts what a query or a merge could not read.
    pub(crate) fn count_read_error(&self, error: &ReadError) {
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
