//! Merging the blocks of a day into one.
use crate::block::{Block, BlockCursor, LabelStream, ReadContext};
use crate::disk::read_error::ReadError;
use crate::sample_buffer::SampleBuffer;
use crate::store::counters::Counters;
use crate::store::inner::Inner;
use crate::store::persistence::{MaintenanceState, Persistence};
use crate::time::{DAY_MS, FLUSH_PERIOD_MS, TimeBounds, TimeRange, day_of};
use promql::Labels;
use std::cmp::Ordering;
use std::collections::BTreeMap;
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
            let is_damaged = blocks.iter().any(|block| block.needs_rewrite());
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
        let mut sources = MergeSources::open(blocks, &self.counters)?;
        let merged = disk.write_block(state, &ids, |assembler| {
            while let Some(labels) = sources.read_next(&self.counters)? {
                let MergeSources { samples, timelines, .. } = &sources;
                let keys: Vec<u64> = timelines.iter().map(|(key, _)| *key).collect();
                let timeline =
                    |key| timelines.iter().find(|(own, _)| *own == key).map(|(_, timeline)| Arc::clone(timeline));
                assembler.add(&labels, &keys, |key| timeline(key).unwrap_or_default(), samples)?;
            }
            Ok(())
        })?;
        self.publish(disk, &[merged], &ids)
    }
}

/// The blocks to be merged, and their samples of one series.
struct MergeSources {
    context: ReadContext<'static>,
    sources: Vec<MergeSource>,
    samples: SampleBuffer,
    /// The timelines of the samples, each with a unique key.
    timelines: Vec<(u64, Arc<[i64]>)>,
}

/// A block, its series that comes next, and a cursor to its samples.
struct MergeSource {
    bounds: TimeBounds,
    series: LabelStream,
    has_series: bool,
    cursor: BlockCursor,
}

impl MergeSources {
    /// Opens the blocks. One of which nothing can be read contributes nothing, which is counted.
    fn open(blocks: Vec<Arc<Block>>, counters: &Counters) -> io::Result<Self> {
        let count = blocks.len();
        let mut merged = Self {
            context: ReadContext::new(None),
            sources: Vec::new(),
            samples: SampleBuffer::default(),
            timelines: Vec::new(),
        };
        for block in blocks {
            let index = match block.index(None, |error| counters.count_read_error(error, block.bounds)) {
                Ok(index) => index,
                Err(error) => {
                    fail_or_count(error, counters, block.bounds)?;
                    continue;
                }
            };
            let series = LabelStream::new(Arc::clone(&block), Arc::clone(&index));
            let mut source = MergeSource {
                bounds: block.bounds,
                series,
                has_series: false,
                cursor: BlockCursor::new(block, index, count),
            };
            source.advance(&mut merged.context, counters)?;
            merged.sources.push(source);
        }
        Ok(merged)
    }

    /// Reads all samples of the series that comes next, and returns its labels; `None` at the end.
    fn read_next(&mut self, counters: &Counters) -> io::Result<Option<Labels>> {
        self.samples.clear();
        self.timelines.clear();
        let remaining = self.sources.iter().enumerate().filter(|(_, source)| source.has_series);
        let Some((first, _)) = remaining.min_by(|(_, a), (_, b)| a.series.compare(&b.series)) else { return Ok(None) };
        let is_same = |source: &MergeSource| {
            source.has_series && source.series.compare(&self.sources[first].series) == Ordering::Equal
        };
        let with_series: Vec<usize> = (0..self.sources.len()).filter(|at| is_same(&self.sources[*at])).collect();
        let labels = self.sources[first].series.labels();
        for at in with_series {
            let Self { context, sources, samples, timelines } = self;
            let MergeSource { bounds, series, cursor, .. } = &mut sources[at];
            let mut failure = Ok(());
            let timeline = cursor.read(context, series.ordinal(), TimeRange::ALL, samples, &mut |error| {
                if let Err(error) = fail_or_count(error, counters, *bounds) {
                    failure = Err(error);
                }
            });
            failure?;
            timelines.extend(timeline.map(|number| {
                let key = (at as u64) << 32 | u64::from(number);
                (key, cursor.timeline(context, number))
            }));
            sources[at].advance(context, counters)?;
        }
        self.samples.sort_and_dedup();
        Ok(Some(labels))
    }
}

impl MergeSource {
    fn advance(&mut self, context: &mut ReadContext<'_>, counters: &Counters) -> io::Result<()> {
        let (mut failure, bounds) = (Ok(()), self.bounds);
        self.has_series = self.series.advance(context, |error| {
            if let Err(error) = fail_or_count(error, counters, bounds) {
                failure = Err(error);
            }
        });
        failure
    }
}

/// Counts damage; other errors end what is being written, as what they concern may be readable later.
pub(super) fn fail_or_count(error: ReadError, counters: &Counters, bounds: TimeBounds) -> io::Result<()> {
    match error {
        ReadError::Io(error) => Err(error),
        damage => {
            counters.count_read_error(&damage, bounds);
            Ok(())
        }
    }
}
