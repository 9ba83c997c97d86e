//! The index of the series in memory: by id, by label set and by label, with the groups that have their samples.
mod matching;
mod slots;

pub(crate) use slots::Slots;

use crate::head::rows::{GroupSlotKey, Rows};
use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use promql::{Label, Labels};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

/// Series by id. Ids only grow, so lists of them stay sorted.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) series: HashMap<u32, Series>,
    by_labels: HashTable<ByLabels>,
    hasher: DefaultHashBuilder,
    /// By label name and value.
    pub(crate) postings: HashMap<Arc<str>, HashMap<Arc<str>, Posting>>,
    next_id: u32,
}

/// The series that carry a label.
#[derive(Debug)]
pub(crate) struct Posting {
    /// The label, which they share.
    label: Label,
    /// Their ids, in order.
    pub(crate) ids: Vec<u32>,
}

/// A series by its label set.
#[derive(Debug)]
struct ByLabels {
    id: u32,
    /// Of the label set: a table that grows would otherwise read all label sets, and hold up scrapes meanwhile.
    hash: u32,
}

/// A label set and where its samples are.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// Its slots in groups in memory: more than one if two targets wrote the same label set, such as before and after a
    /// change of configuration.
    pub(crate) slots: Slots,
}

/// The place of a series within one group.
#[derive(Clone, Debug)]
pub(crate) struct GroupSlot {
    pub(crate) rows: Arc<Rows>,
    pub(crate) slot: u32,
}

/// A copy of a series, to be used without holding the index.
#[derive(Debug)]
pub(crate) struct SeriesHandle {
    pub(crate) labels: Labels,
    pub(crate) slots: Slots,
}

impl GroupSlot {
    pub(crate) fn key(&self) -> GroupSlotKey {
        (self.rows.address(), self.slot)
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
        let hash = hash(&self.hasher, labels.iter());
        let is_same = |own: &ByLabels| self.series.get(&own.id).is_some_and(|own| own.labels == *labels);
        let id = match self.by_labels.find(spread(hash), is_same).map(|own| own.id) {
            Some(id) => id,
            None if self.series.len() < limit => self.add(labels, hash)?,
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

    fn add(&mut self, labels: &Labels, hash: u32) -> Option<u32> {
        let id = self.next_id;
        self.next_id = id.checked_add(1)?;
        let labels = self.add_postings(labels, id);
        self.series.insert(id, Series { labels, slots: Slots::None });
        self.by_labels.insert_unique(spread(hash), ByLabels { id, hash }, |own| spread(own.hash));
        Some(id)
    }

    /// Adds `id` to the postings of each label; returns the same labels with interned strings.
    fn add_postings(&mut self, labels: &Labels, id: u32) -> Labels {
        Labels::from_labels(labels.labels().iter().map(|label| {
            let name = self.postings.get_key_value(label.name()).map_or(label.name(), |(interned, _)| interned).clone();
            let values = self.postings.entry(Arc::clone(&name)).or_default();
            let posting = values
                .entry(Arc::clone(label.value()))
                .or_insert_with_key(|value| Posting { label: Label::new(name, Arc::clone(value)), ids: Vec::new() });
            posting.ids.push(id);
            posting.label.clone()
        }))
    }

    /// The ids of the series that have a slot with some property.
    pub(crate) fn ids_with(&self, has: impl Fn(&GroupSlot) -> bool) -> Vec<u32> {
        self.series.iter().filter(|(_, series)| series.slots.iter().any(&has)).map(|(id, _)| *id).collect()
    }

    /// Takes the slots that have no samples left and are not scraped from the series `ids`, and removes the series that
    /// have no slots then.
    pub(crate) fn remove_slots(&mut self, ids: &[u32]) {
        let mut removed = HashSet::new();
        for id in ids {
            let Some(series) = self.series.get_mut(id) else { continue };
            series.slots = series.slots.iter().filter(|slot| slot.rows.retains(slot.slot)).cloned().collect();
            if series.slots.is_empty() {
                removed.insert(*id);
            }
        }
        self.remove_series(&removed);
    }

    /// Removes series even if they have samples. Takes time in proportion to the postings of their labels.
    pub(crate) fn remove_series(&mut self, removed: &HashSet<u32>) {
        let mut labels: HashSet<Label> = HashSet::new();
        for id in removed {
            let Some(series) = self.series.remove(id) else { continue };
            let hash = hash(&self.hasher, series.labels.iter());
            if let Ok(entry) = self.by_labels.find_entry(spread(hash), |own| own.id == *id) {
                entry.remove();
            }
            for label in series.labels.labels() {
                if !labels.contains(label) {
                    labels.insert(label.clone());
                }
            }
        }
        for label in labels {
            let Some(values) = self.postings.get_mut(label.name()) else { continue };
            let Some(posting) = values.get_mut(label.value()) else { continue };
            posting.ids.retain(|id| !removed.contains(id));
            if posting.ids.is_empty() {
                values.remove(label.value());
            }
            if values.is_empty() {
                self.postings.remove(label.name());
            }
        }
    }

    /// Copies of all series, in no order.
    pub(crate) fn all(&self) -> Vec<SeriesHandle> {
        let handle = |Series { labels, slots }: &Series| SeriesHandle { labels: labels.clone(), slots: slots.clone() };
        self.series.values().map(handle).collect()
    }
}

fn hash<'p>(hasher: &DefaultHashBuilder, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> u32 {
    let mut state = hasher.build_hasher();
    for pair in pairs {
        pair.hash(&mut state);
    }
    state.finish() as u32
}

/// Spreads a hash over all bits, since a hash table uses the highest and the lowest ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
