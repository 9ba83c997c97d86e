//! Background maintenance of a store in a folder: syncs, flushes, merges, retention, and recovery from failures.
mod chunks;
mod flush;
mod merge;
mod retain;

use crate::index::SERIES_BYTES;
use crate::store::Store;
use crate::store::error::{WriteError, WriteFailure};
use crate::store::inner::Inner;
use crate::store::persistence::{MaintenanceState, Persistence};
use crate::time::FLUSH_PERIOD_MS;
use std::io;
use std::sync::atomic::Ordering::Relaxed;

/// Number of series that have ended, and that half as many as are scraped, above which the head is flushed early.
const MAX_ENDED_SERIES: usize = 20_000;

/// Bytes of the texts of labels, and that half as many as the last flush left, by which they may grow before the head is
/// flushed early if some of their series have ended.
const MAX_NEW_LABEL_BYTES: usize = MAX_ENDED_SERIES * SERIES_BYTES;

/// The part of the limit of series that may have ended when the limit is reached: one in so many.
const MAX_ENDED_ONE_IN: usize = 16;

/// Time between two attempts to flush after a failure.
const RETRY_AFTER_MS: u64 = 5000;

/// Age up to which samples stay in memory, whatever they take, while nothing can be written.
const MIN_IN_MEMORY_MS: i64 = 15 * 60_000;

impl Store {
    /// Does the work that is due at `now_ms` (Unix milliseconds): writes the log, syncs it every
    /// [`crate::Options::sync_every`], applies retention, flushes, merges, and retries what failed. Call it about once
    /// a second on a thread that may block for some seconds; appends and queries go on meanwhile. In a store without a
    /// folder it only applies retention.
    ///
    /// # Errors
    /// If something cannot be written. It stays in memory, and later calls retry; [`Store::stats`] reports it too.
    pub fn maintain(&self, now_ms: i64) -> Result<(), WriteError> {
        self.maintain_keeping(now_ms, now_ms)
    }

    /// [`Store::maintain`] with retention as of another time, `retention_now_ms` (Unix milliseconds), for a caller that
    /// does not trust the clock.
    ///
    /// # Errors
    /// As [`Store::maintain`].
    pub fn maintain_keeping(&self, now_ms: i64, retention_now_ms: i64) -> Result<(), WriteError> {
        let inner = &*self.inner;
        let Some(disk) = &inner.disk else {
            self.apply_retention(retention_now_ms);
            return Ok(());
        };
        let mut state = disk.maintenance.lock();
        state.now_ms = now_ms;
        inner.apply_retention(retention_now_ms);
        let outcome = inner.write_and_flush(disk, &mut state, now_ms);
        record_outcome(disk, &state, outcome)?;
        // A failed merge endangers no samples, so it is not recorded as a failure.
        inner.merge_one_day(disk, &mut state, now_ms).map_err(|error| disk.error(error))
    }

    /// Writes everything appended so far to the log, without a sync: it survives the end of this process, but not a
    /// power failure. Call it a few times a second; it does not wait for [`Store::maintain`], which also reports a
    /// failure and recovers from it.
    pub fn write(&self) {
        if let Some(disk) = &self.inner.disk {
            let _ = disk.wal.write();
        }
    }

    /// Syncs everything appended so far to disk.
    ///
    /// # Errors
    /// If that fails, or an earlier failure has not been recovered from.
    pub fn sync(&self) -> Result<(), WriteError> {
        let Some(disk) = &self.inner.disk else { return Ok(()) };
        let mut state = disk.maintenance.lock();
        if disk.wal.is_incomplete() {
            return record_outcome(disk, &state, Err(io::ErrorKind::WouldBlock.into()));
        }
        let outcome = disk.sync_log(&mut state);
        outcome.or_else(|error| record_outcome(disk, &state, Err(error)))
    }

    /// Interrupts long operations and syncs everything appended so far to disk. Dropping the last handle does the same,
    /// but cannot report a failure.
    ///
    /// # Errors
    /// If something cannot be written.
    pub fn close(&self) -> Result<(), WriteError> {
        let Some(disk) = &self.inner.disk else { return Ok(()) };
        self.inner.close(disk)
    }
}

impl Inner {
    fn write_and_flush(&self, disk: &Persistence, state: &mut MaintenanceState, now_ms: i64) -> io::Result<()> {
        let period = now_ms.div_euclid(FLUSH_PERIOD_MS);
        let is_new_period = *state.flush_period.get_or_insert(period) != period;
        if disk.wal.has_segment() {
            match state.last_sync.elapsed() >= disk.options.sync_every {
                true => disk.sync_log(state)?,
                false => disk.wal.write()?,
            }
        }
        let must_flush = disk.wal.is_incomplete() || is_new_period || self.has_too_many_ended_series(state);
        let must_cut_log = disk.wal.size_bytes() > disk.options.log_bytes;
        if !must_flush && !must_cut_log && self.head.finished_bytes() <= disk.options.head_bytes {
            return Ok(());
        }
        if state.flush_failed_ms.is_some_and(|failed_ms| now_ms.abs_diff(failed_ms) < RETRY_AFTER_MS) {
            self.limit_memory(disk);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.flush_failed_ms = Some(now_ms);
        let outcome = match (must_flush, must_cut_log) {
            (true, _) => self.flush(disk, state),
            (false, true) => self.cut_log(disk, state),
            (false, false) => self.write_chunks(disk, state),
        };
        outcome.inspect_err(|_| self.limit_memory(disk))?;
        state.flush_failed_ms = None;
        if must_flush {
            state.flush_period = Some(period);
        }
        Ok(())
    }

    /// Whether so many series have ended that they should move from memory to a block.
    fn has_too_many_ended_series(&self, state: &MaintenanceState) -> bool {
        let live = self.head.live_series();
        let (all, weight, label_bytes) = {
            let index = self.index.read();
            (index.len(), index.weight(), index.text_bytes())
        };
        self.live_series.store(live, Relaxed);
        let ended = all.saturating_sub(live);
        let new_label_bytes = label_bytes.saturating_sub(state.flushed_label_bytes);
        let has_many_new_labels = ended > 0 && new_label_bytes > MAX_NEW_LABEL_BYTES.max(state.flushed_label_bytes / 2);
        let ended_weight = ended.max(if ended > 0 { new_label_bytes / SERIES_BYTES } else { 0 });
        let is_limit_near = weight >= self.limits.series && ended_weight > self.limits.series / MAX_ENDED_ONE_IN;
        is_limit_near || has_many_new_labels || ended > MAX_ENDED_SERIES.max(live / 2)
    }

    /// Syncs everything appended so far: to the log or, if that is incomplete, to blocks.
    fn close(&self, disk: &Persistence) -> Result<(), WriteError> {
        disk.is_closing.store(true, Relaxed);
        let mut state = disk.maintenance.lock();
        disk.is_closing.store(false, Relaxed);
        let mut outcome = disk.sync_log(&mut state);
        if outcome.is_err() || disk.wal.is_incomplete() {
            outcome = self.flush(disk, &mut state);
        }
        record_outcome(disk, &state, outcome)
    }

    /// Drops the oldest samples from memory while nothing can be written, but none of the newest fifteen minutes.
    fn limit_memory(&self, disk: &Persistence) {
        let Some(bounds) = self.head.time_bounds() else { return };
        if let Some(cutoff_ms) = self.head.size_cutoff_ms(disk.options.head_bytes.saturating_mul(4)) {
            self.drop_until(cutoff_ms.min(bounds.last_ms.saturating_sub(MIN_IN_MEMORY_MS)));
        }
    }
}

/// Records the start and the cause of a failure, or the end of one.
fn record_outcome(disk: &Persistence, state: &MaintenanceState, outcome: io::Result<()>) -> Result<(), WriteError> {
    let mut failure = disk.failure.lock();
    let Err(error) = outcome else {
        *failure = None;
        return Ok(());
    };
    match error.kind() {
        io::ErrorKind::Interrupted => {}
        io::ErrorKind::WouldBlock => {
            let reason = failure.as_ref().map_or("an earlier write failed", |failure| &failure.reason);
            return Err(WriteError::NotRecovered(reason.to_owned()));
        }
        _ => {
            let since_ms = failure.as_ref().map_or(state.now_ms, |failure| failure.since_ms);
            *failure = Some(WriteFailure { since_ms, reason: error.to_string() });
        }
    }
    Err(disk.error(error))
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            let _ = self.close(disk);
        }
    }
}
