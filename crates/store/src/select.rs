//! The evaluator's storage trait over the store.
use crate::chunk::Chunk;
use crate::index::{Place, Series};
use crate::{Store, group::Rows};
use promql::{Column, Labels, Selector, Storage, StorageError};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

impl Storage for Store {
    fn select(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Column<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let series = self.inner.index.read().select(selector);
        let snapshot = Snapshot::take(&series, after_ms, until_ms);
        let (mut times_ms, mut values) = (Vec::new(), Vec::new());
        for Series { labels, places } in &series {
            times_ms.clear();
            values.clear();
            for place in places {
                for chunk in snapshot.chunks(place) {
                    chunk.for_each_sample(place.slot, |time_ms, value| {
                        if time_ms > after_ms && time_ms <= until_ms {
                            times_ms.push(time_ms);
                            values.push(value);
                        }
                    });
                }
            }
            if !times_ms.is_sorted_by(|a, b| a < b) {
                (times_ms, values) = in_order(&times_ms, &values);
            }
            if !times_ms.is_empty() && visit(labels, Column { times_ms: &times_ms, values: &values }).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The chunks of each group concerned, taken before the first series is visited.
struct Snapshot(HashMap<*const Rows, Vec<Arc<Chunk>>>);

impl Snapshot {
    fn take(series: &[Series], after_ms: i64, until_ms: i64) -> Self {
        let mut slots: HashMap<*const Rows, (&Arc<Rows>, Vec<u32>)> = HashMap::new();
        for Place { rows, slot } in series.iter().flat_map(|series| &series.places) {
            slots.entry(Arc::as_ptr(rows)).or_insert_with(|| (rows, Vec::new())).1.push(*slot);
        }
        Self(slots.into_iter().map(|(key, (rows, slots))| (key, rows.snapshot(after_ms, until_ms, &slots))).collect())
    }

    fn chunks(&self, place: &Place) -> &[Arc<Chunk>] {
        self.0.get(&Arc::as_ptr(&place.rows)).map_or(&[], Vec::as_slice)
    }
}

/// Samples of two targets under one label set, in order of time; of two at the same time the first counts.
fn in_order(times_ms: &[i64], values: &[f64]) -> (Vec<i64>, Vec<f64>) {
    let mut samples: Vec<(i64, f64)> = times_ms.iter().copied().zip(values.iter().copied()).collect();
    samples.sort_by_key(|(time_ms, _)| *time_ms);
    samples.dedup_by_key(|(time_ms, _)| *time_ms);
    samples.into_iter().unzip()
}
