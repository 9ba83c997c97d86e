//! Dropping what is too old or too much.
use crate::Store;
use crate::index::PlaceKey;
use crate::store::Inner;
use std::collections::HashMap;
use std::sync::Arc;

impl Store {
    /// Drops samples older than the retention time before `now_ms`, then the oldest ones while there are too many,
    /// and forgets series that have none left. Whole chunks go, so some samples stay up to one chunk longer.
    pub fn retain(&self, now_ms: i64) {
        self.drop_until(now_ms.saturating_sub(self.inner.limits.retention_ms));
        if let Some(cutoff_ms) = self.size_cutoff_ms() {
            self.drop_until(cutoff_ms);
        }
    }

    fn drop_until(&self, cutoff_ms: i64) {
        let groups = self.inner.groups.lock().clone();
        let gone =
            groups.iter().flat_map(|rows| rows.drop_until(cutoff_ms).into_iter().map(|slot| (Arc::as_ptr(rows), slot)));
        let gone = gone.collect();
        self.inner.index.write().remove(&gone);
        drop(groups);
        // A group that only this list still knows can get no more samples.
        self.inner.groups.lock().retain(|rows| Arc::strong_count(rows) > 1 || !rows.is_empty());
    }

    /// The time up to which chunks must go for the rest to fit; none where everything fits.
    fn size_cutoff_ms(&self) -> Option<i64> {
        let groups = self.inner.groups.lock().clone();
        let (sizes, chunks): (Vec<usize>, Vec<_>) = groups.iter().map(|rows| rows.sizes()).unzip();
        let mut excess_bytes = sizes.iter().sum::<usize>().checked_sub(self.inner.limits.size_bytes)?;
        let mut chunks = chunks.concat();
        chunks.sort_unstable();
        let mut cutoff_ms = None;
        for (last_ms, size_bytes) in chunks {
            cutoff_ms = Some(last_ms);
            match excess_bytes.checked_sub(size_bytes) {
                Some(left) if left > 0 => excess_bytes = left,
                _ => break,
            }
        }
        cutoff_ms
    }
}

impl Inner {
    /// Makes room in the index: forgets `count` series that have ended, those first that ended first. Their samples
    /// stay, out of reach, until their chunks are dropped.
    pub(crate) fn forget_ended(&self, count: usize) {
        let groups = self.groups.lock().clone();
        let ended: HashMap<PlaceKey, i64> = groups
            .iter()
            .flat_map(|rows| rows.ended().into_iter().map(|(slot, last_ms)| ((Arc::as_ptr(rows), slot), last_ms)))
            .collect();
        let mut index = self.index.write();
        let mut oldest: Vec<(i64, PlaceKey)> =
            index.places().filter_map(|place| ended.get(&place).map(|last_ms| (*last_ms, place))).collect();
        oldest.sort_unstable();
        index.remove(&oldest.into_iter().take(count).map(|(_, place)| place).collect());
    }
}
