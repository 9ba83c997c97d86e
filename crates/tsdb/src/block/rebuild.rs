//! Rebuilding the index of a block whose end is damaged, from the records that are intact.
use super::block_index::{BlockIndex, BlockSummary, ColumnTable, LabelRecord, Metric, RecordRef, read_table};
use super::label_page::{LabelPage, PageCursor};
use super::open::{BlockLoss, decompress};
use super::{BACK, INSTANCE, LABELS, TIMES, VALUES};
use crate::codec::{ByteReader, decode_timeline};
use crate::disk::FileReader;
use crate::disk::header::HEADER_BYTES;
use crate::disk::read_error::{DAMAGED, ReadError};
use crate::disk::record_scanner::RecordScanner;
use crate::time::TimeBounds;
use promql::METRIC_NAME;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a scan has found so far.
#[derive(Default)]
struct Scan {
    index: BlockIndex,
    bounds: Option<TimeBounds>,
    /// The ordinals that have values.
    ordinals: BTreeSet<u32>,
    /// The ids of replaced blocks, if the back record is intact.
    replaces: Vec<u64>,
    label_names: BTreeSet<Arc<str>>,
}

/// Reads all records; returns what the back record would say, and what is lost.
pub(super) fn scan_records(file: &dyn FileReader) -> Result<(BlockSummary, BlockIndex, BlockLoss), ReadError> {
    let mut scan = Scan::default();
    let mut scanner = RecordScanner::new(file, HEADER_BYTES as u64)?;
    while let Some(record) = scanner.next_record()? {
        let Some((tag, _)) = record.payload.split_first() else { continue };
        let Some(raw) = decompress(record.payload, *tag) else { continue };
        let at = RecordRef { offset: record.offset, length: record.length, first: 0, samples: 0 };
        match *tag {
            LABELS => scan.add_labels(&raw, at),
            TIMES | VALUES => scan.add_columns(*tag, &raw, at),
            BACK => scan.add_back(&raw),
            _ => None,
        };
    }
    let lost_bytes = scanner.damaged_bytes + scanner.torn_bytes;
    scan.finish(lost_bytes).ok_or(DAMAGED)
}

impl Scan {
    fn add_back(&mut self, raw: &[u8]) -> Option<()> {
        self.replaces = BlockSummary::read(&mut ByteReader(raw))?.replaces;
        Some(())
    }

    fn add_labels(&mut self, raw: &[u8], record: RecordRef) -> Option<()> {
        let page = LabelPage::read(raw)?;
        // Of two copies either will do.
        let position = self.index.labels.binary_search_by_key(&page.first, |own| own.record.first).err()?;
        let mut cursor = PageCursor::default();
        let mut first_instance = None;
        while cursor.advance(&page) {
            let value = |name: &str| cursor.pairs(&page).find(|(own, _)| *own == name).map_or("", |(_, value)| value);
            first_instance.get_or_insert_with(|| value(INSTANCE).into());
            let metric = value(METRIC_NAME);
            // Pages come in order, but for copies of damaged ones.
            match self.index.metrics.binary_search_by(|own| (*own.name).cmp(metric)) {
                Ok(at) => self.index.metrics[at].first = self.index.metrics[at].first.min(cursor.ordinal),
                Err(at) => self.index.metrics.insert(at, Metric { name: metric.into(), first: cursor.ordinal }),
            }
            for (name, _) in cursor.pairs(&page) {
                if !self.label_names.contains(name) {
                    self.label_names.insert(name.into());
                }
            }
        }
        let record = RecordRef { first: page.first, ..record };
        let first_instance = first_instance.unwrap_or_default();
        self.index.labels.insert(position, LabelRecord { record, copy_offset: record.offset, first_instance });
        self.index.series += page.series;
        Some(())
    }

    fn add_columns(&mut self, tag: u8, raw: &[u8], record: RecordRef) -> Option<()> {
        let ColumnTable { slice, columns } = read_table(raw)?;
        let record = RecordRef { first: columns.first()?.number, ..record };
        if tag == VALUES {
            self.ordinals.extend(columns.iter().map(|column| column.number));
            self.index.values[slice].push(record);
            return Some(());
        }
        let times = &mut self.index.times[slice];
        let position = times.binary_search_by_key(&record.first, |own| own.first).err()?;
        times.insert(position, record);
        for column in &columns {
            let times_ms = decode_timeline(&raw[column.offset..column.offset + column.length]);
            let Some((first, last)) = times_ms.as_ref().and_then(|times| Some((*times.first()?, *times.last()?)))
            else {
                continue;
            };
            let bounds = TimeBounds { first_ms: first, last_ms: last };
            self.bounds = Some(self.bounds.map_or(bounds, |own| own.union(bounds)));
        }
        Some(())
    }

    /// `None` if nothing is readable.
    fn finish(mut self, bytes: u64) -> Option<(BlockSummary, BlockIndex, BlockLoss)> {
        let bounds = self.bounds.filter(|_| !self.index.labels.is_empty())?;
        self.index.label_names = self.label_names.into_iter().collect();
        let series = self.index.series;
        let known = |ordinal: &u32| {
            let next = self.index.labels.partition_point(|own| own.record.first <= *ordinal);
            next > 0
        };
        let readable = self.ordinals.iter().filter(|ordinal| known(ordinal)).count();
        // The last series that is heard of tells how many there were at least.
        let last = self.ordinals.last().map_or(0, |ordinal| *ordinal as usize + 1);
        let loss = BlockLoss { series: last.max(series as usize).saturating_sub(readable), bytes };
        Some((BlockSummary { replaces: self.replaces, bounds, samples: 0, series }, self.index, loss))
    }
}
