//! What the current segment says about one group: which of its slots are already named there.
use super::SERIES;
use crate::codec::{Compressor, write_series_record};
use promql::Labels;

/// Scrapes of a group after which its label sets are written again, so that a damaged record affects few others.
const SCRAPES_PER_DEFINITION: u32 = 120;

/// The least number of ended series for which label sets are dropped between the ends of chunks.
const MIN_ENDED: usize = 1024;

/// The log's view of a group, owned by the group's writer.
#[derive(Debug, Default)]
pub(crate) struct GroupLog {
    number: u64,
    /// Series that may be appended to, in order of slots.
    series: Vec<LoggedSeries>,
    /// The slots of the previous scrape, all defined. The next scrape mostly has the same.
    previous: Vec<u32>,
    segment: u64,
    scrapes: u32,
}

#[derive(Debug)]
struct LoggedSeries {
    labels: Labels,
    slot: u32,
    was_appended: bool,
    /// Whether the segment names it.
    is_defined: bool,
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
        if let Err(position) = self.position(slot) {
            let labels = labels.clone();
            self.series.insert(position, LoggedSeries { labels, slot, was_appended: false, is_defined: false });
        }
    }

    /// Whether `slot` has a label set. Fast if `slot` was at the same `position` in the previous scrape.
    pub(crate) fn has_series(&self, position: usize, slot: u32) -> bool {
        self.previous.get(position) == Some(&slot) || self.position(slot).is_ok()
    }

    /// Whether it has the label sets of many series that the last scrape, of `row_series`, did not have.
    pub(crate) fn has_many_ended(&self, row_series: usize) -> bool {
        self.series.len() > 2 * row_series + MIN_ENDED
    }

    /// Drops the label sets of series that have ended.
    pub(crate) fn prune(&mut self, is_live: impl Fn(u32) -> bool) {
        self.series.retain(|series| !series.was_appended || is_live(series.slot));
    }

    /// Where a slot is, or where it would be. New slots are mostly the highest.
    fn position(&self, slot: u32) -> Result<usize, usize> {
        match self.series.last() {
            Some(last) if last.slot >= slot => self.series.binary_search_by_key(&slot, |series| series.slot),
            _ => Err(self.series.len()),
        }
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
            self.series.iter_mut().for_each(|series| series.is_defined = false);
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
        let mut undefined = Vec::new();
        for slot in &self.previous {
            let Ok(position) = self.position(*slot) else { continue };
            let series = &mut self.series[position];
            if !series.is_defined {
                (series.is_defined, series.was_appended) = (true, true);
                undefined.push(position);
            }
        }
        let series = undefined.into_iter().map(|position| (self.series[position].slot, &self.series[position].labels));
        write_series_record(records, SERIES, self.number, series, compressor);
    }
}
