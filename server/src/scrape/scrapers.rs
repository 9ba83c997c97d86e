//! The set of running scrape loops, one for each target.
use crate::clock::now_ms;
use crate::processes::Attribution;
use crate::scrape::admission::Admission;
use crate::scrape::change_log::ChangeLog;
use crate::scrape::fetch::Client;
use crate::scrape::health::HealthProbes;
use crate::scrape::metadata::Metadata;
use crate::scrape::metrics_page::MetricsPage;
use crate::scrape::reader::Reader;
use crate::scrape::refused_samples::RefusedSamples;
use crate::scrape::same_machine::SameMachine;
use crate::scrape::scrape_loop::{EndReason, ScrapeLoop};
use crate::scrape::writer::Writer;
use crate::target::failure::Failure;
use crate::target::machine::MachineIdentity;
use crate::target::{Source, Target};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tsdb::Store;

/// The targets that are being scraped. Dropping it ends the loops without stale markers, so that the series continue after
/// a restart.
#[derive(Debug)]
pub struct Scrapers {
    store: Store,
    client: Client,
    refused: Arc<RefusedSamples>,
    metadata: Arc<Metadata>,
    log: Arc<ChangeLog>,
    admission: Arc<Admission>,
    attribution: Option<Arc<Attribution>>,
    /// The machine that the companion runs on.
    machine: Option<Arc<MachineIdentity>>,
    running: Mutex<HashMap<String, RunningScraper>>,
}

#[derive(Debug)]
struct RunningScraper {
    target: Arc<Target>,
    /// Whether it comes from the configuration, and so ends when the configuration no longer has it.
    is_configured: bool,
    end: oneshot::Sender<EndReason>,
    latest: watch::Receiver<LatestScrape>,
}

/// The last scrape of a shared metrics page; none before the first.
pub type LatestScrape = Option<Result<MetricsPage, Failure>>;

impl Scrapers {
    /// Scrapes nothing yet; samples go to `store`.
    pub fn new(store: Store, client: Client) -> Self {
        Self {
            store,
            client,
            refused: Arc::default(),
            metadata: Arc::default(),
            log: Arc::default(),
            admission: Arc::default(),
            attribution: None,
            machine: None,
            running: Mutex::default(),
        }
    }

    /// Also records the resources of the processes behind targets on this machine.
    pub fn with_attribution(self, attribution: Attribution) -> Self {
        Self { attribution: Some(Arc::new(attribution)), ..self }
    }

    /// Also records which targets are about `machine`, the one that the companion runs on.
    pub fn with_machine(self, machine: Option<MachineIdentity>) -> Self {
        Self { machine: machine.map(Arc::new), ..self }
    }

    /// The HTTP client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The counts of refused samples.
    pub fn refused(&self) -> Arc<RefusedSamples> {
        Arc::clone(&self.refused)
    }

    /// The metadata of all families.
    pub fn metadata(&self) -> Arc<Metadata> {
        Arc::clone(&self.metadata)
    }

    /// Starts to scrape `target` on the current runtime, whatever the configuration says. If a target with the same key is
    /// already being scraped, nothing changes.
    pub fn add(&self, target: Target) {
        self.start(&mut self.running.lock(), Arc::new(target), false);
    }

    /// Ends the scrapes of the target with this key, if it was added, and marks its series stale. One that is configured
    /// stays.
    pub(crate) fn remove(&self, key: &str) {
        let mut running = self.running.lock();
        if running.get(key).is_some_and(|known| !known.is_configured)
            && let Some(RunningScraper { target, end, .. }) = running.remove(key)
        {
            self.log.note_removed(&target);
            // The loop may have ended with the runtime.
            let _ = end.send(EndReason::Removed);
        }
    }

    /// The attribution of targets to the processes of this machine.
    pub(crate) fn attribution(&self) -> Option<Arc<Attribution>> {
        self.attribution.clone()
    }

    /// Makes `targets` the configured ones: new and changed targets are started, missing ones are ended and their series
    /// marked stale, and the others continue without a gap.
    pub fn configure(&self, targets: Vec<Arc<Target>>) {
        let mut running = self.running.lock();
        let configured: HashMap<&str, &Arc<Target>> =
            targets.iter().rev().map(|target| (target.key(), target)).collect();
        let ended = running.extract_if(|key, known| {
            known.is_configured && configured.get(&**key).is_none_or(|target| **target != known.target)
        });
        for (key, RunningScraper { target, end, .. }) in ended {
            self.log.note_removed(&target);
            let is_replaced = configured.contains_key(&*key);
            // The loop may have ended with the runtime.
            let _ = end.send(if is_replaced { EndReason::Replaced } else { EndReason::Removed });
        }
        for target in targets {
            self.start(&mut running, target, true);
        }
    }

    /// Whether a target at `instance` (`host:port`) is being scraped.
    pub fn has_instance(&self, instance: &str) -> bool {
        self.running.lock().values().any(|running| running.target.identity.instance == instance)
    }

    /// Whether a target with this key is being scraped.
    pub fn has_key(&self, key: &str) -> bool {
        self.running.lock().contains_key(key)
    }

    /// The metrics page that is shared under `name`; none if no target has that name.
    pub fn shared(&self, name: &str) -> Option<watch::Receiver<LatestScrape>> {
        let running = self.running.lock();
        let shared = running.values().find(|running| running.target.source.shared_name() == Some(name));
        shared.map(|running| running.latest.clone())
    }

    fn start(&self, running: &mut HashMap<String, RunningScraper>, target: Arc<Target>, is_configured: bool) {
        let Entry::Vacant(free) = running.entry(target.key().to_owned()) else { return };
        let (end, ended) = oneshot::channel();
        let (publish, latest) = watch::channel(None);
        free.insert(RunningScraper { target: Arc::clone(&target), is_configured, end, latest });
        let mut writer =
            Writer::new(&self.store, Arc::clone(&self.refused), Arc::clone(&self.metadata), target.identity.clone());
        if let Some(endpoint) = target.source.endpoint() {
            writer.allow_samples(endpoint.access.limits.samples);
        }
        // A hosted platform's page is never about this machine.
        let processes = self.attribution.as_ref().and_then(|attribution| match &target.source {
            Source::Http(endpoint) => attribution.probe(endpoint),
            _ => None,
        });
        writer.resume(&self.store, now_ms());
        if target.is_own_machine() {
            writer.record_own_machine();
        } else if let (Some(machine), Source::Http(_)) = (&self.machine, &target.source) {
            writer.compare_machine(SameMachine::new(Arc::clone(machine), processes.is_some()));
        }
        if target.is_probed() {
            writer.track_replica(&self.store, now_ms());
        }
        let reader = Reader::new(self.client.clone(), Arc::clone(&target));
        let health = HealthProbes::new(self.client.clone(), Arc::clone(&target));
        let (log, admission) = (Arc::clone(&self.log), Arc::clone(&self.admission));
        tokio::spawn(ScrapeLoop { target, reader, health, processes, writer, publish, log, admission }.run(ended));
    }
}
