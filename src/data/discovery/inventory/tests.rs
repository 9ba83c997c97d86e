//! Tests of the inventory: models, what names none, unknown names, machines.
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
        let labels = [("__name__", name), ("model", model), ("environment", environment), ("deployment", deployment)];
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
    let about = [("up", "", "r1"), ("inferboard_cpu_seconds_total", "", "r1"), ("inferboard_replica_model", "a", "r1")];
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
