//! A group: the series of one target and the scrapes they share, as its writer sees it.
use crate::head::rows::Rows;
use crate::store::{Inner, StoreError};
use crate::wal::buffer::Logged;
use promql::Labels;
use std::sync::{Arc, atomic::Ordering};

/// The share of the series limit that is freed when it is reached, so that this is rare.
const FORGOTTEN_AT_ONCE: usize = 16;

/// A series within its group; valid until an append leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesRef(u32);

/// Samples of one append that were not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// The series had a sample in the same append already (the first one counts), or its reference is not valid.
    pub duplicates: u64,
}

/// The one writer of a group. What it wrote stays in the store when it is dropped.
///
/// A sample that carries a time of its own does not fit the shared times; its series gets a group to itself.
#[derive(Debug)]
pub struct Group {
    inner: Arc<Inner>,
    rows: Arc<Rows>,
    logged: Logged,
    next_slot: u32,
    /// The values of one append, by slot.
    row: Vec<(u32, f64)>,
}

impl Group {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        let rows = Arc::new(Rows::default());
        inner.groups.lock().push(Arc::clone(&rows));
        let logged = Logged::new(inner.next_group.fetch_add(1, Ordering::Relaxed));
        Self { inner, rows, logged, next_slot: 0, row: Vec::new() }
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
            let (slot, kept) = index.register(labels, &self.rows, self.next_slot, limit)?;
            // Before the index is let go, so that the series is not forgotten between now and its first sample.
            self.rows.state.lock().registered.insert(slot);
            Some((slot, kept))
        };
        let registered = register().or_else(|| {
            self.inner.forget_ended(limit / FORGOTTEN_AT_ONCE + 1);
            register()
        });
        let (slot, kept) = registered.ok_or(StoreError::TooManySeries { limit })?;
        if self.inner.disk.is_some() {
            self.logged.know(slot, &kept);
        }
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
            self.inner.counts.out_of_order.fetch_add(values.into_iter().count() as u64, Ordering::Relaxed);
            return Err(StoreError::OutOfOrder { time_ms, last_ms });
        }
        state.begin_row(time_ms);
        state.registered.clear();
        self.row.clear();
        let mut refused = Refused::default();
        let is_logged = self.inner.disk.is_some();
        for (SeriesRef(slot), value) in values {
            if (!is_logged || self.logged.knows(self.row.len(), slot)) && state.head.push(slot, value) {
                self.row.push((slot, value));
            } else {
                refused.duplicates += 1;
            }
        }
        if is_logged {
            self.row.sort_by_key(|(slot, _)| *slot);
            // While the scrapes are held, so that the log has them in their order.
            self.inner.log.append(&mut self.logged, time_ms, &self.row);
        }
        if state.end_row() {
            self.logged.keep(|slot| state.is_live(slot));
        }
        self.inner.counts.appended.fetch_add(self.row.len() as u64, Ordering::Relaxed);
        self.inner.counts.duplicates.fetch_add(refused.duplicates, Ordering::Relaxed);
        Ok(refused)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.rows.state.lock().closed = true;
    }
}
