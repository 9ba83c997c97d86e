//! A consistent view of some series at one moment, and reading their samples one series after the other.
use super::merged_series::{MergedSeries, MergedSeriesList, OpenBlock, Place};
use crate::block::{BlockCache, BlockCursor, MAX_READAHEAD_RECORDS, ReadContext};
use crate::head::hidden::{HiddenRanges, is_hidden};
use crate::head::rows::Rows;
use crate::head::stored_chunk::{ChunkReader, StoredChunk};
use crate::index::GroupSlot;
use crate::sample_buffer::SampleBuffer;
use crate::store::counters::Counters;
use crate::store::inner::Inner;
use crate::time::{TimeBounds, TimeRange};
use hashbrown::HashMap;
use promql::{Selector, StorageError, is_stale};
use std::sync::Arc;

/// Series with the chunks and blocks that have their samples in a time range.
pub(super) struct Snapshot<'s> {
    list: MergedSeriesList,
    /// By the address of the group's rows.
    chunks: HashMap<usize, Vec<StoredChunk>>,
    /// What is left out of some groups, by the same address.
    hidden: HashMap<usize, HiddenRanges>,
    pub(super) blocks: Vec<OpenBlock>,
    range: TimeRange,
    /// Whether only the last sample that is not a stale marker is needed of each series, and those after it.
    latest_only: bool,
    cache: &'s BlockCache,
    counters: &'s Counters,
}

/// Reads the series of a snapshot.
pub(super) struct SeriesReader<'s> {
    snapshot: &'s Snapshot<'s>,
    context: ReadContext<'s>,
    cursors: Vec<BlockCursor>,
    chunk_reader: ChunkReader,
}

impl<'s> Snapshot<'s> {
    /// Takes a snapshot of the selected series in `range`. If `latest_only`, samples before the latest one may be left
    /// out.
    pub(super) fn take(
        inner: &'s Inner,
        selector: &Selector,
        range: TimeRange,
        latest_only: bool,
    ) -> Result<Self, StorageError> {
        let mut list = MergedSeriesList::of_memory(inner, selector);
        let mut slots: HashMap<usize, (&Arc<Rows>, Vec<u32>)> = HashMap::new();
        for GroupSlot { rows, slot } in list.series.iter().flat_map(|series| &*series.slots) {
            slots.entry(rows.address()).or_insert_with(|| (rows, Vec::new())).1.push(*slot);
        }
        let hidden = slots.iter().map(|(key, (rows, _))| (*key, rows.hidden()));
        let hidden = hidden.filter(|(_, ranges)| !ranges.is_empty()).collect();
        // Before the blocks: samples that are flushed in between are found twice, and deduplicated.
        let chunks = slots.into_iter().map(|(key, (rows, slots))| (key, rows.snapshot(range, &slots))).collect();
        let overlapping = inner.blocks.list();
        let overlapping = overlapping.iter().filter(|block| block.bounds.overlaps(range));
        let open = |block: &Arc<_>| Some(OpenBlock { block: Arc::clone(block), index: inner.index_of(block)? });
        let blocks: Vec<OpenBlock> = overlapping.filter_map(open).collect();
        list.add_blocks(inner, &blocks, selector, range)?;
        // In the order of the largest block, which mostly is that of the other blocks too.
        let largest = (0..blocks.len()).max_by_key(|at| blocks[*at].block.series).unwrap_or_default();
        list.sort_by_key(|places| {
            let in_largest = places.iter().find(|place| place.block as usize == largest);
            in_largest.map_or(u32::MAX, |place| place.ordinal)
        });
        let snapshot =
            Self { list, chunks, hidden, blocks, range, latest_only, cache: &inner.cache, counters: &inner.counters };
        snapshot.read_ahead();
        Ok(snapshot)
    }

    pub(super) fn series(&self) -> &[MergedSeries] {
        &self.list.series
    }

    /// Advises the system which records will be read.
    fn read_ahead(&self) {
        let mut budget = MAX_READAHEAD_RECORDS;
        for (at, OpenBlock { block, index }) in self.blocks.iter().enumerate() {
            let of_block = self.list.places.iter().filter(|place| place.block as usize == at);
            let mut ordinals: Vec<u32> = of_block.map(|place| place.ordinal).take(budget).collect();
            ordinals.sort_unstable();
            block.read_ahead(index, &ordinals, self.range, self.cache, &mut budget);
            if budget == 0 {
                return;
            }
        }
    }

    /// Roughly how many samples of the series are in blocks, to tell a large query from a small one.
    pub(super) fn estimated_samples(&self) -> u64 {
        let per_place = |place: &Place| {
            let block = &self.blocks[place.block as usize].block;
            let (first_ms, last_ms) = (block.bounds.first_ms, block.bounds.last_ms);
            let overlap_ms = last_ms.min(self.range.until_ms).abs_diff(first_ms.max(self.range.after_ms));
            let all = block.samples as f64 / f64::from(block.series.max(1));
            all * overlap_ms as f64 / first_ms.abs_diff(last_ms).max(1) as f64
        };
        self.list.places.iter().map(per_place).sum::<f64>() as u64
    }

    pub(super) fn reader(&'s self) -> SeriesReader<'s> {
        let cursor = |OpenBlock { block, index }: &OpenBlock| {
            BlockCursor::new(Arc::clone(block), Arc::clone(index), self.blocks.len())
        };
        SeriesReader {
            snapshot: self,
            context: ReadContext::new(Some(self.cache)),
            cursors: self.blocks.iter().map(cursor).collect(),
            chunk_reader: ChunkReader::default(),
        }
    }
}

impl SeriesReader<'_> {
    /// Appends the samples of the series at `at`, in order of time. Unreadable ones are counted and skipped.
    pub(super) fn read(&mut self, at: usize, samples: &mut SampleBuffer) {
        if self.snapshot.latest_only
            && let Some((time_ms, value)) = self.last_in_head(at)
        {
            samples.push(time_ms, value);
            return;
        }
        let start = samples.len();
        let Snapshot { list, chunks, hidden, range, counters, .. } = self.snapshot;
        let slots = &list.series[at].slots;
        let mut is_sorted = true;
        for Place { block, ordinal, .. } in list.places_of(at) {
            let (cursor, previous) = (&mut self.cursors[*block as usize], samples.len());
            let bounds = self.snapshot.blocks[*block as usize].block.bounds;
            let mut on_error = |error| counters.count_read_error(&error, bounds);
            cursor.read(&mut self.context, *ordinal, *range, samples, &mut on_error);
            // The samples of one block are sorted.
            let times_ms = &samples.times_ms;
            is_sorted &=
                previous == start || times_ms.get(previous).is_none_or(|next_ms| times_ms[previous - 1] < *next_ms);
        }
        let from_blocks = samples.len();
        for slot in slots.iter() {
            let hidden = hidden.get(&slot.rows.address()).map_or(&[][..], |ranges| ranges);
            for chunk in chunks.get(&slot.rows.address()).map_or(&[][..], Vec::as_slice) {
                match self.chunk_reader.column(chunk, slot.slot) {
                    Ok(Some(column)) => column.for_each_sample(|time_ms, value| {
                        if range.contains(time_ms) && !is_hidden(hidden, time_ms) {
                            samples.push(time_ms, value);
                        }
                    }),
                    Ok(None) => {}
                    Err(error) => counters.count_read_error(&error, chunk.time_bounds().unwrap_or(TimeBounds::EMPTY)),
                }
            }
        }
        let in_doubt = &samples.times_ms[from_blocks.saturating_sub(1).max(start)..];
        if !is_sorted || !in_doubt.is_sorted_by(|a, b| a < b) {
            samples.sort_and_dedup_from(start);
        }
    }
}

impl SeriesReader<'_> {
    /// The last sample of the series at `at`, if it is in no block and not a stale marker.
    fn last_in_head(&mut self, at: usize) -> Option<(i64, f64)> {
        let Snapshot { list, chunks, hidden, blocks, range, counters, .. } = self.snapshot;
        if !hidden.is_empty() && list.series[at].slots.iter().any(|slot| hidden.contains_key(&slot.rows.address())) {
            return None;
        }
        let mut last: Option<(i64, f64)> = None;
        for slot in &*list.series[at].slots {
            let chunks = chunks.get(&slot.rows.address()).map_or(&[][..], Vec::as_slice);
            for chunk in chunks.iter().rev() {
                let column = self.chunk_reader.column(chunk, slot.slot).inspect_err(|error| {
                    counters.count_read_error(error, chunk.time_bounds().unwrap_or(TimeBounds::EMPTY));
                });
                let found = column.ok().flatten().and_then(|column| column.last_sample(range.until_ms));
                let Some((time_ms, value)) = found else { continue };
                if last.is_none_or(|(last_ms, _)| time_ms >= last_ms) {
                    last = Some((time_ms, value));
                }
                break;
            }
        }
        let (time_ms, value) = last?;
        // Imported samples may be newer than those of the head.
        let may_be_newer = |place: &Place| blocks[place.block as usize].block.bounds.last_ms >= time_ms;
        let is_in_block = list.places_of(at).iter().any(may_be_newer);
        (time_ms > range.after_ms && !is_stale(value) && !is_in_block).then_some((time_ms, value))
    }
}
