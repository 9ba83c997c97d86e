//! Looking for a target's processes beside its scrape, which waits for no longer than it may.
use crate::processes::tracker::{Tracker, blocked_told};
use crate::scrape::engine_detection::Told;
use catalogue::contract::AttributionFailure;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// A tracker that may be looking.
#[derive(Debug)]
pub(crate) struct Watch {
    /// None after it failed, which it does not.
    idle: Option<Tracker>,
    looking: Option<JoinHandle<(Tracker, Vec<Told>)>>,
    last: Option<(Instant, Vec<Told>)>,
    /// How many more may look at the same time.
    looks: Arc<Semaphore>,
}

/// Who is asked more often than this is told the same again.
const LEAST: Duration = Duration::from_millis(900);

impl Watch {
    pub(crate) fn new(tracker: Tracker, looks: Arc<Semaphore>) -> Self {
        Self { idle: Some(tracker), looking: None, last: None, looks }
    }

    /// What is to be told of the target's processes now. Files of a process that hangs in the kernel may hang too; then
    /// the look is waited for, and no other begun.
    pub(crate) async fn look(&mut self, patience: Duration) -> Vec<Told> {
        if let Some((_, told)) = self.last.as_ref().filter(|(when, _)| when.elapsed() < LEAST) {
            return told.clone();
        }
        if let Some(told) = self.idle.as_ref().and_then(Tracker::told_at_rest) {
            return told;
        }
        match timeout(patience, self.look_now()).await {
            Ok(told) => told.unwrap_or_default(),
            Err(_) => blocked_told(AttributionFailure::Timeout),
        }
    }

    /// Where it is broken off, the next call goes on with the same look.
    async fn look_now(&mut self) -> Option<Vec<Told>> {
        if self.idle.is_some() {
            let turn = Arc::clone(&self.looks).acquire_owned().await.ok()?;
            let mut tracker = self.idle.take()?;
            self.looking = Some(spawn_blocking(move || {
                let told = tracker.look();
                drop(turn);
                (tracker, told)
            }));
        }
        let looked = self.looking.as_mut()?.await;
        self.looking = None;
        let (tracker, told) = looked.ok()?;
        self.idle = Some(tracker);
        self.last = Some((Instant::now(), told.clone()));
        Some(told)
    }
}
