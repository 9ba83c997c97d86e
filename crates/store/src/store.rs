//! The store itself: what it is bounded by, what it counts, and how a group is opened.
use crate::group::{Group, Rows};
use crate::index::Index;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the store is bounded by.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Age above which samples are dropped, in milliseconds.
    pub retention_ms: i64,
    /// Memory for samples above which the oldest are dropped whatever their age.
    pub size_bytes: usize,
    /// Series above which new ones are refused.
    pub series: usize,
}

impl Default for Limits {
    /// 15 days, 512 MiB, and half a million series.
    fn default() -> Self {
        Self { retention_ms: 15 * 86_400_000, size_bytes: 512 << 20, series: 500_000 }
    }
}

/// What cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The index is full.
    #[error("the store holds {limit} series, its limit: scrape less, or wait until old series leave")]
    TooManySeries {
        /// [`Limits::series`].
        limit: usize,
    },
    /// Time went backwards within a group.
    #[error("a scrape at {time_ms} ms is not after the one at {last_ms} ms before it: check the clock")]
    OutOfOrder {
        /// The refused time.
        time_ms: i64,
        /// The newest time kept.
        last_ms: i64,
    },
}

/// Figures about the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Series that have a sample.
    pub series: usize,
    /// Memory for samples, without labels and index.
    pub size_bytes: usize,
    /// Samples taken since the start.
    pub appended: u64,
}

/// Series and their samples. Clones share them.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) limits: Limits,
    pub(crate) index: RwLock<Index>,
    pub(crate) groups: Mutex<Vec<Arc<Rows>>>,
    pub(crate) appended: AtomicU64,
}

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        let inner = Inner { limits, index: RwLock::default(), groups: Mutex::default(), appended: AtomicU64::new(0) };
        Self { inner: Arc::new(inner) }
    }

    /// Opens a group for the series of one target.
    pub fn group(&self) -> Group {
        Group::new(Arc::clone(&self.inner))
    }

    /// Figures as of now.
    pub fn stats(&self) -> Stats {
        let groups = self.inner.groups.lock().clone();
        Stats {
            series: self.inner.index.read().len(),
            size_bytes: groups.iter().map(|rows| rows.sizes().0).sum(),
            appended: self.inner.appended.load(Ordering::Relaxed),
        }
    }
}
