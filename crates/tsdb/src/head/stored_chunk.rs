//! Finished chunks, in memory or in a file, and reading their columns.
use super::chunk::Chunk;
use super::chunk_file::{ColumnRun, FileChunk};
use crate::codec::for_each_value;
use crate::disk::read_error::ReadError;
use crate::time::{TimeBounds, TimeRange};
use hashbrown::HashMap;
use std::borrow::Cow;
use std::sync::Arc;

/// Maximum number of columns that are read from a file at once.
const MAX_RUN_COLUMNS: usize = 64;

/// Maximum size of what a reader keeps of files.
const MAX_RUN_BYTES: usize = 2 << 20;

/// A finished chunk.
#[derive(Clone, Debug)]
pub(crate) enum StoredChunk {
    Memory(Arc<Chunk>),
    File(Arc<FileChunk>),
}

/// Reads columns. Those of a file are read several at a time once neighbours are asked for one after the other.
#[derive(Debug, Default)]
pub(crate) struct ChunkReader {
    loaded: HashMap<(u64, u64), LoadedChunk>,
    loaded_bytes: usize,
}

/// The times of a chunk in a file, and the columns that were read last.
#[derive(Debug)]
struct LoadedChunk {
    times_ms: Vec<i64>,
    run: ColumnRun,
}

/// The samples of one series in a chunk.
pub(crate) struct Column<'c> {
    times_ms: &'c [i64],
    tokens: &'c [u8],
}

impl StoredChunk {
    /// The times of its rows.
    pub(crate) fn times_ms(&self) -> Cow<'_, [i64]> {
        match self {
            Self::Memory(chunk) => Cow::from(chunk.times_ms()),
            Self::File(chunk) => chunk.times_ms().into(),
        }
    }

    /// The first and last time; `None` for an empty chunk.
    pub(crate) fn time_bounds(&self) -> Option<TimeBounds> {
        match self {
            Self::Memory(chunk) => chunk.time_bounds(),
            Self::File(chunk) => Some(chunk.bounds),
        }
    }

    pub(crate) fn overlaps(&self, range: TimeRange) -> bool {
        self.time_bounds().is_some_and(|bounds| bounds.overlaps(range))
    }

    /// The slots that have samples.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        let (memory, file) = match self {
            Self::Memory(chunk) => (chunk.columns(), &[][..]),
            Self::File(chunk) => (&[][..], &*chunk.columns),
        };
        memory.iter().map(|(slot, _)| *slot).chain(file.iter().map(|column| column.slot))
    }

    /// Whether `slot` has a sample.
    pub(crate) fn has(&self, slot: u32) -> bool {
        match self {
            Self::Memory(chunk) => chunk.has(slot),
            Self::File(chunk) => chunk.position(slot).is_some(),
        }
    }

    /// Memory used, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Memory(chunk) => chunk.size_bytes(),
            Self::File(chunk) => chunk.size_bytes(),
        }
    }
}

impl ChunkReader {
    /// The column of a slot; `None` if it has no samples.
    pub(crate) fn column<'c>(&'c mut self, chunk: &'c StoredChunk, slot: u32) -> Result<Option<Column<'c>>, ReadError> {
        match chunk {
            StoredChunk::Memory(chunk) => {
                Ok(chunk.column(slot).map(|tokens| Column { times_ms: chunk.times_ms(), tokens }))
            }
            StoredChunk::File(chunk) => {
                let Some(position) = chunk.position(slot) else { return Ok(None) };
                let LoadedChunk { times_ms, run } = self.load(chunk, position)?;
                Ok(Some(Column { times_ms, tokens: run.column(position)? }))
            }
        }
    }

    fn load(&mut self, chunk: &FileChunk, position: u32) -> Result<&LoadedChunk, ReadError> {
        let key = chunk.key();
        let next_length = self.loaded.get(&key).map(|LoadedChunk { run, .. }| {
            let is_next = position as usize == run.first as usize + run.len();
            (run.has(position), if is_next { (run.len() * 2).min(MAX_RUN_COLUMNS) } else { 1 })
        });
        let length = match next_length {
            Some((true, _)) => None,
            Some((false, length)) => Some(length),
            None => Some(1),
        };
        if let Some(length) = length {
            let run = chunk.read_run(position, length)?;
            if self.loaded_bytes > MAX_RUN_BYTES {
                self.loaded.clear();
                self.loaded_bytes = 0;
            }
            self.loaded_bytes += run.size_bytes();
            let times_ms = match self.loaded.remove(&key) {
                Some(previous) => {
                    self.loaded_bytes -= previous.run.size_bytes();
                    previous.times_ms
                }
                None => chunk.times_ms(),
            };
            self.loaded.insert(key, LoadedChunk { times_ms, run });
        }
        self.loaded.get(&key).ok_or(ReadError::Damaged { records: 0, samples: 0 })
    }
}

impl Column<'_> {
    /// Calls `visit` with the time and value of each sample, in order of time.
    pub(crate) fn for_each_sample(&self, mut visit: impl FnMut(i64, f64)) {
        for_each_value(self.tokens, 0, self.times_ms.len(), |row, value| visit(self.times_ms[row], value));
    }

    /// The time and value of the last sample at or before `until_ms`.
    pub(crate) fn last_sample(&self, until_ms: i64) -> Option<(i64, f64)> {
        let rows = self.times_ms.partition_point(|time_ms| *time_ms <= until_ms);
        let mut last = None;
        for_each_value(self.tokens, 0, rows, |row, value| last = Some((row, value)));
        last.map(|(row, value)| (self.times_ms[row], value))
    }
}
