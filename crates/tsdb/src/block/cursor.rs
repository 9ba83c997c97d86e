//! Reading series out of a block, one after the other.
use super::block_index::{BlockIndex, ColumnRef, RecordRef, read_table};
use super::cache::{BlockCache, RecordKey, TimelineKey};
use super::open::Block;
use super::slice::SLICES_PER_DAY;
use super::{TIMES, VALUES};
use crate::codec::{
    ByteReader, Decompressor, STRIPE_ROWS, decode_dense_stripe, decode_stripe, decode_timeline, read_record,
};
use crate::disk::read_error::ReadError;
use crate::sample_buffer::SampleBuffer;
use crate::time::TimeRange;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Maximum number of timeline rows that all cursors of a query remember together.
const MAX_REMEMBERED_ROWS: usize = 2 << 20;

/// Working memory that the cursors of a query share, and the cache, which is not used for content that is read only
/// once.
pub(crate) struct ReadContext<'r> {
    pub(super) cache: Option<&'r BlockCache>,
    pub(super) decompressor: Decompressor,
    pub(super) record: Vec<u8>,
}

impl<'r> ReadContext<'r> {
    pub(crate) fn new(cache: Option<&'r BlockCache>) -> Self {
        Self { cache, decompressor: Decompressor::new(), record: Vec::new() }
    }
}

/// A position in a block, with the records around it. Reading series in the order of their ordinals is fastest.
pub(crate) struct BlockCursor {
    block: Arc<Block>,
    index: Arc<BlockIndex>,
    /// By slice.
    values: [Option<Arc<DecodedRecord>>; SLICES_PER_DAY],
    /// By slice.
    times: [Option<Arc<DecodedRecord>>; SLICES_PER_DAY],
    /// By number and slice.
    timelines: HashMap<(u32, usize), Arc<[i64]>>,
    /// How many more timeline rows may be remembered.
    free_rows: usize,
    max_rows: usize,
}

/// A decompressed record with its columns.
#[derive(Debug)]
pub(super) struct DecodedRecord {
    offset: u64,
    raw: Vec<u8>,
    columns: Vec<ColumnRef>,
}

impl BlockCursor {
    /// Creates a cursor over `block`, one of the `cursors` of a query.
    pub(crate) fn new(block: Arc<Block>, index: Arc<BlockIndex>, cursors: usize) -> Self {
        let max_rows = MAX_REMEMBERED_ROWS / cursors.max(1);
        Self {
            block,
            index,
            values: Default::default(),
            times: Default::default(),
            timelines: HashMap::new(),
            free_rows: max_rows,
            max_rows,
        }
    }

    /// Appends the samples of a series in `range`; returns the number of its timeline. Unreadable samples are skipped
    /// and passed to `on_error`.
    pub(crate) fn read(
        &mut self,
        context: &mut ReadContext<'_>,
        ordinal: u32,
        range: TimeRange,
        samples: &mut SampleBuffer,
        on_error: &mut dyn FnMut(ReadError),
    ) -> Option<u32> {
        let mut first_timeline = None;
        for slice in self.block.slices_within(range) {
            match self.read_slice(context, ordinal, slice, range, samples) {
                Ok(timeline) => first_timeline = first_timeline.or(timeline),
                Err(error) => on_error(error),
            }
        }
        first_timeline
    }

    fn read_slice(
        &mut self,
        context: &mut ReadContext<'_>,
        ordinal: u32,
        slice: usize,
        range: TimeRange,
        samples: &mut SampleBuffer,
    ) -> Result<Option<u32>, ReadError> {
        let Some(record) = record_with(&self.index.values[slice], ordinal) else { return Ok(None) };
        load(&self.block, record, VALUES, context, &mut self.values[slice])?;
        let Some((timeline, _)) = self.column(slice, ordinal) else { return Ok(None) };
        let times_ms = self.timeline_in_slice(context, timeline, slice)?;
        let Some((_, column)) = self.column(slice, ordinal) else { return Ok(None) };
        let from = times_ms.partition_point(|time_ms| *time_ms <= range.after_ms);
        let until = times_ms.partition_point(|time_ms| *time_ms <= range.until_ms);
        read_column(column, &times_ms, from..until, samples);
        Ok(Some(timeline))
    }

    /// The timeline and the column of a series, if the loaded record of the slice has it.
    fn column(&self, slice: usize, ordinal: u32) -> Option<(u32, &[u8])> {
        let (column, bytes) = self.values[slice].as_ref()?.column(ordinal)?;
        Some((column.timeline, bytes))
    }

    /// The readable parts of a timeline.
    pub(crate) fn timeline(&mut self, context: &mut ReadContext<'_>, number: u32) -> Arc<[i64]> {
        let parts = (0..SLICES_PER_DAY).filter_map(|slice| self.timeline_in_slice(context, number, slice).ok());
        parts.flat_map(|part| part.to_vec()).collect()
    }

    fn timeline_in_slice(
        &mut self,
        context: &mut ReadContext<'_>,
        number: u32,
        slice: usize,
    ) -> Result<Arc<[i64]>, ReadError> {
        if let Some(times_ms) = self.timelines.get(&(number, slice)) {
            return Ok(Arc::clone(times_ms));
        }
        let key = TimelineKey { block: self.block.id, number, slice };
        if let Some(times_ms) = context.cache.and_then(|cache| cache.timelines.get(&key)) {
            self.remember(number, slice, &times_ms);
            return Ok(times_ms);
        }
        let missing = || ReadError::Damaged { records: 0, samples: 0 };
        let record = record_with(&self.index.times[slice], number).ok_or_else(missing)?;
        let loaded = &mut self.times[slice];
        load(&self.block, record, TIMES, context, loaded).or_else(|error| {
            let copy = record_with(&self.index.times_copies[slice], number).ok_or(error)?;
            load(&self.block, copy, TIMES, context, loaded)
        })?;
        let column = loaded.as_ref().and_then(|record| record.column(number)).map(|(_, bytes)| bytes);
        let times_ms: Arc<[i64]> = column.and_then(decode_timeline).ok_or_else(missing)?.into();
        if let Some(cache) = context.cache {
            cache.timelines.insert(key, Arc::clone(&times_ms), size_of_val(&*times_ms));
        }
        self.remember(number, slice, &times_ms);
        Ok(times_ms)
    }

    fn remember(&mut self, number: u32, slice: usize, times_ms: &Arc<[i64]>) {
        if times_ms.len() > self.free_rows {
            self.timelines.clear();
            self.free_rows = self.max_rows;
        }
        self.free_rows = self.free_rows.saturating_sub(times_ms.len());
        self.timelines.insert((number, slice), Arc::clone(times_ms));
    }
}

impl DecodedRecord {
    fn column(&self, number: u32) -> Option<(&ColumnRef, &[u8])> {
        let column = &self.columns[self.columns.binary_search_by_key(&number, |column| column.number).ok()?];
        Some((column, self.raw.get(column.offset..column.offset + column.length)?))
    }
}

/// The record that has the column with `number`, if any has.
fn record_with(records: &[RecordRef], number: u32) -> Option<RecordRef> {
    records[..records.partition_point(|record| record.first <= number)].last().copied()
}

/// Loads a record unless it is loaded already.
fn load(
    block: &Block,
    record: RecordRef,
    tag: u8,
    context: &mut ReadContext<'_>,
    loaded: &mut Option<Arc<DecodedRecord>>,
) -> Result<(), ReadError> {
    if loaded.as_ref().is_some_and(|loaded| loaded.offset == record.offset) {
        return Ok(());
    }
    let key = RecordKey { block: block.id, offset: record.offset };
    if let Some(cached) = context.cache.and_then(|cache| cache.records.get(&key)) {
        *loaded = Some(cached);
        return Ok(());
    }
    // Reuses the memory of the previous record, unless the cache holds it.
    let mut raw = loaded.take().and_then(Arc::into_inner).map(|previous| previous.raw).unwrap_or_default();
    context.record.resize(record.length as usize, 0);
    let outcome = block.file.read_at(record.offset, &mut context.record).map_err(ReadError::from);
    let columns = outcome.map(|()| {
        let (_, compressed) = read_record(&context.record)?.split_first().filter(|(own, _)| **own == tag)?;
        context.decompressor.read(compressed, &mut raw)?;
        read_table(&raw).map(|table| table.columns)
    });
    match columns {
        Ok(Some(columns)) => {
            let size_bytes = raw.capacity() + columns.capacity() * size_of::<ColumnRef>();
            let decoded = Arc::new(DecodedRecord { offset: record.offset, raw, columns });
            if let Some(cache) = context.cache {
                cache.records.insert(key, Arc::clone(&decoded), size_bytes);
            }
            *loaded = Some(decoded);
            Ok(())
        }
        Ok(None) | Err(ReadError::Damaged { .. }) => {
            let records = u64::from(block.damaged.lock().insert(record.offset));
            Err(ReadError::Damaged { records, samples: records * u64::from(record.samples) })
        }
        Err(other) => Err(other),
    }
}

/// Appends the samples of some rows of a column.
fn read_column(column: &[u8], timeline: &[i64], rows: Range<usize>, samples: &mut SampleBuffer) {
    let SampleBuffer { times_ms, values } = samples;
    let mut bytes = ByteReader(column);
    for (stripe, stripe_times) in timeline.chunks(STRIPE_ROWS).enumerate() {
        let Some(encoded) = bytes.length_prefixed() else { return };
        let first_row = stripe * STRIPE_ROWS;
        let (from, until) = (rows.start.saturating_sub(first_row), rows.end.saturating_sub(first_row));
        if from >= stripe_times.len() || until == 0 {
            continue;
        }
        let until = until.min(stripe_times.len());
        let previous = values.len();
        if let Some(count) = decode_dense_stripe(encoded, until, values) {
            let from = from.min(count);
            values.drain(previous..previous + from);
            times_ms.extend_from_slice(&stripe_times[from..count]);
            continue;
        }
        decode_stripe(encoded, until, |row, value| {
            if row >= from {
                times_ms.push(stripe_times[row]);
                values.push(value);
            }
        });
    }
}
