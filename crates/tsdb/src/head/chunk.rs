//! Chunks: consecutive scrapes of one group, as a column of times and a column of values for each series.
use crate::codec::{ColumnEncoder, for_each_value};
use crate::time::{TimeBounds, TimeRange};
use hashbrown::HashMap;

/// Rows of a full chunk: ten minutes at five seconds. Reading one sample decodes at most this many.
pub(crate) const MAX_ROWS: usize = 120;

/// A chunk that is being written.
#[derive(Debug, Default)]
pub(crate) struct OpenChunk {
    /// One per row, strictly increasing.
    pub(crate) times_ms: Vec<i64>,
    /// The slot of each column: the series' number within its group.
    columns: Vec<(u32, ColumnEncoder)>,
    /// Memory used by the columns.
    column_bytes: usize,
    /// From slots to positions in `columns`.
    positions: HashMap<u32, usize>,
    /// The position of the next value's column, if series come in the order of the previous row.
    next: usize,
    /// How many series have a value in the last row.
    pub(crate) last_row_series: usize,
}

/// A finished chunk.
#[derive(Debug)]
pub(crate) struct Chunk {
    times_ms: Box<[i64]>,
    /// Slots, in order, and where the column of each ends in `tokens`.
    columns: Box<[(u32, u32)]>,
    tokens: Box<[u8]>,
}

impl OpenChunk {
    pub(crate) fn begin_row(&mut self, time_ms: i64) {
        self.times_ms.push(time_ms);
        self.next = 0;
        self.last_row_series = 0;
    }

    /// Adds a value of `slot` to the last row; returns false if it already has one.
    pub(crate) fn push(&mut self, slot: u32, value: f64) -> bool {
        let Some(row) = self.times_ms.len().checked_sub(1) else { return false };
        let position = if self.columns.get(self.next).is_some_and(|(own, _)| *own == slot) {
            self.next
        } else {
            *self.positions.entry(slot).or_insert_with(|| {
                let column = ColumnEncoder::default();
                self.column_bytes += column.size_bytes();
                self.columns.push((slot, column));
                self.columns.len() - 1
            })
        };
        self.next = position + 1;
        let column = &mut self.columns[position].1;
        let previous_bytes = column.size_bytes();
        let is_new = column.push(row as u32, value);
        self.column_bytes += column.size_bytes() - previous_bytes;
        self.last_row_series += usize::from(is_new);
        is_new
    }

    fn column(&self, slot: u32) -> Option<&ColumnEncoder> {
        self.positions.get(&slot).map(|position| &self.columns[*position].1)
    }

    pub(crate) fn time_bounds(&self) -> Option<TimeBounds> {
        time_bounds(&self.times_ms)
    }

    /// The slots that have samples, in no order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.columns.iter().map(|(slot, _)| *slot)
    }

    /// Whether `slot` has a sample in the last row.
    pub(crate) fn is_in_last_row(&self, slot: u32) -> bool {
        self.column(slot).is_some_and(|column| column.rows() == self.times_ms.len())
    }

    /// The slots that have a sample in the last row, in order.
    pub(crate) fn in_last_row(&self) -> Vec<u32> {
        let in_row = self.columns.iter().filter(|(_, column)| column.rows() == self.times_ms.len());
        let mut slots: Vec<u32> = in_row.map(|(slot, _)| *slot).collect();
        slots.sort_unstable();
        slots
    }

    /// A copy of the chunk with the series in `slots` only.
    pub(crate) fn snapshot(&self, slots: impl Iterator<Item = u32>) -> Chunk {
        Chunk::new(&self.times_ms, slots.filter_map(|slot| Some((slot, self.column(slot)?))).collect())
    }

    /// Whether `slot` has a sample.
    pub(crate) fn has(&self, slot: u32) -> bool {
        self.positions.contains_key(&slot)
    }

    /// Finishes the chunk.
    pub(crate) fn seal(self) -> Chunk {
        Chunk::new(&self.times_ms, self.columns.iter().map(|(slot, column)| (*slot, column)).collect())
    }

    /// Memory used, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        let position_bytes = size_of::<(u32, usize)>() * self.positions.capacity();
        self.times_ms.capacity() * size_of::<i64>() + position_bytes + self.column_bytes
    }
}

impl Chunk {
    fn new(times_ms: &[i64], mut columns: Vec<(u32, &ColumnEncoder)>) -> Self {
        columns.sort_unstable_by_key(|(slot, _)| *slot);
        let mut tokens = Vec::with_capacity(columns.iter().map(|(_, column)| column.max_encoded_bytes()).sum());
        let ends = columns.iter().map(|(slot, column)| {
            column.write_to(&mut tokens);
            // Enough for three million series whose values all differ from the previous ones.
            (*slot, u32::try_from(tokens.len()).unwrap_or(u32::MAX))
        });
        let columns = ends.collect();
        Self { times_ms: times_ms.into(), columns, tokens: tokens.into() }
    }

    /// The times of its rows; a stored chunk has at least one.
    pub(crate) fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    /// The first and last time; `None` for an empty chunk.
    pub(crate) fn time_bounds(&self) -> Option<TimeBounds> {
        time_bounds(&self.times_ms)
    }

    pub(crate) fn overlaps(&self, range: TimeRange) -> bool {
        self.time_bounds().is_some_and(|bounds| bounds.overlaps(range))
    }

    /// The slots that have samples.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.columns.iter().map(|(slot, _)| *slot)
    }

    /// Whether `slot` has a sample.
    pub(crate) fn has(&self, slot: u32) -> bool {
        self.columns.binary_search_by_key(&slot, |(own, _)| *own).is_ok()
    }

    /// Memory used, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(&*self.times_ms) + size_of_val(&*self.columns) + self.tokens.len()
    }

    /// Calls `visit` with the time and value of each sample of `slot`, in order of time.
    pub(crate) fn for_each_sample(&self, slot: u32, mut visit: impl FnMut(i64, f64)) {
        for_each_value(self.tokens(slot), 0, self.times_ms.len(), |row, value| visit(self.times_ms[row], value));
    }

    /// The time and value of the last sample of `slot` at or before `until_ms`.
    pub(crate) fn last_sample(&self, slot: u32, until_ms: i64) -> Option<(i64, f64)> {
        let rows = self.times_ms.partition_point(|time_ms| *time_ms <= until_ms);
        let mut last = None;
        for_each_value(self.tokens(slot), 0, rows, |row, value| last = Some((row, value)));
        last.map(|(row, value)| (self.times_ms[row], value))
    }

    fn tokens(&self, slot: u32) -> &[u8] {
        let Ok(at) = self.columns.binary_search_by_key(&slot, |(own, _)| *own) else { return &[] };
        let start = at.checked_sub(1).map_or(0, |previous| self.columns[previous].1);
        &self.tokens[start as usize..self.columns[at].1 as usize]
    }
}

fn time_bounds(times_ms: &[i64]) -> Option<TimeBounds> {
    Some(TimeBounds { first_ms: *times_ms.first()?, last_ms: *times_ms.last()? })
}
