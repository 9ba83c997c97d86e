//! The scrapes of a group that are in no block: finished chunks and the open one.
use crate::head::chunk::{Chunk, MAX_ROWS, OpenChunk};
use crate::head::chunk_file::FileChunk;
use crate::head::hidden::{HiddenRange, HiddenRanges};
use crate::head::stored_chunk::StoredChunk;
use crate::time::{TimeBounds, TimeRange, day_of};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// The scrapes of a group, shared by its writer and by queries. Each is a row: a time, and a value by slot.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    sealed: VecDeque<StoredChunk>,
    /// Memory used by those of `sealed` that are in memory.
    finished_bytes: usize,
    /// How many more rows the open chunk gets. The first chunk of each group has another length, so that groups do not
    /// finish their chunks all at once.
    rows_left: usize,
    pub(crate) open_chunk: OpenChunk,
    pub(crate) last_ms: Option<i64>,
    /// Slots registered since the last append.
    pub(crate) registered: HashSet<u32>,
    /// Slots in the last row of the last finished chunk, in order.
    in_last_row: Vec<u32>,
    /// Whether there will be no more rows.
    pub(crate) is_closed: bool,
    /// Times that a later group of the same writer measured anew.
    hidden: Vec<Arc<HiddenRange>>,
}

/// Identifies a slot of a group, by the address of the group's rows.
pub(crate) type GroupSlotKey = (usize, u32);

/// The zeros that precede the first samples of some series.
#[derive(Debug, Default)]
pub(crate) struct ZeroRows {
    /// In the last row, which had no sample of these slots.
    pub(crate) in_last_row: ZeroRow,
    /// In a row just after it.
    pub(crate) after_last_row: ZeroRow,
}

/// A time, and zeros by slot, in order of slots.
#[derive(Debug, Default)]
pub(crate) struct ZeroRow {
    pub(crate) time_ms: i64,
    pub(crate) values: Vec<(u32, f64)>,
}

/// The memory that the rows of a group use.
pub(crate) struct Sizes {
    pub(crate) total_bytes: usize,
    /// Finished chunks, oldest first.
    pub(crate) chunks: Vec<ChunkSize>,
}

pub(crate) struct ChunkSize {
    pub(crate) last_ms: i64,
    pub(crate) size_bytes: usize,
}

impl State {
    /// Begins a row at `time_ms`, which is after the previous row; returns whether that finished a chunk. A full chunk is
    /// not finished before, as its last row may still get zeros. No chunk holds rows of two days.
    pub(crate) fn begin_row(&mut self, time_ms: i64) -> bool {
        let is_new_day = |first_ms: &i64| day_of(*first_ms) != day_of(time_ms);
        let is_finished = self.rows_left == 0 || self.open_chunk.times_ms.first().is_some_and(is_new_day);
        if is_finished {
            self.seal();
        }
        if self.rows_left == 0 {
            self.rows_left = MAX_ROWS;
        }
        self.rows_left -= 1;
        self.last_ms = Some(time_ms);
        self.open_chunk.begin_row(time_ms);
        is_finished
    }

    /// Gives `slots` a zero before a row at `time_ms` that has their first samples: in the last row if it is at
    /// `previous_ms`, and a millisecond later for slots that have a sample there, or if that row is in a finished chunk.
    pub(crate) fn add_zeros(&mut self, slots: impl Iterator<Item = u32>, previous_ms: i64, time_ms: i64) -> ZeroRows {
        let mut rows = ZeroRows::default();
        let is_open = self.last_ms == Some(previous_ms) && !self.open_chunk.times_ms.is_empty();
        for slot in slots {
            let is_free = is_open && self.open_chunk.push(slot, 0.0);
            let row = if is_free { &mut rows.in_last_row } else { &mut rows.after_last_row };
            row.values.push((slot, 0.0));
        }
        let after_ms = previous_ms.saturating_add(1);
        let has_room = after_ms < time_ms && self.last_ms.is_none_or(|last_ms| last_ms < after_ms);
        if has_room && !rows.after_last_row.values.is_empty() {
            self.begin_row(after_ms);
            rows.after_last_row.values.retain(|(slot, zero)| self.open_chunk.push(*slot, *zero));
        } else {
            rows.after_last_row.values.clear();
        }
        for (row, time_ms) in [(&mut rows.in_last_row, previous_ms), (&mut rows.after_last_row, after_ms)] {
            row.time_ms = time_ms;
            row.values.sort_unstable_by_key(|(slot, _)| *slot);
        }
        rows
    }

    fn seal(&mut self) {
        if !self.open_chunk.times_ms.is_empty() {
            self.in_last_row = self.open_chunk.in_last_row();
            let chunk = std::mem::take(&mut self.open_chunk).seal();
            self.finished_bytes += chunk.size_bytes();
            self.sealed.push_back(StoredChunk::Memory(Arc::new(chunk)));
        }
    }

    /// Whether the writer may append to `slot` without registering it again.
    pub(crate) fn is_live(&self, slot: u32) -> bool {
        let in_last_row = if self.open_chunk.times_ms.is_empty() {
            self.in_last_row.binary_search(&slot).is_ok()
        } else {
            self.open_chunk.is_in_last_row(slot)
        };
        !self.is_closed && (in_last_row || self.registered.contains(&slot))
    }

    /// Whether `slot` has samples, or may get some without being registered again.
    fn retains(&self, slot: u32) -> bool {
        self.is_live(slot) || self.open_chunk.has(slot) || self.sealed.iter().any(|chunk| chunk.has(slot))
    }

    /// Drops the oldest `count` finished chunks; returns whether a slot has neither samples nor a scrape left.
    fn drop_oldest(&mut self, count: usize) -> bool {
        let dropped: Vec<_> = self.sealed.drain(..count.min(self.sealed.len())).collect();
        let in_memory = dropped.iter().filter(|chunk| matches!(chunk, StoredChunk::Memory(_)));
        self.finished_bytes -= in_memory.map(StoredChunk::size_bytes).sum::<usize>();
        dropped.iter().flat_map(StoredChunk::slots).any(|slot| !self.retains(slot))
    }
}

impl Rows {
    /// Creates the group with this number, without any rows.
    pub(crate) fn new(number: u64) -> Self {
        // A step that has no divisor in common with the length of a chunk reaches each length.
        let first_rows = MAX_ROWS / 2 + 1 + number.wrapping_mul(53) as usize % MAX_ROWS;
        Self { state: Mutex::new(State { rows_left: first_rows, ..State::default() }) }
    }

    /// What tells this group from the others that exist.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// Creates a group of the past, which gets no more rows than it is read with.
    pub(crate) fn of_the_past() -> Self {
        Self { state: Mutex::new(State { rows_left: MAX_ROWS, is_closed: true, ..State::default() }) }
    }

    /// The chunks with a row in `range`, in order of time. The open chunk is copied, with the series in `slots` only.
    pub(crate) fn snapshot(&self, range: TimeRange, slots: &[u32]) -> Vec<StoredChunk> {
        let state = self.state.lock();
        let from = state.sealed.partition_point(|chunk| !chunk.overlaps(TimeRange { until_ms: i64::MAX, ..range }));
        let mut chunks: Vec<_> =
            state.sealed.range(from..).take_while(|chunk| chunk.overlaps(range)).cloned().collect();
        if state.open_chunk.time_bounds().is_some_and(|bounds| bounds.overlaps(range)) {
            chunks.push(StoredChunk::Memory(Arc::new(state.open_chunk.snapshot(slots.iter().copied()))));
        }
        chunks
    }

    /// Hides the samples of a range.
    pub(crate) fn hide(&self, range: Arc<HiddenRange>) {
        self.state.lock().hidden.push(range);
    }

    /// The ranges whose samples are left out. Usually there are none.
    pub(crate) fn hidden(&self) -> HiddenRanges {
        self.state.lock().hidden.as_slice().into()
    }

    /// The time of the last row.
    pub(crate) fn last_ms(&self) -> Option<i64> {
        self.state.lock().last_ms
    }

    /// Finishes the open chunk; returns all chunks.
    pub(crate) fn seal(&self) -> Vec<StoredChunk> {
        let mut state = self.state.lock();
        state.seal();
        state.sealed.iter().cloned().collect()
    }

    /// The finished chunks that are in memory.
    pub(crate) fn finished_in_memory(&self) -> Vec<Arc<Chunk>> {
        let state = self.state.lock();
        let in_memory = |chunk: &StoredChunk| match chunk {
            StoredChunk::Memory(chunk) => Some(Arc::clone(chunk)),
            StoredChunk::File(_) => None,
        };
        state.sealed.iter().filter_map(in_memory).collect()
    }

    /// Memory used by finished chunks.
    pub(crate) fn finished_bytes(&self) -> usize {
        self.state.lock().finished_bytes
    }

    /// Puts chunks that are in a file now in place of the same ones in memory.
    pub(crate) fn replace(&self, written: Vec<(Arc<Chunk>, Arc<FileChunk>)>) {
        let mut state = self.state.lock();
        for (in_memory, in_file) in written {
            let is_same =
                |chunk: &&mut StoredChunk| matches!(chunk, StoredChunk::Memory(own) if Arc::ptr_eq(own, &in_memory));
            if let Some(chunk) = state.sealed.iter_mut().find(is_same) {
                *chunk = StoredChunk::File(in_file);
                state.finished_bytes -= in_memory.size_bytes();
            }
        }
    }

    /// Adds a chunk of a file, which is after those that are there.
    pub(crate) fn push_file_chunk(&self, chunk: FileChunk) {
        let mut state = self.state.lock();
        state.last_ms = Some(chunk.bounds.last_ms);
        state.sealed.push_back(StoredChunk::File(Arc::new(chunk)));
    }

    /// Drops the oldest `count` finished chunks; returns whether a slot has neither samples nor a scrape left.
    pub(crate) fn drop_oldest(&self, count: usize) -> bool {
        self.state.lock().drop_oldest(count)
    }

    /// Drops the chunks that end at or before `cutoff_ms`; returns whether a slot has neither samples nor a scrape left.
    pub(crate) fn drop_until(&self, cutoff_ms: i64) -> bool {
        let mut state = self.state.lock();
        if state.last_ms.is_some_and(|last_ms| last_ms <= cutoff_ms) {
            state.seal();
        }
        let remaining = TimeRange { after_ms: cutoff_ms, until_ms: i64::MAX };
        let count = state.sealed.partition_point(|chunk| !chunk.overlaps(remaining));
        state.drop_oldest(count)
    }

    /// Whether `slot` may have a sample in `range`: a chunk that overlaps it has one.
    pub(crate) fn may_have(&self, slot: u32, range: TimeRange) -> bool {
        let state = self.state.lock();
        let is_open_within = state.open_chunk.time_bounds().is_some_and(|bounds| bounds.overlaps(range));
        is_open_within && state.open_chunk.has(slot)
            || state.sealed.iter().rev().any(|chunk| chunk.overlaps(range) && chunk.has(slot))
    }

    /// The slots that are no longer scraped, each with the approximate time of its last sample.
    pub(crate) fn ended(&self) -> HashMap<u32, i64> {
        let state = self.state.lock();
        let mut ended = HashMap::new();
        for chunk in &state.sealed {
            let Some(TimeBounds { last_ms, .. }) = chunk.time_bounds() else { continue };
            ended.extend(chunk.slots().map(|slot| (slot, last_ms)));
        }
        if let Some(last_ms) = state.last_ms {
            ended.extend(state.open_chunk.slots().map(|slot| (slot, last_ms)));
        }
        ended.retain(|slot, _| !state.is_live(*slot));
        ended
    }

    /// Whether the writer may append to `slot` without registering it again.
    pub(crate) fn is_live(&self, slot: u32) -> bool {
        self.state.lock().is_live(slot)
    }

    /// Whether `slot` has samples, or may get some without being registered again.
    pub(crate) fn retains(&self, slot: u32) -> bool {
        self.state.lock().retains(slot)
    }

    /// All slots that [`Rows::retains`] is true of.
    pub(crate) fn retained(&self) -> HashSet<u32> {
        let state = self.state.lock();
        let mut slots: HashSet<u32> = state.sealed.iter().flat_map(StoredChunk::slots).collect();
        slots.extend(state.open_chunk.slots());
        if !state.is_closed {
            slots.extend(&state.registered);
            slots.extend(state.in_last_row.iter().filter(|slot| state.is_live(**slot)));
        }
        slots
    }

    /// How many series the last scrape had.
    pub(crate) fn live_series(&self) -> usize {
        let state = self.state.lock();
        match (state.is_closed, state.open_chunk.times_ms.is_empty()) {
            (true, _) => 0,
            (false, true) => state.in_last_row.len(),
            (false, false) => state.open_chunk.last_row_series,
        }
    }

    pub(crate) fn time_bounds(&self) -> Option<TimeBounds> {
        let state = self.state.lock();
        let ends = [state.sealed.front(), state.sealed.back()].into_iter().flatten();
        let sealed = ends.filter_map(StoredChunk::time_bounds);
        sealed.chain(state.open_chunk.time_bounds()).reduce(TimeBounds::union)
    }

    pub(crate) fn sizes(&self) -> Sizes {
        let state = self.state.lock();
        let size = |chunk: &StoredChunk| {
            Some(ChunkSize { last_ms: chunk.time_bounds()?.last_ms, size_bytes: chunk.size_bytes() })
        };
        let chunks: Vec<ChunkSize> = state.sealed.iter().filter_map(size).collect();
        let sealed_bytes: usize = chunks.iter().map(|chunk| chunk.size_bytes).sum();
        Sizes { total_bytes: state.open_chunk.size_bytes() + sealed_bytes, chunks }
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.state.lock();
        state.sealed.is_empty() && state.open_chunk.times_ms.is_empty()
    }
}
