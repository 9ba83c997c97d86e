//! Large queries: several threads decode series, and the calling thread visits them.
use super::Visit;
use super::snapshot::Snapshot;
use crate::sample_buffer::SampleBuffer;
use parking_lot::Mutex;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

/// Number of samples above which a query is decoded in parallel.
const MIN_SAMPLES: u64 = 300_000;

/// Number of blocks above which a query is not decoded in parallel, as each thread holds a record of every slice of
/// every block.
const MAX_BLOCKS: usize = 60;

/// Maximum number of threads of a query.
const MAX_THREADS: usize = 4;

/// Threads of a query. Cached, because the system reads files to find out.
static THREADS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS));

/// Samples of a batch: few enough to hold in memory, many enough to outweigh the cost of handing them over.
const BATCH_SAMPLES: usize = 16_384;

/// Maximum number of series that a thread takes at once. Neighbours are in the same group and often have the same
/// times, so taking many at once mostly decodes these once.
const MAX_SERIES_AT_ONCE: usize = 32;

/// Decoded series, one after the other.
#[derive(Default)]
struct Batch {
    series: Vec<BatchSeries>,
    samples: SampleBuffer,
}

struct BatchSeries {
    /// Position in the snapshot.
    at: usize,
    /// Where its samples end in the batch.
    end: usize,
}

/// How many threads should decode `snapshot`; `None` if the calling thread alone is faster.
pub(super) fn threads_for(snapshot: &Snapshot<'_>) -> Option<usize> {
    let threads = *THREADS;
    let is_large = snapshot.estimated_samples() > MIN_SAMPLES && snapshot.blocks.len() <= MAX_BLOCKS;
    (threads > 1 && snapshot.series().len() > threads && is_large).then_some(threads)
}

pub(super) fn visit(snapshot: &Snapshot<'_>, threads: usize, visit: &mut Visit<'_>) {
    let next = AtomicUsize::new(0);
    let at_once = (snapshot.series().len() / (threads * 4)).clamp(1, MAX_SERIES_AT_ONCE);
    let (sender, decoded) = sync_channel(threads * 2);
    let (recycle, recycled) = channel::<Batch>();
    let recycled = Mutex::new(recycled);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let (next, recycled) = (&next, &recycled);
            scope.spawn(move || decode(snapshot, next, at_once, &sender, recycled));
        }
        drop(sender);
        for mut batch in decoded {
            let mut start = 0;
            for BatchSeries { at, end } in batch.series.drain(..) {
                let SampleBuffer { times_ms, values } = &batch.samples;
                let column = promql::Samples { times_ms: &times_ms[start..end], values: &values[start..end] };
                if start < end && visit(&snapshot.series()[at].labels, column).is_break() {
                    return;
                }
                start = end;
            }
            batch.samples.clear();
            let _ = recycle.send(batch);
        }
    });
}

/// Decodes series from position `next` on, `at_once` at a time, until none are left.
fn decode(
    snapshot: &Snapshot<'_>,
    next: &AtomicUsize,
    at_once: usize,
    sender: &SyncSender<Batch>,
    recycled: &Mutex<Receiver<Batch>>,
) {
    let mut reader = snapshot.reader();
    loop {
        let from = next.fetch_add(at_once, Ordering::Relaxed);
        if from >= snapshot.series().len() {
            return;
        }
        let mut batch = recycled.lock().try_recv().unwrap_or_default();
        for at in from..snapshot.series().len().min(from + at_once) {
            reader.read(at, &mut batch.samples);
            batch.series.push(BatchSeries { at, end: batch.samples.len() });
            if batch.samples.len() < BATCH_SAMPLES {
                continue;
            }
            // Sending fails after the visitor broke off.
            if sender.send(batch).is_err() {
                return;
            }
            batch = recycled.lock().try_recv().unwrap_or_default();
        }
        if sender.send(batch).is_err() {
            return;
        }
    }
}
