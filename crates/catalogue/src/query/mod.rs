//! The queries of the page and the exports, made from graphs and recipes.
mod buckets;
mod changes;
mod context;
mod conversion;
mod graph;
mod highest;
mod layers;
mod models;
mod naming;
mod placeholders;
mod pools;
mod presence;
mod replicas;
mod selection;
mod shape;
mod steps;
mod targets;
mod window;

pub use buckets::{BucketSource, BucketsQuery, BucketsUse, buckets_query};
pub use changes::{ALL_LINE, GONE};
pub use context::QueryContext;
pub use highest::{REST_LINE, highest_details_query, highest_lines_query};
pub use models::{Overview, machines_overview_query, overview_query};
pub use replicas::{ChangingQuery, ReplicaQueries, replica_figures_query, replica_queries};
pub use targets::{
    LATE_LINE, TargetQueries, failures_query, intervals_query, oldest_over, recent_scrapes_query, sample_counts_query,
    target_intervals_query,
};
pub use window::{
    BOUND_LABEL, COUNTING_QUERY, Counting, HistoryStart, LOWER_BOUND, Peaks, UPPER_BOUND, Window, WindowKind,
};

pub(crate) use context::MAX_QUERY_BYTES;
pub(crate) use layers::PAGE_LABEL;
pub(crate) use presence::{NeededNames, is_present, needed};

use crate::contract::names::{ENGINE_INFO, PROCESS_START_TIME};
use crate::engines::recipes;
use crate::promql_text::duration;
use crate::{Engine, GRAPHS, Graph, Line, LineRole, Recipe, Summary};
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
    if graph.summary == Summary::None {
        return None;
    }
    let context = RenderedContext::new(context, present).over_range(range_ms);
    let query = graph::query(graph, &context, &|(_, recipe)| shape::is_over_window(recipe))?;
    match graph.summary {
        // Rates over the whole range, times its length, are the increase over it.
        Summary::Counts => Some(format!("({query}) * {}", range_ms as f64 / 1000.0)),
        Summary::Percentiles | Summary::None => Some(query),
    }
}

/// A query for the start times of the processes in scope, in Unix seconds, by replica.
pub fn start_times_query(context: &QueryContext<'_>) -> String {
    start_times(context, "")
}

fn start_times(context: &QueryContext<'_>, offset: &str) -> String {
    let series = target_series(PROCESS_START_TIME, context.scope, context.labels, offset);
    format!("max by ({}) ({series})", context.labels.replica)
}

/// A query for the events of the scope since `before_ms` earlier: the start times of processes that are new, [`GONE`] for
/// replicas that have none any more, and the engines by version.
pub fn events_query(context: &QueryContext<'_>, before_ms: i64) -> String {
    let engines = target_series(ENGINE_INFO, context.scope, context.labels, "");
    let before = start_times(context, &format!(" offset {}", duration(before_ms)));
    let starts = changes::changes(&start_times(context, ""), &before);
    format!("{starts} or group by (engine, version) ({engines})")
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
