//! Appending finished chunks to a chunk file.
use super::chunk::Chunk;
use super::chunk_file::{ChunkFile, FileChunk, FileColumn, SERIES, write_chunk};
use super::rows::{GroupSlotKey, Rows};
use crate::codec::{Compressor, write_series_record};
use crate::disk::FileWriter;
use crate::disk::folder::Folder;
use crate::disk::header::{FileKind, header};
use hashbrown::{HashMap, HashSet};
use promql::Labels;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Bytes that are written to the file at once.
const WRITE_BYTES: usize = 1 << 20;

/// The chunk file that is being appended to.
pub(crate) struct ChunkFileWriter {
    file: Arc<ChunkFile>,
    writer: Box<dyn FileWriter>,
    /// Size of the file.
    pub(crate) written_bytes: u64,
    pending: Vec<u8>,
    compressor: Compressor,
    /// By the address of the group.
    groups: HashMap<usize, FileGroup>,
}

/// A group as the file knows it.
struct FileGroup {
    number: u64,
    /// Keeps the group's address from being used again.
    _rows: Arc<Rows>,
    /// The slots that the file names.
    defined: HashSet<u32>,
    columns: Option<Arc<[FileColumn]>>,
}

/// The finished chunks of a group that are in memory.
pub(crate) struct FinishedChunks {
    pub(crate) rows: Arc<Rows>,
    pub(crate) chunks: Vec<Arc<Chunk>>,
}

/// Chunks that are in the file now, by group, with what they are there.
pub(crate) type Written = Vec<(Arc<Rows>, Vec<(Arc<Chunk>, Arc<FileChunk>)>)>;

impl ChunkFileWriter {
    /// Creates the file with this id.
    pub(crate) fn create(folder: &Folder, id: u64) -> io::Result<Self> {
        let writer = folder.fs().create(&folder.file_path(id, FileKind::Chunks))?;
        let header = header(FileKind::Chunks);
        writer.write(&header)?;
        folder.sync_names()?;
        let file = Arc::new(ChunkFile { id, reader: folder.open(id, FileKind::Chunks)? });
        let (pending, compressor, groups) = (Vec::new(), Compressor::new(), HashMap::new());
        Ok(Self { file, writer, written_bytes: header.len() as u64, pending, compressor, groups })
    }

    /// Writes chunks and syncs the file; returns them with their places in it.
    pub(crate) fn write(
        &mut self,
        groups: Vec<FinishedChunks>,
        labels: &HashMap<GroupSlotKey, Labels>,
    ) -> io::Result<Written> {
        let mut written = Vec::new();
        for FinishedChunks { rows, chunks } in groups {
            let key = rows.address();
            let mut slots: Vec<u32> = chunks.iter().flat_map(|chunk| chunk.slots()).collect();
            slots.sort_unstable();
            slots.dedup();
            let number = self.groups.len() as u64;
            let group = self.groups.entry(key).or_insert_with(|| FileGroup {
                number,
                _rows: Arc::clone(&rows),
                defined: HashSet::new(),
                columns: None,
            });
            slots.retain(|slot| group.defined.insert(*slot));
            let series = slots.iter().filter_map(|slot| Some((*slot, labels.get(&(key, *slot))?)));
            write_series_record(&mut self.pending, SERIES, group.number, series, &mut self.compressor);
            let mut of_group = Vec::new();
            for chunk in chunks {
                let offset = self.written_bytes + self.pending.len() as u64;
                let place = write_chunk(&mut self.pending, offset, group.number, &chunk);
                let in_file = FileChunk::written(&self.file, place, &chunk, group.columns.as_ref());
                group.columns = Some(Arc::clone(in_file.columns()));
                of_group.push((chunk, Arc::new(in_file)));
            }
            written.push((rows, of_group));
            if self.pending.len() >= WRITE_BYTES {
                self.write_pending()?;
            }
        }
        self.write_pending()?;
        self.writer.sync()?;
        Ok(written)
    }

    /// The slots of chunks that the file does not name yet.
    pub(crate) fn undefined_slots(&self, group: &FinishedChunks) -> Vec<GroupSlotKey> {
        let key = group.rows.address();
        let defined = self.groups.get(&key).map(|group| &group.defined);
        let slots = group.chunks.iter().flat_map(|chunk| chunk.slots());
        slots.filter(|slot| defined.is_none_or(|defined| !defined.contains(slot))).map(|slot| (key, slot)).collect()
    }

    fn write_pending(&mut self) -> io::Result<()> {
        self.writer.write(&self.pending)?;
        self.written_bytes += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

impl fmt::Debug for ChunkFileWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkFileWriter").field("file", &self.file.id).field("bytes", &self.written_bytes).finish()
    }
}
