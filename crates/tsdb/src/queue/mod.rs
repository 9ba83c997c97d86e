//! A queue: every appended row, in the order of appending, for readers that pass the samples on elsewhere.
//!
//! It has files of its own, with records as in the write-ahead log, and so outlives the process. A reader that is too far
//! behind loses the oldest samples. Nothing that the disk does holds up an append.
mod buffer;
mod memory_files;
mod open;
mod position_file;
mod reader;
mod state;

pub use open::{QueueError, ReaderOptions};
pub use reader::{QueueBatch, QueueReader, QueueSample};

use crate::codec::write_record;
use crate::disk::folder::Folder;
use crate::disk::header::{FileKind, HEADER_BYTES};
use crate::wal::LogRow;
use crate::wal::group_log::GroupLog;
use crate::wal::segment::Segment;
use buffer::{Buffer, Taken};
use parking_lot::Mutex;
use state::{SegmentSize, State};
use std::io;
use std::sync::Arc;

/// The tag of the record at the end of a segment: the number of its samples.
const END: u8 = 3;

/// Rows that readers still have to read, on disk or in memory.
#[derive(Debug)]
pub struct Queue {
    buffer: Buffer,
    /// Held while a file is written. None after a failure.
    current: Mutex<Option<Segment>>,
    /// Never held while a file is read or written.
    state: Mutex<State>,
    folder: Folder,
    /// Files that could not be read when it was opened.
    unreadable: usize,
    /// The size from which a segment is ended.
    segment_bytes: u64,
}

/// How far a reader is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Samples that it has not committed.
    pub pending: u64,
    /// Bytes of the files with these samples.
    pub pending_bytes: u64,
    /// Samples that it will never read, since the start.
    pub dropped: u64,
    /// The newest time of a row since the start, in Unix milliseconds; 0 if there was none.
    pub newest_ms: i64,
}

impl Queue {
    /// Adds rows of one group, in order of time.
    pub(crate) fn append<'r>(&self, group: &mut GroupLog, rows: impl Iterator<Item = LogRow<'r>>) {
        self.buffer.append(group, rows);
    }

    /// Writes what was appended, for readers to read, and removes what none of them needs. Returns whether there was
    /// something.
    ///
    /// # Errors
    /// If the disk fails. What was to be written is dropped then, and counted as such.
    pub fn write(&self) -> io::Result<bool> {
        let mut current = self.current.lock();
        let written = self.write_to(&mut current);
        if let Err((lost, _)) = &written {
            *current = None;
            self.buffer.close(*lost);
        }
        let dropped = self.buffer.take_dropped();
        let obsolete = {
            let mut state = self.state.lock();
            state.readers.iter_mut().for_each(|reader| reader.dropped += dropped);
            state.enforce_limits();
            state.take_obsolete()
        };
        self.folder.remove_all(&obsolete, FileKind::Queue);
        written.map_err(|(_, error)| error)
    }

    /// Writes to the current segment, and ends it if it is long enough. An error comes with the number of samples lost.
    fn write_to(&self, current: &mut Option<Segment>) -> Result<bool, (u64, io::Error)> {
        if current.is_none() {
            *current = Some(self.begin_segment().map_err(|error| (0, error))?);
        }
        let Some(segment) = current else { return Ok(false) };
        let taken = self.buffer.take();
        self.add(segment, &taken)?;
        if segment.size_bytes >= self.segment_bytes {
            let next = Segment::create(&self.folder, FileKind::Queue).map_err(|error| (0, error))?;
            let rest = self.buffer.switch(next.id);
            self.add(segment, &rest)?;
            self.end(segment).map_err(|error| (0, error))?;
            self.state.lock().segments.insert(next.id, SegmentSize { bytes: HEADER_BYTES as u64, samples: 0 });
            *current = Some(next);
        }
        Ok(taken.samples > 0)
    }

    /// Begins a segment after a failure. If the folder was removed, it is made again, but not the one around it, which the
    /// store makes.
    fn begin_segment(&self) -> io::Result<Segment> {
        if let Some(around) = self.folder.path().parent() {
            self.folder.fs().file_names(around)?;
        }
        self.folder.fs().create_dir(self.folder.path())?;
        let segment = Segment::create(&self.folder, FileKind::Queue)?;
        self.buffer.switch(segment.id);
        self.state.lock().segments.insert(segment.id, SegmentSize { bytes: HEADER_BYTES as u64, samples: 0 });
        Ok(segment)
    }

    fn add(&self, segment: &mut Segment, taken: &Taken) -> Result<(), (u64, io::Error)> {
        segment.append(&taken.records).map_err(|error| (taken.samples, error))?;
        if let Some(size) = self.state.lock().segments.get_mut(&segment.id) {
            size.bytes = segment.size_bytes;
            size.samples += taken.samples;
        }
        Ok(())
    }

    /// Ends a segment with the number of its samples, so that opening the queue need not count them.
    fn end(&self, segment: &mut Segment) -> io::Result<()> {
        let samples = self.state.lock().segments.get(&segment.id).map_or(0, |size| size.samples);
        let mut record = Vec::new();
        write_record(&mut record, |payload| {
            payload.push(END);
            payload.extend_from_slice(&samples.to_le_bytes());
        });
        segment.append(&record)?;
        if let Some(size) = self.state.lock().segments.get_mut(&segment.id) {
            size.bytes = segment.size_bytes;
        }
        segment.file.sync()
    }

    /// Writes what was appended and syncs it. Rows may be written meanwhile.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn sync(&self) -> io::Result<()> {
        self.write()?;
        let unsynced = self.current.lock().as_mut().and_then(|segment| {
            let has_unsynced = segment.synced_bytes < segment.size_bytes;
            segment.synced_bytes = segment.size_bytes;
            has_unsynced.then(|| Arc::clone(&segment.file))
        });
        unsynced.map_or(Ok(()), |file| file.sync())
    }

    /// How many files of an earlier process could not be read when it was opened. They were renamed, so that they end with
    /// `.damaged`, and nobody reads them.
    pub fn unreadable_files(&self) -> usize {
        self.unreadable
    }

    /// How far the reader with this index is behind.
    pub fn stats(&self, reader: usize) -> QueueStats {
        let (waiting, newest_ms) = self.buffer.waiting();
        let state = self.state.lock();
        let Some(reader) = state.readers.get(reader) else { return QueueStats::default() };
        let backlog = state.backlog(reader);
        QueueStats {
            pending: backlog.samples + waiting,
            pending_bytes: backlog.bytes,
            dropped: reader.dropped,
            newest_ms,
        }
    }
}
