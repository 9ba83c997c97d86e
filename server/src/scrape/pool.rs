//! The targets that are being scraped, each by a task of its own.
use super::failure::Failure;
use super::fetch::Client;
use super::schedule::Schedule;
use super::target::{Reader, Target};
use super::writer::Writer;
use crate::clock::now_ms;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use store::Store;
use tokio::sync::oneshot;
use tracing::{info, warn};

/// The targets that are being scraped. Dropping it ends their tasks, and leaves no marks that series are gone: after a
/// restart they go on.
#[derive(Debug)]
pub struct Pool {
    store: Store,
    client: Client,
    counts: Arc<Counts>,
    running: Mutex<HashMap<String, Running>>,
}

#[derive(Debug)]
struct Running {
    instance: String,
    remove: oneshot::Sender<()>,
}

/// Samples that targets sent and the store did not take, since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// A second sample of a series on one page.
    pub duplicates: Count,
    /// A time not after the one before.
    pub out_of_order: Count,
    /// A time of its own too far from now.
    pub out_of_bounds: Count,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Pool {
    /// A pool without targets that writes to `store`.
    pub fn new(store: Store, client: Client) -> Self {
        Self { store, client, counts: Arc::default(), running: Mutex::default() }
    }

    /// The client that targets are asked with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What was refused so far.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Starts to scrape `target`, on the current runtime; false where one with its key is scraped already.
    pub fn add(&self, target: Target) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.contains_key(target.key()) {
            return false;
        }
        let (remove, removed) = oneshot::channel();
        let instance = target.identity.instance.clone();
        running.insert(target.key().to_owned(), Running { instance, remove });
        let writer = Writer::new(&self.store, Arc::clone(&self.counts), target.identity.clone());
        tokio::spawn(scrape_until_removed(target, self.client.clone(), writer, removed));
        true
    }

    /// Stops to scrape the target with `key`, and marks its series as gone.
    pub fn remove(&self, key: &str) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        if let Some(Running { remove, .. }) = running {
            // The task may have ended with the runtime.
            let _ = remove.send(());
        }
    }

    /// Whether a target at `instance` (`host:port`) is scraped.
    pub fn has_instance(&self, instance: &str) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().any(|running| running.instance == instance)
    }
}

async fn scrape_until_removed(target: Target, client: Client, mut writer: Writer, mut removed: oneshot::Receiver<()>) {
    let mut schedule = Schedule::new(target.key(), target.pace);
    let instance = target.identity.instance;
    let mut reader = Reader::new(client, target.source);
    let mut last_failure = None;
    loop {
        let time_ms = tokio::select! {
            time_ms = schedule.due(now_ms) => time_ms,
            message = &mut removed => {
                // Without a message the pool itself is gone: the program ends.
                if message.is_ok() {
                    writer.retire(now_ms());
                }
                return;
            }
        };
        let began = Instant::now();
        let page = reader.read(target.pace.timeout).await;
        let failure = writer.write(time_ms, began.elapsed(), page.as_ref().map_err(|failure| *failure));
        log_change(&instance, last_failure, failure);
        last_failure = Some(failure);
    }
}

/// One line when a target comes, goes, or fails for another reason than before.
fn log_change(instance: &str, before: Option<Option<Failure>>, now: Option<Failure>) {
    let reason = |failure: Option<Failure>| failure.map(Failure::reason);
    match now {
        Some(failure) if before.map(reason) != Some(reason(now)) => {
            warn!(?instance, reason = failure.reason(), "scrape failed: {failure}");
        }
        None if before != Some(None) => info!(?instance, "target is up"),
        _ => {}
    }
}
