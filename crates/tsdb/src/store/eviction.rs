//! Eviction: forgetting ended series when the store reaches its limit of series.
use crate::index::{GroupSlot, GroupSlotKey};
use crate::store::inner::Inner;
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

impl Inner {
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
