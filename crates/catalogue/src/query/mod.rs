//! The queries of the page and the exports, made from graphs and recipes.
mod buckets;
mod context;
mod graph;
mod layers;
mod naming;
mod presence;
mod replicas;
mod selection;
mod shape;
mod window;

pub use buckets::{BucketSource, BucketsQuery, BucketsUse, buckets_query};
pub use context::QueryContext;
pub use replicas::{ReplicaQueries, ReplicaTableQueries, failures_query, replica_queries, replica_table_queries};
pub use window::{BOUND_LABEL, COUNTING_QUERY, Counting, LOWER_BOUND, Peaks, UPPER_BOUND, Window, WindowKind};

pub(crate) use presence::{NeededNames, is_present, needed};

use crate::contract::names::{ENGINE_INFO, PROCESS_START_TIME};
use crate::engines::recipes;
use crate::promql_text::{duration, quoted};
use crate::{Engine, GRAPHS, Graph, Line, LineRole, Recipe, Scope, ScopeLabels, Summary};
use context::RenderedContext;
use selection::target_series;

/// The percentiles that are drawn: name and quantile.
pub const PERCENTILES: [(&str, &str); 4] = [("p50", "0.5"), ("p90", "0.9"), ("p95", "0.95"), ("p99", "0.99")];

/// Whether a data line of `graph` has metrics among those present.
pub fn has_data(graph: &Graph, present: &dyn Fn(&str) -> bool) -> bool {
    let mut data = recipes(graph.id).iter().filter(|(_, recipe)| role(graph, recipe) == LineRole::Data);
    data.any(|(engine, recipe)| is_present(engine, recipe, present))
}

/// The graphs that the present metrics of an engine feed.
pub fn fed_by(engine: &Engine, present: &dyn Fn(&str) -> bool) -> Vec<&'static Graph> {
    let is_fed = |graph: &Graph| {
        let mut data = recipes(graph.id).iter().filter(|(other, _)| other.id == engine.id);
        data.any(|(_, recipe)| role(graph, recipe) == LineRole::Data && is_present(engine, recipe, present))
    };
    GRAPHS.iter().copied().filter(|graph| is_fed(graph)).collect()
}

/// The present names that the queries of a graph read, as discovery knows them: a histogram by its `_count`.
pub fn read_names(graph: &Graph, present: &dyn Fn(&str) -> bool) -> Vec<String> {
    let own = recipes(graph.id).iter().filter(|(engine, recipe)| is_present(engine, recipe, present));
    let names = own.flat_map(|(engine, recipe)| {
        let needed = needed(recipe).into_iter();
        needed.flat_map(|needed| {
            let names = presence::present_names(engine, needed.names, needed.suffix, present).into_iter();
            names.map(move |own| format!("{}{}", own.name, needed.suffix))
        })
    });
    names.collect()
}

/// The range query of a graph: one series per line, named by the label `line`. None if none of its metrics is present.
pub fn drawn_query(graph: &Graph, present: &dyn Fn(&str) -> bool, context: &QueryContext<'_>) -> Option<String> {
    graph::query(graph, &RenderedContext::new(context, present), &|_| true)
}

/// The range query of a graph's details: status codes instead of classes, or each replica or GPU instead of sums and
/// averages. None if there are no data, or none with details.
pub fn detailed_query(graph: &Graph, present: &dyn Fn(&str) -> bool, context: &QueryContext<'_>) -> Option<String> {
    let context = RenderedContext { detail: Some(graph.detail), ..RenderedContext::new(context, present) };
    // Series that a router re-exports have the router's labels, so they are no details of the original.
    graph::query(graph, &context, &|(engine, _)| engine.reexports.is_none())
}

/// The instant query of a graph's summary over the last `range_ms`: counts, or percentiles. None for a graph without a
/// summary or data. Values that cannot be taken over a range, such as percentiles that the server computed, are left out.
pub fn summary_query(
    graph: &Graph,
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
    range_ms: i64,
) -> Option<String> {
    let window = Window { length_ms: range_ms, kind: WindowKind::Whole };
    let whole = QueryContext { window, peaks: None, ..context.clone() };
    let context = RenderedContext::new(&whole, present).for_summary(&whole);
    let query = graph::query(graph, &context, &|(_, recipe)| shape::is_over_window(recipe))?;
    match graph.summary {
        Summary::None => None,
        Summary::Percentiles => Some(query),
        // Rates over the whole range, times its length, are the increase over it.
        Summary::Counts => Some(format!("({query}) * {}", range_ms as f64 / 1000.0)),
    }
}

/// An instant query for the times of recent scrapes in scope. It includes targets without the scope's labels, because a
/// plain Prometheus does not know which model a target serves.
pub fn interval_query(scope: &Scope, labels: &ScopeLabels) -> String {
    format!("up{{{}}}[3m]", scope.lenient_matchers(labels, true))
}

/// A range query for how many samples of a metric each part of the scope has within a window.
pub fn sample_counts_query(metric_name: &str, window_ms: i64, scope: &Scope, labels: &ScopeLabels) -> String {
    let (by, matchers) = (labels.all().join(", "), scope.lenient_matchers(labels, true));
    let window = duration(window_ms);
    format!("max by ({by}) (count_over_time({{__name__={},{matchers}}}[{window}]))", quoted(metric_name))
}

/// A range query for the start times of the processes in scope, in Unix seconds, by replica.
pub fn start_times_query(context: &QueryContext<'_>) -> String {
    let series = target_series(PROCESS_START_TIME, context.scope, context.labels);
    format!("max by ({}) ({series})", context.labels.replica)
}

/// A range query for the events of the scope: [`start_times_query`], and the engines by version.
pub fn events_query(context: &QueryContext<'_>) -> String {
    let engines = target_series(ENGINE_INFO, context.scope, context.labels);
    format!("{} or group by (engine, version) ({engines})", start_times_query(context))
}

/// The query of a graph for another program: `model_matcher`, one matcher or none, and `window` are written as PromQL or
/// Grafana take them, and `kept_labels` stay beside `line`. Its length is not limited.
pub fn query_for(
    graph: &Graph,
    model_matcher: &str,
    window: &str,
    kept_labels: &[&str],
    present: &dyn Fn(&str) -> bool,
) -> Option<String> {
    graph::query(graph, &RenderedContext::external(model_matcher, window, kept_labels, present), &|_| true)
}

/// The role of the line that a recipe draws.
pub(crate) fn role(graph: &Graph, recipe: &Recipe) -> LineRole {
    let line = graph.lines.iter().find(|line| line.name == recipe.line());
    line.map_or(LineRole::Data, |Line { role, .. }| *role)
}

#[cfg(test)]
mod tests;
