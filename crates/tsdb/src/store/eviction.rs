//! Eviction: forgetting ended series when the store reaches its limit of series.
use crate::head::rows::GroupSlotKey;
use crate::index::GroupSlot;
use crate::store::inner::Inner;
use hashbrown::{HashMap, HashSet};

impl Inner {
    /// Evicts the series that ended first, of the weight of `count` ones, and as many more as exceed the limit. Their samples become
    /// unreachable until they are dropped or the store is opened again.
    pub(crate) fn evict_ended_series(&self, count: usize) {
        let groups = self.head.groups();
        let ended: HashMap<GroupSlotKey, i64> = groups
            .iter()
            .flat_map(|rows| rows.ended().into_iter().map(|(slot, last_ms)| ((rows.address(), slot), last_ms)))
            .collect();
        let mut index = self.index.write();
        let last_ms = |slots: &[GroupSlot]| {
            slots.iter().try_fold(i64::MIN, |last_ms, slot| {
                // One that never got a sample goes first.
                let never = || (!slot.rows.retains(slot.slot)).then_some(i64::MIN);
                Some(last_ms.max(ended.get(&slot.key()).copied().or_else(never)?))
            })
        };
        let is_live = |slots: &[GroupSlot]| slots.iter().any(|slot| slot.rows.is_live(slot.slot));
        let series = index.series.iter().filter(|(_, series)| !is_live(&series.slots));
        let mut oldest: Vec<(i64, u32)> =
            series.filter_map(|(id, series)| Some((last_ms(&series.slots)?, id))).collect();
        oldest.sort_unstable();
        let max_weight = index.weight().min(self.limits.series).saturating_sub(count);
        let mut oldest = oldest.into_iter().map(|(_, id)| id);
        while let Some(excess) = index.weight().checked_sub(max_weight + 1) {
            // As many as suffice if all weigh the same.
            let count = (excess + 1).saturating_mul(index.len()) / index.weight() + 1;
            let evicted: HashSet<u32> = oldest.by_ref().take(count).collect();
            if evicted.is_empty() {
                return;
            }
            index.remove_series(&evicted);
        }
    }
}
