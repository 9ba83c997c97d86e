//! Dropping what is too old or too much.
use crate::Store;
use crate::block::Block;
use crate::disk::header::Kind;
use crate::index::PlaceKey;
use crate::store::Inner;
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl Store {
    /// Drops samples older than the retention time before `now_ms`, then the oldest ones while there are too many,
    /// and forgets series that have none left. Whole chunks and whole blocks go, so some samples stay longer: by up to
    /// one chunk in memory, by up to a day on disk.
    pub fn retain(&self, now_ms: i64) {
        let _work = self.inner.disk.as_ref().map(|disk| disk.work.lock());
        self.inner.retain(now_ms);
    }
}

impl Inner {
    /// For whoever may change files.
    pub(crate) fn retain(&self, now_ms: i64) {
        let cutoff_ms = now_ms.saturating_sub(self.limits.retention_ms);
        self.drop_until(cutoff_ms);
        let Some(disk) = &self.disk else {
            if let Some(cutoff_ms) = self.size_cutoff_ms(self.limits.size_bytes) {
                self.drop_until(cutoff_ms);
            }
            return;
        };
        let mut blocks: Vec<Arc<Block>> = self.blocks().to_vec();
        blocks.sort_by_key(|block| block.span_ms.1);
        let mut held_bytes = disk.log_bytes.load(Relaxed) + blocks.iter().map(|block| block.size_bytes).sum::<u64>();
        let mut dropped = Vec::new();
        for block in blocks {
            if block.span_ms.1 > cutoff_ms && held_bytes <= self.limits.size_bytes as u64 {
                break;
            }
            held_bytes -= block.size_bytes;
            dropped.push(block.id);
        }
        if !dropped.is_empty() {
            self.replace_blocks(Vec::new(), &dropped);
            dropped.into_iter().for_each(|id| disk.remove(id, Kind::Block));
        }
    }

    pub(crate) fn drop_until(&self, cutoff_ms: i64) {
        let groups = self.groups.lock().clone();
        let gone =
            groups.iter().flat_map(|rows| rows.drop_until(cutoff_ms).into_iter().map(|slot| (Arc::as_ptr(rows), slot)));
        let gone = gone.collect();
        self.index.write().remove(&gone);
        drop(groups);
        self.drop_empty_groups();
    }

    /// The time up to which chunks must go for the rest to fit in `most_bytes`; none where everything fits.
    pub(crate) fn size_cutoff_ms(&self, most_bytes: usize) -> Option<i64> {
        let groups = self.groups.lock().clone();
        let (sizes, chunks): (Vec<usize>, Vec<_>) = groups.iter().map(|rows| rows.sizes()).unzip();
        let mut excess_bytes = sizes.iter().sum::<usize>().checked_sub(most_bytes)?;
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

    /// Makes room in the index for `count` series more than fit: forgets those that ended first. Their samples stay,
    /// out of reach, until they are dropped or the store is opened again.
    pub(crate) fn forget_ended(&self, count: usize) {
        let groups = self.groups.lock().clone();
        let ended: HashMap<PlaceKey, i64> = groups
            .iter()
            .flat_map(|rows| rows.ended().into_iter().map(|(slot, last_ms)| ((Arc::as_ptr(rows), slot), last_ms)))
            .collect();
        let mut last_in_blocks: HashMap<u32, i64> = HashMap::new();
        for block in self.blocks().iter() {
            for entry in &block.entries {
                let last_ms = last_in_blocks.entry(entry.number).or_insert(i64::MIN);
                *last_ms = (*last_ms).max(block.span_ms.0.saturating_add(i64::from(entry.last_after_ms)));
            }
        }
        let mut index = self.index.write();
        let last_ms = |number: &u32, places: &[crate::index::Place]| {
            let in_block = last_in_blocks.get(number).copied().unwrap_or(i64::MIN);
            places.iter().try_fold(in_block, |last, place| Some(last.max(*ended.get(&place.key())?)))
        };
        let series =
            index.series.iter().filter(|(_, series)| !series.places.iter().any(|place| place.rows.is_live(place.slot)));
        let mut oldest: Vec<(i64, u32)> =
            series.filter_map(|(number, series)| Some((last_ms(number, &series.places)?, *number))).collect();
        oldest.sort_unstable();
        let count = count + index.len().saturating_sub(self.limits.series);
        let gone: HashSet<u32> = oldest.into_iter().take(count).map(|(_, number)| number).collect();
        index.forget(&gone);
    }
}
