//! Opening a chunk file: its chunks by group, with their columns left in the file.
use crate::codec::{ByteReader, Decompressor, RECORD_HEADER_BYTES, read_series_record};
use crate::disk::header::{FileKind, HEADER_BYTES, HeaderError, check_header};
use crate::disk::record_scanner::RecordScanner;
use crate::head::chunk_file::{CHUNK, COLUMNS, ChunkFile, ChunkHead, FileColumn, SERIES};
use crate::head::rows::Rows;
use crate::index::Index;
use hashbrown::HashMap;
use promql::Labels;
use std::io;
use std::sync::Arc;

/// What opening a chunk file found.
#[derive(Debug, Default)]
pub(crate) struct LoadedChunks {
    pub(crate) groups: Vec<Arc<Rows>>,
    pub(crate) damaged_bytes: u64,
    /// Incomplete bytes at the end, as a crash leaves them.
    pub(crate) torn_bytes: u64,
    /// The file's format version, if it is another one; nothing was read then.
    pub(crate) other_version: Option<u32>,
}

/// A group of the file.
struct LoadedGroup {
    rows: Arc<Rows>,
    /// From slots in the file to slots in memory.
    slots: HashMap<u32, u32>,
    columns: Option<Arc<[FileColumn]>>,
}

/// Reads all but the columns of a chunk file. Its groups are closed.
pub(crate) fn load_chunk_file(file: ChunkFile, index: &mut Index) -> io::Result<LoadedChunks> {
    let mut loaded = LoadedChunks::default();
    let mut header = [0; HEADER_BYTES];
    if file.reader.size_bytes()? >= HEADER_BYTES as u64 {
        file.reader.read_at(0, &mut header)?;
    }
    if let Err(HeaderError::Version(version)) = check_header(FileKind::Chunks, &header) {
        loaded.other_version = Some(version);
        return Ok(loaded);
    }
    let file = Arc::new(file);
    let reader = Arc::clone(&file.reader);
    let mut scanner = RecordScanner::new(&*reader, HEADER_BYTES as u64)?;
    let mut groups: HashMap<u64, LoadedGroup> = HashMap::new();
    let (mut decompressor, mut raw) = (Decompressor::new(), Vec::new());
    while let Some(record) = scanner.next_record()? {
        let end = record.offset + u64::from(record.length);
        let length = u64::from(record.length);
        let Some((tag, payload)) = record.payload.split_first() else { continue };
        let read = match *tag {
            SERIES => add_series(payload, &mut groups, &mut decompressor, &mut raw, index),
            CHUNK => match ChunkHead::read(payload) {
                Some(head) => {
                    let columns_bytes =
                        scanner.skip_record(COLUMNS)?.map(|length| length as usize - RECORD_HEADER_BYTES);
                    match columns_bytes {
                        Some(bytes) if head.fits(bytes as u64) => add_chunk(head, &file, end, &mut groups),
                        Some(_) => None,
                        // The end of the file: the log still has the samples.
                        None => Some(()),
                    }
                }
                None => None,
            },
            // Their chunk is damaged.
            COLUMNS => None,
            _ => None,
        };
        if read.is_none() {
            loaded.damaged_bytes += length;
        }
    }
    loaded.damaged_bytes += scanner.damaged_bytes;
    loaded.torn_bytes = scanner.torn_bytes;
    loaded.groups.extend(groups.into_values().map(|group| group.rows));
    Ok(loaded)
}

fn add_series(
    payload: &[u8],
    groups: &mut HashMap<u64, LoadedGroup>,
    decompressor: &mut Decompressor,
    raw: &mut Vec<u8>,
    index: &mut Index,
) -> Option<()> {
    let mut bytes = ByteReader(payload);
    let number = bytes.varint()?;
    decompressor.read(bytes.0, raw)?;
    let group = groups.entry(number).or_insert_with(|| LoadedGroup {
        rows: Arc::new(Rows::of_the_past()),
        slots: HashMap::new(),
        columns: None,
    });
    read_series_record(raw, |slot, pairs| {
        let labels = Labels::from_pairs(pairs.iter().copied());
        // Stored series are always loaded, even if the limit is lower now.
        let registered = index.register(&labels, &group.rows, slot, usize::MAX)?;
        group.slots.insert(slot, registered.slot);
        Some(())
    })
}

/// Adds a chunk, without the columns of slots that a damaged record named.
fn add_chunk(head: ChunkHead, file: &Arc<ChunkFile>, end: u64, groups: &mut HashMap<u64, LoadedGroup>) -> Option<()> {
    let group = groups.get_mut(&head.group)?;
    let numbered = head.slots.iter().zip(0..);
    let mut columns: Vec<FileColumn> =
        numbered.filter_map(|(slot, position)| Some(FileColumn { slot: *group.slots.get(slot)?, position })).collect();
    columns.sort_by_key(|column| column.slot);
    columns.dedup_by_key(|column| column.slot);
    let is_whole = columns.len() == head.slots.len();
    let columns: Arc<[FileColumn]> = match &group.columns {
        Some(previous) if **previous == *columns => Arc::clone(previous),
        _ => columns.into(),
    };
    group.columns = Some(Arc::clone(&columns));
    group.rows.push_file_chunk(head.into_chunk(file, end, columns));
    is_whole.then_some(())
}
