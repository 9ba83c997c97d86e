//! Reading the write-ahead log back into memory.
use crate::codec::{Bytes, Decompressor, LabelReader, Scanner, for_each_value, unzigzag};
use crate::disk::Input;
use crate::disk::header::{HEADER_BYTES, Kind, Strange, check_header};
use crate::head::rows::Rows;
use crate::index::Index;
use crate::wal::buffer::{SCRAPE, SERIES};
use hashbrown::HashMap;
use promql::Labels;
use std::io;
use std::sync::Arc;

/// What was found in one file of the log.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    pub(crate) groups: Vec<Arc<Rows>>,
    pub(crate) samples: u64,
    /// Samples of records that are intact but of series that were named in a damaged one.
    pub(crate) lost_samples: u64,
    pub(crate) damaged_bytes: u64,
    /// At the end, as a crash leaves them.
    pub(crate) torn_bytes: u64,
    /// The file follows another version of the format, and was left alone.
    pub(crate) version: Option<u32>,
}

/// A group of the file: numbers mean nothing beyond it.
struct ReplayedGroup {
    rows: Arc<Rows>,
    /// From slots in the file to slots in memory.
    slots: HashMap<u32, u32>,
}

/// Reads a file of the log; its groups are closed.
pub(crate) fn replay(input: &dyn Input, index: &mut Index) -> io::Result<Replayed> {
    let mut replayed = Replayed::default();
    let mut head = [0; HEADER_BYTES];
    if input.size_bytes()? >= HEADER_BYTES as u64 {
        input.read_at(0, &mut head)?;
    }
    if let Err(Strange::Version(version)) = check_header(Kind::Log, &head) {
        replayed.version = Some(version);
        return Ok(replayed);
    }
    let mut scanner = Scanner::new(input, HEADER_BYTES as u64)?;
    let mut groups: HashMap<u64, ReplayedGroup> = HashMap::new();
    let mut decompressor = Decompressor::new();
    let (mut raw, mut row) = (Vec::new(), Vec::new());
    while let Some((_, length, payload)) = scanner.next_frame()? {
        let mut bytes = Bytes(payload);
        let read = (|| match bytes.array()? {
            [SERIES] => {
                let group = group(&mut groups, bytes.varint()?);
                decompressor.read(bytes.0, &mut raw)?;
                group.name(&raw, index)
            }
            [SCRAPE] => {
                let group = group(&mut groups, bytes.varint()?);
                let time_ms = unzigzag(bytes.varint()?);
                row.clear();
                for_each_value(bytes.0, 0, u32::MAX as usize, |slot, value| row.push((slot as u32, value)));
                let taken = group.take(time_ms, &row);
                replayed.samples += taken;
                replayed.lost_samples += row.len() as u64 - taken;
                Some(())
            }
            _ => None,
        })();
        if read.is_none() {
            replayed.damaged_bytes += u64::from(length);
        }
    }
    replayed.damaged_bytes += scanner.damaged_bytes;
    replayed.torn_bytes = scanner.torn_bytes;
    replayed.groups.extend(groups.into_values().map(|group| group.rows));
    Ok(replayed)
}

fn group(groups: &mut HashMap<u64, ReplayedGroup>, number: u64) -> &mut ReplayedGroup {
    groups.entry(number).or_insert_with(|| {
        let rows = Arc::new(Rows::default());
        rows.state.lock().closed = true;
        ReplayedGroup { rows, slots: HashMap::new() }
    })
}

impl ReplayedGroup {
    /// Takes note of the label sets of slots.
    fn name(&mut self, raw: &[u8], index: &mut Index) -> Option<()> {
        let mut bytes = Bytes(raw);
        let mut labels = LabelReader::default();
        while !bytes.is_empty() {
            let slot = u32::try_from(bytes.varint()?).ok()?;
            let pairs = labels.next(&mut bytes)?;
            if !self.slots.contains_key(&slot) {
                let labels = Labels::from_pairs(pairs.iter().copied());
                // What was in the store has room in it, whatever the limit is now.
                let (own, _) = index.register(&labels, &self.rows, slot, usize::MAX)?;
                self.slots.insert(slot, own);
            }
        }
        Some(())
    }

    /// Appends a scrape; gives how many samples were taken.
    fn take(&self, time_ms: i64, row: &[(u32, f64)]) -> u64 {
        let mut state = self.rows.state.lock();
        if state.last_ms.is_some_and(|last_ms| time_ms <= last_ms) {
            return 0;
        }
        state.begin_row(time_ms);
        let known = row.iter().filter_map(|(slot, value)| Some((*self.slots.get(slot)?, *value)));
        let taken = known.filter(|(slot, value)| state.head.push(*slot, *value)).count();
        state.end_row();
        taken as u64
    }
}
