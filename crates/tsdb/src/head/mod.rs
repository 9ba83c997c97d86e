//! The head: samples that are in no block yet, by group: the newest in memory, others in memory or in chunk files.
pub(crate) mod chunk;
pub(crate) mod chunk_file;
pub(crate) mod chunk_file_writer;
pub(crate) mod hidden;
pub(crate) mod rows;
pub(crate) mod stored_chunk;

use crate::time::TimeBounds;
use parking_lot::Mutex;
use rows::Rows;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Head {
    groups: Mutex<Vec<Arc<Rows>>>,
    next_number: AtomicU64,
}

impl Head {
    /// Adds an empty group; returns it with its number.
    pub(crate) fn new_group(&self) -> (Arc<Rows>, u64) {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let rows = Arc::new(Rows::new(number));
        self.groups.lock().push(Arc::clone(&rows));
        (rows, number)
    }

    pub(crate) fn add_groups(&self, groups: Vec<Arc<Rows>>) {
        self.groups.lock().extend(groups);
    }

    /// The groups as of now.
    pub(crate) fn groups(&self) -> Vec<Arc<Rows>> {
        self.groups.lock().clone()
    }

    /// Removes groups that are empty and have no writer. The caller must not hold any of them.
    pub(crate) fn remove_empty_groups(&self) {
        // A group that only this list holds can get no more samples.
        self.groups.lock().retain(|rows| Arc::strong_count(rows) > 1 || !rows.is_empty());
    }

    /// Memory used by samples.
    pub(crate) fn size_bytes(&self) -> usize {
        self.groups().iter().map(|rows| rows.sizes().total_bytes).sum()
    }

    /// Memory used by finished chunks.
    pub(crate) fn finished_bytes(&self) -> usize {
        self.groups().iter().map(|rows| rows.finished_bytes()).sum()
    }

    /// How many series were in the last scrapes.
    pub(crate) fn live_series(&self) -> usize {
        self.groups().iter().map(|rows| rows.live_series()).sum()
    }

    pub(crate) fn time_bounds(&self) -> Option<TimeBounds> {
        self.groups().iter().filter_map(|rows| rows.time_bounds()).reduce(TimeBounds::union)
    }

    /// The time up to which chunks must be dropped for the rest to fit in `max_bytes`; `None` if everything fits.
    pub(crate) fn size_cutoff_ms(&self, max_bytes: usize) -> Option<i64> {
        let (mut total_bytes, mut chunks) = (0, Vec::new());
        for sizes in self.groups().iter().map(|rows| rows.sizes()) {
            total_bytes += sizes.total_bytes;
            chunks.extend(sizes.chunks.into_iter().map(|chunk| (chunk.last_ms, chunk.size_bytes)));
        }
        let mut excess_bytes = total_bytes.checked_sub(max_bytes)?;
        chunks.sort_unstable();
        let mut cutoff_ms = None;
        for (last_ms, size_bytes) in chunks {
            cutoff_ms = Some(last_ms);
            match excess_bytes.checked_sub(size_bytes) {
                Some(rest) if rest > 0 => excess_bytes = rest,
                _ => break,
            }
        }
        cutoff_ms
    }
}
