//! What one watch has told so far, shared by the watch that writes it, and by targets and pages that are made of it.
use crate::sources::kubernetes::Spec;
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

/// The pods of one [`Spec`], as far as they are known.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) spec: Spec,
    status: watch::Sender<Status>,
    known: Mutex<Known>,
}

/// How the watch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// It has no list yet.
    Begun,
    /// It follows.
    Following,
    /// It does not, for this reason.
    Failed(Failure),
}

#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) pods: Pods,
    pub(crate) scale: Scale,
}

impl Cluster {
    /// Nothing is known before [`crate::sources::kubernetes::watch::follow_cluster`] runs.
    pub fn new(spec: Spec) -> Self {
        Self { spec, status: watch::Sender::new(Status::Begun), known: Mutex::default() }
    }

    /// Which pods these are.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What to scrape now.
    pub fn targets(&self) -> Vec<Arc<Target>> {
        self.known().pods.targets()
    }

    /// Notes that the watch follows, or why it does not.
    pub(crate) fn tell(&self, outcome: Result<(), Failure>) {
        self.status.send_replace(outcome.map_or_else(Status::Failed, |()| Status::Following));
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock()
    }
}

impl FamilySource for Cluster {
    /// The families about its pods and their scaling, once there is a first list.
    fn families(&self) -> BoxFuture<'_, Result<Vec<Family>, Failure>> {
        Box::pin(async {
            let mut status = self.status.subscribe();
            let status = status.wait_for(|status| *status != Status::Begun).await.map(|status| *status);
            match status {
                Ok(Status::Failed(failure)) => Err(failure),
                // The sender is `self`, so it cannot be gone.
                Ok(_) | Err(_) => Ok(families(&mut self.known())),
            }
        })
    }
}
