//! What the current segment says about one group: which of its slots are already named there.
use super::SERIES;
use crate::codec::{Compressor, write_labels, write_record, write_varint};
use hashbrown::{HashMap, HashSet};
use promql::Labels;

/// Scrapes of a group after which its label sets are written again, so that a damaged record affects few others.
const SCRAPES_PER_DEFINITION: u32 = 120;

/// The log's view of a group, owned by the group's writer.
#[derive(Debug, Default)]
pub(crate) struct GroupLog {
    number: u64,
    /// Series that may be appended to, by slot.
    series: HashMap<u32, LoggedSeries>,
    /// Slots that the segment names.
    defined: HashSet<u32>,
    /// The slots of the previous scrape, all defined. The next scrape mostly has the same.
    previous: Vec<u32>,
    segment: u64,
    scrapes: u32,
}

#[derive(Debug)]
struct LoggedSeries {
    labels: Labels,
    was_appended: bool,
}

impl GroupLog {
    /// Creates the state of a group whose number no other group of this process has.
    pub(crate) fn new(number: u64) -> Self {
        Self { number, ..Self::default() }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Remembers the label set of `slot`.
    pub(crate) fn add_series(&mut self, slot: u32, labels: &Labels) {
        self.series.entry(slot).or_insert_with(|| LoggedSeries { labels: labels.clone(), was_appended: false });
    }

    /// Whether `slot` has a label set. Fast if `slot` was at the same `position` in the previous scrape.
    pub(crate) fn has_series(&self, position: usize, slot: u32) -> bool {
        self.previous.get(position) == Some(&slot) || self.series.contains_key(&slot)
    }

    /// Drops the label sets of series that ended some time ago.
    pub(crate) fn prune(&mut self, is_live: impl Fn(u32) -> bool) {
        self.series.retain(|slot, series| !series.was_appended || self.defined.contains(slot) || is_live(*slot));
    }

    /// Prepares for a scrape in `segment`: adds a record with the label sets that the segment does not have yet.
    pub(super) fn begin_scrape(
        &mut self,
        segment: u64,
        row: &[(u32, f64)],
        records: &mut Vec<u8>,
        compressor: &mut Compressor,
    ) {
        if self.segment != segment || self.scrapes >= SCRAPES_PER_DEFINITION {
            self.segment = segment;
            self.scrapes = 0;
            self.defined.clear();
            self.previous.clear();
        }
        self.scrapes += 1;
        if !row.iter().map(|(slot, _)| slot).eq(&self.previous) {
            self.previous.clear();
            self.previous.extend(row.iter().map(|(slot, _)| *slot));
            self.define(records, compressor);
        }
    }

    fn define(&mut self, records: &mut Vec<u8>, compressor: &mut Compressor) {
        let (mut raw, mut previous) = (Vec::new(), None);
        for slot in &self.previous {
            if !self.defined.insert(*slot) {
                continue;
            }
            let Some(LoggedSeries { labels, was_appended }) = self.series.get_mut(slot) else { continue };
            *was_appended = true;
            write_varint(&mut raw, u64::from(*slot));
            write_labels(&mut raw, previous.as_ref(), labels);
            previous = Some(labels.clone());
        }
        if raw.is_empty() {
            return;
        }
        write_record(records, |payload| {
            payload.push(SERIES);
            write_varint(payload, self.number);
            // Compression fails only without memory; the record is then empty, and reported as damaged by a replay.
            let _ = compressor.write(&raw, payload);
        });
    }
}
