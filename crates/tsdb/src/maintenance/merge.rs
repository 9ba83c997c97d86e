//! The blocks of a day become one.
use crate::DAY_MS;
use crate::block::{Block, Cursor, Reader, Unreadable, in_block};
use crate::disk::folder::{Disk, Work};
use crate::maintenance::SPAN_MS;
use crate::select::snapshot::in_order;
use crate::store::Inner;
use crate::store::stats::Counts;
use promql::Labels;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Blocks of a day above which they become one before the day is over.
const MANY_BLOCKS: usize = 24;

/// While one import follows another, days are left as they are.
const IMPORT_PAUSE: Duration = Duration::from_secs(30);

/// After a merge that failed the next waits so long.
const RETRY_AFTER_MS: u64 = 60_000;

impl Inner {
    /// Merges the blocks of one day for which that is due.
    pub(crate) fn merge_a_day(&self, disk: &Disk, work: &mut Work, now_ms: i64) -> io::Result<()> {
        let mut days: BTreeMap<i64, Vec<Arc<Block>>> = BTreeMap::new();
        for block in self.blocks().iter() {
            days.entry(block.span_ms.0.div_euclid(DAY_MS)).or_default().push(Arc::clone(block));
        }
        let is_importing = work.last_import.is_some_and(|last| last.elapsed() < IMPORT_PAUSE);
        let is_due = |day: i64, blocks: &[Arc<Block>]| {
            // One span more, for samples that come late.
            let is_over = now_ms.div_euclid(SPAN_MS) * SPAN_MS >= (day + 1) * DAY_MS + SPAN_MS;
            let is_damaged = blocks.iter().any(|block| block.loss.is_some());
            blocks.len() > MANY_BLOCKS || is_damaged || blocks.len() > 1 && is_over && !is_importing
        };
        if work.merge_failed_ms.is_some_and(|failed_ms| now_ms.abs_diff(failed_ms) < RETRY_AFTER_MS) {
            return Ok(());
        }
        let Some((_, blocks)) = days.into_iter().find(|(day, blocks)| is_due(*day, blocks)) else { return Ok(()) };
        work.merge_failed_ms = Some(now_ms);
        self.merge(disk, work, blocks)?;
        work.merge_failed_ms = None;
        Ok(())
    }

    fn merge(&self, disk: &Disk, work: &mut Work, blocks: Vec<Arc<Block>>) -> io::Result<()> {
        let ids: Vec<u64> = blocks.iter().map(|block| block.id).collect();
        let series = self.labels_of(&blocks);
        let mut sources = Sources::new(blocks);
        let labels = series.iter().map(|(labels, _)| labels);
        let merged = disk.write_block(&ids, labels, &mut || self.pulse(disk, work), |assembler| {
            for (ordinal, (_, number)) in series.iter().enumerate() {
                sources.read(*number, &self.counts)?;
                let Sources { times_ms, values, lines, .. } = &sources;
                let keys: Vec<u64> = lines.iter().map(|(key, _)| *key).collect();
                let line = |key| lines.iter().find(|(own, _)| *own == key).map(|(_, line)| Arc::clone(line));
                assembler.add(ordinal as u32, &keys, |key| line(key).unwrap_or_default(), times_ms, values)?;
            }
            Ok(())
        })?;
        self.publish(disk, &[merged], &ids)
    }

    /// The series of all these blocks, in order. Those that the index has forgotten are left out.
    fn labels_of(&self, blocks: &[Arc<Block>]) -> Vec<(Labels, u32)> {
        let entries = blocks.iter().flat_map(|block| &block.entries);
        let numbers: BTreeSet<u32> = entries.map(|entry| entry.number).collect();
        let found = self.index.read().take_along(numbers);
        let mut series: Vec<_> = found.into_iter().map(|found| (found.labels, found.number)).collect();
        series.sort_unstable_by(|a, b| in_block(&a.0, &b.0));
        series
    }
}

/// The blocks that are merged, and what they have of one series.
struct Sources {
    reader: Reader<'static>,
    cursors: Vec<Cursor>,
    times_ms: Vec<i64>,
    values: Vec<f64>,
    /// The timelines that it follows, each with a key of its own.
    lines: Vec<(u64, Arc<[i64]>)>,
}

impl Sources {
    fn new(blocks: Vec<Arc<Block>>) -> Self {
        let count = blocks.len();
        let cursors = blocks.into_iter().map(|block| Cursor::new(block, count)).collect();
        Self { reader: Reader::new(None), cursors, times_ms: Vec::new(), values: Vec::new(), lines: Vec::new() }
    }

    /// Reads all samples of the series with a number. What is damaged is counted and left out.
    fn read(&mut self, number: u32, counts: &Counts) -> io::Result<()> {
        self.times_ms.clear();
        self.values.clear();
        self.lines.clear();
        for at in 0..self.cursors.len() {
            let mut broken = None;
            let read = self.read_from(at, number, &mut |error| match error {
                // It may be readable later.
                Unreadable::Io(error) => broken = Some(error),
                lost => counts.unreadable(&lost),
            });
            read.into_iter().for_each(|line| self.lines.push(line));
            broken.map_or(Ok(()), Err)?;
        }
        in_order(&mut self.times_ms, &mut self.values);
        Ok(())
    }

    /// Appends what one block has; gives the timeline that it follows.
    fn read_from(&mut self, at: usize, number: u32, lost: &mut dyn FnMut(Unreadable)) -> Option<(u64, Arc<[i64]>)> {
        let Self { reader, cursors, times_ms, values, .. } = self;
        let cursor = &mut cursors[at];
        let ordinal = cursor.block.entry(number, i64::MIN, i64::MAX)?.ordinal;
        let timeline = cursor.read(reader, ordinal, (i64::MIN, i64::MAX), (times_ms, values), lost)?;
        Some(((at as u64) << 32 | u64::from(timeline), cursor.line(reader, timeline)))
    }
}
