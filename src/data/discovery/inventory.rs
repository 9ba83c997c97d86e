//! What is there: metric names by scope, from the one discovery query.
use crate::wasm_size::sort::{set, sort_by};
use catalogue::{Engine, Graph, Layer, Scope, ScopeLabels, detect, engine_of, has_data};
use prometheus_api::{InstantValue, Series};
use std::collections::{BTreeMap, BTreeSet};

/// What discovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The metric names of each combination of model, environment, deployment and replica; empty for a label that is
    /// absent.
    names: BTreeMap<[String; 4], BTreeSet<String>>,
}

impl Inventory {
    /// Reads the answer to the discovery query.
    pub fn from_vector(vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let mut names: BTreeMap<[String; 4], BTreeSet<String>> = BTreeMap::new();
        for series in vector {
            let label = |name: &str| series.metric.get(name).cloned().unwrap_or_default();
            names.entry(labels.all().map(label)).or_default().insert(label("__name__"));
        }
        Self { names }
    }

    /// The models, in order.
    pub fn models(&self) -> BTreeSet<&str> {
        self.values(0, &Scope::default())
    }

    /// The environments of what is selected.
    pub fn environments(&self, scope: &Scope) -> BTreeSet<&str> {
        self.values(1, &Scope { environment: None, deployment: None, replica: None, ..scope.clone() })
    }

    /// The deployments of what is selected.
    pub fn deployments(&self, scope: &Scope) -> BTreeSet<&str> {
        self.values(2, &Scope { deployment: None, replica: None, ..scope.clone() })
    }

    /// The replicas of what is selected.
    pub fn replicas(&self, scope: &Scope) -> BTreeSet<&str> {
        self.values(3, &Scope { replica: None, ..scope.clone() })
    }

    /// The engines that metrics tell of, of each combination of model, environment, deployment and replica within the
    /// scope that has the very model.
    pub(crate) fn engines(&self, scope: &Scope) -> Vec<(&[String; 4], &'static Engine)> {
        // Fleets have the same few names over and over: each is looked at once.
        let mut signs = Vec::new();
        for name in self.present(scope) {
            signs.extend(engine_of(name).map(|(rank, engine)| (rank, name, engine)));
        }
        sort_by(&mut signs, |a, b| a.0.cmp(&b.0));
        let is_its = |key: &[String; 4]| is_within(key, scope) && scope.model.as_ref().is_none_or(|own| *own == key[0]);
        let mut found = Vec::new();
        for (key, names) in self.names.iter().filter(|(key, _)| is_its(key)) {
            let mut last = usize::MAX;
            for (rank, name, engine) in &signs {
                if *rank != last && names.contains(*name) {
                    last = *rank;
                    found.push((key, *engine));
                }
            }
        }
        found
    }

    /// Whether there are engines, but nothing that tells their replicas apart: then the server names the scope in other
    /// words.
    pub fn is_without_replicas(&self) -> bool {
        let names = self.names.values().flatten().map(String::as_str);
        self.replicas(&Scope::default()).is_empty() && detect(names).iter().any(|engine| engine.layer < Layer::Proxy)
    }

    /// The deployments that a graph can be compared with: those of the model in view that feed it, without the one in
    /// view. None while several models are.
    pub fn comparable(&self, graph: &Graph, scope: &Scope) -> Vec<String> {
        let model = Scope { model: scope.model.clone(), ..Scope::default() };
        if scope.model.is_none() && self.models().len() > 1 {
            return Vec::new();
        }
        let within = self.deployments(scope);
        // All of one is that one.
        let is_in_view = |name: &str| match &scope.deployment {
            Some(own) => own == name,
            None => within.len() == 1 && within.contains(name),
        };
        let mut others = Vec::new();
        for name in self.deployments(&model) {
            if !is_in_view(name) && self.feeds(graph, &model, name) {
                others.push(name.to_owned());
            }
        }
        others
    }

    /// The scope of another deployment: in the environment that is selected where it is there, and else wherever it is.
    /// None where it does not feed the graph.
    pub fn beside(&self, graph: &Graph, scope: &Scope, deployment: &str) -> Option<Scope> {
        let is_here = self.deployments(scope).contains(deployment);
        let (model, environment) = (scope.model.clone(), scope.environment.clone().filter(|_| is_here));
        let other = Scope { model, environment, deployment: Some(deployment.to_owned()), replica: None };
        self.feeds(graph, &other, deployment).then_some(other)
    }

    /// Whether metrics of a graph within the scope carry the name of a deployment; those of machines may carry none.
    fn feeds(&self, graph: &Graph, scope: &Scope, deployment: &str) -> bool {
        let own = || self.names.iter().filter(|(key, _)| key[2] == deployment && is_within(key, scope));
        has_data(graph, &|name| own().any(|(_, names)| names.contains(name)))
    }

    fn values(&self, at: usize, scope: &Scope) -> BTreeSet<&str> {
        let within = self.names.keys().filter(|key| is_within(key, scope));
        set(within.map(|key| key[at].as_str()).filter(|value| !value.is_empty()))
    }

    /// Whether a graph has metrics within the scope. What carries no scope labels, such as a host, is in every scope.
    pub fn has(&self, graph: &Graph, scope: &Scope) -> bool {
        let within: Vec<_> = self.names.iter().filter(|(key, _)| is_within(key, scope)).collect();
        has_data(graph, &|name| within.iter().any(|(key, names)| counts(key, name) && names.contains(name)))
    }

    /// The metric names within the scope.
    pub fn present(&self, scope: &Scope) -> BTreeSet<&str> {
        let within = self.names.iter().filter(|(key, _)| is_within(key, scope));
        let names = within.flat_map(|(key, names)| names.iter().map(move |name| (key, name.as_str())));
        set(names.filter(|(key, name)| counts(key, name)).map(|(_, name)| name))
    }
}

/// A host is scraped too, but answers for no replica.
fn counts(key: &[String; 4], name: &str) -> bool {
    name != "up" || !key[3].is_empty()
}

fn is_within(key: &[String; 4], scope: &Scope) -> bool {
    let selected = [&scope.model, &scope.environment, &scope.deployment, &scope.replica];
    key.iter().zip(selected).all(|(own, wanted)| own.is_empty() || wanted.as_ref().is_none_or(|wanted| wanted == own))
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
    fn engines_whose_replicas_have_no_name_are_noticed() {
        assert!(inventory(&[("up", "", ""), ("vllm:num_requests_running", "", "")]).is_without_replicas());
        assert!(!inventory(&[("vllm:num_requests_running", "", "r1")]).is_without_replicas());
        assert!(!inventory(&[("up", "", ""), ("node_memory_MemTotal_bytes", "", "")]).is_without_replicas());
    }

    #[test]
    fn models_and_replicas_are_those_that_have_metrics() {
        let inventory = inventory(&[("up", "a", "r1"), ("up", "a", "r2"), ("up", "b", "r3"), ("up", "", "")]);
        assert_eq!(inventory.models().into_iter().collect::<Vec<_>>(), ["a", "b"]);
        let scope = Scope { model: Some("a".into()), replica: Some("r1".into()), ..Scope::default() };
        assert_eq!(inventory.replicas(&scope).into_iter().collect::<Vec<_>>(), ["r1", "r2"]);
    }

    #[test]
    fn deployments_are_compared_within_the_model_in_view() {
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
        let beside = |name: &str| inventory.beside(graph, &scope("m", "live", "a"), name);
        assert_eq!(beside("b"), Some(scope("m", "live", "b")));
        assert_eq!(beside("c"), Some(scope("m", "", "c")));
        assert_eq!([beside("gone"), beside("idle"), beside("d")], [None, None, None]);
    }

    #[test]
    fn a_graph_shows_where_its_metrics_are() {
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
