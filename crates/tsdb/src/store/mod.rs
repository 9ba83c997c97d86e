//! The store: its public handles, the state behind them, and how it is opened, written to and measured.
mod chunk_loading;
pub(crate) mod counters;
pub(crate) mod error;
mod eviction;
mod format_file;
pub(crate) mod group;
pub(crate) mod inner;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod persistence;
pub(crate) mod stats;

use crate::queue::Queue;
use group::Group;
use inner::Inner;
use options::Limits;
use std::sync::Arc;

/// Series and their samples. Clones share them.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

impl Store {
    /// Creates an empty store that is in memory only.
    pub fn new(limits: Limits) -> Self {
        Self { inner: Arc::new(Inner::new(limits, None)) }
    }

    /// Passes the rows of all groups that are opened from now on to `queue` too, unless there is another one already.
    pub fn attach_queue(&self, queue: Arc<Queue>) {
        let _ = self.inner.queue.set(queue);
    }

    /// Opens a group for the series of one target.
    pub fn group(&self) -> Group {
        Group::new(Arc::clone(&self.inner))
    }
}
