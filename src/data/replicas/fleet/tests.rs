//! Tests of replicas: who is in scope, who goes by one name, and what stands in the table.
use crate::data::replicas::fleet::*;
use catalogue::LINE_LABEL;
use catalogue::contract::ReplicaState;
use prometheus_api::Number;

const POINTS: Points = Points { start_ms: 0, end_ms: 100_000, step_ms: 1000, window_ms: 4000 };

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn told(pairs: &[(&str, &str)], state: ReplicaState, runs: &[(i64, i64)]) -> Told {
    let runs = runs.iter().map(|(first_s, last_s)| (first_s * 1000, last_s * 1000)).collect();
    Told { labels: labels(pairs), state, runs }
}

fn fleet(told: &[Told], model: Option<&str>, known: &[&str]) -> Vec<Replica> {
    let seen = Seen { told, ready: &[], restarts: &[], points: POINTS, range: (0, 100_000) };
    let scope = Scope { model: model.map(str::to_owned), ..Scope::default() };
    replicas(&seen, &scope, &ScopeLabels::default(), &|name| known.contains(&name))
}

fn names(replicas: &[Replica]) -> Vec<&str> {
    replicas.iter().map(|replica| replica.name.as_str()).collect()
}

#[test]
fn a_replica_is_of_a_model_if_it_was_at_any_time() {
    let told = [
        told(&[("replica", "a"), ("instance", "a")], ReplicaState::Pending, &[(0, 9)]),
        told(&[("replica", "a"), ("instance", "a"), ("model", "m")], ReplicaState::Running, &[(10, 100)]),
        told(&[("replica", "b"), ("instance", "b")], ReplicaState::Pending, &[(0, 100)]),
        told(&[("replica", "c"), ("instance", "c")], ReplicaState::Running, &[(0, 100)]),
    ];
    let of_model = fleet(&told, Some("m"), &["c"]);
    assert_eq!(names(&of_model), ["a", "c"]);
    assert_eq!((of_model[0].spans.len(), of_model[0].model.as_str()), (2, "m"));
    assert_eq!(names(&fleet(&told, None, &[])), ["a", "b", "c"]);
}

#[test]
fn of_all_pods_those_count_that_serve_or_are_made_like_one_that_does() {
    let phase = |pod| told(&[("pod", pod), ("phase", "Pending")], ReplicaState::Pending, &[(0, 100)]);
    let told = [phase("llama-7d-a"), phase("llama-7d-b"), phase("dns-1-a")];
    assert_eq!(names(&fleet(&told, None, &["llama-7d-a"])), ["llama-7d-a", "llama-7d-b"]);
    assert_eq!(names(&fleet(&told, Some("m"), &["llama-7d-b"])), ["llama-7d-a", "llama-7d-b"]);
}

#[test]
fn two_of_one_name_are_told_apart_only_where_both_are_there() {
    let at =
        |instance, runs: &[(i64, i64)]| told(&[("replica", "a"), ("instance", instance)], ReplicaState::Running, runs);
    let moved = fleet(&[at("one:1", &[(0, 40)]), at("two:1", &[(50, 100)])], None, &[]);
    assert_eq!((names(&moved), moved[0].spans.len()), (vec!["a"], 2));
    let both = fleet(&[at("one:1", &[(0, 60)]), at("two:1", &[(50, 100)])], None, &[]);
    assert_eq!(names(&both), ["a one:1", "a two:1"]);
}

#[test]
fn a_state_goes_on_through_a_hole_but_not_through_a_restart() {
    let range = (0, 100_000);
    let told = [told(&[("replica", "a")], ReplicaState::Running, &[(10, 40), (60, 100)])];
    let mut one = fleet(&told, None, &[]).remove(0);
    assert_eq!(one.since(range), Some((10_000, false)));
    with_starts(std::slice::from_mut(&mut one), &[(5000, "a"), (55_000, "a"), (56_000, "b")]);
    assert_eq!((one.restart_count(), one.since(range)), (1, Some((60_000, false))));
    assert_eq!(one.current((0, 200_000)), None);
}

#[test]
fn the_table_has_what_the_queries_gave() {
    let vector = |pairs: &[&[(&str, &str)]], value: f64| {
        let one = |pairs: &&[(&str, &str)]| Series {
            metric: labels(pairs),
            samples: InstantValue { value: (0.0, Number(value)) },
        };
        Some(Data::Vector(pairs.iter().map(one).collect()))
    };
    let mut replicas = [Replica { replica: "a".into(), ..Replica::default() }];
    let load =
        vector(&[&[("replica", "a"), (LINE_LABEL, "running")], &[("replica", "z"), (LINE_LABEL, "running")]], 3.0);
    let engines = vector(&[&[("replica", "a"), ("engine", "vllm"), ("version", "0.32"), ("instance", "h:1")]], 1.0);
    with_details(&mut replicas, [load, None, vector(&[], 0.0), engines], "replica");
    let one = &replicas[0];
    assert_eq!((one.running, one.waiting, one.cores), (Some(3.0), None, None));
    assert_eq!((one.engine.as_str(), one.address.as_str()), ("vLLM 0.32", "h:1"));
}
