//! The encodings of samples and label sets, shared by memory, the write-ahead log and blocks.
mod bitpack;
mod column;
mod compress;
mod labels;
mod record;
mod series_record;
mod stripe;
mod timeline;
mod varint;

pub(crate) use column::{ColumnEncoder, for_each_value};
pub(crate) use compress::{Compressor, Decompressor};
pub(crate) use labels::LabelReader;
pub(crate) use record::{RECORD_HEADER_BYTES, RECORD_MARK, read_record, write_record};
pub(crate) use series_record::{read_series_record, write_series_record};
pub(crate) use stripe::{STRIPE_ROWS, decode_dense_stripe, decode_stripe, encode_stripe};
pub(crate) use timeline::{decode_timeline, encode_timeline};
pub(crate) use varint::{ByteReader, unzigzag, write_varint, zigzag};
