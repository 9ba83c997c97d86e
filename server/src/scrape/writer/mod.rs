//! Writes the scrapes of one target to the store: each as a whole or not at all, with stale markers for removed series.
use crate::replica::restore::{Restored, restore};
use crate::replica::series::Replica;
use crate::replica::tracker::{ProbeResult, ReplicaTracker};
use crate::scrape::engine_detection::DetectedEngines;
use crate::scrape::metadata::Metadata;
use crate::scrape::metrics_page::Answer;
use crate::scrape::newborn::{NewbornSeries, ProcessStart};
use crate::scrape::parsed_page::{LabelContext, ParsedPage, PreviousScrape, learn, omits_total};
use crate::scrape::refused_samples::RefusedSamples;
use crate::scrape::report::{Report, ScrapeOutcome};
use crate::scrape::scrape_loop::Scrape;
use crate::scrape::series_slots::{PreparedScrape, Row, SeriesSlots};
use crate::scrape::start_time::StartTime;
use crate::target::extra_sample::ExtraSample;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use crate::target::labels::TargetLabels;
use crate::target::learned::Learned;
use catalogue::Layer;
use exposition::ParseCounts;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Group, Newborn, SeriesRef, Store, StoreError};

/// Writes the scrapes of one target.
pub(crate) struct Writer {
    refused: Arc<RefusedSamples>,
    metadata: Arc<Metadata>,
    group: Group,
    identity: Identity,
    learned: Learned,
    detected: DetectedEngines,
    labels: TargetLabels,
    report: Option<Report>,
    /// The samples about the target's processes, for the next scrape.
    attributed: Vec<ExtraSample>,
    /// Present if the target is a replica and no source reports its state.
    replica: Option<Replica>,
    start_time: StartTime,
    /// Empty after a failed scrape.
    previous: PreviousScrape,
    slots: SeriesSlots,
    newborn: NewbornSeries,
}

/// What was read from a valid scrape.
struct Accepted {
    count: ParseCounts,
    start_s: Option<f64>,
}

impl Writer {
    pub(crate) fn new(
        store: &Store,
        refused: Arc<RefusedSamples>,
        metadata: Arc<Metadata>,
        identity: Identity,
    ) -> Self {
        let learned = Learned::default();
        Self {
            slots: SeriesSlots::new(store, Arc::clone(&refused)),
            refused,
            metadata,
            group: store.group(),
            labels: identity.labels(&learned),
            identity,
            learned,
            detected: DetectedEngines::default(),
            report: None,
            attributed: Vec::new(),
            replica: None,
            start_time: StartTime::default(),
            previous: PreviousScrape::default(),
            newborn: NewbornSeries::default(),
        }
    }

    /// Continues from the target's last scrape in `store`. `now_ms` is in Unix milliseconds.
    pub(crate) fn resume(&mut self, store: &Store, now_ms: i64) {
        self.newborn.resume(store, &self.identity, now_ms);
    }

    /// Records the replica's state from now on, continuing from what `store` has. `now_ms` is in Unix milliseconds.
    pub(crate) fn track_replica(&mut self, store: &Store, now_ms: i64) {
        let Restored { tracker, learned } = restore(store, &self.identity, now_ms).unwrap_or_default();
        self.labels = self.identity.labels(&learned);
        self.learned = learned;
        self.replica = Some(Replica::new(tracker));
    }

    /// The model that the target's pages name.
    pub(crate) fn model(&self) -> Option<&str> {
        self.learned.model.as_deref()
    }

    /// The tracker of the replica's state, if it is recorded.
    pub(crate) fn replica_tracker(&self) -> Option<&ReplicaTracker> {
        self.replica.as_ref().map(|replica| &replica.tracker)
    }

    /// Stores a scrape at `time_ms`: all its samples, or if it failed, stale markers for its series; in both cases also the
    /// series about the scrape and the replica. Returns why the scrape or its storage failed.
    pub(crate) fn write(&mut self, time_ms: i64, scrape: &Scrape) -> Option<Failure> {
        let mut scraped = PreparedScrape::default();
        let answer = scrape.answer.as_ref().map_err(|failure| *failure);
        let accepted = answer.and_then(|answer| self.accept(time_ms, answer, &mut scraped));
        let failure = accepted.as_ref().err().copied();
        let PreparedScrape { row: mut scraped, zeros } = scraped;
        if failure.is_some() {
            self.retire_scraped(&mut scraped);
        }
        let (count, start_s) =
            accepted.map_or_else(|_| Default::default(), |accepted| (accepted.count, accepted.start_s));
        // The first of two samples of a series is stored, so a page cannot override the report.
        let mut row = Row::with_capacity(scraped.len() + 8);
        let reported = self.write_report(ScrapeOutcome { duration: scrape.duration, failure, count }, &mut row);
        let tracked = self.write_replica(time_ms, ProbeResult { failure, health: scrape.health, start_s }, &mut row);
        row.extend(scraped);
        self.append_scrape(time_ms, row, &zeros, failure.is_none());
        failure.or(reported.and(tracked).err().map(|_| Failure::SeriesCap))
    }

    /// Sets the samples about the target's processes that are written with the next scrape.
    pub(crate) fn set_attributed(&mut self, samples: Vec<ExtraSample>) {
        self.attributed = samples;
    }

    /// The number of series about detected engines.
    pub(crate) fn detected_count(&self) -> usize {
        self.report.as_ref().map_or(0, Report::detected_count)
    }

    /// Marks all series as stale, for a target that is no longer scraped.
    pub(crate) fn retire(&mut self, time_ms: i64) {
        let mut row = Row::new();
        self.retire_all(&mut row);
        self.append(time_ms, row);
    }

    /// Records that the replica has stopped and marks all other series as stale; one `interval` later, also the state.
    pub(crate) fn end(&mut self, time_ms: i64, interval: Duration) {
        let Some(mut replica) = self.replica.take() else { return self.retire(time_ms) };
        let (mut row, mut last) = (Row::new(), Row::new());
        self.retire_all(&mut row);
        replica.write_end(&mut row);
        replica.retire(&mut last);
        self.append(time_ms, row);
        self.append(time_ms + interval.as_millis() as i64, last);
    }

    /// Parses an answer and adds its samples to `prepared`.
    fn accept(&mut self, time_ms: i64, answer: &Answer, prepared: &mut PreparedScrape) -> Result<Accepted, Failure> {
        let mut page = self.parse(answer, &mut prepared.row)?;
        let accepted = Accepted { count: page.count, start_s: self.start_time.find(&page) };
        self.refused.duplicates.add(page.count.duplicates as u64);
        page.added.iter().for_each(|series| self.detected.observe(&series.labels));
        self.metadata.record(std::mem::take(&mut page.metadata), omits_total(answer));
        let process = ProcessStart { start_s: accepted.start_s, layer: self.layer() };
        let newborn = self.newborn.find(time_ms, &page, process);
        let stored = self.slots.store(time_ms, page, &mut self.group, (&newborn, &mut self.newborn), prepared);
        stored.map(|()| accepted).map_err(|_| Failure::SeriesCap)
    }

    /// Parses an answer. If it reveals another engine or model, the labels change and the previous series end.
    fn parse(&mut self, answer: &Answer, row: &mut Row) -> Result<ParsedPage, Failure> {
        let context = LabelContext {
            labels: &self.labels,
            learned: &self.learned,
            rules: &self.identity.rules,
            newborn: &self.newborn,
        };
        let page = self.previous.parse(answer, context)?;
        if !page.may_change_labels {
            return Ok(page);
        }
        self.learned = learn(answer, &self.identity.rules, &self.learned)?;
        let labels = self.identity.labels(&self.learned);
        if labels == self.labels {
            return Ok(page);
        }
        self.retire_all(row);
        self.labels = labels;
        let context = LabelContext {
            labels: &self.labels,
            learned: &self.learned,
            rules: &self.identity.rules,
            newborn: &self.newborn,
        };
        self.previous.parse(answer, context)
    }

    fn append(&mut self, time_ms: i64, row: Row) {
        self.append_scrape(time_ms, row, &[], false);
    }

    fn append_scrape(&mut self, time_ms: i64, row: Row, zeros: &[SeriesRef], has_page: bool) {
        let count = row.len() as u64;
        let newborn = match self.newborn.last_scrape_ms() {
            Some(zero_ms) => Newborn { series: zeros, zero_ms },
            None => Newborn::NONE,
        };
        match self.group.append_with_zeros(time_ms, row, newborn) {
            Ok(refused) => {
                self.refused.duplicates.add(refused.duplicates);
                self.newborn.note_scrape(time_ms, has_page);
            }
            Err(_) => self.refused.out_of_order.add(count),
        }
    }

    fn write_report(&mut self, outcome: ScrapeOutcome, row: &mut Row) -> Result<(), StoreError> {
        let report = match &mut self.report {
            Some(report) => report,
            none => none.insert(Report::register(self.labels.clone(), &mut self.group)?),
        };
        report.write_detected(self.detected.take_changed(), &mut self.group, row)?;
        report.write_attributed(std::mem::take(&mut self.attributed), &mut self.group, row)?;
        report.write(outcome, &mut self.group, row)
    }

    fn write_replica(&mut self, time_ms: i64, result: ProbeResult, row: &mut Row) -> Result<(), StoreError> {
        if self.is_exporter()
            && let Some(mut replica) = self.replica.take()
        {
            replica.retire(row);
        }
        match &mut self.replica {
            Some(replica) => {
                replica.tracker.observe(time_ms, result);
                replica.write(&self.labels, &mut self.group, row)
            }
            None => Ok(()),
        }
    }

    /// Whether the target is an exporter or a proxy, which is not a replica.
    fn is_exporter(&self) -> bool {
        matches!(self.layer(), Some(Layer::Machine | Layer::Proxy))
    }

    /// The layer of the engine on the target's pages, if it is known.
    fn layer(&self) -> Option<Layer> {
        self.learned.engine.and_then(catalogue::engine).map(|engine| engine.layer)
    }

    fn retire_all(&mut self, row: &mut Row) {
        self.retire_scraped(row);
        if let Some(report) = self.report.take() {
            report.retire(row);
        }
        if let Some(replica) = &mut self.replica {
            replica.retire(row);
        }
    }

    fn retire_scraped(&mut self, row: &mut Row) {
        self.previous = PreviousScrape::default();
        // After a restart it may be another version with other names.
        self.detected = DetectedEngines::default();
        self.start_time = StartTime::default();
        self.slots.retire(row, &mut self.newborn);
    }
}

#[cfg(test)]
mod tests;
