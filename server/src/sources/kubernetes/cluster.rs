//! The state of a watched cluster, shared by the watch that updates it and the target that reads its families.
use crate::sources::kubernetes::ClusterSpec;
use crate::sources::kubernetes::families::families;
use crate::sources::kubernetes::pods::Pods;
use crate::sources::kubernetes::scaling::Scale;
use crate::target::Target;
use crate::target::failure::Failure;
use crate::target::source::FamilySource;
use exposition::Family;
use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use tokio::sync::watch;

/// A cluster and what is known of its pods.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) spec: ClusterSpec,
    status: watch::Sender<WatchStatus>,
    state: Mutex<ClusterState>,
}

/// The status of the watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WatchStatus {
    /// The first list is not complete yet.
    Starting,
    Running,
    Failed(Failure),
}

/// The pods of a cluster, and how their workloads are scaled.
#[derive(Debug, Default)]
pub(crate) struct ClusterState {
    pub(crate) pods: Pods,
    pub(crate) scale: Scale,
}

impl Cluster {
    /// A cluster without pods, until [`crate::sources::kubernetes::watch::watch_cluster`] runs.
    pub fn new(spec: ClusterSpec) -> Self {
        Self { spec, status: watch::Sender::new(WatchStatus::Starting), state: Mutex::default() }
    }

    /// Its specification.
    pub fn spec(&self) -> &ClusterSpec {
        &self.spec
    }

    /// The pods' current targets.
    pub fn targets(&self) -> Vec<Arc<Target>> {
        self.state().pods.targets()
    }

    /// Records that the watch is running, or why it failed.
    pub(crate) fn set_status(&self, outcome: Result<(), Failure>) {
        self.status.send_replace(outcome.map_or_else(WatchStatus::Failed, |()| WatchStatus::Running));
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, ClusterState> {
        self.state.lock()
    }
}

impl FamilySource for Cluster {
    /// The families about the pods and their scaling. Waits for the first list.
    fn families(&self) -> BoxFuture<'_, Result<Vec<Family>, Failure>> {
        Box::pin(async {
            let mut status = self.status.subscribe();
            let status = status.wait_for(|status| *status != WatchStatus::Starting).await.map(|status| *status);
            match status {
                Ok(WatchStatus::Failed(failure)) => Err(failure),
                // `self` owns the sender, so waiting cannot fail.
                Ok(_) | Err(_) if self.spec.has_replicas => Ok(families(&mut self.state())),
                Ok(_) | Err(_) => {
                    // Pods that are gone are no replicas either.
                    self.state().pods.take_deleted();
                    Ok(Vec::new())
                }
            }
        })
    }
}
