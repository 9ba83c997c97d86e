//! Which targets serve models, judged by their metric names: a plain Prometheus knows targets of all kinds.
use crate::data::discovery::inventory::{Inventory, Labels};
use crate::wasm_size::table::Table;
use catalogue::contract::names::REPLICA_STATE;
use catalogue::{Engine, Layer, Scope, ScopeLabels, role_of};
use std::collections::BTreeSet;

/// The targets within a scope that serve models.
pub(crate) struct ModelTargets<'a> {
    inventory: &'a Inventory,
    /// Replicas with the engines that their metrics reveal, innermost first.
    engines: Table<Vec<&'static Engine>>,
    deployments: BTreeSet<&'a str>,
    /// The replicas of which the server itself records states, if it does so. Exporters and gateways have none.
    with_states: BTreeSet<&'a str>,
}

impl<'a> ModelTargets<'a> {
    /// The replicas in scope that have metrics of an engine.
    pub(crate) fn new(inventory: &'a Inventory, scope: &Scope) -> Self {
        let with_states = inventory.replicas_with(REPLICA_STATE, scope);
        let (mut engines, mut deployments) = (Table::<Vec<_>>::default(), BTreeSet::new());
        let found = inventory.engines(scope);
        for of_page in found.chunk_by(|one, other| one.0.page() == other.0.page()) {
            // Gateways, exporters and the agents of nodes are no replicas.
            let titles: Vec<&Engine> = of_page.iter().map(|(_, engine)| *engine).collect();
            if titles.iter().all(|engine| engine.layer >= Layer::Proxy) || role_of(&titles).is_some() {
                continue;
            }
            for (key, engine) in of_page.iter().filter(|(_, engine)| engine.layer < Layer::Proxy) {
                engines.at(&key.replica, Vec::new()).push(*engine);
                deployments.insert(key.deployment.as_str());
            }
        }
        Self { inventory, engines, deployments, with_states }
    }

    /// Whether a replica has metrics of an engine.
    pub(crate) fn contains(&self, replica: &str) -> bool {
        self.engines.get(replica).is_some()
    }

    /// Whether targets that serve models have to be told from others by their metrics.
    pub(crate) fn is_needed(&self) -> bool {
        self.with_states.is_empty() && !self.engines.is_empty()
    }

    /// Whether a target that does not answer, and so has no metrics, belongs to a deployment that serves models.
    pub(crate) fn shares_deployment(&self, labels: &Labels, names: &ScopeLabels) -> bool {
        labels.get(&names.deployment).is_some_and(|own| !own.is_empty() && self.deployments.contains(own.as_str()))
    }

    /// Whether a target with these labels counts as a replica of the scope.
    pub(crate) fn counts(&self, labels: &Labels, is_up: bool, names: &ScopeLabels, scope: &Scope) -> bool {
        let Some(replica) = labels.get(&names.replica) else { return false };
        if self.is_needed() {
            return self.contains(replica) || !is_up && self.shares_deployment(labels, names);
        }
        if !self.with_states.is_empty() && !self.with_states.contains(replica.as_str()) {
            return false;
        }
        let [_, others @ ..] = names.all();
        let mut parts = others.into_iter().zip([&scope.environment, &scope.deployment, &scope.replica]);
        parts.all(|(name, wanted)| wanted.is_none() || labels.get(name) == wanted.as_ref())
            && scope.model.as_ref().is_none_or(|model| self.inventory.is_of_model(labels, names, model))
            && !self.inventory.has_role(labels.get("instance").unwrap_or(replica))
    }

    /// The names of a replica's engines.
    pub(crate) fn engines(&self, replica: &str) -> String {
        let mut titles: Vec<&str> = Vec::new();
        for engine in self.engines.get(replica).into_iter().flatten() {
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
    use prometheus_api::{InstantValue, Number, Series};

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

    fn model(model: &str) -> Scope {
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
    fn a_model_target_has_metrics_of_an_engine_with_the_model() {
        let inventory = inventory(&FLEET);
        let all = ModelTargets::new(&inventory, &Scope::default());
        assert!(
            all.contains("e1")
                && all.contains("e2")
                && !all.contains("n1")
                && !all.contains("p1")
                && !all.contains("gone")
        );
        let one = ModelTargets::new(&inventory, &model("b"));
        assert!(!one.contains("e1") && one.contains("e2"));
        assert_eq!((one.engines("e2").as_str(), all.engines("n1").as_str()), ("SGLang", ""));
        assert_eq!(all.engines("e1"), "vLLM, Dynamo");
    }

    #[test]
    fn a_plain_prometheus_counts_model_targets_and_silent_ones_of_their_deployment() {
        let (inventory, names) = (inventory(&FLEET), ScopeLabels::of_prometheus());
        let counts = |scope: &Scope, job: &str, instance: &str, is_up| {
            let own = labels(&[("job", job), ("instance", instance)]);
            ModelTargets::new(&inventory, scope).counts(&own, is_up, &names, scope)
        };
        let all = Scope::default();
        assert!(counts(&all, "engines", "e1", true) && counts(&all, "engines", "gone", false));
        assert!(!counts(&all, "nodes", "n1", true) && !counts(&all, "nodes", "n2", false));
        assert!(!counts(&all, "engines", "new", true), "it answers, and has no engine");
        assert!(counts(&model("a"), "engines", "e1", true) && !counts(&model("a"), "engines", "e2", true));
    }

    #[test]
    fn all_targets_in_scope_count_if_none_serve_or_the_companion_exports_states() {
        let own = |model: &str| labels(&[("model_name", model), ("instance", "x")]);
        let names = ScopeLabels::of_prometheus();
        for rows in
            [&[("up", "", "", "x")][..], &[(REPLICA_STATE, "a", "", "x"), ("vllm:num_requests_running", "a", "", "y")]]
        {
            let inventory = inventory(rows);
            let counts = |scope: &Scope, labels: &Labels| {
                ModelTargets::new(&inventory, scope).counts(labels, true, &names, scope)
            };
            assert!(counts(&Scope::default(), &own("a")) && counts(&model("a"), &own("a")));
            let exporter = labels(&[("instance", "node-exporter:9100")]);
            assert_eq!(counts(&Scope::default(), &exporter), rows.len() == 1, "it has no states");
            assert!(!counts(&model("a"), &own("b")) && !counts(&Scope::default(), &labels(&[("job", "host")])));
        }
    }
}
