//! The index of series: by id, by label set and by label, with the groups in memory that have their samples.
mod matching;

use crate::block::block_order;
use crate::head::rows::Rows;
use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use promql::Labels;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

/// Series by id. Ids only grow, so lists of them stay sorted.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) series: HashMap<u32, Series>,
    by_labels: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The ids of the series that carry a label, in order, by label name and value.
    postings: HashMap<Arc<str>, HashMap<Arc<str>, Vec<u32>>>,
    next_id: u32,
}

/// A label set and where its samples are.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// Its slots in groups in memory: more than one if two targets wrote the same label set, such as before and after a
    /// change of configuration. Shared with [`SeriesHandle`].
    pub(crate) slots: Arc<[GroupSlot]>,
    /// How many blocks have samples of it.
    blocks: u32,
}

/// The place of a series within one group.
#[derive(Clone, Debug)]
pub(crate) struct GroupSlot {
    pub(crate) rows: Arc<Rows>,
    pub(crate) slot: u32,
}

/// Identifies a [`GroupSlot`].
pub(crate) type GroupSlotKey = (*const Rows, u32);

/// A copy of a series, to be used without holding the index.
#[derive(Debug)]
pub(crate) struct SeriesHandle {
    pub(crate) id: u32,
    pub(crate) labels: Labels,
    pub(crate) slots: Arc<[GroupSlot]>,
}

impl GroupSlot {
    pub(crate) fn key(&self) -> GroupSlotKey {
        (Arc::as_ptr(&self.rows), self.slot)
    }
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// Returns the slot in `rows` of the series with `labels`, which is `next_slot` if it had none, and the label set
    /// with interned strings. `None` if a new series would exceed `limit`.
    pub(crate) fn register(
        &mut self,
        labels: &Labels,
        rows: &Arc<Rows>,
        next_slot: u32,
        limit: usize,
    ) -> Option<(u32, Labels)> {
        let id = match self.find_by(hash(&self.hasher, labels.iter()), |own| own == labels) {
            Some(id) => id,
            None if self.series.len() < limit => self.add(labels)?,
            None => return None,
        };
        let series = self.series.get_mut(&id)?;
        let existing = series.slots.iter().find(|own| Arc::ptr_eq(&own.rows, rows)).map(|own| own.slot);
        let slot = existing.unwrap_or_else(|| {
            let new = GroupSlot { rows: Arc::clone(rows), slot: next_slot };
            series.slots = series.slots.iter().cloned().chain([new]).collect();
            next_slot
        });
        Some((slot, series.labels.clone()))
    }

    /// The id of the series with the label set `pairs`, which are in order. Adds the series if it is new and there are
    /// fewer than `limit`.
    pub(crate) fn get_or_insert(&mut self, pairs: &[(&str, &str)], limit: usize) -> Option<u32> {
        match self.find(pairs) {
            None if self.series.len() < limit => self.add(&Labels::from_pairs(pairs.iter().copied())),
            existing => existing,
        }
    }

    /// The id of the series with the label set `pairs`, which are in order.
    pub(crate) fn find(&self, pairs: &[(&str, &str)]) -> Option<u32> {
        let is_same = |own: &Labels| own.iter().eq(pairs.iter().copied());
        self.find_by(hash(&self.hasher, pairs.iter().copied()), is_same)
    }

    fn find_by(&self, hash: u64, is_same: impl Fn(&Labels) -> bool) -> Option<u32> {
        let is_same = |id: &u32| self.series.get(id).is_some_and(|own| is_same(&own.labels));
        self.by_labels.find(hash, is_same).copied()
    }

    fn add(&mut self, labels: &Labels) -> Option<u32> {
        let id = self.next_id;
        self.next_id = id.checked_add(1)?;
        let labels = self.add_postings(labels, id);
        let hash_of_labels = hash(&self.hasher, labels.iter());
        self.series.insert(id, Series { labels, slots: Arc::default(), blocks: 0 });
        let Self { by_labels, series, hasher, .. } = self;
        let rehash = |other: &u32| series.get(other).map_or(0, |other| hash(hasher, other.labels.iter()));
        by_labels.insert_unique(hash_of_labels, id, rehash);
        Some(id)
    }

    /// Adds `id` to the postings of each label; returns the same labels with interned strings.
    fn add_postings(&mut self, labels: &Labels, id: u32) -> Labels {
        Labels::from_pairs(labels.pairs().iter().map(|(name, value)| {
            let name = self.postings.get_key_value(name).map_or(name, |(interned, _)| interned).clone();
            let values = self.postings.entry(Arc::clone(&name)).or_default();
            let value = values.get_key_value(value).map_or(value, |(interned, _)| interned).clone();
            values.entry(Arc::clone(&value)).or_default().push(id);
            (name, value)
        }))
    }

    /// Counts a new block for the series that it has samples of.
    pub(crate) fn count_block(&mut self, ids: impl Iterator<Item = u32>) {
        for id in ids {
            if let Some(series) = self.series.get_mut(&id) {
                series.blocks += 1;
            }
        }
    }

    /// Reverts [`Index::count_block`] for a dropped block, and removes the series that have no samples left.
    pub(crate) fn discount_block(&mut self, ids: impl Iterator<Item = u32>) {
        let mut removed = HashSet::new();
        for id in ids {
            let Some(series) = self.series.get_mut(&id) else { continue };
            series.blocks = series.blocks.saturating_sub(1);
            if series.blocks == 0 && series.slots.is_empty() {
                removed.insert(id);
            }
        }
        self.remove_series(&removed);
    }

    /// Removes slots that have no samples left, and then the series that have none. Slots that are still scraped stay.
    pub(crate) fn remove_slots(&mut self, emptied: &HashSet<GroupSlotKey>) {
        if emptied.is_empty() {
            return;
        }
        let mut removed = HashSet::new();
        for (id, series) in &mut self.series {
            let stays = |slot: &&GroupSlot| !emptied.contains(&slot.key()) || slot.rows.is_live(slot.slot);
            if !series.slots.iter().all(|slot| stays(&slot)) {
                series.slots = series.slots.iter().filter(stays).cloned().collect();
            }
            if series.slots.is_empty() && series.blocks == 0 {
                removed.insert(*id);
            }
        }
        self.remove_series(&removed);
    }

    /// Removes series even if they have samples.
    pub(crate) fn remove_series(&mut self, removed: &HashSet<u32>) {
        if removed.is_empty() {
            return;
        }
        self.by_labels.retain(|id| !removed.contains(id));
        self.series.retain(|id, _| !removed.contains(id));
        for values in self.postings.values_mut() {
            values.retain(|_, ids| {
                ids.retain(|id| !removed.contains(id));
                !ids.is_empty()
            });
        }
        self.postings.retain(|_, values| !values.is_empty());
    }

    /// Copies of the series with these ids.
    pub(crate) fn handles(&self, ids: impl IntoIterator<Item = u32>) -> Vec<SeriesHandle> {
        let handle = |id| {
            let Series { labels, slots, .. } = self.series.get(&id)?;
            Some(SeriesHandle { id, labels: labels.clone(), slots: Arc::clone(slots) })
        };
        ids.into_iter().filter_map(handle).collect()
    }

    /// Copies of the series that have a slot in memory, in block order.
    pub(crate) fn in_memory(&self) -> Vec<SeriesHandle> {
        let with_slot = self.series.iter().filter(|(_, series)| !series.slots.is_empty());
        let mut handles = self.handles(with_slot.map(|(id, _)| *id));
        handles.sort_unstable_by(|a, b| block_order(&a.labels, &b.labels));
        handles
    }
}

fn hash<'p>(hasher: &DefaultHashBuilder, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> u64 {
    let mut state = hasher.build_hasher();
    for pair in pairs {
        pair.hash(&mut state);
    }
    state.finish()
}
