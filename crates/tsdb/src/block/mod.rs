//! Blocks: files that are written once, hold the samples of some hours or a day, and are then only read.
mod assemble;
mod cache;
mod cursor;
mod index;
mod open;
mod readahead;
mod slice;
mod writer;

pub(crate) use assemble::Assembler;
pub(crate) use cache::Recent;
pub(crate) use cursor::{Cursor, Reader};
pub(crate) use open::{Block, Unreadable};
pub(crate) use readahead::MOST_AHEAD;
pub(crate) use writer::BlockWriter;

use promql::{Labels, METRIC_NAME};
use std::cmp::Ordering;

/// The payload's first byte of a frame with label sets, at the front.
const FRONT: u8 = b'F';
/// Of one with times.
const TIMES: u8 = b'T';
/// Of one with values.
const VALUES: u8 = b'V';
/// Of one with label sets, bounds and the places of all other frames, at the end.
const BACK: u8 = b'B';

/// What a block's file ends with, after the offset of its back frame and that offset's checksum.
const END: [u8; 4] = *b"ifbe";
/// Bytes of offset, checksum and [`END`].
const FOOTER_BYTES: usize = 16;

/// The order of series in a block: by name, then by who has it, then by the rest, as a query asks for one metric, and
/// often for that of one replica.
pub(crate) fn in_block(a: &Labels, b: &Labels) -> Ordering {
    let of = |labels| [METRIC_NAME, "instance"].map(|name| Labels::get(labels, name));
    of(a).cmp(&of(b)).then_with(|| a.cmp(b))
}
