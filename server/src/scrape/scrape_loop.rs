//! Scrapes one target until it is removed.
use crate::clock::now_ms;
use crate::processes::probe::ProcessProbe;
use crate::replica::tracker::{Health, ReplicaTracker};
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::scrape::model_request::{ModelAnswer, served_model};
use crate::scrape::reader::Reader;
use crate::scrape::schedule::Schedule;
use crate::scrape::scrapers::LatestScrape;
use crate::scrape::writer::Writer;
use crate::target::extra_sample::ExtraSample;
use crate::target::failure::Failure;
use crate::target::{Source, Target};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};

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
    pub(crate) processes: Option<ProcessProbe>,
    pub(crate) writer: Writer,
    pub(crate) publish: watch::Sender<LatestScrape>,
}

/// What one scrape found.
pub(crate) struct Scrape {
    pub(crate) answer: Result<Answer, Failure>,
    /// How long the answer took.
    pub(crate) duration: Duration,
    /// The answer of the health endpoint, if it was requested.
    pub(crate) health: Option<Health>,
}

impl ScrapeLoop {
    pub(crate) async fn run(mut self, mut ended: oneshot::Receiver<EndReason>) {
        let mut schedule = Schedule::new(self.target.key(), self.target.pace);
        let mut last_outcome = None;
        loop {
            let scrape = async {
                let time_ms = schedule.due(now_ms).await;
                let (timeout, tracker) = (self.target.pace.timeout, self.writer.replica_tracker());
                let processes = probe_processes(self.processes.as_mut(), timeout / 2);
                let (scrape, processes) = tokio::join!(scrape(&mut self.reader, tracker), processes);
                self.request_model(&scrape).await;
                (time_ms, scrape, processes)
            };
            let (time_ms, scrape, processes) = tokio::select! {
                scraped = scrape => scraped,
                reason = &mut ended => {
                    let end_ms = schedule.after_last(now_ms());
                    match reason {
                        Ok(EndReason::Removed) => self.writer.end(end_ms, self.target.pace.interval),
                        Ok(EndReason::Replaced) => self.writer.retire(end_ms),
                        // The scrapers were dropped: the program ends.
                        Err(_) => {}
                    }
                    return;
                }
            };
            self.writer.set_attributed(processes);
            let failure = self.writer.write(time_ms, &scrape);
            log_change(&self.target, last_outcome, failure);
            last_outcome = Some(failure);
            self.pass_on(scrape.answer, failure);
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

async fn probe_processes(probe: Option<&mut ProcessProbe>, timeout: Duration) -> Vec<ExtraSample> {
    match probe {
        Some(probe) => probe.run(timeout).await,
        None => Vec::new(),
    }
}

/// Reads the target, and its health endpoint if that may help to determine the replica's state.
async fn scrape(reader: &mut Reader, tracker: Option<&ReplicaTracker>) -> Scrape {
    let began = Instant::now();
    let health = reader.health();
    let read = async { (reader.read().await, began.elapsed()) };
    if tracker.is_some_and(ReplicaTracker::is_inconclusive) {
        let ((answer, duration), health) = tokio::join!(read, health);
        return Scrape { answer, duration, health: Some(health) };
    }
    let (answer, duration) = read.await;
    let needs_health = tracker.is_some_and(|tracker| tracker.needs_health(answer.as_ref().err().copied()));
    let health = if needs_health { Some(health.await) } else { None };
    Scrape { answer, duration, health }
}

/// Logs when a target comes up, goes down, or fails for a different reason.
fn log_change(target: &Target, before: Option<Option<Failure>>, now: Option<Failure>) {
    let reason = |failure: Option<Failure>| failure.map(Failure::reason);
    match now {
        Some(failure) if before.map(reason) != Some(reason(now)) => {
            warn!(target = ?target.name(), reason = failure.reason().id(), "scrape failed: {failure}");
        }
        None if before != Some(None) => info!(target = ?target.name(), "up"),
        _ => {}
    }
}
