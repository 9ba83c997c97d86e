//! The state that all handles of a store share.
use crate::block::{Block, BlockCache, BlockIndex, PublishedBlocks};
use crate::disk::header::FileKind;
use crate::disk::read_error::ReadError;
use crate::head::Head;
use crate::index::Index;
use crate::queue::Queue;
use crate::store::counters::Counters;
use crate::store::options::Limits;
use crate::store::persistence::Persistence;
use parking_lot::RwLock;
use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) limits: Limits,
    pub(crate) index: RwLock<Index>,
    /// How many series were in the last scrapes, as of the last maintenance.
    pub(crate) live_series: AtomicUsize,
    pub(crate) head: Head,
    pub(crate) blocks: PublishedBlocks,
    /// What queries decoded of the blocks.
    pub(crate) cache: BlockCache,
    /// `None` for a store that is in memory only.
    pub(crate) disk: Option<Persistence>,
    pub(crate) counters: Counters,
    /// Gets all rows too, once it is set.
    pub(crate) queue: OnceLock<Arc<Queue>>,
}

impl Inner {
    pub(crate) fn new(limits: Limits, disk: Option<Persistence>) -> Self {
        Self {
            limits,
            index: RwLock::default(),
            live_series: AtomicUsize::new(0),
            head: Head::default(),
            blocks: PublishedBlocks::default(),
            cache: BlockCache::default(),
            disk,
            counters: Counters::default(),
            queue: OnceLock::new(),
        }
    }

    /// Opens new blocks, publishes them in place of the `replaced` ones, and removes the files of those.
    pub(crate) fn publish(&self, disk: &Persistence, ids: &[u64], replaced: &[u64]) -> io::Result<()> {
        let open = |id: &u64| {
            let file = disk.folder.open(*id, FileKind::Block)?;
            Block::open(*id, file).map_err(io::Error::other)
        };
        let opened = ids.iter().map(|id| open(id).map(Arc::new)).collect::<io::Result<Vec<_>>>();
        let opened = opened.inspect_err(|_| disk.folder.remove_all(ids, FileKind::Block))?;
        self.blocks.replace(opened, replaced);
        disk.folder.remove_all(replaced, FileKind::Block);
        Ok(())
    }

    /// The index of a block; `None`, and counted, if it cannot be read.
    pub(crate) fn index_of(&self, block: &Block) -> Option<Arc<BlockIndex>> {
        let count = |error: &ReadError| self.counters.count_read_error(error, block.bounds);
        block.index(Some(&self.cache), count).inspect_err(count).ok()
    }
}
