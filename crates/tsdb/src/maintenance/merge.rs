//! Merging the blocks of a day into one.
use super::FLUSH_PERIOD_MS;
use crate::block::{Block, BlockCursor, ReadContext, ReadError, block_order};
use crate::sample_buffer::SampleBuffer;
use crate::store::counters::Counters;
use crate::store::inner::Inner;
use crate::store::persistence::{MaintenanceState, Persistence};
use crate::time::{DAY_MS, TimeRange, day_of};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Number of blocks of a day above which they are merged before the day is over.
const MAX_BLOCKS_OF_DAY: usize = 24;

/// Time after an import during which days are not merged, as another import may follow.
const IMPORT_PAUSE: Duration = Duration::from_secs(30);

/// Time between two attempts to merge after a failure.
const RETRY_AFTER_MS: u64 = 60_000;

impl Inner {
    /// Merges the blocks of the first day for which that is due.
    pub(crate) fn merge_one_day(
        &self,
        disk: &Persistence,
        state: &mut MaintenanceState,
        now_ms: i64,
    ) -> io::Result<()> {
        let mut days: BTreeMap<i64, Vec<Arc<Block>>> = BTreeMap::new();
        for block in self.blocks.list().iter() {
            days.entry(day_of(block.bounds.first_ms)).or_default().push(Arc::clone(block));
        }
        let is_importing = state.last_import.is_some_and(|last| last.elapsed() < IMPORT_PAUSE);
        let is_due = |day: i64, blocks: &[Arc<Block>]| {
            // One more period, for samples that come late.
            let is_over = now_ms.div_euclid(FLUSH_PERIOD_MS) * FLUSH_PERIOD_MS >= (day + 1) * DAY_MS + FLUSH_PERIOD_MS;
            let is_damaged = blocks.iter().any(|block| block.loss.is_some());
            blocks.len() > MAX_BLOCKS_OF_DAY || is_damaged || blocks.len() > 1 && is_over && !is_importing
        };
        if state.merge_failed_ms.is_some_and(|failed_ms| now_ms.abs_diff(failed_ms) < RETRY_AFTER_MS) {
            return Ok(());
        }
        let Some((_, blocks)) = days.into_iter().find(|(day, blocks)| is_due(*day, blocks)) else { return Ok(()) };
        state.merge_failed_ms = Some(now_ms);
        self.merge(disk, state, blocks)?;
        state.merge_failed_ms = None;
        Ok(())
    }

    fn merge(&self, disk: &Persistence, state: &mut MaintenanceState, blocks: Vec<Arc<Block>>) -> io::Result<()> {
        let ids: Vec<u64> = blocks.iter().map(|block| block.id).collect();
        let series_ids: BTreeSet<u32> =
            blocks.iter().flat_map(|block| &block.entries).map(|entry| entry.series_id).collect();
        // Series that the index has evicted are left out.
        let mut series = self.index.read().handles(series_ids);
        series.sort_unstable_by(|a, b| block_order(&a.labels, &b.labels));
        let mut sources = MergeSources::new(blocks);
        let merged = disk.write_block(state, &ids, series.iter().map(|series| &series.labels), |assembler| {
            for (ordinal, series) in series.iter().enumerate() {
                sources.read(series.id, &self.counters)?;
                let MergeSources { samples, timelines, .. } = &sources;
                let keys: Vec<u64> = timelines.iter().map(|(key, _)| *key).collect();
                let timeline =
                    |key| timelines.iter().find(|(own, _)| *own == key).map(|(_, timeline)| Arc::clone(timeline));
                assembler.add(ordinal as u32, &keys, |key| timeline(key).unwrap_or_default(), samples)?;
            }
            Ok(())
        })?;
        self.publish(disk, &[merged], &ids)
    }
}

/// The blocks to be merged, and their samples of one series.
struct MergeSources {
    context: ReadContext<'static>,
    cursors: Vec<BlockCursor>,
    samples: SampleBuffer,
    /// The timelines of the samples, each with a unique key.
    timelines: Vec<(u64, Arc<[i64]>)>,
}

impl MergeSources {
    fn new(blocks: Vec<Arc<Block>>) -> Self {
        let count = blocks.len();
        let cursors = blocks.into_iter().map(|block| BlockCursor::new(block, count)).collect();
        Self { context: ReadContext::new(None), cursors, samples: SampleBuffer::default(), timelines: Vec::new() }
    }

    /// Reads all samples of a series. Damage is counted and skipped.
    fn read(&mut self, series_id: u32, counters: &Counters) -> io::Result<()> {
        self.samples.clear();
        self.timelines.clear();
        for at in 0..self.cursors.len() {
            let mut failure = None;
            let timeline = self.read_from(at, series_id, &mut |error| match error {
                // The samples may be readable later.
                ReadError::Io(error) => failure = Some(error),
                damage => counters.count_read_error(&damage),
            });
            self.timelines.extend(timeline);
            failure.map_or(Ok(()), Err)?;
        }
        self.samples.sort_and_dedup();
        Ok(())
    }

    /// Appends the samples of one block; returns their timeline.
    fn read_from(
        &mut self,
        at: usize,
        series_id: u32,
        on_error: &mut dyn FnMut(ReadError),
    ) -> Option<(u64, Arc<[i64]>)> {
        let Self { context, cursors, samples, .. } = self;
        let cursor = &mut cursors[at];
        let ordinal = cursor.block.entry(series_id, TimeRange::ALL)?.ordinal;
        let timeline = cursor.read(context, ordinal, TimeRange::ALL, samples, on_error)?;
        Some(((at as u64) << 32 | u64::from(timeline), cursor.timeline(context, timeline)))
    }
}
