//! The targets that are being scraped, each by a task of its own.
use crate::clock::now_ms;
use crate::processes::Attribution;
use crate::processes::probe::Watch;
use crate::replica::tracker::{Health, Life};
use crate::scrape::fetch::Client;
use crate::scrape::metadata::Metadata;
use crate::scrape::metrics_page::Page;
use crate::scrape::schedule::Schedule;
use crate::scrape::writer::Writer;
use crate::target::failure::Failure;
use crate::target::{Reader, Source, Target};
use bytes::Bytes;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};
use tsdb::Store;

/// The targets that are being scraped. Dropping it ends their tasks, and leaves no marks that series are gone: after a
/// restart they go on.
#[derive(Debug)]
pub struct Pool {
    store: Store,
    client: Client,
    counts: Arc<Counts>,
    metadata: Arc<Metadata>,
    attribution: Option<Arc<Attribution>>,
    running: Mutex<HashMap<String, Running>>,
}

#[derive(Debug)]
struct Running {
    target: Arc<Target>,
    /// From the configuration, and so to end when it is no longer there.
    configured: bool,
    remove: oneshot::Sender<Ending>,
    latest: watch::Receiver<Latest>,
}

/// Why a target is no longer scraped.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// There is no such target any more.
    Gone,
    /// Another has its place, under other labels or at another pace.
    Replaced,
}

/// What the last scrape of a shared page came to; none before the first.
pub type Latest = Option<Result<Page, Failure>>;

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
        let (counts, metadata) = (Arc::default(), Arc::default());
        Self { store, client, counts, metadata, attribution: None, running: Mutex::default() }
    }

    /// Lets it tell of targets on this machine what their processes use.
    pub fn with_attribution(self, attribution: Attribution) -> Self {
        Self { attribution: Some(Arc::new(attribution)), ..self }
    }

    /// The client that targets are asked with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What was refused so far.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// What targets said of their families so far.
    pub fn metadata(&self) -> Arc<Metadata> {
        Arc::clone(&self.metadata)
    }

    /// Starts to scrape `target`, on the current runtime, and goes on whatever the configuration says. A target that is
    /// scraped already stays as it is.
    pub fn add(&self, target: Target) {
        self.start(&mut self.lock(), Arc::new(target), false);
    }

    /// Makes `targets` the configured ones: those that are new or changed are started, those that are not among them
    /// are ended and their series marked as gone, and the others go on without a gap.
    pub fn configure(&self, targets: Vec<Arc<Target>>) {
        let mut running = self.lock();
        let ended = running.extract_if(|key, known| {
            known.configured && !targets.iter().any(|target| target.key() == key && **target == *known.target)
        });
        for (key, Running { target, remove, .. }) in ended {
            info!(target = ?target.name(), "removed");
            let is_replaced = targets.iter().any(|target| target.key() == key);
            // The task may have ended with the runtime.
            let _ = remove.send(if is_replaced { Ending::Replaced } else { Ending::Gone });
        }
        for target in targets {
            self.start(&mut running, target, true);
        }
    }

    /// Whether a target at `instance` (`host:port`) is scraped.
    pub fn has_instance(&self, instance: &str) -> bool {
        self.lock().values().any(|running| running.target.identity.instance == instance)
    }

    /// The page that is shared under `name`, as it was last read; none where no target has that name.
    pub fn shared(&self, name: &str) -> Option<watch::Receiver<Latest>> {
        let running = self.lock();
        let shared = running.values().find(|running| running.target.source.shared_name() == Some(name));
        shared.map(|running| running.latest.clone())
    }

    fn start(&self, running: &mut HashMap<String, Running>, target: Arc<Target>, configured: bool) {
        let Entry::Vacant(free) = running.entry(target.key().to_owned()) else { return };
        let (remove, removed) = oneshot::channel();
        let (publish, latest) = watch::channel(None);
        free.insert(Running { target: Arc::clone(&target), configured, remove, latest });
        let mut writer =
            Writer::new(&self.store, Arc::clone(&self.counts), Arc::clone(&self.metadata), target.identity.clone());
        // A hosted platform's page is never about this machine.
        let watch = self.attribution.as_ref().and_then(|attribution| match &target.source {
            Source::Http(endpoint) => attribution.watch(endpoint),
            _ => None,
        });
        if target.is_watched() {
            writer.watch(&self.store, now_ms());
        }
        let reader = Reader::new(self.client.clone(), Arc::clone(&target));
        tokio::spawn(scrape_until_removed(target, reader, watch, writer, publish, removed));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn scrape_until_removed(
    target: Arc<Target>,
    mut reader: Reader,
    mut watch: Option<Watch>,
    mut writer: Writer,
    publish: watch::Sender<Latest>,
    mut removed: oneshot::Receiver<Ending>,
) {
    let mut schedule = Schedule::new(target.key(), target.pace);
    let mut last_failure = None;
    loop {
        let scrape = async {
            let time_ms = schedule.due(now_ms).await;
            let processes = async {
                match &mut watch {
                    Some(watch) => watch.look(target.pace.timeout / 2).await,
                    None => Vec::new(),
                }
            };
            let ((page, duration, health), told) = tokio::join!(look(&mut reader, writer.life()), processes);
            (time_ms, page, duration, health, told)
        };
        let (time_ms, page, duration, health, told) = tokio::select! {
            scraped = scrape => scraped,
            message = &mut removed => {
                let end_ms = schedule.after_last(now_ms());
                match message {
                    Ok(Ending::Gone) => writer.end(end_ms, target.pace.interval),
                    Ok(Ending::Replaced) => writer.retire(end_ms),
                    // The pool itself is gone: the program ends.
                    Err(_) => {}
                }
                return;
            }
        };
        writer.attribute(told);
        let failure = writer.write(time_ms, duration, page.as_ref().map_err(|failure| *failure), health);
        log_change(&target, last_failure, failure);
        if let Source::Pod { told, .. } = &target.source {
            told.set(writer.model());
        }
        if let (Ok(page), None) = (&page, failure) {
            reader.approve(page);
        }
        last_failure = Some(failure);
        if target.source.shared_name().is_some() {
            // A page that is well formed is of use to others even where there is no room for it here.
            publish.send_replace(Some(match failure {
                // A copy, as the page may be in a buffer that others wait for.
                None | Some(Failure::SeriesCap) => {
                    page.map(|page| Page { body: Bytes::copy_from_slice(&page.body), ..page })
                }
                Some(failure) => Err(failure),
            }));
        }
    }
}

/// Reads the page, and asks the replica's health endpoint where that may tell more of its `life`; with the time that the
/// page took.
async fn look(reader: &mut Reader, life: Option<&Life>) -> (Result<Page, Failure>, Duration, Option<Health>) {
    let began = Instant::now();
    let health = reader.health();
    let asked_first = life.is_some_and(Life::is_doubted);
    let read = async { (reader.read().await, began.elapsed()) };
    if asked_first {
        let ((page, duration), health) = tokio::join!(read, health);
        return (page, duration, Some(health));
    }
    let (page, duration) = read.await;
    let wants_health = life.is_some_and(|life| life.wants_health(page.as_ref().err().copied()));
    (page, duration, if wants_health { Some(health.await) } else { None })
}

/// One line when a target comes, goes, or fails for another reason than before.
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
