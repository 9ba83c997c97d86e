//! The desired number of pods of each workload, and the bounds of its autoscaler.
use crate::sources::kubernetes::pod::Workload;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::runtime::watcher::Event;
use std::collections::BTreeMap;

/// A value for each object of one kind, by namespace and name. It is empty if the companion may not read that kind.
#[derive(Debug)]
pub(crate) struct ObjectIndex<T> {
    by_name: BTreeMap<String, T>,
    /// A list that is being received.
    listed: BTreeMap<String, T>,
}

impl<T> Default for ObjectIndex<T> {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), listed: BTreeMap::new() }
    }
}

impl<T> ObjectIndex<T> {
    /// Applies an event of a watch. `read` derives the value of an object.
    pub(crate) fn apply<K: kube::ResourceExt>(&mut self, event: Event<K>, read: impl Fn(&K) -> Option<T>) {
        let key = |object: &K| format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => self.listed.extend(read(&object).map(|value| (key(&object), value))),
            Event::InitDone => self.by_name = std::mem::take(&mut self.listed),
            Event::Apply(object) => match read(&object) {
                Some(value) => drop(self.by_name.insert(key(&object), value)),
                None => drop(self.by_name.remove(&key(&object))),
            },
            Event::Delete(object) => drop(self.by_name.remove(&key(&object))),
        }
    }

    fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        self.by_name.get(&format!("{namespace}/{name}"))
    }
}

/// The minimum and maximum number of pods of an autoscaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) min: i32,
    pub(crate) max: i32,
}

/// How the workloads of a cluster are scaled.
#[derive(Debug, Default)]
pub(crate) struct Scale {
    pub(crate) deployments: ObjectIndex<i32>,
    pub(crate) stateful_sets: ObjectIndex<i32>,
    pub(crate) autoscalers: ObjectIndex<Autoscaler>,
}

/// A horizontal pod autoscaler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Autoscaler {
    workload: Workload,
    bounds: Bounds,
}

impl Scale {
    /// How many pods `workload` should have.
    pub(crate) fn desired(&self, workload: &Workload) -> Option<i32> {
        match workload.kind.as_str() {
            "Deployment" => self.deployments.get(&workload.namespace, &workload.name).copied(),
            "StatefulSet" => self.stateful_sets.get(&workload.namespace, &workload.name).copied(),
            _ => None,
        }
    }

    /// The bounds of the autoscaler of `workload`.
    pub(crate) fn bounds(&self, workload: &Workload) -> Option<Bounds> {
        let mut autoscalers = self.autoscalers.by_name.values();
        autoscalers.find(|autoscaler| autoscaler.workload == *workload).map(|autoscaler| autoscaler.bounds)
    }
}

/// `spec.replicas`, by default 1.
pub(crate) fn of_deployment(deployment: &Deployment) -> Option<i32> {
    Some(deployment.spec.as_ref()?.replicas.unwrap_or(1))
}

/// `spec.replicas`, by default 1.
pub(crate) fn of_stateful_set(set: &StatefulSet) -> Option<i32> {
    Some(set.spec.as_ref()?.replicas.unwrap_or(1))
}

/// The workload that an autoscaler scales, and its bounds, of which the minimum is 1 by default.
pub(crate) fn of_autoscaler(autoscaler: &HorizontalPodAutoscaler) -> Option<Autoscaler> {
    let spec = autoscaler.spec.as_ref()?;
    let workload = Workload {
        namespace: autoscaler.metadata.namespace.clone().unwrap_or_default(),
        kind: spec.scale_target_ref.kind.clone(),
        name: spec.scale_target_ref.name.clone(),
    };
    let bounds = Bounds { min: spec.min_replicas.unwrap_or(1), max: spec.max_replicas };
    Some(Autoscaler { workload, bounds })
}
