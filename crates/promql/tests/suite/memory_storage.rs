//! A storage in memory.
use promql::{Labels, Samples, Selector, Storage, StorageError};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Samples by labels and time.
#[derive(Default)]
pub(crate) struct MemoryStorage {
    series: BTreeMap<Labels, BTreeMap<i64, f64>>,
    selects: AtomicUsize,
}

impl MemoryStorage {
    pub(crate) fn add(&mut self, labels: &Labels, time_ms: i64, value: f64) {
        self.series.entry(labels.clone()).or_default().insert(time_ms, value);
    }

    pub(crate) fn clear(&mut self) {
        self.series.clear();
    }

    /// The number of calls of `select`.
    pub(crate) fn selects(&self) -> usize {
        self.selects.load(Ordering::Relaxed)
    }
}

impl Storage for MemoryStorage {
    fn select(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.selects.fetch_add(1, Ordering::Relaxed);
        if after_ms >= until_ms {
            return Ok(());
        }
        for (labels, samples) in self.series.iter().filter(|(labels, _)| selector.matches(labels)) {
            let (times_ms, values): (Vec<i64>, Vec<f64>) =
                samples.range(after_ms.saturating_add(1)..=until_ms).map(|(time_ms, value)| (*time_ms, *value)).unzip();
            let column = Samples { times_ms: &times_ms, values: &values };
            if !times_ms.is_empty() && visit(labels, column).is_break() {
                break;
            }
        }
        Ok(())
    }
}
