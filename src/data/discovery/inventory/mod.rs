//! Which series exist: the metric names of each scope, from the answer to the discovery query.
use crate::data::discovery::machines::{host_of, of_scope};
use crate::wasm_size::sort::{set, sort_by};
use crate::wasm_size::table::{Table, joined, parts};
use catalogue::contract::is_about_target;
use catalogue::contract::names::{OWN_MACHINE, REPLICA_MODEL, REPLICA_STATE, TARGET_ROLE};
use catalogue::{Engine, Graph, Layer, Machines, Scope, ScopeLabels, detect, engine_of, has_data};
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
    fn selected<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a str, &'a String)> {
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

/// What decides, besides its name, whether a key's metric counts for the graphs of a scope.
#[derive(Clone, Copy, PartialEq, Eq)]
struct KeyFacts {
    /// Whether it or its metrics page has the model of the scope.
    is_of_model: bool,
    /// Whether it is a machine of the scope.
    is_on_machine: bool,
    has_replica: bool,
}

/// What discovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The metric names of each kind of key: a fleet has many keys, and few kinds of them.
    kinds: Vec<BTreeSet<String>>,
    /// Every key in order, with the index of its kind.
    keys: Vec<(ScopeKey, usize)>,
    /// The models of each metric's series; the empty text for series without one.
    models: Table<BTreeSet<String>>,
    /// Metrics pages with a model that some of their series name, in order.
    served: Vec<(String, String)>,
    /// The names that are about hosts and their GPUs.
    host_names: BTreeSet<String>,
    /// Metrics pages of gateways and exporters.
    roles: BTreeSet<String>,
    /// The machines, by their label `instance`.
    machines: BTreeSet<String>,
    /// The machine that the companion runs on, by the names that its sources have for it.
    own_machine: BTreeSet<String>,
}

impl Inventory {
    /// Reads the answer to the query for all names of all keys.
    pub fn from_vector(vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let (mut kinds, mut keys) = (Vec::<BTreeSet<String>>::new(), Vec::new());
        for (key, own) in NamesByKey::from_vector(vector, labels).0 {
            let kind = kinds.iter().position(|kind| *kind == own).unwrap_or_else(|| {
                kinds.push(own);
                kinds.len() - 1
            });
            keys.push((key, kind));
        }
        Self::of_kinds(kinds, keys)
    }

    /// An inventory of keys in order, with the index of each one's kind.
    pub(crate) fn of_kinds(kinds: Vec<BTreeSet<String>>, keys: Vec<(ScopeKey, usize)>) -> Self {
        let mut models: Table<BTreeSet<String>> = Table::default();
        for (kind, names) in kinds.iter().enumerate() {
            let own = set(keys.iter().filter(|(_, own)| *own == kind).map(|(key, _)| key.model.as_str()));
            for name in names {
                models.at(name, BTreeSet::new()).extend(own.iter().map(|model| (*model).to_owned()));
            }
        }
        let named = keys.iter().filter(|(key, _)| !key.model.is_empty());
        let mut served: Vec<_> = named.map(|(key, _)| (key.page().to_owned(), key.model.clone())).collect();
        sort_by(&mut served, Ord::cmp);
        let is_of_host = |name: &&str| {
            engine_of(name).is_some_and(|(_, own)| own.layer == Layer::Machine && own.replica_label.is_empty())
        };
        let host_names = set(models.iter().map(|(name, _)| name).filter(is_of_host).map(str::to_owned));
        let inventory = Self { kinds, keys, models, served, ..Self::default() };
        let roles = inventory.pages(&|names| names.contains(TARGET_ROLE));
        let machines = inventory.pages(&|names| host_names.iter().any(|name| names.contains(name)));
        let own_machine = inventory.pages(&|names| names.contains(OWN_MACHINE));
        Self { host_names, roles, machines, own_machine, ..inventory }
    }

    /// The metrics pages whose names pass a test.
    fn pages(&self, is_wanted: &dyn Fn(&BTreeSet<String>) -> bool) -> BTreeSet<String> {
        let wanted = self.kinds_where(is_wanted);
        set(self.keys.iter().filter(|(_, kind)| wanted[*kind]).map(|(key, _)| key.page().to_owned()))
    }

    /// For each kind whether its names pass a test.
    fn kinds_where(&self, is_wanted: &dyn Fn(&BTreeSet<String>) -> bool) -> Vec<bool> {
        self.kinds.iter().map(is_wanted).collect()
    }

    /// The keys within the scope, with the index of each one's kind.
    fn within<'a, 's>(&'a self, scope: &'s Scope) -> impl Iterator<Item = (&'a ScopeKey, usize)> + use<'a, 's> {
        self.keys.iter().filter(|(key, _)| key.is_within(scope)).map(|(key, kind)| (key, *kind))
    }

    /// The models in order.
    pub fn models(&self) -> BTreeSet<&str> {
        self.values(&Scope::default(), |key| &key.model)
    }

    /// Whether something serves that names no model.
    pub(crate) fn has_unnamed(&self) -> bool {
        let serves = |name: &String| {
            let is_engine = engine_of(name).is_some_and(|(_, engine)| engine.target_role().is_none());
            is_engine || name == REPLICA_STATE || name.starts_with("http_request")
        };
        let serving = self.kinds_where(&|names| names.iter().any(serves));
        let mut unnamed = self.keys.iter().filter(|(key, kind)| serving[*kind] && !key.replica.is_empty());
        unnamed.any(|(key, _)| self.is_unnamed(key) && !self.has_role(key.page()))
    }

    /// The environments of the selected model.
    pub fn environments(&self, scope: &Scope) -> BTreeSet<&str> {
        let scope = Scope { environment: None, deployment: None, replica: None, ..scope.clone() };
        self.values(&scope, |key| &key.environment)
    }

    /// The deployments of the selected model and environment.
    pub fn deployments(&self, scope: &Scope) -> BTreeSet<&str> {
        self.values(&Scope { deployment: None, replica: None, ..scope.clone() }, |key| &key.deployment)
    }

    /// The replicas of the selected model, environment and deployment.
    pub fn replicas(&self, scope: &Scope) -> BTreeSet<&str> {
        self.values(&Scope { replica: None, ..scope.clone() }, |key| &key.replica)
    }

    /// The replicas within the scope that have a metric.
    pub(crate) fn replicas_with(&self, metric: &str, scope: &Scope) -> BTreeSet<&str> {
        let having = self.kinds_where(&|names| names.contains(metric));
        let own = self.within(scope).filter(|(_, kind)| having[*kind]);
        set(own.map(|(key, _)| key.replica.as_str()).filter(|replica| !replica.is_empty()))
    }

    fn values(&self, scope: &Scope, part: fn(&ScopeKey) -> &String) -> BTreeSet<&str> {
        let within = self.within(scope).map(|(key, _)| key).filter(|key| self.may_be_of(key, scope));
        let values = within.map(|key| (key, part(key).as_str())).filter(|(_, value)| !value.is_empty());
        // The name of a gateway is that of no replica.
        set(values.filter(|(key, value)| *value != key.replica || !self.has_role(key.page())).map(|(_, value)| value))
    }

    /// Whether all replicas of a scope have a part of it, so that the only value of it stands for all.
    pub(crate) fn all_have(&self, scope: &Scope, part: usize) -> bool {
        let mut within = self.within(scope).map(|(key, _)| key).filter(|key| self.may_be_of(key, scope));
        within.all(|key| key.replica.is_empty() || part == 0 || !key.parts()[part].is_empty())
    }

    /// The number of the first part of the scope that nothing has: 0 for the model to 3 for the replica.
    pub(crate) fn unknown(&self, scope: &Scope) -> Option<usize> {
        let known = |at| match at {
            0 => self.models(),
            1 => self.environments(scope),
            2 => self.deployments(scope),
            _ => self.replicas(scope),
        };
        (0..PARTS.len()).find(|at| match PARTS[*at](&mut scope.clone()).as_deref() {
            None => false,
            Some("") => *at > 0 || !self.has_unnamed(),
            Some(wanted) => !known(*at).contains(wanted),
        })
    }

    /// The scope that is queried: where everything is of one model, that model, so that what appears later without its
    /// name is not counted under it.
    pub(crate) fn queried(&self, scope: &Scope) -> Scope {
        let mut only = self.models().into_iter();
        let model = match (scope.model.is_none(), only.next(), only.next()) {
            (true, Some(model), None) if !self.has_unnamed() && self.is_complete() => Some(model.to_owned()),
            _ => scope.model.clone(),
        };
        Scope { model, ..scope.clone() }
    }

    /// Whether all series that could name the model do so, or are found by their replica.
    fn is_complete(&self) -> bool {
        let has_models = self.kinds.iter().any(|names| names.contains(REPLICA_MODEL));
        let is_found = |name: &String| has_models && is_about_target(name) || self.host_names.contains(name);
        let found = self.kinds_where(&|names| names.iter().all(is_found));
        let mut others = self.keys.iter().filter(|(key, kind)| !found[*kind] && key.model.is_empty());
        others.all(|(key, _)| self.models_of(key.page()).is_empty())
    }

    /// The models that some series of a metrics page name, with the page.
    pub(crate) fn models_of(&self, page: &str) -> &[(String, String)] {
        let first = self.served.partition_point(|(own, _)| own.as_str() < page);
        let count = self.served[first..].partition_point(|(own, _)| own == page);
        &self.served[first..first + count]
    }

    fn is_unnamed(&self, key: &ScopeKey) -> bool {
        key.model.is_empty() && self.models_of(key.page()).is_empty()
    }

    /// Whether a target is no replica: a gateway or an exporter.
    pub(crate) fn has_role(&self, page: &str) -> bool {
        self.roles.contains(page)
    }

    /// Whether a target with these labels is of the model: it has its label, or series of its metrics page have.
    pub(crate) fn is_of_model(&self, metric: &Labels, labels: &ScopeLabels, model: &str) -> bool {
        let key = ScopeKey::of(metric, labels);
        if key.model.is_empty() { self.page_is_of(key.page(), model) } else { key.model == model }
    }

    fn page_is_of(&self, page: &str, model: &str) -> bool {
        let served = self.models_of(page);
        served.is_empty() && model.is_empty() || served.iter().any(|(_, own)| own == model)
    }

    /// Whether series without a model may be of that of the scope: those of a page that names no model at all may.
    fn may_be_of(&self, key: &ScopeKey, scope: &Scope) -> bool {
        scope
            .model
            .as_ref()
            .is_none_or(|model| *model == key.model || self.is_unnamed(key) || self.page_is_of(key.page(), model))
    }

    /// Whether a metric counts for the graphs of a scope.
    fn counts(&self, name: &String, key: KeyFacts) -> bool {
        if self.host_names.contains(name) {
            return key.is_on_machine;
        }
        let is_of_machine = || engine_of(name).is_some_and(|(_, engine)| engine.layer == Layer::Machine);
        // A host has `up` too, but is no replica.
        (key.is_of_model || is_of_machine()) && (name != "up" || key.has_replica)
    }

    /// The engines that the metric names reveal, for each key within the scope, innermost first. A key without a model
    /// does not count where the scope selects one.
    pub(crate) fn engines(&self, scope: &Scope) -> Vec<(&ScopeKey, &'static Engine)> {
        // Each name is looked up once.
        let mut signatures = Vec::new();
        for name in self.present(scope) {
            signatures.extend(engine_of(name).map(|(rank, engine)| (rank, name, engine)));
        }
        sort_by(&mut signatures, |a, b| a.0.cmp(&b.0));
        let engines_of = |names: &BTreeSet<String>| {
            let mut own = Vec::new();
            for (rank, name, engine) in &signatures {
                if own.last().is_none_or(|(last, _)| last != rank) && names.contains(*name) {
                    own.push((*rank, *engine));
                }
            }
            own
        };
        let engines: Vec<_> = self.kinds.iter().map(engines_of).collect();
        let has_model = |key: &ScopeKey| {
            let is_own = |own: &String| *own == key.model && (!own.is_empty() || self.is_unnamed(key));
            scope.model.as_ref().is_none_or(is_own)
        };
        let mut all = Vec::new();
        for (key, kind) in self.within(scope).filter(|(key, _)| has_model(key)) {
            all.extend(engines[kind].iter().map(|(_, engine)| (key, *engine)));
        }
        all
    }

    /// Whether there are engines but no replica labels. Then the server names the scope by other labels.
    pub fn is_without_replicas(&self) -> bool {
        let names = self.models.iter().map(|(name, _)| name);
        self.replicas(&Scope::default()).is_empty() && detect(names).iter().any(|engine| engine.layer < Layer::Proxy)
    }

    /// The deployments that a graph can be compared with: the others of the selected model that have its metrics. Empty
    /// while several models are in scope.
    pub fn comparable(&self, graph: &Graph, scope: &Scope) -> Vec<String> {
        let model = Scope { model: scope.model.clone(), ..Scope::default() };
        if scope.model.is_none() && self.models().len() > 1 {
            return Vec::new();
        }
        let within = self.deployments(scope);
        // Where there is only one deployment, the graph shows it without its being selected.
        let is_shown = |name: &str| match &scope.deployment {
            Some(own) => own == name,
            None => within.len() == 1 && within.contains(name),
        };
        let mut others = Vec::new();
        for name in self.deployments(&model) {
            if !is_shown(name) && self.feeds(graph, &model, name) {
                others.push(name.to_owned());
            }
        }
        others
    }

    /// The scope of another deployment, in the selected environment if it exists there and in any other if not. None
    /// where it has no metrics of the graph.
    pub fn comparison_scope(&self, graph: &Graph, scope: &Scope, deployment: &str) -> Option<Scope> {
        let is_here = self.deployments(scope).contains(deployment);
        let (model, environment) = (scope.model.clone(), scope.environment.clone().filter(|_| is_here));
        let other = Scope { model, environment, deployment: Some(deployment.to_owned()), replica: None };
        self.feeds(graph, &other, deployment).then_some(other)
    }

    /// Whether metrics of a graph within the scope carry the name of a deployment; those of machines may carry none.
    fn feeds(&self, graph: &Graph, scope: &Scope, deployment: &str) -> bool {
        let mut is_own = vec![false; self.kinds.len()];
        for (_, kind) in self.within(scope).filter(|(key, _)| key.deployment == deployment) {
            is_own[kind] = true;
        }
        has_data(graph, &|name| self.kinds.iter().zip(&is_own).any(|(kind, is_own)| *is_own && kind.contains(name)))
    }

    /// Those of some graphs that have metrics within the scope.
    pub fn fed<'g>(&self, graphs: impl Iterator<Item = &'g Graph>, scope: &Scope) -> impl Iterator<Item = &'g Graph> {
        let present = self.present(scope);
        graphs.filter(move |graph| has_data(graph, &|name| present.contains(name)))
    }

    /// The keys within the scope that have one of the metric names.
    pub(crate) fn keys_with<'a, 's>(
        &'a self,
        scope: &'s Scope,
        names: &[String],
    ) -> impl Iterator<Item = &'a ScopeKey> + use<'a, 's> {
        let having = self.kinds_where(&|own| names.iter().any(|name| own.contains(name)));
        self.within(scope).filter(move |(_, kind)| having[*kind]).map(|(key, _)| key)
    }

    /// The keys within the scope, each with one of its metric names.
    pub(crate) fn keys<'a, 's>(
        &'a self,
        scope: &'s Scope,
    ) -> impl Iterator<Item = (&'a ScopeKey, &'a str)> + use<'a, 's> {
        self.within(scope).filter_map(|(key, kind)| Some((key, self.kinds[kind].first()?.as_str())))
    }

    /// The metric names within the scope; none in a scope that nothing has.
    pub fn present(&self, scope: &Scope) -> BTreeSet<&str> {
        self.present_on(scope, &self.machines(scope))
    }

    /// As [`Inventory::present`], where the machines of the scope are known.
    pub(crate) fn names_within(&self, scope: &Scope, machines: &Machines) -> BTreeSet<String> {
        set(self.present_on(scope, machines).into_iter().map(str::to_owned))
    }

    fn present_on(&self, scope: &Scope, machines: &Machines) -> BTreeSet<&str> {
        let mut present = BTreeSet::new();
        if self.unknown(scope).is_some() {
            return present;
        }
        let has_hosts = self.kinds_where(&|names| self.host_names.iter().any(|name| names.contains(name)));
        let mut seen = Vec::new();
        for (key, kind) in self.within(scope) {
            let is_of_model = |model: &String| *model == key.model || self.page_is_of(key.page(), model);
            let facts = KeyFacts {
                is_of_model: scope.model.as_ref().is_none_or(is_of_model),
                is_on_machine: has_hosts[kind] && machines.contains(key.page()),
                has_replica: !key.replica.is_empty(),
            };
            // Of the same kind and with the same facts, the same names count.
            if !seen.contains(&(kind, facts)) {
                seen.push((kind, facts));
                let own = self.kinds[kind].iter().filter(|name| self.counts(name, facts));
                present.extend(own.map(String::as_str));
            }
        }
        present
    }

    /// The keys that have every part that the scope selects; the model may be that of the metrics page.
    fn own_keys(&self, scope: &Scope) -> impl Iterator<Item = &ScopeKey> {
        let others = Scope { model: None, ..scope.clone() };
        self.keys.iter().map(|(key, _)| key).filter(move |key| {
            let is_of_model = |model: &String| *model == key.model || self.page_is_of(key.page(), model);
            key.selected(&others).all(|(own, wanted)| own == wanted) && scope.model.as_ref().is_none_or(is_of_model)
        })
    }
}

impl Inventory {
    /// The models of a metric's series; the empty text for series without one.
    pub(crate) fn models_with(&self, name: &str) -> BTreeSet<&str> {
        set(self.models.get(name).into_iter().flatten().map(String::as_str))
    }

    /// The machines of a scope.
    pub(crate) fn machines(&self, scope: &Scope) -> Machines {
        let replicas = self.own_keys(scope).filter(|key| !key.replica.is_empty() && !self.has_role(key.page()));
        let hosts = set(replicas.map(|key| host_of(key.page())));
        // Machines may carry the labels of the scope themselves.
        let labelled = self.own_keys(scope).filter(|key| key.parts().iter().any(|part| !part.is_empty()));
        let labelled = set(labelled.map(ScopeKey::page));
        of_scope(&self.machines, &self.own_machine, &hosts, &labelled, scope)
    }
}

#[cfg(test)]
mod tests;
