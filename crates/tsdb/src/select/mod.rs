//! Queries: the evaluator's storage trait, and lists of series and labels.
mod labels;
mod merged_series;
mod parallel;
mod snapshot;

use crate::sample_buffer::SampleBuffer;
use crate::store::Store;
use crate::time::TimeRange;
use promql::{Labels, Notice, Selector, Storage, StorageError};
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
        self.visit_series(selector, TimeRange { after_ms, until_ms }, false, visit)
    }

    fn select_latest(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        self.visit_series(selector, TimeRange { after_ms, until_ms }, true, visit)
    }

    fn notices(&self, after_ms: i64, until_ms: i64) -> Vec<Notice> {
        self.inner.counters.losses(TimeRange { after_ms, until_ms })
    }
}

impl Store {
    fn visit_series(
        &self,
        selector: &Selector,
        range: TimeRange,
        latest_only: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        let snapshot = Snapshot::take(&self.inner, selector, range, latest_only)?;
        match parallel::threads_for(&snapshot) {
            Some(threads) => parallel::visit(&snapshot, threads, visit),
            None => visit_sequentially(&snapshot, visit),
        }
        Ok(())
    }
}

fn visit_sequentially(snapshot: &Snapshot<'_>, visit: &mut Visit<'_>) {
    let mut reader = snapshot.reader();
    let mut samples = SampleBuffer::default();
    for (at, series) in snapshot.series().iter().enumerate() {
        samples.clear();
        reader.read(at, &mut samples);
        let column = promql::Samples { times_ms: &samples.times_ms, values: &samples.values };
        if !samples.is_empty() && visit(&series.labels, column).is_break() {
            return;
        }
    }
}
