//! The evaluator's storage trait over the store.
pub(crate) mod snapshot;

use crate::Store;
use crate::select::snapshot::Snapshot;
use promql::{Column, Labels, Selector, Storage, StorageError};
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel};

/// Samples above which a query decodes on several threads.
const MANY_SAMPLES: u64 = 300_000;

/// Blocks above which one thread decodes, as each holds a frame of every slice of every block.
const MANY_BLOCKS: usize = 60;

/// Most threads of a query.
const MOST_THREADS: usize = 4;

/// Threads of a query. Asked of the system once: it reads files for each answer.
static THREADS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS));

/// Samples of several series that are handed over at a time: few enough to hold, many enough to outweigh the handing.
const HANDED_SAMPLES: usize = 16_384;

/// Most series that one thread takes at a time. Neighbours are in the same group, and often have the same times: many at
/// a time, and these are mostly read by one thread only.
const MOST_AT_A_TIME: usize = 32;

type Visit<'v> = dyn FnMut(&Labels, Column<'_>) -> ControlFlow<()> + 'v;

impl Storage for Store {
    fn select(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        self.visit_each(selector, (after_ms, until_ms), false, visit);
        Ok(())
    }

    fn select_latest(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        self.visit_each(selector, (after_ms, until_ms), true, visit);
        Ok(())
    }
}

impl Store {
    fn visit_each(&self, selector: &Selector, span_ms: (i64, i64), is_latest_enough: bool, visit: &mut Visit<'_>) {
        let series = {
            let index = self.inner.index.read();
            index.take_along(index.matching(selector))
        };
        let snapshot = Snapshot::take(&self.inner, series, span_ms, is_latest_enough);
        let threads = *THREADS;
        let is_large = snapshot.about_samples() > MANY_SAMPLES && snapshot.blocks.len() <= MANY_BLOCKS;
        if threads > 1 && snapshot.series.len() > threads && is_large {
            visit_decoded_aside(&snapshot, threads, visit);
        } else {
            visit_here(&snapshot, visit);
        }
    }
}

fn visit_here(snapshot: &Snapshot<'_>, visit: &mut Visit<'_>) {
    let mut reader = snapshot.reader();
    let (mut times_ms, mut values) = (Vec::new(), Vec::new());
    for (at, series) in snapshot.series.iter().enumerate() {
        times_ms.clear();
        values.clear();
        reader.read(at, &mut times_ms, &mut values);
        if !times_ms.is_empty() && visit(&series.labels, Column { times_ms: &times_ms, values: &values }).is_break() {
            return;
        }
    }
}

/// Other threads decode, a few series ahead; this one visits.
fn visit_decoded_aside(snapshot: &Snapshot<'_>, threads: usize, visit: &mut Visit<'_>) {
    let next = AtomicUsize::new(0);
    let run = (snapshot.series.len() / (threads * 4)).clamp(1, MOST_AT_A_TIME);
    let (send, decoded) = sync_channel(threads * 2);
    let (give_back, spare) = channel::<Batch>();
    let spare = parking_lot::Mutex::new(spare);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let send = send.clone();
            let (next, spare) = (&next, &spare);
            scope.spawn(move || {
                let mut reader = snapshot.reader();
                loop {
                    let from = next.fetch_add(run, Ordering::Relaxed);
                    if from >= snapshot.series.len() {
                        return;
                    }
                    let mut batch = spare.lock().try_recv().unwrap_or_default();
                    for at in from..snapshot.series.len().min(from + run) {
                        reader.read(at, &mut batch.times_ms, &mut batch.values);
                        batch.series.push((at, batch.values.len()));
                        if batch.values.len() < HANDED_SAMPLES {
                            continue;
                        }
                        // Nobody listens any more where the visit broke off.
                        if send.send(batch).is_err() {
                            return;
                        }
                        batch = spare.lock().try_recv().unwrap_or_default();
                    }
                    if send.send(batch).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        for mut batch in decoded {
            let mut from = 0;
            for (at, until) in batch.series.drain(..) {
                let column = Column { times_ms: &batch.times_ms[from..until], values: &batch.values[from..until] };
                if from < until && visit(&snapshot.series[at].labels, column).is_break() {
                    return;
                }
                from = until;
            }
            batch.times_ms.clear();
            batch.values.clear();
            let _ = give_back.send(batch);
        }
    });
}

/// Decoded series, one after the other.
#[derive(Default)]
struct Batch {
    /// The place of each in the snapshot, and where its samples end.
    series: Vec<(usize, usize)>,
    times_ms: Vec<i64>,
    values: Vec<f64>,
}
