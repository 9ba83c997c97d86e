//! What queries unpacked a moment ago: a page that refreshes asks for the same again and again.
use super::cursor::Loaded;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Bytes of frames, and of times, that are kept.
const FRAME_BYTES: usize = 16 << 20;
const LINE_BYTES: usize = 2 << 20;

/// Frames and times of blocks, as queries left them.
#[derive(Debug)]
pub(crate) struct Recent {
    /// By block and offset.
    pub(super) frames: Kept<(u64, u64), Arc<Loaded>>,
    /// By block, number and slice.
    pub(super) lines: Kept<(u64, u32, usize), Arc<[i64]>>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { frames: Kept::new(FRAME_BYTES), lines: Kept::new(LINE_BYTES) }
    }
}

/// Values of which those that nobody asks for leave first. They are in two generations: when the younger one has half of
/// all bytes the older one goes, and the younger becomes the older. What is asked for becomes young again.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    most_bytes: usize,
    generations: Mutex<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_bytes: usize,
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    fn new(most_bytes: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), young_bytes: 0 };
        Self { most_bytes, generations: Mutex::new(generations) }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut generations = self.generations.lock();
        if let Some((value, _)) = generations.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, size_bytes)) = generations.old.remove_entry(key)?;
        self.put(&mut generations, key, value.clone(), size_bytes);
        Some(value)
    }

    pub(super) fn has(&self, key: &K) -> bool {
        let generations = self.generations.lock();
        generations.young.contains_key(key) || generations.old.contains_key(key)
    }

    pub(super) fn keep(&self, key: K, value: V, size_bytes: usize) {
        self.put(&mut self.generations.lock(), key, value, size_bytes);
    }

    fn put(&self, generations: &mut Generations<K, V>, key: K, value: V, size_bytes: usize) {
        if generations.young_bytes + size_bytes > self.most_bytes / 2 {
            generations.old = std::mem::take(&mut generations.young);
            generations.young_bytes = 0;
        }
        if size_bytes <= self.most_bytes / 2 {
            // Two queries may unpack the same at a time, in memory of different sizes.
            let replaced = generations.young.insert(key, (value, size_bytes));
            generations.young_bytes += size_bytes;
            generations.young_bytes -= replaced.map_or(0, |(_, size_bytes)| size_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(kept: &Kept<u32, u32>, keys: std::ops::Range<u32>) -> Vec<u32> {
        keys.filter(|key| kept.has(key)).collect()
    }

    #[test]
    fn what_nobody_asks_for_leaves_first() {
        let kept = Kept::new(8);
        for key in 0..4 {
            kept.keep(key, key * 10, 1);
        }
        assert_eq!(kept.get(&3), Some(30));
        // The first four are old now, and of them one is asked for.
        kept.keep(4, 40, 1);
        assert_eq!((kept.get(&0), held(&kept, 0..10)), (Some(0), vec![0, 1, 2, 3, 4]));
        for key in 5..8 {
            kept.keep(key, key * 10, 1);
        }
        assert_eq!(held(&kept, 0..10), [0, 4, 5, 6, 7]);
        assert_eq!((kept.get(&1), kept.get(&6)), (None, Some(60)));
    }

    #[test]
    fn no_more_is_held_than_allowed() {
        let kept = Kept::new(100);
        for key in 0..1000 {
            // Each key again at once, in another size.
            kept.keep(key % 37, key, 1 + key as usize % 7);
            kept.keep(key % 37, key, 1 + key as usize % 60);
            let generations = kept.generations.lock();
            let bytes = |held: &HashMap<u32, (u32, usize)>| held.values().map(|(_, bytes)| bytes).sum::<usize>();
            assert_eq!(bytes(&generations.young), generations.young_bytes);
            assert!(bytes(&generations.young) <= 50 && bytes(&generations.old) <= 50);
        }
    }
}
