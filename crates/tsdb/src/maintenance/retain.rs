//! Retention: dropping samples that are too old or too many, and evicting series at the limit.
use crate::block::Block;
use crate::disk::header::FileKind;
use crate::index::{GroupSlot, GroupSlotKey};
use crate::store::Store;
use crate::store::inner::Inner;
use hashbrown::{HashMap, HashSet};
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
        let mut total_bytes = disk.wal.size_bytes() + blocks.iter().map(|block| block.size_bytes).sum::<u64>();
        let mut dropped = Vec::new();
        for block in blocks {
            if block.bounds.last_ms > cutoff_ms && total_bytes <= self.limits.size_bytes as u64 {
                break;
            }
            total_bytes -= block.size_bytes;
            dropped.push(block.id);
        }
        if !dropped.is_empty() {
            self.replace_blocks(Vec::new(), &dropped);
            disk.folder.remove_all(&dropped, FileKind::Block);
        }
    }

    /// Drops the chunks of the head that end at or before `cutoff_ms`.
    pub(crate) fn drop_until(&self, cutoff_ms: i64) {
        let groups = self.head.groups();
        let emptied = groups
            .iter()
            .flat_map(|rows| rows.drop_until(cutoff_ms).into_iter().map(|slot| (Arc::as_ptr(rows), slot)))
            .collect();
        self.index.write().remove_slots(&emptied);
        drop(groups);
        self.head.remove_empty_groups();
    }

    /// Evicts the `count` series that ended first, and as many more as exceed the limit. Their samples become
    /// unreachable until they are dropped or the store is opened again.
    pub(crate) fn evict_ended_series(&self, count: usize) {
        let groups = self.head.groups();
        let ended: HashMap<GroupSlotKey, i64> = groups
            .iter()
            .flat_map(|rows| rows.ended().into_iter().map(|(slot, last_ms)| ((Arc::as_ptr(rows), slot), last_ms)))
            .collect();
        let mut last_in_blocks: HashMap<u32, i64> = HashMap::new();
        for block in self.blocks.list().iter() {
            for entry in &block.entries {
                let last_ms = last_in_blocks.entry(entry.series_id).or_insert(i64::MIN);
                *last_ms = (*last_ms).max(block.bounds.first_ms.saturating_add(i64::from(entry.last_after_ms)));
            }
        }
        let mut index = self.index.write();
        let last_ms = |series_id: &u32, slots: &[GroupSlot]| {
            let in_blocks = last_in_blocks.get(series_id).copied().unwrap_or(i64::MIN);
            slots.iter().try_fold(in_blocks, |last_ms, slot| Some(last_ms.max(*ended.get(&slot.key())?)))
        };
        let is_live = |slots: &[GroupSlot]| slots.iter().any(|slot| slot.rows.is_live(slot.slot));
        let series = index.series.iter().filter(|(_, series)| !is_live(&series.slots));
        let mut oldest: Vec<(i64, u32)> =
            series.filter_map(|(id, series)| Some((last_ms(id, &series.slots)?, *id))).collect();
        oldest.sort_unstable();
        let count = count + index.len().saturating_sub(self.limits.series);
        let evicted: HashSet<u32> = oldest.into_iter().take(count).map(|(_, id)| id).collect();
        index.remove_series(&evicted);
    }
}
