//! Reading a segment of the log back into memory.
use super::{SCRAPE, SERIES};
use crate::codec::{ByteReader, Decompressor, for_each_value, read_series_record, unzigzag};
use crate::disk::FileReader;
use crate::disk::header::{FileKind, HEADER_BYTES, HeaderError, check_header};
use crate::disk::record_scanner::RecordScanner;
use crate::head::rows::Rows;
use crate::index::Index;
use hashbrown::HashMap;
use promql::Labels;
use std::io;
use std::sync::Arc;

/// The content of a segment.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    pub(crate) groups: Vec<Arc<Rows>>,
    pub(crate) samples: u64,
    /// Samples of intact records whose series were named in a damaged one.
    pub(crate) lost_samples: u64,
    pub(crate) damaged_bytes: u64,
    /// Incomplete bytes at the end, as a crash leaves them.
    pub(crate) torn_bytes: u64,
    /// The segment's format version, if it is another one; nothing was read then.
    pub(crate) other_version: Option<u32>,
}

/// A group of the segment.
struct ReplayedGroup {
    rows: Arc<Rows>,
    /// From slots in the segment to slots in memory.
    slots: HashMap<u32, u32>,
}

/// Reads a segment. Its groups are closed: numbers of groups have no meaning in other segments.
pub(crate) fn replay(file: &dyn FileReader, index: &mut Index) -> io::Result<Replayed> {
    let mut replayed = Replayed::default();
    let mut header = [0; HEADER_BYTES];
    if file.size_bytes()? >= HEADER_BYTES as u64 {
        file.read_at(0, &mut header)?;
    }
    if let Err(HeaderError::Version(version)) = check_header(FileKind::Log, &header) {
        replayed.other_version = Some(version);
        return Ok(replayed);
    }
    let mut scanner = RecordScanner::new(file, HEADER_BYTES as u64)?;
    let mut groups: HashMap<u64, ReplayedGroup> = HashMap::new();
    let mut decompressor = Decompressor::new();
    let (mut raw, mut row) = (Vec::new(), Vec::new());
    while let Some(record) = scanner.next_record()? {
        let mut bytes = ByteReader(record.payload);
        let read = (|| match bytes.array()? {
            [SERIES] => {
                let group = get_or_add_group(&mut groups, bytes.varint()?);
                decompressor.read(bytes.0, &mut raw)?;
                group.add_series(&raw, index)
            }
            [SCRAPE] => {
                let group = get_or_add_group(&mut groups, bytes.varint()?);
                let time_ms = unzigzag(bytes.varint()?);
                row.clear();
                for_each_value(bytes.0, 0, u32::MAX as usize, |slot, value| row.push((slot as u32, value)));
                let appended = group.append(time_ms, &row);
                replayed.samples += appended;
                replayed.lost_samples += row.len() as u64 - appended;
                Some(())
            }
            _ => None,
        })();
        if read.is_none() {
            replayed.damaged_bytes += u64::from(record.length);
        }
    }
    replayed.damaged_bytes += scanner.damaged_bytes;
    replayed.torn_bytes = scanner.torn_bytes;
    replayed.groups.extend(groups.into_values().map(|group| group.rows));
    Ok(replayed)
}

fn get_or_add_group(groups: &mut HashMap<u64, ReplayedGroup>, number: u64) -> &mut ReplayedGroup {
    groups.entry(number).or_insert_with(|| ReplayedGroup { rows: Arc::new(Rows::of_the_past()), slots: HashMap::new() })
}

impl ReplayedGroup {
    /// Adds the series of a record; `None` if it is damaged.
    fn add_series(&mut self, raw: &[u8], index: &mut Index) -> Option<()> {
        read_series_record(raw, |slot, pairs| {
            if !self.slots.contains_key(&slot) {
                let labels = Labels::from_pairs(pairs.iter().copied());
                // Stored series are always loaded, even if the limit is lower now.
                let registered = index.register(&labels, &self.rows, slot, usize::MAX)?;
                self.slots.insert(slot, registered.slot);
            }
            Some(())
        })
    }

    /// Appends a scrape, or adds to the previous one if the time is the same; returns the number of samples appended.
    fn append(&self, time_ms: i64, row: &[(u32, f64)]) -> u64 {
        let mut state = self.rows.state.lock();
        if state.last_ms.is_some_and(|last_ms| time_ms < last_ms) {
            return 0;
        }
        if state.last_ms != Some(time_ms) {
            state.begin_row(time_ms);
        }
        let known = row.iter().filter_map(|(slot, value)| Some((*self.slots.get(slot)?, *value)));
        known.filter(|(slot, value)| state.open_chunk.push(*slot, *value)).count() as u64
    }
}
