//! Blocks: immutable files with the samples of some hours or of a day.
mod assemble;
mod block_index;
mod cache;
mod convert;
mod cursor;
mod find;
mod label_page;
mod label_stream;
mod open;
mod published;
mod readahead;
mod rebuild;
mod slice;
mod writer;

pub(crate) use assemble::{BlockAssembler, write_block};
pub(crate) use block_index::BlockIndex;
use block_index::RecordsBySlice;
pub(crate) use cache::BlockCache;
pub(crate) use convert::{OLD_VERSION, convert_block};
pub(crate) use cursor::{BlockCursor, ReadContext};
pub(crate) use find::{SelectedSeries, SeriesFilter};
pub(crate) use label_stream::LabelStream;
pub(crate) use open::Block;
pub(crate) use published::PublishedBlocks;
pub(crate) use readahead::MAX_READAHEAD_RECORDS;

use promql::{Labels, METRIC_NAME};
use std::cmp::Ordering;

/// The tag of a record with label sets.
const LABELS: u8 = b'L';
/// The tag of a record with times.
const TIMES: u8 = b'T';
/// The tag of a record with values.
const VALUES: u8 = b'V';
/// The tag of the back record, which has the summary and the index.
const BACK: u8 = b'B';

/// The end of a block's file, after the offset of its back record and the checksum of that offset.
const FOOTER_MAGIC: [u8; 4] = *b"ifbe";
/// Size of the offset, its checksum and [`FOOTER_MAGIC`].
const FOOTER_BYTES: usize = 16;

/// The label by which the series of a metric are sorted first.
pub(crate) const INSTANCE: &str = "instance";

/// The order of series in a block: by name, by instance, and by all labels, since most queries select one metric, often
/// of one replica.
pub(crate) fn block_order(a: &Labels, b: &Labels) -> Ordering {
    compare_pairs(&a.iter(), &b.iter())
}

/// [`block_order`] of label sets as pairs, by name.
fn compare_pairs<'l>(
    a: &(impl Iterator<Item = (&'l str, &'l str)> + Clone),
    b: &(impl Iterator<Item = (&'l str, &'l str)> + Clone),
) -> Ordering {
    fn value<'l>(mut pairs: impl Iterator<Item = (&'l str, &'l str)>, name: &str) -> Option<&'l str> {
        pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
    }
    let by = |name| value(a.clone(), name).cmp(&value(b.clone(), name));
    by(METRIC_NAME).then_with(|| by(INSTANCE)).then_with(|| a.clone().cmp(b.clone()))
}
