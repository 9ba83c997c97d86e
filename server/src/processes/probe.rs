//! Probes a target's processes while it is scraped, for no longer than the scrape may wait.
use crate::processes::tracker::{ProcessTracker, failure_samples};
use crate::target::extra_sample::ExtraSample;
use catalogue::contract::AttributionFailure;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_blocking};

/// The minimum time between two probes; earlier calls get the previous result.
const MIN_INTERVAL: Duration = Duration::from_millis(900);

/// A tracker, and the probe that it may be running.
#[derive(Debug)]
pub(crate) struct ProcessProbe {
    /// Absent while a probe is running, and after one panicked.
    idle: Option<ProcessTracker>,
    running: Option<JoinHandle<FinishedProbe>>,
    last: Option<LastProbe>,
    /// Limits the number of concurrent probes.
    permits: Arc<Semaphore>,
}

#[derive(Debug)]
struct FinishedProbe {
    tracker: ProcessTracker,
    samples: Vec<ExtraSample>,
}

#[derive(Debug)]
struct LastProbe {
    finished_at: Instant,
    samples: Vec<ExtraSample>,
}

impl ProcessProbe {
    pub(crate) fn new(tracker: ProcessTracker, permits: Arc<Semaphore>) -> Self {
        Self { idle: Some(tracker), running: None, last: None, permits }
    }

    /// The samples about the target's processes. Files of a process that hangs in the kernel may hang too; the next call
    /// then waits for the same probe.
    pub(crate) async fn run(&mut self, timeout: Duration) -> Vec<ExtraSample> {
        if let Some(last) = self.last.as_ref().filter(|last| last.finished_at.elapsed() < MIN_INTERVAL) {
            return last.samples.clone();
        }
        if let Some(samples) = self.idle.as_ref().and_then(ProcessTracker::recent_failure) {
            return samples;
        }
        match tokio::time::timeout(timeout, self.finish()).await {
            Ok(samples) => samples.unwrap_or_default(),
            Err(_) => failure_samples(AttributionFailure::Timeout),
        }
    }

    /// Starts a probe if none is running, and waits for it. If the wait is cancelled, the next call continues it.
    async fn finish(&mut self) -> Option<Vec<ExtraSample>> {
        if self.idle.is_some() {
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
            let mut tracker = self.idle.take()?;
            self.running = Some(spawn_blocking(move || {
                let samples = tracker.probe();
                drop(permit);
                FinishedProbe { tracker, samples }
            }));
        }
        let finished = self.running.as_mut()?.await;
        self.running = None;
        let FinishedProbe { tracker, samples } = finished.ok()?;
        self.idle = Some(tracker);
        self.last = Some(LastProbe { finished_at: Instant::now(), samples: samples.clone() });
        Some(samples)
    }
}
