//! How samples and label sets become bytes: one set of encodings for memory, the write-ahead log and blocks.
mod column;
mod frame;
mod labels;
mod packed;
mod page;
mod timeline;
mod varint;

pub(crate) use column::{Column, for_each_value};
pub(crate) use frame::{Compressor, Decompressor, Scanner, read_frame, write_frame};
pub(crate) use labels::{LabelReader, write_labels};
pub(crate) use page::{PAGE_ROWS, decode_dense, decode_page, encode_page};
pub(crate) use timeline::{decode_timeline, encode_timeline};
pub(crate) use varint::{Bytes, unzigzag, write_varint, zigzag};
