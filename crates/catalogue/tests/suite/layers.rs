//! Layers that count the same requests: which of them is drawn, for each model and for all.
use crate::scraped::{MINUTE_MS, Scraped, ScrapedTarget, families};
use catalogue::{
    BucketsUse, KnownSeries, QueryContext, Scope, ScopeLabels, buckets_query, drawn_query, graph, summary_query,
};
use std::collections::{BTreeMap, BTreeSet};

/// The window of all rates here, in seconds.
const WINDOW_S: f64 = 300.0;

/// Metrics pages with the labels of their targets.
type Pages<'a> = [(String, &'a [(&'a str, &'a str)])];

/// Targets that have counted nothing, and their metrics pages a minute later.
struct World {
    scraped: Scraped,
}

impl World {
    /// `pages` are the pages after that minute; all of their counters were zero before.
    fn new(pages: &Pages<'_>) -> Self {
        let parsed: Vec<_> = pages.iter().map(|(text, labels)| (families(text), *labels)).collect();
        let targets: Vec<ScrapedTarget<'_>> =
            parsed.iter().map(|(families, labels)| (families.as_slice(), *labels)).collect();
        let mut scraped = Scraped::new();
        scraped.scrape_at_once(&targets, |_, _| 0.0);
        scraped.scrape_at_once(&targets, |_, value| value);
        Self { scraped }
    }

    /// The lines of a graph, with rates as the numbers that were counted.
    fn lines(&self, id: &str, model: Option<&str>) -> BTreeMap<String, f64> {
        let graph = graph(id).expect("a graph");
        let query = self.query(model, |present, context| drawn_query(graph, present, context));
        self.scraped.lines_at(&query, self.scraped.now_ms())
    }

    fn counted(&self, id: &str, model: Option<&str>) -> Vec<(String, u64)> {
        let lines = self.lines(id, model).into_iter();
        lines.map(|(line, rate)| (line, (rate * WINDOW_S).round() as u64)).collect()
    }

    fn query(
        &self,
        model: Option<&str>,
        write: impl Fn(&dyn Fn(&str) -> bool, &QueryContext<'_>) -> Option<String>,
    ) -> String {
        let scope = Scope { model: model.map(str::to_owned), ..Scope::default() };
        let known = Known(self.scraped.models());
        let labels = ScopeLabels::default();
        let context = QueryContext { known: &known, ..QueryContext::of_moments(&scope, &labels, 5 * MINUTE_MS) };
        write(&|name| self.scraped.has(name), &context).expect("a query")
    }
}

/// What discovery finds out about the models.
#[derive(Debug)]
struct Known<'a>(&'a BTreeMap<String, BTreeSet<String>>);

impl KnownSeries for Known<'_> {
    fn models(&self, name: &str) -> BTreeSet<&str> {
        self.0.get(name).into_iter().flatten().map(String::as_str).collect()
    }
}

#[track_caller]
fn assert_counted(world: &World, id: &str, model: Option<&str>, expected: &[(&str, u64)]) {
    let expected: Vec<(String, u64)> = expected.iter().map(|(line, count)| ((*line).to_owned(), *count)).collect();
    assert_eq!(world.counted(id, model), expected, "{id} of {model:?}");
}

/// A vLLM without counts of its HTTP side.
fn vllm(count: u32) -> String {
    format!(
        "vllm:request_success_total{{finished_reason=\"stop\"}} {count}\nvllm:generation_tokens_total {}\n",
        count * 10
    )
}

/// A gateway that names no models.
fn litellm(count: u32) -> String {
    format!(
        "litellm_proxy_total_requests_metric_total{{status_code=\"200\"}} {count}\n\
         litellm_output_tokens_metric_total {}\n",
        count * 10
    )
}

/// A gateway that names the models.
fn picker(counts: &[(&str, u32)]) -> String {
    let line =
        |(model, count): &(&str, u32)| format!("inference_objective_request_total{{model=\"{model}\"}} {count}\n");
    counts.iter().map(line).collect()
}

fn baseten(ok: u32, failed: u32) -> String {
    format!(
        "baseten_inference_requests_total{{status_code=\"200\"}} {ok}\n\
         baseten_inference_requests_total{{status_code=\"503\"}} {failed}\n"
    )
}

const GATEWAY: &[(&str, &str)] = &[("instance", "gateway")];
const A: &[(&str, &str)] = &[("model", "a"), ("instance", "a"), ("replica", "a")];
const B: &[(&str, &str)] = &[("model", "b"), ("instance", "b"), ("replica", "b")];
const PLATFORM_A: &[(&str, &str)] = &[("model", "a"), ("instance", "platform")];

#[test]
fn a_gateway_without_models_is_compared_by_its_total() {
    for (through_gateway, on_engine, expected) in [
        (0, 60, ("finished", 60)),
        (60, 60, ("2xx", 60)),
        // Scrapes of two targets never coincide.
        (60, 63, ("2xx", 60)),
        (30, 60, ("finished", 60)),
        // Some were answered by the gateway itself.
        (60, 40, ("2xx", 60)),
        (0, 0, ("2xx", 0)),
    ] {
        let world = World::new(&[(litellm(through_gateway), GATEWAY), (vllm(on_engine), A)]);
        assert_counted(&world, "volume", None, &[expected]);
        assert_counted(&world, "volume", Some("a"), &[("finished", u64::from(on_engine))]);
    }
    let world = World::new(&[(litellm(60), GATEWAY), (vllm(30), A), (vllm(30), B)]);
    assert_counted(&world, "volume", None, &[("2xx", 60)]);
    assert_counted(&world, "volume", Some("b"), &[("finished", 30)]);
}

#[test]
fn a_gateway_that_names_the_models_is_compared_for_each() {
    // All of a comes through the gateway, b is called directly, and c is served elsewhere.
    let gateway = picker(&[("a", 60), ("b", 0), ("c", 5)]);
    let world = World::new(&[(gateway, GATEWAY), (vllm(60), A), (vllm(20), B)]);
    assert_counted(&world, "volume", None, &[("finished", 85)]);
    for (model, count) in [("a", 60), ("b", 20)] {
        assert_counted(&world, "volume", Some(model), &[("finished", count)]);
    }
    // Its names for the models are others than those of the engines, so only the totals can be compared.
    for (through_gateway, expected) in [(80, 80), (40, 80), (0, 80)] {
        let gateway = picker(&[("alias-of-a", through_gateway)]);
        let world = World::new(&[(gateway, GATEWAY), (vllm(60), A), (vllm(20), B)]);
        assert_counted(&world, "volume", None, &[("finished", expected)]);
    }
}

#[test]
fn a_platform_does_not_silence_the_engines_of_other_models() {
    let world = World::new(&[(baseten(50, 10), PLATFORM_A), (vllm(30), B)]);
    assert_counted(&world, "volume", None, &[("2xx", 50), ("5xx", 10), ("finished", 30)]);
    assert_counted(&world, "volume", Some("a"), &[("2xx", 50), ("5xx", 10)]);
    assert_counted(&world, "volume", Some("b"), &[("finished", 30)]);
    // The engine behind the platform is scraped too, and a gateway in front of the other model.
    let gateway = litellm(30);
    let world = World::new(&[(baseten(50, 10), PLATFORM_A), (vllm(50), A), (vllm(30), B), (gateway, GATEWAY)]);
    assert_counted(&world, "volume", Some("a"), &[("2xx", 50), ("5xx", 10)]);
    let world = World::new(&[(baseten(50, 10), PLATFORM_A), (vllm(50), A), (vllm(30), B)]);
    assert_counted(&world, "volume", None, &[("2xx", 50), ("5xx", 10), ("finished", 30)]);
    let world = World::new(&[(baseten(50, 10), PLATFORM_A), (vllm(30), B), (litellm(30), GATEWAY)]);
    assert_counted(&world, "volume", None, &[("2xx", 80), ("5xx", 10)]);
}

#[test]
fn the_http_side_of_a_metrics_page_counts_for_its_own_engine_only() {
    // One request to embed a batch of texts is many to the engine.
    let page = |requests: u32, texts: u32| format!("http_requests_total{{status=\"2xx\"}} {requests}\n{}", vllm(texts));
    let world = World::new(&[(page(5, 160), A), (vllm(7), B)]);
    assert_counted(&world, "volume", None, &[("2xx", 5), ("finished", 7)]);
    assert_counted(&world, "volume", Some("a"), &[("2xx", 5)]);
    assert_counted(&world, "volume", Some("b"), &[("finished", 7)]);
    // A gateway carries the batches.
    let world = World::new(&[(page(5, 160), A), (picker(&[("a", 5)]), GATEWAY)]);
    assert_counted(&world, "volume", None, &[("finished", 5)]);
    // The engine was called in another way.
    assert_counted(&World::new(&[(page(0, 3), A)]), "volume", None, &[("2xx", 0), ("finished", 3)]);
    assert_counted(&World::new(&[(page(0, 0), A)]), "volume", None, &[("2xx", 0)]);
    // A plain Prometheus has the model only on the engine's own series.
    let bare = |count: u32| format!("http_requests_total{{status=\"2xx\"}} {count}\n");
    let named = |count: u32| format!("vllm:request_success_total{{model=\"a\"}} {count}\n");
    let target: &[(&str, &str)] = &[("instance", "a")];
    let world = World::new(&[(bare(60) + &named(60), target), (picker(&[("a", 60)]), GATEWAY)]);
    assert_counted(&world, "volume", None, &[("finished", 60)]);
}

#[test]
fn tokens_are_of_the_layer_that_counted_most() {
    let world = World::new(&[(litellm(0), GATEWAY), (vllm(60), A)]);
    assert_counted(&world, "tokens-per-second", None, &[("generation · vLLM", 600)]);
    let world = World::new(&[(litellm(60), GATEWAY), (vllm(60), A)]);
    assert_counted(&world, "tokens-per-second", None, &[("generation · LiteLLM", 600)]);
    // The gateway does not count prompts.
    let prompts = "vllm:prompt_tokens_total 900\n";
    let world = World::new(&[(litellm(60), GATEWAY), (vllm(60) + prompts, A)]);
    let expected = [("generation · LiteLLM", 600), ("prompt · vLLM", 900)];
    assert_counted(&world, "tokens-per-second", None, &expected);
}

/// A histogram of requests that all took between the two bounds.
fn histogram(name: &str, labels: &str, [lower, upper]: [&str; 2], count: u32) -> String {
    let comma = if labels.is_empty() { "" } else { "," };
    format!(
        "{name}_bucket{{{labels}{comma}le=\"{lower}\"}} 0\n{name}_bucket{{{labels}{comma}le=\"{upper}\"}} {count}\n\
         {name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}\n\
         {name}_count{{{labels}}} {count}\n{name}_sum{{{labels}}} {count}\n"
    )
}

#[test]
fn percentiles_are_of_one_layer() {
    let engine = |count| histogram("vllm:e2e_request_latency_seconds", "", ["1.0", "2.0"], count);
    let gateway =
        |labels: &str, count| histogram("inference_objective_request_duration_seconds", labels, ["4.0", "8.0"], count);
    let percentiles = |world: &World, model| {
        let lines = world.lines("end-to-end-latency", model);
        lines.into_iter().filter(|(line, value)| line.starts_with("p50") && !value.is_nan()).collect::<Vec<_>>()
    };
    let of_engine = vec![("p50 · vLLM".to_owned(), 1.5)];
    let of_gateway = vec![("p50 · Endpoint picker".to_owned(), 6.0)];
    for (labels, through_gateway, expected) in [
        ("", 0, &of_engine),
        ("", 30, &of_engine),
        ("", 60, &of_gateway),
        ("model=\"a\"", 0, &of_engine),
        ("model=\"a\"", 60, &of_gateway),
    ] {
        let world = World::new(&[(gateway(labels, through_gateway), GATEWAY), (engine(60), A)]);
        assert_eq!(percentiles(&world, None), *expected, "{labels} {through_gateway}");
        // The heat map and the bounds are of the same layer.
        let graph = graph("end-to-end-latency").expect("a graph");
        let query = world
            .query(None, |present, context| Some(buckets_query(graph, present, context, BucketsUse::HeatMap)?.query));
        let query = format!("label_replace(({query}) > 0, \"line\", \"$1\", \"le\", \"(.*)\")");
        let bounds: Vec<String> = world.scraped.lines_at(&query, world.scraped.now_ms()).into_keys().collect();
        let upper = if std::ptr::eq(expected, &of_engine) { "2.0" } else { "8.0" };
        assert_eq!(bounds, ["+Inf", upper]);
    }
    // Of two models, one comes through the gateway: both layers are drawn, each without what the other counts.
    let world = World::new(&[(gateway("model=\"a\"", 60), GATEWAY), (engine(60), A), (engine(60), B)]);
    assert_eq!(percentiles(&world, None), [of_gateway.clone(), of_engine.clone()].concat());
    assert_eq!((percentiles(&world, Some("a")), percentiles(&world, Some("b"))), (of_gateway, of_engine));
}

#[test]
fn shares_of_errors_are_of_one_layer() {
    let gateway = |failed: u32, all: u32| {
        format!("inference_objective_request_error_total {failed}\ninference_objective_request_total {all}\n")
    };
    let http = "http_requests_total{status=\"2xx\"} 50\nhttp_requests_total{status=\"5xx\"} 10\n";
    let world = World::new(&[(gateway(0, 0), GATEWAY), (http.into(), A)]);
    let shares = world.lines("error-share", None);
    assert!(shares.keys().all(|line| line.ends_with("HTTP server")), "{shares:?}");
    let world = World::new(&[(gateway(30, 60), GATEWAY), (http.into(), A)]);
    assert_eq!(
        world.lines("error-share", None).into_iter().collect::<Vec<_>>(),
        [("failed · Endpoint picker".into(), 0.5)]
    );
}

#[test]
fn a_summary_chooses_over_its_whole_range() {
    let world = World::new(&[(litellm(0), GATEWAY), (vllm(60), A)]);
    let graph = graph("volume").expect("a graph");
    let query = world.query(None, |present, context| summary_query(graph, present, context, 5 * MINUTE_MS));
    let counts = world.scraped.lines_at(&query, world.scraped.now_ms());
    assert!((counts["finished"] - 60.0).abs() < 1e-9 && counts.len() == 1, "{counts:?}");
}

/// A gateway and a platform beside several engines, in a scope of all models and of one.
#[test]
fn the_choice_fits_into_a_query() {
    let labels = ScopeLabels::default();
    let fleet = ["vllm:", "sglang:", "litellm_", "http_request"];
    let larger = ["vllm:", "sglang:", "litellm_", "http_request", "tgi_", "baseten_", "llamacpp:"];
    for (prefixes, model) in [(&fleet[..], None), (&larger, Some("meta-llama/Llama-3.1-70B-Instruct"))] {
        // Servers of images, and a second gateway, are in no such fleet.
        let present = |name: &str| {
            let is_here = !name.contains("diffusion") && !name.starts_with("vllm:request_latency");
            catalogue::is_original(name) && is_here && prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        let scope = Scope { model: model.map(str::to_owned), ..Scope::default() };
        let context = QueryContext::of_moments(&scope, &labels, 61_000);
        for id in ["volume", "tokens-per-second", "end-to-end-latency", "time-to-first-token"] {
            let query = drawn_query(graph(id).expect("a graph"), &present, &context).expect("a query");
            assert!(query.contains(" unless on ("), "{id} of {model:?}");
        }
    }
}

/// A vLLM beside others that hand their caches on: its requests, the tokens that each may have at most, and the prompt
/// tokens that it took from another's cache.
fn vllm_of_pool(count: u32, max_tokens: u32, transferred: u32) -> String {
    format!(
        "vllm:request_success_total{{finished_reason=\"stop\"}} {count}\n\
         http_requests_total{{handler=\"/v1/completions\",status=\"2xx\"}} {count}\n\
         # TYPE vllm:request_params_max_tokens histogram\n\
         vllm:request_params_max_tokens_bucket{{le=\"+Inf\"}} {count}\n\
         vllm:request_params_max_tokens_sum {}\nvllm:request_params_max_tokens_count {count}\n\
         vllm:num_requests_kv_fetch_by_stage{{stage=\"in_progress\"}} 0\n\
         vllm:prompt_tokens_by_source_total{{source=\"external_kv_transfer\"}} {transferred}\n\
         vllm:generation_tokens_total {}\n",
        count * max_tokens,
        count * max_tokens,
    )
}

const PREFILL: &[(&str, &str)] = &[("model", "a"), ("instance", "prefill"), ("replica", "prefill")];
const DECODE: &[(&str, &str)] = &[("model", "a"), ("instance", "decode"), ("replica", "decode")];

#[test]
fn requests_of_vllms_that_prefill_for_others_count_once() {
    for gateway in [None, Some(60)] {
        let mut pages = vec![(vllm_of_pool(60, 1, 0), PREFILL), (vllm_of_pool(60, 200, 9000), DECODE)];
        pages.extend(gateway.map(|count| (litellm(count), GATEWAY)));
        let world = World::new(&pages);
        for model in [None, Some("a")] {
            assert_counted(&world, "volume", model, &[("2xx", 60)]);
        }
        let tokens = if gateway.is_some() { "generation · vLLM" } else { "generation" };
        assert_counted(&world, "tokens-per-second", Some("a"), &[(tokens, 60 * 200)]);
    }
}

#[test]
fn servers_that_are_asked_for_single_tokens_count_where_no_cache_is_handed_on() {
    // Two of a model that classifies, one of which loads from its own cache on disk.
    let world = World::new(&[(vllm_of_pool(60, 1, 0), PREFILL), (vllm_of_pool(40, 1, 0), DECODE)]);
    assert_counted(&world, "volume", Some("a"), &[("2xx", 100)]);
    // The server that prefills alone, and another model's transfers.
    let alone = World::new(&[(vllm_of_pool(60, 1, 0), PREFILL), (vllm_of_pool(60, 200, 9000), B)]);
    assert_counted(&alone, "volume", None, &[("2xx", 120)]);
    assert_counted(&alone, "volume", Some("a"), &[("2xx", 60)]);
}

#[test]
fn requests_of_sglangs_that_prefill_for_others_count_once() {
    let page = |engine_type: &str| {
        format!(
            "sglang:num_requests_total{{engine_type=\"{engine_type}\"}} 60\n\
             sglang:num_running_reqs{{engine_type=\"{engine_type}\"}} 1\n\
             sglang:kv_transfer_speed_gb_s 5\n"
        )
    };
    let world = World::new(&[(page("prefill"), PREFILL), (page("decode"), DECODE)]);
    assert_counted(&world, "volume", Some("a"), &[("finished", 60)]);
    assert_counted(&world, "volume", None, &[("finished", 60)]);
    let alone = World::new(&[(page("prefill"), PREFILL)]);
    assert_counted(&alone, "volume", Some("a"), &[("finished", 60)]);
}
