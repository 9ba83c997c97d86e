//! Caches of what queries decode, since a page that refreshes repeats its queries.
use super::block_index::BlockIndex;
use super::cursor::DecodedRecord;
use super::label_page::LabelPage;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

const MAX_RECORD_BYTES: usize = 16 << 20;
const MAX_TIMELINE_BYTES: usize = 2 << 20;
const MAX_LABEL_BYTES: usize = 8 << 20;
const MAX_INDEX_BYTES: usize = 8 << 20;

/// Decoded records, timelines, label sets and indexes of blocks.
#[derive(Debug)]
pub(crate) struct BlockCache {
    pub(super) records: TwoGenerationCache<RecordKey, Arc<DecodedRecord>>,
    pub(super) timelines: TwoGenerationCache<TimelineKey, Arc<[i64]>>,
    pub(super) labels: TwoGenerationCache<RecordKey, Arc<LabelPage>>,
    /// By the id of the block.
    pub(super) indexes: TwoGenerationCache<u64, Arc<BlockIndex>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RecordKey {
    pub(super) block: u64,
    pub(super) offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TimelineKey {
    pub(super) block: u64,
    pub(super) number: u32,
    pub(super) slice: usize,
}

impl Default for BlockCache {
    fn default() -> Self {
        Self {
            records: TwoGenerationCache::new(MAX_RECORD_BYTES),
            timelines: TwoGenerationCache::new(MAX_TIMELINE_BYTES),
            labels: TwoGenerationCache::new(MAX_LABEL_BYTES),
            indexes: TwoGenerationCache::new(MAX_INDEX_BYTES),
        }
    }
}

/// A cache that approximates least-recently-used eviction with two generations. When the young generation reaches half
/// of the maximum size, the old one is dropped and the young one becomes the old one. A hit makes an entry young again.
#[derive(Debug)]
pub(super) struct TwoGenerationCache<K, V> {
    max_bytes: usize,
    generations: Mutex<Generations<K, V>>,
}

/// Values with their sizes.
#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_bytes: usize,
}

impl<K: Eq + Hash, V: Clone> TwoGenerationCache<K, V> {
    fn new(max_bytes: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), young_bytes: 0 };
        Self { max_bytes, generations: Mutex::new(generations) }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut generations = self.generations.lock();
        if let Some((value, _)) = generations.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, size_bytes)) = generations.old.remove_entry(key)?;
        self.insert_young(&mut generations, key, value.clone(), size_bytes);
        Some(value)
    }

    /// Like [`TwoGenerationCache::get`], but does not count as a use.
    pub(super) fn contains(&self, key: &K) -> bool {
        let generations = self.generations.lock();
        generations.young.contains_key(key) || generations.old.contains_key(key)
    }

    pub(super) fn insert(&self, key: K, value: V, size_bytes: usize) {
        self.insert_young(&mut self.generations.lock(), key, value, size_bytes);
    }

    fn insert_young(&self, generations: &mut Generations<K, V>, key: K, value: V, size_bytes: usize) {
        if generations.young_bytes + size_bytes > self.max_bytes / 2 {
            generations.old = std::mem::take(&mut generations.young);
            generations.young_bytes = 0;
        }
        if size_bytes <= self.max_bytes / 2 {
            // Two queries may decode the same content at once, with different capacities.
            let replaced = generations.young.insert(key, (value, size_bytes));
            generations.young_bytes += size_bytes;
            generations.young_bytes -= replaced.map_or(0, |(_, size_bytes)| size_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cached(cache: &TwoGenerationCache<u32, u32>, keys: std::ops::Range<u32>) -> Vec<u32> {
        keys.filter(|key| cache.contains(key)).collect()
    }

    #[test]
    fn unused_entries_are_evicted_first() {
        let cache = TwoGenerationCache::new(8);
        for key in 0..4 {
            cache.insert(key, key * 10, 1);
        }
        assert_eq!(cache.get(&3), Some(30));
        // The first four become old, and one of them is used again.
        cache.insert(4, 40, 1);
        assert_eq!((cache.get(&0), cached(&cache, 0..10)), (Some(0), vec![0, 1, 2, 3, 4]));
        for key in 5..8 {
            cache.insert(key, key * 10, 1);
        }
        assert_eq!(cached(&cache, 0..10), [0, 4, 5, 6, 7]);
        assert_eq!((cache.get(&1), cache.get(&6)), (None, Some(60)));
    }

    #[test]
    fn the_maximum_size_is_never_exceeded() {
        let cache = TwoGenerationCache::new(100);
        for key in 0..1000 {
            // Each key is inserted twice, with different sizes.
            cache.insert(key % 37, key, 1 + key as usize % 7);
            cache.insert(key % 37, key, 1 + key as usize % 60);
            let generations = cache.generations.lock();
            let bytes = |entries: &HashMap<u32, (u32, usize)>| entries.values().map(|(_, bytes)| bytes).sum::<usize>();
            assert_eq!(bytes(&generations.young), generations.young_bytes);
            assert!(bytes(&generations.young) <= 50 && bytes(&generations.old) <= 50);
        }
    }
}
