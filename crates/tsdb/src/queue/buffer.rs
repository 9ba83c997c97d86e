//! The end of a queue that is in memory: records that wait to be written to the current segment.
use crate::codec::Compressor;
use crate::wal::LogRow;
use crate::wal::buffer::write_row;
use crate::wal::group_log::GroupLog;
use parking_lot::Mutex;
use std::fmt;

/// The size from which rows are dropped, because the disk is too slow for them.
const MAX_BUFFERED_BYTES: usize = 32 << 20;

pub(super) struct Buffer(Mutex<Pending>);

struct Pending {
    taken: Taken,
    /// The segment that the records belong to; none while rows are dropped.
    segment: Option<u64>,
    dropped: u64,
    newest_ms: i64,
    compressor: Compressor,
}

/// Records, and how many samples they have.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) records: Vec<u8>,
    pub(super) samples: u64,
}

impl Buffer {
    /// An empty buffer of records for `segment`.
    pub(super) fn new(segment: u64) -> Self {
        let (taken, compressor) = (Taken::default(), Compressor::new());
        Self(Mutex::new(Pending { taken, segment: Some(segment), dropped: 0, newest_ms: 0, compressor }))
    }

    /// Adds rows of one group, in order of time.
    pub(super) fn append<'r>(&self, group: &mut GroupLog, rows: impl Iterator<Item = LogRow<'r>>) {
        let mut pending = self.0.lock();
        let Pending { taken, segment, dropped, newest_ms, compressor } = &mut *pending;
        for row in rows {
            let samples = row.values.len() as u64;
            *newest_ms = row.time_ms.max(*newest_ms);
            match segment {
                Some(segment) if taken.records.len() <= MAX_BUFFERED_BYTES => {
                    write_row(&mut taken.records, group, *segment, row, compressor);
                    taken.samples += samples;
                }
                _ => *dropped += samples,
            }
        }
    }

    /// Takes the records.
    pub(super) fn take(&self) -> Taken {
        let taken = &mut self.0.lock().taken;
        let records = Vec::with_capacity(taken.records.len());
        std::mem::replace(taken, Taken { records, samples: 0 })
    }

    /// Begins to buffer records for another segment, and takes those of the previous one.
    pub(super) fn switch(&self, segment: u64) -> Taken {
        let mut pending = self.0.lock();
        pending.segment = Some(segment);
        std::mem::take(&mut pending.taken)
    }

    /// Drops the records, of which `lost` samples were taken before, and all further ones until [`Buffer::switch`].
    pub(super) fn close(&self, lost: u64) {
        let mut pending = self.0.lock();
        let taken = std::mem::take(&mut pending.taken);
        pending.segment = None;
        pending.dropped += lost + taken.samples;
    }

    /// The samples dropped since the last call.
    pub(super) fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.0.lock().dropped)
    }

    /// The number of samples that wait, and the newest time so far in Unix milliseconds.
    pub(super) fn waiting(&self) -> (u64, i64) {
        let pending = self.0.lock();
        (pending.taken.samples, pending.newest_ms)
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Buffer").field(&self.0.lock().taken.samples).finish()
    }
}
