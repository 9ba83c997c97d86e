//! Queries: the evaluator's storage trait, and lists of series and labels.
mod labels;
mod parallel;
mod snapshot;

use crate::sample_buffer::SampleBuffer;
use crate::store::Store;
use crate::time::TimeRange;
use promql::{Labels, Selector, Storage, StorageError};
use snapshot::Snapshot;
use std::ops::ControlFlow;

type Visit<'v> = dyn FnMut(&Labels, promql::Samples<'_>) -> ControlFlow<()> + 'v;

impl Storage for Store {
    fn select(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        self.visit_series(selector, TimeRange { after_ms, until_ms }, false, visit);
        Ok(())
    }

    fn select_latest(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        self.visit_series(selector, TimeRange { after_ms, until_ms }, true, visit);
        Ok(())
    }
}

impl Store {
    fn visit_series(&self, selector: &Selector, range: TimeRange, latest_only: bool, visit: &mut Visit<'_>) {
        let series = {
            let index = self.inner.index.read();
            index.handles(index.select(selector))
        };
        let snapshot = Snapshot::take(&self.inner, series, range, latest_only);
        match parallel::threads_for(&snapshot) {
            Some(threads) => parallel::visit(&snapshot, threads, visit),
            None => visit_sequentially(&snapshot, visit),
        }
    }
}

fn visit_sequentially(snapshot: &Snapshot<'_>, visit: &mut Visit<'_>) {
    let mut reader = snapshot.reader();
    let mut samples = SampleBuffer::default();
    for (at, series) in snapshot.series.iter().enumerate() {
        samples.clear();
        reader.read(at, &mut samples);
        let column = promql::Samples { times_ms: &samples.times_ms, values: &samples.values };
        if !samples.is_empty() && visit(&series.labels, column).is_break() {
            return;
        }
    }
}
