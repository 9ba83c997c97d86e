//! The blocks that queries see.
use super::open::Block;
use crate::time::day_of;
use parking_lot::RwLock;
use std::sync::Arc;

/// By day, and within a day by id.
#[derive(Debug, Default)]
pub(crate) struct PublishedBlocks(RwLock<Arc<Vec<Arc<Block>>>>);

impl PublishedBlocks {
    /// The blocks as of now.
    pub(crate) fn list(&self) -> Arc<Vec<Arc<Block>>> {
        Arc::clone(&self.0.read())
    }

    /// Adds and removes blocks at once.
    pub(crate) fn replace(&self, added: Vec<Arc<Block>>, removed: &[u64]) {
        let mut published = self.0.write();
        let remaining = published.iter().filter(|block| !removed.contains(&block.id)).cloned();
        let mut blocks: Vec<_> = remaining.chain(added).collect();
        blocks.sort_by_key(|block| (day_of(block.bounds.first_ms), block.id));
        *published = Arc::new(blocks);
    }
}
