//! Old samples, from elsewhere, in any order of time.
use crate::block::in_block;
use crate::disk::folder::{Disk, Work, WriteError};
use crate::select::snapshot::in_order;
use crate::store::Inner;
use crate::{DAY_MS, Store};
use promql::Labels;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// A series to be imported.
#[derive(Clone, Debug, Default)]
pub struct OldSeries {
    /// Its label set.
    pub labels: Labels,
    /// Times in Unix milliseconds and values, in any order.
    pub samples: Vec<(i64, f64)>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Samples that are in the store now.
    pub samples: u64,
    /// Samples left out: of several of one series at the same time the first counts.
    pub duplicates: u64,
}

impl Store {
    /// Adds samples from elsewhere, older than what is there or among it, and makes them last. Where a series has a
    /// sample at that time already, the one that is there counts. Memory is needed for about what `batch` takes, so a
    /// large import is best done in batches of some million samples, a few days of all series at a time.
    ///
    /// # Errors
    /// When there is no folder, not enough room for new series, or the samples cannot be written; then none of them
    /// is there.
    pub fn import(&self, batch: Vec<OldSeries>) -> Result<Imported, WriteError> {
        let inner = &*self.inner;
        let disk = inner.disk.as_ref().ok_or(WriteError::NoFolder)?;
        let mut work = disk.work.lock();
        let mut imported = Imported::default();
        let batch = columns(batch, &mut imported);
        let newest_ms = batch.iter().filter_map(|(_, times_ms, _)| times_ms.last()).max().copied();
        let overlaps = |newest_ms: i64| inner.head_span_ms().is_some_and(|(first_ms, _)| first_ms <= newest_ms);
        if newest_ms.is_some_and(overlaps) {
            // What is in a block before counts.
            inner.flush(disk, &mut work).map_err(|error| disk.error(error))?;
        }
        inner.check_room(&batch)?;
        work.last_import = Some(Instant::now());
        let times = batch.iter().flat_map(|(_, times_ms, _)| times_ms);
        let days: BTreeSet<i64> = times.map(|time_ms| time_ms.div_euclid(DAY_MS)).collect();
        let mut ids = Vec::new();
        for day in days {
            match inner.write_import(disk, &mut work, &batch, day) {
                Ok(id) => ids.push(id),
                Err(error) => {
                    ids.iter().for_each(|id| disk.remove(*id, crate::disk::header::Kind::Block));
                    return Err(disk.error(error));
                }
            }
        }
        for (labels, ..) in &batch {
            let pairs: Vec<_> = labels.iter().collect();
            inner.index.write().intern(&pairs, usize::MAX);
        }
        inner.publish(disk, &ids, &[]).map_err(|error| disk.error(error))?;
        Ok(imported)
    }
}

type Columns = (Labels, Vec<i64>, Vec<f64>);

/// The series in the order of a block, each once, with times in order.
fn columns(batch: Vec<OldSeries>, imported: &mut Imported) -> Vec<Columns> {
    let mut batch: Vec<Columns> = batch
        .into_iter()
        .map(|OldSeries { labels, samples }| {
            let (times_ms, values) = samples.into_iter().unzip();
            (labels, times_ms, values)
        })
        .collect();
    batch.sort_by(|a, b| in_block(&a.0, &b.0));
    batch.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1.append(&mut next.1);
            kept.2.append(&mut next.2);
        }
        is_same
    });
    for (_, times_ms, values) in &mut batch {
        let given = times_ms.len();
        in_order(times_ms, values);
        imported.samples += times_ms.len() as u64;
        imported.duplicates += (given - times_ms.len()) as u64;
    }
    batch.retain(|(_, times_ms, _)| !times_ms.is_empty());
    batch
}

impl Inner {
    fn check_room(&self, batch: &[Columns]) -> Result<(), WriteError> {
        let index = self.index.read();
        let is_new = |(labels, ..): &&Columns| index.find(&labels.iter().collect::<Vec<_>>()).is_none();
        let (new, limit) = (batch.iter().filter(is_new).count(), self.limits.series);
        if new > 0 && index.len() + new > limit { Err(WriteError::TooManySeries { limit }) } else { Ok(()) }
    }

    fn write_import(&self, disk: &Disk, work: &mut Work, batch: &[Columns], day: i64) -> io::Result<u64> {
        let within = |(labels, times_ms, values): &'_ Columns| {
            let from = times_ms.partition_point(|time_ms| time_ms.div_euclid(DAY_MS) < day);
            let until = times_ms.partition_point(|time_ms| time_ms.div_euclid(DAY_MS) <= day);
            let rows = Some(from..until).filter(|rows| !rows.is_empty())?;
            Some((labels.clone(), Arc::<[i64]>::from(&times_ms[rows.clone()]), values[rows].to_vec()))
        };
        let series: Vec<_> = batch.iter().filter_map(within).collect();
        // Series that were scraped together have equal times.
        let mut keys: HashMap<Arc<[i64]>, u64> = HashMap::new();
        let labels = series.iter().map(|(labels, ..)| labels);
        disk.write_block(&[], labels, &mut || self.pulse(disk, work), |assembler| {
            for (ordinal, (_, times_ms, values)) in series.iter().enumerate() {
                let new = keys.len() as u64;
                let key = *keys.entry(Arc::clone(times_ms)).or_insert(new);
                assembler.add(ordinal as u32, &[key], |_| Arc::clone(times_ms), times_ms, values)?;
            }
            Ok(())
        })
    }
}
