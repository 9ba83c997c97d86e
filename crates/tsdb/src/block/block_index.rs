//! The index of a block: where its records are, and when each series begins and ends.
use super::slice::SLICES_PER_DAY;
use crate::codec::{ByteReader, unzigzag, write_varint, zigzag};
use crate::time::TimeBounds;

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

/// The time bounds of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeriesBounds {
    /// The position of its label set in the block.
    pub(super) ordinal: u32,
    pub(super) bounds: TimeBounds,
}

/// The content of a back record, without the label sets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BlockIndex {
    pub(super) times: RecordsBySlice,
    /// The second copies of the records of times, if there are any.
    pub(super) times_copies: RecordsBySlice,
    pub(super) values: RecordsBySlice,
    /// The series that have samples, by ordinal.
    pub(super) series: Vec<SeriesBounds>,
    pub(super) bounds: TimeBounds,
    pub(super) samples: u64,
}

impl BlockIndex {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let TimeBounds { first_ms, last_ms } = self.bounds;
        write_varint(out, zigzag(first_ms));
        write_varint(out, last_ms.abs_diff(first_ms));
        write_varint(out, self.samples);
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
        write_varint(out, self.series.len() as u64);
        let mut previous = 0;
        for SeriesBounds { ordinal, bounds } in &self.series {
            write_varint(out, u64::from(ordinal - previous));
            write_varint(out, bounds.first_ms.abs_diff(first_ms));
            write_varint(out, last_ms.abs_diff(bounds.last_ms));
            previous = *ordinal;
        }
    }

    pub(super) fn read(bytes: &mut ByteReader<'_>) -> Option<Self> {
        let first_ms = unzigzag(bytes.varint()?);
        let last_ms = first_ms.checked_add_unsigned(bytes.varint()?)?;
        let mut index = Self { bounds: TimeBounds { first_ms, last_ms }, samples: bytes.varint()?, ..Self::default() };
        for records in [&mut index.times, &mut index.times_copies, &mut index.values].into_iter().flatten() {
            *records = read_records(bytes)?;
        }
        let mut ordinal = 0_u32;
        for _ in 0..bytes.varint_usize()? {
            ordinal = ordinal.checked_add(u32::try_from(bytes.varint()?).ok()?)?;
            let first_ms = first_ms.checked_add_unsigned(bytes.varint()?)?;
            let last_ms = last_ms.checked_sub_unsigned(bytes.varint()?)?;
            index.series.push(SeriesBounds { ordinal, bounds: TimeBounds { first_ms, last_ms } });
        }
        Some(index)
    }
}

fn read_records(bytes: &mut ByteReader<'_>) -> Option<Vec<RecordRef>> {
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
