//! How many pods workloads want, and between which bounds they are scaled.
use crate::sources::kubernetes::pod::Workload;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::runtime::watcher::Event;
use std::collections::BTreeMap;

/// What is known of one kind of objects, by their names in a namespace; nothing where it may not be read.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    by_name: BTreeMap<String, T>,
    /// A list that is coming in.
    listed: BTreeMap<String, T>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), listed: BTreeMap::new() }
    }
}

impl<T> Shelf<T> {
    /// Takes an event of a watch whose objects are as `read` reads them.
    pub(crate) fn take<K: kube::ResourceExt>(&mut self, event: Event<K>, read: impl Fn(&K) -> Option<T>) {
        let key = |object: &K| format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => self.listed.extend(read(&object).map(|fact| (key(&object), fact))),
            Event::InitDone => self.by_name = std::mem::take(&mut self.listed),
            Event::Apply(object) => match read(&object) {
                Some(fact) => drop(self.by_name.insert(key(&object), fact)),
                None => drop(self.by_name.remove(&key(&object))),
            },
            Event::Delete(object) => drop(self.by_name.remove(&key(&object))),
        }
    }

    fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        self.by_name.get(&format!("{namespace}/{name}"))
    }
}

/// The bounds of an autoscaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) min: i32,
    pub(crate) max: i32,
}

/// What is known of scaling.
#[derive(Debug, Default)]
pub(crate) struct Scale {
    pub(crate) deployments: Shelf<i32>,
    pub(crate) stateful_sets: Shelf<i32>,
    pub(crate) autoscalers: Shelf<(Workload, Bounds)>,
}

impl Scale {
    /// How many pods `workload` wants.
    pub(crate) fn desired(&self, workload: &Workload) -> Option<i32> {
        match workload.kind.as_str() {
            "Deployment" => self.deployments.get(&workload.namespace, &workload.name).copied(),
            "StatefulSet" => self.stateful_sets.get(&workload.namespace, &workload.name).copied(),
            _ => None,
        }
    }

    /// Between which numbers of pods `workload` is scaled.
    pub(crate) fn bounds(&self, workload: &Workload) -> Option<Bounds> {
        let mut autoscalers = self.autoscalers.by_name.values();
        autoscalers.find(|(scaled, _)| scaled == workload).map(|(_, bounds)| *bounds)
    }
}

/// `spec.replicas`, which is 1 where it is not given.
pub(crate) fn of_deployment(deployment: &Deployment) -> Option<i32> {
    Some(deployment.spec.as_ref()?.replicas.unwrap_or(1))
}

/// `spec.replicas`, which is 1 where it is not given.
pub(crate) fn of_stateful_set(set: &StatefulSet) -> Option<i32> {
    Some(set.spec.as_ref()?.replicas.unwrap_or(1))
}

/// What an autoscaler scales, and its bounds; the lower one is 1 where it is not given.
pub(crate) fn of_autoscaler(autoscaler: &HorizontalPodAutoscaler) -> Option<(Workload, Bounds)> {
    let spec = autoscaler.spec.as_ref()?;
    let workload = Workload {
        namespace: autoscaler.metadata.namespace.clone().unwrap_or_default(),
        kind: spec.scale_target_ref.kind.clone(),
        name: spec.scale_target_ref.name.clone(),
    };
    Some((workload, Bounds { min: spec.min_replicas.unwrap_or(1), max: spec.max_replicas }))
}
