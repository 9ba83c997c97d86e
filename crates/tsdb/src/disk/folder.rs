//! The folder of a store: which files it has, and what is being done with them.
use crate::block::{Assembler, BlockWriter};
use crate::disk::header::{Kind, header};
use crate::disk::{Files, Lock, Output};
use crate::store::stats::WriteFailure;
use crate::store::{Inner, Options};
use parking_lot::Mutex;
use promql::Labels;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// What could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk or the folder does not take it.
    #[error("cannot write to {dir}: {source}; make room, or check the disk")]
    Io {
        /// The store's folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An earlier write failed, and not everything is safe again yet.
    #[error("not everything is on disk: {0}")]
    Behind(String),
    /// There is no folder.
    #[error("the store is in memory only: open it with a folder")]
    NoFolder,
    /// The limit of series.
    #[error("the store holds {limit} series, its limit: raise it, or import fewer")]
    TooManySeries {
        /// [`crate::Limits::series`].
        limit: usize,
    },
}

/// A folder that this process has locked.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) dir: PathBuf,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) options: Options,
    /// Held by whoever changes files other than the end of the log.
    pub(crate) work: Mutex<Work>,
    /// Held while the log is written, and never for longer: nothing that takes time keeps the newest samples from the
    /// system, which has them when this process is killed. Taken after `work`, by who takes both.
    pub(crate) log_files: Mutex<LogFiles>,
    pub(crate) failure: Mutex<Option<WriteFailure>>,
    /// The store is about to be closed: long work ends.
    pub(crate) is_closing: AtomicBool,
    pub(crate) next_id: AtomicU64,
    pub(crate) log_bytes: AtomicU64,
    _lock: Box<dyn Lock>,
}

/// What is being done with the files.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) last_sync: Instant,
    /// The span in which what was in memory last became a block.
    pub(crate) span: Option<i64>,
    /// The segment that began when a flush did that has not succeeded yet.
    pub(crate) cut: Option<u64>,
    /// When that was last tried in vain.
    pub(crate) failed_ms: Option<i64>,
    /// When a merge was last tried in vain.
    pub(crate) merge_failed_ms: Option<i64>,
    /// The time of the last maintenance.
    pub(crate) now_ms: i64,
    pub(crate) last_import: Option<Instant>,
}

/// The files of the log.
#[derive(Debug, Default)]
pub(crate) struct LogFiles {
    /// Where the log goes.
    pub(crate) segment: Option<Segment>,
    /// Earlier ones, whose samples are in memory, and their sizes.
    pub(crate) older: Vec<(u64, u64)>,
    /// Something appended is neither in the log nor in a block.
    pub(crate) is_behind: bool,
}

/// The file of the log that is being written.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    output: Arc<dyn Output>,
    bytes: u64,
    /// How many of them will last.
    synced_bytes: u64,
}

impl Disk {
    pub(crate) fn new(dir: &Path, options: Options, files: Arc<dyn Files>, lock: Box<dyn Lock>) -> Self {
        let work = Work {
            last_sync: Instant::now(),
            span: None,
            cut: None,
            failed_ms: None,
            merge_failed_ms: None,
            now_ms: 0,
            last_import: None,
        };
        Self {
            dir: dir.to_owned(),
            files,
            options,
            work: Mutex::new(work),
            log_files: Mutex::default(),
            failure: Mutex::default(),
            is_closing: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
            log_bytes: AtomicU64::new(0),
            _lock: lock,
        }
    }

    /// The file of a block or a segment.
    pub(crate) fn path(&self, id: u64, kind: Kind) -> PathBuf {
        self.dir.join(format!("{id:016x}.{}", kind.extension()))
    }

    /// Writes a block of series with `labels`, which `fill` adds, and makes it last; gives its number.
    pub(crate) fn write_block<'l>(
        &self,
        replaces: &[u64],
        labels: impl ExactSizeIterator<Item = &'l Labels>,
        pulse: &mut dyn FnMut() -> io::Result<()>,
        fill: impl FnOnce(&mut Assembler<'_>) -> io::Result<()>,
    ) -> io::Result<u64> {
        let id = self.next_id.fetch_add(1, Relaxed);
        let temporary = self.dir.join(format!("{id:016x}.tmp"));
        let write = || {
            let output = self.files.create(&temporary)?;
            let mut assembler = Assembler::new(BlockWriter::new(output, replaces, labels, pulse)?);
            fill(&mut assembler)?;
            assembler.finish()?;
            self.files.rename(&temporary, &self.path(id, Kind::Block))?;
            self.files.sync_dir(&self.dir)
        };
        write().inspect_err(|_| {
            // What remains is of no use, and its room may be what is missing.
            let _ = self.files.remove(&temporary);
            let _ = self.files.remove(&self.path(id, Kind::Block));
        })?;
        Ok(id)
    }

    /// Removes a file that is no longer needed. One that stays is removed when the store is opened next, or harmless.
    pub(crate) fn remove(&self, id: u64, kind: Kind) {
        let _ = self.files.remove(&self.path(id, kind));
    }

    pub(crate) fn error(&self, source: io::Error) -> WriteError {
        WriteError::Io { dir: self.dir.clone(), source }
    }

    /// Whether something appended, or to be appended, is in no file of the log.
    pub(crate) fn is_log_missing(&self) -> bool {
        let files = self.log_files.lock();
        files.is_behind || files.segment.is_none()
    }

    pub(crate) fn count_log_bytes(&self, files: &LogFiles) {
        let older: u64 = files.older.iter().map(|(_, bytes)| bytes).sum();
        self.log_bytes.store(older + files.segment.as_ref().map_or(0, |segment| segment.bytes), Relaxed);
    }
}

impl Inner {
    /// Begins a file of the log, and ends the one before. To be called by who holds the work.
    pub(crate) fn begin_segment(&self, disk: &Disk) -> io::Result<u64> {
        let id = disk.next_id.fetch_add(1, Relaxed);
        let path = disk.path(id, Kind::Log);
        let begin = || {
            let output = disk.files.create(&path)?;
            output.write(&header(Kind::Log))?;
            output.sync()?;
            disk.files.sync_dir(&disk.dir)?;
            Ok(output)
        };
        let output = begin().inspect_err(|_: &io::Error| {
            let _ = disk.files.remove(&path);
        })?;
        let bytes = header(Kind::Log).len() as u64;
        let mut files = disk.log_files.lock();
        let waiting = self.log.open(id);
        let before = files.segment.replace(Segment { id, output: output.into(), bytes, synced_bytes: bytes });
        let ended = before.map(|mut before| {
            let written = before.append(&waiting);
            files.older.push((before.id, before.bytes));
            written.map(|()| before)
        });
        disk.count_log_bytes(&files);
        drop(files);
        let ended = ended.transpose().and_then(|before| before.map_or(Ok(()), |before| before.output.sync()));
        // What is lost here is in memory still.
        disk.log_files.lock().is_behind |= ended.is_err();
        Ok(id)
    }

    /// Hands the log to the system.
    pub(crate) fn write_log(&self, disk: &Disk) -> io::Result<()> {
        let mut files = disk.log_files.lock();
        let Some(segment) = &mut files.segment else { return Err(io::Error::other("the log has no file")) };
        let outcome = match self.log.take() {
            Some(records) => segment.append(&records),
            None => Err(io::Error::other("too much waited to be written")),
        };
        if outcome.is_err() {
            self.end_log(&mut files);
        }
        disk.count_log_bytes(&files);
        outcome
    }

    /// Writes the log and makes it last; meanwhile it may be written to.
    pub(crate) fn sync_log(&self, disk: &Disk, work: &mut Work) -> io::Result<()> {
        work.last_sync = Instant::now();
        self.write_log(disk)?;
        let written = disk.log_files.lock().segment.as_ref().and_then(Segment::unsynced);
        // Another writer may have failed since, and ended it.
        let Some((id, output, bytes)) = written else { return Ok(()) };
        let outcome = output.sync();
        let mut files = disk.log_files.lock();
        if let Some(segment) = files.segment.as_mut().filter(|segment| segment.id == id) {
            match outcome {
                Ok(()) => segment.synced_bytes = bytes,
                Err(_) => self.end_log(&mut files),
            }
        }
        outcome
    }

    /// After a failure: nobody knows what of the file will be read, and the next one begins anew.
    fn end_log(&self, files: &mut LogFiles) {
        self.log.close();
        files.older.extend(files.segment.take().map(|segment| (segment.id, segment.bytes)));
        files.is_behind = true;
    }
}

impl Segment {
    fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if !records.is_empty() {
            self.output.write(records)?;
            self.bytes += records.len() as u64;
        }
        Ok(())
    }

    /// Number, file and bytes, if not all of them last.
    fn unsynced(&self) -> Option<(u64, Arc<dyn Output>, u64)> {
        (self.synced_bytes < self.bytes).then(|| (self.id, Arc::clone(&self.output), self.bytes))
    }
}
