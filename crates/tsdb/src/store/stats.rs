//! Statistics of a store.
use crate::store::Store;
use crate::store::error::WriteFailure;
use crate::store::inner::Inner;
use crate::store::persistence::Persistence;
use std::sync::atomic::Ordering::Relaxed;

/// Statistics of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series in memory: those that are scraped, and those that have ended since the last flush.
    pub series: usize,
    /// Bytes of the texts of their labels, each text once.
    pub label_bytes: usize,
    /// Memory used by samples, without labels and index.
    pub size_bytes: usize,
    /// Samples appended since the start.
    pub appended: u64,
    /// Samples rejected since the start because their scrape was not after the previous one.
    pub out_of_order: u64,
    /// Samples rejected since the start because their series already had one at that time.
    pub duplicates: u64,
    /// Blocks on disk.
    pub blocks: usize,
    /// Size of the blocks.
    pub block_bytes: u64,
    /// Samples in the blocks.
    pub block_samples: u64,
    /// Size of the write-ahead log and the chunk files: of what is in no block yet.
    pub log_bytes: u64,
    /// Damage found since the start, at opening or by a query.
    pub damaged: u64,
    /// Samples known to be lost to that damage.
    pub lost_samples: u64,
    /// Why writes are failing at the moment.
    pub failure: Option<WriteFailure>,
}

impl Store {
    /// The time of the newest sample, in Unix milliseconds.
    pub fn newest_ms(&self) -> Option<i64> {
        let of_blocks = self.inner.blocks.list().iter().map(|block| block.bounds.last_ms).max();
        of_blocks.max(self.inner.head.time_bounds().map(|bounds| bounds.last_ms))
    }

    /// The current statistics.
    pub fn stats(&self) -> Stats {
        let Inner { counters, disk, .. } = &*self.inner;
        let blocks = self.inner.blocks.list();
        let (series, label_bytes) = {
            let index = self.inner.index.read();
            (index.len(), index.text_bytes())
        };
        Stats {
            series,
            label_bytes,
            size_bytes: self.inner.head.size_bytes(),
            appended: counters.appended.load(Relaxed),
            out_of_order: counters.out_of_order.load(Relaxed),
            duplicates: counters.duplicates.load(Relaxed),
            blocks: blocks.len(),
            block_bytes: blocks.iter().map(|block| block.size_bytes).sum(),
            block_samples: blocks.iter().map(|block| block.samples).sum(),
            log_bytes: disk.as_ref().map_or(0, Persistence::head_file_bytes),
            damaged: counters.damaged.load(Relaxed),
            lost_samples: counters.lost_samples.load(Relaxed),
            failure: disk.as_ref().and_then(|disk| disk.failure.lock().clone()),
        }
    }
}
