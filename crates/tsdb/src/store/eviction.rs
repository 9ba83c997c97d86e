//! Eviction: forgetting ended series when the store reaches its limit of series.
use crate::head::rows::GroupSlotKey;
use crate::index::GroupSlot;
use crate::store::inner::Inner;
use hashbrown::{HashMap, HashSet};

impl Inner {
    /// Evicts the `count` series that ended first, and as many more as exceed the limit. Their samples become
    /// unreachable until they are dropped or the store is opened again.
    pub(crate) fn evict_ended_series(&self, count: usize) {
        let groups = self.head.groups();
        let ended: HashMap<GroupSlotKey, i64> = groups
            .iter()
            .flat_map(|rows| rows.ended().into_iter().map(|(slot, last_ms)| ((rows.address(), slot), last_ms)))
            .collect();
        let mut index = self.index.write();
        let last_ms = |slots: &[GroupSlot]| {
            slots.iter().try_fold(i64::MIN, |last_ms, slot| Some(last_ms.max(*ended.get(&slot.key())?)))
        };
        let is_live = |slots: &[GroupSlot]| slots.iter().any(|slot| slot.rows.is_live(slot.slot));
        let series = index.series.iter().filter(|(_, series)| !is_live(&series.slots));
        let mut oldest: Vec<(i64, u32)> =
            series.filter_map(|(id, series)| Some((last_ms(&series.slots)?, *id))).collect();
        oldest.sort_unstable();
        let count = count + index.len().saturating_sub(self.limits.series);
        let evicted: HashSet<u32> = oldest.into_iter().take(count).map(|(_, id)| id).collect();
        index.remove_series(&evicted);
    }
}
