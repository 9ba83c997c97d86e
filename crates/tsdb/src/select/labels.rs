//! Queries that need the index but no samples: series, label names and label values.
use crate::store::Store;
use crate::time::TimeRange;
use hashbrown::HashSet;
use promql::{Labels, Selector};
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

impl Store {
    /// Returns the label sets, in no order, of at most `limit` series that `selector` selects and that have samples
    /// within `times_ms` (Unix milliseconds). The time is checked against the bounds of whole blocks and chunks.
    pub fn series(&self, selector: &Selector, times_ms: RangeInclusive<i64>, limit: usize) -> Vec<Labels> {
        let mut series = Vec::new();
        self.for_each_present(selector, times_ms, |labels| {
            if series.len() < limit {
                series.push(labels.clone());
            }
            series.len() < limit
        });
        series
    }

    /// Returns at most `limit` label names of those series, in order.
    pub fn label_names(&self, selector: &Selector, times_ms: RangeInclusive<i64>, limit: usize) -> Vec<Arc<str>> {
        let mut names = BTreeSet::new();
        self.for_each_present(selector, times_ms, |labels| {
            for (name, _) in labels.pairs() {
                if names.len() < limit && !names.contains(name) {
                    names.insert(Arc::clone(name));
                }
            }
            names.len() < limit
        });
        names.into_iter().collect()
    }

    /// Returns at most `limit` values that the label `name` has in those series, in order.
    pub fn label_values(
        &self,
        name: &str,
        selector: &Selector,
        times_ms: RangeInclusive<i64>,
        limit: usize,
    ) -> Vec<Arc<str>> {
        let mut values = BTreeSet::new();
        self.for_each_present(selector, times_ms, |labels| {
            let value = labels.pairs().iter().find(|(own, _)| &**own == name).map(|(_, value)| value);
            if let Some(value) = value.filter(|value| !values.contains(*value)) {
                values.insert(Arc::clone(value));
            }
            values.len() < limit
        });
        values.into_iter().take(limit).collect()
    }

    /// Calls `visit` with each selected series that has samples in the time range, until it returns false.
    pub fn for_each_present(
        &self,
        selector: &Selector,
        times_ms: RangeInclusive<i64>,
        mut visit: impl FnMut(&Labels) -> bool,
    ) {
        let range = TimeRange { after_ms: times_ms.start().saturating_sub(1), until_ms: *times_ms.end() };
        // The head before the blocks, as a flush moves samples from the one to the other.
        let groups = self.inner.head.groups();
        let in_memory = groups.iter().map(|rows| (Arc::as_ptr(rows), rows.slots_within(range)));
        let in_memory: HashMap<_, _> = in_memory.collect();
        let mut in_blocks: HashSet<u32> = HashSet::new();
        for block in self.inner.blocks.list().iter().filter(|block| block.bounds.overlaps(range)) {
            let within = block.entries.iter().filter(|entry| block.is_within(entry, range));
            in_blocks.extend(within.map(|entry| entry.series_id));
        }
        let index = self.inner.index.read();
        for id in index.select(selector) {
            let Some(series) = index.series.get(&id) else { continue };
            let is_present = in_blocks.contains(&id)
                || series
                    .slots
                    .iter()
                    .any(|own| in_memory.get(&Arc::as_ptr(&own.rows)).is_some_and(|slots| slots.contains(&own.slot)));
            if is_present && !visit(&series.labels) {
                return;
            }
        }
    }
}
