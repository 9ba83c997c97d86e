//! Chunk files: finished chunks that have left memory and are in no block yet. `FORMAT.md` describes them.
use super::chunk::Chunk;
use crate::codec::{ByteReader, RECORD_HEADER_BYTES, decode_timeline, encode_timeline, write_record, write_varint};
use crate::disk::FileReader;
use crate::disk::read_error::{DAMAGED, ReadError};
use crate::time::TimeBounds;
use std::sync::Arc;

/// The tag of a record that names the series of a group's slots.
pub(crate) const SERIES: u8 = 1;
/// The tag of a record with the times of a chunk and the table of its columns.
pub(crate) const CHUNK: u8 = 2;
/// The tag of a record with the columns of the chunk before it.
pub(crate) const COLUMNS: u8 = 3;

/// Size of an entry of the table of columns.
const TABLE_ENTRY_BYTES: u64 = 8;

/// A file that is open for reading.
#[derive(Debug)]
pub(crate) struct ChunkFile {
    pub(crate) id: u64,
    pub(crate) reader: Arc<dyn FileReader>,
}

/// A chunk in a file.
#[derive(Debug)]
pub(crate) struct FileChunk {
    pub(super) file: Arc<ChunkFile>,
    place: ChunkPlace,
    /// As [`encode_timeline`] wrote it.
    timeline: Box<[u8]>,
    pub(super) bounds: TimeBounds,
    /// In order of slots. Shared by the chunks of a group that have the same series.
    pub(super) columns: Arc<[FileColumn]>,
}

/// Where the parts of a chunk are in its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkPlace {
    /// The offset of the table: where each column ends, and its checksum.
    table_at: u64,
    /// The offset of the first column.
    columns_at: u64,
    /// How many columns there are.
    columns: u32,
}

/// A column of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileColumn {
    pub(crate) slot: u32,
    /// Its number among the columns in the file.
    pub(crate) position: u32,
}

/// Some consecutive columns of a chunk, read from its file.
#[derive(Debug)]
pub(super) struct ColumnRun {
    /// The position of the first one.
    pub(super) first: u32,
    /// The end within `bytes` and the checksum of each.
    ends: Vec<(usize, u32)>,
    bytes: Vec<u8>,
}

/// What the record of a chunk says.
pub(crate) struct ChunkHead {
    pub(crate) group: u64,
    timeline: Box<[u8]>,
    bounds: TimeBounds,
    /// By position.
    pub(crate) slots: Vec<u32>,
    columns_bytes: u32,
}

/// Appends the records of a chunk of `group`, of which the first begins at `offset` in the file.
pub(crate) fn write_chunk(out: &mut Vec<u8>, offset: u64, group: u64, chunk: &Chunk) -> ChunkPlace {
    let start = out.len();
    write_record(out, |payload| {
        payload.push(CHUNK);
        write_varint(payload, group);
        let mut timeline = Vec::new();
        encode_timeline(chunk.times_ms(), &mut timeline);
        write_varint(payload, timeline.len() as u64);
        payload.extend_from_slice(&timeline);
        write_varint(payload, chunk.columns().len() as u64);
        let mut previous = 0;
        for (slot, _) in chunk.columns() {
            write_varint(payload, u64::from(slot - previous));
            previous = *slot;
        }
        let mut from = 0;
        for (_, end) in chunk.columns() {
            payload.extend_from_slice(&end.to_le_bytes());
            let column = chunk.tokens().get(from..*end as usize).unwrap_or_default();
            payload.extend_from_slice(&crc32c::crc32c(column).to_le_bytes());
            from = *end as usize;
        }
    });
    let end = offset + (out.len() - start) as u64;
    write_record(out, |payload| {
        payload.push(COLUMNS);
        payload.extend_from_slice(chunk.tokens());
    });
    ChunkPlace::before(end, chunk.columns().len())
}

impl ChunkPlace {
    /// The place of a chunk whose record ends at `end`, where that of its columns begins.
    fn before(end: u64, columns: usize) -> Self {
        let table_at = end.saturating_sub(columns as u64 * TABLE_ENTRY_BYTES);
        Self { table_at, columns_at: end + RECORD_HEADER_BYTES as u64 + 1, columns: columns as u32 }
    }
}

impl ChunkHead {
    /// Reads the payload of a record, after its tag; `None` if it is damaged.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let mut bytes = ByteReader(payload);
        let group = bytes.varint()?;
        let timeline: Box<[u8]> = bytes.length_prefixed()?.into();
        let times_ms = decode_timeline(&timeline)?;
        let bounds = TimeBounds { first_ms: *times_ms.first()?, last_ms: *times_ms.last()? };
        let count = bytes.varint_usize()?;
        let (mut slots, mut slot) = (Vec::new(), 0_u32);
        for _ in 0..count {
            slot = slot.checked_add(u32::try_from(bytes.varint()?).ok()?)?;
            slots.push(slot);
        }
        let columns_bytes = match count.checked_sub(1) {
            Some(last) => u32::from_le_bytes(*bytes.0.get(last * TABLE_ENTRY_BYTES as usize..)?.first_chunk()?),
            None => 0,
        };
        let is_whole = bytes.0.len() as u64 == count as u64 * TABLE_ENTRY_BYTES;
        is_whole.then_some(Self { group, timeline, bounds, slots, columns_bytes })
    }

    /// The chunk, whose record ends at `end`, where that of its columns begins.
    pub(crate) fn into_chunk(self, file: &Arc<ChunkFile>, end: u64, columns: Arc<[FileColumn]>) -> FileChunk {
        let place = ChunkPlace::before(end, self.slots.len());
        FileChunk { file: Arc::clone(file), place, timeline: self.timeline, bounds: self.bounds, columns }
    }

    /// Whether a record of columns, with this length of its payload, is that of this chunk.
    pub(crate) fn fits(&self, payload_bytes: u64) -> bool {
        payload_bytes == u64::from(self.columns_bytes) + 1
    }
}

impl FileChunk {
    /// The chunk that was written to `place`. `previous` are the columns of another chunk of its group, which are shared
    /// if they are the same.
    pub(crate) fn written(
        file: &Arc<ChunkFile>,
        place: ChunkPlace,
        chunk: &Chunk,
        previous: Option<&Arc<[FileColumn]>>,
    ) -> Self {
        let mut timeline = Vec::new();
        encode_timeline(chunk.times_ms(), &mut timeline);
        let columns = chunk.columns().iter().zip(0..).map(|((slot, _), position)| FileColumn { slot: *slot, position });
        let columns = match previous {
            Some(previous) if previous.iter().copied().eq(columns.clone()) => Arc::clone(previous),
            _ => columns.collect(),
        };
        let bounds = chunk.time_bounds().unwrap_or_default();
        Self { file: Arc::clone(file), place, timeline: timeline.into(), bounds, columns }
    }

    pub(crate) fn columns(&self) -> &Arc<[FileColumn]> {
        &self.columns
    }

    pub(super) fn times_ms(&self) -> Vec<i64> {
        decode_timeline(&self.timeline).unwrap_or_default()
    }

    /// The position of the column of a slot.
    pub(super) fn position(&self, slot: u32) -> Option<u32> {
        let at = self.columns.binary_search_by_key(&slot, |column| column.slot).ok()?;
        Some(self.columns[at].position)
    }

    /// Memory used, roughly, without what it shares.
    pub(super) fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.timeline.len()
    }

    /// What no other chunk has in common with this one.
    pub(super) fn key(&self) -> (u64, u64) {
        (self.file.id, self.place.table_at)
    }

    /// Reads up to `count` columns from position `first` on.
    pub(super) fn read_run(&self, first: u32, count: usize) -> Result<ColumnRun, ReadError> {
        let count = count.min(self.place.columns.saturating_sub(first) as usize);
        // The end of the column before the first one is where that begins.
        let from = first.saturating_sub(1);
        let entries = count + (first - from) as usize;
        let mut table = vec![0; entries * TABLE_ENTRY_BYTES as usize];
        self.file.reader.read_at(self.place.table_at + u64::from(from) * TABLE_ENTRY_BYTES, &mut table)?;
        let mut bytes = ByteReader(&table);
        let mut read = Vec::with_capacity(entries);
        while let (Some(end), Some(sum)) = (bytes.array(), bytes.array()) {
            read.push((u32::from_le_bytes(end), u32::from_le_bytes(sum)));
        }
        let start = if first > 0 { read.first().map_or(0, |(end, _)| *end) } else { 0 };
        let own = read.split_off((first - from) as usize);
        if !own.iter().map(|(end, _)| *end).is_sorted() || own.first().is_some_and(|(end, _)| *end < start) {
            return Err(DAMAGED);
        }
        let length = own.last().map_or(0, |(end, _)| end - start);
        let mut columns = vec![0; length as usize];
        self.file.reader.read_at(self.place.columns_at + u64::from(start), &mut columns)?;
        let ends = own.iter().map(|(end, sum)| ((end - start) as usize, *sum)).collect();
        Ok(ColumnRun { first, ends, bytes: columns })
    }
}

impl ColumnRun {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.ends)
    }

    /// Whether it has the column at `position`.
    pub(super) fn has(&self, position: u32) -> bool {
        position.checked_sub(self.first).is_some_and(|at| (at as usize) < self.ends.len())
    }

    /// The column at `position`; fails if it is damaged.
    pub(super) fn column(&self, position: u32) -> Result<&[u8], ReadError> {
        let at = position.checked_sub(self.first).ok_or(DAMAGED)? as usize;
        let (end, sum) = self.ends.get(at).ok_or(DAMAGED)?;
        let start = at.checked_sub(1).map_or(0, |previous| self.ends[previous].0);
        let column = self.bytes.get(start..*end).ok_or(DAMAGED)?;
        if crc32c::crc32c(column) == *sum { Ok(column) } else { Err(DAMAGED) }
    }
}
