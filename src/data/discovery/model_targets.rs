//! Which of the targets serve models, by the names of their metrics: a plain Prometheus knows targets of all kinds.
use crate::data::discovery::inventory::Inventory;
use crate::data::replicas::intervals::{Labels, Told};
use catalogue::contract::ReplicaState::Silent;
use catalogue::contract::names::REPLICA_STATE;
use catalogue::{Engine, Layer, Scope, ScopeLabels};
use std::collections::BTreeSet;

/// Those that serve within a scope.
#[derive(Default)]
pub(crate) struct Serving<'a> {
    /// Each with the engines that its metrics tell of, innermost first.
    engines: Vec<(&'a str, &'static Engine)>,
    replicas: BTreeSet<&'a str>,
    deployments: BTreeSet<&'a str>,
    /// Whether the server tells itself which of its targets are replicas.
    is_told: bool,
}

impl<'a> Serving<'a> {
    /// By what was found: replicas that have metrics of an engine, with the model that is selected.
    pub(crate) fn new(inventory: &'a Inventory, scope: &Scope) -> Self {
        let mut serving = Self { is_told: inventory.present(scope).contains(REPLICA_STATE), ..Self::default() };
        for ([_, _, deployment, replica], engine) in inventory.engines(scope) {
            if engine.layer < Layer::Proxy {
                serving.engines.push((replica, engine));
                serving.replicas.insert(replica);
                serving.deployments.insert(deployment);
            }
        }
        serving
    }

    /// Whether a replica has metrics of an engine.
    pub(crate) fn has(&self, replica: &str) -> bool {
        self.replicas.contains(replica)
    }

    /// Whether targets that serve are to be told from others here.
    pub(crate) fn is_needed(&self) -> bool {
        !self.is_told && !self.replicas.is_empty()
    }

    /// Whether what does not answer, and so has no metrics, belongs to those that serve: it is deployed with some.
    fn is_beside(&self, labels: &Labels, names: &ScopeLabels) -> bool {
        labels.get(&names.deployment).is_some_and(|own| !own.is_empty() && self.deployments.contains(own.as_str()))
    }

    /// Whether a target with these labels counts as a replica of the scope.
    pub(crate) fn counts(&self, labels: &Labels, is_up: bool, names: &ScopeLabels, scope: &Scope) -> bool {
        let Some(replica) = labels.get(&names.replica) else { return false };
        if self.is_needed() {
            return self.has(replica) || !is_up && self.is_beside(labels, names);
        }
        let selected = [&scope.model, &scope.environment, &scope.deployment, &scope.replica];
        let mut all = names.all().into_iter().zip(selected);
        all.all(|(name, wanted)| wanted.is_none() || labels.get(name) == wanted.as_ref())
    }

    /// The replicas that belong to those that serve, and did not answer at any time.
    pub(crate) fn silent(&self, told: &[Told], names: &ScopeLabels) -> BTreeSet<String> {
        let mut silent = BTreeSet::new();
        let told = || told.iter().filter_map(|told| Some((told.labels.get(&names.replica)?, told)));
        for (replica, _) in told().filter(|(_, told)| told.state == Silent && self.is_beside(&told.labels, names)) {
            silent.insert(replica.clone());
        }
        for (replica, _) in told().filter(|(_, told)| told.state != Silent) {
            silent.remove(replica);
        }
        silent
    }

    /// The engines of a replica by their names.
    pub(crate) fn engines(&self, replica: &str) -> String {
        let mut titles: Vec<&str> = Vec::new();
        for (_, engine) in self.engines.iter().filter(|(own, _)| *own == replica) {
            if !titles.contains(&engine.title) {
                titles.push(engine.title);
            }
        }
        titles.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::contract::ReplicaState::Running;
    use prometheus_api::{Number, InstantValue, Series};

    fn labels(all: &[(&str, &str)]) -> Labels {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn inventory(rows: &[(&str, &str, &str, &str)]) -> Inventory {
        let series = |(name, model, job, instance): &(&str, &str, &str, &str)| {
            let mut metric = labels(&[("__name__", name), ("model_name", model), ("job", job), ("instance", instance)]);
            metric.retain(|_, value| !value.is_empty());
            Series { metric, samples: InstantValue { value: (0.0, Number(1.0)) } }
        };
        let vector: Vec<_> = rows.iter().map(series).collect();
        Inventory::from_vector(&vector, &ScopeLabels::of_prometheus())
    }

    fn of(model: &str) -> Scope {
        Scope { model: Some(model.into()), ..Scope::default() }
    }

    const FLEET: [(&str, &str, &str, &str); 9] = [
        ("vllm:num_requests_running", "a", "engines", "e1"),
        ("vllm:num_requests_waiting", "a", "engines", "e1"),
        ("dynamo_frontend_requests_total", "a", "engines", "e1"),
        ("up", "", "engines", "e1"),
        ("sglang:num_running_reqs", "b", "engines", "e2"),
        ("nginx_connections_active", "", "proxies", "p1"),
        ("node_load1", "", "nodes", "n1"),
        ("up", "", "engines", "gone"),
        ("up", "", "nodes", "n2"),
    ];

    #[test]
    fn who_serves_has_metrics_of_an_engine_under_the_model() {
        let inventory = inventory(&FLEET);
        let all = Serving::new(&inventory, &Scope::default());
        assert!(all.has("e1") && all.has("e2") && !all.has("n1") && !all.has("p1") && !all.has("gone"));
        let one = Serving::new(&inventory, &of("b"));
        assert!(!one.has("e1") && one.has("e2"));
        assert_eq!((one.engines("e2").as_str(), all.engines("n1").as_str()), ("SGLang", ""));
        assert_eq!(all.engines("e1"), "vLLM, Dynamo");
    }

    #[test]
    fn of_a_plain_prometheus_only_what_serves_counts_and_what_is_silent_beside_it() {
        let (inventory, names) = (inventory(&FLEET), ScopeLabels::of_prometheus());
        let counts = |scope: &Scope, job: &str, instance: &str, is_up| {
            let own = labels(&[("job", job), ("instance", instance)]);
            Serving::new(&inventory, scope).counts(&own, is_up, &names, scope)
        };
        let all = Scope::default();
        assert!(counts(&all, "engines", "e1", true) && counts(&all, "engines", "gone", false));
        assert!(!counts(&all, "nodes", "n1", true) && !counts(&all, "nodes", "n2", false));
        assert!(!counts(&all, "engines", "new", true), "it answers, and tells of no engine");
        let told = |job: &str, instance: &str, state| Told {
            labels: labels(&[("job", job), ("instance", instance)]),
            state,
            runs: vec![(0, 1)],
        };
        let told = [
            told("engines", "gone", Silent),
            told("engines", "back", Silent),
            told("engines", "back", Running),
            told("nodes", "n2", Silent),
        ];
        let silent = Serving::new(&inventory, &all).silent(&told, &names);
        assert_eq!(silent.into_iter().collect::<Vec<_>>(), ["gone"]);
        assert!(counts(&of("a"), "engines", "e1", true) && !counts(&of("a"), "engines", "e2", true));
    }

    #[test]
    fn where_nothing_serves_or_the_companion_tells_all_in_scope_count() {
        let own = |model: &str| labels(&[("model_name", model), ("instance", "x")]);
        let names = ScopeLabels::of_prometheus();
        for rows in
            [&[("up", "", "", "x")][..], &[(REPLICA_STATE, "a", "", "x"), ("vllm:num_requests_running", "a", "", "y")]]
        {
            let inventory = inventory(rows);
            let counts =
                |scope: &Scope, labels: &Labels| Serving::new(&inventory, scope).counts(labels, true, &names, scope);
            assert!(counts(&Scope::default(), &own("a")) && counts(&of("a"), &own("a")));
            assert!(!counts(&of("a"), &own("b")) && !counts(&Scope::default(), &labels(&[("job", "host")])));
        }
    }
}
