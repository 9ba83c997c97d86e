//! Tests of replicas: which are in scope, which share a name, and the figures of the table.
use crate::data::discovery::inventory::Inventory;
use crate::data::replicas::fleet::*;
use catalogue::LINE_LABEL;
use catalogue::Window;
use catalogue::contract::ReplicaState;
use prometheus_api::{InstantValue, Number, Series};

const GRID: Grid = Grid { start_ms: 0, end_ms: 100_000, step_ms: 1000, window: Window::sliding(4000), settling_ms: 0 };

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn states(pairs: &[(&str, &str)], state: ReplicaState, runs: &[(i64, i64)]) -> StateSeries {
    let runs = runs.iter().map(|(first_s, last_s)| TimeRange::new(first_s * 1000, last_s * 1000)).collect();
    StateSeries { labels: Arc::new(labels(pairs)), state, runs }
}

fn fleet(states: &[StateSeries], model: Option<&str>, known: &[&str]) -> Vec<Replica> {
    let history = StateHistory {
        states,
        failures: &[],
        ready: &[],
        restarts: &[],
        grid: GRID,
        range: TimeRange::new(0, 100_000),
    };
    let scope = Scope { model: model.map(str::to_owned), ..Scope::default() };
    replicas(&history, &scope, &ScopeLabels::default(), &|name| known.contains(&name))
}

fn names(replicas: &[Replica]) -> Vec<&str> {
    replicas.iter().map(|replica| replica.name.as_str()).collect()
}

#[test]
fn a_replica_serves_a_model_if_it_did_at_any_time() {
    let all = [
        states(&[("replica", "a"), ("instance", "a")], ReplicaState::Pending, &[(0, 9)]),
        states(&[("replica", "a"), ("instance", "a"), ("model", "m")], ReplicaState::Running, &[(10, 100)]),
        states(&[("replica", "b"), ("instance", "b")], ReplicaState::Pending, &[(0, 100)]),
        states(&[("replica", "c"), ("instance", "c")], ReplicaState::Running, &[(0, 100)]),
    ];
    let of_model = fleet(&all, Some("m"), &["c"]);
    assert_eq!(names(&of_model), ["a", "c"]);
    assert_eq!((of_model[0].intervals.len(), of_model[0].model.as_str()), (2, "m"));
    assert_eq!(names(&fleet(&all, None, &[])), ["a", "b", "c"]);
}

#[test]
fn pods_count_that_serve_models_or_are_named_like_one_that_does() {
    let phase = |pod| states(&[("pod", pod), ("phase", "Pending")], ReplicaState::Pending, &[(0, 100)]);
    let all = [phase("llama-7d-a"), phase("llama-7d-b"), phase("dns-1-a")];
    assert_eq!(names(&fleet(&all, None, &["llama-7d-a"])), ["llama-7d-a", "llama-7d-b"]);
    assert_eq!(names(&fleet(&all, Some("m"), &["llama-7d-b"])), ["llama-7d-a", "llama-7d-b"]);
}

#[test]
fn two_replicas_of_one_name_are_separate_only_if_they_overlap() {
    let at = |instance, runs: &[(i64, i64)]| {
        states(&[("replica", "a"), ("instance", instance)], ReplicaState::Running, runs)
    };
    let moved = fleet(&[at("one:1", &[(0, 40)]), at("two:1", &[(50, 100)])], None, &[]);
    assert_eq!((names(&moved), moved[0].intervals.len()), (vec!["a"], 2));
    let both = fleet(&[at("one:1", &[(0, 60)]), at("two:1", &[(50, 100)])], None, &[]);
    assert_eq!(names(&both), ["a one:1", "a two:1"]);
}

#[test]
fn a_state_continues_through_a_gap_but_not_through_a_restart() {
    let range = TimeRange::new(0, 100_000);
    let all = [states(&[("replica", "a")], ReplicaState::Running, &[(10, 40), (60, 100)])];
    let mut one = fleet(&all, None, &[]).remove(0);
    assert_eq!(one.since(range), Some(StateStart { time_ms: 10_000, may_be_earlier: false }));
    let start = |time_ms, replica| ProcessStart { time_ms, replica };
    with_starts(std::slice::from_mut(&mut one), &[start(5000, "a"), start(55_000, "a"), start(56_000, "b")]);
    assert_eq!(
        (one.restart_count(), one.since(range)),
        (1, Some(StateStart { time_ms: 60_000, may_be_earlier: false }))
    );
    let longer = TimeRange::new(0, 200_000);
    assert_eq!((one.current(longer), one.gone_since(longer), one.gone_since(range)), (None, Some(100_000), None));
}

#[test]
fn the_table_has_the_figures_of_the_queries() {
    let vector = |pairs: &[&[(&str, &str)]], value: f64| {
        let one = |pairs: &&[(&str, &str)]| Series {
            metric: labels(pairs),
            samples: InstantValue { value: (0.0, Number(value)) },
        };
        Data::Vector(pairs.iter().map(one).collect())
    };
    let mut replicas = [Replica { replica: "a".into(), ..Replica::default() }];
    let info = [("replica", "a"), ("engine", "vllm"), ("version", "0.32"), ("instance", "h:1")];
    let before = [("replica", "a"), ("engine", "vllm"), ("version", "0.31")];
    let engines =
        [states(&before, ReplicaState::Running, &[(0, 50)]), states(&info, ReplicaState::Running, &[(51, 100)])];
    with_engines(&mut replicas, &engines, "replica", GRID.end_ms);
    let mut replicas = replicas.map(Arc::new);
    let load =
        vector(&[&[("replica", "a"), (LINE_LABEL, "running")], &[("replica", "z"), (LINE_LABEL, "running")]], 3.0);
    let volume = vector(&[&[("replica", "a"), (LINE_LABEL, "2xx")], &[("replica", "a"), (LINE_LABEL, "5xx")]], 1.5);
    let p95 = vector(&[&[("replica", "a"), (LINE_LABEL, "p95 · vLLM")]], f64::NAN);
    let answers = vec![("running-and-waiting", load), ("volume", volume), ("inter-token-latency", p95)];
    TableFigures(answers).put(&mut replicas, "replica");
    let one = &replicas[0];
    let figures = [ReplicaFigure::Running, ReplicaFigure::Waiting, ReplicaFigure::Requests, ReplicaFigure::InterToken];
    assert_eq!(figures.map(|figure| one.figures.of(figure)), [Some(3.0), None, Some(3.0), None]);
    assert_eq!((one.engine.as_str(), one.address.as_str()), ("vLLM 0.32", "h:1"));
}

#[test]
fn silent_replicas_of_a_model_deployment_are_those_that_never_answered() {
    let metric = labels(&[("__name__", "vllm:num_requests_running"), ("job", "engines"), ("instance", "e1")]);
    let running = Series { metric, samples: InstantValue { value: (0.0, Number(1.0)) } };
    let names = ScopeLabels::of_prometheus();
    let inventory = Inventory::from_vector(&[running], &names);
    let at = |job, instance, state| states(&[("job", job), ("instance", instance)], state, &[(0, 1)]);
    let all = [
        at("engines", "gone", Silent),
        at("engines", "back", Silent),
        at("engines", "back", ReplicaState::Running),
        at("nodes", "n2", Silent),
    ];
    let silent = silent_replicas(&all, &ModelTargets::new(&inventory, &Scope::default()), &names);
    assert_eq!(silent.into_iter().collect::<Vec<_>>(), ["gone"]);
}
