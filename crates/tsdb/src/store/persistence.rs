//! The part of a store that is on disk: its folder, its write-ahead log, and the progress of maintenance.
use crate::block::{BlockAssembler, write_block};
use crate::disk::folder::Folder;
use crate::disk::header::FileKind;
use crate::head::chunk_file_writer::ChunkFileWriter;
use crate::store::error::{WriteError, WriteFailure};
use crate::store::options::Options;
use crate::wal::Wal;
use parking_lot::Mutex;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Persistence {
    pub(crate) folder: Folder,
    pub(crate) wal: Wal,
    pub(crate) options: Options,
    /// Held by every operation that changes files other than the end of the log, and taken before the lock of the log.
    pub(crate) maintenance: Mutex<MaintenanceState>,
    pub(crate) failure: Mutex<Option<WriteFailure>>,
    /// Size of the chunk files.
    pub(crate) chunk_bytes: AtomicU64,
    /// Set while the store is being closed, so that long operations end.
    pub(crate) is_closing: AtomicBool,
}

/// The progress of maintenance.
#[derive(Debug)]
pub(crate) struct MaintenanceState {
    pub(crate) last_sync: Instant,
    /// The flush period in which the head was last flushed.
    pub(crate) flush_period: Option<i64>,
    /// Bytes of the texts of labels in memory when the head was last flushed.
    pub(crate) flushed_label_bytes: usize,
    /// The chunk file that is being appended to.
    pub(crate) chunk_file: Option<ChunkFileWriter>,
    /// The chunk files that exist.
    pub(crate) chunk_file_ids: Vec<u64>,
    /// The segment that began with a flush that has not succeeded yet.
    pub(crate) flush_segment: Option<u64>,
    /// When a flush last failed.
    pub(crate) flush_failed_ms: Option<i64>,
    /// When a merge last failed.
    pub(crate) merge_failed_ms: Option<i64>,
    /// The time of the last maintenance.
    pub(crate) now_ms: i64,
    pub(crate) last_import: Option<Instant>,
}

impl Persistence {
    pub(crate) fn new(folder: Folder, options: Options) -> Self {
        let maintenance = MaintenanceState {
            last_sync: Instant::now(),
            flush_period: None,
            flushed_label_bytes: 0,
            chunk_file: None,
            chunk_file_ids: Vec::new(),
            flush_segment: None,
            flush_failed_ms: None,
            merge_failed_ms: None,
            now_ms: 0,
            last_import: None,
        };
        Self {
            folder,
            wal: Wal::new(),
            options,
            maintenance: Mutex::new(maintenance),
            failure: Mutex::default(),
            chunk_bytes: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn error(&self, source: io::Error) -> WriteError {
        WriteError::Io { dir: self.folder.path().to_owned(), source }
    }

    /// Begins a segment of the log for what is not flushed now; the one of a failed attempt is used again.
    pub(crate) fn begin_flush(&self, state: &mut MaintenanceState) -> io::Result<u64> {
        let current = self.wal.current_segment();
        let segment = match state.flush_segment.filter(|segment| current == Some(*segment)) {
            Some(segment) => segment,
            None => self.wal.begin_segment(&self.folder)?,
        };
        state.flush_segment = Some(segment);
        Ok(segment)
    }

    /// Removes the chunk files, whose samples are in blocks now.
    pub(crate) fn remove_chunk_files(&self, state: &mut MaintenanceState) {
        state.chunk_file = None;
        self.folder.remove_all(&std::mem::take(&mut state.chunk_file_ids), FileKind::Chunks);
        self.chunk_bytes.store(0, Relaxed);
    }

    /// Size of the files with what is in no block yet.
    pub(crate) fn head_file_bytes(&self) -> u64 {
        self.wal.size_bytes() + self.chunk_bytes.load(Relaxed)
    }

    /// Writes the log and syncs it.
    pub(crate) fn sync_log(&self, state: &mut MaintenanceState) -> io::Result<()> {
        state.last_sync = Instant::now();
        self.wal.sync()
    }

    /// Writes and syncs a block of the series that `fill` adds; returns its id. Meanwhile the log is synced when due, and
    /// closing the store interrupts it.
    pub(crate) fn write_block(
        &self,
        state: &mut MaintenanceState,
        replaces: &[u64],
        fill: impl FnOnce(&mut BlockAssembler<'_>) -> io::Result<()>,
    ) -> io::Result<u64> {
        let mut on_progress = || -> io::Result<()> {
            if self.is_closing.load(Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if state.last_sync.elapsed() >= self.options.sync_every && self.wal.has_segment() {
                self.sync_log(state)?;
            }
            Ok(())
        };
        write_block(&self.folder, replaces, &mut on_progress, fill)
    }
}
