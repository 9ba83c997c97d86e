//! What tells series apart: their labels, and the key of scope and metrics page that these make.
use crate::wasm_size::sort::sort_by;
use crate::wasm_size::table::{Table, joined, parts};
use catalogue::{Scope, ScopeLabels};
use prometheus_api::{InstantValue, Series};
use std::collections::{BTreeMap, BTreeSet};

/// The labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;

/// The values of these labels, joined.
pub(crate) fn text_of(labels: &Labels, names: &[&str]) -> String {
    joined(names.iter().map(|name| labels.get(*name).map_or("", String::as_str)))
}

/// The labels without those of these names. Removing from a map adds more to the page than making a new one.
pub(crate) fn without(labels: &Labels, names: &[&str]) -> Labels {
    let mut others = Labels::new();
    for (name, value) in labels.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
        others.insert(name.clone(), value.clone());
    }
    others
}

/// A combination of model, environment, deployment and replica on one metrics page; a part is empty where the label is
/// absent. Keys are in order of their metrics pages: most of a fleet differ in that first, which makes comparing quick.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScopeKey {
    pub(crate) instance: String,
    pub(crate) replica: String,
    pub(crate) deployment: String,
    pub(crate) environment: String,
    pub(crate) model: String,
}

/// The four parts of a scope.
pub(crate) const PARTS: [fn(&mut Scope) -> &mut Option<String>; 4] = [
    |scope| &mut scope.model,
    |scope| &mut scope.environment,
    |scope| &mut scope.deployment,
    |scope| &mut scope.replica,
];

impl ScopeKey {
    pub(crate) fn of(metric: &Labels, labels: &ScopeLabels) -> Self {
        let label = |name: &str| metric.get(name).cloned().unwrap_or_default();
        let [model, environment, deployment, replica] = labels.all().map(label);
        Self { model, environment, deployment, replica, instance: label("instance") }
    }

    /// A key of a group, without replica and metrics page.
    pub(crate) fn of_group(group: &str) -> Self {
        let mut parts = parts(group).map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (model, environment, deployment) = (next(), next(), next());
        Self { model, environment, deployment, replica: String::new(), instance: String::new() }
    }

    /// Its model, environment and deployment, joined.
    pub(crate) fn group(&self) -> String {
        joined([self.model.as_str(), &self.environment, &self.deployment])
    }

    /// The four parts, widest scope first.
    pub(crate) fn parts(&self) -> [&str; 4] {
        [&self.model, &self.environment, &self.deployment, &self.replica]
    }

    /// The parts that the scope selects, each with the key's own.
    pub(crate) fn selected<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a str, &'a String)> {
        let wanted = [&scope.model, &scope.environment, &scope.deployment, &scope.replica];
        self.parts().into_iter().zip(wanted).filter_map(|(own, wanted)| Some((own, wanted.as_ref()?)))
    }

    /// Whether each part is absent, or the one that the scope selects.
    pub(crate) fn is_within(&self, scope: &Scope) -> bool {
        self.selected(scope).all(|(own, wanted)| own.is_empty() || *wanted == own)
    }

    /// What identifies the metrics page.
    pub(crate) fn page(&self) -> &str {
        if self.instance.is_empty() { &self.replica } else { &self.instance }
    }
}

/// Metric names by key, in order of the keys.
#[derive(Default)]
pub(crate) struct NamesByKey(pub(crate) Vec<(ScopeKey, BTreeSet<String>)>);

impl NamesByKey {
    /// Reads the answer to a query for names of keys.
    pub(crate) fn from_vector(vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let mut keys: Table<(ScopeKey, BTreeSet<String>)> = Table::default();
        for series in vector {
            let name = series.metric.get("__name__").cloned().unwrap_or_default();
            let key = ScopeKey::of(&series.metric, labels);
            let text = joined(key.parts().into_iter().chain([key.instance.as_str()]));
            keys.at(&text, (key, BTreeSet::new())).1.insert(name);
        }
        let mut keys = keys.into_values();
        sort_by(&mut keys, |a, b| a.0.cmp(&b.0));
        Self(keys)
    }
}
