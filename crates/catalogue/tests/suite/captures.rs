//! What each captured page lights up, compared with the checked-in snapshots; `UPDATE_SNAPSHOTS=1` rewrites them.
use crate::pages::{Capture, Scraped, captures, cumulative};
use catalogue::{GRAPHS, detect, has_data, unclaimed, version_of};
use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

#[test]
fn every_page_lights_up_what_its_snapshot_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let is_updating = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let growing = cumulative();
    let mut failures = Vec::new();
    for capture in captures() {
        let path = folder.join(format!("{}.txt", capture.name));
        let found = describe(&capture, &growing);
        if is_updating {
            fs::write(&path, &found).expect("a snapshot");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if expected != found {
            let different = found.lines().find(|line| !expected.lines().any(|other| other == *line));
            failures.push(format!("{}: {}", capture.name, different.unwrap_or("a line is missing")));
        }
    }
    assert!(failures.is_empty(), "differ from their snapshots:\n{}", failures.join("\n"));
}

/// Counters grow by what they show each minute, and those of families that show nothing by one a second, so that idle
/// pages draw too; gauges are as captured.
fn describe(capture: &Capture, growing: &BTreeSet<String>) -> String {
    let mut scraped = Scraped::new();
    let is_idle = |own: &&exposition::Family| own.samples.iter().all(|sample| sample.value == 0.0);
    let idle: Vec<&exposition::Family> = capture.families.iter().filter(is_idle).collect();
    let idle: BTreeSet<&str> = idle.iter().flat_map(|own| &own.samples).map(|sample| family(&sample.name)).collect();
    for scrape in 0..3 {
        let grown = |name: &str, value: f64| {
            let shown = if idle.contains(family(name)) { 60.0 } else { value };
            if growing.contains(name) { shown * f64::from(scrape) } else { value }
        };
        scraped.scrape(&capture.families, &[], grown);
    }
    let mut text = String::new();
    let engines: Vec<&str> = detect(scraped.names()).into_iter().map(|engine| engine.id).collect();
    let samples = capture.families.iter().flat_map(|family| &family.samples);
    let version = samples.clone().find_map(|sample| {
        let label = |name: &str| sample.labels.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        version_of(&sample.name, label)
    });
    let _ = writeln!(text, "engines: {}", engines.join(", "));
    let version = version.map(|(engine, version)| format!("{} {version}", engine.title));
    let _ = writeln!(text, "version: {}", version.as_deref().unwrap_or("not told"));
    for graph in GRAPHS {
        let has_data = has_data(graph, &|name| scraped.has(name));
        let Some(lines) = scraped.lines(graph) else {
            assert!(!has_data, "{}: {} has data and no query", capture.name, graph.id);
            continue;
        };
        let one = |(name, value): (&String, &f64)| format!("{name} = {}", graph.unit.format(*value));
        let lines: Vec<String> = lines.iter().map(one).collect();
        let lines = if lines.is_empty() { "DARK".to_owned() } else { lines.join("; ") };
        let hidden = if graph.is_shown { "" } else { " (hidden)" };
        let _ = writeln!(text, "{}{hidden}: {lines}", graph.id);
    }
    let families: BTreeSet<&str> = unclaimed(scraped.names()).into_iter().map(family).collect();
    let families: Vec<&str> = families.into_iter().collect();
    let _ = writeln!(text, "unclaimed: {}", families.join(" "));
    text
}

fn family(name: &str) -> &str {
    ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}
