//! A group: the series of one target and the scrapes they share, as its writer and as queries see them.
use crate::chunk::{Chunk, Head, ROWS};
use crate::store::{Inner, StoreError};
use parking_lot::Mutex;
use promql::Labels;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, atomic::Ordering};

/// The share of the series limit that is freed when it is reached, so that this is rare.
const FORGOTTEN_AT_ONCE: usize = 16;

/// A series within its group; valid until an append leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesRef(u32);

/// Samples of one append that were not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// The series had a sample in the same append already; the first one counts.
    pub duplicates: u64,
}

/// The one writer of a group. What it wrote stays in the store when it is dropped.
///
/// A sample that carries a time of its own does not fit the shared times; its series gets a group to itself.
#[derive(Debug)]
pub struct Group {
    inner: Arc<Inner>,
    rows: Arc<Rows>,
    next_slot: u32,
}

impl Group {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        let rows = Arc::new(Rows::default());
        inner.groups.lock().push(Arc::clone(&rows));
        Self { inner, rows, next_slot: 0 }
    }

    /// The reference of the series with `labels`, a new one or the one given before. At the limit, series that have
    /// ended make room, the oldest first.
    ///
    /// # Errors
    /// When the store holds as many live series as its limit allows.
    pub fn register(&mut self, labels: &Labels) -> Result<SeriesRef, StoreError> {
        let limit = self.inner.limits.series;
        let register = || {
            let mut index = self.inner.index.write();
            let slot = index.register(labels, &self.rows, self.next_slot, limit)?;
            // Before the index is let go, so that the series is not forgotten between now and its first sample.
            self.rows.state.lock().registered.insert(slot);
            Some(slot)
        };
        let slot = register().or_else(|| {
            self.inner.forget_ended(limit / FORGOTTEN_AT_ONCE + 1);
            register()
        });
        let slot = slot.ok_or(StoreError::TooManySeries { limit })?;
        if slot == self.next_slot {
            self.next_slot += 1;
        }
        Ok(SeriesRef(slot))
    }

    /// Appends one scrape: values that share the time `time_ms` (Unix milliseconds).
    ///
    /// # Errors
    /// When `time_ms` is not after the scrape before; then nothing is taken.
    pub fn append(
        &mut self,
        time_ms: i64,
        values: impl IntoIterator<Item = (SeriesRef, f64)>,
    ) -> Result<Refused, StoreError> {
        let mut state = self.rows.state.lock();
        if let Some(last_ms) = state.last_ms.filter(|last_ms| time_ms <= *last_ms) {
            return Err(StoreError::OutOfOrder { time_ms, last_ms });
        }
        state.last_ms = Some(time_ms);
        state.registered.clear();
        state.head.times_ms.push(time_ms);
        let (mut taken, mut refused) = (0, Refused::default());
        for (SeriesRef(slot), value) in values {
            if state.head.push(slot, value) {
                taken += 1;
            } else {
                refused.duplicates += 1;
            }
        }
        if state.head.times_ms.len() >= ROWS {
            state.seal();
        }
        self.inner.appended.fetch_add(taken, Ordering::Relaxed);
        Ok(refused)
    }
}

/// The scrapes of a group.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sealed: VecDeque<Arc<Chunk>>,
    head: Head,
    last_ms: Option<i64>,
    /// Series that were asked for since the last append.
    registered: HashSet<u32>,
    /// Series in the last scrape of the last finished chunk, in order.
    in_last_row: Vec<u32>,
    /// There will be no more scrapes.
    closed: bool,
}

impl State {
    fn seal(&mut self) {
        if !self.head.times_ms.is_empty() {
            self.in_last_row = self.head.in_last_row();
            self.sealed.push_back(Arc::new(std::mem::take(&mut self.head).seal()));
        }
    }

    /// Whether the writer may append to the series without asking for it again.
    fn is_live(&self, slot: u32) -> bool {
        let in_last_row = if self.head.times_ms.is_empty() {
            self.in_last_row.binary_search(&slot).is_ok()
        } else {
            self.head.is_in_last_row(slot)
        };
        !self.closed && (in_last_row || self.registered.contains(&slot))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.rows.state.lock().closed = true;
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

    /// Drops the chunks that end at or before `cutoff_ms`, and gives the series of which nothing is left.
    pub(crate) fn drop_until(&self, cutoff_ms: i64) -> Vec<u32> {
        let mut state = self.state.lock();
        if state.last_ms.is_some_and(|last_ms| last_ms <= cutoff_ms) {
            state.seal();
        }
        let kept_from = state.sealed.partition_point(|chunk| !chunk.overlaps(cutoff_ms, i64::MAX));
        let dropped: Vec<_> = state.sealed.drain(..kept_from).collect();
        let mut gone: Vec<u32> = dropped.iter().flat_map(|chunk| chunk.slots()).collect();
        gone.sort_unstable();
        gone.dedup();
        gone.retain(|slot| !state.head.has(*slot) && !state.sealed.iter().any(|chunk| chunk.has(*slot)));
        gone
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
