//! Flushing: the head becomes blocks, and the log before it is removed.
use super::merge::fail_or_count;
use crate::block::INSTANCE;
use crate::disk::header::FileKind;
use crate::head::hidden::{HiddenRange, HiddenRanges, is_hidden};
use crate::head::rows::Rows;
use crate::head::stored_chunk::{ChunkReader, StoredChunk};
use crate::index::SeriesHandle;
use crate::sample_buffer::SampleBuffer;
use crate::store::counters::Counters;
use crate::store::inner::Inner;
use crate::store::persistence::{MaintenanceState, Persistence};
use crate::time::{TimeBounds, day_of};
use promql::METRIC_NAME;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

/// The finished chunks of each group.
struct SealedChunks(HashMap<usize, GroupChunks>);

struct GroupChunks {
    rows: Arc<Rows>,
    chunks: Vec<StoredChunk>,
    hidden: HiddenRanges,
}

impl Inner {
    /// Writes the head as blocks, one for each day, and syncs them.
    pub(crate) fn flush(&self, disk: &Persistence, state: &mut MaintenanceState) -> io::Result<()> {
        let segment = disk.begin_flush(state)?;
        // This flush closes a gap that the log has by now, but not one that arises during the flush.
        let had_gap = disk.wal.take_gap();
        self.write_head(disk, state).inspect_err(|_| disk.wal.restore_gap(had_gap))?;
        state.flush_segment = None;
        state.flushed_label_bytes = self.index.read().text_bytes();
        disk.remove_chunk_files(state);
        disk.wal.remove_before(&disk.folder, segment);
        Ok(())
    }

    /// Writes the head as blocks and drops it from memory.
    fn write_head(&self, disk: &Persistence, state: &mut MaintenanceState) -> io::Result<()> {
        let seal = |rows: Arc<Rows>| (rows.address(), GroupChunks { chunks: rows.seal(), hidden: rows.hidden(), rows });
        let sealed = SealedChunks(self.head.groups().into_iter().map(seal).collect());
        let ids = self.write_days(disk, state, &sealed)?;
        self.publish(disk, &ids, &[])?;
        self.drop_flushed(sealed);
        Ok(())
    }

    fn write_days(
        &self,
        disk: &Persistence,
        state: &mut MaintenanceState,
        sealed: &SealedChunks,
    ) -> io::Result<Vec<u64>> {
        // After sealing, so that the index has every series of the chunks.
        let series = in_block_order(self.index.read().all());
        let mut ids = Vec::new();
        for day in sealed.days() {
            let series: Vec<&SeriesHandle> = series.iter().filter(|series| sealed.has(series, day)).collect();
            if series.is_empty() {
                continue;
            }
            // A flush needs the blocks of all days: without one everything stays in memory and in the log.
            let id = write_day(disk, state, sealed, &series, day, &self.counters)
                .inspect_err(|_| disk.folder.remove_all(&ids, FileKind::Block))?;
            ids.push(id);
        }
        Ok(ids)
    }

    /// Drops the chunks that are in blocks now.
    fn drop_flushed(&self, sealed: SealedChunks) {
        for GroupChunks { rows, chunks, .. } in sealed.0.into_values() {
            rows.drop_oldest(chunks.len());
        }
        self.forget_ended();
    }
}

/// Writes the samples of one day as a block; returns its id.
fn write_day(
    disk: &Persistence,
    state: &mut MaintenanceState,
    sealed: &SealedChunks,
    series: &[&SeriesHandle],
    day: i64,
    counters: &Counters,
) -> io::Result<u64> {
    let timelines = sealed.timelines(day);
    let (mut samples, mut keys, mut reader) = (SampleBuffer::default(), Vec::new(), ChunkReader::default());
    disk.write_block(state, &[], |assembler| {
        for series in series {
            samples.clear();
            keys.clear();
            for group_slot in &*series.slots {
                let previous = samples.len();
                let hidden = sealed.hidden(group_slot.rows.address());
                for chunk in sealed.chunks(group_slot.rows.address(), day) {
                    match reader.column(chunk, group_slot.slot) {
                        Ok(Some(column)) => column.for_each_sample(|time_ms, value| {
                            if !is_hidden(hidden, time_ms) {
                                samples.push(time_ms, value);
                            }
                        }),
                        Ok(None) => {}
                        Err(error) => fail_or_count(error, counters, chunk.time_bounds().unwrap_or(TimeBounds::EMPTY))?,
                    }
                }
                if samples.len() > previous {
                    keys.push(group_slot.rows.address() as u64);
                }
            }
            if samples.is_empty() {
                continue;
            }
            samples.sort_and_dedup();
            let timeline = |key| timelines.get(&key).cloned().unwrap_or_default();
            assembler.add(&series.labels, &keys, timeline, &samples)?;
        }
        Ok(())
    })
}

/// Sorts series as [`block_order`] does, looking up each name and instance once.
fn in_block_order(series: Vec<SeriesHandle>) -> Vec<SeriesHandle> {
    let label = |series: &SeriesHandle, name: &str| {
        series.labels.labels().iter().find(|label| **label.name() == *name).map(|label| Arc::clone(label.value()))
    };
    let mut keyed: Vec<_> =
        series.into_iter().map(|series| ([label(&series, METRIC_NAME), label(&series, INSTANCE)], series)).collect();
    keyed.sort_unstable_by(|(a_key, a), (b_key, b)| a_key.cmp(b_key).then_with(|| a.labels.cmp(&b.labels)));
    keyed.into_iter().map(|(_, series)| series).collect()
}

impl SealedChunks {
    fn days(&self) -> BTreeSet<i64> {
        self.0.values().flat_map(|group| &group.chunks).filter_map(day_of_chunk).collect()
    }

    fn chunks(&self, rows: usize, day: i64) -> impl Iterator<Item = &StoredChunk> {
        let chunks = self.0.get(&rows).map_or(&[][..], |group| &group.chunks);
        chunks.iter().filter(move |chunk| day_of_chunk(chunk) == Some(day))
    }

    fn hidden(&self, rows: usize) -> &[Arc<HiddenRange>] {
        self.0.get(&rows).map_or(&[][..], |group| &group.hidden)
    }

    /// Whether a series has samples on a day.
    fn has(&self, series: &SeriesHandle, day: i64) -> bool {
        series
            .slots
            .iter()
            .any(|group_slot| self.chunks(group_slot.rows.address(), day).any(|chunk| chunk.has(group_slot.slot)))
    }

    /// The times of each group on a day.
    fn timelines(&self, day: i64) -> HashMap<u64, Arc<[i64]>> {
        let timeline = |rows: usize| self.chunks(rows, day).flat_map(|chunk| chunk.times_ms().into_owned()).collect();
        self.0.keys().map(|rows| (*rows as u64, timeline(*rows))).collect()
    }
}

/// The day of a chunk, which never crosses days.
fn day_of_chunk(chunk: &StoredChunk) -> Option<i64> {
    chunk.time_bounds().map(|bounds| day_of(bounds.first_ms))
}
