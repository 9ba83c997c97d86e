//! Chunks: consecutive scrapes of one group, as a column of times and a column of values for each series.
use crate::codec::ColumnEncoder;
use crate::time::TimeBounds;
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
    /// From slots to positions in `columns`, if these are not in the order of slots.
    positions: Option<HashMap<u32, u32>>,
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
            self.position(slot).unwrap_or_else(|| self.add_column(slot))
        };
        self.next = position + 1;
        let column = &mut self.columns[position].1;
        let previous_bytes = column.size_bytes();
        let is_new = column.push(row as u32, value);
        self.column_bytes += column.size_bytes() - previous_bytes;
        self.last_row_series += usize::from(is_new);
        is_new
    }

    fn add_column(&mut self, slot: u32) -> usize {
        let position = self.columns.len();
        let is_last = self.columns.last().is_none_or(|(last, _)| *last < slot);
        if !is_last && self.positions.is_none() {
            let numbered = self.columns.iter().zip(0..);
            self.positions = Some(numbered.map(|((slot, _), position)| (*slot, position)).collect());
        }
        if let Some(positions) = &mut self.positions {
            positions.insert(slot, position as u32);
        }
        let column = ColumnEncoder::default();
        self.column_bytes += column.size_bytes();
        self.columns.push((slot, column));
        position
    }

    fn position(&self, slot: u32) -> Option<usize> {
        match &self.positions {
            Some(positions) => positions.get(&slot).map(|position| *position as usize),
            // New slots are the highest.
            None if self.columns.last().is_none_or(|(last, _)| *last < slot) => None,
            None => self.columns.binary_search_by_key(&slot, |(own, _)| *own).ok(),
        }
    }

    fn column(&self, slot: u32) -> Option<&ColumnEncoder> {
        self.position(slot).map(|position| &self.columns[position].1)
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
        self.position(slot).is_some()
    }

    /// Finishes the chunk.
    pub(crate) fn seal(self) -> Chunk {
        Chunk::new(&self.times_ms, self.columns.iter().map(|(slot, column)| (*slot, column)).collect())
    }

    /// Memory used, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        let positions = self.positions.as_ref().map_or(0, HashMap::capacity);
        let position_bytes = size_of::<(u32, u32)>() * positions;
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

    /// The slots that have samples, in order.
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

    /// The slots and where the column of each ends in [`Chunk::tokens`], in order.
    pub(super) fn columns(&self) -> &[(u32, u32)] {
        &self.columns
    }

    /// The columns, one after the other.
    pub(super) fn tokens(&self) -> &[u8] {
        &self.tokens
    }

    /// The column of a slot.
    pub(super) fn column(&self, slot: u32) -> Option<&[u8]> {
        let at = self.columns.binary_search_by_key(&slot, |(own, _)| *own).ok()?;
        let start = at.checked_sub(1).map_or(0, |previous| self.columns[previous].1);
        Some(&self.tokens[start as usize..self.columns[at].1 as usize])
    }
}

fn time_bounds(times_ms: &[i64]) -> Option<TimeBounds> {
    Some(TimeBounds { first_ms: *times_ms.first()?, last_ms: *times_ms.last()? })
}
