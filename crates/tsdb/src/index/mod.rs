//! The index of the series in memory: by id, by label set and by label, with the groups that have their samples.
mod matching;
mod series_pages;
mod slots;

pub(crate) use slots::Slots;

use crate::head::rows::{GroupSlotKey, Rows};
use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use promql::{Label, Labels};
use series_pages::SeriesPages;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

/// Memory that a series takes: its place in the index and in its target, its newest samples, and short labels that it mostly
/// shares with others.
pub const SERIES_BYTES: usize = 800;

/// The part of them that is for texts of labels.
const SHORT_TEXT_BYTES: usize = 200;

/// Space that the list of a label's series gets when it is full.
const MIN_SPARE_IDS: usize = 4;

/// Series by id. Ids only grow, so lists of them stay sorted.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) series: SeriesPages,
    by_labels: HashTable<ByLabels>,
    hasher: DefaultHashBuilder,
    /// By label name and value.
    pub(crate) postings: HashMap<Arc<str>, HashMap<Arc<str>, Posting>>,
    next_id: u32,
    /// Memory of the texts in `postings`.
    text_bytes: usize,
}

/// A series that an index has.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) slot: u32,
    /// The label set with interned strings.
    pub(crate) labels: Labels,
    /// What the series adds to [`Index::weight`]; 0 if the index had it.
    pub(crate) new_weight: usize,
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

    /// Memory of the texts of labels, each text once.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// How many series with short labels take as much memory as the series do.
    pub(crate) fn weight(&self) -> usize {
        let plain_bytes = self.series.len() * (SERIES_BYTES - SHORT_TEXT_BYTES);
        self.series.len().max((plain_bytes + self.text_bytes) / SERIES_BYTES)
    }

    /// Finds or adds the series with `labels`. Its slot in `rows` is `next_slot` if it had none. `None` if the weight of a
    /// new series would exceed `limit`.
    pub(crate) fn register(
        &mut self,
        labels: &Labels,
        rows: &Arc<Rows>,
        next_slot: u32,
        limit: usize,
    ) -> Option<Registered> {
        let hash = hash(&self.hasher, labels.iter());
        let (id, new_weight) = match self.find(labels, hash) {
            Some(id) => (id, 0),
            None => {
                let weight = self.weight_of_new(labels);
                (self.weight().saturating_add(weight) <= limit).then_some(())?;
                (self.add(labels, hash)?, weight)
            }
        };
        let series = self.series.get_mut(id)?;
        let existing = series.slots.iter().find(|own| Arc::ptr_eq(&own.rows, rows)).map(|own| own.slot);
        let slot = existing.unwrap_or_else(|| {
            let new = GroupSlot { rows: Arc::clone(rows), slot: next_slot };
            series.slots = series.slots.iter().cloned().chain([new]).collect();
            next_slot
        });
        Some(Registered { slot, labels: series.labels.clone(), new_weight })
    }

    fn find(&self, labels: &Labels, hash: u32) -> Option<u32> {
        let is_same = |own: &ByLabels| self.series.get(own.id).is_some_and(|own| own.labels == *labels);
        self.by_labels.find(spread(hash), is_same).map(|own| own.id)
    }

    /// What the series with `labels` would add to [`Index::weight`].
    pub(crate) fn added_weight(&self, labels: &Labels) -> usize {
        match self.find(labels, hash(&self.hasher, labels.iter())) {
            Some(_) => 0,
            None => self.weight_of_new(labels),
        }
    }

    fn weight_of_new(&self, labels: &Labels) -> usize {
        let bytes = |(name, value): (&str, &str)| match self.postings.get(name) {
            Some(values) if values.contains_key(value) => 0,
            Some(_) => text_bytes(value),
            None => text_bytes(name) + text_bytes(value),
        };
        let new_bytes: usize = labels.iter().map(bytes).sum();
        1 + new_bytes.saturating_sub(SHORT_TEXT_BYTES) / SERIES_BYTES
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
            let text_bytes_of_all = &mut self.text_bytes;
            let values = self.postings.entry(Arc::clone(&name)).or_insert_with_key(|name| {
                *text_bytes_of_all += text_bytes(name);
                HashMap::new()
            });
            let posting = values.entry(Arc::clone(label.value())).or_insert_with_key(|value| {
                *text_bytes_of_all += text_bytes(value);
                Posting { label: Label::new(name, Arc::clone(value)), ids: Vec::new() }
            });
            if posting.ids.len() == posting.ids.capacity() {
                // Each series is in the lists of all its labels, so doubling would waste more than it saves.
                posting.ids.reserve_exact(MIN_SPARE_IDS.max(posting.ids.len() / 8));
            }
            posting.ids.push(id);
            posting.label.clone()
        }))
    }

    /// The ids of the series that have a slot with some property.
    pub(crate) fn ids_with(&self, has: impl Fn(&GroupSlot) -> bool) -> Vec<u32> {
        self.series.iter().filter(|(_, series)| series.slots.iter().any(&has)).map(|(id, _)| id).collect()
    }

    /// Takes the slots that have no samples left and are not scraped from the series `ids`, and removes the series that
    /// have no slots then.
    pub(crate) fn remove_slots(&mut self, ids: &[u32]) {
        let mut removed = HashSet::new();
        for id in ids {
            let Some(series) = self.series.get_mut(*id) else { continue };
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
            let Some(series) = self.series.remove(*id) else { continue };
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
                self.text_bytes -= text_bytes(label.value());
            }
            if values.is_empty() {
                self.postings.remove(label.name());
                self.text_bytes -= text_bytes(label.name());
            }
        }
    }

    /// Copies of all series, in no order.
    pub(crate) fn all(&self) -> Vec<SeriesHandle> {
        let handle = |Series { labels, slots }: &Series| SeriesHandle { labels: labels.clone(), slots: slots.clone() };
        self.series.values().map(handle).collect()
    }
}

/// Memory of a text with its place among the postings.
fn text_bytes(text: &str) -> usize {
    size_of::<Arc<str>>() + size_of::<Posting>() + text.len()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_labels_are_counted_once_until_their_last_series_is_removed() {
        let (mut index, rows) = (Index::default(), Arc::new(Rows::of_the_past()));
        let long = "v".repeat(10 * SERIES_BYTES);
        let labels = |n: usize| Labels::from_pairs([("a", long.as_str()), ("n", &n.to_string())]);
        let first = index.register(&labels(0), &rows, 0, 100).expect("room");
        assert!((10..=12).contains(&first.new_weight), "{}", first.new_weight);
        assert_eq!(index.added_weight(&labels(0)), 0);
        assert_eq!(index.added_weight(&labels(1)), 1, "only its number is new");
        for n in 1..50 {
            assert_eq!(index.register(&labels(n), &rows, n as u32, 100).expect("room").new_weight, 1);
        }
        assert_eq!(index.weight(), 50, "short labels are part of each series");
        assert!(index.register(&Labels::from_pairs([("b", "v".repeat(100 * SERIES_BYTES))]), &rows, 50, 100).is_none());
        assert!(index.text_bytes() > long.len());
        index.remove_series(&(0..50).collect());
        assert_eq!((index.weight(), index.text_bytes()), (0, 0));
    }
}
