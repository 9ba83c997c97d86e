//! The pods that are known, by their uid, as lists and events tell them.
use crate::sources::kubernetes::pod::{KnownPod, Workload};
use crate::sources::kubernetes::{Scope, Spec};
use crate::target::Target;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All pods of one watch.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    by_uid: BTreeMap<String, KnownPod>,
    /// Those that are gone, until that was told.
    gone: Vec<KnownPod>,
    /// The uids of a list that is coming in.
    listed: BTreeSet<String>,
    /// The scope of each workload whose pods were seen, kept when it has none.
    pub(crate) workloads: BTreeMap<Workload, Scope>,
}

impl Pods {
    /// Takes an event of the watch.
    pub(crate) fn take(&mut self, spec: &Spec, event: Event<Pod>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                self.listed.extend(pod.metadata.uid.clone());
                self.apply(spec, &pod);
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let gone = self.by_uid.extract_if(.., |uid, _| !listed.contains(uid)).map(|(_, pod)| pod);
                self.gone.extend(gone.map(KnownPod::ended));
            }
            Event::Apply(pod) => self.apply(spec, &pod),
            Event::Delete(pod) => {
                let known = pod.metadata.uid.as_ref().and_then(|uid| self.by_uid.remove(uid));
                self.gone.extend(known.map(KnownPod::ended));
            }
        }
    }

    /// What to scrape now.
    pub(crate) fn targets(&self) -> Vec<Arc<Target>> {
        self.by_uid.values().filter_map(KnownPod::target).cloned().collect()
    }

    /// The pods that there are.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &KnownPod> {
        self.by_uid.values()
    }

    /// Those that went since this was last asked.
    pub(crate) fn take_gone(&mut self) -> Vec<KnownPod> {
        std::mem::take(&mut self.gone)
    }

    fn apply(&mut self, spec: &Spec, pod: &Pod) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        let known = self.by_uid.entry(uid).and_modify(|known| known.update(spec, pod));
        let known = known.or_insert_with(|| KnownPod::new(spec, pod));
        if let Some(workload) = &known.workload {
            self.workloads.insert(workload.clone(), known.scope.clone());
        }
    }
}

#[cfg(test)]
mod tests;
