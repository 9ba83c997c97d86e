//! The index of a block: where its records are, and which series each of them has.
use super::slice::SLICES_PER_DAY;
use crate::codec::{ByteReader, unzigzag, write_varint, zigzag};
use crate::time::TimeBounds;
use std::sync::Arc;

/// Where a record of times or values is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RecordRef {
    pub(super) offset: u64,
    /// With the record's header.
    pub(super) length: u32,
    /// The number of its first timeline, or the ordinal of its first series.
    pub(super) first: u32,
    pub(super) samples: u32,
}

/// The records of each slice, by their first numbers.
pub(super) type RecordsBySlice = [Vec<RecordRef>; SLICES_PER_DAY];

/// A record of label sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LabelRecord {
    /// Its `first` is the ordinal of its first series.
    pub(super) record: RecordRef,
    /// Where its second copy is, which has the same length.
    pub(super) copy_offset: u64,
    /// The `instance` of its first series, empty if that has none. Series of one metric are in the order of instances.
    pub(super) first_instance: Box<str>,
}

/// The series of one metric: those from `first` up to the next metric's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Metric {
    /// Empty for series without a name.
    pub(super) name: Box<str>,
    /// The ordinal of its first series.
    pub(super) first: u32,
}

/// What is known of a block without its index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BlockSummary {
    /// The ids of the blocks that this one replaces.
    pub(super) replaces: Vec<u64>,
    pub(super) bounds: TimeBounds,
    pub(super) samples: u64,
    pub(super) series: u32,
}

/// Where everything in a block is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockIndex {
    pub(super) times: RecordsBySlice,
    /// The second copies of the records of times, if there are any.
    pub(super) times_copies: RecordsBySlice,
    pub(super) values: RecordsBySlice,
    pub(super) labels: Vec<LabelRecord>,
    /// In order of names.
    pub(super) metrics: Vec<Metric>,
    /// The names of all labels, in order.
    pub(super) label_names: Vec<Arc<str>>,
    pub(super) series: u32,
}

impl BlockSummary {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_varint(out, self.replaces.len() as u64);
        self.replaces.iter().for_each(|id| write_varint(out, *id));
        let TimeBounds { first_ms, last_ms } = self.bounds;
        write_varint(out, zigzag(first_ms));
        write_varint(out, last_ms.abs_diff(first_ms));
        write_varint(out, self.samples);
        write_varint(out, u64::from(self.series));
    }

    pub(super) fn read(bytes: &mut ByteReader<'_>) -> Option<Self> {
        let replaces = (0..bytes.varint_usize()?).map(|_| bytes.varint()).collect::<Option<_>>()?;
        let first_ms = unzigzag(bytes.varint()?);
        let last_ms = first_ms.checked_add_unsigned(bytes.varint()?)?;
        let (samples, series) = (bytes.varint()?, u32::try_from(bytes.varint()?).ok()?);
        Some(Self { replaces, bounds: TimeBounds { first_ms, last_ms }, samples, series })
    }
}

impl BlockIndex {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for records in [&self.times, &self.times_copies, &self.values].into_iter().flatten() {
            write_varint(out, records.len() as u64);
            let mut previous = RecordRef::default();
            for record in records {
                write_varint(out, record.offset - previous.offset);
                write_varint(out, u64::from(record.length));
                write_varint(out, u64::from(record.first - previous.first));
                write_varint(out, u64::from(record.samples));
                previous = *record;
            }
        }
        write_varint(out, self.labels.len() as u64);
        for LabelRecord { record, copy_offset, first_instance } in &self.labels {
            write_varint(out, record.offset);
            write_varint(out, u64::from(record.length));
            write_varint(out, u64::from(record.first));
            write_varint(out, *copy_offset);
            write_text(out, first_instance);
        }
        write_varint(out, self.metrics.len() as u64);
        for Metric { name, first } in &self.metrics {
            write_text(out, name);
            write_varint(out, u64::from(*first));
        }
        write_varint(out, self.label_names.len() as u64);
        self.label_names.iter().for_each(|name| write_text(out, name));
    }

    pub(super) fn read(bytes: &mut ByteReader<'_>, series: u32) -> Option<Self> {
        let mut index = Self { series, ..Self::default() };
        for records in [&mut index.times, &mut index.times_copies, &mut index.values].into_iter().flatten() {
            *records = read_records(bytes)?;
        }
        for _ in 0..bytes.varint_usize()? {
            let (offset, length) = (bytes.varint()?, u32::try_from(bytes.varint()?).ok()?);
            let record = RecordRef { offset, length, first: u32::try_from(bytes.varint()?).ok()?, samples: 0 };
            let copy_offset = bytes.varint()?;
            index.labels.push(LabelRecord { record, copy_offset, first_instance: read_text(bytes)?.into() });
        }
        for _ in 0..bytes.varint_usize()? {
            let name = read_text(bytes)?.into();
            index.metrics.push(Metric { name, first: u32::try_from(bytes.varint()?).ok()? });
        }
        for _ in 0..bytes.varint_usize()? {
            index.label_names.push(read_text(bytes)?.into());
        }
        Some(index)
    }

    /// The names of all labels, in order.
    pub(crate) fn label_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.label_names.iter()
    }

    /// The names of all metrics, in order.
    pub(crate) fn metric_names(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().map(|metric| &*metric.name).filter(|name| !name.is_empty())
    }

    /// Whether all series have a name.
    pub(crate) fn has_only_named(&self) -> bool {
        self.metrics.first().is_none_or(|metric| !metric.name.is_empty())
    }

    /// Memory used, roughly.
    pub(super) fn size_bytes(&self) -> usize {
        let records: usize =
            [&self.times, &self.times_copies, &self.values].into_iter().flatten().map(Vec::capacity).sum();
        let texts: usize = self.labels.iter().map(|record| record.first_instance.len()).sum::<usize>()
            + self.metrics.iter().map(|metric| metric.name.len()).sum::<usize>()
            + self.label_names.iter().map(|name| name.len() + size_of::<[usize; 4]>()).sum::<usize>();
        let structs = size_of_val(&*self.labels) + size_of_val(&*self.metrics);
        size_of::<Self>() + records * size_of::<RecordRef>() + texts + structs
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn read_text<'b>(bytes: &mut ByteReader<'b>) -> Option<&'b str> {
    str::from_utf8(bytes.length_prefixed()?).ok()
}

pub(super) fn read_records(bytes: &mut ByteReader<'_>) -> Option<Vec<RecordRef>> {
    let (mut offset, mut first) = (0_u64, 0_u32);
    let count = bytes.varint_usize()?;
    (0..count)
        .map(|_| {
            offset = offset.checked_add(bytes.varint()?)?;
            let length = u32::try_from(bytes.varint()?).ok()?;
            first = first.checked_add(u32::try_from(bytes.varint()?).ok()?)?;
            Some(RecordRef { offset, length, first, samples: u32::try_from(bytes.varint()?).ok()? })
        })
        .collect()
}

/// A column within a record of times or values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ColumnRef {
    /// The number of a timeline, or the ordinal of a series.
    pub(super) number: u32,
    /// The timeline of a series.
    pub(super) timeline: u32,
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// The table of a record: its slice, and its columns.
pub(super) struct ColumnTable {
    pub(super) slice: usize,
    pub(super) columns: Vec<ColumnRef>,
}

/// Appends the table of a record. Offsets are implied by lengths, as the columns follow in order.
pub(super) fn write_table(slice: usize, columns: &[ColumnRef], out: &mut Vec<u8>) {
    write_varint(out, slice as u64);
    write_varint(out, columns.len() as u64);
    let mut previous = 0;
    for column in columns {
        write_varint(out, u64::from(column.number - previous));
        write_varint(out, u64::from(column.timeline));
        write_varint(out, column.length as u64);
        previous = column.number;
    }
}

/// The table at the start of a decompressed record; `None` if a column would be out of bounds.
pub(super) fn read_table(raw: &[u8]) -> Option<ColumnTable> {
    let mut bytes = ByteReader(raw);
    let slice = bytes.varint_usize().filter(|slice| *slice < SLICES_PER_DAY)?;
    let mut columns = Vec::new();
    let (mut number, mut offset) = (0_u32, 0_usize);
    for _ in 0..bytes.varint_usize()? {
        number = number.checked_add(u32::try_from(bytes.varint()?).ok()?)?;
        let (timeline, length) = (u32::try_from(bytes.varint()?).ok()?, bytes.varint_usize()?);
        columns.push(ColumnRef { number, timeline, offset, length });
        offset = offset.checked_add(length)?;
    }
    let table_bytes = raw.len() - bytes.0.len();
    columns.iter_mut().for_each(|column| column.offset += table_bytes);
    (table_bytes.checked_add(offset)? == raw.len()).then_some(ColumnTable { slice, columns })
}
