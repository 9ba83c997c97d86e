//! A consistent view of some series at one moment, and reading their samples one series after the other.
use crate::block::{Block, BlockCache, BlockCursor, MAX_READAHEAD_RECORDS, ReadContext};
use crate::head::chunk::Chunk;
use crate::head::rows::Rows;
use crate::index::{GroupSlot, SeriesHandle};
use crate::sample_buffer::SampleBuffer;
use crate::store::counters::Counters;
use crate::store::inner::Inner;
use crate::time::TimeRange;
use hashbrown::HashMap;
use promql::is_stale;
use std::sync::Arc;

/// Series with the chunks and blocks that have their samples in a time range.
pub(super) struct Snapshot<'s> {
    pub(super) series: Vec<SeriesHandle>,
    /// By the address of the group's rows.
    chunks: HashMap<usize, Vec<Arc<Chunk>>>,
    pub(super) blocks: Vec<Arc<Block>>,
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
}

impl<'s> Snapshot<'s> {
    /// Takes a snapshot of `series` in `range`. If `latest_only`, samples before the latest one may be left out.
    pub(super) fn take(inner: &'s Inner, series: Vec<SeriesHandle>, range: TimeRange, latest_only: bool) -> Self {
        let mut slots: HashMap<usize, (&Arc<Rows>, Vec<u32>)> = HashMap::new();
        for GroupSlot { rows, slot } in series.iter().flat_map(|series| &*series.slots) {
            slots.entry(address(rows)).or_insert_with(|| (rows, Vec::new())).1.push(*slot);
        }
        // Before the blocks: samples that are flushed in between are found twice, and deduplicated.
        let chunks = slots.into_iter().map(|(key, (rows, slots))| (key, rows.snapshot(range, &slots))).collect();
        let blocks = inner.blocks.list();
        let blocks = blocks.iter().filter(|block| block.bounds.overlaps(range)).cloned().collect();
        let (cache, counters) = (&inner.cache, &inner.counters);
        let mut snapshot = Self { series, chunks, blocks, range, latest_only, cache, counters };
        snapshot.sort();
        snapshot.read_ahead();
        snapshot
    }

    /// Advises the system which records will be read.
    fn read_ahead(&self) {
        let mut budget = MAX_READAHEAD_RECORDS;
        for block in &self.blocks {
            let entry = |series: &SeriesHandle| block.entry(series.id, self.range);
            let ordinals = self.series.iter().filter_map(entry).map(|entry| entry.ordinal);
            let mut ordinals: Vec<u32> = ordinals.take(budget).collect();
            ordinals.sort_unstable();
            block.read_ahead(&ordinals, self.range, self.cache, &mut budget);
            if budget == 0 {
                return;
            }
        }
    }

    /// Sorts the series in the order of the largest block, which mostly is that of the other blocks too.
    fn sort(&mut self) {
        if let Some(largest) = self.blocks.iter().max_by_key(|block| block.entries.len()) {
            let ordinal = |id| largest.entry(id, TimeRange::ALL).map_or(u32::MAX, |entry| entry.ordinal);
            self.series.sort_by_cached_key(|series| (ordinal(series.id), series.id));
        }
    }

    /// Roughly how many samples of the series are in blocks, to tell a large query from a small one.
    pub(super) fn estimated_samples(&self) -> u64 {
        let per_series = |block: &Arc<Block>| {
            let (first_ms, last_ms) = (block.bounds.first_ms, block.bounds.last_ms);
            let overlap_ms = last_ms.min(self.range.until_ms).abs_diff(first_ms.max(self.range.after_ms));
            let all = block.samples as f64 / block.entries.len().max(1) as f64;
            all * overlap_ms as f64 / first_ms.abs_diff(last_ms).max(1) as f64
        };
        (self.blocks.iter().map(per_series).sum::<f64>() * self.series.len() as f64) as u64
    }

    /// The last sample of the series at `at`, if it is in memory and not a stale marker.
    fn last_in_memory(&self, at: usize) -> Option<(i64, f64)> {
        let SeriesHandle { id, slots, .. } = &self.series[at];
        let until_ms = self.range.until_ms;
        let last_of = |slot: &GroupSlot| {
            let chunks = self.chunks.get(&address(&slot.rows))?;
            chunks.iter().rev().find_map(|chunk| chunk.last_sample(slot.slot, until_ms))
        };
        let (time_ms, value) = slots.iter().filter_map(last_of).max_by_key(|(time_ms, _)| *time_ms)?;
        // Imported samples may be newer than those in memory.
        let since = TimeRange { after_ms: time_ms.saturating_sub(1), until_ms };
        let is_in_block = |block: &Arc<Block>| block.entry(*id, since).is_some();
        let is_last = time_ms > self.range.after_ms && !is_stale(value) && !self.blocks.iter().any(is_in_block);
        is_last.then_some((time_ms, value))
    }

    pub(super) fn reader(&'s self) -> SeriesReader<'s> {
        let cursor = |block: &Arc<Block>| BlockCursor::new(Arc::clone(block), self.blocks.len());
        SeriesReader {
            snapshot: self,
            context: ReadContext::new(Some(self.cache)),
            cursors: self.blocks.iter().map(cursor).collect(),
        }
    }
}

impl SeriesReader<'_> {
    /// Appends the samples of the series at `at`, in order of time. Unreadable ones are counted and skipped.
    pub(super) fn read(&mut self, at: usize, samples: &mut SampleBuffer) {
        if self.snapshot.latest_only
            && let Some((time_ms, value)) = self.snapshot.last_in_memory(at)
        {
            samples.push(time_ms, value);
            return;
        }
        let start = samples.len();
        let Snapshot { series, chunks, range, counters, .. } = self.snapshot;
        let SeriesHandle { id, slots, .. } = &series[at];
        let mut is_sorted = true;
        for cursor in &mut self.cursors {
            let Some(entry) = cursor.block.entry(*id, *range) else { continue };
            let (ordinal, previous) = (entry.ordinal, samples.len());
            let mut on_error = |error| counters.count_read_error(&error);
            cursor.read(&mut self.context, ordinal, *range, samples, &mut on_error);
            // The samples of one block are sorted.
            let times_ms = &samples.times_ms;
            is_sorted &=
                previous == start || times_ms.get(previous).is_none_or(|next_ms| times_ms[previous - 1] < *next_ms);
        }
        let from_blocks = samples.len();
        for slot in &**slots {
            for chunk in chunks.get(&address(&slot.rows)).map_or(&[][..], Vec::as_slice) {
                chunk.for_each_sample(slot.slot, |time_ms, value| {
                    if range.contains(time_ms) {
                        samples.push(time_ms, value);
                    }
                });
            }
        }
        let in_doubt = &samples.times_ms[from_blocks.saturating_sub(1).max(start)..];
        if !is_sorted || !in_doubt.is_sorted_by(|a, b| a < b) {
            samples.sort_and_dedup_from(start);
        }
    }
}

fn address(rows: &Arc<Rows>) -> usize {
    Arc::as_ptr(rows) as usize
}
