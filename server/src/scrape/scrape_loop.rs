//! Scrapes one target until it is removed.
use crate::clock::now_ms;
use crate::processes::listening::Listening;
use crate::processes::probe::{ProbedProcesses, ProcessProbe};
use crate::replica::tracker::{Health, ReplicaTracker};
use crate::scrape::admission::Admission;
use crate::scrape::change_log::ChangeLog;
use crate::scrape::engine_detection::engine_of_page;
use crate::scrape::health::{HealthProbes, is_early};
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::scrape::model_request::{ModelAnswer, served_model};
use crate::scrape::reader::Reader;
use crate::scrape::schedule::Schedule;
use crate::scrape::scrapers::LatestScrape;
use crate::scrape::target_log::TargetLog;
use crate::scrape::writer::Writer;
use crate::target::failure::Failure;
use crate::target::{Source, Target};
use bytes::Bytes;
use catalogue::Engine;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Why a target is no longer scraped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EndReason {
    /// It no longer exists.
    Removed,
    /// Another target with the same key takes its place, with other labels or another pace.
    Replaced,
}

/// What scrapes one target.
pub(crate) struct ScrapeLoop {
    pub(crate) target: Arc<Target>,
    pub(crate) reader: Reader,
    pub(crate) health: HealthProbes,
    pub(crate) processes: Option<ProcessProbe>,
    pub(crate) writer: Writer,
    pub(crate) publish: watch::Sender<LatestScrape>,
    pub(crate) log: Arc<ChangeLog>,
    pub(crate) admission: Arc<Admission>,
}

/// What one scrape found.
pub(crate) struct Scrape {
    pub(crate) answer: Result<Answer, Failure>,
    /// How long the answer took.
    pub(crate) duration: Duration,
    /// The answer of the health endpoint, if it was requested.
    pub(crate) health: Option<Health>,
    /// What listens at the target's address.
    pub(crate) listening: Listening,
}

impl ScrapeLoop {
    pub(crate) async fn run(mut self, mut ended: oneshot::Receiver<EndReason>) {
        let mut schedule = Schedule::new(self.target.key(), self.target.pace);
        let mut changes = TargetLog::default();
        loop {
            let mut first_page = None;
            let due = async {
                let time_ms = schedule.due(now_ms).await;
                if changes.has_outcome() || !self.target.source.is_scraped() {
                    return time_ms;
                }
                first_page = Some(self.admission.first_page().await);
                schedule.timestamp(now_ms())
            };
            let time_ms = tokio::select! {
                time_ms = due => time_ms,
                reason = &mut ended => return self.end(reason.ok(), schedule.after_last(now_ms())),
            };
            // On the heap only while it runs: most of the time most targets wait for their next scrape.
            let scrape = Box::pin(async {
                let replica = self.writer.replica_tracker().copied();
                let probed = probe_processes(self.processes.as_mut(), self.target.pace.timeout / 2);
                let scrape = scrape(&mut self.reader, &mut self.health, replica, self.writer.engine());
                let (mut scrape, probed) = tokio::join!(scrape, probed);
                scrape.listening = listening(self.processes.as_mut(), probed.listening, &scrape.answer).await;
                self.request_model(&scrape).await;
                (scrape, probed.samples)
            });
            let scrape = async {
                match &mut first_page {
                    Some(first_page) => first_page.hold(scrape).await,
                    None => scrape.await,
                }
            };
            let (scrape, samples) = tokio::select! {
                scraped = scrape => scraped,
                reason = &mut ended => return self.end(reason.ok(), schedule.after_last(now_ms())),
            };
            self.writer.set_attributed(samples);
            let is_known = self.writer.has_page();
            let write = || self.writer.write(time_ms, &scrape);
            let failure = self.admission.write(scrape.answer.as_ref().ok(), is_known, write).await;
            drop(first_page);
            if let Some(length) = self.writer.take_quarantine() {
                self.reader.pause(length, Failure::Quarantined);
            }
            changes.note(&self.log, &self.target, failure);
            self.pass_on(scrape.answer, failure);
        }
    }

    /// Ends the target's series at `end_ms`. Without a reason the scrapers were dropped: the program ends.
    fn end(&mut self, reason: Option<EndReason>, end_ms: i64) {
        match reason {
            Some(EndReason::Removed) => self.writer.end(end_ms, self.target.pace.interval),
            Some(EndReason::Replaced) => self.writer.retire(end_ms),
            None => {}
        }
    }

    /// Asks a server that has started which model it serves, if its metrics page does not say it and time is left.
    async fn request_model(&mut self, scrape: &Scrape) {
        let Some(endpoint) = self.target.source.endpoint() else { return };
        let Some(engine) = self.writer.engine_for_model_request(&scrape.answer) else { return };
        let time_left = self.target.pace.timeout.saturating_sub(scrape.duration);
        let answer = served_model(self.reader.client(), endpoint, engine, time_left).await;
        if let ModelAnswer::Answered(model) = answer {
            self.writer.set_served_model(model);
        }
    }

    /// Gives the answer to those that use it besides the store.
    fn pass_on(&mut self, answer: Result<Answer, Failure>, failure: Option<Failure>) {
        if let Source::Pod { model, .. } = &self.target.source {
            model.set(self.writer.model());
        }
        if let (Ok(Answer::Page(page)), None) = (&answer, failure) {
            self.reader.record_length(page);
        }
        if self.target.source.shared_name().is_none() {
            return;
        }
        // A valid page is useful to others even if the store has no room for it.
        let shared = match (answer, failure) {
            // A copy, because the page may occupy a buffer that others wait for.
            (Ok(Answer::Page(page)), None | Some(Failure::SeriesCap)) => {
                Ok(MetricsPage { body: Bytes::copy_from_slice(&page.body), ..page })
            }
            (Err(failure), _) | (Ok(_), Some(failure)) => Err(failure),
            // Only HTTP targets are shared.
            (Ok(Answer::Families(_)), None) => return,
        };
        self.publish.send_replace(Some(shared));
    }
}

async fn probe_processes(probe: Option<&mut ProcessProbe>, timeout: Duration) -> ProbedProcesses {
    match probe {
        Some(probe) => probe.run(timeout).await,
        None => ProbedProcesses::default(),
    }
}

/// What listens at the target's address: as `probed` during the scrape, or as it is afterwards if the answer is at odds with
/// that.
async fn listening(probe: Option<&mut ProcessProbe>, probed: Listening, answer: &Result<Answer, Failure>) -> Listening {
    match (probe, answer) {
        // Refused, as nothing listens.
        (_, Err(Failure::Connect)) if probed == Listening::Nothing => probed,
        (Some(probe), Err(failure)) if failure.is_without_response() => probe.listening_now().await,
        (Some(probe), Ok(_)) if probed == Listening::Nothing => probe.listening_now().await,
        _ => probed,
    }
}

/// Reads the target, and its health endpoint if that may help to determine the replica's state.
async fn scrape(
    reader: &mut Reader,
    probes: &mut HealthProbes,
    replica: Option<ReplicaTracker>,
    engine: Option<&'static Engine>,
) -> Scrape {
    let began = Instant::now();
    let (has_page, listening) = (reader.has_page(), Listening::Unknown);
    let read = async { (reader.read().await, began.elapsed()) };
    let Some(replica) = replica else {
        let (answer, duration) = read.await;
        return Scrape { answer, duration, health: None, listening };
    };
    if replica.needs_health_with_page() {
        let ((answer, duration), health) = tokio::join!(read, probes.probe(engine, has_page, replica.runs()));
        return Scrape { answer, duration, health, listening };
    }
    let (answer, duration) = read.await;
    // The first page names the engine.
    let engine = match &answer {
        Ok(Answer::Page(page)) if engine.is_none() && !has_page => engine_of_page(page, |_| true),
        _ => engine,
    };
    let health = match replica.needs_health(answer.as_ref().err().copied(), is_early(engine)) {
        true => probes.probe(engine, has_page, replica.runs()).await,
        false => None,
    };
    Scrape { answer, duration, health, listening }
}
