//! Whether recipes, graphs and their queries agree, and how long queries get.
use crate::scraped::all_recipes;
use catalogue::contract::names;
use catalogue::{
    DiscoveryQueries, ENGINES, Engine, GPU_METRICS, GRAPHS, LineRole, QueryContext, Recipe, Scope, ScopeLabels, Shape,
    Signature, bare_name, detailed_query, drawn_query, engine, engine_of, family_of, graph, is_original, metric_names,
    query_for, recipes, summary_query, unclaimed,
};
use promql::{Limits, MatchOp, Matcher};
use std::collections::BTreeSet;

/// What says of a server that it prefills for others, beside the graphs of its requests.
const OF_POOLS: [&str; 3] =
    ["vllm:request_params_max_tokens", "vllm:prompt_tokens_by_source_total", "sglang:num_running_reqs"];

#[test]
fn every_recipe_feeds_a_line_of_its_graph() {
    for (engine, recipe) in all_recipes() {
        let graph = graph(recipe.graph()).unwrap_or_else(|| panic!("{}: no graph {}", engine.id, recipe.feeds));
        let is_named = matches!(
            recipe.shape,
            Shape::Gauge { .. }
                | Shape::Rate { .. }
                | Shape::Ratio { .. }
                | Shape::ShareOf { .. }
                | Shape::Mean { .. }
                | Shape::Raw { .. }
        );
        assert_eq!(!recipe.line().is_empty(), is_named, "{}: {}", engine.id, recipe.feeds);
        assert!(graph.lines.iter().any(|line| line.name == recipe.line()), "{}: {}", engine.id, recipe.feeds);
        assert!(recipe.names().next().is_some(), "{}: {}", engine.id, recipe.feeds);
    }
    let ids: BTreeSet<&str> = ENGINES.iter().map(|engine| engine.id).collect();
    assert_eq!(ids.len(), ENGINES.len());
}

/// The companion and exporters measure hardware; a server can export everything else itself.
#[test]
fn inferboards_own_metrics_and_the_companions_feed_every_graph() {
    let own = ["inferboard", "nvml", "host", "process", "scraper"];
    for graph in GRAPHS {
        let is_fed = recipes(graph.id).iter().any(|(engine, recipe)| {
            let line = graph.lines.iter().find(|line| line.name == recipe.line());
            own.contains(&engine.id) && line.is_some_and(|line| line.role == LineRole::Data)
        });
        assert!(is_fed, "{}", graph.id);
    }
}

#[test]
fn the_recipes_and_the_list_of_gpu_metrics_agree() {
    let nvml = engine("nvml").expect("an engine");
    for name in nvml.recipes.iter().flat_map(Recipe::names) {
        assert!(GPU_METRICS.iter().any(|metric| metric.name == bare_name(name)), "{name}");
    }
    for metric in GPU_METRICS {
        assert_eq!(metric.kind == "counter", metric.name.ends_with("_total"), "{}", metric.name);
    }
}

/// A graph's query reads exactly the names that its recipes list.
#[test]
fn queries_read_the_names_that_recipes_need() {
    for graph in GRAPHS {
        let query = query_for(graph, "", "5m", &[], &|_| true).expect("a query");
        let limits = Limits { query_bytes: 1 << 20, operators: 10_000, patterns: 1000, ..Limits::default() };
        let parsed = promql::parse(&query, &limits).unwrap_or_else(|error| panic!("{error}: {query}"));
        let matchers = parsed.selectors().into_iter().flat_map(|selector| &selector.any_of);
        let read: BTreeSet<String> = matchers.filter_map(|matchers| name_of(matchers)).collect();
        let recipes = recipes(graph.id).iter();
        let needed = recipes.flat_map(|(engine, recipe)| recipe.names().map(move |name| (engine, recipe, name)));
        let needed: BTreeSet<String> =
            needed.flat_map(|(engine, recipe, name)| names_of(engine, recipe, bare_name(name))).collect();
        // What says whose the series are is read beside every graph of targets and machines.
        let joined = [names::REPLICA_MODEL, names::TARGET_ROLE, names::OWN_MACHINE];
        let steps: BTreeSet<&str> = ENGINES.iter().flat_map(|engine| engine.steps).collect();
        let is_needed = |name: &String| {
            needed.contains(name)
                || needed.contains(family_of(name))
                || joined.contains(&name.as_str())
                || steps.contains(name.as_str())
                || OF_POOLS.contains(&family_of(name))
        };
        assert!(read.iter().all(is_needed), "{}: {read:?}", graph.id);
        let is_read = |name: &String| {
            read.contains(name) || ["_bucket", "_sum"].iter().any(|part| read.contains(&format!("{name}{part}")))
        };
        assert!(needed.iter().all(is_read), "{}: {needed:?}", graph.id);
    }
}

/// The names that a query may read for one name of a recipe: raw PromQL has no other spellings.
fn names_of(engine: &Engine, recipe: &Recipe, name: &str) -> Vec<String> {
    match recipe.shape {
        Shape::Raw { .. } => vec![name.to_owned()],
        _ => engine.spellings(name),
    }
}

fn name_of(matchers: &[Matcher]) -> Option<String> {
    let own = matchers.iter().find(|matcher| matcher.name == "__name__")?;
    matches!(own.op, MatchOp::Equal).then(|| own.value.clone())
}

#[test]
fn discovery_matches_exactly_the_names_and_stays_short() {
    let labels = ScopeLabels::default();
    let queries = DiscoveryQueries { labels: &labels, range_ms: 3_600_000 };
    for query in [queries.names(), queries.keys()] {
        assert!(query.len() < 15 << 10, "{} bytes; servers accept 16 KiB", query.len());
        promql::parse(&query, &Limits::default()).expect("a query");
    }
    let query = queries.all_names();
    let parsed = promql::parse(&query, &Limits::default()).expect("a query");
    let selectors = parsed.selectors();
    let MatchOp::Regex(pattern) = &selectors[0].any_of[0][0].op else { panic!("not a pattern: {query}") };
    let names = metric_names();
    let few = ENGINES.iter().filter(|engine| engine.has_few_names).flat_map(|engine| engine.signatures);
    let few: Vec<&str> = few
        .map(|signature| match signature {
            Signature::Prefix(prefix) | Signature::Name(prefix) => *prefix,
        })
        .collect();
    for name in &names {
        assert!(pattern.is_match(name), "{name}");
        if few.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        for near in [format!("{name}x"), format!("x{name}"), name[..name.len() - 1].to_owned()] {
            assert_eq!(pattern.is_match(&near), names.contains(&near), "{near}");
        }
    }
}

/// Each query keeps to the server's limits even with every engine in all versions behind every gateway.
#[test]
fn queries_keep_to_the_limits_when_every_metric_is_present() {
    let scope = Scope {
        model: Some("meta-llama/Llama-3.1-70B-Instruct".into()),
        environment: Some("production".into()),
        deployment: Some("blue-2026-11-22".into()),
        replica: Some("llama-70b-blue-7f9c4d-x2k4p".into()),
    };
    let labels = ScopeLabels::default();
    let context = QueryContext::of_moments(&scope, &labels, 61_000);
    // The metrics of one version of each engine: none is present under two spellings.
    let present = is_original;
    let mut longest = (0, "");
    for graph in GRAPHS {
        let queries = [
            drawn_query(graph, &present, &context),
            detailed_query(graph, &present, &context),
            summary_query(graph, &present, &context, 86_400_000),
        ];
        for query in queries.into_iter().flatten() {
            longest = longest.max((query.len(), graph.id));
            let parsed = promql::parse(&query, &Limits::default());
            parsed.unwrap_or_else(|error| panic!("{}: {error}: {query}", graph.id));
        }
    }
    assert!(longest.0 > 10 << 10, "{longest:?}: the limit is not tested");
}

#[test]
fn engines_are_recognised_by_their_metrics() {
    for (name, id) in [
        ("vllm:num_requests_running", Some("vllm")),
        ("ray_vllm_num_requests_running", Some("vllm")),
        ("ray_vllm:num_requests_running", Some("vllm")),
        ("vllm:healthy_pods_total", Some("vllm-router")),
        ("sglang_token_usage", Some("sglang")),
        ("te_queue_size", Some("tei")),
        ("nv_inference_count", Some("triton")),
        ("num_request_max", Some("nim")),
        ("latency_distribution", Some("huggingface")),
        ("node_load1", Some("host")),
        ("http_requests_total", None),
        ("process_start_time_seconds", None),
        ("inferboard_build_info", None),
        ("vllmish", None),
    ] {
        assert_eq!(engine_of(name).map(|(_, engine)| engine.id), id, "{name}");
    }
}

#[test]
fn metrics_without_a_recipe_are_unclaimed() {
    let names = [
        "vllm:num_requests_running",
        "vllm:num_preemptions_created",
        "vllm:e2e_request_latency_seconds_bucket",
        "tgi_request_input_length_bucket",
        "my_gauge",
        "up",
    ];
    assert_eq!(unclaimed(names), ["my_gauge"]);
}
