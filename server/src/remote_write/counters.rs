//! What is counted of each receiver, and reported with the companion's own metrics.
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU64};
use tsdb::{Queue, QueueStats};

/// What is counted of a receiver since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Samples that the receiver has accepted.
    pub(crate) sent: AtomicU64,
    /// Samples that it has refused for good.
    pub(crate) failed: AtomicU64,
    /// Samples of requests that were sent again.
    pub(crate) retried: AtomicU64,
    /// Bytes of requests that it has accepted.
    pub(crate) bytes: AtomicU64,
    /// How many requests may be under way now.
    pub(crate) shards: AtomicU64,
    highest_sent_ms: AtomicI64,
}

impl Counters {
    /// Counts an accepted request, of which `written` samples were accepted.
    pub(super) fn add_sent(&self, written: u64, bytes: usize, newest_ms: i64) {
        self.sent.fetch_add(written, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.highest_sent_ms.fetch_max(newest_ms, Relaxed);
    }
}

/// What is known of all receivers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receivers(Arc<Mutex<Vec<Receiver>>>);

#[derive(Debug)]
struct Receiver {
    name: String,
    counters: Arc<Counters>,
    queue: Arc<Queue>,
    index: usize,
}

/// What is reported of a receiver.
#[derive(Clone, Debug)]
pub(crate) struct ReceiverReport {
    pub(crate) name: String,
    pub(crate) queue: QueueStats,
    pub(crate) sent: u64,
    pub(crate) failed: u64,
    pub(crate) retried: u64,
    pub(crate) bytes: u64,
    pub(crate) shards: u64,
    pub(crate) highest_sent_ms: i64,
}

impl Receivers {
    /// Adds the receiver `name`, which reads `queue` as the reader with this number.
    pub(super) fn add(&self, name: &str, counters: Arc<Counters>, queue: Arc<Queue>, index: usize) {
        self.0.lock().push(Receiver { name: name.to_owned(), counters, queue, index });
    }

    /// The reports of all receivers.
    pub(crate) fn reports(&self) -> Vec<ReceiverReport> {
        let report = |Receiver { name, counters, queue, index }: &Receiver| ReceiverReport {
            name: name.clone(),
            queue: queue.stats(*index),
            sent: counters.sent.load(Relaxed),
            failed: counters.failed.load(Relaxed),
            retried: counters.retried.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
            shards: counters.shards.load(Relaxed),
            highest_sent_ms: counters.highest_sent_ms.load(Relaxed),
        };
        self.0.lock().iter().map(report).collect()
    }
}
