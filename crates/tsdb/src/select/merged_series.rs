//! The series that a selector selects, in memory and in blocks, each once.
use crate::block::{Block, BlockIndex, ReadContext, SeriesFilter};
use crate::index::Slots;
use crate::store::inner::Inner;
use crate::time::TimeRange;
use hashbrown::{DefaultHashBuilder, HashTable};
use promql::{Label, Labels, Selector, StorageError};
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Maximum memory for the label sets of series that are only in blocks.
const MAX_LABEL_BYTES: usize = 64 << 20;

/// Memory that a label takes in a set beside its texts, which other series mostly share.
const LABEL_BYTES: usize = size_of::<Label>();

/// A series, and where its samples are.
pub(super) struct MergedSeries {
    pub(super) labels: Labels,
    pub(super) slots: Slots,
    /// Its first place in [`SeriesOfBlocks::places`].
    pub(super) first_place: u32,
}

/// A series within a block.
#[derive(Clone, Copy)]
pub(super) struct Place {
    series: u32,
    /// The position of the block.
    pub(super) block: u32,
    pub(super) ordinal: u32,
}

/// A block and its index.
pub(super) struct OpenBlock {
    pub(super) block: Arc<Block>,
    pub(super) index: Arc<BlockIndex>,
}

/// Series from several sources.
#[derive(Default)]
pub(super) struct MergedSeriesList {
    pub(super) series: Vec<MergedSeries>,
    /// In the order of series, and of blocks within a series.
    pub(super) places: Vec<Place>,
    by_labels: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The labels so far, by their names and values.
    known: HashTable<Label>,
    label_bytes: usize,
}

impl MergedSeriesList {
    /// Adds the selected series in memory. The caller takes their samples before it lists the blocks.
    pub(super) fn of_memory(inner: &Inner, selector: &Selector) -> Self {
        let index = inner.index.read();
        let series = index.select(selector).into_iter().filter_map(|id| {
            let series = index.series.get(id)?;
            Some(MergedSeries { labels: series.labels.clone(), slots: series.slots.clone(), first_place: 0 })
        });
        Self { series: series.collect(), ..Self::default() }
    }

    /// Adds the selected series of blocks that have samples in `range`.
    pub(super) fn add_blocks(
        &mut self,
        inner: &Inner,
        blocks: &[OpenBlock],
        selector: &Selector,
        range: TimeRange,
    ) -> Result<(), StorageError> {
        if blocks.is_empty() {
            return Ok(());
        }
        for at in 0..self.series.len() {
            let hash = hash_of(&self.hasher, self.series[at].labels.iter());
            self.insert(hash, at as u32);
        }
        let mut filter = SeriesFilter::new(selector, range);
        let mut context = ReadContext::new(Some(&inner.cache));
        for (at, OpenBlock { block, index }) in blocks.iter().enumerate() {
            let mut on_error = |error| inner.counters.count_read_error(&error, block.bounds);
            let flow = block.for_each_selected(index, &mut filter, &mut context, &mut on_error, &mut |found| {
                let series = self.find_or_add(found.pairs());
                self.places.push(Place { series, block: at as u32, ordinal: found.ordinal() });
                match self.label_bytes > MAX_LABEL_BYTES {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            if flow.is_break() {
                return Err(StorageError(format!(
                    "the selector selects too many series of the past: the labels of the first {} take more than {} MiB; \
                     select fewer series or a shorter range",
                    self.series.len(),
                    MAX_LABEL_BYTES >> 20
                )));
            }
        }
        self.by_labels = HashTable::new();
        self.known = HashTable::new();
        Ok(())
    }

    /// Sorts the series by a key, and their places with them. Without places they stay in order.
    pub(super) fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&[Place]) -> K) {
        if self.places.is_empty() {
            return;
        }
        self.places.sort_unstable_by_key(|place| (place.series, place.block));
        let mut from = 0;
        let mut order: Vec<(K, u32)> = Vec::with_capacity(self.series.len());
        for at in 0..self.series.len() as u32 {
            let until = from + self.places[from..].partition_point(|place| place.series == at);
            order.push((key(&self.places[from..until]), at));
            from = until;
        }
        order.sort_unstable();
        let mut position_of = vec![0_u32; order.len()];
        for (position, (_, at)) in order.iter().enumerate() {
            position_of[*at as usize] = position as u32;
        }
        let mut series: Vec<Option<MergedSeries>> = self.series.drain(..).map(Some).collect();
        self.series.extend(order.iter().filter_map(|(_, at)| series[*at as usize].take()));
        self.places.iter_mut().for_each(|place| place.series = position_of[place.series as usize]);
        self.places.sort_unstable_by_key(|place| (place.series, place.block));
        let mut first = 0;
        for (at, series) in self.series.iter_mut().enumerate() {
            series.first_place = first as u32;
            first += self.places[first..].partition_point(|place| place.series == at as u32);
        }
    }

    /// The places of the series at `at`.
    pub(super) fn places_of(&self, at: usize) -> &[Place] {
        let until = self.series.get(at + 1).map_or(self.places.len(), |next| next.first_place as usize);
        &self.places[self.series[at].first_place as usize..until]
    }

    fn find_or_add<'p>(&mut self, pairs: impl Iterator<Item = (&'p str, &'p str)> + Clone) -> u32 {
        let hash = hash_of(&self.hasher, pairs.clone());
        if let Some(at) = self.find(hash, &pairs) {
            return at;
        }
        let labels: Vec<Label> = pairs.map(|(name, value)| self.intern(name, value)).collect();
        self.label_bytes += labels.len() * LABEL_BYTES + size_of::<MergedSeries>();
        let at = self.series.len() as u32;
        self.series.push(MergedSeries { labels: Labels::from_labels(labels), slots: Slots::None, first_place: 0 });
        self.insert(hash, at);
        at
    }

    fn find<'p>(&self, hash: u64, pairs: &(impl Iterator<Item = (&'p str, &'p str)> + Clone)) -> Option<u32> {
        let is_same = |at: &u32| has_pairs(&self.series[*at as usize].labels, pairs.clone());
        self.by_labels.find(hash, is_same).copied()
    }

    fn intern(&mut self, name: &str, value: &str) -> Label {
        let hash = self.hasher.hash_one((name, value));
        let is_same = |own: &Label| **own.name() == *name && **own.value() == *value;
        if let Some(known) = self.known.find(hash, is_same) {
            return known.clone();
        }
        let label = Label::new(name, value);
        self.label_bytes += name.len() + value.len() + size_of::<[usize; 12]>();
        let hasher = &self.hasher;
        let rehash = |own: &Label| hasher.hash_one((&**own.name(), &**own.value()));
        self.known.insert_unique(hash, label.clone(), rehash);
        label
    }

    fn insert(&mut self, hash: u64, at: u32) {
        let Self { by_labels, series, hasher, .. } = self;
        by_labels.insert_unique(hash, at, |other| hash_of(hasher, series[*other as usize].labels.iter()));
    }
}

fn hash_of<'p>(hasher: &DefaultHashBuilder, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> u64 {
    let mut state = hasher.build_hasher();
    pairs.for_each(|pair| pair.hash(&mut state));
    state.finish()
}

fn has_pairs<'p>(labels: &Labels, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> bool {
    let mut own = labels.iter();
    pairs.into_iter().all(|pair| own.next() == Some(pair)) && own.len() == 0
}
