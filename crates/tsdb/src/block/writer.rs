//! Writing the file of a block, front to back.
use super::block_index::{
    BlockIndex, BlockSummary, ColumnRef, LabelRecord, Metric, RecordRef, RecordsBySlice, write_table,
};
use super::label_page::PendingLabelPage;
use super::slice::{SLICES_PER_DAY, SliceRows, split_by_slice};
use super::{BACK, FOOTER_MAGIC, INSTANCE, LABELS, TIMES, VALUES};
use crate::codec::{Compressor, STRIPE_ROWS, encode_stripe, encode_timeline, write_record, write_varint};
use crate::disk::header::{FileKind, header};
use crate::disk::{FileReader, FileWriter};
use crate::sample_buffer::SampleBuffer;
use crate::time::TimeBounds;
use promql::Labels;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// Size of columns at which a record ends. They are compressed, and lost, together.
const RECORD_BYTES: usize = 32 << 10;

/// Bytes that are written to the file at once.
const WRITE_BYTES: usize = 1 << 20;

/// The records of times are written twice if they are at most this fraction of the file: one in so many bytes.
const MAX_COPIED_ONE_IN: u64 = 16;

/// Called repeatedly while a block is written. An error cancels the block.
pub(crate) type OnProgress<'p> = dyn FnMut() -> io::Result<()> + 'p;

/// A block that is being written.
pub(super) struct BlockWriter<'p> {
    file: Box<dyn FileWriter>,
    on_progress: &'p mut OnProgress<'p>,
    compressor: Compressor,
    /// Bytes that are not written yet.
    pending: Vec<u8>,
    /// The offset at which `pending` will be written.
    written_bytes: u64,
    /// By slice.
    times: [PendingRecord; SLICES_PER_DAY],
    /// By slice.
    values: [PendingRecord; SLICES_PER_DAY],
    timelines: u32,
    /// The encoded records of times, by slice.
    times_copies: [Vec<u8>; SLICES_PER_DAY],
    labels: PendingLabelPage,
    /// The `instance` of the first series of `labels`.
    first_instance: Box<str>,
    /// The encoded records of labels.
    label_copies: Vec<u8>,
    label_names: BTreeSet<Arc<str>>,
    summary: BlockSummary,
    index: BlockIndex,
    /// The samples of one stripe.
    stripe: Vec<(u32, f64)>,
}

/// A timeline that has been written.
pub(super) struct Timeline {
    number: u32,
    times_ms: Arc<[i64]>,
}

/// Columns that will share a record.
#[derive(Default)]
struct PendingRecord {
    refs: Vec<ColumnRef>,
    columns: Vec<u8>,
    samples: u32,
}

impl PendingRecord {
    /// Ends the column that began at `offset`.
    fn end_column(&mut self, number: u32, timeline: u32, offset: usize) {
        self.refs.push(ColumnRef { number, timeline, offset, length: self.columns.len() - offset });
    }

    fn is_full(&self) -> bool {
        self.columns.len() >= RECORD_BYTES
    }
}

impl<'p> BlockWriter<'p> {
    /// Begins a block that replaces the blocks `replaces`.
    pub(super) fn new(file: Box<dyn FileWriter>, replaces: &[u64], on_progress: &'p mut OnProgress<'p>) -> Self {
        let bounds = TimeBounds::EMPTY;
        Self {
            file,
            on_progress,
            compressor: Compressor::new(),
            pending: header(FileKind::Block).to_vec(),
            written_bytes: 0,
            times: Default::default(),
            values: Default::default(),
            timelines: 0,
            times_copies: Default::default(),
            labels: PendingLabelPage::default(),
            first_instance: Box::default(),
            label_copies: Vec::new(),
            label_names: BTreeSet::new(),
            summary: BlockSummary { replaces: replaces.to_vec(), bounds, ..BlockSummary::default() },
            index: BlockIndex::default(),
            stripe: Vec::new(),
        }
    }

    /// Adds a timeline, which must not be empty.
    pub(super) fn add_timeline(&mut self, times_ms: Arc<[i64]>) -> io::Result<Timeline> {
        let number = self.timelines;
        self.timelines += 1;
        for SliceRows { slice, rows } in split_by_slice(&times_ms) {
            let record = &mut self.times[slice];
            let offset = record.columns.len();
            encode_timeline(&times_ms[rows], &mut record.columns);
            record.end_column(number, 0, offset);
        }
        if self.times.iter().any(PendingRecord::is_full) {
            self.end_times()?;
        }
        Ok(Timeline { number, times_ms })
    }

    /// Adds the samples of the series with `labels`, which is after the previous one in the order of
    /// [`super::block_order`]. `timeline` has all their times.
    pub(super) fn add_series(
        &mut self,
        labels: &Labels,
        timeline: &Timeline,
        samples: &SampleBuffer,
    ) -> io::Result<()> {
        let SampleBuffer { times_ms, values } = samples;
        let (Some(first_ms), Some(last_ms)) = (times_ms.first().copied(), times_ms.last().copied()) else {
            return Ok(());
        };
        let ordinal = self.add_labels(labels, TimeBounds { first_ms, last_ms })?;
        let mut remaining = times_ms.iter().zip(values).peekable();
        let mut encoded = Vec::new();
        for SliceRows { slice, rows } in split_by_slice(&timeline.times_ms) {
            let record = &mut self.values[slice];
            let (offset, previous_samples) = (record.columns.len(), record.samples);
            for stripe_times in timeline.times_ms[rows].chunks(STRIPE_ROWS) {
                self.stripe.clear();
                for (row, time_ms) in stripe_times.iter().enumerate() {
                    if let Some((_, value)) = remaining.next_if(|(own_ms, _)| *own_ms == time_ms) {
                        self.stripe.push((row as u32, *value));
                    }
                }
                encoded.clear();
                if !self.stripe.is_empty() {
                    encode_stripe(&self.stripe, &mut encoded);
                }
                record.samples += self.stripe.len() as u32;
                write_varint(&mut record.columns, encoded.len() as u64);
                record.columns.extend_from_slice(&encoded);
            }
            if record.samples > previous_samples {
                record.end_column(ordinal, timeline.number, offset);
            } else {
                record.columns.truncate(offset);
            }
        }
        self.summary.samples += times_ms.len() as u64;
        if self.values.iter().any(PendingRecord::is_full) { self.end_values() } else { Ok(()) }
    }

    /// Copies the records of another block, up to the offset `until`. They stay at their offsets, and must come first.
    pub(super) fn copy_records(&mut self, file: &dyn FileReader, until: u64) -> io::Result<()> {
        self.file.write(&self.pending)?;
        self.written_bytes = self.pending.len() as u64;
        self.pending.clear();
        while self.written_bytes < until {
            let mut bytes = vec![0; (until - self.written_bytes).min(WRITE_BYTES as u64) as usize];
            file.read_at(self.written_bytes, &mut bytes)?;
            self.file.write(&bytes)?;
            self.written_bytes += bytes.len() as u64;
        }
        Ok(())
    }

    /// Sets where the copied records of times and values are, and how many samples they have.
    pub(super) fn set_columns(
        &mut self,
        times: RecordsBySlice,
        times_copies: RecordsBySlice,
        values: RecordsBySlice,
        samples: u64,
    ) {
        (self.index.times, self.index.times_copies, self.index.values) = (times, times_copies, values);
        self.summary.samples = samples;
    }

    /// Gives the next series this ordinal, which is not below the one that it would have.
    pub(super) fn skip_to(&mut self, ordinal: u32) -> io::Result<()> {
        if ordinal != self.summary.series {
            // The series of a page have consecutive ordinals.
            self.end_labels()?;
            self.summary.series = ordinal;
        }
        Ok(())
    }

    /// Adds the labels of a series; returns its ordinal.
    pub(super) fn add_labels(&mut self, labels: &Labels, bounds: TimeBounds) -> io::Result<u32> {
        let ordinal = self.summary.series;
        self.summary.series = ordinal.checked_add(1).ok_or_else(|| io::Error::other("a block has too many series"))?;
        self.summary.bounds = self.summary.bounds.union(bounds);
        let name = labels.metric_name().unwrap_or_default();
        if self.index.metrics.last().is_none_or(|metric| *metric.name != *name) {
            self.index.metrics.push(Metric { name: name.into(), first: ordinal });
        }
        for label in labels.labels() {
            if !self.label_names.contains(label.name()) {
                self.label_names.insert(Arc::clone(label.name()));
            }
        }
        if self.labels.is_full() {
            self.end_labels()?;
        }
        if self.labels.is_empty() {
            self.first_instance = labels.get(INSTANCE).unwrap_or_default().into();
        }
        self.labels.push(ordinal, bounds, labels);
        Ok(ordinal)
    }

    fn end_labels(&mut self) -> io::Result<()> {
        if self.labels.is_empty() {
            return Ok(());
        }
        let page = std::mem::take(&mut self.labels);
        let first = page.first();
        let (offset, length) = self.write_record(LABELS, &page.finish())?;
        let from = self.pending.len() - length as usize;
        self.label_copies.extend_from_slice(&self.pending[from..]);
        let record = RecordRef { offset, length, first, samples: 0 };
        let first_instance = std::mem::take(&mut self.first_instance);
        self.index.labels.push(LabelRecord { record, copy_offset: 0, first_instance });
        Ok(())
    }

    /// Writes the records of labels again, as the loss of one would lose the series of it.
    fn copy_labels(&mut self) {
        let mut offset = self.written_bytes + self.pending.len() as u64;
        self.pending.append(&mut self.label_copies);
        for LabelRecord { record, copy_offset, .. } in &mut self.index.labels {
            *copy_offset = offset;
            offset += u64::from(record.length);
        }
    }

    /// Ends the block and syncs its content, but not its name.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.end_values()?;
        self.copy_times()?;
        self.finish_index()
    }

    /// Ends a block of which all times and values are written.
    pub(super) fn finish_index(mut self) -> io::Result<()> {
        self.end_labels()?;
        if self.summary.samples == 0 {
            self.summary.bounds = TimeBounds::default();
        }
        self.copy_labels();
        self.index.label_names = std::mem::take(&mut self.label_names).into_iter().collect();
        let offset = self.written_bytes + self.pending.len() as u64;
        let mut back = Vec::new();
        self.summary.write(&mut back);
        self.index.write(&mut back);
        self.write_record(BACK, &back)?;
        let offset = offset.to_le_bytes();
        self.pending.extend_from_slice(&offset);
        self.pending.extend_from_slice(&crc32c::crc32c(&offset).to_le_bytes());
        self.pending.extend_from_slice(&FOOTER_MAGIC);
        self.file.write(&self.pending)?;
        self.file.sync()
    }

    fn end_times(&mut self) -> io::Result<()> {
        for slice in 0..SLICES_PER_DAY {
            let record = std::mem::take(&mut self.times[slice]);
            let Some(record) = self.write_columns(TIMES, slice, record)? else { continue };
            let from = self.pending.len() - record.length as usize;
            self.times_copies[slice].extend_from_slice(&self.pending[from..]);
            self.index.times[slice].push(record);
        }
        Ok(())
    }

    /// Writes the records of times again if they are small, as their loss would make all their values unreadable.
    fn copy_times(&mut self) -> io::Result<()> {
        let mut offset = self.written_bytes + self.pending.len() as u64;
        let bytes: usize = self.times_copies.iter().map(Vec::len).sum();
        if bytes as u64 * MAX_COPIED_ONE_IN > offset {
            return Ok(());
        }
        for slice in 0..SLICES_PER_DAY {
            self.pending.append(&mut self.times_copies[slice]);
            for record in &self.index.times[slice] {
                self.index.times_copies[slice].push(RecordRef { offset, ..*record });
                offset += u64::from(record.length);
            }
        }
        Ok(())
    }

    fn end_values(&mut self) -> io::Result<()> {
        // Times come before their values, as the end of a file is lost more often than its start.
        self.end_times()?;
        for slice in 0..SLICES_PER_DAY {
            let record = std::mem::take(&mut self.values[slice]);
            if let Some(record) = self.write_columns(VALUES, slice, record)? {
                self.index.values[slice].push(record);
            }
        }
        if self.pending.len() >= WRITE_BYTES {
            self.file.write(&self.pending)?;
            self.written_bytes += self.pending.len() as u64;
            self.pending.clear();
        }
        (self.on_progress)()
    }

    /// Writes a record of columns; `None` if there are none.
    fn write_columns(&mut self, tag: u8, slice: usize, mut record: PendingRecord) -> io::Result<Option<RecordRef>> {
        let Some(first) = record.refs.first().map(|column| column.number) else { return Ok(None) };
        let mut raw = Vec::with_capacity(record.columns.len() + record.refs.len() * 4);
        write_table(slice, &record.refs, &mut raw);
        raw.append(&mut record.columns);
        let (offset, length) = self.write_record(tag, &raw)?;
        Ok(Some(RecordRef { offset, length, first, samples: record.samples }))
    }

    /// Writes a record; returns its offset and length.
    fn write_record(&mut self, tag: u8, raw: &[u8]) -> io::Result<(u64, u32)> {
        let start = self.pending.len();
        let mut outcome = Ok(());
        write_record(&mut self.pending, |payload| {
            payload.push(tag);
            outcome = self.compressor.write(raw, payload);
        });
        outcome?;
        Ok((self.written_bytes + start as u64, (self.pending.len() - start) as u32))
    }
}
