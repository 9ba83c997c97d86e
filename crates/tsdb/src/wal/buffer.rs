//! The log in memory: records that wait to be written to the current segment.
use super::SCRAPE;
use super::group_log::GroupLog;
use crate::codec::{ColumnEncoder, Compressor, write_record, write_varint, zigzag};
use parking_lot::Mutex;
use std::fmt;

/// Maximum size of the buffer. Beyond it the log has a gap until the head has been flushed.
const MAX_BUFFERED_BYTES: usize = 64 << 20;

pub(super) struct LogBuffer(Mutex<Pending>);

/// A scrape, or a part of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogRow<'r> {
    pub(crate) time_ms: i64,
    /// Values by slot, in order of slots.
    pub(crate) values: &'r [(u32, f64)],
}

struct Pending {
    records: Vec<u8>,
    /// The segment that the records belong to, if `is_open`.
    segment: u64,
    is_open: bool,
    /// Whether rows came while it was closed.
    has_dropped: bool,
    compressor: Compressor,
}

impl LogBuffer {
    /// Creates a closed buffer.
    pub(super) fn new() -> Self {
        let compressor = Compressor::new();
        Self(Mutex::new(Pending { records: Vec::new(), segment: 0, is_open: false, has_dropped: false, compressor }))
    }

    /// Buffers records for `segment` from now on; returns the pending records of the previous segment, and whether rows
    /// were dropped before.
    pub(super) fn open(&self, segment: u64) -> (Vec<u8>, bool) {
        let mut pending = self.0.lock();
        pending.segment = segment;
        pending.is_open = true;
        let has_dropped = std::mem::take(&mut pending.has_dropped);
        (std::mem::take(&mut pending.records), has_dropped)
    }

    /// Drops the pending records and all further ones until [`LogBuffer::open`].
    pub(super) fn close(&self) {
        self.0.lock().close();
    }

    /// Takes the pending records; `None` if some have been dropped.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        let mut pending = self.0.lock();
        let capacity = pending.records.len();
        pending.is_open.then(|| std::mem::replace(&mut pending.records, Vec::with_capacity(capacity)))
    }

    /// Adds rows of one group, in order of time. They reach the disk together.
    pub(super) fn append<'r>(&self, group: &mut GroupLog, rows: impl Iterator<Item = LogRow<'r>>) {
        let mut pending = self.0.lock();
        if pending.is_open && pending.records.len() > MAX_BUFFERED_BYTES {
            pending.close();
        }
        if !pending.is_open {
            pending.has_dropped = true;
            return;
        }
        let Pending { records, segment, compressor, .. } = &mut *pending;
        for row in rows {
            write_row(records, group, *segment, row, compressor);
        }
    }
}

/// Appends the record of a row, and before it one with the label sets that `segment` does not have yet.
pub(crate) fn write_row(
    records: &mut Vec<u8>,
    group: &mut GroupLog,
    segment: u64,
    LogRow { time_ms, values }: LogRow<'_>,
    compressor: &mut Compressor,
) {
    group.begin_scrape(segment, values, records, compressor);
    write_record(records, |payload| {
        payload.push(SCRAPE);
        write_varint(payload, group.number());
        write_varint(payload, zigzag(time_ms));
        let mut column = ColumnEncoder::default();
        for (slot, value) in values {
            column.push(*slot, *value);
        }
        column.write_to(payload);
    });
}

impl Pending {
    fn close(&mut self) {
        self.is_open = false;
        self.records = Vec::new();
    }
}

impl fmt::Debug for LogBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.0.lock();
        f.debug_struct("LogBuffer").field("segment", &pending.segment).field("bytes", &pending.records.len()).finish()
    }
}
