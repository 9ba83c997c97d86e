//! The queries of what is shown at a glance: one figure of a graph for each model, or of the scope as a whole.
use super::context::RenderedContext;
use super::{QueryContext, graph as of_graph, shape};
use crate::promql_text::quoted;
use crate::{Graph, Summary};

/// The percentile of latencies that stands for a model or a replica.
pub(super) const PERCENTILE: [(&str, &str); 1] = [("p95", "0.95")];

/// What is asked of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Whether each model has values of its own, by the backend's label for models.
    pub is_by_model: bool,
    /// The length of the range that the values are over, in milliseconds; none for values of a moment.
    pub range_ms: Option<i64>,
}

/// A query for lines of a graph: of latencies the 95th percentile, of events their number over the range or, of a moment,
/// their rate. None if the graph has no such data.
pub fn overview_query(
    graph: &Graph,
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
    overview: Overview,
) -> Option<String> {
    let labels = context.labels;
    let model_label = [labels.model.as_str()];
    let kept_labels: &[&str] = if overview.is_by_model { &model_label } else { &[] };
    let moment = RenderedContext::new(context, present).of_each_model(kept_labels, labels);
    // A mean beside the percentiles would be another line.
    let moment = RenderedContext { percentiles: &PERCENTILE, is_summary: true, peaks: None, ..moment };
    let Some(range_ms) = overview.range_ms else { return of_graph::query(graph, &moment, &|_| true) };
    let query = of_graph::query(graph, &moment.over_range(range_ms), &|(_, recipe)| shape::is_over_window(recipe))?;
    Some(match graph.summary {
        Summary::Counts => format!("({query}) * {}", range_ms as f64 / 1000.0),
        Summary::Percentiles | Summary::None => query,
    })
}

/// A query for lines of a graph at this moment where the series name no model, as those of a GPU exporter: the lines of
/// the machines of one model, with its name in the backend's label for models. None if its scope has no such data.
pub fn machines_overview_query(
    graph: &Graph,
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
    lines: &[&str],
) -> Option<String> {
    let moment = RenderedContext { is_summary: true, peaks: None, ..RenderedContext::new(context, present) };
    let query = of_graph::query(graph, &moment, &|(_, recipe)| lines.contains(&recipe.line()))?;
    let model = quoted(context.scope.model.as_deref().unwrap_or_default());
    Some(format!("label_replace({query}, {}, {model}, \"\", \"\")", quoted(&context.labels.model)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::names::{REPLICA_MODEL, REPLICA_STATE};
    use crate::{KnownSeries, Machines, Scope, ScopeLabels, graph};

    const RANGE: Overview = Overview { is_by_model: true, range_ms: Some(900_000) };

    fn query(id: &str, names: &[&str], labels: &ScopeLabels, overview: Overview) -> Option<String> {
        let scope = Scope { environment: Some("e".into()), ..Scope::default() };
        let context = QueryContext::of_moments(&scope, labels, 60_000);
        overview_query(graph(id).expect("a graph"), &|name| names.contains(&name), &context, overview)
    }

    #[test]
    fn a_latency_has_one_percentile_for_each_model() {
        let (names, labels) = (["vllm:e2e_request_latency_seconds_count"], ScopeLabels::of_prometheus());
        let query = query("end-to-end-latency", &names, &labels, RANGE).expect("a query");
        assert!(query.contains("sum by (le, model_name)") && query.contains("[900s]"), "{query}");
        assert_eq!(query.matches("histogram_quantile(").count(), 1, "{query}");
        assert!(query.contains("\"p95\"") && !query.contains("\"mean\""), "{query}");
    }

    #[test]
    fn events_are_counted_over_a_range_and_rates_at_a_moment() {
        let (names, labels) = (["vllm:generation_tokens_total"], ScopeLabels::default());
        let counted = query("tokens-per-second", &names, &labels, RANGE).expect("a query");
        assert!(counted.ends_with(") * 900") && counted.contains("sum by (model)"), "{counted}");
        let moment = Overview { is_by_model: false, range_ms: None };
        let rate = query("tokens-per-second", &names, &labels, moment).expect("a query");
        assert!(rate.contains("[60s]") && !rate.contains("by (model)") && !rate.contains(" * 900"), "{rate}");
        let gauge = ["vllm:kv_cache_usage_perc"];
        assert_eq!(query("kv-cache-use", &gauge, &labels, RANGE), None, "a gauge has no value over a range");
        assert!(query("kv-cache-use", &gauge, &labels, Overview { range_ms: None, ..RANGE }).is_some());
    }

    #[test]
    fn targets_without_the_label_get_the_model_of_their_replica() {
        let names = ["up", REPLICA_STATE, REPLICA_MODEL, "inferboard_replicas_active"];
        let of = |labels: &ScopeLabels| {
            query("replicas-answering", &names, labels, Overview { is_by_model: true, range_ms: None })
        };
        let query = of(&ScopeLabels::default()).expect("a query");
        assert!(query.contains("group_left (model)") && query.contains("environment=\"e\",model=\"\""), "{query}");
        let other = ScopeLabels { model: "model_name".into(), ..ScopeLabels::default() };
        assert!(!of(&other).expect("a query").contains("group_left"), "another server has no such series");
    }

    #[test]
    fn machines_have_the_model_of_the_scope_that_runs_on_them() {
        struct Own;
        impl KnownSeries for Own {
            fn machines(&self, scope: &Scope) -> Machines {
                let own = scope.model.as_ref().map(|model| vec![format!("{model}:9400")]);
                Machines { of_replicas: own, apart: Vec::new() }
            }
        }
        let labels = ScopeLabels::default();
        let scope = Scope { model: Some("b\"c".into()), ..Scope::default() };
        let context = QueryContext { known: &Own, ..QueryContext::of_moments(&scope, &labels, 60_000) };
        let gpu = graph("gpu").expect("a graph");
        let query = machines_overview_query(gpu, &|name| name == "DCGM_FI_DEV_GPU_UTIL", &context, &["average"]);
        let query = query.expect("a query");
        for text in ["instance=~\"b\\\"c:9400\"", ", \"model\", \"b\\\"c\", \"\", \"\")", "\"line\", \"average\""] {
            assert!(query.contains(text), "{text} in {query}");
        }
        assert!(!query.contains("busiest"), "{query}");
        assert_eq!(machines_overview_query(gpu, &|_| false, &context, &["average"]), None);
    }
}
