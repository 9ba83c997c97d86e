//! Opening a queue: what an earlier process left, and where its readers go on.
use super::buffer::Buffer;
use super::memory_files::MemoryFiles;
use super::position_file::{self, KeptPosition};
use super::reader::QueueReader;
use super::state::{Position, ReaderState, SegmentSize, State};
use super::{END, Queue};
use crate::codec::{ByteReader, RECORD_HEADER_BYTES, for_each_value, read_record};
use crate::disk::folder::{Folder, parse_file_name};
use crate::disk::header::{FileKind, HEADER_BYTES};
use crate::disk::record_scanner::RecordScanner;
use crate::disk::{FileReader, FileSystem};
use crate::wal::SCRAPE;
use crate::wal::segment::Segment;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The bounds of the size of a segment, which is an eighth of what the reader with the lowest limit may be behind.
const MIN_SEGMENT_BYTES: u64 = 4 << 10;
const MAX_SEGMENT_BYTES: u64 = 16 << 20;
const SEGMENTS: u64 = 8;

/// Size of the record at the end of a segment.
const END_BYTES: usize = RECORD_HEADER_BYTES + 9;

/// A reader of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderOptions {
    /// Its name, by which it is known after a restart.
    pub name: String,
    /// How many bytes it may be behind before it loses the oldest samples.
    pub max_bytes: u64,
}

/// Why a queue cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Another process has locked its folder.
    #[error("{dir} is in use by another process; stop that process, or use another folder")]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The file system failed.
    #[error("cannot use {dir}: {source}; check its permissions and its free space")]
    Io {
        /// The folder.
        dir: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl Queue {
    /// Opens the queue in `dir`, or creates one there, with these readers and no others. A new reader begins with what is
    /// appended from now on.
    ///
    /// # Errors
    /// If another process has locked the folder, or it cannot be read and written.
    pub fn open(
        dir: &Path,
        fs: Arc<dyn FileSystem>,
        readers: &[ReaderOptions],
    ) -> Result<(Arc<Self>, Vec<QueueReader>), QueueError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::WouldBlock => QueueError::InUse { dir: dir.to_owned() },
            _ => QueueError::Io { dir: dir.to_owned(), source },
        };
        let open = move || -> io::Result<Self> {
            fs.create_dir(dir)?;
            let lock = fs.lock(&dir.join("lock"))?;
            Self::open_locked(Folder::new(dir, fs, lock), readers)
        };
        let queue = Arc::new(open().map_err(failed)?);
        let readers = (0..readers.len()).map(|index| QueueReader::new(Arc::clone(&queue), index)).collect();
        Ok((queue, readers))
    }

    /// Creates a queue in memory.
    ///
    /// # Errors
    /// Never in practice: memory has no files that fail.
    pub fn in_memory(readers: &[ReaderOptions]) -> Result<(Arc<Self>, Vec<QueueReader>), QueueError> {
        Self::open(Path::new(""), Arc::new(MemoryFiles::default()), readers)
    }

    fn open_locked(folder: Folder, readers: &[ReaderOptions]) -> io::Result<Self> {
        let names = folder.fs().file_names(folder.path())?;
        folder.skip_used_ids(&names);
        let (mut segments, mut unreadable) = (BTreeMap::new(), 0);
        for (id, kind) in names.iter().filter_map(|name| parse_file_name(name)) {
            if kind == FileKind::Queue {
                match folder.open(id, kind).and_then(|file| size_of_segment(&*file)) {
                    Ok(size) => drop(segments.insert(id, size)),
                    Err(_) => {
                        folder.set_aside(id, kind);
                        unreadable += 1;
                    }
                }
            }
        }
        let current = Segment::create(&folder, FileKind::Queue)?;
        segments.insert(current.id, SegmentSize { bytes: HEADER_BYTES as u64, samples: 0 });
        let first = segments.keys().next().copied().unwrap_or(current.id);
        let mut states = Vec::with_capacity(readers.len());
        for ReaderOptions { name, max_bytes } in readers {
            let at = match position_file::read(&folder, name, &names) {
                KeptPosition::At(position) if segments.contains_key(&position.segment) => position,
                KeptPosition::At(Position { segment, .. }) => {
                    let next = segments.range(segment..).next().map_or(current.id, |(id, _)| *id);
                    Position::start_of(next)
                }
                KeptPosition::Unreadable => Position::start_of(first),
                KeptPosition::Absent => Position::start_of(current.id),
            };
            position_file::write(&folder, name, at)?;
            let (name, max_bytes) = (name.clone(), *max_bytes);
            states.push(ReaderState { name, max_bytes, committed: at, next: at, skips: 0, dropped: 0 });
        }
        let is_used = |file: &str| readers.iter().any(|reader| position_file::file_name(&reader.name) == file);
        for name in names.iter().filter(|name| name.ends_with(".position") && !is_used(name)) {
            // What is left of a removed reader would keep nothing.
            let _ = folder.fs().remove(&folder.path().join(name));
        }
        let max_bytes = readers.iter().map(|reader| reader.max_bytes).min().unwrap_or(0);
        Ok(Self {
            buffer: Buffer::new(current.id),
            current: Mutex::new(Some(current)),
            state: Mutex::new(State { segments, readers: states }),
            folder,
            unreadable,
            segment_bytes: (max_bytes / SEGMENTS).clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES),
        })
    }
}

/// The size of a segment of an earlier process. One that did not end is read for it.
fn size_of_segment(file: &dyn FileReader) -> io::Result<SegmentSize> {
    let bytes = file.size_bytes()?;
    if let Some(at) = bytes.checked_sub(END_BYTES as u64) {
        let mut end = [0; END_BYTES];
        file.read_at(at, &mut end)?;
        if let Some(samples) = read_record(&end).and_then(samples_at_end) {
            return Ok(SegmentSize { bytes, samples });
        }
    }
    let mut scanner = RecordScanner::new(file, HEADER_BYTES as u64)?;
    let mut samples = 0;
    while let Some(record) = scanner.next_record()? {
        let mut payload = ByteReader(record.payload);
        if payload.array() == Some([SCRAPE]) && payload.varint().is_some() && payload.varint().is_some() {
            for_each_value(payload.0, 0, u32::MAX as usize, |_, _| samples += 1);
        }
    }
    Ok(SegmentSize { bytes, samples })
}

/// The number of samples in the last record of a segment.
fn samples_at_end(payload: &[u8]) -> Option<u64> {
    let mut payload = ByteReader(payload);
    (payload.array()? == [END]).then_some(())?;
    payload.array().map(u64::from_le_bytes)
}
