//! From a page to the store: all of it or nothing, and what is gone is marked.
use super::failure::Failure;
use super::found::{Found, Told};
use super::identity::{Identity, TargetLabels};
use super::metadata::Metadata;
use super::page::{Learned, Learning, Page};
use super::places::{Places, Row};
use super::pool::Counts;
use super::reading::{Reading, read};
use super::report::{Outcome, Report};
use exposition::{Format, Limits, PageCache, PageCount};
use std::sync::Arc;
use std::time::Duration;
use store::{Group, Store, StoreError};

/// Writes the scrapes of one target.
pub(crate) struct Writer {
    counts: Arc<Counts>,
    metadata: Arc<Metadata>,
    group: Group,
    identity: Identity,
    learned: Learned,
    found: Found,
    labels: TargetLabels,
    report: Option<Report>,
    /// What is known of the target's processes.
    attributed: Vec<Told>,
    /// The last page, as long as scrapes succeed.
    cache: PageCache,
    places: Places,
}

impl Writer {
    pub(crate) fn new(store: &Store, counts: Arc<Counts>, metadata: Arc<Metadata>, identity: Identity) -> Self {
        let learned = Learned::default();
        Self {
            places: Places::new(store, Arc::clone(&counts)),
            counts,
            metadata,
            group: store.group(),
            labels: identity.labels(&learned),
            identity,
            learned,
            found: Found::default(),
            report: None,
            attributed: Vec::new(),
            cache: PageCache::default(),
        }
    }

    /// Stores what a scrape at `time_ms` gave: all of the page, or on failure the marks that its series are gone;
    /// and in both cases the series about the scrape. Gives the failure, the page's own or one found here.
    pub(crate) fn write(&mut self, time_ms: i64, duration: Duration, page: Result<&Page, Failure>) -> Option<Failure> {
        let mut values = Row::new();
        let taken = page.and_then(|page| self.take(time_ms, page, &mut values));
        let failure = taken.err();
        if failure.is_some() {
            self.retire_page(&mut values);
        }
        // Of two samples of one series the first counts: a page cannot shadow the report.
        let mut row = Row::with_capacity(values.len() + 8);
        let reported = self.report(Outcome { duration, failure, count: taken.unwrap_or_default() }, &mut row);
        row.extend(values);
        self.append(time_ms, row);
        failure.or(reported.err().map(|_| Failure::SeriesCap))
    }

    /// Takes what is to be told of the target's processes with the next scrape.
    pub(crate) fn attribute(&mut self, told: Vec<Told>) {
        self.attributed = told;
    }

    /// How many series tell what was found on the target's pages.
    pub(crate) fn told(&self) -> usize {
        self.report.as_ref().map_or(0, Report::told)
    }

    /// Marks everything as gone, for a target that is no longer scraped.
    pub(crate) fn retire(&mut self, time_ms: i64) {
        let mut row = Row::new();
        self.retire_all(&mut row);
        self.append(time_ms, row);
    }

    fn take(&mut self, time_ms: i64, page: &Page, row: &mut Row) -> Result<PageCount, Failure> {
        let mut reading = self.read(page, row)?;
        let count = reading.count;
        self.counts.duplicates.add(count.duplicates as u64);
        reading.new.iter().for_each(|(_, labels)| self.found.see(labels));
        self.metadata.note(std::mem::take(&mut reading.facts), page.format == Format::OpenMetrics);
        self.places.take(time_ms, reading, &mut self.group, row).map_err(|_| Failure::SeriesCap)?;
        Ok(count)
    }

    /// Reads the page. When it tells something new about the target its labels change: then the old series are gone.
    fn read(&mut self, page: &Page, row: &mut Row) -> Result<Reading, Failure> {
        let reading = read(&mut self.cache, page, &self.labels, (&self.learned, &self.identity.rules))?;
        if !reading.tells_more {
            return Ok(reading);
        }
        let mut learning = Learning::default();
        page.for_each_sample(&Limits::default(), &mut |sample| {
            learning.see(&self.identity.rules, sample.name, sample.labels);
        })?;
        self.learned = learning.conclude(&self.learned);
        let labels = self.identity.labels(&self.learned);
        if labels == self.labels {
            return Ok(reading);
        }
        self.retire_all(row);
        self.labels = labels;
        read(&mut self.cache, page, &self.labels, (&self.learned, &self.identity.rules))
    }

    fn append(&mut self, time_ms: i64, row: Row) {
        let count = row.len() as u64;
        match self.group.append(time_ms, row) {
            Ok(refused) => self.counts.duplicates.add(refused.duplicates),
            Err(_) => self.counts.out_of_order.add(count),
        }
    }

    fn report(&mut self, outcome: Outcome, row: &mut Row) -> Result<(), StoreError> {
        let report = match &mut self.report {
            Some(report) => report,
            none => none.insert(Report::register(self.labels.clone(), &mut self.group)?),
        };
        report.tell(self.found.told(), &mut self.group, row)?;
        report.attribute(std::mem::take(&mut self.attributed), &mut self.group, row)?;
        report.write(outcome, &mut self.group, row)
    }

    fn retire_all(&mut self, row: &mut Row) {
        self.retire_page(row);
        if let Some(report) = self.report.take() {
            report.retire(row);
        }
    }

    fn retire_page(&mut self, row: &mut Row) {
        self.cache = PageCache::default();
        // What comes back may be another version with other names.
        self.found = Found::default();
        self.places.retire(row);
    }
}

#[cfg(test)]
mod tests;
