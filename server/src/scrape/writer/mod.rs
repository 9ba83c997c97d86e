//! Writes the scrapes of one target to the store: each as a whole or not at all, with stale markers for removed series.
mod known;

use crate::replica::restore::{Restored, restore};
use crate::replica::series::Replica;
use crate::replica::tracker::{ProbeResult, ReplicaTracker};
use crate::scrape::engine_detection::DetectedEngines;
use crate::scrape::metadata::Metadata;
use crate::scrape::metrics_page::Answer;
use crate::scrape::new_series::NewSeriesBudget;
use crate::scrape::newborn::{NewbornSeries, ProcessStart};
use crate::scrape::parsed_page::{LabelContext, ParsedPage, PreviousScrape, learn, omits_total};
use crate::scrape::refused_samples::RefusedSamples;
use crate::scrape::report::{Report, ScrapeOutcome};
use crate::scrape::same_machine::SameMachine;
use crate::scrape::scrape_loop::Scrape;
use crate::scrape::series_slots::{PreparedScrape, Row, SeriesSlots};
use crate::scrape::start_time::StartTime;
use crate::target::extra_sample::ExtraSample;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use crate::target::labels::TargetLabels;
use crate::target::learned::Learned;
use catalogue::Engine;
use catalogue::contract::MachineSource;
use exposition::ParseCounts;
use promql::{Labels, stale_marker};
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Group, Newborn, SeriesRef, Store, StoreError};

/// How often a server that has started is asked which model it serves, until it answers.
const MAX_MODEL_REQUESTS: u32 = 3;

/// Writes the scrapes of one target.
pub(crate) struct Writer {
    refused: Arc<RefusedSamples>,
    metadata: Arc<Metadata>,
    group: Group,
    identity: Identity,
    learned: Learned,
    detected: DetectedEngines,
    /// The labels of the target's samples.
    labels: TargetLabels,
    /// The labels of the series about the target, which never change.
    own_labels: TargetLabels,
    report: Option<Report>,
    /// Series about the target that an earlier process left open under other labels.
    superseded: Vec<Labels>,
    /// Whether the target is the companion's machine, or an exporter on it.
    machine: Option<MachineSource>,
    same_machine: Option<SameMachine>,
    /// How often the server may still be asked which model it serves. It may be another one after each start.
    model_requests_left: u32,
    /// When the process started according to the last page that said it, Unix seconds.
    start_s: Option<f64>,
    /// The samples about the target's processes, for the next scrape.
    attributed: Vec<ExtraSample>,
    /// Present if the target is a replica and no source reports its state.
    replica: Option<Replica>,
    start_time: StartTime,
    /// Empty after a failed scrape.
    previous: PreviousScrape,
    slots: SeriesSlots,
    new_series: NewSeriesBudget,
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
            new_series: NewSeriesBudget::default(),
            refused,
            metadata,
            group: store.group(),
            labels: identity.labels(&learned),
            own_labels: identity.own_labels(),
            identity,
            learned,
            detected: DetectedEngines::default(),
            report: None,
            superseded: Vec::new(),
            machine: None,
            same_machine: None,
            model_requests_left: MAX_MODEL_REQUESTS,
            start_s: None,
            attributed: Vec::new(),
            replica: None,
            start_time: StartTime::default(),
            previous: PreviousScrape::default(),
            newborn: NewbornSeries::default(),
        }
    }

    /// Allows the new series of pages with so many samples.
    pub(crate) fn allow_samples(&mut self, samples: usize) {
        self.new_series = NewSeriesBudget::of_samples(samples);
    }

    /// Continues from the target's last scrape in `store`. `now_ms` is in Unix milliseconds.
    pub(crate) fn resume(&mut self, store: &Store, now_ms: i64) {
        self.newborn.resume(store, &self.identity, now_ms);
    }

    /// Records the replica's state from now on, continuing from what `store` has. `now_ms` is in Unix milliseconds.
    pub(crate) fn track_replica(&mut self, store: &Store, now_ms: i64) {
        let Restored { tracker, learned, job, open } = restore(store, &self.identity, now_ms).unwrap_or_default();
        self.identity.job = self.identity.job.take().or(job);
        self.own_labels = self.identity.own_labels();
        self.labels = self.identity.labels(&learned);
        self.learned = learned;
        self.replica = Some(Replica::new(tracker));
        // Before models had series of their own, these series had the model.
        let own_job = self.own_labels.pairs().find_map(|(name, value)| (name == "job").then_some(value));
        let has_learned_model = |labels: &Labels| labels.get("job") == own_job && labels.get("model").is_some();
        let open = open.into_iter().filter(|_| self.identity.model.is_none());
        self.superseded = open.filter(has_learned_model).collect();
    }

    /// Records that the target is the companion's own collector of the machine.
    pub(crate) fn record_own_machine(&mut self) {
        self.machine = Some(MachineSource::Companion);
    }

    /// Compares the target's machine with the companion's.
    pub(crate) fn compare_machine(&mut self, same_machine: SameMachine) {
        self.same_machine = Some(same_machine);
    }

    /// The labels that the target's samples get.
    pub(crate) fn sample_labels(&self) -> Vec<(String, String)> {
        let pairs = self.labels.pairs().filter(|(_, value)| !value.is_empty());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The engine that can be asked which model it serves: that of an answer which names no model, from a server that has
    /// started since it was last asked.
    pub(crate) fn engine_for_model_request(&mut self, answer: &Result<Answer, Failure>) -> Option<&'static Engine> {
        let Ok(answer @ Answer::Page(_)) = answer else { return None };
        if self.model_requests_left == 0 || self.identity.model.is_some() || self.identity.replica.is_none() {
            return None;
        }
        self.model_requests_left -= 1;
        let learned = learn(answer, &self.identity.rules, &Learned::default()).ok()?;
        let engine = learned.engines.first().and_then(|id| catalogue::engine(id))?;
        let has_model_api = learned.lacks_model() && !engine.model_apis.is_empty();
        if !has_model_api {
            self.model_requests_left = 0;
        }
        has_model_api.then_some(engine)
    }

    /// Notes the answer of the server: the model that it serves, or none if it does not say it.
    pub(crate) fn set_served_model(&mut self, model: Option<String>) {
        self.model_requests_left = 0;
        if let Some(model) = model {
            self.learned.set_served_model(model);
        }
    }

    /// The tracker of the replica's state, if it is recorded.
    pub(crate) fn replica_tracker(&self) -> Option<&ReplicaTracker> {
        self.replica.as_ref().map(|replica| &replica.tracker)
    }

    /// Whether there is a last page with which the next one is compared.
    pub(crate) fn has_page(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Stores a scrape at `time_ms`: all its samples, or if it failed, stale markers for its series; in both cases also the
    /// series about the scrape and the replica. Returns why the scrape or its storage failed.
    pub(crate) fn write(&mut self, time_ms: i64, scrape: &Scrape) -> Option<Failure> {
        if self.group.must_begin_anew(time_ms) {
            self.begin_anew(time_ms);
        }
        let mut scraped = PreparedScrape::default();
        let answer = scrape.answer.as_ref().map_err(|failure| *failure);
        let accepted = answer.and_then(|answer| self.accept(time_ms, answer, &mut scraped));
        let failure = accepted.as_ref().err().copied();
        let PreparedScrape { row: mut scraped, zeros } = scraped;
        if failure.is_some() {
            self.retire_scraped(&mut scraped);
            self.model_requests_left = MAX_MODEL_REQUESTS;
        }
        let (count, start_s) =
            accepted.map_or_else(|_| Default::default(), |accepted| (accepted.count, accepted.start_s));
        // The first of two samples of a series is stored, so a page cannot override the report.
        let mut row = Row::with_capacity(scraped.len() + 8);
        let reported = self.write_report(ScrapeOutcome { duration: scrape.duration, failure, count }, &mut row);
        if reported.is_err() {
            // Series that this row lacks have to be registered again.
            self.report = None;
            self.detected.repeat();
        }
        let (health, listening) = (scrape.health, scrape.listening);
        let tracked = self.write_replica(time_ms, ProbeResult { failure, health, start_s, listening }, &mut row);
        row.extend(scraped);
        self.append_scrape(time_ms, row, &zeros, failure.is_none());
        failure.or(reported.and(tracked).err().map(|_| Failure::SeriesCap))
    }

    /// Goes on at a time that is not after the last one, because the clock was set back. What the target had then says
    /// nothing about what is new now.
    fn begin_anew(&mut self, time_ms: i64) {
        self.retire_all(&mut Row::new());
        self.newborn = NewbornSeries::default();
        self.group.begin_anew(time_ms);
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
        self.new_series.check(page.added.iter().map(|series| &series.labels), &self.group)?;
        if self.same_machine.as_mut().is_some_and(|same_machine| same_machine.compare(&page)) {
            self.machine = Some(MachineSource::Exporter);
        }
        let accepted = Accepted { count: page.count, start_s: self.start_time.find(&page) };
        if accepted.start_s.is_some() && accepted.start_s != self.start_s {
            if self.start_s.is_some() {
                self.model_requests_left = MAX_MODEL_REQUESTS;
            }
            self.start_s = accepted.start_s;
        }
        self.refused.duplicates.add(page.count.duplicates as u64);
        page.added.iter().for_each(|series| self.detected.observe(&series.labels));
        self.metadata.record(std::mem::take(&mut page.metadata), omits_total(answer));
        let process = ProcessStart { start_s: accepted.start_s, layer: self.layer() };
        let newborn = self.newborn.find(time_ms, &page, process);
        let stored = self.slots.store(time_ms, page, &mut self.group, (&newborn, &mut self.newborn), prepared);
        self.new_series.note_made(self.group.new_weight() + self.slots.own_weight());
        stored.map(|()| accepted).map_err(|_| Failure::SeriesCap)
    }

    /// How long the target must not be scraped, if the last page had too many new series.
    pub(crate) fn take_quarantine(&mut self) -> Option<Duration> {
        self.new_series.take_quarantine()
    }

    /// Parses an answer. If it reveals another model, the labels of the samples change and the previous series end.
    fn parse(&mut self, answer: &Answer, row: &mut Row) -> Result<ParsedPage, Failure> {
        self.relabel(row);
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
        let learned = learn(answer, &self.identity.rules, &self.learned)?;
        let before = std::mem::replace(&mut self.learned, learned);
        let is_relabelled = self.relabel(row);
        let is_other_engine = before.engines.first().is_some_and(|engine| !self.learned.engines.contains(engine));
        if is_other_engine {
            self.retire_scraped(row);
        }
        if !is_relabelled && !is_other_engine {
            return Ok(page);
        }
        let context = LabelContext {
            labels: &self.labels,
            learned: &self.learned,
            rules: &self.identity.rules,
            newborn: &self.newborn,
        };
        self.previous.parse(answer, context)
    }

    /// Gives the samples the labels of what is known now. Whether they have changed: the previous series then end.
    fn relabel(&mut self, row: &mut Row) -> bool {
        let labels = self.identity.labels(&self.learned);
        let has_changed = labels != self.labels;
        if has_changed {
            self.retire_scraped(row);
            self.labels = labels;
        }
        has_changed
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
        let known = self.known();
        // What gateways and exporters use is not used by replicas.
        let is_replica = self.identity.replica.is_some() && self.role().is_none();
        let attributed = std::mem::take(&mut self.attributed).into_iter().filter(|_| is_replica).collect();
        let report = match &mut self.report {
            Some(report) => report,
            none => none.insert(Report::register(self.own_labels.clone(), &mut self.group)?),
        };
        for labels in std::mem::take(&mut self.superseded) {
            row.push((self.group.register(&labels)?, stale_marker()));
        }
        report.write(outcome, &mut self.group, row)?;
        report.write_detected(self.detected.take_changed(), &mut self.group, row)?;
        report.write_attributed(attributed, &mut self.group, row)?;
        report.write_known(known, &mut self.group, row)
    }

    fn write_replica(&mut self, time_ms: i64, result: ProbeResult, row: &mut Row) -> Result<(), StoreError> {
        if self.role().is_some()
            && let Some(mut replica) = self.replica.take()
        {
            replica.retire(row);
        }
        match &mut self.replica {
            Some(replica) => {
                replica.tracker.observe(time_ms, result);
                replica.write(&self.own_labels, &mut self.group, row)
            }
            None => Ok(()),
        }
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
