//! What a store in a folder does in the background: sync, blocks, retention, and coming back after a failure.
mod flush;
mod merge;
mod retain;

use crate::Store;
use crate::disk::folder::{Disk, Work, WriteError};
use crate::store::Inner;
use crate::store::stats::WriteFailure;
use std::io;
use std::sync::atomic::Ordering::Relaxed;

/// What is in memory becomes a block when one of these spans of UTC is over.
pub(crate) const SPAN_MS: i64 = 2 * 3_600_000;

/// Bytes of the log after which what is in memory becomes a block anyway, so that opening stays quick.
const MOST_LOG_BYTES: u64 = 128 << 20;

/// After a failure it is tried again so soon.
const RETRY_AFTER_MS: u64 = 5000;

/// What stays in memory whatever it takes, while nothing can be written.
const KEPT_MS: i64 = 15 * 60_000;

impl Store {
    /// Does what is due at `now_ms` (Unix milliseconds): writes the log, and makes it last once in
    /// [`crate::Options::sync_every`]; drops what is too old or too much; makes blocks; tries again what failed. To be
    /// called about once a second, by a thread that may be busy for some seconds now and then; appends and queries go
    /// on meanwhile. A store without a folder only drops what is too old or too much.
    ///
    /// # Errors
    /// When something cannot be written. It stays in memory, and later calls try again; [`Store::stats`] tells too.
    pub fn maintain(&self, now_ms: i64) -> Result<(), WriteError> {
        let inner = &*self.inner;
        let Some(disk) = &inner.disk else {
            self.retain(now_ms);
            return Ok(());
        };
        let mut work = disk.work.lock();
        work.now_ms = now_ms;
        inner.retain(now_ms);
        let outcome = inner.step(disk, &mut work, now_ms);
        inner.conclude(disk, &work, outcome)?;
        // That one cannot be merged endangers nothing.
        inner.merge_a_day(disk, &mut work, now_ms).map_err(|error| disk.error(error))
    }

    /// Hands everything appended so far to the system, which has it when this process is killed, if not yet after a power
    /// cut. Waits for nothing that [`Store::maintain`] does, beside which it is to be called, a few times a second. A
    /// failure is told and made good there.
    pub fn write(&self) {
        if let Some(disk) = &self.inner.disk {
            let _ = self.inner.write_log(disk);
        }
    }

    /// Makes everything appended so far last.
    ///
    /// # Errors
    /// When that is not possible, or an earlier failure has not been made good yet.
    pub fn sync(&self) -> Result<(), WriteError> {
        let Some(disk) = &self.inner.disk else { return Ok(()) };
        self.inner.sync(disk)
    }

    /// Ends long work that is under way, and makes everything appended so far last. Dropping the last handle does the
    /// same, but cannot tell of a failure.
    ///
    /// # Errors
    /// When something could not be written.
    pub fn close(&self) -> Result<(), WriteError> {
        let Some(disk) = &self.inner.disk else { return Ok(()) };
        self.inner.close(disk)
    }
}

impl Inner {
    fn step(&self, disk: &Disk, work: &mut Work, now_ms: i64) -> io::Result<()> {
        let span = now_ms.div_euclid(SPAN_MS);
        let is_new_span = *work.span.get_or_insert(span) != span;
        if disk.log_files.lock().segment.is_some() {
            match work.last_sync.elapsed() >= disk.options.sync_every {
                true => self.sync_log(disk, work)?,
                false => self.write_log(disk)?,
            }
        }
        let is_missing = disk.is_log_missing();
        let is_full = || self.head_bytes() > disk.options.head_bytes;
        if is_missing || is_new_span || disk.log_bytes.load(Relaxed) > MOST_LOG_BYTES || is_full() {
            if work.failed_ms.is_some_and(|failed_ms| now_ms.abs_diff(failed_ms) < RETRY_AFTER_MS) {
                self.bound_memory(disk);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            work.failed_ms = Some(now_ms);
            self.flush(disk, work).inspect_err(|_| self.bound_memory(disk))?;
            work.failed_ms = None;
            work.span = Some(span);
        }
        Ok(())
    }

    /// Remembers since when and why it fails, or that it does no longer.
    fn conclude(&self, disk: &Disk, work: &Work, outcome: io::Result<()>) -> Result<(), WriteError> {
        let mut failure = disk.failure.lock();
        let Err(error) = outcome else {
            *failure = None;
            return Ok(());
        };
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => {
                let reason = failure.as_ref().map_or("an earlier write failed", |failure| &failure.reason);
                return Err(WriteError::Behind(reason.to_owned()));
            }
            _ => {
                let since_ms = failure.as_ref().map_or(work.now_ms, |failure| failure.since_ms);
                *failure = Some(WriteFailure { since_ms, reason: error.to_string() });
            }
        }
        Err(disk.error(error))
    }

    /// Makes everything appended so far last, in the log.
    fn sync(&self, disk: &Disk) -> Result<(), WriteError> {
        let mut work = disk.work.lock();
        if disk.is_log_missing() {
            return self.conclude(disk, &work, Err(io::ErrorKind::WouldBlock.into()));
        }
        let outcome = self.sync_log(disk, &mut work);
        outcome.or_else(|error| self.conclude(disk, &work, Err(error)))
    }

    /// Makes everything appended so far last, in the log or, where it has a gap, as blocks.
    fn close(&self, disk: &Disk) -> Result<(), WriteError> {
        disk.is_closing.store(true, Relaxed);
        let mut work = disk.work.lock();
        disk.is_closing.store(false, Relaxed);
        let mut outcome = self.sync_log(disk, &mut work);
        if outcome.is_err() || disk.is_log_missing() {
            outcome = self.flush(disk, &mut work);
        }
        self.conclude(disk, &work, outcome)
    }

    /// Drops the oldest from memory while nothing can be written, but nothing of the newest fifteen minutes.
    fn bound_memory(&self, disk: &Disk) {
        let Some((_, newest_ms)) = self.head_span_ms() else { return };
        if let Some(cutoff_ms) = self.size_cutoff_ms(disk.options.head_bytes.saturating_mul(4)) {
            self.drop_until(cutoff_ms.min(newest_ms.saturating_sub(KEPT_MS)));
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            // There is nobody to tell of an error.
            let _ = self.close(disk);
        }
    }
}
