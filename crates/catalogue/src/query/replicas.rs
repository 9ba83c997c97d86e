//! The queries behind the replica timeline and the replica table.
use super::context::RenderedContext;
use super::selection::target_series;
use super::{QueryContext, graph as of_graph};
use crate::contract::names::{
    ENGINE_INFO, REPLICA_READY_SECONDS, REPLICA_RESTARTS_TOTAL, REPLICA_STATE, SCRAPE_FAILED,
};
use crate::graph;
use crate::promql_text::duration;

/// The range queries of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaQueries {
    /// One series for each replica and state, by the label `state` or `phase`, with 1 while the replica is in it; or `up`,
    /// with 1 for running and 0 for silent.
    pub states: String,
    /// Restarts since the previous step, if any, by `reason`. None if no metric counts them.
    pub restarts: Option<String>,
    /// Seconds from start to ready, at the first step at which a run is ready.
    pub ready: Option<String>,
    /// One series for each replica and scrape failure, while its scrapes fail. None if no scrape fails.
    pub failures: Option<String>,
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
    let states = match (has_states, present("up"), present(PHASE)) {
        (true, ..) => format!("last_over_time({REPLICA_STATE}{own}[{window}]) == 1"),
        (_, false, _) => return None,
        (_, _, false) => format!("last_over_time(up{own}[{window}])"),
        (_, _, true) => {
            let pods = matchers("pod");
            format!("last_over_time(up{own}[{window}]) or last_over_time({PHASE}{pods}[{window}]) == 1")
        }
    };
    let counter = match has_states {
        true => present(REPLICA_RESTARTS_TOTAL).then(|| format!("{REPLICA_RESTARTS_TOTAL}{own}")),
        false => present(POD_RESTARTS).then(|| format!("{POD_RESTARTS}{}", matchers("pod"))),
    };
    let ready = present(REPLICA_READY_SECONDS).then(|| format!("{REPLICA_READY_SECONDS}{own}"));
    Some(ReplicaQueries {
        failures: present(SCRAPE_FAILED).then(|| format!("{SCRAPE_FAILED}{own}")),
        states,
        restarts: counter.map(|counter| format!("{counter} - {counter} offset {step} > 0")),
        ready: ready.map(|ready| format!("{ready} unless ({ready} == {ready} offset {step})")),
    })
}

/// An instant query for the targets in scope whose scrapes fail, with the labels `reason` and `status`; None if there are
/// none. A target has no model before its first metrics page, so those without one match too.
pub fn failures_query(present: &dyn Fn(&str) -> bool, context: &QueryContext<'_>) -> Option<String> {
    let scope = || context.scope.lenient_matchers(context.labels, true);
    present(SCRAPE_FAILED).then(|| format!("{SCRAPE_FAILED}{{{}}}", scope()))
}

/// Instant queries for the table of replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaTableQueries {
    /// Running and waiting requests by replica. None without metrics, as for the next two.
    pub load: Option<String>,
    /// Processor use by replica.
    pub cpu: Option<String>,
    /// GPU use by replica.
    pub gpu: Option<String>,
    /// The engines with their versions.
    pub engines: String,
}

/// The queries for the table of replicas: the latest values of three graphs, and the engines.
pub fn replica_table_queries(present: &dyn Fn(&str) -> bool, context: &QueryContext<'_>) -> ReplicaTableQueries {
    let kept_labels: &[&str] = &[&context.labels.replica];
    let rendered = RenderedContext { kept_labels, ..RenderedContext::new(context, present) };
    let query = |id| of_graph::query(graph(id)?, &rendered, &|_| true);
    ReplicaTableQueries {
        load: query("running-and-waiting"),
        cpu: query("cpu-cores"),
        gpu: query("gpu"),
        engines: target_series(ENGINE_INFO, context.scope, context.labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scope, ScopeLabels};

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
        assert_eq!(queries.states, r#"last_over_time(inferboard_replica_state{model=~"|m",replica!=""}[60s]) == 1"#);
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
        assert_eq!((queries.states.as_str(), queries.restarts, queries.ready), (up, None, None));
        let queries = queries_of(&["up", PHASE, POD_RESTARTS], &labels).expect("queries");
        assert!(queries.states.starts_with(up) && queries.states.ends_with("== 1") && queries.restarts.is_some());
        assert_eq!(queries_of(&[PHASE], &labels), None);
    }

    #[test]
    fn failures_are_queried_of_targets_without_a_model_too() {
        let queries = queries_of(&["up", SCRAPE_FAILED], &ScopeLabels::default()).expect("queries");
        let failed = r#"inferboard_scrape_failed{model=~"|m",replica!=""}"#;
        assert_eq!(queries.failures.as_deref(), Some(failed));
        let (scope, labels) = (Scope { model: Some("m".into()), ..Scope::default() }, ScopeLabels::default());
        let context = QueryContext::of_moments(&scope, &labels, 60_000);
        let query = failures_query(&|name| name == SCRAPE_FAILED, &context);
        assert_eq!(query.as_deref(), Some(r#"inferboard_scrape_failed{model=~"|m"}"#));
        assert_eq!(failures_query(&|_| false, &context), None);
    }

    #[test]
    fn the_table_queries_present_metrics_by_replica() {
        let (scope, labels) = (Scope::default(), ScopeLabels::default());
        let context = QueryContext::of_moments(&scope, &labels, 60_000);
        let queries = replica_table_queries(&|name| name == "vllm:num_requests_running", &context);
        assert!(queries.load.is_some_and(|load| load.contains("replica") && load.contains("\"running\"")));
        assert_eq!((queries.cpu, queries.gpu), (None, None));
        assert_eq!(queries.engines, "inferboard_engine_info{}");
    }
}
