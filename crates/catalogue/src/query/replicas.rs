//! The queries behind the replica timeline and the replica table.
use super::changes::changes_with_sum;
use super::context::{MAX_QUERY_BYTES, RenderedContext};
use super::models::PERCENTILE;
use super::selection::{Selection, target_series};
use super::{QueryContext, graph as of_graph, shape};
use crate::Graph;
use crate::contract::names::{
    ENGINE_INFO, REPLICA_READY_SECONDS, REPLICA_RESTARTS_TOTAL, REPLICA_STATE, SCRAPE_FAILED,
};
use crate::engines::EngineRecipe;
use crate::promql_text::duration;
use crate::scope::one_of;

/// A query whose answer is kept: what there is at one time, and then what changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangingQuery {
    /// An instant query for what there is.
    pub all: String,
    /// A range query for what has changed since the previous step, [`GONE`](super::GONE) for what is not there any more,
    /// and the sum of all as the line [`ALL_LINE`](super::ALL_LINE).
    pub changes: String,
}

impl ChangingQuery {
    /// `of` writes the expression at an offset, which is empty or such as ` offset 5s`.
    fn new(step_ms: i64, of: impl Fn(&str) -> String) -> Self {
        let (all, before) = (of(""), of(&format!(" offset {}", duration(step_ms))));
        Self { changes: changes_with_sum(&all, &before), all }
    }
}

/// The queries of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaQueries {
    /// One series for each replica and state, by the label `state` or `phase`, with 1 while the replica is in it; or `up`,
    /// with 1 for running and 0 for silent.
    pub states: ChangingQuery,
    /// A range query for restarts since the previous step, if any, by `reason`. None if no metric counts them.
    pub restarts: Option<String>,
    /// A range query for seconds from start to ready, at the first step at which a run is ready.
    pub ready: Option<String>,
    /// One series for each replica and scrape failure, while its scrapes fail. None if no scrape fails.
    pub failures: Option<ChangingQuery>,
    /// One series for each replica and engine with its version.
    pub engines: ChangingQuery,
}

const PHASE: &str = "kube_pod_status_phase";
const POD_RESTARTS: &str = "kube_pod_container_status_restarts_total";

/// The queries of the timeline for steps of `step_ms`; None if not even `up` is present. A replica has no model before
/// its first metrics page, so series without one match too.
pub fn replica_queries(
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
    step_ms: i64,
) -> Option<ReplicaQueries> {
    let (window, step) = (duration(context.window.length_ms), duration(step_ms));
    let matchers = |replica: &str| {
        let lenient = context.scope.lenient_matchers(context.labels, true);
        let comma = if lenient.is_empty() { "" } else { "," };
        format!("{{{lenient}{comma}{replica}!=\"\"}}")
    };
    let own = matchers(&context.labels.replica);
    let has_states = present(REPLICA_STATE);
    let last = |selector: &str, offset: &str| format!("last_over_time({selector}[{window}]{offset})");
    let states = ChangingQuery::new(step_ms, |offset| {
        let up = last(&format!("up{own}"), offset);
        match (has_states, present(PHASE)) {
            (true, _) => format!("{} == 1", last(&format!("{REPLICA_STATE}{own}"), offset)),
            (false, false) => up,
            (false, true) => format!("{up} or {} == 1", last(&format!("{PHASE}{}", matchers("pod")), offset)),
        }
    });
    if !has_states && !present("up") {
        return None;
    }
    let counter = match has_states {
        true => present(REPLICA_RESTARTS_TOTAL).then(|| format!("{REPLICA_RESTARTS_TOTAL}{own}")),
        false => present(POD_RESTARTS).then(|| format!("{POD_RESTARTS}{}", matchers("pod"))),
    };
    let ready = present(REPLICA_READY_SECONDS).then(|| format!("{REPLICA_READY_SECONDS}{own}"));
    let failures = || ChangingQuery::new(step_ms, |offset| format!("{SCRAPE_FAILED}{own}{offset}"));
    Some(ReplicaQueries {
        failures: present(SCRAPE_FAILED).then(failures),
        states,
        restarts: counter.map(|counter| format!("{counter} - {counter} offset {step} > 0")),
        ready: ready.map(|ready| format!("{ready} unless ({ready} == {ready} offset {step})")),
        engines: ChangingQuery::new(step_ms, |offset| {
            target_series(ENGINE_INFO, context.scope, context.labels, offset)
        }),
    })
}

/// An instant query for the lines of a graph by replica, of some replicas only or of all: of latencies the 95th percentile.
/// Over the last `range_ms`, or as they are at a moment. None if the graph has no such data.
pub fn replica_figures_query(
    graph: &Graph,
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
    replicas: Option<&[String]>,
    range_ms: Option<i64>,
) -> Option<String> {
    let kept_labels: &[&str] = &[&context.labels.replica];
    let moment = RenderedContext::new(context, present);
    let moment = RenderedContext { kept_labels, percentiles: &PERCENTILE, is_summary: true, ..moment };
    let all = match range_ms {
        Some(range_ms) => moment.over_range(range_ms),
        None => moment,
    };
    let some = replicas.map(|replicas| all.of_replicas(replicas));
    let is_wanted = |(_, recipe): EngineRecipe| range_ms.is_none() || shape::is_over_window(recipe);
    // What would be too long for the names of replicas is asked of all.
    let whole = some.as_ref().and_then(|some| of_graph::whole_query(graph, some, &is_wanted));
    let whole = whole.filter(|query| query.len() <= MAX_QUERY_BYTES);
    whole.or_else(|| of_graph::query(graph, &all, &is_wanted))
}

impl RenderedContext<'_> {
    /// The same for some replicas only.
    fn of_replicas(&self, replicas: &[String]) -> Self {
        let narrowed = |matchers: &String| {
            let comma = if matchers.is_empty() { "" } else { "," };
            format!("{matchers}{comma}{}=~{}", self.replica_label, one_of(replicas))
        };
        let targets = self
            .target_selections
            .iter()
            .map(|Selection { matchers, filter }| Selection { matchers: narrowed(matchers), filter: filter.clone() });
        Self {
            matchers: narrowed(&self.matchers),
            target_selections: targets.collect(),
            machine_replica_matchers: narrowed(&self.machine_replica_matchers),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scope, ScopeLabels, graph};

    fn queries_of(names: &[&str], labels: &ScopeLabels) -> Option<ReplicaQueries> {
        let scope = Scope { model: Some("m".into()), ..Scope::default() };
        let context = QueryContext::of_moments(&scope, labels, 60_000);
        replica_queries(&|name| names.contains(&name), &context, 15_000)
    }

    #[test]
    fn states_are_queried_with_and_without_a_model() {
        let queries =
            queries_of(&["up", REPLICA_STATE, REPLICA_RESTARTS_TOTAL, REPLICA_READY_SECONDS], &ScopeLabels::default())
                .expect("queries");
        let states = r#"last_over_time(inferboard_replica_state{model=~"|m",replica!=""}[60s]) == 1"#;
        assert_eq!(queries.states.all, states);
        let before = states.replace("[60s]", "[60s] offset 15s");
        assert_eq!(queries.states.changes, changes_with_sum(states, &before));
        let counter = r#"inferboard_replica_restarts_total{model=~"|m",replica!=""}"#;
        assert_eq!(queries.restarts, Some(format!("{counter} - {counter} offset 15s > 0")));
        assert!(queries.ready.is_some_and(|ready| ready.contains(" unless (")));
        assert_eq!(queries.failures, None, "no scrape fails");
    }

    #[test]
    fn a_plain_prometheus_is_queried_for_targets_that_are_up() {
        let labels = ScopeLabels { replica: "pod".into(), ..ScopeLabels::default() };
        let up = r#"last_over_time(up{model=~"|m",pod!=""}[60s])"#;
        let queries = queries_of(&["up"], &labels).expect("queries");
        assert_eq!((queries.states.all.as_str(), queries.restarts, queries.ready), (up, None, None));
        let queries = queries_of(&["up", PHASE, POD_RESTARTS], &labels).expect("queries");
        let states = queries.states.all;
        assert!(states.starts_with(up) && states.ends_with("== 1") && queries.restarts.is_some());
        assert_eq!(queries_of(&[PHASE], &labels), None);
    }

    #[test]
    fn failures_are_queried_of_targets_without_a_model_too() {
        let queries = queries_of(&["up", SCRAPE_FAILED], &ScopeLabels::default()).expect("queries");
        let failed = r#"inferboard_scrape_failed{model=~"|m",replica!=""}"#;
        assert_eq!(queries.failures.map(|failures| failures.all).as_deref(), Some(failed));
    }

    #[test]
    fn figures_are_those_of_each_replica() {
        let (scope, labels) = (Scope::default(), ScopeLabels::default());
        let context = QueryContext::of_moments(&scope, &labels, 60_000);
        let present = |name: &str| name.starts_with("vllm:");
        let of = |id, names: Option<&[String]>, range_ms| {
            replica_figures_query(graph(id).expect("a graph"), &present, &context, names, range_ms)
        };
        let load = of("running-and-waiting", None, None).expect("a query");
        assert!(load.contains("replica") && load.contains("\"running\"") && load.contains("\"waiting\""), "{load}");
        assert_eq!(of("cpu-cores", None, None), None);
        let names = ["a".to_owned(), "b.1".to_owned()];
        let some = of("running-and-waiting", Some(&names), None).expect("a query");
        assert!(some.contains(r#"replica=~"a|b\\.1"}"#), "{some}");
        let long: Vec<String> = (0..400).map(|at| format!("a-replica-with-a-name-that-takes-room-{at}")).collect();
        assert_eq!(of("running-and-waiting", Some(&long), None), Some(load), "too many to be named");
        let latency = of("time-to-first-token", None, Some(900_000)).expect("a query");
        assert!(latency.contains("sum by (le, replica)") && latency.contains("[900s]"), "{latency}");
        assert_eq!(latency.matches("histogram_quantile(").count(), 1, "{latency}");
    }
}
