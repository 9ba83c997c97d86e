//! Keeping the configured targets as the configuration, the files it names and the clusters say they are.
use crate::config::Sources;
use crate::config::file_sd::FileTargets;
use crate::config::kubernetes::ClusterSource;
use crate::scrape::scrapers::Scrapers;
use crate::sources::kubernetes::watch::follow_cluster;
use crate::target::Target;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

/// How often files are looked at.
const PERIOD: Duration = Duration::from_secs(5);

/// A file longer than this is not read.
const MOST_BYTES: u64 = 4 << 20;

/// Makes the pool scrape what `sources` say, and what each message of `reloads` says instead, for ever; looks at the
/// files they name every few seconds, and follows the clusters among them.
pub(crate) async fn follow(scrapers: Arc<Scrapers>, mut sources: Sources, mut reloads: mpsc::Receiver<Sources>) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut files = Files::default();
    let mut clusters = Clusters::default();
    clusters.follow(&mut sources);
    let mut changed = true;
    loop {
        changed |= files.refresh(&sources.files).await;
        if std::mem::take(&mut changed) {
            scrapers.configure(files.joined(&sources.targets, clusters.targets()));
        }
        tokio::select! {
            Some(new) = reloads.recv() => {
                sources = new;
                clusters.follow(&mut sources);
                // What a target does not say for itself may be another now.
                files.0.values_mut().for_each(|file| file.text = None);
                changed = true;
            }
            () = clusters.changed.notified(), if !clusters.running.is_empty() => changed = true,
            _ = period.tick(), if !sources.files.is_empty() => {}
            else => return,
        }
    }
}

/// The clusters that are followed.
#[derive(Debug, Default)]
struct Clusters {
    running: Vec<Following>,
    /// Told when other targets come of one.
    changed: Arc<Notify>,
}

/// A cluster that is followed until this is dropped.
#[derive(Debug)]
struct Following {
    source: ClusterSource,
    task: JoinHandle<()>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Clusters {
    /// Follows the clusters of `sources` and no others. A cluster that is followed already replaces an equal one, and its
    /// target that one's target.
    fn follow(&mut self, sources: &mut Sources) {
        let mut known = std::mem::take(&mut self.running);
        for source in &mut sources.clusters {
            let following = match known.iter().position(|known| known.source.cluster.spec() == source.cluster.spec()) {
                Some(at) => known.swap_remove(at),
                None => {
                    let task = tokio::spawn(follow_cluster(Arc::clone(&source.cluster), Arc::clone(&self.changed)));
                    Following { source: source.clone(), task }
                }
            };
            for target in sources.targets.iter_mut().filter(|target| Arc::ptr_eq(target, &source.target)) {
                *target = Arc::clone(&following.source.target);
            }
            *source = following.source.clone();
            self.running.push(following);
        }
    }

    /// What came of them.
    fn targets(&self) -> Vec<Arc<Target>> {
        self.running.iter().flat_map(|following| following.source.cluster.targets()).collect()
    }
}

/// The files as last read.
#[derive(Debug, Default)]
struct Files(BTreeMap<PathBuf, File>);

#[derive(Debug, Default)]
struct File {
    /// What it holds; none where it cannot be read.
    text: Option<String>,
    /// What it last said that could be used.
    targets: Vec<Arc<Target>>,
    /// Whether it could not be read when last looked at.
    failed: bool,
}

impl Files {
    /// Reads the files again, and says whether their targets may have changed. A file that cannot be used keeps the
    /// targets it had; one that is gone has none.
    async fn refresh(&mut self, names: &FileTargets) -> bool {
        let paths = names.paths();
        let count = self.0.len();
        self.0.retain(|path, _| paths.contains(path));
        let mut changed = self.0.len() != count;
        for path in paths {
            let text = read(&path).await;
            let file = self.0.entry(path.clone()).or_default();
            let failed_before = std::mem::replace(&mut file.failed, text.is_err());
            match text {
                Ok(text) if file.text.as_ref() == Some(&text) => {}
                Ok(text) => {
                    match names.read(&path, &text) {
                        Ok(targets) => {
                            info!(file = ?path, targets = targets.len(), "read targets");
                            file.targets = targets.into_iter().map(Arc::new).collect();
                            changed = true;
                        }
                        Err(error) => warn!(error = ?error.to_string(), "its targets stay as they were"),
                    }
                    file.text = Some(text);
                }
                Err(_) if failed_before => {}
                Err(error) => {
                    warn!(file = ?path, error = ?error.to_string(), "cannot be read; its targets stay as they were");
                }
            }
        }
        changed
    }

    /// `fixed`, the files' targets and the `pods`, each once.
    fn joined(&self, fixed: &[Arc<Target>], pods: Vec<Arc<Target>>) -> Vec<Arc<Target>> {
        let mut all = fixed.to_vec();
        for (path, target) in
            self.0.iter().flat_map(|(path, file)| file.targets.iter().map(move |target| (path, target)))
        {
            if all.iter().any(|known| known.key() == target.key() || known.identity == target.identity) {
                warn!(file = ?path, target = ?target.name(), "is a target already; the first one counts");
            } else {
                all.push(Arc::clone(target));
            }
        }
        // Two pods have one address for a moment, when one has just ended.
        for pod in pods {
            if !all.iter().any(|known| known.key() == pod.key() || known.identity == pod.identity) {
                all.push(pod);
            }
        }
        all
    }
}

async fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    tokio::fs::File::open(path).await?.take(MOST_BYTES).read_to_string(&mut text).await?;
    Ok(text)
}
