//! Retention: dropping samples that are too old or too many.
use crate::block::Block;
use crate::disk::header::FileKind;
use crate::store::Store;
use crate::store::inner::Inner;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl Store {
    /// Drops samples older than the retention time before `now_ms`, then the oldest ones while the store is too large,
    /// and forgets series that have no samples left. Only whole chunks and blocks are dropped, so some samples stay
    /// longer: by up to one chunk in memory, by up to a day on disk.
    pub fn apply_retention(&self, now_ms: i64) {
        let _maintenance = self.inner.disk.as_ref().map(|disk| disk.maintenance.lock());
        self.inner.apply_retention(now_ms);
    }
}

impl Inner {
    /// [`Store::apply_retention`] for a caller that holds the maintenance lock.
    pub(crate) fn apply_retention(&self, now_ms: i64) {
        let cutoff_ms = now_ms.saturating_sub(self.limits.retention_ms);
        self.drop_until(cutoff_ms);
        let Some(disk) = &self.disk else {
            if let Some(cutoff_ms) = self.head.size_cutoff_ms(self.limits.size_bytes) {
                self.drop_until(cutoff_ms);
            }
            return;
        };
        let mut blocks: Vec<Arc<Block>> = self.blocks.list().to_vec();
        blocks.sort_by_key(|block| block.bounds.last_ms);
        let mut total_bytes = disk.head_file_bytes() + blocks.iter().map(|block| block.size_bytes).sum::<u64>();
        let mut dropped = Vec::new();
        for block in blocks {
            if block.bounds.last_ms > cutoff_ms && total_bytes <= self.limits.size_bytes as u64 {
                break;
            }
            total_bytes -= block.size_bytes;
            dropped.push(block.id);
        }
        if !dropped.is_empty() {
            self.blocks.replace(Vec::new(), &dropped);
            disk.folder.remove_all(&dropped, FileKind::Block);
        }
    }

    /// Drops the chunks of the head that end at or before `cutoff_ms`.
    pub(crate) fn drop_until(&self, cutoff_ms: i64) {
        let mut has_ended = false;
        for rows in self.head.groups() {
            has_ended |= rows.drop_until(cutoff_ms);
        }
        if has_ended {
            self.forget_ended();
        }
    }

    /// Removes the series that have no samples in memory and are not scraped from the index. Readers and writers of the
    /// index wait only while what has ended is removed.
    pub(crate) fn forget_ended(&self) {
        let groups = self.head.groups();
        let retained: HashMap<usize, HashSet<u32>> =
            groups.iter().map(|rows| (rows.address(), rows.retained())).collect();
        let ids = self.index.read().ids_with(|slot| {
            // Groups that are new by now have no ended series.
            retained.get(&slot.rows.address()).is_some_and(|slots| !slots.contains(&slot.slot))
        });
        if !ids.is_empty() {
            self.index.write().remove_slots(&ids);
        }
        drop(groups);
        self.head.remove_empty_groups();
    }
}
