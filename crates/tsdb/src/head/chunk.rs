//! Some consecutive scrapes of one group: a column of times, and a column of values for each series seen in them.
use crate::codec::{Column, for_each_value};
use hashbrown::HashMap;

/// Scrapes in a full chunk: ten minutes at five seconds; the most that is decoded for one sample.
pub(crate) const ROWS: usize = 120;

/// The chunk that is being written.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// One per scrape, strictly increasing.
    pub(crate) times_ms: Vec<i64>,
    /// By slot: the series' place within its group.
    columns: Vec<(u32, Column)>,
    /// Memory that they hold.
    column_bytes: usize,
    places: HashMap<u32, usize>,
    /// Where the column of the next value is, when series come in the order of the scrape before.
    next: usize,
}

/// A finished chunk.
#[derive(Debug)]
pub(crate) struct Chunk {
    times_ms: Box<[i64]>,
    /// By slot, in its order: where the column ends in `tokens`.
    columns: Box<[(u32, u32)]>,
    tokens: Box<[u8]>,
}

impl Head {
    /// Begins a row.
    pub(crate) fn begin_row(&mut self, time_ms: i64) {
        self.times_ms.push(time_ms);
        self.next = 0;
    }

    /// Adds a value of `slot` to the last row; false where it has one already.
    pub(crate) fn push(&mut self, slot: u32, value: f64) -> bool {
        let Some(row) = self.times_ms.len().checked_sub(1) else { return false };
        let at = if self.columns.get(self.next).is_some_and(|(own, _)| *own == slot) {
            self.next
        } else {
            *self.places.entry(slot).or_insert_with(|| {
                let column = Column::default();
                self.column_bytes += column.size_bytes();
                self.columns.push((slot, column));
                self.columns.len() - 1
            })
        };
        self.next = at + 1;
        let column = &mut self.columns[at].1;
        let had_bytes = column.size_bytes();
        let is_new = column.push(row as u32, value);
        self.column_bytes += column.size_bytes() - had_bytes;
        is_new
    }

    fn column(&self, slot: u32) -> Option<&Column> {
        self.places.get(&slot).map(|at| &self.columns[*at].1)
    }

    /// The series of which there are samples, in no order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.columns.iter().map(|(slot, _)| *slot)
    }

    /// Whether there is a sample of `slot` in the last row.
    pub(crate) fn is_in_last_row(&self, slot: u32) -> bool {
        self.column(slot).is_some_and(|column| column.rows() == self.times_ms.len())
    }

    /// The series that have a sample in the last row, in order.
    pub(crate) fn in_last_row(&self) -> Vec<u32> {
        let in_row = self.columns.iter().filter(|(_, column)| column.rows() == self.times_ms.len());
        let mut slots: Vec<u32> = in_row.map(|(slot, _)| *slot).collect();
        slots.sort_unstable();
        slots
    }

    /// What is there, of the series in `slots` only.
    pub(crate) fn snapshot(&self, slots: impl Iterator<Item = u32>) -> Chunk {
        Chunk::new(&self.times_ms, slots.filter_map(|slot| Some((slot, self.column(slot)?))).collect())
    }

    /// Whether there is a sample of `slot`.
    pub(crate) fn has(&self, slot: u32) -> bool {
        self.places.contains_key(&slot)
    }

    /// The finished chunk.
    pub(crate) fn seal(self) -> Chunk {
        Chunk::new(&self.times_ms, self.columns.iter().map(|(slot, column)| (*slot, column)).collect())
    }

    /// Memory held, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        let place_bytes = size_of::<(u32, usize)>() * self.places.capacity();
        self.times_ms.capacity() * size_of::<i64>() + place_bytes + self.column_bytes
    }
}

impl Chunk {
    fn new(times_ms: &[i64], mut columns: Vec<(u32, &Column)>) -> Self {
        columns.sort_unstable_by_key(|(slot, _)| *slot);
        let mut tokens = Vec::with_capacity(columns.iter().map(|(_, column)| column.most_bytes()).sum());
        let ends = columns.iter().map(|(slot, column)| {
            column.write_to(&mut tokens);
            // Enough for three million series of which no value is like the one before.
            (*slot, u32::try_from(tokens.len()).unwrap_or(u32::MAX))
        });
        let columns = ends.collect();
        Self { times_ms: times_ms.into(), columns, tokens: tokens.into() }
    }

    /// The times of its scrapes, of which there is at least one in a chunk that is kept.
    pub(crate) fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    /// First and last time; none for an empty chunk.
    pub(crate) fn span_ms(&self) -> Option<(i64, i64)> {
        Some((*self.times_ms.first()?, *self.times_ms.last()?))
    }

    /// Whether a scrape lies in `after_ms < time <= until_ms`.
    pub(crate) fn overlaps(&self, after_ms: i64, until_ms: i64) -> bool {
        self.span_ms().is_some_and(|(first, last)| first <= until_ms && last > after_ms)
    }

    /// The series of which there are samples.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.columns.iter().map(|(slot, _)| *slot)
    }

    /// Whether there is a sample of `slot`.
    pub(crate) fn has(&self, slot: u32) -> bool {
        self.columns.binary_search_by_key(&slot, |(own, _)| *own).is_ok()
    }

    /// Memory held, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(&*self.times_ms) + size_of_val(&*self.columns) + self.tokens.len()
    }

    /// Calls `visit` with the time and value of each sample of `slot`, in order of time.
    pub(crate) fn for_each_sample(&self, slot: u32, mut visit: impl FnMut(i64, f64)) {
        for_each_value(self.tokens(slot), 0, self.times_ms.len(), |row, value| visit(self.times_ms[row], value));
    }

    /// Time and value of the last sample of `slot` at or before `until_ms`.
    pub(crate) fn last_sample(&self, slot: u32, until_ms: i64) -> Option<(i64, f64)> {
        let rows = self.times_ms.partition_point(|time_ms| *time_ms <= until_ms);
        let mut last = None;
        for_each_value(self.tokens(slot), 0, rows, |row, value| last = Some((row, value)));
        last.map(|(row, value)| (self.times_ms[row], value))
    }

    fn tokens(&self, slot: u32) -> &[u8] {
        let Ok(at) = self.columns.binary_search_by_key(&slot, |(own, _)| *own) else { return &[] };
        let start = at.checked_sub(1).map_or(0, |before| self.columns[before].1);
        &self.tokens[start as usize..self.columns[at].1 as usize]
    }
}
