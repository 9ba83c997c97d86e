//! Blocks: files that are written once, hold the samples of some hours or a day, and are then only read.
mod assemble;
mod cursor;
mod index;
mod open;
mod slice;
mod writer;

pub(crate) use assemble::Assembler;
pub(crate) use cursor::{Cursor, Reader};
pub(crate) use open::{Block, Unreadable};
pub(crate) use writer::BlockWriter;

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
