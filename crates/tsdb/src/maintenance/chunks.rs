//! Moving finished chunks from memory to a chunk file, so that memory has little more than what is being scraped.
use crate::head::chunk_file_writer::{ChunkFileWriter, FinishedChunks};
use crate::head::rows::GroupSlotKey;
use crate::store::inner::Inner;
use crate::store::persistence::{MaintenanceState, Persistence};
use hashbrown::{HashMap, HashSet};
use promql::Labels;
use std::io;
use std::sync::atomic::Ordering::Relaxed;

impl Inner {
    /// Moves the finished chunks to the chunk file and syncs it.
    pub(crate) fn write_chunks(&self, disk: &Persistence, state: &mut MaintenanceState) -> io::Result<()> {
        let groups = self.head.groups().into_iter();
        let groups = groups.map(|rows| FinishedChunks { chunks: rows.finished_in_memory(), rows });
        let groups: Vec<FinishedChunks> = groups.filter(|group| !group.chunks.is_empty()).collect();
        if groups.is_empty() {
            return Ok(());
        }
        // Taken, since after a failure it is unknown what the file has; the next attempt begins another one.
        let mut file = match state.chunk_file.take() {
            Some(file) => file,
            None => {
                let id = disk.folder.new_id();
                state.chunk_file_ids.push(id);
                ChunkFileWriter::create(&disk.folder, id)?
            }
        };
        let labels = self.labels_of(&groups.iter().flat_map(|group| file.undefined_slots(group)).collect());
        let before_bytes = file.written_bytes;
        let outcome = file.write(groups, &labels);
        disk.chunk_bytes.fetch_add(file.written_bytes - before_bytes, Relaxed);
        for (rows, written) in outcome? {
            rows.replace(written);
        }
        state.chunk_file = Some(file);
        Ok(())
    }

    /// Moves all samples in memory to the chunk file, and removes the log, whose samples are then in it.
    pub(crate) fn cut_log(&self, disk: &Persistence, state: &mut MaintenanceState) -> io::Result<()> {
        let segment = disk.begin_flush(state)?;
        for rows in self.head.groups() {
            rows.seal();
        }
        self.write_chunks(disk, state)?;
        state.flush_segment = None;
        disk.wal.remove_before(&disk.folder, segment);
        Ok(())
    }

    /// The label sets of slots.
    fn labels_of(&self, slots: &HashSet<GroupSlotKey>) -> HashMap<GroupSlotKey, Labels> {
        if slots.is_empty() {
            return HashMap::new();
        }
        let index = self.index.read();
        let labels =
            index.series.values().flat_map(|series| series.slots.iter().map(|slot| (slot.key(), &series.labels)));
        labels.filter(|(key, _)| slots.contains(key)).map(|(key, labels)| (key, labels.clone())).collect()
    }
}
