//! The state that all handles of a store share.
use crate::block::{Block, BlockCache, PublishedBlocks};
use crate::disk::header::FileKind;
use crate::head::Head;
use crate::index::Index;
use crate::store::counters::Counters;
use crate::store::options::Limits;
use crate::store::persistence::Persistence;
use parking_lot::RwLock;
use std::io;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) limits: Limits,
    pub(crate) index: RwLock<Index>,
    pub(crate) head: Head,
    pub(crate) blocks: PublishedBlocks,
    /// What queries decoded of the blocks.
    pub(crate) cache: BlockCache,
    /// `None` for a store that is in memory only.
    pub(crate) disk: Option<Persistence>,
    pub(crate) counters: Counters,
}

impl Inner {
    pub(crate) fn new(limits: Limits, disk: Option<Persistence>) -> Self {
        Self {
            limits,
            index: RwLock::default(),
            head: Head::default(),
            blocks: PublishedBlocks::default(),
            cache: BlockCache::default(),
            disk,
            counters: Counters::default(),
        }
    }

    /// Opens new blocks, publishes them in place of the `replaced` ones, and removes the files of those.
    pub(crate) fn publish(&self, disk: &Persistence, ids: &[u64], replaced: &[u64]) -> io::Result<()> {
        let open = |id: &u64| {
            let file = disk.folder.open(*id, FileKind::Block)?;
            let index = self.index.read();
            Block::open(*id, file, &mut |pairs| index.find(pairs)).map_err(io::Error::other)
        };
        let opened = ids.iter().map(|id| open(id).map(Arc::new)).collect::<io::Result<Vec<_>>>();
        let opened = opened.inspect_err(|_| disk.folder.remove_all(ids, FileKind::Block))?;
        for block in &opened {
            self.index.write().count_block(block.entries.iter().map(|entry| entry.series_id));
        }
        self.replace_blocks(opened, replaced);
        disk.folder.remove_all(replaced, FileKind::Block);
        Ok(())
    }

    /// Adds blocks to those that queries see, and takes others away.
    pub(crate) fn replace_blocks(&self, added: Vec<Arc<Block>>, removed: &[u64]) {
        for block in self.blocks.replace(added, removed) {
            self.index.write().discount_block(block.entries.iter().map(|entry| entry.series_id));
        }
    }
}
