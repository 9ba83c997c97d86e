//! Looking for a target's processes beside its scrape, which waits for no longer than it may.
use super::Blocked;
use super::tracker::{Tracker, blocked_told};
use crate::scrape::Told;
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// A tracker that may be looking.
#[derive(Debug)]
pub(crate) struct Watch {
    /// None after it failed, which it does not.
    idle: Option<Tracker>,
    looking: Option<JoinHandle<(Tracker, Vec<Told>)>>,
    last: Option<(Instant, Vec<Told>)>,
}

/// Who is asked more often than this is told the same again.
const LEAST: Duration = Duration::from_millis(900);

impl Watch {
    pub(super) fn new(tracker: Tracker) -> Self {
        Self { idle: Some(tracker), looking: None, last: None }
    }

    /// What is to be told of the target's processes now. Files of a process that hangs in the kernel may hang too; then
    /// the look is waited for, and no other begun.
    pub(crate) async fn look(&mut self, patience: Duration) -> Vec<Told> {
        if let Some((_, told)) = self.last.as_ref().filter(|(when, _)| when.elapsed() < LEAST) {
            return told.clone();
        }
        if let Some(mut tracker) = self.idle.take() {
            self.looking = Some(spawn_blocking(move || {
                let told = tracker.look();
                (tracker, told)
            }));
        }
        let Some(looking) = &mut self.looking else { return Vec::new() };
        match timeout(patience, looking).await {
            Ok(looked) => {
                self.looking = None;
                let Ok((tracker, told)) = looked else { return Vec::new() };
                self.idle = Some(tracker);
                self.last = Some((Instant::now(), told.clone()));
                told
            }
            Err(_) => blocked_told(Blocked::Timeout),
        }
    }
}
