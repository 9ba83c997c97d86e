//! How samples and label sets become bytes: one set of encodings for memory, the write-ahead log and blocks.
mod bitpack;
mod column;
mod labels;
mod record;
mod stripe;
mod timeline;
mod varint;

pub(crate) use column::{Column, for_each_value};
pub(crate) use labels::{LabelReader, write_labels};
pub(crate) use record::{Compressor, Decompressor, Scanner, read_frame, write_frame};
pub(crate) use stripe::{PAGE_ROWS, decode_dense, decode_page, encode_page};
pub(crate) use timeline::{decode_timeline, encode_timeline};
pub(crate) use varint::{Bytes, unzigzag, write_varint, zigzag};
