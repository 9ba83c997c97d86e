//! Keeps the scraped targets in step with the configuration, its target files and its clusters.
use crate::config::ConfiguredTargets;
use crate::config::file_sd::{FileTargets, FoundFile};
use crate::config::http_watch::Lists;
use crate::config::kubernetes::ClusterSource;
use crate::scrape::scrapers::Scrapers;
use crate::sources::kubernetes::watch::watch_cluster;
use crate::target::Target;
use crate::target::identity::Identity;
use crate::threads::Threads;
use crate::threads::exclusive::Exclusive;
use futures::future::join_all;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

/// How often target files are read.
const FILE_PERIOD: Duration = Duration::from_secs(5);

/// How long reading a target file, or the folders in which they are, may take.
const MAX_READ_TIME: Duration = Duration::from_secs(2);

/// How many target files may hang at a time before others cannot be read.
const MAX_HANGING_FILES: usize = 32;

/// The longest target file. Longer ones are cut off, and so are invalid.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Scrapes the configured targets, following changes of their files and clusters. Each message of `reloads` replaces
/// the configured targets. Runs until the reloads end and nothing can change any more.
pub(crate) async fn apply_targets(
    scrapers: Arc<Scrapers>,
    mut targets: ConfiguredTargets,
    mut reloads: mpsc::Receiver<ConfiguredTargets>,
) {
    let mut period = tokio::time::interval(FILE_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut files = Files::default();
    let mut clusters = Clusters::default();
    clusters.watch(&mut targets);
    let mut lists = Lists::new(scrapers.client().clone());
    lists.watch(&targets.lists);
    let mut changed = true;
    loop {
        changed |= files.refresh(&targets.files).await;
        if std::mem::take(&mut changed) {
            scrapers.configure(combined(&targets.fixed, files.targets().chain(lists.targets()), &clusters.targets()));
        }
        tokio::select! {
            Some(new) = reloads.recv() => {
                targets = new;
                clusters.watch(&mut targets);
                lists.watch(&targets.lists);
                // The defaults for their targets may have changed.
                files.known.values_mut().for_each(|file| file.text = None);
                changed = true;
            }
            () = clusters.changed.notified(), if !clusters.running.is_empty() => changed = true,
            () = lists.changed(), if !lists.is_empty() => changed = true,
            _ = period.tick(), if !targets.files.is_empty() => {}
            else => return,
        }
    }
}

/// The watched clusters.
#[derive(Debug, Default)]
struct Clusters {
    running: Vec<RunningWatch>,
    /// Notified when the targets of a cluster change.
    changed: Arc<Notify>,
}

/// A cluster that is watched until this is dropped.
#[derive(Debug)]
struct RunningWatch {
    source: ClusterSource,
    task: JoinHandle<()>,
}

impl Drop for RunningWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Clusters {
    /// Watches the clusters of `targets` and no others. Watches of clusters with the same specification continue, and
    /// their clusters replace those in `targets`.
    fn watch(&mut self, targets: &mut ConfiguredTargets) {
        let mut previous = std::mem::take(&mut self.running);
        for source in &mut targets.clusters {
            let has_same_spec = |watch: &RunningWatch| watch.source.cluster.spec() == source.cluster.spec();
            let watch = match previous.iter().position(has_same_spec) {
                Some(index) => previous.swap_remove(index),
                None => {
                    let task = tokio::spawn(watch_cluster(Arc::clone(&source.cluster), Arc::clone(&self.changed)));
                    RunningWatch { source: source.clone(), task }
                }
            };
            for target in targets.fixed.iter_mut().filter(|target| Arc::ptr_eq(target, &source.target)) {
                *target = Arc::clone(&watch.source.target);
            }
            *source = watch.source.clone();
            self.running.push(watch);
        }
    }

    /// The targets of all clusters.
    fn targets(&self) -> Vec<Arc<Target>> {
        self.running.iter().flat_map(|watch| watch.source.cluster.targets()).collect()
    }
}

/// The target files, as last read.
#[derive(Debug)]
struct Files {
    known: BTreeMap<PathBuf, File>,
    searching: Exclusive<Vec<FoundFile>>,
    threads: Threads,
}

#[derive(Debug)]
struct File {
    found: FoundFile,
    reading: Exclusive<ReadText>,
    /// Its content; none if it was never read.
    text: Option<Arc<str>>,
    /// The targets of its last valid content.
    targets: Vec<Arc<Target>>,
    /// Whether the last attempt to read it failed.
    failed: bool,
}

/// The content of a file, or why it cannot be read.
type ReadText = Result<Arc<str>, String>;

impl Default for Files {
    fn default() -> Self {
        let threads = Threads::new("target files", MAX_HANGING_FILES);
        Self { known: BTreeMap::new(), searching: Exclusive::default(), threads }
    }
}

impl Files {
    /// Reads the files, and returns whether their targets may have changed. An unreadable or invalid file keeps its
    /// previous targets, and so does one that does not answer. A deleted file loses them.
    async fn refresh(&mut self, configured: &FileTargets) -> bool {
        if configured.is_empty() && self.known.is_empty() {
            return false;
        }
        let patterns = configured.clone();
        let found = self.searching.run(&self.threads, MAX_READ_TIME, move || patterns.files());
        let count = self.known.len();
        if let Some(found) = found.await {
            self.known.retain(|path, _| found.iter().any(|file| file.path == *path));
            for found in found {
                match self.known.entry(found.path.clone()) {
                    Entry::Occupied(known) => known.into_mut().found = found,
                    Entry::Vacant(free) => {
                        free.insert(File::new(found));
                    }
                }
            }
        }
        let mut changed = self.known.len() != count;
        let threads = &self.threads;
        let read = self.known.iter().map(async |(path, file)| {
            let path = path.clone();
            let text = file.reading.run(threads, MAX_READ_TIME, move || read(&path)).await;
            text.unwrap_or_else(|| Err("it does not answer".into()))
        });
        let texts = join_all(read).await;
        for ((path, file), text) in self.known.iter_mut().zip(texts) {
            changed |= file.update(path, text);
        }
        changed
    }

    /// The targets of all files, each with where it comes from.
    fn targets(&self) -> impl Iterator<Item = (String, Arc<Target>)> {
        self.known.iter().flat_map(|(path, file)| {
            let from = path.display().to_string();
            file.targets.iter().map(move |target| (from.clone(), Arc::clone(target)))
        })
    }
}

/// The `fixed` targets, those that are `listed` with where, and the `pods`, without duplicates.
fn combined(
    fixed: &[Arc<Target>],
    listed: impl Iterator<Item = (String, Arc<Target>)>,
    pods: &[Arc<Target>],
) -> Vec<Arc<Target>> {
    let mut all = Distinct::default();
    fixed.iter().for_each(|target| {
        all.add(target);
    });
    for (list, target) in listed {
        if !all.add(&target) {
            warn!(list, target = ?target.name(), "duplicate target ignored");
        }
    }
    // A new pod can have the address of one that has just ended.
    pods.iter().for_each(|target| {
        all.add(target);
    });
    all.targets
}

/// Targets of which no two have the same key or the same labels.
#[derive(Default)]
struct Distinct {
    targets: Vec<Arc<Target>>,
    keys: HashSet<String>,
    identities: HashSet<Identity>,
}

impl Distinct {
    /// Adds a target, unless there is one like it.
    fn add(&mut self, target: &Arc<Target>) -> bool {
        if self.keys.contains(target.key()) || self.identities.contains(&target.identity) {
            return false;
        }
        self.keys.insert(target.key().to_owned());
        self.identities.insert(target.identity.clone());
        self.targets.push(Arc::clone(target));
        true
    }
}

impl File {
    fn new(found: FoundFile) -> Self {
        Self { found, reading: Exclusive::default(), text: None, targets: Vec::new(), failed: false }
    }

    /// Takes over what was read, and returns whether the targets may have changed.
    fn update(&mut self, path: &Path, text: ReadText) -> bool {
        let failed_before = std::mem::replace(&mut self.failed, text.is_err());
        match text {
            Ok(text) if self.text.as_ref() == Some(&text) => false,
            Ok(text) => {
                let parsed = self.found.parse(&text);
                self.text = Some(text);
                match parsed {
                    Ok(targets) => {
                        info!(file = ?path, targets = targets.len(), "loaded targets");
                        self.targets = targets.into_iter().map(Arc::new).collect();
                        true
                    }
                    Err(error) => {
                        warn!(error = ?error.to_string(), "invalid target file; keeping its previous targets");
                        false
                    }
                }
            }
            Err(_) if failed_before => false,
            Err(error) => {
                warn!(file = ?path, ?error, "cannot read target file; keeping its previous targets");
                false
            }
        }
    }
}

fn read(path: &Path) -> ReadText {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
    read.map(|_| text.into()).map_err(|error| error.to_string())
}
