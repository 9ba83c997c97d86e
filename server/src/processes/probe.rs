//! Probes a target's processes while it is scraped, for no longer than the scrape may wait.
use crate::processes::listening::Listening;
use crate::processes::tracker::{ProcessTracker, failure_samples};
use crate::target::extra_sample::ExtraSample;
use crate::threads::{RunningJob, Threads};
use catalogue::contract::AttributionFailure;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The minimum time between two probes; earlier calls get the previous result.
const MIN_INTERVAL: Duration = Duration::from_millis(900);

/// How long reading the listening sockets may take.
const LISTENING_TIMEOUT: Duration = Duration::from_millis(200);

/// A tracker, and the probe that it may be running.
#[derive(Debug)]
pub(crate) struct ProcessProbe {
    /// Absent while a probe is running, and after one panicked.
    idle: Option<ProcessTracker>,
    running: Option<RunningJob<FinishedProbe>>,
    last: Option<LastProbe>,
    /// Limits the number of concurrent probes.
    permits: Arc<Semaphore>,
    threads: Threads,
}

/// What a probe found out.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProbedProcesses {
    /// The samples about the target's processes.
    pub(crate) samples: Vec<ExtraSample>,
    /// What listens at its address.
    pub(crate) listening: Listening,
}

#[derive(Debug)]
struct FinishedProbe {
    tracker: ProcessTracker,
    processes: ProbedProcesses,
}

#[derive(Debug)]
struct LastProbe {
    finished_at: Instant,
    processes: ProbedProcesses,
}

impl ProcessProbe {
    pub(crate) fn new(tracker: ProcessTracker, permits: Arc<Semaphore>, threads: Threads) -> Self {
        Self { idle: Some(tracker), running: None, last: None, permits, threads }
    }

    /// The target's processes. Files of a process that hangs in the kernel may hang too; the next call then waits for the
    /// same probe.
    pub(crate) async fn run(&mut self, timeout: Duration) -> ProbedProcesses {
        if let Some(last) = self.last.as_ref().filter(|last| last.finished_at.elapsed() < MIN_INTERVAL) {
            return last.processes.clone();
        }
        if let Some(samples) = self.idle.as_ref().and_then(ProcessTracker::recent_failure) {
            let listening = self.last.as_ref().map(|last| last.processes.listening);
            return ProbedProcesses { samples, listening: listening.unwrap_or_default() };
        }
        match tokio::time::timeout(timeout, self.finish()).await {
            Ok(processes) => processes.unwrap_or_default(),
            Err(_) => {
                let samples = failure_samples(AttributionFailure::Timeout);
                ProbedProcesses { samples, listening: Listening::Unknown }
            }
        }
    }

    /// What listens at the target's address now, after a connection has failed; unknown while a probe hangs.
    pub(crate) async fn listening_now(&mut self) -> Listening {
        let Some(mut tracker) = self.idle.take() else { return Listening::Unknown };
        self.running = Some(self.threads.run(move || {
            let listening = tracker.listening_now();
            FinishedProbe { tracker, processes: ProbedProcesses { samples: Vec::new(), listening } }
        }));
        let Some(running) = self.running.as_mut() else { return Listening::Unknown };
        let Ok(Ok(FinishedProbe { tracker, processes })) = tokio::time::timeout(LISTENING_TIMEOUT, running).await
        else {
            return Listening::Unknown;
        };
        self.running = None;
        self.idle = Some(tracker);
        processes.listening
    }

    /// Starts a probe if none is running, and waits for it. If the wait is cancelled, the next call continues it.
    async fn finish(&mut self) -> Option<ProbedProcesses> {
        if self.idle.is_some() {
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
            let mut tracker = self.idle.take()?;
            self.running = Some(self.threads.run(move || {
                let samples = tracker.probe();
                let listening = tracker.listening();
                drop(permit);
                FinishedProbe { tracker, processes: ProbedProcesses { samples, listening } }
            }));
        }
        let finished = self.running.as_mut()?.await;
        self.running = None;
        let FinishedProbe { tracker, processes } = finished.ok()?;
        self.idle = Some(tracker);
        self.last = Some(LastProbe { finished_at: Instant::now(), processes: processes.clone() });
        Some(processes)
    }
}
