//! Importing old samples, in any order of time.
use crate::block::block_order;
use crate::disk::header::FileKind;
use crate::sample_buffer::SampleBuffer;
use crate::store::Store;
use crate::store::error::WriteError;
use crate::store::persistence::{MaintenanceState, Persistence};
use crate::time::day_of;
use promql::Labels;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// A series to import.
#[derive(Clone, Debug, Default)]
pub struct ImportSeries {
    /// The label set.
    pub labels: Labels,
    /// Times in Unix milliseconds and values, in any order.
    pub samples: Vec<(i64, f64)>,
}

/// The result of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Samples imported.
    pub samples: u64,
    /// Samples left out: of several of one series at the same time, only the first is imported.
    pub duplicates: u64,
}

/// A series with its samples in order of time.
struct SortedSeries {
    labels: Labels,
    samples: SampleBuffer,
}

impl Store {
    /// Imports samples that are older than the stored ones or fall between them, and syncs them to disk. A sample
    /// already stored at the same time wins. An import needs about as much memory as `batch`, so split a large one into
    /// batches of some million samples, a few days of all series at a time.
    ///
    /// # Errors
    /// If the store has no folder, or writing fails. Nothing is imported then.
    pub fn import(&self, batch: Vec<ImportSeries>) -> Result<ImportSummary, WriteError> {
        let inner = &*self.inner;
        let disk = inner.disk.as_ref().ok_or(WriteError::NoFolder)?;
        let mut state = disk.maintenance.lock();
        let mut summary = ImportSummary::default();
        let batch = sort_batch(batch, &mut summary);
        let newest_ms = batch.iter().filter_map(|series| series.samples.times_ms.last()).max().copied();
        let overlaps = |newest_ms: i64| inner.head.time_bounds().is_some_and(|bounds| bounds.first_ms <= newest_ms);
        if newest_ms.is_some_and(overlaps) {
            // Of two samples at one time the one in the older block wins, so the head is flushed first.
            inner.flush(disk, &mut state).map_err(|error| disk.error(error))?;
        }
        state.last_import = Some(Instant::now());
        let times = batch.iter().flat_map(|series| &series.samples.times_ms);
        let days: BTreeSet<i64> = times.map(|time_ms| day_of(*time_ms)).collect();
        let mut ids = Vec::new();
        for day in days {
            match write_day(disk, &mut state, &batch, day) {
                Ok(id) => ids.push(id),
                Err(error) => {
                    disk.folder.remove_all(&ids, FileKind::Block);
                    return Err(disk.error(error));
                }
            }
        }
        inner.publish(disk, &ids, &[]).map_err(|error| disk.error(error))?;
        Ok(summary)
    }
}

/// Puts series into block order and their samples into order of time, merging duplicates of both.
fn sort_batch(batch: Vec<ImportSeries>, summary: &mut ImportSummary) -> Vec<SortedSeries> {
    let mut batch: Vec<SortedSeries> = batch
        .into_iter()
        .map(|ImportSeries { labels, samples }| {
            let (times_ms, values) = samples.into_iter().unzip();
            SortedSeries { labels, samples: SampleBuffer { times_ms, values } }
        })
        .collect();
    batch.sort_by(|a, b| block_order(&a.labels, &b.labels));
    batch.dedup_by(|next, first| {
        let is_same = next.labels == first.labels;
        if is_same {
            first.samples.times_ms.append(&mut next.samples.times_ms);
            first.samples.values.append(&mut next.samples.values);
        }
        is_same
    });
    for SortedSeries { samples, .. } in &mut batch {
        let given = samples.len();
        samples.sort_and_dedup();
        summary.samples += samples.len() as u64;
        summary.duplicates += (given - samples.len()) as u64;
    }
    batch.retain(|series| !series.samples.is_empty());
    batch
}

/// Writes the samples of one day as a block; returns its id.
fn write_day(disk: &Persistence, state: &mut MaintenanceState, batch: &[SortedSeries], day: i64) -> io::Result<u64> {
    let mut timelines = Timelines::default();
    disk.write_block(state, &[], |assembler| {
        for SortedSeries { labels, samples } in batch {
            let times_ms = &samples.times_ms;
            let from = times_ms.partition_point(|time_ms| day_of(*time_ms) < day);
            let until = times_ms.partition_point(|time_ms| day_of(*time_ms) <= day);
            // A batch is usually of one day, and large.
            let samples = match (from, until) {
                (0, until) if until == times_ms.len() => Cow::Borrowed(samples),
                _ => Cow::Owned(SampleBuffer {
                    times_ms: times_ms[from..until].to_vec(),
                    values: samples.values[from..until].to_vec(),
                }),
            };
            if !samples.is_empty() {
                let (key, timeline) = timelines.key_of(&samples.times_ms);
                assembler.add(labels, &[key], |_| Arc::clone(&timeline), &samples)?;
            }
        }
        Ok(())
    })
}

/// The different lists of times, each with a key: series that were scraped together have equal times.
#[derive(Default)]
struct Timelines {
    /// By what is quick to compare: length, first and last time.
    known: HashMap<(usize, Option<i64>, Option<i64>), Vec<KeyedTimes>>,
    count: u64,
}

type KeyedTimes = (u64, Arc<[i64]>);

impl Timelines {
    fn key_of(&mut self, times_ms: &[i64]) -> KeyedTimes {
        let bounds = (times_ms.len(), times_ms.first().copied(), times_ms.last().copied());
        let alike = self.known.entry(bounds).or_default();
        if let Some((key, known)) = alike.iter().find(|(_, known)| **known == *times_ms) {
            return (*key, Arc::clone(known));
        }
        let (key, timeline) = (self.count, Arc::<[i64]>::from(times_ms));
        self.count += 1;
        alike.push((key, Arc::clone(&timeline)));
        (key, timeline)
    }
}
