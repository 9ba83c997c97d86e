//! Figures about the store.
use crate::Store;
use crate::block::Unreadable;
use crate::store::Inner;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Figures about the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series that have a sample.
    pub series: usize,
    /// Memory for samples, without labels and index.
    pub size_bytes: usize,
    /// Samples taken since the start.
    pub appended: u64,
    /// Samples refused since the start because they were not after the ones before.
    pub out_of_order: u64,
    /// Samples refused since the start because their series had one at that time.
    pub duplicates: u64,
    /// Blocks on disk.
    pub blocks: usize,
    /// Their bytes.
    pub block_bytes: u64,
    /// Their samples.
    pub block_samples: u64,
    /// Bytes of the write-ahead log on disk.
    pub log_bytes: u64,
    /// Places found damaged since the start, at opening or by a query.
    pub damaged: u64,
    /// Samples found lost with them, as far as it is known.
    pub lost_samples: u64,
    /// Why nothing is written at the moment.
    pub failure: Option<WriteFailure>,
}

/// Writing fails: samples are kept in memory, and it is tried again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFailure {
    /// Since when, in Unix milliseconds.
    pub since_ms: i64,
    /// Why, in a sentence.
    pub reason: String,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) appended: AtomicU64,
    pub(crate) out_of_order: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) lost_samples: AtomicU64,
}

impl Counts {
    /// A query or a merge met something that cannot be read.
    pub(crate) fn unreadable(&self, error: &Unreadable) {
        match error {
            Unreadable::Damaged { frames, samples } => {
                self.damaged.fetch_add(*frames, Relaxed);
                self.lost_samples.fetch_add(*samples, Relaxed);
            }
            Unreadable::Version(_) | Unreadable::Io(_) => {
                self.damaged.fetch_add(1, Relaxed);
            }
        }
    }
}

impl Store {
    /// Figures as of now.
    pub fn stats(&self) -> Stats {
        let Inner { counts, disk, .. } = &*self.inner;
        let blocks = self.inner.blocks();
        Stats {
            series: self.inner.index.read().len(),
            size_bytes: self.inner.head_bytes(),
            appended: counts.appended.load(Relaxed),
            out_of_order: counts.out_of_order.load(Relaxed),
            duplicates: counts.duplicates.load(Relaxed),
            blocks: blocks.len(),
            block_bytes: blocks.iter().map(|block| block.size_bytes).sum(),
            block_samples: blocks.iter().map(|block| block.samples).sum(),
            log_bytes: disk.as_ref().map_or(0, |disk| disk.log_bytes.load(Relaxed)),
            damaged: counts.damaged.load(Relaxed),
            lost_samples: counts.lost_samples.load(Relaxed),
            failure: disk.as_ref().and_then(|disk| disk.failure.lock().clone()),
        }
    }
}
