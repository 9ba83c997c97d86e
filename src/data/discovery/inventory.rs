//! Which series exist: the metric names of each scope, from the answer to the discovery query.
use crate::data::discovery::machines::{host_of, of_scope};
use crate::wasm_size::sort::{set, sort_by};
use catalogue::contract::is_about_target;
use catalogue::contract::names::{OWN_MACHINE, REPLICA_MODEL, REPLICA_STATE, TARGET_ROLE};
use catalogue::{Engine, Graph, KnownSeries, Layer, Machines, Scope, ScopeLabels, detect, engine_of, has_data};
use prometheus_api::{InstantValue, Series};
use std::collections::{BTreeMap, BTreeSet};

/// The labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;

/// A combination of model, environment, deployment and replica on one metrics page; a part is empty where the label is
/// absent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScopeKey {
    pub(crate) model: String,
    pub(crate) environment: String,
    pub(crate) deployment: String,
    pub(crate) replica: String,
    pub(crate) instance: String,
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

/// What discovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    names: BTreeMap<ScopeKey, BTreeSet<String>>,
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
    /// Reads the answer to the discovery query.
    pub fn from_vector(vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let mut inventory = Self::default();
        for series in vector {
            let name = series.metric.get("__name__").cloned().unwrap_or_default();
            inventory.names.entry(ScopeKey::of(&series.metric, labels)).or_default().insert(name);
        }
        let named = inventory.names.keys().filter(|key| !key.model.is_empty());
        let mut served: Vec<_> = named.map(|key| (key.page().to_owned(), key.model.clone())).collect();
        sort_by(&mut served, Ord::cmp);
        let is_of_host = |name: &&String| {
            engine_of(name).is_some_and(|(_, own)| own.layer == Layer::Machine && own.replica_label.is_empty())
        };
        let host_names = set(set(inventory.names.values().flatten()).into_iter().filter(is_of_host).cloned());
        let pages = |is_wanted: &dyn Fn(&String) -> bool| {
            let own = inventory.names.iter().filter(|(_, names)| names.iter().any(is_wanted));
            set(own.map(|(key, _)| key.page().to_owned()))
        };
        let roles = pages(&|name| name == TARGET_ROLE);
        let machines = pages(&|name| host_names.contains(name));
        let own_machine = pages(&|name| name == OWN_MACHINE);
        Self { served, host_names, roles, machines, own_machine, ..inventory }
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
        let mut unnamed = self.names.iter().filter(|(key, _)| !key.replica.is_empty() && self.is_unnamed(key));
        unnamed.any(|(key, names)| names.iter().any(serves) && !self.has_role(key.page()))
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
        let own = self.names.iter().filter(|(key, names)| key.is_within(scope) && names.contains(metric));
        set(own.map(|(key, _)| key.replica.as_str()).filter(|replica| !replica.is_empty()))
    }

    fn values(&self, scope: &Scope, part: fn(&ScopeKey) -> &String) -> BTreeSet<&str> {
        let within = self.names.keys().filter(|key| key.is_within(scope) && self.may_be_of(key, scope));
        let values = within.map(|key| (key, part(key).as_str())).filter(|(_, value)| !value.is_empty());
        // The name of a gateway is that of no replica.
        set(values.filter(|(key, value)| *value != key.replica || !self.has_role(key.page())).map(|(_, value)| value))
    }

    /// Whether all replicas of a scope have a part of it, so that the only value of it stands for all.
    pub(crate) fn all_have(&self, scope: &Scope, part: usize) -> bool {
        let within = self.names.keys().filter(|key| key.is_within(scope) && self.may_be_of(key, scope));
        within.filter(|key| !key.replica.is_empty()).all(|key| part == 0 || !key.parts()[part].is_empty())
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
        let has_models = self.names.values().any(|names| names.contains(REPLICA_MODEL));
        let is_found = |name: &String| has_models && is_about_target(name) || self.host_names.contains(name);
        let mut unnamed =
            self.names.iter().filter(|(key, _)| key.model.is_empty() && !self.models_of(key.page()).is_empty());
        unnamed.all(|(_, names)| names.iter().all(is_found))
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
    fn counts(&self, key: &ScopeKey, name: &String, scope: &Scope, machines: &Machines) -> bool {
        if self.host_names.contains(name) {
            return machines.contains(key.page());
        }
        let is_found = scope.model.as_ref().is_none_or(|model| {
            *model == key.model
                || self.page_is_of(key.page(), model)
                || engine_of(name).is_some_and(|(_, engine)| engine.layer == Layer::Machine)
        });
        // A host has `up` too, but is no replica.
        is_found && (name != "up" || !key.replica.is_empty())
    }

    /// The engines that the metric names reveal, for each key within the scope. A key without a model does not count
    /// where the scope selects one.
    pub(crate) fn engines(&self, scope: &Scope) -> Vec<(&ScopeKey, &'static Engine)> {
        // The replicas of a fleet have the same few names: each name is looked up once.
        let mut signatures = Vec::new();
        for name in self.present(scope) {
            signatures.extend(engine_of(name).map(|(rank, engine)| (rank, name, engine)));
        }
        sort_by(&mut signatures, |a, b| a.0.cmp(&b.0));
        let has_model = |key: &ScopeKey| {
            let is_own = |own: &String| *own == key.model && (!own.is_empty() || self.is_unnamed(key));
            scope.model.as_ref().is_none_or(is_own)
        };
        let mut engines = Vec::new();
        for (key, names) in self.names.iter().filter(|(key, _)| key.is_within(scope) && has_model(key)) {
            let mut last_rank = usize::MAX;
            for (rank, name, engine) in &signatures {
                if *rank != last_rank && names.contains(*name) {
                    last_rank = *rank;
                    engines.push((key, *engine));
                }
            }
        }
        engines
    }

    /// Whether there are engines but no replica labels. Then the server names the scope by other labels.
    pub fn is_without_replicas(&self) -> bool {
        let names = self.names.values().flatten().map(String::as_str);
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
        let own = || self.names.iter().filter(|(key, _)| key.deployment == deployment && key.is_within(scope));
        has_data(graph, &|name| own().any(|(_, names)| names.contains(name)))
    }

    /// Those of some graphs that have metrics within the scope.
    pub fn fed<'g>(&self, graphs: impl Iterator<Item = &'g Graph>, scope: &Scope) -> impl Iterator<Item = &'g Graph> {
        let present = self.present(scope);
        graphs.filter(move |graph| has_data(graph, &|name| present.contains(name)))
    }

    /// The keys within the scope that have one of the metric names.
    pub(crate) fn keys_with(&self, scope: &Scope, names: &[String]) -> Vec<&ScopeKey> {
        let within = self.names.iter().filter(|(key, _)| key.is_within(scope));
        within.filter(|(_, own)| names.iter().any(|name| own.contains(name))).map(|(key, _)| key).collect()
    }

    /// The keys within the scope, each with one of its metric names.
    pub(crate) fn keys(&self, scope: &Scope) -> impl Iterator<Item = (&ScopeKey, &str)> {
        let within = self.names.iter().filter(|(key, _)| key.is_within(scope));
        within.filter_map(|(key, names)| Some((key, names.first()?.as_str())))
    }

    /// The metric names within the scope; none in a scope that nothing has.
    pub fn present(&self, scope: &Scope) -> BTreeSet<&str> {
        let mut present = BTreeSet::new();
        if self.unknown(scope).is_some() {
            return present;
        }
        let machines = self.machines(scope);
        for (key, names) in self.names.iter().filter(|(key, _)| key.is_within(scope)) {
            present.extend(names.iter().filter(|name| self.counts(key, name, scope, &machines)).map(String::as_str));
        }
        present
    }

    /// The keys that have every part that the scope selects; the model may be that of the metrics page.
    fn own_keys(&self, scope: &Scope) -> impl Iterator<Item = &ScopeKey> {
        let others = Scope { model: None, ..scope.clone() };
        self.names.keys().filter(move |key| {
            let is_of_model = |model: &String| *model == key.model || self.page_is_of(key.page(), model);
            key.selected(&others).all(|(own, wanted)| own == wanted) && scope.model.as_ref().is_none_or(is_of_model)
        })
    }
}

impl KnownSeries for Inventory {
    fn models(&self, name: &str) -> BTreeSet<&str> {
        let own = self.names.iter().filter(|(_, names)| names.contains(name));
        set(own.map(|(key, _)| key.model.as_str()))
    }

    fn machines(&self, scope: &Scope) -> Machines {
        let replicas = self.own_keys(scope).filter(|key| !key.replica.is_empty() && !self.has_role(key.page()));
        let hosts = set(replicas.map(|key| host_of(key.page())));
        // Machines may carry the labels of the scope themselves.
        let labelled = self.own_keys(scope).filter(|key| key.parts().iter().any(|part| !part.is_empty()));
        let labelled = set(labelled.map(ScopeKey::page));
        of_scope(&self.machines, &self.own_machine, &hosts, &labelled, scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::graph;
    use prometheus_api::Number;

    fn inventory(rows: &[(&str, &str, &str)]) -> Inventory {
        let vector: Vec<Series<InstantValue>> = rows
            .iter()
            .map(|(name, model, replica)| Series {
                metric: [("__name__", name), ("model", model), ("replica", replica)]
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(name, value)| (name.to_owned(), (*value).to_owned()))
                    .collect(),
                samples: InstantValue { value: (0.0, Number(1.0)) },
            })
            .collect();
        Inventory::from_vector(&vector, &ScopeLabels::default())
    }

    #[test]
    fn engines_without_replica_labels_are_noticed() {
        assert!(inventory(&[("up", "", ""), ("vllm:num_requests_running", "", "")]).is_without_replicas());
        assert!(!inventory(&[("vllm:num_requests_running", "", "r1")]).is_without_replicas());
        assert!(!inventory(&[("up", "", ""), ("node_memory_MemTotal_bytes", "", "")]).is_without_replicas());
    }

    #[test]
    fn models_and_replicas_are_listed() {
        let inventory = inventory(&[("up", "a", "r1"), ("up", "a", "r2"), ("up", "b", "r3"), ("up", "", "")]);
        assert_eq!(inventory.models().into_iter().collect::<Vec<_>>(), ["a", "b"]);
        let scope = Scope { model: Some("a".into()), replica: Some("r1".into()), ..Scope::default() };
        assert_eq!(inventory.replicas(&scope).into_iter().collect::<Vec<_>>(), ["r1", "r2"]);
    }

    #[test]
    fn deployments_are_compared_within_the_selected_model() {
        let row = |name: &str, model: &str, environment: &str, deployment: &str| {
            let labels =
                [("__name__", name), ("model", model), ("environment", environment), ("deployment", deployment)];
            let metric = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            Series { metric, samples: InstantValue { value: (0.0, Number(1.0)) } }
        };
        const RUNNING: &str = "vllm:num_requests_running";
        let rows = [
            row(RUNNING, "m", "live", "a"),
            row(RUNNING, "m", "live", "b"),
            row(RUNNING, "m", "test", "c"),
            row("up", "m", "live", "idle"),
            row(RUNNING, "other", "live", "d"),
        ];
        let inventory = Inventory::from_vector(&rows, &ScopeLabels::default());
        let graph = graph("running-and-waiting").expect("a graph");
        let scope = |model: &str, environment: &str, deployment: &str| {
            let part = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            Scope { model: part(model), environment: part(environment), deployment: part(deployment), replica: None }
        };
        for (model, environment, deployment, expected) in [
            ("m", "", "a", &["b", "c"][..]),
            ("m", "", "", &["a", "b", "c"]),
            ("m", "test", "", &["a", "b"]),
            ("other", "", "", &[]),
            ("", "", "a", &[]),
        ] {
            let scope = scope(model, environment, deployment);
            assert_eq!(inventory.comparable(graph, &scope), expected, "{scope:?}");
        }
        let scope_of = |name: &str| inventory.comparison_scope(graph, &scope("m", "live", "a"), name);
        assert_eq!(scope_of("b"), Some(scope("m", "live", "b")));
        assert_eq!(scope_of("c"), Some(scope("m", "", "c")));
        assert_eq!([scope_of("gone"), scope_of("idle"), scope_of("d")], [None, None, None]);
    }

    fn has(inventory: &Inventory, id: &str, model: Option<&str>) -> bool {
        let scope = Scope { model: model.map(str::to_owned), ..Scope::default() };
        inventory.fed(graph(id).into_iter(), &scope).next().is_some()
    }

    #[test]
    fn a_graph_has_data_where_its_metrics_are() {
        let inventory = inventory(&[
            ("vllm:num_requests_running", "a", "r1"),
            ("up", "b", "r3"),
            ("up", "", "r4"),
            ("llamacpp:requests_processing", "", "r4"),
            ("llamacpp:tokens_predicted_total", "", "r4"),
        ]);
        let has = |id: &str, model| has(&inventory, id, model);
        assert!(has("running-and-waiting", Some("a")) && !has("running-and-waiting", Some("b")));
        assert!(has("running-and-waiting", Some("")) && has("running-and-waiting", None));
        assert!(has("tokens-per-second", Some("")) && !has("tokens-per-second", Some("a")), "nothing is shared");
        assert!(!has("running-and-waiting", Some("gone")) && !has("replicas-answering", Some("gone")));
    }

    #[test]
    fn what_names_no_model_is_a_choice_of_its_own() {
        let named = ("vllm:num_requests_running", "a", "r1");
        let llama = ("llamacpp:requests_processing", "", "r2");
        let only = |rows: &[(&str, &str, &str)]| {
            let inventory = inventory(rows);
            (inventory.has_unnamed(), inventory.queried(&Scope::default()).model)
        };
        assert_eq!(only(&[named]), (false, Some("a".into())));
        assert_eq!(only(&[named, llama]), (true, None));
        assert_eq!(only(&[llama]), (true, None));
        assert_eq!(only(&[named, ("vllm:num_requests_running", "b", "r3")]), (false, None));
        // The scrapes and processes of a page that names a model belong to it, and are found by its replica.
        let about =
            [("up", "", "r1"), ("inferboard_cpu_seconds_total", "", "r1"), ("inferboard_replica_model", "a", "r1")];
        assert_eq!(only(&[&[named][..], &about].concat()), (false, Some("a".into())));
        // A plain Prometheus has counts that would not be found.
        assert_eq!(only(&[named, ("up", "", "r1"), ("http_requests_total", "", "r1")]), (false, None));
        // Machines, and what is in front, name no model and are none.
        let others = [("node_memory_MemTotal_bytes", "", ""), ("litellm_spend_metric_total", "", "")];
        assert_eq!(only(&[&[named][..], &others].concat()), (false, Some("a".into())));
        // A replica that starts may become any.
        assert_eq!(only(&[named, ("inferboard_replica_state", "", "r9")]), (true, None));
    }

    #[test]
    fn the_first_unknown_part_of_a_scope_is_found() {
        let inventory = inventory(&[("up", "a", "r1"), ("up", "b", "r2"), ("node_load1", "", "")]);
        let unknown = |model: Option<&str>, deployment: Option<&str>, replica: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let scope =
                Scope { model: text(model), deployment: text(deployment), replica: text(replica), environment: None };
            inventory.unknown(&scope)
        };
        assert_eq!(unknown(None, None, None), None);
        assert_eq!(unknown(Some("a"), None, Some("r1")), None);
        assert_eq!(unknown(Some("A"), None, None), Some(0));
        assert_eq!(unknown(Some(""), None, None), Some(0), "everything names its model");
        assert_eq!(unknown(Some("a"), Some("blue"), None), Some(2));
        assert_eq!(unknown(Some("a"), None, Some("r2")), Some(3), "it is of another model");
        assert_eq!(unknown(None, None, Some("r3")), Some(3));
        let scope = Scope { model: Some("gone".into()), ..Scope::default() };
        assert!(inventory.present(&scope).is_empty());
    }

    #[test]
    fn machines_are_those_of_the_replicas() {
        let row = |name: &str, model: &str, replica: &str, instance: &str| {
            let labels = [("__name__", name), ("model", model), ("replica", replica), ("instance", instance)];
            let metric = labels.into_iter().filter(|(_, value)| !value.is_empty());
            let metric = metric.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            Series { metric, samples: InstantValue { value: (0.0, Number(1.0)) } }
        };
        const MEMORY: [&str; 2] = ["node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"];
        let mut rows = vec![
            row("vllm:num_requests_running", "a", "a-1", "10.0.0.5:8000"),
            row("vllm:num_requests_running", "b", "b-1", "10.0.0.7:8000"),
            row(OWN_MACHINE, "", "", "here"),
        ];
        for machine in ["10.0.0.5:9100", "10.0.0.6:9100", "here"] {
            rows.extend(MEMORY.map(|name| row(name, "", "", machine)));
        }
        let found = Inventory::from_vector(&rows, &ScopeLabels::default());
        let of = |model: Option<&str>| found.machines(&Scope { model: model.map(str::to_owned), ..Scope::default() });
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!((of(Some("a")).of_replicas, of(Some("a")).apart), (Some(list(&["10.0.0.5:9100"])), list(&["here"])));
        assert_eq!(of(Some("b")).of_replicas, Some(Vec::new()));
        assert_eq!((of(None).of_replicas, of(None).apart), (None, list(&["here"])));
        let scope = Scope { model: Some("b".into()), replica: Some("b-1".into()), ..Scope::default() };
        assert!(found.fed(graph("memory").into_iter(), &scope).next().is_none(), "no machine of it is measured");
        rows.push(row("vllm:num_requests_running", "b", "b-2", "127.0.0.1:8000"));
        let found = Inventory::from_vector(&rows, &ScopeLabels::default());
        let machines = found.machines(&Scope { model: Some("b".into()), ..Scope::default() });
        assert_eq!(machines, Machines { of_replicas: Some(list(&["here"])), apart: Vec::new() });
    }
}
