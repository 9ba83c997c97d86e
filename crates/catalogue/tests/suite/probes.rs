//! Scrapes and health probes are not counted as inference.
use crate::captures::captures;
use crate::scraped::{Scraped, all_recipes, families};
use catalogue::{ENGINES, PROBE_PATHS, bare_name, graph};
use std::collections::{BTreeMap, BTreeSet};

/// The labels that hold the path of a request.
const PATH_LABELS: [&str; 6] = ["handler", "route", "path", "endpoint", "uri", "url"];

/// Counts by path that are left as they are: those of Inferboard's own names, which a gateway exports on purpose, and
/// those of nginx's ingress, whose `path` is that of the rule.
const EXEMPT: [&str; 2] = ["inferboard", "nginx"];

/// The paths by which captured families tell requests apart: family, and the label.
fn families_by_path() -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    for family in captures().iter().flat_map(|capture| &capture.families) {
        for (name, value) in family.samples.iter().flat_map(|sample| &sample.labels) {
            let label = PATH_LABELS.into_iter().find(|label| label == name);
            if let Some(label) = label.filter(|_| value.starts_with('/')) {
                found.insert(family.name.clone(), label);
            }
        }
    }
    found
}

#[test]
fn recipes_that_count_requests_by_path_leave_out_probes() {
    let by_path = families_by_path();
    let mut checked = BTreeSet::new();
    for (engine, recipe) in all_recipes().filter(|(engine, _)| !EXEMPT.contains(&engine.id)) {
        for name in recipe.names() {
            let spellings = engine.spellings(bare_name(name));
            let label = spellings.iter().find_map(|name| {
                let total = name.strip_suffix("_total").unwrap_or(name);
                by_path.get(name).or_else(|| by_path.get(total))
            });
            let Some(label) = label else { continue };
            checked.insert(bare_name(name));
            let matcher = format!("{label}!~\"{PROBE_PATHS}\"");
            assert!(name.contains(&matcher), "{}: {}: {name} counts probes", engine.id, recipe.feeds);
        }
    }
    assert!(checked.len() > 5, "only {checked:?}");
    assert!(ENGINES.len() > 30);
}

#[test]
fn the_pattern_tells_probes_from_inference() {
    let count = |path: &str| {
        let page = |n: u32| {
            format!(
                "http_requests_total{{handler=\"{path}\",status=\"2xx\"}} {n}\n\
                 http_requests_total{{handler=\"/other\",status=\"4xx\"}} {n}\n"
            )
        };
        let mut scraped = Scraped::new();
        for n in [0, 60] {
            scraped.scrape(&families(&page(n)), &[], |_, value| value);
        }
        scraped.lines(graph("volume").expect("a graph")).expect("lines").contains_key("2xx")
    };
    let probes = [
        "/metrics",
        "/metrics/",
        "/health",
        "/healthz",
        "/health/liveliness",
        "/v2/health/ready",
        "/livez",
        "/readyz",
        "/readiness",
        "/ping",
        "/health_generate",
        "/v1/models",
        "/info",
        "/prometheus/metrics",
        "None",
    ];
    for path in probes {
        assert!(!count(path), "{path}");
    }
    let inference = [
        "/v1/chat/completions",
        "/embeddings",
        "/predict",
        "/",
        "/v1/models/tiny:predict",
        "/v2/models/tiny/infer",
        "/live/transcribe",
        "/healthcare/summary",
        "none",
        "/information",
    ];
    for path in inference {
        assert!(count(path), "{path}");
    }
}
