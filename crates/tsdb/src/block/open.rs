//! Opening a block: by its back record or, if the end of the file is damaged, by scanning all records.
use super::block_index::{BlockIndex, BlockSummary};
use super::cache::BlockCache;
use super::rebuild::scan_records;
use super::{BACK, FOOTER_BYTES, FOOTER_MAGIC};
use crate::codec::{ByteReader, Decompressor, read_record};
use crate::disk::FileReader;
use crate::disk::header::{FileKind, HEADER_BYTES, HeaderError, check_header};
use crate::disk::read_error::ReadError;
use crate::time::TimeBounds;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;

/// A block that is open for reading. Its index and its series stay in the file until a query needs them.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) id: u64,
    pub(crate) size_bytes: u64,
    pub(crate) bounds: TimeBounds,
    pub(crate) samples: u64,
    pub(crate) series: u32,
    /// The ids of the blocks that this one replaces.
    pub(crate) replaces: Vec<u64>,
    /// What was lost if it was damaged when it was opened.
    pub(crate) loss: Option<BlockLoss>,
    pub(super) file: Arc<dyn FileReader>,
    index: IndexSource,
    /// The offsets of the records that were found damaged.
    pub(super) damaged: Mutex<HashSet<u64>>,
}

/// Where the index of a block is.
#[derive(Debug)]
enum IndexSource {
    /// In the record at this offset, with this length.
    File { offset: u64, length: u32 },
    /// In memory, as the record in the file is damaged.
    Rebuilt(Arc<BlockIndex>),
}

/// What is lost of a damaged block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockLoss {
    /// Series without any samples left.
    pub(crate) series: usize,
    /// Bytes that belong to no intact record.
    pub(crate) bytes: u64,
}

impl Block {
    pub(crate) fn open(id: u64, file: Arc<dyn FileReader>) -> Result<Self, ReadError> {
        let size_bytes = file.size_bytes()?;
        let mut header = [0; HEADER_BYTES];
        if size_bytes >= HEADER_BYTES as u64 {
            file.read_at(0, &mut header)?;
        }
        // Damage to the header alone loses nothing.
        if let Err(HeaderError::Version(version)) = check_header(FileKind::Block, &header) {
            return Err(ReadError::Version(version));
        }
        let (summary, index, loss) = match read_summary(&*file, size_bytes)? {
            Some((summary, index)) => (summary, index, None),
            None => {
                let (summary, index, loss) = scan_records(&*file)?;
                (summary, IndexSource::Rebuilt(Arc::new(index)), Some(loss))
            }
        };
        let BlockSummary { replaces, bounds, samples, series } = summary;
        let damaged = Mutex::default();
        Ok(Self { id, size_bytes, bounds, samples, series, replaces, loss, file, index, damaged })
    }

    /// The index, from `cache` if it is there.
    pub(crate) fn index(&self, cache: Option<&BlockCache>) -> Result<Arc<BlockIndex>, ReadError> {
        let (offset, length) = match &self.index {
            IndexSource::Rebuilt(index) => return Ok(Arc::clone(index)),
            IndexSource::File { offset, length } => (*offset, *length),
        };
        if let Some(index) = cache.and_then(|cache| cache.indexes.get(&self.id)) {
            return Ok(index);
        }
        let mut record = vec![0; length as usize];
        self.file.read_at(offset, &mut record)?;
        let index = read_record(&record).and_then(|payload| decompress(payload, BACK)).and_then(|raw| {
            let mut bytes = ByteReader(&raw);
            let summary = BlockSummary::read(&mut bytes)?;
            BlockIndex::read(&mut bytes, summary.series)
        });
        let Some(index) = index.map(Arc::new) else {
            let records = u64::from(self.damaged.lock().insert(offset));
            return Err(ReadError::Damaged { records, samples: records * self.samples });
        };
        if let Some(cache) = cache {
            cache.indexes.insert(self.id, Arc::clone(&index), index.size_bytes());
        }
        Ok(index)
    }
}

/// The summary, and where the index is; `None` if the back record or what locates it is damaged.
fn read_summary(file: &dyn FileReader, size_bytes: u64) -> Result<Option<(BlockSummary, IndexSource)>, ReadError> {
    let Some((offset, length)) = find_back_record(file, size_bytes)? else { return Ok(None) };
    let mut record = vec![0; length as usize];
    file.read_at(offset, &mut record)?;
    let raw = read_record(&record).and_then(|payload| decompress(payload, BACK));
    let summary = raw.and_then(|raw| BlockSummary::read(&mut ByteReader(&raw)));
    Ok(summary.map(|summary| (summary, IndexSource::File { offset, length })))
}

/// The offset and the length of the back record, which the footer locates; `None` if the footer is damaged.
pub(super) fn find_back_record(file: &dyn FileReader, size_bytes: u64) -> io::Result<Option<(u64, u32)>> {
    let Some(footer_at) = size_bytes.checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
    let mut footer = [0; FOOTER_BYTES];
    file.read_at(footer_at, &mut footer)?;
    let mut bytes = ByteReader(&footer);
    let (Some(offset_bytes), Some(sum)) = (bytes.array(), bytes.array()) else { return Ok(None) };
    let offset = u64::from_le_bytes(offset_bytes);
    let is_intact = bytes.0 == FOOTER_MAGIC && u32::from_le_bytes(sum) == crc32c::crc32c(&offset_bytes);
    let length = footer_at.checked_sub(offset).and_then(|length| u32::try_from(length).ok()).filter(|_| is_intact);
    Ok(length.map(|length| (offset, length)))
}

pub(super) fn decompress(payload: &[u8], tag: u8) -> Option<Vec<u8>> {
    let (_, compressed) = payload.split_first().filter(|(own, _)| **own == tag)?;
    let mut raw = Vec::new();
    Decompressor::new().read(compressed, &mut raw)?;
    Some(raw)
}
