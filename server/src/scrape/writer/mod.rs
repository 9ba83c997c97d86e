//! From a page to the store: all of it or nothing, and what is gone is marked.
use crate::replica::restore::recall;
use crate::replica::series::{Replica, StartTime};
use crate::replica::tracker::{Health, Life, Look};
use crate::scrape::engine_detection::{Found, Told};
use crate::scrape::metadata::Metadata;
use crate::scrape::metrics_page::{Learned, Learning, Page};
use crate::scrape::parsed_page::{Reading, read};
use crate::scrape::report::{Outcome, Report};
use crate::scrape::scrapers::Counts;
use crate::scrape::series_slots::{Places, Row};
use crate::target::failure::Failure;
use crate::target::identity::{Identity, TargetLabels};
use catalogue::Layer;
use exposition::{Format, IncrementalParser, Limits, ParseCounts};
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Group, Store, StoreError};

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
    /// Of a target that is a replica and whose state nobody else tells.
    replica: Option<Replica>,
    start_time: StartTime,
    /// The last page, as long as scrapes succeed.
    cache: IncrementalParser,
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
            replica: None,
            start_time: StartTime::default(),
            cache: IncrementalParser::default(),
        }
    }

    /// Tells from now on what the target is doing, and goes on from what `store` knows of it, where `now_ms` is Unix
    /// milliseconds.
    pub(crate) fn watch(&mut self, store: &Store, now_ms: i64) {
        let (life, learned) = recall(store, &self.identity, now_ms).unwrap_or_default();
        self.labels = self.identity.labels(&learned);
        self.learned = learned;
        self.replica = Some(Replica::new(life));
    }

    /// The model that the target's pages named.
    pub(crate) fn model(&self) -> Option<&str> {
        self.learned.model.as_deref()
    }

    /// What is known of the target as a replica, where that is told.
    pub(crate) fn life(&self) -> Option<&Life> {
        self.replica.as_ref().map(|replica| &replica.life)
    }

    /// Stores what a scrape at `time_ms` gave: all of the page, or on failure the marks that its series are gone;
    /// and in both cases the series about the scrape, and about the replica with what its health endpoint said. Gives the
    /// failure, the page's own or one found here.
    pub(crate) fn write(
        &mut self,
        time_ms: i64,
        duration: Duration,
        page: Result<&Page, Failure>,
        health: Option<Health>,
    ) -> Option<Failure> {
        let (mut values, mut start_s) = (Row::new(), None);
        let taken = page.and_then(|page| self.take(time_ms, page, &mut values, &mut start_s));
        let failure = taken.err();
        if failure.is_some() {
            self.retire_page(&mut values);
        }
        // Of two samples of one series the first counts: a page cannot shadow the report.
        let mut row = Row::with_capacity(values.len() + 8);
        let reported = self.report(Outcome { duration, failure, count: taken.unwrap_or_default() }, &mut row);
        if self.serves_nothing()
            && let Some(mut replica) = self.replica.take()
        {
            replica.retire(&mut row);
        }
        let look = Look { failure, health, start_s };
        let told = self.replica.as_mut().map_or(Ok(()), |replica| {
            replica.life.see(time_ms, look);
            replica.write(&self.labels, &mut self.group, &mut row)
        });
        row.extend(values);
        self.append(time_ms, row);
        failure.or(reported.and(told).err().map(|_| Failure::SeriesCap))
    }

    /// Whether the target is known to be an exporter or a proxy, of which nobody counts replicas.
    fn serves_nothing(&self) -> bool {
        let engine = self.learned.engine.and_then(catalogue::engine);
        engine.is_some_and(|engine| matches!(engine.layer, Layer::Machine | Layer::Proxy))
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

    /// Tells that the replica has stopped and marks all else as gone, and for `interval` later that too.
    pub(crate) fn end(&mut self, time_ms: i64, interval: Duration) {
        let Some(mut replica) = self.replica.take() else { return self.retire(time_ms) };
        let (mut row, mut last) = (Row::new(), Row::new());
        self.retire_all(&mut row);
        replica.write_end(&mut row);
        replica.retire(&mut last);
        self.append(time_ms, row);
        self.append(time_ms + interval.as_millis() as i64, last);
    }

    fn take(
        &mut self,
        time_ms: i64,
        page: &Page,
        row: &mut Row,
        start_s: &mut Option<f64>,
    ) -> Result<ParseCounts, Failure> {
        let mut reading = self.read(page, row)?;
        *start_s = self.start_time.find(&reading);
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
        if let Some(replica) = &mut self.replica {
            replica.retire(row);
        }
    }

    fn retire_page(&mut self, row: &mut Row) {
        self.cache = IncrementalParser::default();
        // What comes back may be another version with other names.
        self.found = Found::default();
        self.start_time = StartTime::default();
        self.places.retire(row);
    }
}

#[cfg(test)]
mod tests;
