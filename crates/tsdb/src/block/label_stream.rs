//! All series of a block in order, one after the other, for merging.
use super::block_index::BlockIndex;
use super::compare_pairs;
use super::cursor::ReadContext;
use super::label_page::{LabelPage, PageCursor};
use super::open::Block;
use crate::disk::read_error::ReadError;
use promql::Labels;
use std::cmp::Ordering;
use std::sync::Arc;

/// A position among the series of a block: before the first one, at one, or behind the last one.
pub(crate) struct LabelStream {
    block: Arc<Block>,
    index: Arc<BlockIndex>,
    next_page: usize,
    page: Option<Arc<LabelPage>>,
    cursor: PageCursor,
}

impl LabelStream {
    pub(crate) fn new(block: Arc<Block>, index: Arc<BlockIndex>) -> Self {
        Self { block, index, next_page: 0, page: None, cursor: PageCursor::default() }
    }

    /// Moves to the next series; returns false at the end. Damaged pages are skipped and passed to `on_error`.
    pub(crate) fn advance(&mut self, context: &mut ReadContext<'_>, mut on_error: impl FnMut(ReadError)) -> bool {
        loop {
            if let Some(page) = &self.page
                && self.cursor.advance(page)
            {
                return true;
            }
            self.page = None;
            if self.next_page >= self.index.labels.len() {
                return false;
            }
            self.cursor = PageCursor::default();
            match self.block.label_page(&self.index, self.next_page, context) {
                Ok(page) => self.page = Some(page),
                Err(error) => on_error(error),
            }
            self.next_page += 1;
        }
    }

    /// The ordinal of the current series.
    pub(crate) fn ordinal(&self) -> u32 {
        self.cursor.ordinal
    }

    /// The labels of the current series.
    pub(crate) fn labels(&self) -> Labels {
        self.page.as_ref().map_or_else(Labels::default, |page| Labels::from_pairs(self.cursor.pairs(page)))
    }

    /// Compares the current series of two streams in the order of blocks. A stream that has ended is last.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (&self.page, &other.page) {
            (Some(page), Some(other_page)) => compare_pairs(&self.cursor.pairs(page), &other.cursor.pairs(other_page)),
            (page, other_page) => other_page.is_some().cmp(&page.is_some()),
        }
    }
}
