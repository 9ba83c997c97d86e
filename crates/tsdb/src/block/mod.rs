//! Blocks: immutable files with the samples of some hours or of a day.
mod assemble;
mod block_index;
mod cache;
mod cursor;
mod open;
mod published;
mod readahead;
mod slice;
mod writer;

pub(crate) use assemble::{BlockAssembler, write_block};
pub(crate) use cache::BlockCache;
pub(crate) use cursor::{BlockCursor, ReadContext};
pub(crate) use open::{Block, ReadError};
pub(crate) use published::PublishedBlocks;
pub(crate) use readahead::MAX_READAHEAD_RECORDS;

use promql::{Labels, METRIC_NAME};
use std::cmp::Ordering;

/// The tag of the front record, which has the label sets.
const FRONT: u8 = b'F';
/// The tag of a record with times.
const TIMES: u8 = b'T';
/// The tag of a record with values.
const VALUES: u8 = b'V';
/// The tag of the back record, which has the label sets and the index.
const BACK: u8 = b'B';

/// The end of a block's file, after the offset of its back record and the checksum of that offset.
const FOOTER_MAGIC: [u8; 4] = *b"ifbe";
/// Size of the offset, its checksum and [`FOOTER_MAGIC`].
const FOOTER_BYTES: usize = 16;

/// The order of series in a block: by name, by instance, and by all labels, since most queries select one metric, often
/// of one replica.
pub(crate) fn block_order(a: &Labels, b: &Labels) -> Ordering {
    let key = |labels| [METRIC_NAME, "instance"].map(|name| Labels::get(labels, name));
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}
