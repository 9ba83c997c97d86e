//! The scrapes of a group that are in memory.
use crate::DAY_MS;
use crate::head::chunk::{Chunk, Head, ROWS};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// The scrapes of a group, shared by its writer and by queries.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    sealed: VecDeque<Arc<Chunk>>,
    pub(crate) head: Head,
    pub(crate) last_ms: Option<i64>,
    /// Series that were asked for since the last append.
    pub(crate) registered: HashSet<u32>,
    /// Series in the last scrape of the last finished chunk, in order.
    in_last_row: Vec<u32>,
    /// There will be no more scrapes.
    pub(crate) closed: bool,
}

impl State {
    /// Begins a row at `time_ms`, which is after the rows before. No chunk holds scrapes of two days.
    pub(crate) fn begin_row(&mut self, time_ms: i64) {
        let is_new_day = |first: &i64| first.div_euclid(DAY_MS) != time_ms.div_euclid(DAY_MS);
        if self.head.times_ms.first().is_some_and(is_new_day) {
            self.seal();
        }
        self.last_ms = Some(time_ms);
        self.head.begin_row(time_ms);
    }

    /// Ends the row; true where that finished a chunk.
    pub(crate) fn end_row(&mut self) -> bool {
        let is_full = self.head.times_ms.len() >= ROWS;
        if is_full {
            self.seal();
        }
        is_full
    }

    fn seal(&mut self) {
        if !self.head.times_ms.is_empty() {
            self.in_last_row = self.head.in_last_row();
            self.sealed.push_back(Arc::new(std::mem::take(&mut self.head).seal()));
        }
    }

    /// Whether the writer may append to the series without asking for it again.
    pub(crate) fn is_live(&self, slot: u32) -> bool {
        let in_last_row = if self.head.times_ms.is_empty() {
            self.in_last_row.binary_search(&slot).is_ok()
        } else {
            self.head.is_in_last_row(slot)
        };
        !self.closed && (in_last_row || self.registered.contains(&slot))
    }

    /// Drops the oldest `count` chunks, and gives the series of which nothing is left.
    fn drop_front(&mut self, count: usize) -> Vec<u32> {
        let dropped: Vec<_> = self.sealed.drain(..count.min(self.sealed.len())).collect();
        let mut gone: Vec<u32> = dropped.iter().flat_map(|chunk| chunk.slots()).collect();
        gone.sort_unstable();
        gone.dedup();
        gone.retain(|slot| !self.head.has(*slot) && !self.sealed.iter().any(|chunk| chunk.has(*slot)));
        gone
    }
}

impl Rows {
    /// The chunks with a scrape in `after_ms < time <= until_ms`, in order of time; of the one being written a copy
    /// with the series in `slots` only.
    pub(crate) fn snapshot(&self, after_ms: i64, until_ms: i64, slots: &[u32]) -> Vec<Arc<Chunk>> {
        let state = self.state.lock();
        let from = state.sealed.partition_point(|chunk| !chunk.overlaps(after_ms, i64::MAX));
        let mut chunks: Vec<_> =
            state.sealed.range(from..).take_while(|chunk| chunk.overlaps(after_ms, until_ms)).cloned().collect();
        let wanted = |first_ms: &i64, last_ms: &i64| *first_ms <= until_ms && *last_ms > after_ms;
        if let (Some(first_ms), Some(last_ms)) = (state.head.times_ms.first(), state.head.times_ms.last())
            && wanted(first_ms, last_ms)
        {
            chunks.push(Arc::new(state.head.snapshot(slots.iter().copied())));
        }
        chunks
    }

    /// Finishes the chunk that is being written, and gives all of them.
    pub(crate) fn seal(&self) -> Vec<Arc<Chunk>> {
        let mut state = self.state.lock();
        state.seal();
        state.sealed.iter().cloned().collect()
    }

    /// Drops the oldest `count` finished chunks, and gives the series of which nothing is left.
    pub(crate) fn drop_front(&self, count: usize) -> Vec<u32> {
        self.state.lock().drop_front(count)
    }

    /// Drops the chunks that end at or before `cutoff_ms`, and gives the series of which nothing is left.
    pub(crate) fn drop_until(&self, cutoff_ms: i64) -> Vec<u32> {
        let mut state = self.state.lock();
        if state.last_ms.is_some_and(|last_ms| last_ms <= cutoff_ms) {
            state.seal();
        }
        let count = state.sealed.partition_point(|chunk| !chunk.overlaps(cutoff_ms, i64::MAX));
        state.drop_front(count)
    }

    /// The series with a scrape in `after_ms < time <= until_ms`, as far as whole chunks tell.
    pub(crate) fn slots_within(&self, after_ms: i64, until_ms: i64) -> HashSet<u32> {
        let state = self.state.lock();
        let mut slots: HashSet<u32> = state
            .sealed
            .iter()
            .filter(|chunk| chunk.overlaps(after_ms, until_ms))
            .flat_map(|chunk| chunk.slots())
            .collect();
        if let (Some(first_ms), Some(last_ms)) = (state.head.times_ms.first(), state.head.times_ms.last())
            && *first_ms <= until_ms
            && *last_ms > after_ms
        {
            slots.extend(state.head.slots());
        }
        slots
    }

    /// The series that are no longer scraped, each with about the time of its last sample.
    pub(crate) fn ended(&self) -> HashMap<u32, i64> {
        let state = self.state.lock();
        let mut last_ms = HashMap::new();
        for chunk in &state.sealed {
            let Some((_, chunk_last_ms)) = chunk.span_ms() else { continue };
            last_ms.extend(chunk.slots().map(|slot| (slot, chunk_last_ms)));
        }
        if let Some(head_last_ms) = state.last_ms {
            last_ms.extend(state.head.slots().map(|slot| (slot, head_last_ms)));
        }
        last_ms.retain(|slot, _| !state.is_live(*slot));
        last_ms
    }

    /// Whether the writer may append to the series without asking for it again.
    pub(crate) fn is_live(&self, slot: u32) -> bool {
        self.state.lock().is_live(slot)
    }

    /// First and last time of what is held.
    pub(crate) fn span_ms(&self) -> Option<(i64, i64)> {
        let state = self.state.lock();
        let head = state.head.times_ms.first().copied();
        let first = state.sealed.front().and_then(|chunk| chunk.span_ms()).map(|(first, _)| first).or(head)?;
        let last = state.sealed.back().and_then(|chunk| chunk.span_ms()).map(|(_, last)| last);
        Some((first, state.head.times_ms.last().copied().or(last)?))
    }

    /// Memory held, and for each finished chunk its last time and memory, oldest first.
    pub(crate) fn sizes(&self) -> (usize, Vec<(i64, usize)>) {
        let state = self.state.lock();
        let chunks: Vec<_> = state
            .sealed
            .iter()
            .filter_map(|chunk| chunk.span_ms().map(|(_, last_ms)| (last_ms, chunk.size_bytes())))
            .collect();
        (state.head.size_bytes() + chunks.iter().map(|(_, size_bytes)| size_bytes).sum::<usize>(), chunks)
    }

    /// Whether there is no scrape at all.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.state.lock();
        state.sealed.is_empty() && state.head.times_ms.is_empty()
    }
}
