//! A group: the series of one target and the scrapes that they share, as their writer sees them.
use crate::head::hidden::HiddenRange;
use crate::head::rows::{Rows, ZeroRow, ZeroRows};
use crate::index::Registered;
use crate::queue::Queue;
use crate::store::error::StoreError;
use crate::store::inner::Inner;
use crate::wal::LogRow;
use crate::wal::group_log::GroupLog;
use promql::Labels;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// One in so many series is evicted at once when the limit is reached, so that evictions are rare.
const EVICTION_DIVISOR: usize = 16;

/// The part of the limit of series by which ended ones may exceed it: one in so many.
const ENDED_DIVISOR: usize = 4;

/// The time between two scrapes after which a group that hides an earlier one no longer does.
const MAX_GAP_MS: i64 = 10 * 60_000;

/// A series within its group, valid until an append leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesRef(u32);

/// Samples that an append rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Samples of series that already had one in the same append, where the first one wins, or with an invalid
    /// reference.
    pub duplicates: u64,
}

/// Series that a scrape has for the first time, and that were zero before.
#[derive(Clone, Copy, Debug)]
pub struct Newborn<'n> {
    /// The series.
    pub series: &'n [SeriesRef],
    /// The time of the scrape at which they were zero, in Unix milliseconds.
    pub zero_ms: i64,
}

/// The queue that gets a group's rows, and what its current segment says about the group.
#[derive(Debug)]
struct QueuedGroup {
    queue: Arc<Queue>,
    log: GroupLog,
}

impl Newborn<'_> {
    /// No series.
    pub const NONE: Self = Self { series: &[], zero_ms: 0 };
}

/// The only writer of a group. Its samples stay in the store after it is dropped.
///
/// A sample with its own timestamp does not fit the shared times; its series needs a separate group.
#[derive(Debug)]
pub struct Group {
    inner: Arc<Inner>,
    rows: Arc<Rows>,
    log: GroupLog,
    /// Where its rows go besides the store.
    queued: Option<QueuedGroup>,
    next_slot: u32,
    /// The groups that it continued from, as far as they still have samples, and what it hides of them.
    earlier: Vec<Weak<Rows>>,
    hides: Option<Arc<HiddenRange>>,
    /// What its new series have added to the store, as [`Group::new_weight`] counts.
    new_weight: usize,
}

impl Group {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        let (rows, number) = inner.head.new_group();
        let queue = inner.queue.get().cloned();
        let queued = queue.map(|queue| QueuedGroup { queue, log: GroupLog::new(number) });
        let (log, earlier) = (GroupLog::new(number), Vec::new());
        Self { inner, rows, log, queued, next_slot: 0, earlier, hides: None, new_weight: 0 }
    }

    /// Whether a scrape at `time_ms` needs [`Group::begin_anew`]: the clock was set back, or, after that, forward.
    pub fn must_begin_anew(&self, time_ms: i64) -> bool {
        self.rows.last_ms().is_some_and(|last_ms| {
            time_ms <= last_ms || self.hides.is_some() && time_ms.saturating_sub(last_ms) > MAX_GAP_MS
        })
    }

    /// Begins a new group for scrapes from `time_ms` on, which may be earlier than the last one. All series have to be
    /// registered again. What was there at the times that come again is left out, from queries and from what is moved to
    /// blocks, as long as the scrapes of the new group go on.
    pub fn begin_anew(&mut self, time_ms: i64) {
        self.close();
        let (rows, number) = self.inner.head.new_group();
        let previous = std::mem::replace(&mut self.rows, rows);
        (self.log, self.next_slot) = (GroupLog::new(number), 0);
        if let Some(queued) = &mut self.queued {
            queued.log = GroupLog::new(number);
        }
        self.earlier.push(Arc::downgrade(&previous));
        let mut earlier: Vec<Arc<Rows>> = self.earlier.iter().filter_map(Weak::upgrade).collect();
        earlier.retain(|rows| rows.last_ms().is_some_and(|last_ms| last_ms >= time_ms));
        self.earlier.retain(|rows| rows.strong_count() > 0);
        if !earlier.is_empty() {
            let range = Arc::new(HiddenRange::new(time_ms));
            earlier.iter().for_each(|rows| rows.hide(Arc::clone(&range)));
            self.hides = Some(range);
        }
    }

    fn close(&mut self) {
        let mut state = self.rows.state.lock();
        state.is_closed = true;
        if let Some(range) = self.hides.take() {
            range.end(state.last_ms.unwrap_or(i64::MIN));
        }
    }

    /// How many series the group has made that the store did not have: each counts as 1, and each
    /// [`SERIES_BYTES`](crate::SERIES_BYTES) of labels that no other series had as 1 more.
    pub fn new_weight(&self) -> usize {
        self.new_weight
    }

    /// How much some series would add to [`Group::new_weight`], or more if they share new labels.
    pub fn weight_of<'l>(&self, series: impl Iterator<Item = &'l Labels>) -> usize {
        let index = self.inner.index.read();
        series.map(|labels| index.added_weight(labels)).sum()
    }

    /// Returns the reference of the series with `labels`, registering it if it is new. At the limit, the series that
    /// ended first are evicted from a store in memory. A store in a folder moves them to a block at its next
    /// maintenance, and takes some more series until then.
    ///
    /// # Errors
    /// If the store already holds the maximum number of live series.
    pub fn register(&mut self, labels: &Labels) -> Result<SeriesRef, StoreError> {
        let limit = self.inner.limits.series;
        let registered = self.register_up_to(labels, limit).or_else(|| {
            if self.inner.disk.is_none() {
                self.inner.evict_ended_series(limit / EVICTION_DIVISOR + 1);
                return self.register_up_to(labels, limit);
            }
            let has_ended_series = self.inner.live_series.load(Ordering::Relaxed) < limit;
            has_ended_series.then(|| self.register_up_to(labels, limit.saturating_add(limit / ENDED_DIVISOR)))?
        });
        let registered = registered.ok_or(StoreError::TooManySeries { limit })?;
        let Registered { slot, labels: interned, new_weight } = registered;
        self.new_weight += new_weight;
        if self.inner.disk.is_some() {
            self.log.add_series(slot, &interned);
        }
        if let Some(queued) = &mut self.queued {
            queued.log.add_series(slot, &interned);
        }
        if slot == self.next_slot {
            self.next_slot += 1;
        }
        Ok(SeriesRef(slot))
    }

    fn register_up_to(&self, labels: &Labels, limit: usize) -> Option<Registered> {
        let mut index = self.inner.index.write();
        let registered = index.register(labels, &self.rows, self.next_slot, limit)?;
        // Before the index is unlocked, so that the series is not evicted before its first sample.
        self.rows.state.lock().registered.insert(registered.slot);
        Some(registered)
    }

    /// Appends one scrape: values that share the time `time_ms` (Unix milliseconds).
    ///
    /// # Errors
    /// If `time_ms` is not after the previous scrape. Nothing is appended then.
    pub fn append(
        &mut self,
        time_ms: i64,
        values: impl IntoIterator<Item = (SeriesRef, f64)>,
    ) -> Result<Rejected, StoreError> {
        self.append_with_zeros(time_ms, values, Newborn::NONE)
    }

    /// Appends one scrape as [`Group::append`] does, and before it a zero for each `newborn` series. A zero has the time
    /// of the previous scrape if that was at `newborn.zero_ms` and has no sample of the series, such as a stale marker.
    /// Otherwise it is a millisecond later, and left out if another scrape was there.
    ///
    /// # Errors
    /// If `time_ms` is not after the previous scrape. Nothing is appended then.
    pub fn append_with_zeros(
        &mut self,
        time_ms: i64,
        values: impl IntoIterator<Item = (SeriesRef, f64)>,
        newborn: Newborn<'_>,
    ) -> Result<Rejected, StoreError> {
        let mut state = self.rows.state.lock();
        if let Some(last_ms) = state.last_ms.filter(|last_ms| time_ms <= *last_ms) {
            self.inner.counters.out_of_order.fetch_add(values.into_iter().count() as u64, Ordering::Relaxed);
            return Err(StoreError::OutOfOrder { time_ms, last_ms });
        }
        let is_logged = self.inner.disk.is_some();
        let zeros = newborn.series.iter().map(|SeriesRef(slot)| *slot);
        let zeros = zeros.filter(|slot| !is_logged || self.log.has_series(usize::MAX, *slot));
        let ZeroRows { in_last_row, after_last_row } = state.add_zeros(zeros, newborn.zero_ms, time_ms);
        let is_chunk_finished = state.begin_row(time_ms);
        state.registered.clear();
        let values = values.into_iter();
        // By slot. Not kept: there are many groups, and one append at a time.
        let mut row: Vec<(u32, f64)> = Vec::with_capacity(values.size_hint().0);
        let mut rejected = Rejected::default();
        for (SeriesRef(slot), value) in values {
            if (!is_logged || self.log.has_series(row.len(), slot)) && state.open_chunk.push(slot, value) {
                row.push((slot, value));
            } else {
                rejected.duplicates += 1;
            }
        }
        if self.inner.disk.is_some() || self.queued.is_some() {
            row.sort_by_key(|(slot, _)| *slot);
        }
        let zeros = [&in_last_row, &after_last_row].into_iter().filter(|row| !row.values.is_empty());
        let zeros = zeros.map(|ZeroRow { time_ms, values }| LogRow { time_ms: *time_ms, values });
        let logged = zeros.chain([LogRow { time_ms, values: &row }]);
        // While the rows are locked, so that the logs have scrapes in order.
        if let Some(disk) = &self.inner.disk {
            disk.wal.append(&mut self.log, logged.clone());
        }
        if let Some(QueuedGroup { queue, log }) = &mut self.queued {
            queue.append(log, logged);
        }
        let logs = [Some(&mut self.log), self.queued.as_mut().map(|queued| &mut queued.log)];
        for log in logs.into_iter().flatten() {
            if is_chunk_finished || log.has_many_ended(row.len()) {
                log.prune(|slot| state.is_live(slot));
            }
        }
        let appended = row.len() + in_last_row.values.len() + after_last_row.values.len();
        self.inner.counters.appended.fetch_add(appended as u64, Ordering::Relaxed);
        self.inner.counters.duplicates.fetch_add(rejected.duplicates, Ordering::Relaxed);
        Ok(rejected)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.close();
    }
}
