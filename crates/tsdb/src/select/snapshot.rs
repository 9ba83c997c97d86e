//! Some series as they are at one moment, to be read one after the other.
use crate::block::{Block, Cursor, MOST_AHEAD, Reader, Recent};
use crate::head::chunk::Chunk;
use crate::head::rows::Rows;
use crate::index::{Found, Place};
use crate::store::Inner;
use crate::store::stats::Counts;
use hashbrown::HashMap;
use promql::is_stale;
use std::sync::Arc;

/// Series and where their samples in a span of time are.
pub(crate) struct Snapshot<'s> {
    pub(crate) series: Vec<Found>,
    /// By the address of the group's scrapes.
    heads: HashMap<usize, Vec<Arc<Chunk>>>,
    pub(crate) blocks: Vec<Arc<Block>>,
    after_ms: i64,
    until_ms: i64,
    /// Of each series only its last sample that is no stale marker is needed, and what follows it.
    is_latest_enough: bool,
    recent: &'s Recent,
    counts: &'s Counts,
}

/// Reads the series of a snapshot.
pub(crate) struct SeriesReader<'s> {
    snapshot: &'s Snapshot<'s>,
    reader: Reader<'s>,
    cursors: Vec<Cursor>,
}

impl<'s> Snapshot<'s> {
    /// The state of `series` now, of samples in the span `after < time <= until`; where the latest of each is enough,
    /// others before it may be left out.
    pub(crate) fn take(
        inner: &'s Inner,
        series: Vec<Found>,
        (after_ms, until_ms): (i64, i64),
        is_latest_enough: bool,
    ) -> Self {
        let mut slots: HashMap<usize, (&Arc<Rows>, Vec<u32>)> = HashMap::new();
        for Place { rows, slot } in series.iter().flat_map(|series| &*series.places) {
            slots.entry(address(rows)).or_insert_with(|| (rows, Vec::new())).1.push(*slot);
        }
        // Before the blocks: what becomes a block in between is seen twice, and counts once.
        let heads =
            slots.into_iter().map(|(key, (rows, slots))| (key, rows.snapshot(after_ms, until_ms, &slots))).collect();
        let blocks = inner.blocks();
        let blocks = blocks.iter().filter(|block| block.overlaps(after_ms, until_ms)).cloned().collect();
        let mut snapshot = Self {
            series,
            heads,
            blocks,
            after_ms,
            until_ms,
            is_latest_enough,
            recent: &inner.recent,
            counts: &inner.counts,
        };
        snapshot.sort();
        snapshot.announce();
        snapshot
    }

    /// Tells the system what it may read already.
    fn announce(&self) {
        let mut left = MOST_AHEAD;
        let span_ms = (self.after_ms, self.until_ms);
        for block in &self.blocks {
            let entry = |series: &Found| block.entry(series.number, span_ms.0, span_ms.1);
            let ordinals = self.series.iter().filter_map(entry).map(|entry| entry.ordinal);
            let mut ordinals: Vec<u32> = ordinals.take(left).collect();
            ordinals.sort_unstable();
            block.announce(&ordinals, span_ms, self.recent, &mut left);
            if left == 0 {
                return;
            }
        }
    }

    /// Puts the series in the order in which the largest block has them, and the others too, mostly.
    fn sort(&mut self) {
        if let Some(largest) = self.blocks.iter().max_by_key(|block| block.entries.len()) {
            let ordinal = |number| largest.entry(number, i64::MIN, i64::MAX).map_or(u32::MAX, |entry| entry.ordinal);
            self.series.sort_by_cached_key(|series| (ordinal(series.number), series.number));
        }
    }

    /// About how many samples the blocks have of the series, to tell a large query from a small one.
    pub(crate) fn about_samples(&self) -> u64 {
        let share = |block: &Arc<Block>| {
            let (first_ms, last_ms) = block.span_ms;
            let overlap_ms = last_ms.min(self.until_ms).abs_diff(first_ms.max(self.after_ms));
            let of_series = block.samples as f64 / block.entries.len().max(1) as f64;
            of_series * overlap_ms as f64 / first_ms.abs_diff(last_ms).max(1) as f64
        };
        (self.blocks.iter().map(share).sum::<f64>() * self.series.len() as f64) as u64
    }

    /// The last sample of the series at `at`, if it is in memory and no stale marker.
    fn last_in_memory(&self, at: usize) -> Option<(i64, f64)> {
        let Found { number, places, .. } = &self.series[at];
        let last_of = |place: &Place| {
            let chunks = self.heads.get(&address(&place.rows))?;
            chunks.iter().rev().find_map(|chunk| chunk.last_sample(place.slot, self.until_ms))
        };
        let (time_ms, value) = places.iter().filter_map(last_of).max_by_key(|(time_ms, _)| *time_ms)?;
        // Imported samples may be newer than what is in memory.
        let is_in_block = |block: &Arc<Block>| block.entry(*number, time_ms.saturating_sub(1), self.until_ms).is_some();
        let is_last = time_ms > self.after_ms && !is_stale(value) && !self.blocks.iter().any(is_in_block);
        is_last.then_some((time_ms, value))
    }

    pub(crate) fn reader(&'s self) -> SeriesReader<'s> {
        let cursor = |block: &Arc<Block>| Cursor::new(Arc::clone(block), self.blocks.len());
        SeriesReader {
            snapshot: self,
            reader: Reader::new(Some(self.recent)),
            cursors: self.blocks.iter().map(cursor).collect(),
        }
    }
}

impl SeriesReader<'_> {
    /// Appends the samples of the series at `at`, in order of time. What cannot be read is counted and left out.
    pub(crate) fn read(&mut self, at: usize, times_ms: &mut Vec<i64>, values: &mut Vec<f64>) {
        if self.snapshot.is_latest_enough
            && let Some((time_ms, value)) = self.snapshot.last_in_memory(at)
        {
            times_ms.push(time_ms);
            values.push(value);
            return;
        }
        let start = times_ms.len();
        let Snapshot { series, heads, after_ms, until_ms, counts, .. } = self.snapshot;
        let Found { number, places, .. } = &series[at];
        let span_ms = (*after_ms, *until_ms);
        let mut is_in_order = true;
        for cursor in &mut self.cursors {
            let Some(entry) = cursor.block.entry(*number, *after_ms, *until_ms) else { continue };
            let (ordinal, had) = (entry.ordinal, times_ms.len());
            let mut lost = |error| counts.unreadable(&error);
            cursor.read(&mut self.reader, ordinal, span_ms, (&mut *times_ms, &mut *values), &mut lost);
            // What comes from one block is in order.
            is_in_order &= had == start || times_ms.get(had).is_none_or(|next_ms| times_ms[had - 1] < *next_ms);
        }
        let had = times_ms.len();
        for place in &**places {
            for chunk in heads.get(&address(&place.rows)).map_or(&[][..], Vec::as_slice) {
                chunk.for_each_sample(place.slot, |time_ms, value| {
                    if time_ms > *after_ms && time_ms <= *until_ms {
                        times_ms.push(time_ms);
                        values.push(value);
                    }
                });
            }
        }
        if !is_in_order || !times_ms[had.saturating_sub(1).max(start)..].is_sorted_by(|a, b| a < b) {
            let (mut own_ms, mut own) = (times_ms.split_off(start), values.split_off(start));
            in_order(&mut own_ms, &mut own);
            times_ms.append(&mut own_ms);
            values.append(&mut own);
        }
    }
}

/// Samples from several places, in order of time; of several at the same time the first counts.
pub(crate) fn in_order(times_ms: &mut Vec<i64>, values: &mut Vec<f64>) {
    if times_ms.is_sorted_by(|a, b| a < b) {
        return;
    }
    let mut samples: Vec<(i64, f64)> = times_ms.drain(..).zip(values.drain(..)).collect();
    samples.sort_by_key(|(time_ms, _)| *time_ms);
    samples.dedup_by_key(|(time_ms, _)| *time_ms);
    (*times_ms, *values) = samples.into_iter().unzip();
}

fn address(rows: &Arc<Rows>) -> usize {
    Arc::as_ptr(rows) as usize
}
