//! Queries that need no samples: series, label names and label values.
use crate::block::{BlockIndex, ReadContext, SelectedSeries, SeriesFilter};
use crate::index::{Index, Series};
use crate::store::Store;
use crate::store::inner::Inner;
use crate::time::TimeRange;
use promql::{Labels, METRIC_NAME, MatchOp, Matcher, Selector};
use std::collections::{BTreeSet, HashSet};
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;

/// Texts in order, at most so many.
struct TextSet {
    texts: BTreeSet<Arc<str>>,
    limit: usize,
    left_bytes: usize,
}

/// The maximum size of a list of names or values; it ends then. Longer ones are no answer that anybody sends.
const MAX_TEXT_BYTES: usize = 52 << 20;

/// Memory of a label beside its texts.
const LABEL_BYTES: usize = 100;

/// What a list of names or values is made of.
enum BlockContent<'b> {
    /// A block of which every series is selected.
    Whole(&'b BlockIndex),
    /// A selected series.
    Series(SelectedSeries<'b>),
}

impl Store {
    /// Returns the label sets, in no order, of at most `limit` series that `selector` selects and that have samples
    /// within `times_ms` (Unix milliseconds). In memory, the time is checked against the bounds of whole chunks.
    pub fn series(&self, selector: &Selector, times_ms: RangeInclusive<i64>, limit: usize) -> Vec<Labels> {
        let mut series = Vec::new();
        self.for_each_present(selector, times_ms, |labels, _| {
            if series.len() < limit {
                series.push(labels.clone());
            }
            series.len() < limit
        });
        series
    }

    /// Calls `visit` with each of those series, once, and with the memory that its labels take beside what the store has
    /// in memory anyway, until it returns false.
    pub fn for_each_present(
        &self,
        selector: &Selector,
        times_ms: RangeInclusive<i64>,
        mut visit: impl FnMut(&Labels, usize) -> bool,
    ) {
        let range = range_of(&times_ms);
        let (mut seen, mut wants_more): (HashSet<Labels>, bool) = (HashSet::new(), true);
        // Memory before the blocks, as a flush moves samples from the one to the other.
        self.inner.for_each_in_memory(selector, range, |found| {
            seen.insert(found.labels.clone());
            wants_more = visit(&found.labels, 0);
            wants_more
        });
        if !wants_more {
            return;
        }
        self.inner.for_each_in_blocks(selector, range, |found| {
            let labels = Labels::from_pairs(found.pairs());
            let size_bytes = labels.text_bytes() + labels.len() * LABEL_BYTES;
            let is_wanted = seen.contains(&labels) || visit(&labels, size_bytes);
            seen.insert(labels);
            is_wanted
        });
    }

    /// Returns at most `limit` label names of those series, in order. Where `selector` selects every series, the time is
    /// checked against the bounds of whole blocks.
    pub fn label_names(&self, selector: &Selector, times_ms: RangeInclusive<i64>, limit: usize) -> Vec<Arc<str>> {
        let (inner, range) = (&*self.inner, range_of(&times_ms));
        let mut names = TextSet::new(limit);
        let index = inner.index.read();
        if selects_all(selector, || index.has_only_named()) {
            for (name, values) in &index.postings {
                let mut ids = values.values().flat_map(|posting| &posting.ids);
                if ids.any(|id| index.is_present(*id, range)) {
                    names.insert_shared(name);
                }
            }
            drop(index);
        } else {
            drop(index);
            inner.for_each_in_memory(selector, range, |found| {
                found.labels.labels().iter().for_each(|label| names.insert_shared(label.name()));
                names.has_room()
            });
        }
        inner.for_each_in_blocks_or_whole(selector, range, |content| {
            match content {
                BlockContent::Whole(index) => index.label_names().for_each(|name| names.insert_shared(name)),
                BlockContent::Series(found) => found.pairs().for_each(|(name, _)| names.insert(name)),
            }
            true
        });
        names.into_vec()
    }

    /// Returns at most `limit` values that the label `name` has in those series, in order. Where `selector` selects every
    /// series, the time is checked against the bounds of whole blocks.
    pub fn label_values(
        &self,
        name: &str,
        selector: &Selector,
        times_ms: RangeInclusive<i64>,
        limit: usize,
    ) -> Vec<Arc<str>> {
        let (inner, range) = (&*self.inner, range_of(&times_ms));
        let mut values = TextSet::new(limit);
        let index = inner.index.read();
        if selects_all(selector, || index.has_only_named()) {
            for (value, posting) in index.postings.get(name).into_iter().flatten() {
                if posting.ids.iter().any(|id| index.is_present(*id, range)) {
                    values.insert_shared(value);
                }
            }
            drop(index);
        } else {
            drop(index);
            inner.for_each_in_memory(selector, range, |found| {
                let label = found.labels.labels().iter().find(|label| **label.name() == *name);
                label.iter().for_each(|label| values.insert_shared(label.value()));
                values.has_room()
            });
        }
        inner.for_each_in_blocks_or_whole(selector, range, |content| {
            match content {
                BlockContent::Whole(index) if name == METRIC_NAME => {
                    index.metric_names().for_each(|name| values.insert(name));
                }
                BlockContent::Whole(_) => return false,
                BlockContent::Series(found) => {
                    found.pairs().filter(|(own, _)| *own == name).for_each(|(_, value)| values.insert(value));
                }
            }
            true
        });
        values.into_vec()
    }
}

impl TextSet {
    fn new(limit: usize) -> Self {
        Self { texts: BTreeSet::new(), limit, left_bytes: MAX_TEXT_BYTES }
    }

    fn has_room(&self) -> bool {
        self.texts.len() < self.limit && self.left_bytes > 0
    }

    fn insert(&mut self, text: &str) {
        if self.has_room() && !self.texts.contains(text) {
            self.left_bytes = self.left_bytes.saturating_sub(text.len());
            self.texts.insert(text.into());
        }
    }

    fn insert_shared(&mut self, text: &Arc<str>) {
        if self.has_room() && !self.texts.contains(text) {
            self.left_bytes = self.left_bytes.saturating_sub(text.len());
            self.texts.insert(Arc::clone(text));
        }
    }

    fn into_vec(self) -> Vec<Arc<str>> {
        self.texts.into_iter().collect()
    }
}

impl Inner {
    /// Calls `visit` with each selected series that may have samples in memory in `range`, until it returns false.
    fn for_each_in_memory(&self, selector: &Selector, range: TimeRange, mut visit: impl FnMut(&Series) -> bool) {
        let index = self.index.read();
        for id in index.select(selector) {
            let Some(series) = index.series.get(id).filter(|_| index.is_present(id, range)) else { continue };
            if !visit(series) {
                return;
            }
        }
    }

    /// Calls `visit` with each selected series of each block that has samples in `range`, until it returns false.
    fn for_each_in_blocks(
        &self,
        selector: &Selector,
        range: TimeRange,
        mut visit: impl FnMut(SelectedSeries<'_>) -> bool,
    ) {
        let mut filter = SeriesFilter::new(selector, range);
        let mut context = ReadContext::new(Some(&self.cache));
        for block in self.blocks.list().iter().filter(|block| block.bounds.overlaps(range)) {
            let Some(index) = self.index_of(block) else { continue };
            let mut on_error = |error| self.counters.count_read_error(&error, block.bounds);
            let flow = block.for_each_selected(&index, &mut filter, &mut context, &mut on_error, &mut |found| {
                if visit(found) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            if flow.is_break() {
                return;
            }
        }
    }

    /// Calls `visit` with each selected series of each block that has samples in `range`. Where `selector` selects every
    /// series, `visit` gets the index of the block first, and its series only if it returns false.
    fn for_each_in_blocks_or_whole(
        &self,
        selector: &Selector,
        range: TimeRange,
        mut visit: impl FnMut(BlockContent<'_>) -> bool,
    ) {
        let mut filter = SeriesFilter::new(selector, range);
        let mut context = ReadContext::new(Some(&self.cache));
        for block in self.blocks.list().iter().filter(|block| block.bounds.overlaps(range)) {
            let Some(index) = self.index_of(block) else { continue };
            if selects_all(selector, || index.has_only_named()) && visit(BlockContent::Whole(&index)) {
                continue;
            }
            let mut on_error = |error| self.counters.count_read_error(&error, block.bounds);
            let _ = block.for_each_selected(&index, &mut filter, &mut context, &mut on_error, &mut |found| {
                visit(BlockContent::Series(found));
                ControlFlow::Continue(())
            });
        }
    }
}

impl Index {
    /// Whether a series may have samples in `range`.
    fn is_present(&self, id: u32, range: TimeRange) -> bool {
        let slots = self.series.get(id).map(|series| &series.slots);
        slots.is_some_and(|slots| slots.iter().any(|own| own.rows.may_have(own.slot, range)))
    }

    /// Whether all series have a name.
    fn has_only_named(&self) -> bool {
        let named =
            self.postings.get(METRIC_NAME).map_or(0, |values| values.values().map(|posting| posting.ids.len()).sum());
        named == self.series.len()
    }
}

/// Whether `selector` selects all series, as far as they have names if `are_named`.
fn selects_all(selector: &Selector, are_named: impl Fn() -> bool) -> bool {
    let asks_for_name = |matcher: &Matcher| {
        matcher.name == METRIC_NAME && matches!(matcher.op, MatchOp::NotEqual) && matcher.value.is_empty()
    };
    selector.any_of.iter().any(|all| all.is_empty() || all.iter().all(asks_for_name) && are_named())
}

fn range_of(times_ms: &RangeInclusive<i64>) -> TimeRange {
    TimeRange { after_ms: times_ms.start().saturating_sub(1), until_ms: *times_ms.end() }
}
