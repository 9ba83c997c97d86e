//! What each capture draws, compared with the checked-in snapshots; `UPDATE_SNAPSHOTS=1` rewrites them.
use crate::captures::{Capture, captures};
use crate::scraped::Scraped;
use catalogue::{GRAPHS, detect, family_of, has_data, unclaimed, version_of};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

#[test]
fn every_capture_draws_what_its_snapshot_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let is_updating = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let mut failures = Vec::new();
    for capture in captures() {
        let path = folder.join(format!("{}.txt", capture.name));
        let found = describe(&capture);
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

fn describe(capture: &Capture) -> String {
    let scraped = Scraped::grown(capture, &[], 3);
    let mut text = String::new();
    let engines: Vec<&str> = detect(scraped.names()).into_iter().map(|engine| engine.id).collect();
    let samples = capture.families.iter().flat_map(|family| &family.samples);
    let version = samples.clone().find_map(|sample| {
        let label = |name: &str| sample.labels.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        version_of(&sample.name, label)
    });
    let _ = writeln!(text, "engines: {}", engines.join(", "));
    let version = version.map(|(engine, version)| format!("{} {version}", engine.title));
    let _ = writeln!(text, "version: {}", version.as_deref().unwrap_or("unknown"));
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
    let families: BTreeSet<&str> = unclaimed(scraped.names()).into_iter().map(family_of).collect();
    let families: Vec<&str> = families.into_iter().collect();
    let _ = writeln!(text, "unclaimed: {}", families.join(" "));
    text
}
