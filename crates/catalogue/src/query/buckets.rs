//! The query for the buckets behind a graph of percentiles.
use super::context::RenderedContext;
use super::shape::{self, BucketValue};
use super::{QueryContext, graph as drawn, is_present, layers, role};
use crate::engines::{EngineRecipe, recipes};
use crate::graph::LINE_NAME_SEPARATOR;
use crate::promql_text::named;
use crate::{Graph, LineRole, Shape};

/// The query for the buckets behind a graph's percentiles. Its series have the label `le`, and in the label `line` the
/// engine.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketsQuery {
    /// The query.
    pub query: String,
    /// The histograms, by engine.
    pub sources: Vec<BucketSource>,
}

/// The histograms of one engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BucketSource {
    /// The engine's title in the names of lines; empty if the lines do not name their engine.
    pub engine: &'static str,
    /// The factor from `le` to the graph's unit.
    pub scale: f64,
    /// Whether its requests count, where no other layer counts more of them.
    pub is_outermost: bool,
}

/// What the buckets are queried for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketsUse {
    /// A range query for a heat map: the rate of each bucket, of the outermost engines.
    HeatMap,
    /// An instant query for the requests up to each end: the rate of each bucket over the window, and in series whose
    /// `line` ends with `samples`, the number of its samples there. Of the outermost engines.
    Shares,
    /// A range query for the ends themselves: the number of series of each bucket, of all engines.
    Ends,
}

/// How the names of series end that hold numbers of samples.
const SAMPLES: &str = "samples";

impl BucketsQuery {
    /// The engine of a series by its label `line`, and whether its values are numbers of samples.
    pub fn engine_of(line: &str) -> (&str, bool) {
        match line.strip_suffix(SAMPLES) {
            Some(engine) => (engine.strip_suffix(LINE_NAME_SEPARATOR).unwrap_or(engine), true),
            None => (line, false),
        }
    }
}

/// The query for the buckets of a graph. None for a graph without a histogram.
///
/// Buckets are summed by the text of `le`, so the reader adds those whose `le` is the same number.
pub fn buckets_query(
    graph: &Graph,
    present: &dyn Fn(&str) -> bool,
    context: &QueryContext<'_>,
    purpose: BucketsUse,
) -> Option<BucketsQuery> {
    // Buckets of two layers have different bounds, so they are not added up, not even those of different models.
    let context = RenderedContext { model_label: None, ..RenderedContext::new(context, present) };
    let own = recipes(graph.id).iter().copied();
    let data: Vec<EngineRecipe> = own
        .filter(|(engine, recipe)| role(graph, recipe) == LineRole::Data && is_present(engine, recipe, present))
        .collect();
    let has_engines = drawn::has_engines(&data);
    let mut histograms: Vec<(EngineRecipe, BucketSource)> = Vec::new();
    let is_histogram = |recipe: &EngineRecipe| matches!(recipe.1.shape, Shape::Histogram { .. });
    let data: Vec<EngineRecipe> = data.into_iter().filter(is_histogram).collect();
    if data.is_empty() {
        return None;
    }
    let rivals = layers::rivals(&data);
    let counts = |own: &EngineRecipe| rivals.iter().any(|other| std::ptr::eq(other.1, own.1));
    for own in data {
        let engine = if has_engines { drawn::title(own.0) } else { "" };
        let is_outermost = counts(&own);
        // Of two recipes with the same lines the first one is drawn.
        let is_new = histograms.iter().all(|(_, other)| other.engine != engine);
        if is_new && (is_outermost || purpose == BucketsUse::Ends) {
            histograms.push((own, BucketSource { engine, scale: own.1.scale, is_outermost }));
        }
    }
    loop {
        let parts = histograms.iter().flat_map(|(own, source)| {
            let mask = layers::mask(graph, own, &rivals, &context).tier;
            parts(*own, source.engine, purpose, &mask, &context)
        });
        let query = parts.collect::<Vec<_>>().join(" or ");
        if query.len() <= context.max_bytes || histograms.len() == 1 {
            return Some(BucketsQuery { query, sources: histograms.into_iter().map(|(_, source)| source).collect() });
        }
        histograms.pop();
    }
}

/// The series of one engine, without those that `mask` leaves out because another layer counts more.
fn parts(
    (engine, recipe): EngineRecipe,
    name: &str,
    purpose: BucketsUse,
    mask: &str,
    context: &RenderedContext<'_>,
) -> Vec<String> {
    let Shape::Histogram { names } = recipe.shape else { return Vec::new() };
    let part = |value, name: &str| {
        let mask = if value == BucketValue::Series { "" } else { mask };
        named(&format!("{}{mask}", shape::buckets(engine, recipe, names, value, context)), name)
    };
    match purpose {
        BucketsUse::HeatMap => vec![part(BucketValue::Rate, name)],
        BucketsUse::Ends => vec![part(BucketValue::Series, name)],
        BucketsUse::Shares => {
            let samples = match name {
                "" => SAMPLES.to_owned(),
                name => format!("{name}{LINE_NAME_SEPARATOR}{SAMPLES}"),
            };
            vec![part(BucketValue::Rate, name), part(BucketValue::Samples, &samples)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scope, ScopeLabels, graph};

    fn query(present: &[&str], purpose: BucketsUse) -> BucketsQuery {
        let (scope, labels) = (Scope::default(), ScopeLabels::default());
        let context = QueryContext::of_moments(&scope, &labels, 20_000);
        let graph = graph("end-to-end-latency").expect("a graph");
        buckets_query(graph, &|name| present.contains(&name), &context, purpose).expect("a query")
    }

    #[test]
    fn one_engine_has_no_name() {
        let vllm = ["vllm:e2e_request_latency_seconds_count"];
        let heat_map = query(&vllm, BucketsUse::HeatMap);
        let rates = "sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket{}[20s]))";
        assert_eq!(heat_map.query, format!("label_replace({rates}, \"line\", \"\", \"\", \"\")"));
        assert_eq!(heat_map.sources, [BucketSource { engine: "", scale: 1.0, is_outermost: true }]);
        let shares = query(&vllm, BucketsUse::Shares).query;
        let samples = "sum by (le) (count_over_time(vllm:e2e_request_latency_seconds_bucket{}[20s]))";
        let samples = format!("label_replace({samples}, \"line\", \"samples\", \"\", \"\")");
        assert_eq!(shares, format!("{} or {samples}", heat_map.query));
    }

    #[test]
    fn several_engines_are_told_apart_and_the_one_that_counted_most_counts() {
        let present = ["vllm:e2e_request_latency_seconds_count", "litellm_request_total_latency_metric_count"];
        let ends = query(&present, BucketsUse::Ends);
        let engines: Vec<_> = ends.sources.iter().map(|source| (source.engine, source.is_outermost)).collect();
        assert_eq!(engines, [("vLLM", true), ("LiteLLM", true)]);
        assert!(ends.query.contains("count by (le) (vllm:e2e_request_latency_seconds_bucket{})"), "{}", ends.query);
        let shares = query(&present, BucketsUse::Shares);
        assert_eq!(shares.sources.iter().map(|source| source.engine).collect::<Vec<_>>(), ["vLLM", "LiteLLM"]);
        let (query, masks) = (&shares.query, shares.query.matches(" unless on (").count());
        assert!(
            query.contains("\"LiteLLM · samples\"") && masks == 4,
            "each leaves out what the other counts: {query}"
        );
    }

    #[test]
    fn a_series_names_its_engine_and_what_it_holds() {
        for (line, expected) in
            [("", ("", false)), ("samples", ("", true)), ("vLLM", ("vLLM", false)), ("vLLM · samples", ("vLLM", true))]
        {
            assert_eq!(BucketsQuery::engine_of(line), expected, "{line}");
        }
    }
}
