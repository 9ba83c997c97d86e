//! Reading a queue: batches of samples with their labels, in the order of appending.
use super::state::{Position, SegmentSize};
use super::{Queue, QueueStats, position_file};
use crate::codec::{ByteReader, Decompressor, for_each_value, read_series_record, unzigzag};
use crate::disk::FileReader;
use crate::disk::header::{FileKind, HEADER_BYTES, check_header};
use crate::disk::record_scanner::{RecordScanner, ScannedRecord};
use crate::wal::{SCRAPE, SERIES};
use hashbrown::HashMap;
use promql::{Label, Labels};
use std::fmt;
use std::io;
use std::sync::Arc;

/// How often a file that cannot be read is tried before it is left out.
const MAX_FAILURES: u32 = 10;

/// A sample that waits to be passed on.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSample {
    /// Its series. Samples of a series mostly share it.
    pub series: Labels,
    /// In Unix milliseconds.
    pub time_ms: i64,
    /// The value, which may be a stale marker.
    pub value: f64,
}

/// What was read at once.
#[derive(Debug, Default)]
pub struct QueueBatch {
    /// The samples: those of each series in order of appending.
    pub samples: Vec<QueueSample>,
    /// Samples that are lost because their file is damaged.
    pub lost: u64,
    /// Whether there is more to read at once.
    pub has_more: bool,
}

/// Reads a queue, in the place of the only reader of its name.
pub struct QueueReader {
    queue: Arc<Queue>,
    index: usize,
    /// How often reading has failed since it last succeeded.
    failures: u32,
    open: Option<OpenSegment>,
    decompressor: Decompressor,
    raw: Vec<u8>,
}

/// A segment that is being read.
struct OpenSegment {
    id: u64,
    file: Arc<dyn FileReader>,
    /// Up to where `series` is known.
    at: u64,
    /// By group and slot.
    series: HashMap<(u64, u32), Labels>,
    /// Each label once.
    labels: HashMap<Arc<str>, HashMap<Arc<str>, Label>>,
}

/// Where a read begins, and what there is.
struct Start {
    at: Position,
    skips: u64,
    size: SegmentSize,
    /// The segment after it; none if it is being written.
    following: Option<u64>,
}

impl QueueReader {
    pub(super) fn new(queue: Arc<Queue>, index: usize) -> Self {
        Self { queue, index, failures: 0, open: None, decompressor: Decompressor::new(), raw: Vec::new() }
    }

    /// Reads at least `max_samples`, unless there are fewer, and at most one row more.
    ///
    /// # Errors
    /// If a file cannot be read. The next calls try it again, and in the end leave it out.
    pub fn read(&mut self, max_samples: usize) -> io::Result<QueueBatch> {
        let mut batch = QueueBatch::default();
        loop {
            let Some(start) = self.start() else { return Ok(batch) };
            let before = batch.samples.len();
            let (end, lost) = match self.read_segment(&start, max_samples, &mut batch.samples) {
                Ok(read) => read,
                Err(error) => {
                    batch.samples.truncate(before);
                    self.open = None;
                    self.left_out(&start, error)?
                }
            };
            self.failures = 0;
            let mut state = self.queue.state.lock();
            let Some(reader) = state.readers.get_mut(self.index) else { return Ok(batch) };
            if reader.skips != start.skips {
                // What was read meanwhile was dropped, and counted as such.
                batch.samples.truncate(before);
                continue;
            }
            reader.next = end;
            reader.dropped += lost;
            batch.lost += lost;
            let is_at_end = start.following.is_none() && end.offset >= start.size.bytes;
            if is_at_end || batch.samples.len() >= max_samples {
                batch.has_more = !is_at_end;
                return Ok(batch);
            }
        }
    }

    /// Says that what was read so far is not needed any more.
    ///
    /// # Errors
    /// If this cannot be written to disk. After a restart the same samples are then read again.
    pub fn commit(&mut self) -> io::Result<()> {
        let (name, position) = {
            let mut state = self.queue.state.lock();
            let Some(reader) = state.readers.get_mut(self.index) else { return Ok(()) };
            if reader.committed == reader.next {
                return Ok(());
            }
            reader.committed = reader.next;
            (reader.name.clone(), reader.committed)
        };
        position_file::write(&self.queue.folder, &name, position)
    }

    /// How far it is behind.
    pub fn stats(&self) -> QueueStats {
        self.queue.stats(self.index)
    }

    fn start(&self) -> Option<Start> {
        let mut state = self.queue.state.lock();
        let (mut at, skips) = state.readers.get(self.index).map(|reader| (reader.next, reader.skips))?;
        if !state.segments.contains_key(&at.segment) {
            at = Position::start_of(state.segment_after(at.segment)?);
            state.readers.get_mut(self.index)?.next = at;
        }
        let size = state.segments.get(&at.segment).copied()?;
        Some(Start { at, skips, size, following: state.segment_after(at.segment) })
    }

    /// Reads from one segment. Returns where the next read begins, and how many samples are lost.
    fn read_segment(
        &mut self,
        start: &Start,
        max_samples: usize,
        samples: &mut Vec<QueueSample>,
    ) -> io::Result<(Position, u64)> {
        let Start { at, size, following, .. } = *start;
        self.open(at)?;
        let Self { open: Some(open), decompressor, raw, .. } = self else { return Ok((at, 0)) };
        let file = Arc::clone(&open.file);
        let mut scanner = RecordScanner::up_to(&*file, open.at, size.bytes);
        let (mut position, mut lost) = (at, 0);
        while samples.len() < max_samples {
            let Some(ScannedRecord { offset, length, payload }) = scanner.next_record()? else { break };
            let mut bytes = ByteReader(payload);
            let is_new = offset >= at.offset;
            match bytes.array() {
                // One that is damaged is noticed where its series are missing.
                Some([SERIES]) => drop(open.add_series(bytes, decompressor, raw)),
                Some([SCRAPE]) if is_new => {
                    let row = open.add_row(bytes, samples);
                    position.samples += row.samples;
                    lost += row.unknown;
                }
                _ => {}
            }
            open.at = offset + u64::from(length);
            position.offset = open.at.max(at.offset);
        }
        if samples.len() < max_samples {
            open.at = scanner.position();
            position.offset = open.at.max(at.offset);
            if let Some(next) = following {
                lost += size.samples.saturating_sub(position.samples);
                position = Position::start_of(next);
            }
        }
        Ok((position, lost))
    }

    /// Where the read goes on after a segment that cannot be read, and how many samples are lost then: at once if its file
    /// is gone or damaged, and otherwise when it was tried often enough.
    fn left_out(&mut self, start: &Start, error: io::Error) -> io::Result<(Position, u64)> {
        use io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
        self.failures += 1;
        let is_damaged = matches!(error.kind(), NotFound | UnexpectedEof | InvalidData);
        match start.following.filter(|_| is_damaged || self.failures > MAX_FAILURES) {
            Some(next) => Ok((Position::start_of(next), start.size.samples.saturating_sub(start.at.samples))),
            None => Err(error),
        }
    }

    /// Opens the segment of `at`, unless it is open at this place.
    fn open(&mut self, at: Position) -> io::Result<()> {
        let is_here = |open: &OpenSegment| open.id == at.segment && open.at <= at.offset;
        if self.open.as_ref().is_some_and(is_here) {
            return Ok(());
        }
        self.open = None;
        let file = self.queue.folder.open(at.segment, FileKind::Queue)?;
        let mut header = [0; HEADER_BYTES];
        file.read_at(0, &mut header)?;
        check_header(FileKind::Queue, &header).map_err(|_| io::ErrorKind::InvalidData)?;
        let (series, labels) = (HashMap::new(), HashMap::new());
        self.open = Some(OpenSegment { id: at.segment, file, at: HEADER_BYTES as u64, series, labels });
        Ok(())
    }
}

/// What was read of a row.
#[derive(Default)]
struct ReadRow {
    samples: u64,
    /// Those whose series was named in a damaged record.
    unknown: u64,
}

impl OpenSegment {
    /// Adds the series of a record; `None` if it is damaged.
    fn add_series(
        &mut self,
        mut bytes: ByteReader<'_>,
        decompressor: &mut Decompressor,
        raw: &mut Vec<u8>,
    ) -> Option<()> {
        let group = bytes.varint()?;
        decompressor.read(bytes.0, raw)?;
        read_series_record(raw, |slot, pairs| {
            if !self.series.contains_key(&(group, slot)) {
                let labels = pairs.iter().map(|(name, value)| shared(&mut self.labels, name, value));
                self.series.insert((group, slot), Labels::from_labels(labels));
            }
            Some(())
        })
    }

    /// Adds the samples of a row.
    fn add_row(&self, mut bytes: ByteReader<'_>, samples: &mut Vec<QueueSample>) -> ReadRow {
        let mut row = ReadRow::default();
        let Some((group, time_ms)) = bytes.varint().zip(bytes.varint().map(unzigzag)) else { return row };
        for_each_value(bytes.0, 0, u32::MAX as usize, |slot, value| {
            row.samples += 1;
            match self.series.get(&(group, slot as u32)) {
                Some(series) => samples.push(QueueSample { series: series.clone(), time_ms, value }),
                None => row.unknown += 1,
            }
        });
        row
    }
}

/// The label of this name and value, which all series share.
fn shared(labels: &mut HashMap<Arc<str>, HashMap<Arc<str>, Label>>, name: &str, value: &str) -> Label {
    let values = match labels.get_mut(name) {
        Some(values) => values,
        None => labels.entry(name.into()).or_default(),
    };
    if let Some(label) = values.get(value) {
        return label.clone();
    }
    let label = Label::new(name, value);
    values.insert(Arc::clone(label.value()), label.clone());
    label
}

impl fmt::Debug for QueueReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueReader").field("index", &self.index).finish_non_exhaustive()
    }
}
