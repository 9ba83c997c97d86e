//! What the index can tell without a sample: label names, label values, and series.
use crate::Store;
use hashbrown::HashSet;
use promql::{Labels, Selector};
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

impl Store {
    /// The label sets of at most `limit` series that `selector` asks for and that have samples within `times_ms` (Unix
    /// milliseconds), as far as the bounds of blocks and chunks tell; in no order.
    pub fn series(&self, selector: &Selector, times_ms: RangeInclusive<i64>, limit: usize) -> Vec<Labels> {
        let mut found = Vec::new();
        self.for_each_present(selector, times_ms, |labels| {
            if found.len() < limit {
                found.push(labels.clone());
            }
            found.len() < limit
        });
        found
    }

    /// The names of labels of those series, at most `limit`, in order.
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

    /// The values of label `name` of those series, at most `limit`, in order.
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

    /// Calls `visit` with each series until it says false.
    fn for_each_present(
        &self,
        selector: &Selector,
        times_ms: RangeInclusive<i64>,
        mut visit: impl FnMut(&Labels) -> bool,
    ) {
        let (after_ms, until_ms) = (times_ms.start().saturating_sub(1), *times_ms.end());
        // The head before the blocks, as a flush moves series from there to here.
        let groups = self.inner.groups.lock().clone();
        let in_memory = groups.iter().map(|rows| (Arc::as_ptr(rows), rows.slots_within(after_ms, until_ms)));
        let in_memory: HashMap<_, _> = in_memory.collect();
        let mut in_blocks: HashSet<u32> = HashSet::new();
        for block in self.inner.blocks().iter().filter(|block| block.overlaps(after_ms, until_ms)) {
            let within = block.entries.iter().filter(|entry| block.is_within(entry, after_ms, until_ms));
            in_blocks.extend(within.map(|entry| entry.number));
        }
        let index = self.inner.index.read();
        for number in index.matching(selector) {
            let Some(series) = index.series.get(&number) else { continue };
            let is_present = in_blocks.contains(&number)
                || series.places.iter().any(|place| {
                    in_memory.get(&Arc::as_ptr(&place.rows)).is_some_and(|slots| slots.contains(&place.slot))
                });
            if is_present && !visit(&series.labels) {
                return;
            }
        }
    }
}
