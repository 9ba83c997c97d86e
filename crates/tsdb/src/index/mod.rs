//! Which series there are, and where their samples are.
mod labels;
mod matching;

use crate::block::in_block;
use crate::head::rows::Rows;
use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use promql::Labels;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

/// Series by number; numbers only ever grow, so lists of them stay sorted.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) series: HashMap<u32, Series>,
    by_labels: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Label name, then value, to the series that carry it, in order.
    pub(crate) by_label: HashMap<Arc<str>, HashMap<Arc<str>, Vec<u32>>>,
    next_series: u32,
}

/// A label set and where its samples are.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// Groups in memory. More than one when two targets wrote the same label set, such as before and after a change
    /// of configuration. Shared, as queries take them along.
    pub(crate) places: Arc<[Place]>,
    /// How many blocks have samples of it.
    pub(crate) blocks: u32,
}

/// Samples of a series within one group.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) rows: Arc<Rows>,
    pub(crate) slot: u32,
}

/// What names a place: its scrapes and its slot among them.
pub(crate) type PlaceKey = (*const Rows, u32);

/// A series as a query takes it along.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) number: u32,
    pub(crate) labels: Labels,
    pub(crate) places: Arc<[Place]>,
}

impl Place {
    pub(crate) fn key(&self) -> PlaceKey {
        (Arc::as_ptr(&self.rows), self.slot)
    }
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// The slot of the series with `labels` in `rows`, the known one or `next_slot` for a new one, and the label set
    /// made of strings that are kept anyway. None where it would be a new series above `limit`.
    pub(crate) fn register(
        &mut self,
        labels: &Labels,
        rows: &Arc<Rows>,
        next_slot: u32,
        limit: usize,
    ) -> Option<(u32, Labels)> {
        let number = match self.find_by(hash(&self.hasher, labels.iter()), |own| own == labels) {
            Some(number) => number,
            None if self.series.len() < limit => self.add(labels)?,
            None => return None,
        };
        let series = self.series.get_mut(&number)?;
        let known = series.places.iter().find(|known| Arc::ptr_eq(&known.rows, rows)).map(|place| place.slot);
        let slot = known.unwrap_or_else(|| {
            let new = Place { rows: Arc::clone(rows), slot: next_slot };
            series.places = series.places.iter().cloned().chain([new]).collect();
            next_slot
        });
        Some((slot, series.labels.clone()))
    }

    /// The series with the label set `pairs`, which are in order; added where it is new and there are fewer than
    /// `limit`.
    pub(crate) fn intern(&mut self, pairs: &[(&str, &str)], limit: usize) -> Option<u32> {
        match self.find(pairs) {
            None if self.series.len() < limit => self.add(&Labels::from_pairs(pairs.iter().copied())),
            found => found,
        }
    }

    /// The series with the label set `pairs`, which are in order.
    pub(crate) fn find(&self, pairs: &[(&str, &str)]) -> Option<u32> {
        let is_same = |own: &Labels| own.iter().eq(pairs.iter().copied());
        self.find_by(hash(&self.hasher, pairs.iter().copied()), is_same)
    }

    fn find_by(&self, hash: u64, is_same: impl Fn(&Labels) -> bool) -> Option<u32> {
        let is_same = |number: &u32| self.series.get(number).is_some_and(|own| is_same(&own.labels));
        self.by_labels.find(hash, is_same).copied()
    }

    fn add(&mut self, labels: &Labels) -> Option<u32> {
        let number = self.next_series;
        self.next_series = number.checked_add(1)?;
        let labels = self.list(labels, number);
        let at = hash(&self.hasher, labels.iter());
        self.series.insert(number, Series { labels, places: Arc::default(), blocks: 0 });
        let Self { by_labels, series, hasher, .. } = self;
        by_labels
            .insert_unique(at, number, |other| series.get(other).map_or(0, |other| hash(hasher, other.labels.iter())));
        Some(number)
    }

    /// Lists `number` under each label, and gives the same labels made of the strings that are kept anyway.
    fn list(&mut self, labels: &Labels, number: u32) -> Labels {
        Labels::from_pairs(labels.pairs().iter().map(|(name, value)| {
            let name = self.by_label.get_key_value(name).map_or(name, |(kept, _)| kept).clone();
            let values = self.by_label.entry(Arc::clone(&name)).or_default();
            let value = values.get_key_value(value).map_or(value, |(kept, _)| kept).clone();
            values.entry(Arc::clone(&value)).or_default().push(number);
            (name, value)
        }))
    }

    /// A new block has samples of `numbers`.
    pub(crate) fn count_block(&mut self, numbers: impl Iterator<Item = u32>) {
        for number in numbers {
            if let Some(series) = self.series.get_mut(&number) {
                series.blocks += 1;
            }
        }
    }

    /// A block with samples of `numbers` is gone.
    pub(crate) fn discount_block(&mut self, numbers: impl Iterator<Item = u32>) {
        let mut gone = HashSet::new();
        for number in numbers {
            let Some(series) = self.series.get_mut(&number) else { continue };
            series.blocks = series.blocks.saturating_sub(1);
            if series.blocks == 0 && series.places.is_empty() {
                gone.insert(number);
            }
        }
        self.forget(&gone);
    }

    /// Takes places away, and the series of which nothing is left. Those that are scraped (again) stay.
    pub(crate) fn remove(&mut self, places: &HashSet<PlaceKey>) {
        if places.is_empty() {
            return;
        }
        let mut gone = HashSet::new();
        for (number, series) in &mut self.series {
            let stays = |place: &&Place| !places.contains(&place.key()) || place.rows.is_live(place.slot);
            if !series.places.iter().all(|place| stays(&place)) {
                series.places = series.places.iter().filter(stays).cloned().collect();
            }
            if series.places.is_empty() && series.blocks == 0 {
                gone.insert(*number);
            }
        }
        self.forget(&gone);
    }

    /// Takes series away, wherever they have samples.
    pub(crate) fn forget(&mut self, gone: &HashSet<u32>) {
        if gone.is_empty() {
            return;
        }
        self.by_labels.retain(|number| !gone.contains(number));
        self.series.retain(|number, _| !gone.contains(number));
        for values in self.by_label.values_mut() {
            values.retain(|_, numbers| {
                numbers.retain(|number| !gone.contains(number));
                !numbers.is_empty()
            });
        }
        self.by_label.retain(|_, values| !values.is_empty());
    }

    /// The series with these numbers.
    pub(crate) fn take_along(&self, numbers: impl IntoIterator<Item = u32>) -> Vec<Found> {
        let found = |number| {
            let Series { labels, places, .. } = self.series.get(&number)?;
            Some(Found { number, labels: labels.clone(), places: Arc::clone(places) })
        };
        numbers.into_iter().filter_map(found).collect()
    }

    /// The series that have a place in memory, in the order of a block.
    pub(crate) fn in_memory(&self) -> Vec<Found> {
        let with_place = self.series.iter().filter(|(_, series)| !series.places.is_empty());
        let mut found = self.take_along(with_place.map(|(number, _)| *number));
        found.sort_unstable_by(|a, b| in_block(&a.labels, &b.labels));
        found
    }
}

fn hash<'p>(hasher: &DefaultHashBuilder, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> u64 {
    let mut state = hasher.build_hasher();
    for pair in pairs {
        pair.hash(&mut state);
    }
    state.finish()
}
