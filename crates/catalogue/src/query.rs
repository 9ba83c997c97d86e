//! From a graph to the queries that draw it.
use crate::{
    Ask, Engine, GRAPHS, Graph, Layer, Look, Recipe, Role, Scope, ScopeLabels, Shape, Summary,
    engines::{ENGINES, recipes},
    expression::{Asked, Called, buckets, expression, is_over_window, is_present},
};

/// The percentiles that are drawn: name and quantile.
pub const PERCENTILES: [(&str, &str); 4] = [("p50", "0.5"), ("p90", "0.9"), ("p95", "0.95"), ("p99", "0.99")];

/// When a process started: the evidence for restarts.
pub(crate) const START_TIME: &str = "process_start_time_seconds";

/// Whether a data line of `graph` has metrics among those present.
pub fn has_data(graph: &Graph, present: &dyn Fn(&str) -> bool) -> bool {
    let mut data = recipes(graph.id).iter().filter(|(_, recipe)| role(graph, recipe) == Role::Data);
    data.any(|(engine, recipe)| is_present(engine, recipe, present))
}

/// The graphs that an engine's metrics feed, of those present.
pub fn fed_by(engine: &Engine, present: &dyn Fn(&str) -> bool) -> Vec<&'static Graph> {
    let own = |graph: &Graph| {
        let mut data = recipes(graph.id).iter().filter(|(other, _)| other.id == engine.id);
        data.any(|(_, recipe)| role(graph, recipe) == Role::Data && is_present(engine, recipe, present))
    };
    GRAPHS.iter().copied().filter(|graph| own(graph)).collect()
}

/// The range query of a graph: one series per line, named by the label `line`. None when none of its metrics is
/// present.
pub fn drawn_query(graph: &Graph, present: &dyn Fn(&str) -> bool, ask: &Ask<'_>) -> Option<String> {
    query(graph, &Asked::new(ask, present), &|_| true)
}

/// The range query of a graph's details: status codes for classes, each replica or GPU for sums and averages. None when
/// there are no data, or none that can be told apart.
pub fn detailed_query(graph: &Graph, present: &dyn Fn(&str) -> bool, ask: &Ask<'_>) -> Option<String> {
    // What a router repeats has the router's labels, and so is no detail of the original.
    query(graph, &Asked { detail: Some(graph.detail), ..Asked::new(ask, present) }, &|(engine, _)| {
        engine.relays.is_none()
    })
}

/// The instant query behind a graph's boxes, over the last `range_ms`: counts, or percentiles. None for a graph
/// without boxes or data; what has no value over a range, such as percentiles that the server computed, has no box.
pub fn summary_query(graph: &Graph, present: &dyn Fn(&str) -> bool, ask: &Ask<'_>, range_ms: i64) -> Option<String> {
    let whole = Ask { window_ms: range_ms, ..ask.clone() };
    let asked = Asked::new(&whole, present).of_a_range(&whole);
    let query = query(graph, &asked, &|(_, recipe)| is_over_window(recipe))?;
    match graph.summary {
        Summary::None => None,
        Summary::Percentiles => Some(query),
        // Rates over the whole range, times its length, are the increase over it.
        Summary::Counts => Some(format!("({query}) * {}", range_ms as f64 / 1000.0)),
    }
}

/// The buckets of a graph of percentiles, for its heat map and to tell which percentiles lie in the first or last one:
/// rates by the label `le`, of the engine whose count is believed first, and the factor that brings `le` to the graph's
/// unit. None for a graph without a histogram.
pub fn buckets_query(graph: &Graph, present: &dyn Fn(&str) -> bool, ask: &Ask<'_>) -> Option<(String, f64)> {
    let asked = Asked::new(ask, present);
    let histograms = recipes(graph.id).iter().filter_map(|(engine, recipe)| {
        let Shape::Spread { names } = recipe.shape else { return None };
        Some((engine.layer, buckets(engine, recipe, names, &asked)?, recipe.scale))
    });
    histograms.min_by_key(|(layer, ..)| *layer).map(|(_, query, scale)| (query, scale))
}

/// An instant query for the times of recent scrapes of what is in scope, and of what lacks its labels: a plain Prometheus
/// does not know which model a target serves.
pub fn interval_query(scope: &Scope, labels: &ScopeLabels) -> String {
    format!("up{{{}}}[3m]", scope.lenient_matchers(labels, true))
}

/// A range query for the start times of the processes in scope, in Unix seconds, by replica.
pub fn start_times_query(ask: &Ask<'_>) -> String {
    let (replica, scope) = (&ask.labels.replica, ask.scope.matchers(ask.labels));
    format!("max by ({replica}) ({START_TIME}{{{scope}}})")
}

/// A range query for what happened to the scope: [`start_times_query`], and the engines by version.
pub fn events_query(ask: &Ask<'_>) -> String {
    let scope = ask.scope.matchers(ask.labels);
    format!("{} or group by (engine, version) (inferboard_engine_info{{{scope}}})", start_times_query(ask))
}

/// A graph's query for whoever is not the page: `scope` are matchers and `window` a duration, as PromQL or Grafana
/// write them, and the labels `by` stay beside `line`. It may be longer than servers of the page take.
pub fn query_for(
    graph: &Graph,
    scope: &str,
    window: &str,
    by: &[&str],
    present: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let asked = Asked {
        strict: scope.to_owned(),
        lenient: (String::new(), String::new()),
        window: window.to_owned(),
        wide: ("10m".into(), "600".into()),
        is_summary: false,
        replica: "replica",
        by,
        longest_bytes: usize::MAX,
        detail: None,
        present,
    };
    query(graph, &asked, &|_| true)
}

pub(crate) fn role(graph: &Graph, recipe: &Recipe) -> Role {
    graph.lines.iter().find(|line| line.name == recipe.line()).map_or(Role::Data, |line| line.role)
}

type Fed = (&'static Engine, &'static Recipe);

fn query(graph: &Graph, asked: &Asked<'_>, wanted: &dyn Fn(Fed) -> bool) -> Option<String> {
    let fed: Vec<Fed> = recipes(graph.id).iter().copied().filter(|fed| wanted(*fed)).collect();
    let mut fed: Vec<Fed> =
        fed.into_iter().filter(|(engine, recipe)| is_present(engine, recipe, asked.present)).collect();
    loop {
        let query = join(graph, &fed, asked)?;
        let last = fed.last()?.0.id;
        if query.len() <= asked.longest_bytes || fed[0].0.id == last {
            return Some(query);
        }
        fed.retain(|(engine, _)| engine.id != last);
    }
}

/// All lines of a graph.
fn join(graph: &Graph, fed: &[Fed], asked: &Asked<'_>) -> Option<String> {
    let (data, limits): (Vec<Fed>, Vec<Fed>) = fed.iter().copied().partition(|fed| role(graph, fed.1) == Role::Data);
    let data = match graph.look {
        Look::Lines => lines(graph, &data, asked),
        Look::Bars => {
            let after =
                |own: Option<Layer>| data.iter().map(layer).filter(|layer| own.is_none_or(|own| *layer > own)).min();
            let layers = std::iter::successors(after(None), |own| after(Some(*own)));
            let on = asked.by.join(", ");
            let stacks = layers.filter_map(|own| {
                let data: Vec<Fed> = data.iter().copied().filter(|fed| layer(fed) == own).collect();
                lines(graph, &data, asked)
            });
            // A layer is drawn where those before it have nothing.
            stacks.reduce(|first, next| format!("({first}) or on ({on}) ({next})"))
        }
    }?;
    let limits = lines(graph, &limits, asked);
    Some(limits.into_iter().fold(data, |data, limits| format!("{data} or {limits}")))
}

fn layer((engine, recipe): &Fed) -> Layer {
    recipe.layer.unwrap_or(engine.layer)
}

/// The lines of recipes that are drawn together; the engine's name stands behind each where there are several.
fn lines(graph: &Graph, fed: &[Fed], asked: &Asked<'_>) -> Option<String> {
    let fed = &unlike(fed, asked);
    let several = fed.iter().any(|(engine, _)| title(engine) != title(fed[0].0));
    let is_one_of_many = fed.iter().any(|(_, recipe)| recipe.line() != fed[0].1.line());
    let part = |(engine, recipe): &Fed| {
        let suffix = if several { title(engine) } else { "" };
        expression(
            engine,
            recipe,
            &Called { line: recipe.line(), is_limit: role(graph, recipe) != Role::Data, is_one_of_many, suffix },
            asked,
        )
    };
    let in_order = |line: &'static str| fed.iter().filter(move |(_, recipe)| recipe.line() == line);
    let names = graph.lines.iter().map(|line| line.name);
    let parts = names.flat_map(in_order).filter_map(part);
    parts.reduce(|all, part| format!("{all} or {part}"))
}

/// Of details, those lines that differ: average and largest of a replica are the same where it has one value.
fn unlike(fed: &[Fed], asked: &Asked<'_>) -> Vec<Fed> {
    let gauge = |fed: &Fed| match fed.1.shape {
        Shape::Gauge { names, .. } => Some((fed.0.id, names)),
        _ => None,
    };
    let is_repeated = |at: usize| {
        let Some((engine, names)) = gauge(&fed[at]) else { return false };
        let mut before = fed[..at].iter().filter_map(gauge).filter(|(other, _)| *other == engine);
        before.any(|(_, known)| names.iter().any(|name| known.contains(name)))
    };
    (0..fed.len()).filter(|at| asked.detail.is_none() || !is_repeated(*at)).map(|at| fed[at]).collect()
}

/// What an engine is called in a line's name: a relay is called as the engine that it repeats, so that of equal lines
/// the original, which stands first, is drawn.
fn title(engine: &Engine) -> &'static str {
    let relayed = engine.relays.and_then(|id| ENGINES.iter().find(|other| other.id == id));
    relayed.map_or(engine.title, |relayed| relayed.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph;

    fn labels() -> ScopeLabels {
        ScopeLabels::default()
    }

    fn scope() -> Scope {
        Scope { model: Some("m".into()), ..Scope::default() }
    }

    fn query_of(id: &str, present: &[&str]) -> Option<String> {
        let ask = Ask { scope: &scope(), labels: &labels(), window_ms: 20_000 };
        drawn_query(graph(id).expect("a graph"), &|name| present.contains(&name), &ask)
    }

    #[test]
    fn a_renamed_metric_stays_one_line_and_only_what_is_there_is_asked_for() {
        assert_eq!(
            query_of("preemptions", &["ray_vllm_num_preemptions_total"]).as_deref(),
            Some(
                r#"label_replace(sum(rate(ray_vllm_num_preemptions_total{model="m"}[20s])), "line", "preemptions", "", "")"#
            )
        );
        let both = query_of(
            "inter-token-latency",
            &["vllm:inter_token_latency_seconds_count", "vllm:time_per_output_token_seconds_count"],
        );
        assert!(both.expect("a query").contains(
            "rate(vllm:inter_token_latency_seconds_bucket{model=\"m\"}[20s]) or \
             rate(vllm:time_per_output_token_seconds_bucket{model=\"m\"}[20s])"
        ));
    }

    #[test]
    fn a_graph_without_metrics_has_no_query() {
        assert_eq!(query_of("kv-cache-use", &["up"]), None);
        assert_eq!(query_of("prefix-cache-hit-share", &["vllm:prefix_cache_hits_total"]), None);
        assert!(!has_data(graph("memory").expect("a graph"), &|name| name == "node_memory_MemTotal_bytes"));
        assert_eq!(query_of("memory", &["node_memory_MemTotal_bytes"]), None, "a bound alone is no graph");
    }

    #[test]
    fn a_histogram_is_known_by_its_count_and_asked_by_its_buckets() {
        let query = query_of("time-to-first-token", &["vllm:time_to_first_token_seconds_count"]).expect("a query");
        assert!(query.contains(r#"rate(vllm:time_to_first_token_seconds_bucket{model="m"}[20s])"#), "{query}");
        assert_eq!(query.matches(" or ").count(), 4, "four percentiles and the mean: {query}");
    }

    #[test]
    fn machines_pass_without_a_model_and_replicas_must_have_it() {
        let memory = ["node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"];
        assert!(query_of("memory", &memory).expect("a query").contains(r#"node_memory_MemTotal_bytes{model=~"|m""#));
        let answering = query_of("replicas-answering", &["up"]).expect("a query");
        assert!(answering.contains(r#"sum(up{model="m",replica!=""})"#), "{answering}");
    }

    #[test]
    fn pods_are_narrowed_where_the_backend_tells_replicas_by_them() {
        let scope = Scope { replica: Some("p-1".into()), ..Scope::default() };
        let labels = ScopeLabels { replica: "pod".into(), ..ScopeLabels::default() };
        let ask = Ask { scope: &scope, labels: &labels, window_ms: 20_000 };
        let memory = |name: &str| name == "container_memory_working_set_bytes";
        let query = drawn_query(graph("container-memory").expect("a graph"), &memory, &ask).expect("a query");
        assert!(query.contains("pod=~\"|p-1\""), "{query}");
        let host = |name: &str| name.starts_with("node_memory_Mem");
        let query = drawn_query(graph("memory").expect("a graph"), &host, &ask).expect("a query");
        assert!(!query.contains("p-1"), "{query}");
    }

    #[test]
    fn an_engine_feeds_what_its_present_metrics_draw() {
        let engine = crate::engine("llamacpp").expect("an engine");
        let present = |name: &str| ["llamacpp:requests_processing", "llamacpp:requests_deferred"].contains(&name);
        let ids: Vec<&str> = fed_by(engine, &present).into_iter().map(|graph| graph.id).collect();
        assert_eq!(ids, ["running-and-waiting"]);
    }

    #[test]
    fn boxes_count_over_the_whole_range_and_leave_out_what_has_no_range() {
        let (scope, labels) = (Scope::default(), labels());
        let ask = Ask { scope: &scope, labels: &labels, window_ms: 20_000 };
        let summary =
            |id, present: &dyn Fn(&str) -> bool| summary_query(graph(id).expect("a graph"), present, &ask, 3_600_000);
        let counts = summary("preemptions", &|name| name.starts_with("vllm:")).expect("boxes");
        assert!(counts.contains("[3600s]") && counts.ends_with(" * 3600"), "{counts}");
        assert_eq!(summary("cpu", &|_| true), None);
        assert_eq!(summary("end-to-end-latency", &|name| name == "latency_distribution"), None);
    }

    #[test]
    fn details_tell_replicas_and_gpus_apart_and_bounds_stay_one() {
        let ask = Ask { scope: &Scope::default(), labels: &labels(), window_ms: 20_000 };
        let detailed = |id: &str, names: &[&str]| {
            detailed_query(graph(id).expect("a graph"), &|name| names.contains(&name), &ask).expect("details")
        };
        assert_eq!(
            detailed("gpu-memory", &["gpu_memory_used_bytes", "gpu_memory_total_bytes"]),
            "label_replace(label_join(sum by (instance, gpu) (gpu_memory_used_bytes{mig=\"\"}), \"line\", \" \", \
             \"instance\", \"gpu\"), \"line\", \"$1\", \"line\", \"(.*)\") or \
             label_replace(max(sum by (instance, gpu) (gpu_memory_total_bytes{mig=\"\"})), \"line\", \"capacity\", \
             \"\", \"\")"
        );
        assert_eq!(
            detailed("running-and-waiting", &["vllm:num_requests_running", "vllm:num_requests_waiting"]),
            "label_replace(sum by (replica) (vllm:num_requests_running{server=\"\"}), \"line\", \"$1 · running\", \
             \"replica\", \"(.*)\") or \
             label_replace(sum by (replica) (vllm:num_requests_waiting{server=\"\"}), \"line\", \"$1 · waiting\", \
             \"replica\", \"(.*)\")"
        );
        assert_eq!(
            detailed("gpu", &["gpu_utilization_ratio"]),
            "label_replace(label_join(avg by (instance, gpu) (gpu_utilization_ratio{}), \"line\", \" \", \"instance\", \
             \"gpu\"), \"line\", \"$1\", \"line\", \"(.*)\")"
        );
        assert!(detailed("volume", &["http_requests_total"]).contains("\"$1\", \"status\", \"(.*)\""));
        assert!(
            detailed("queue-time", &["vllm:request_queue_time_seconds_count"])
                .contains("histogram_quantile(0.95, sum by (le, replica)")
        );
    }

    #[test]
    fn what_two_layers_count_is_stacked_once() {
        let names = ["http_requests_total", "vllm:request_success_total", "envoy_cluster_upstream_rq"];
        let query = query_of("volume", &names).expect("a query");
        assert_eq!(query.matches(" or on () ").count(), 2, "{query}");
        let at = |part: &str| query.find(part).expect("a part");
        assert!(at("http_requests") < at("vllm:") && at("vllm:") < at("envoy_cluster"), "{query}");
    }
}
