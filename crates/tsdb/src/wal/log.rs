//! The log on disk: writing buffered records to segments, syncing them, and removing segments after a flush.
use super::buffer::{LogBuffer, LogRow};
use super::group_log::GroupLog;
use super::segment::Segment;
use crate::disk::folder::Folder;
use crate::disk::header::FileKind;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Debug)]
pub(crate) struct Wal {
    buffer: LogBuffer,
    /// Held while the log is written, and never during anything slow, so that the newest samples reach the system,
    /// which keeps them if this process is killed.
    segments: Mutex<Segments>,
    size_bytes: AtomicU64,
}

/// The files of the log.
#[derive(Debug, Default)]
struct Segments {
    current: Option<Segment>,
    /// Earlier segments, whose samples are in memory.
    older: Vec<OldSegment>,
    /// Whether some appended samples are neither in the log nor in a block.
    has_gap: bool,
}

#[derive(Debug)]
struct OldSegment {
    id: u64,
    size_bytes: u64,
}

impl Wal {
    /// Creates a log that drops all records until [`Wal::begin_segment`].
    pub(crate) fn new() -> Self {
        Self { buffer: LogBuffer::new(), segments: Mutex::default(), size_bytes: AtomicU64::new(0) }
    }

    /// Buffers rows of one group, in order of time.
    pub(crate) fn append<'r>(&self, group: &mut GroupLog, rows: impl Iterator<Item = LogRow<'r>>) {
        self.buffer.append(group, rows);
    }

    /// Begins a segment and ends the previous one; returns the id of the new one.
    pub(crate) fn begin_segment(&self, folder: &Folder) -> io::Result<u64> {
        let segment = Segment::create(folder, FileKind::Log)?;
        let id = segment.id;
        let mut segments = self.segments.lock();
        let (pending, has_dropped) = self.buffer.open(id);
        segments.has_gap |= has_dropped;
        let ended = segments.current.replace(segment).map(|mut previous| {
            let written = previous.append(&pending);
            segments.older.push(OldSegment { id: previous.id, size_bytes: previous.size_bytes });
            written.map(|()| previous)
        });
        self.update_size(&segments);
        drop(segments);
        let ended = ended.transpose().and_then(|previous| previous.map_or(Ok(()), |previous| previous.file.sync()));
        // A failure here is not an error: the samples are still in memory.
        self.segments.lock().has_gap |= ended.is_err();
        Ok(id)
    }

    /// Writes the buffered records to the current segment.
    pub(crate) fn write(&self) -> io::Result<()> {
        let mut segments = self.segments.lock();
        let Some(segment) = &mut segments.current else { return Err(io::Error::other("the log has no segment")) };
        let outcome = match self.buffer.take() {
            Some(records) => segment.append(&records),
            None => Err(io::Error::other("the log buffer overflowed")),
        };
        if outcome.is_err() {
            self.fail(&mut segments);
        }
        self.update_size(&segments);
        outcome
    }

    /// Writes the buffered records and syncs the current segment; other threads may write meanwhile.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.write()?;
        // None if everything is synced, or another writer failed since.
        let unsynced = self.segments.lock().current.as_ref().and_then(|segment| {
            let has_unsynced = segment.synced_bytes < segment.size_bytes;
            has_unsynced.then(|| (segment.id, segment.size_bytes, Arc::clone(&segment.file)))
        });
        let Some((id, size_bytes, file)) = unsynced else { return Ok(()) };
        let outcome = file.sync();
        let mut segments = self.segments.lock();
        if let Some(segment) = segments.current.as_mut().filter(|segment| segment.id == id) {
            match outcome {
                Ok(()) => segment.synced_bytes = size_bytes,
                Err(_) => self.fail(&mut segments),
            }
        }
        outcome
    }

    /// Ends the current segment after a failure, as it is unknown which of its records are readable.
    fn fail(&self, segments: &mut Segments) {
        self.buffer.close();
        let failed = segments.current.take();
        segments.older.extend(failed.map(|segment| OldSegment { id: segment.id, size_bytes: segment.size_bytes }));
        segments.has_gap = true;
    }

    pub(crate) fn add_replayed_segment(&self, id: u64, size_bytes: u64) {
        self.segments.lock().older.push(OldSegment { id, size_bytes });
    }

    /// Removes the segments before `id`, whose samples are in blocks now.
    pub(crate) fn remove_before(&self, folder: &Folder, id: u64) {
        let mut segments = self.segments.lock();
        let older = std::mem::take(&mut segments.older).into_iter();
        let (obsolete, needed): (Vec<_>, _) = older.partition(|segment| segment.id < id);
        segments.older = needed;
        self.update_size(&segments);
        drop(segments);
        obsolete.iter().for_each(|segment| folder.remove(segment.id, FileKind::Log));
    }

    pub(crate) fn has_segment(&self) -> bool {
        self.current_segment().is_some()
    }

    pub(crate) fn current_segment(&self) -> Option<u64> {
        self.segments.lock().current.as_ref().map(|segment| segment.id)
    }

    /// Whether some samples, already appended or future ones, are in no segment.
    pub(crate) fn is_incomplete(&self) -> bool {
        let segments = self.segments.lock();
        segments.has_gap || segments.current.is_none()
    }

    /// Clears the mark that samples are missing in the log; returns whether it was set.
    pub(crate) fn take_gap(&self) -> bool {
        std::mem::take(&mut self.segments.lock().has_gap)
    }

    /// Sets that mark again if `had_gap`.
    pub(crate) fn restore_gap(&self, had_gap: bool) {
        self.segments.lock().has_gap |= had_gap;
    }

    /// Size of the log on disk.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes.load(Relaxed)
    }

    fn update_size(&self, segments: &Segments) {
        let older: u64 = segments.older.iter().map(|segment| segment.size_bytes).sum();
        let current = segments.current.as_ref().map_or(0, |segment| segment.size_bytes);
        self.size_bytes.store(older + current, Relaxed);
    }
}
