//! The blocks of a day become one.
use crate::DAY_MS;
use crate::block::{Block, Cursor, Reader, Unreadable};
use crate::disk::{Disk, Work};
use crate::maintain::SPAN_MS;
use crate::snapshot::in_order;
use crate::store::Inner;
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
        let mut cursors: Vec<Cursor> = blocks.into_iter().map(|block| Cursor::new(block, ids.len())).collect();
        let mut reader = Reader::new();
        let (mut times_ms, mut values, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        let labels = series.iter().map(|(labels, _)| labels);
        let merged = disk.write_block(&ids, labels, &mut || self.pulse(disk, work), |assembler| {
            for (at, (_, number)) in series.iter().enumerate() {
                times_ms.clear();
                values.clear();
                lines.clear();
                for (n, cursor) in cursors.iter_mut().enumerate() {
                    let Some(ordinal) = cursor.block.entry(*number, i64::MIN, i64::MAX).map(|entry| entry.ordinal)
                    else {
                        continue;
                    };
                    let outcome = cursor.read(&mut reader, ordinal, (i64::MIN, i64::MAX), &mut times_ms, &mut values);
                    let line = outcome.and_then(|timeline| {
                        timeline.map(|number| Ok((number, cursor.line(&mut reader, number)?))).transpose()
                    });
                    match line {
                        Ok(line) => {
                            lines.extend(line.map(|(number, line)| ((n as u64) << 32 | u64::from(number), line)))
                        }
                        // It may be readable later.
                        Err(Unreadable::Io(error)) => return Err(error),
                        Err(lost) => self.counts.unreadable(&lost),
                    }
                }
                in_order(&mut times_ms, &mut values);
                let keys: Vec<u64> = lines.iter().map(|(key, _)| *key).collect();
                let line = |key| lines.iter().find(|(own, _)| *own == key).map(|(_, line)| Arc::clone(line));
                assembler.add(at as u32, &keys, |key| line(key).unwrap_or_default(), &times_ms, &values)?;
            }
            Ok(())
        })?;
        drop(series);
        self.publish(disk, &[merged], &ids)
    }

    /// The series of all these blocks, in order of their labels. Those that the index has forgotten are left out.
    fn labels_of(&self, blocks: &[Arc<Block>]) -> Vec<(Labels, u32)> {
        let entries = blocks.iter().flat_map(|block| &block.entries);
        let numbers: BTreeSet<u32> = entries.map(|entry| entry.number).collect();
        let found = self.index.read().take_along(numbers);
        let mut series: Vec<_> = found.into_iter().map(|found| (found.labels, found.number)).collect();
        series.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        series
    }
}
