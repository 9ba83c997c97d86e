//! The store itself: what it is bounded by, and how a group is opened.
pub(crate) mod import;
pub(crate) mod open;
pub(crate) mod stats;

use crate::block::{Block, Recent};
use crate::disk::folder::Disk;
use crate::head::group::Group;
use crate::head::rows::Rows;
use crate::index::Index;
use crate::store::stats::Counts;
use crate::wal::buffer::Log;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// What the store is bounded by.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Age above which samples are dropped, in milliseconds.
    pub retention_ms: i64,
    /// Bytes above which the oldest samples are dropped whatever their age: on disk, or in memory for a store without
    /// a folder.
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

/// How a store in a folder works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What it is bounded by.
    pub limits: Limits,
    /// Memory for samples above which they become a block before the two hours are over. While nothing can be written
    /// it may take four times as much, and the newest fifteen minutes stay whatever they take.
    pub head_bytes: usize,
    /// The longest that what was appended may be lost to a power failure.
    pub sync_every: Duration,
}

impl Default for Options {
    /// 15 days, 32 GiB on disk, half a million series, 24 MiB in memory, and five seconds.
    fn default() -> Self {
        Self {
            limits: Limits { size_bytes: 32 << 30, ..Limits::default() },
            head_bytes: 24 << 20,
            sync_every: Duration::from_secs(5),
        }
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
    pub(crate) next_group: AtomicU64,
    /// By day, and within a day in order of their numbers.
    pub(crate) blocks: RwLock<Arc<Vec<Arc<Block>>>>,
    /// What queries unpacked of them.
    pub(crate) recent: Recent,
    pub(crate) log: Log,
    /// None for a store that is in memory only.
    pub(crate) disk: Option<Disk>,
    pub(crate) counts: Counts,
}

impl Store {
    /// An empty store that is in memory only.
    pub fn new(limits: Limits) -> Self {
        Self { inner: Arc::new(Inner::new(limits, None)) }
    }

    /// Opens a group for the series of one target.
    pub fn group(&self) -> Group {
        Group::new(Arc::clone(&self.inner))
    }
}

impl Inner {
    pub(crate) fn new(limits: Limits, disk: Option<Disk>) -> Self {
        Self {
            limits,
            index: RwLock::default(),
            groups: Mutex::default(),
            next_group: AtomicU64::new(0),
            blocks: RwLock::default(),
            recent: Recent::default(),
            log: Log::new(),
            disk,
            counts: Counts::default(),
        }
    }

    /// The blocks as of now.
    pub(crate) fn blocks(&self) -> Arc<Vec<Arc<Block>>> {
        Arc::clone(&self.blocks.read())
    }

    /// Memory that samples take.
    pub(crate) fn head_bytes(&self) -> usize {
        let groups = self.groups.lock().clone();
        groups.iter().map(|rows| rows.sizes().0).sum()
    }

    /// First and last time of what is in memory.
    pub(crate) fn head_span_ms(&self) -> Option<(i64, i64)> {
        let groups = self.groups.lock().clone();
        let spans = groups.iter().filter_map(|rows| rows.span_ms());
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}
