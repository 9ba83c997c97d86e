//! Opening a block: by its back record or, if the end of the file is damaged, by scanning all records.
use super::block_index::{BlockIndex, ColumnTable, RecordRef, RecordsBySlice, SeriesBounds, read_table};
use super::{BACK, FOOTER_BYTES, FOOTER_MAGIC, FRONT, TIMES, VALUES};
use crate::codec::{ByteReader, Decompressor, LabelReader, decode_timeline, read_record};
use crate::disk::FileReader;
use crate::disk::header::{FileKind, HEADER_BYTES, HeaderError, check_header};
use crate::disk::record_scanner::RecordScanner;
use crate::time::{TimeBounds, TimeRange};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::Arc;

/// A block that is open for reading.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) id: u64,
    pub(crate) size_bytes: u64,
    pub(crate) bounds: TimeBounds,
    pub(crate) samples: u64,
    /// By series id.
    pub(crate) entries: Vec<BlockEntry>,
    /// The ids of the blocks that this one replaces.
    pub(crate) replaces: Vec<u64>,
    /// What was lost if it was damaged when it was opened.
    pub(crate) loss: Option<BlockLoss>,
    pub(super) file: Arc<dyn FileReader>,
    pub(super) times: RecordsBySlice,
    pub(super) times_copies: RecordsBySlice,
    pub(super) values: RecordsBySlice,
    /// The offsets of the records that were found damaged.
    pub(super) damaged: Mutex<HashSet<u64>>,
}

/// A series in a block. Times are relative to the block's first one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockEntry {
    pub(crate) series_id: u32,
    pub(crate) ordinal: u32,
    pub(crate) first_after_ms: u32,
    pub(crate) last_after_ms: u32,
}

/// What is lost of a damaged block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockLoss {
    /// Series without any samples left.
    pub(crate) series: usize,
    /// Bytes that belong to no intact record.
    pub(crate) bytes: u64,
}

/// Why a block or a part of it cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The content is damaged. The numbers are of records, and samples in them, not reported before.
    #[error("damaged")]
    Damaged { records: u64, samples: u64 },
    #[error("it has format version {0}")]
    Version(u32),
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        // A file that is too short is damaged; all other errors may be temporary.
        if error.kind() == io::ErrorKind::UnexpectedEof { DAMAGED } else { Self::Io(error) }
    }
}

const DAMAGED: ReadError = ReadError::Damaged { records: 1, samples: 0 };

/// Returns the id of the series with a label set, or `None` to leave it out.
pub(crate) type ResolveSeries<'r> = dyn FnMut(&[(&str, &str)]) -> Option<u32> + 'r;

/// What opening a block reads first.
struct Contents {
    /// The content of the front record.
    front: Vec<u8>,
    index: BlockIndex,
    loss: Option<BlockLoss>,
}

impl Block {
    pub(crate) fn open(id: u64, file: Arc<dyn FileReader>, resolve: &mut ResolveSeries<'_>) -> Result<Self, ReadError> {
        let size_bytes = file.size_bytes()?;
        let mut header = [0; HEADER_BYTES];
        if size_bytes >= HEADER_BYTES as u64 {
            file.read_at(0, &mut header)?;
        }
        // Damage to the header alone loses nothing.
        if let Err(HeaderError::Version(version)) = check_header(FileKind::Block, &header) {
            return Err(ReadError::Version(version));
        }
        let contents = match read_back_record(&*file, size_bytes)? {
            Some(contents) => contents,
            None => scan_records(&*file)?,
        };
        Self::with_contents(id, file, size_bytes, contents, resolve)
    }

    fn with_contents(
        id: u64,
        file: Arc<dyn FileReader>,
        size_bytes: u64,
        contents: Contents,
        resolve: &mut ResolveSeries<'_>,
    ) -> Result<Self, ReadError> {
        let Contents { front, index, loss } = contents;
        let BlockIndex { times, times_copies, values, series, bounds, samples } = index;
        let mut entries = Vec::with_capacity(series.len());
        let mut series = series.into_iter().peekable();
        let (replaces, mut ordinal) = (read_replaced(&mut ByteReader(&front)).ok_or(DAMAGED)?, 0);
        for_each_label_set(&front, |pairs| {
            if let Some(SeriesBounds { bounds: own, .. }) = series.next_if(|series| series.ordinal == ordinal)
                && let Some(series_id) = resolve(pairs)
            {
                let after = |time_ms: i64| u32::try_from(time_ms.abs_diff(bounds.first_ms)).unwrap_or(u32::MAX);
                let (first_after_ms, last_after_ms) = (after(own.first_ms), after(own.last_ms));
                entries.push(BlockEntry { series_id, ordinal, first_after_ms, last_after_ms });
            }
            ordinal += 1;
        })
        .ok_or(DAMAGED)?;
        entries.sort_unstable_by_key(|entry| entry.series_id);
        let damaged = Mutex::default();
        Ok(Self {
            id,
            size_bytes,
            bounds,
            samples,
            entries,
            replaces,
            loss,
            file,
            times,
            times_copies,
            values,
            damaged,
        })
    }

    /// The entry of a series, if it may have samples in `range`.
    pub(crate) fn entry(&self, series_id: u32, range: TimeRange) -> Option<&BlockEntry> {
        let at = self.entries.binary_search_by_key(&series_id, |entry| entry.series_id).ok()?;
        Some(&self.entries[at]).filter(|entry| self.is_within(entry, range))
    }

    /// Whether the series of an entry may have samples in `range`.
    pub(crate) fn is_within(&self, entry: &BlockEntry, range: TimeRange) -> bool {
        let at = |after_ms: u32| self.bounds.first_ms.saturating_add(i64::from(after_ms));
        TimeBounds { first_ms: at(entry.first_after_ms), last_ms: at(entry.last_after_ms) }.overlaps(range)
    }
}

/// Reads the ids of replaced blocks at the start of the front record.
fn read_replaced(front: &mut ByteReader<'_>) -> Option<Vec<u64>> {
    let count = front.varint_usize()?;
    (0..count).map(|_| front.varint()).collect()
}

fn for_each_label_set(front: &[u8], mut visit: impl FnMut(&[(&str, &str)])) -> Option<()> {
    let mut bytes = ByteReader(front);
    read_replaced(&mut bytes)?;
    let mut labels = LabelReader::default();
    for _ in 0..bytes.varint_usize()? {
        visit(labels.next(&mut bytes)?);
    }
    Some(())
}

/// Reads the back record, which the footer locates; `None` if either is damaged.
fn read_back_record(file: &dyn FileReader, size_bytes: u64) -> Result<Option<Contents>, ReadError> {
    let Some(footer_at) = size_bytes.checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
    let mut footer = [0; FOOTER_BYTES];
    file.read_at(footer_at, &mut footer)?;
    let mut bytes = ByteReader(&footer);
    let (Some(offset_bytes), Some(sum)) = (bytes.array(), bytes.array()) else { return Ok(None) };
    let offset = u64::from_le_bytes(offset_bytes);
    let is_intact = bytes.0 == FOOTER_MAGIC && u32::from_le_bytes(sum) == crc32c::crc32c(&offset_bytes);
    let Some(length) = footer_at.checked_sub(offset).filter(|_| is_intact) else { return Ok(None) };
    let mut record = vec![0; length as usize];
    file.read_at(offset, &mut record)?;
    let raw = read_record(&record).and_then(|payload| decompress(payload, BACK));
    Ok(raw.and_then(|raw| {
        let mut bytes = ByteReader(&raw);
        let front = bytes.length_prefixed()?.to_vec();
        Some(Contents { front, index: BlockIndex::read(&mut bytes)?, loss: None })
    }))
}

fn decompress(payload: &[u8], tag: u8) -> Option<Vec<u8>> {
    let (_, compressed) = payload.split_first().filter(|(own, _)| **own == tag)?;
    let mut raw = Vec::new();
    Decompressor::new().read(compressed, &mut raw)?;
    Some(raw)
}

/// Rebuilds front and index from the intact records.
fn scan_records(file: &dyn FileReader) -> Result<Contents, ReadError> {
    let mut front = None;
    let mut index = BlockIndex { bounds: TimeBounds::EMPTY, ..BlockIndex::default() };
    let mut scanner = RecordScanner::new(file, HEADER_BYTES as u64)?;
    let mut ordinals = BTreeSet::new();
    while let Some(record) = scanner.next_record()? {
        let Some((tag, _)) = record.payload.split_first() else { continue };
        let Some(raw) = decompress(record.payload, *tag) else { continue };
        match *tag {
            FRONT => front = Some(raw),
            // The back record repeats the front.
            BACK => front = front.or_else(|| ByteReader(&raw).length_prefixed().map(<[u8]>::to_vec)),
            TIMES | VALUES => {
                let Some(ColumnTable { slice, columns }) = read_table(&raw) else { continue };
                let Some(first) = columns.first().map(|column| column.number) else { continue };
                let record_ref = RecordRef { offset: record.offset, length: record.length, first, samples: 0 };
                if *tag == VALUES {
                    ordinals.extend(columns.iter().map(|column| column.number));
                    index.values[slice].push(record_ref);
                    continue;
                }
                // Of two copies either will do.
                match index.times[slice].binary_search_by_key(&first, |own| own.first) {
                    Ok(_) => continue,
                    Err(position) => index.times[slice].insert(position, record_ref),
                }
                for column in &columns {
                    let times_ms = decode_timeline(&raw[column.offset..column.offset + column.length]);
                    let Some(times_ms) = times_ms else { continue };
                    let (Some(first), Some(last)) = (times_ms.first(), times_ms.last()) else { continue };
                    index.bounds = index.bounds.union(TimeBounds { first_ms: *first, last_ms: *last });
                }
            }
            _ => {}
        }
    }
    let front = front.filter(|_| index.times.iter().any(|records| !records.is_empty())).ok_or(DAMAGED)?;
    let mut series = 0;
    for_each_label_set(&front, |_| series += 1).ok_or(DAMAGED)?;
    let loss =
        BlockLoss { series: series - series.min(ordinals.len()), bytes: scanner.damaged_bytes + scanner.torn_bytes };
    let bounds = index.bounds;
    index.series = ordinals.into_iter().map(|ordinal| SeriesBounds { ordinal, bounds }).collect();
    Ok(Contents { front, index, loss: Some(loss) })
}
