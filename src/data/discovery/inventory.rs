//! Which series exist: the metric names of each scope, from the answer to the discovery query.
use crate::wasm_size::sort::{set, sort_by};
use catalogue::{Engine, Graph, Layer, Scope, ScopeLabels, detect, engine_of, has_data};
use prometheus_api::{InstantValue, Series};
use std::collections::{BTreeMap, BTreeSet};

/// The labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;

/// A combination of model, environment, deployment and replica; a part is empty where the label is absent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScopeKey {
    pub(crate) model: String,
    pub(crate) environment: String,
    pub(crate) deployment: String,
    pub(crate) replica: String,
}

impl ScopeKey {
    pub(crate) fn of(metric: &Labels, labels: &ScopeLabels) -> Self {
        let label = |name: &str| metric.get(name).cloned().unwrap_or_default();
        let [model, environment, deployment, replica] = labels.all().map(label);
        Self { model, environment, deployment, replica }
    }

    /// The four parts, widest scope first.
    pub(crate) fn parts(&self) -> [&str; 4] {
        [&self.model, &self.environment, &self.deployment, &self.replica]
    }

    /// Whether each part is absent, or the one that the scope selects.
    pub(crate) fn is_within(&self, scope: &Scope) -> bool {
        let parts = [
            (&self.model, &scope.model),
            (&self.environment, &scope.environment),
            (&self.deployment, &scope.deployment),
            (&self.replica, &scope.replica),
        ];
        parts.into_iter().all(|(own, wanted)| own.is_empty() || wanted.as_ref().is_none_or(|wanted| wanted == own))
    }

    /// Whether a metric counts for the graphs: a host has `up` too, but is no replica.
    fn counts(&self, metric_name: &str) -> bool {
        metric_name != "up" || !self.replica.is_empty()
    }
}

/// What discovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    names: BTreeMap<ScopeKey, BTreeSet<String>>,
}

impl Inventory {
    /// Reads the answer to the discovery query.
    pub fn from_vector(vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let mut names: BTreeMap<ScopeKey, BTreeSet<String>> = BTreeMap::new();
        for series in vector {
            let name = series.metric.get("__name__").cloned().unwrap_or_default();
            names.entry(ScopeKey::of(&series.metric, labels)).or_default().insert(name);
        }
        Self { names }
    }

    /// The models in order.
    pub fn models(&self) -> BTreeSet<&str> {
        self.values(&Scope::default(), |key| &key.model)
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

    fn values(&self, scope: &Scope, part: fn(&ScopeKey) -> &String) -> BTreeSet<&str> {
        let within = self.names.keys().filter(|key| key.is_within(scope));
        set(within.map(|key| part(key).as_str()).filter(|value| !value.is_empty()))
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
        let has_model = |key: &ScopeKey| scope.model.as_ref().is_none_or(|own| *own == key.model);
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

    /// Whether a graph has metrics within the scope. Metrics without scope labels, such as a host's, are in every scope.
    pub fn has(&self, graph: &Graph, scope: &Scope) -> bool {
        let within: Vec<_> = self.names.iter().filter(|(key, _)| key.is_within(scope)).collect();
        has_data(graph, &|name| within.iter().any(|(key, names)| key.counts(name) && names.contains(name)))
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

    /// The metric names within the scope.
    pub fn present(&self, scope: &Scope) -> BTreeSet<&str> {
        let within = self.names.iter().filter(|(key, _)| key.is_within(scope));
        let names = within.flat_map(|(key, names)| names.iter().map(move |name| (key, name.as_str())));
        set(names.filter(|(key, name)| key.counts(name)).map(|(_, name)| name))
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

    #[test]
    fn a_graph_has_data_where_its_metrics_are() {
        let inventory = inventory(&[
            ("vllm:num_requests_running", "a", "r1"),
            ("up", "b", "r3"),
            ("node_memory_MemTotal_bytes", "", ""),
            ("node_memory_MemAvailable_bytes", "", ""),
        ]);
        let has = |id, model: &str| {
            let scope = Scope { model: Some(model.into()), ..Scope::default() };
            inventory.has(graph(id).expect("a graph"), &scope)
        };
        assert!(has("running-and-waiting", "a") && !has("running-and-waiting", "b"));
        assert!(has("memory", "a") && has("memory", "b"));
    }
}
