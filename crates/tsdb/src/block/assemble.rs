//! Assembling a block: series from several sources become columns over shared timelines.
use super::writer::{BlockWriter, OnProgress, Timeline};
use crate::disk::folder::Folder;
use crate::disk::header::FileKind;
use crate::sample_buffer::SampleBuffer;
use promql::Labels;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// Maximum number of timeline rows to remember. Beyond it a timeline may be written twice.
const MAX_REMEMBERED_ROWS: usize = 4 << 20;

/// Writes and syncs a block of the series that `fill` adds; returns its id.
pub(crate) fn write_block(
    folder: &Folder,
    replaces: &[u64],
    on_progress: &mut OnProgress<'_>,
    fill: impl FnOnce(&mut BlockAssembler<'_>) -> io::Result<()>,
) -> io::Result<u64> {
    let id = folder.new_id();
    let temporary = folder.temporary_path(id);
    let write = || {
        let file = folder.fs().create(&temporary)?;
        let mut assembler = BlockAssembler::new(BlockWriter::new(file, replaces, on_progress));
        fill(&mut assembler)?;
        assembler.finish()?;
        folder.fs().rename(&temporary, &folder.file_path(id, FileKind::Block))?;
        folder.sync_names()
    };
    write().inspect_err(|_| {
        // The remains are useless, and the disk may be full.
        let _ = folder.fs().remove(&temporary);
        folder.remove(id, FileKind::Block);
    })?;
    Ok(id)
}

/// Finds the timeline for each series of a block: the union of the timelines of its sources.
pub(crate) struct BlockAssembler<'p> {
    writer: BlockWriter<'p>,
    /// By the keys of the sources.
    timelines: HashMap<Vec<u64>, Timeline>,
    remembered_rows: usize,
}

impl<'p> BlockAssembler<'p> {
    fn new(writer: BlockWriter<'p>) -> Self {
        Self { writer, timelines: HashMap::new(), remembered_rows: 0 }
    }

    /// Adds a series that has `samples` from the sources with these keys, whose times `timeline` returns. A key always
    /// stands for the same times. Series come in the order of [`super::block_order`]; one without samples is left out.
    pub(crate) fn add(
        &mut self,
        labels: &Labels,
        keys: &[u64],
        timeline: impl Fn(u64) -> Arc<[i64]>,
        samples: &SampleBuffer,
    ) -> io::Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        if !self.timelines.contains_key(keys) {
            if self.remembered_rows > MAX_REMEMBERED_ROWS {
                self.timelines.clear();
                self.remembered_rows = 0;
            }
            let times_ms = union(keys.iter().map(|key| timeline(*key)));
            self.remembered_rows += times_ms.len();
            let timeline = self.writer.add_timeline(times_ms)?;
            self.timelines.insert(keys.to_vec(), timeline);
        }
        let Some(timeline) = self.timelines.get(keys) else { return Ok(()) };
        self.writer.add_series(labels, timeline, samples)
    }

    fn finish(self) -> io::Result<()> {
        self.writer.finish()
    }
}

/// All times, each once, in order.
fn union(mut timelines: impl Iterator<Item = Arc<[i64]>>) -> Arc<[i64]> {
    let first = timelines.next().unwrap_or_default();
    let Some(second) = timelines.next() else { return first };
    let mut all: Vec<i64> =
        [first, second].into_iter().chain(timelines).flat_map(|times_ms| times_ms.to_vec()).collect();
    all.sort();
    all.dedup();
    all.into()
}
