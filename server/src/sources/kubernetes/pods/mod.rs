//! The pods of a cluster by uid, updated by the lists and events of a watch.
use crate::sources::kubernetes::pod::{TrackedPod, Workload};
use crate::sources::kubernetes::{ClusterSpec, PodScope};
use crate::target::Target;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All pods of one watch.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    by_uid: BTreeMap<String, TrackedPod>,
    /// Deleted pods that have not been reported as stopped yet.
    deleted: Vec<TrackedPod>,
    /// The uids of a list that is being received.
    listed: BTreeSet<String>,
    /// The scope of each workload that has had a pod. It stays when the workload is scaled to zero.
    pub(crate) workloads: BTreeMap<Workload, PodScope>,
}

impl Pods {
    /// Applies an event of the watch.
    pub(crate) fn apply(&mut self, spec: &ClusterSpec, event: Event<Pod>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                self.listed.extend(pod.metadata.uid.clone());
                self.update(spec, &pod);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let missing = self.by_uid.extract_if(.., |uid, _| !listed.contains(uid)).map(|(_, pod)| pod);
                self.deleted.extend(missing.map(TrackedPod::stopped));
            }
            Event::Apply(pod) => self.update(spec, &pod),
            Event::Delete(pod) => {
                let deleted = pod.metadata.uid.as_ref().and_then(|uid| self.by_uid.remove(uid));
                self.deleted.extend(deleted.map(TrackedPod::stopped));
            }
        }
    }

    /// The pods' current targets.
    pub(crate) fn targets(&self) -> Vec<Arc<Target>> {
        self.by_uid.values().filter_map(TrackedPod::target).cloned().collect()
    }

    /// The pods that exist.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &TrackedPod> {
        self.by_uid.values()
    }

    /// The pods that were deleted since the last call.
    pub(crate) fn take_deleted(&mut self) -> Vec<TrackedPod> {
        std::mem::take(&mut self.deleted)
    }

    fn update(&mut self, spec: &ClusterSpec, pod: &Pod) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        let tracked = self.by_uid.entry(uid).and_modify(|tracked| tracked.update(spec, pod));
        let tracked = tracked.or_insert_with(|| TrackedPod::new(spec, pod));
        if let Some(workload) = &tracked.workload {
            self.workloads.insert(workload.clone(), tracked.scope.clone());
        }
    }
}

#[cfg(test)]
mod tests;
