//! The write-ahead log as those who append see it: records that wait in memory to be written.
use crate::codec::{Column, Compressor, write_frame, write_labels, write_varint, zigzag};
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use promql::Labels;

/// A record that says which label sets the slots of a group stand for.
pub(crate) const SERIES: u8 = 1;
/// A record with the values of one scrape.
pub(crate) const SCRAPE: u8 = 2;

/// Scrapes of a group after which its label sets are written again, so that a damaged record costs few others.
const DEFINED_FOR: u32 = 120;

/// Waiting bytes above which the log gives up until what is in memory has been written otherwise.
const MOST_WAITING: usize = 64 << 20;

pub(crate) struct Log(Mutex<Waiting>);

struct Waiting {
    records: Vec<u8>,
    /// The file the records will go to, and whether there is one.
    segment: u64,
    is_open: bool,
    compressor: Compressor,
}

/// What a group's writer knows about its records.
#[derive(Debug, Default)]
pub(crate) struct Logged {
    group: u64,
    /// Of series that may be appended to, and whether they ever were.
    labels: HashMap<u32, (Labels, bool)>,
    /// Slots that the segment explains.
    defined: HashSet<u32>,
    /// The slots of the last scrape, all defined: those of the next one are mostly the same.
    last: Vec<u32>,
    segment: u64,
    scrapes: u32,
}

impl Log {
    /// A log that takes nothing before it is opened.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Waiting { records: Vec::new(), segment: 0, is_open: false, compressor: Compressor::new() }))
    }

    /// From now on records are for `segment`. Gives what waited for the one before.
    pub(crate) fn open(&self, segment: u64) -> Vec<u8> {
        let mut waiting = self.0.lock();
        waiting.segment = segment;
        waiting.is_open = true;
        std::mem::take(&mut waiting.records)
    }

    /// From now on records are lost.
    pub(crate) fn close(&self) {
        let mut waiting = self.0.lock();
        waiting.is_open = false;
        waiting.records = Vec::new();
    }

    /// The records that wait; none where some have been lost.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        let mut waiting = self.0.lock();
        let capacity = waiting.records.len();
        waiting.is_open.then(|| std::mem::replace(&mut waiting.records, Vec::with_capacity(capacity)))
    }

    /// Adds a scrape: values by slot, in order of slots.
    pub(crate) fn append(&self, logged: &mut Logged, time_ms: i64, row: &[(u32, f64)]) {
        let mut waiting = self.0.lock();
        if !waiting.is_open {
            return;
        }
        if waiting.records.len() > MOST_WAITING {
            waiting.is_open = false;
            waiting.records = Vec::new();
            return;
        }
        if logged.segment != waiting.segment || logged.scrapes >= DEFINED_FOR {
            logged.segment = waiting.segment;
            logged.scrapes = 0;
            logged.defined.clear();
            logged.last.clear();
        }
        logged.scrapes += 1;
        let Waiting { records, compressor, .. } = &mut *waiting;
        if !row.iter().map(|(slot, _)| slot).eq(&logged.last) {
            logged.last.clear();
            logged.last.extend(row.iter().map(|(slot, _)| *slot));
            logged.define(records, compressor);
        }
        write_frame(records, |payload| {
            payload.push(SCRAPE);
            write_varint(payload, logged.group);
            write_varint(payload, zigzag(time_ms));
            let mut column = Column::default();
            for (slot, value) in row {
                column.push(*slot, *value);
            }
            column.write_to(payload);
        });
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.0.lock();
        f.debug_struct("Log").field("segment", &waiting.segment).field("waiting", &waiting.records.len()).finish()
    }
}

impl Logged {
    /// For a group with a number that no other group of this process has.
    pub(crate) fn new(group: u64) -> Self {
        Self { group, ..Self::default() }
    }

    pub(crate) fn know(&mut self, slot: u32, labels: &Labels) {
        self.labels.entry(slot).or_insert_with(|| (labels.clone(), false));
    }

    /// Whether the label set of `slot` is known; quickest where `slot` was at place `at` of the last scrape.
    pub(crate) fn knows(&self, at: usize, slot: u32) -> bool {
        self.last.get(at) == Some(&slot) || self.labels.contains_key(&slot)
    }

    /// Forgets the label sets of series that have ended some time ago.
    pub(crate) fn keep(&mut self, is_live: impl Fn(u32) -> bool) {
        self.labels.retain(|slot, (_, was_used)| !*was_used || self.defined.contains(slot) || is_live(*slot));
    }

    /// Writes the label sets of the slots of the last scrape that the segment does not explain yet.
    fn define(&mut self, records: &mut Vec<u8>, compressor: &mut Compressor) {
        let (mut raw, mut before) = (Vec::new(), None);
        for slot in &self.last {
            if !self.defined.insert(*slot) {
                continue;
            }
            let Some((labels, was_used)) = self.labels.get_mut(slot) else { continue };
            *was_used = true;
            write_varint(&mut raw, u64::from(*slot));
            write_labels(&mut raw, before.as_ref(), labels);
            before = Some(labels.clone());
        }
        if raw.is_empty() {
            return;
        }
        write_frame(records, |payload| {
            payload.push(SERIES);
            write_varint(payload, self.group);
            // Without memory for this nothing else works either; the record is then empty, and told as lost.
            let _ = compressor.write(&raw, payload);
        });
    }
}
