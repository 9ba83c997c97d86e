//! From a graph to PromQL: the one place that fills in selector, window and grouping.
use crate::{
    Ask, Engine, GRAPHS, Graph, LINE_LABEL, Line, Recipe, Role, Scope, ScopeLabels, Shape, Summary, ask::quoted,
};
use std::collections::BTreeSet;

/// The percentiles that are drawn: name and quantile.
pub const PERCENTILES: [(&str, &str); 4] = [("p50", "0.5"), ("p90", "0.9"), ("p95", "0.95"), ("p99", "0.99")];

/// When a process started: the evidence for restarts.
const START_TIME: &str = "process_start_time_seconds";

/// The graph of that id.
pub fn graph(id: &str) -> Option<&'static Graph> {
    GRAPHS.iter().copied().find(|graph| graph.id == id)
}

/// The metrics by whose presence a recipe is known to have data: the series that its query reads, except that a
/// histogram is known by its `_count`, of which there is one where buckets are many.
fn presence(shape: &Shape) -> Vec<Vec<String>> {
    let any = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    match shape {
        Shape::Level { names }
        | Shape::Total { names }
        | Shape::Rate { names }
        | Shape::RateBy { names, .. }
        | Shape::RateByClass { names, .. } => vec![any(names)],
        Shape::Spread { names } => vec![names.iter().map(|name| format!("{name}_count")).collect()],
        Shape::Share { part, whole } => vec![any(part), any(whole)],
        Shape::Raw { names, .. } => names.iter().map(|name| any(&[name])).collect(),
    }
}

/// Every metric name that discovery asks for.
pub fn names() -> BTreeSet<String> {
    let recipes = GRAPHS.iter().flat_map(|graph| graph.lines).flat_map(|line| line.recipes);
    let mut names: BTreeSet<String> = recipes.flat_map(|recipe| presence(&recipe.shape)).flatten().collect();
    names.insert(START_TIME.into());
    names.insert("up".into());
    names
}

fn is_present(recipe: &Recipe, present: &dyn Fn(&str) -> bool) -> bool {
    presence(&recipe.shape).iter().all(|any| any.iter().any(|name| present(name)))
}

/// Whether a data line of `graph` has metrics among those present.
pub fn has_data(graph: &Graph, present: &dyn Fn(&str) -> bool) -> bool {
    let data = graph.lines.iter().filter(|line| line.role == Role::Data);
    data.flat_map(|line| line.recipes).any(|recipe| is_present(recipe, present))
}

/// The range query of a graph: one series per line, named by the label `line`. None when none of its metrics is
/// present.
pub fn drawn_query(graph: &Graph, present: &dyn Fn(&str) -> bool, ask: &Ask<'_>) -> Option<String> {
    join(graph.lines.iter().filter_map(|line| line_query(line, present, ask)))
}

/// The instant query behind a graph's boxes, over the last `range_ms`: counts, or percentiles. None for a graph
/// without boxes or data.
pub fn summary_query(graph: &Graph, present: &dyn Fn(&str) -> bool, ask: &Ask<'_>, range_ms: i64) -> Option<String> {
    let whole = Ask { window_ms: range_ms, ..ask.clone() };
    let query = drawn_query(graph, present, &whole)?;
    match graph.summary {
        Summary::None => None,
        Summary::Percentiles => Some(query),
        // Rates over the whole range, times its length, are the increase over it.
        Summary::Counts => Some(format!("({query}) * {}", range_ms as f64 / 1000.0)),
    }
}

/// One instant query for what is there, over the `span_ms` before its time: metric names by scope.
pub fn discovery_query(labels: &ScopeLabels, span_ms: i64) -> String {
    let names: Vec<String> = names().iter().map(|name| name.replace('.', "\\\\.")).collect();
    let by = labels.all().join(", ");
    format!("group by (__name__, {by}) (last_over_time({{__name__=~\"{}\"}}[{}]))", names.join("|"), duration(span_ms))
}

/// An instant query for the times of recent scrapes of what is in scope.
pub fn interval_query(scope: &Scope, labels: &ScopeLabels) -> String {
    format!("up{{{}}}[3m]", scope.matchers(labels))
}

/// A range query for the start times of the processes in scope, in Unix seconds, by replica.
pub fn start_times_query(ask: &Ask<'_>) -> String {
    let (replica, scope) = (&ask.labels.replica, ask.scope.matchers(ask.labels));
    format!("max by ({replica}) ({START_TIME}{{{scope}}})")
}

fn join(parts: impl Iterator<Item = String>) -> Option<String> {
    parts.reduce(|all, part| format!("{all} or {part}"))
}

fn line_query(line: &Line, present: &dyn Fn(&str) -> bool, ask: &Ask<'_>) -> Option<String> {
    let recipes: Vec<&Recipe> = line.recipes.iter().filter(|recipe| is_present(recipe, present)).collect();
    let several = recipes.iter().any(|recipe| recipe.engine != recipes[0].engine);
    join(recipes.into_iter().map(|recipe| {
        let suffix = if several { format!(" · {}", recipe.engine.title()) } else { String::new() };
        recipe_query(recipe, line.name, &suffix, ask)
    }))
}

fn recipe_query(recipe: &Recipe, name: &str, suffix: &str, ask: &Ask<'_>) -> String {
    let scope = match recipe.engine {
        Engine::Host => String::new(),
        Engine::Vllm | Engine::Scrape => ask.scope.matchers(ask.labels),
    };
    let window = duration(ask.window_ms);
    let gauges = |names: &[&str]| union(names.iter().map(|name| format!("{name}{{{scope}}}")));
    let rates =
        |names: &[&str], part: &str| union(names.iter().map(|name| format!("rate({name}{part}{{{scope}}}[{window}])")));
    let named = |expr: String| label(&expr, &format!("{name}{suffix}"));
    match &recipe.shape {
        Shape::Level { names } => named(format!("avg({})", gauges(names))),
        Shape::Total { names } => named(format!("sum({})", gauges(names))),
        Shape::Rate { names } => named(format!("sum({})", rates(names, ""))),
        Shape::RateBy { names, label } => relabelled(&rates(names, ""), label, "(.*)", &format!("$1{suffix}")),
        Shape::RateByClass { names, label } => {
            relabelled(&rates(names, ""), label, "([1-5]).*", &format!("${{1}}xx{suffix}"))
        }
        Shape::Spread { names } => {
            let buckets = format!("sum by (le) ({})", rates(names, "_bucket"));
            let quantiles = PERCENTILES.map(|(name, quantile)| {
                label(&format!("histogram_quantile({quantile}, {buckets})"), &format!("{name}{suffix}"))
            });
            quantiles.join(" or ")
        }
        Shape::Share { part, whole } => named(format!("sum({}) / (sum({}) > 0)", rates(part, ""), rates(whole, ""))),
        Shape::Raw { promql, .. } => {
            let scope = if scope.is_empty() { scope } else { format!("{scope},") };
            named(promql.replace("$replica", &ask.labels.replica).replace("$scope", &scope).replace("$window", &window))
        }
    }
}

/// One metric under its names: of a series present under two, the first counts.
fn union(parts: impl Iterator<Item = String>) -> String {
    join(parts).unwrap_or_default()
}

fn label(expr: &str, name: &str) -> String {
    format!("label_replace({expr}, \"{LINE_LABEL}\", {}, \"\", \"\")", quoted(name))
}

fn relabelled(rates: &str, from: &str, pattern: &str, to: &str) -> String {
    let line = format!("label_replace({rates}, \"{LINE_LABEL}\", {}, \"{from}\", {})", quoted(to), quoted(pattern));
    format!("sum by ({LINE_LABEL}) ({line})")
}

/// A PromQL duration: whole seconds where they suffice.
fn duration(duration_ms: i64) -> String {
    if duration_ms % 1000 == 0 { format!("{}s", duration_ms / 1000) } else { format!("{duration_ms}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask<'a>(scope: &'a Scope, labels: &'a ScopeLabels) -> Ask<'a> {
        Ask { scope, labels, window_ms: 20_000 }
    }

    fn query_of(id: &str, present: &[&str]) -> Option<String> {
        let (scope, labels) = (Scope { model: Some("m".into()), ..Scope::default() }, ScopeLabels::default());
        drawn_query(graph(id).expect("a graph"), &|name| present.contains(&name), &ask(&scope, &labels))
    }

    #[test]
    fn a_renamed_metric_stays_one_line() {
        assert_eq!(
            query_of("kv-cache-use", &["vllm:gpu_cache_usage_perc"]).as_deref(),
            Some(
                r#"label_replace(avg(vllm:kv_cache_usage_perc{model="m"} or vllm:gpu_cache_usage_perc{model="m"}), "line", "in use", "", "")"#
            )
        );
    }

    #[test]
    fn a_graph_without_metrics_has_no_query() {
        assert_eq!(query_of("kv-cache-use", &["up"]), None);
        assert_eq!(query_of("prefix-cache-hit-share", &["vllm:prefix_cache_hits_total"]), None);
        assert!(!has_data(graph("memory").expect("a graph"), &|name| name == "node_memory_MemTotal_bytes"));
    }

    #[test]
    fn a_histogram_is_known_by_its_count_and_asked_by_its_buckets() {
        let query = query_of("time-to-first-token", &["vllm:time_to_first_token_seconds_count"]).expect("a query");
        assert!(query.contains(r#"rate(vllm:time_to_first_token_seconds_bucket{model="m"}[20s])"#), "{query}");
        assert_eq!(query.matches(" or ").count(), 3, "{query}");
    }

    #[test]
    fn host_metrics_are_not_narrowed_and_scrapes_are() {
        let memory = ["node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"];
        assert!(!query_of("memory", &memory).expect("a query").contains("model"));
        let answering = query_of("replicas-answering", &["up"]).expect("a query");
        assert!(answering.contains(r#"sum(up{model="m",replica!=""})"#), "{answering}");
    }

    #[test]
    fn boxes_count_over_the_whole_range() {
        let (scope, labels) = (Scope::default(), ScopeLabels::default());
        let summary = |id| summary_query(graph(id).expect("a graph"), &|_| true, &ask(&scope, &labels), 3_600_000);
        let counts = summary("preemptions").expect("boxes");
        assert!(counts.contains("[3600s]") && counts.ends_with(" * 3600"), "{counts}");
        assert_eq!(summary("cpu"), None);
    }

    #[test]
    fn ids_are_unique_and_every_graph_helps() {
        let ids: BTreeSet<&str> = GRAPHS.iter().map(|graph| graph.id).collect();
        assert_eq!(ids.len(), GRAPHS.len());
        for graph in GRAPHS {
            assert!(graph.help.len() > 80 && graph.help.ends_with('.'), "{}", graph.id);
        }
    }
}
