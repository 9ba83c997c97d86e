//! Small histories from public bug reports: the right value of each on the page, read from the DOM.
use crate::figure::shown;
use crate::reading;
use inferboard_tests::{Browser, Companion, FixtureError, Result, Theme};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// What the page must show: the case, the graph, the line, and its mean over the range.
type Expected = (&'static str, &'static str, &'static str, f64);

const EXPECTED: &[Expected] = &[
    ("c01", "tokens-per-second", "prompt", 200.0),
    ("c01", "tokens-per-second", "generation", 50.0),
    ("c01", "concurrent-requests", "in flight", 7.0),
    ("c01", "queue-time", "mean", 0.3),
    ("c02", "gateway-overhead", "mean", 0.04),
    ("c03", "volume", "finished", 4.0),
    ("c03", "error-share", "failed", 0.1),
    ("c03", "end-to-end-latency", "mean", 0.6),
    ("c03", "time-to-first-token", "mean", 0.6),
    ("c03", "queue-time", "mean", 0.6),
    ("c03", "concurrent-requests", "in flight", 12.0),
    ("c03", "kv-cache-use", "in use", 0.6),
    ("c03", "replicas", "active", 4.0),
    ("c05", "gpu-pcie", "sent", 420e6),
    ("c05", "gpu-pcie", "received", 1.55e9),
    ("c05", "gpu-nvlink", "sent", 20e9),
    ("c05", "gpu-nvlink", "received", 21e9),
    ("c06", "gpu-power", "drawn", 60.0),
    ("c06", "gpu-energy", "mean", 60.0),
    ("c06", "gpu-errors", "PCIe replays", 2.0),
    ("c06", "gpu-memory", "in use", 9000.0 * MIB),
    ("c06", "gpu-memory", "capacity", 15_000.0 * MIB),
    ("c10", "queue-time", "mean", 0.7),
    ("c10", "kv-cache-use", "in use", 0.5),
    ("c10", "prefix-cache-hit-share", "as reported", 0.3),
    ("c10", "time-per-output-token", "mean", 0.7),
    ("c11", "volume", "succeeded", 2.0),
    ("c11", "end-to-end-latency", "mean", 1.0),
    ("c13", "volume", "succeeded", 3.0),
    ("c13", "end-to-end-latency", "mean", 0.7),
    ("c14", "volume", "finished", 2.0),
    ("c14", "tokens-per-second", "prompt", 100.0),
    ("c14", "tokens-per-second", "generation", 20.0),
    ("c14", "end-to-end-latency", "mean", 0.7),
    ("c15", "tokens-per-second", "prompt", 600.0),
    ("c15", "tokens-per-second", "generation", 120.0),
    ("c15", "end-to-end-latency", "mean", 0.5),
    ("c15", "time-to-first-token", "mean", 0.5),
    ("c15", "time-per-output-token", "mean", 0.5),
    ("c16", "volume", "succeeded", 1.0),
    ("c16", "end-to-end-latency", "mean", 0.8),
    ("c16", "tokens-per-second", "generation", 25.0),
    ("c17", "concurrent-requests", "in flight", 14.0),
    ("c18", "volume", "2xx", 4.5),
    ("c18", "volume", "5xx", 0.5),
    ("c18", "error-share", "server errors", 0.1),
    ("c18", "tokens-per-second", "prompt", 500.0),
    ("c18", "tokens-per-second", "generation", 120.0),
    ("c19", "volume", "finished", 3.0),
    ("c19", "tokens-per-second", "prompt", 200.0),
    ("c19", "tokens-per-second", "generation", 60.0),
    ("c19", "end-to-end-latency", "mean", 0.7),
    ("c20", "phase-times", "inference", 0.2),
    ("c21", "kv-offload-use", "host", 0.5),
    ("c21", "other-cache-hits", "LMCache", 0.4),
    ("c21", "cache-load-time", "mean", 0.01),
    ("c23", "gpu", "average", 0.8),
    ("c23", "gpu-memory", "in use", 100_000.0 * MIB),
    ("c23", "gpu-power", "drawn", 600.0),
    ("c23", "gpu-temperature", "hottest GPU", 70.0),
    ("c24", "gpu", "average", 0.55),
    ("c24", "gpu-memory", "in use", 40_000.0 * MIB),
    ("c25", "prefix-cache-hit-share", "hits", 0.25),
    ("c25", "concurrent-requests", "in flight", 7.0),
    ("c25", "errors-by-cause", "inflight", 0.5),
    ("c30", "gpu-power", "drawn", 310.0),
    ("c30", "gpu-energy", "mean", 310.0),
    ("c30", "gpu-memory", "in use", 9072.0 * MIB),
    ("c32", "volume", "finished", 1.0),
    ("c32", "end-to-end-latency", "mean", 3.0),
    ("c32", "running-and-waiting", "waiting", 4.0),
    ("c33", "lora", "active", 2.0),
    ("c34", "volume", "finished", 3.0),
    ("c34", "end-to-end-latency", "mean", 0.7),
    ("c34", "pending-requests", "at the engines", 6.0),
    ("c35", "gpu", "average", 0.7),
    ("c35", "gpu-memory", "in use", 9e9),
    ("c36", "prefix-cache-hit-share", "hits", 0.4),
    // These are pages without a history; counters grow by their value each minute.
    ("c37", "running-and-waiting", "running", 3.0),
    ("c37", "tokens-per-second", "generation", 20.0),
    ("c37", "kv-cache-use", "in use", 0.4),
    ("c38", "volume", "finished", 40.0 / 60.0),
    ("c38", "time-to-first-token", "mean", 0.75),
    // An idle engine: its counters stand, and its gauge of throughput keeps the last value.
    ("c40", "tokens-per-second", "generation", 0.0),
];

const MIB: f64 = 1_048_576.0;

/// A part of the times that all histories have, in Unix milliseconds.
const FROM_MS: i64 = 1_795_967_600_000;
const TO_MS: i64 = 1_795_968_400_000;

/// How far a value may be off, besides its rounding.
const TOLERANCE: f64 = 0.01;

/// The folder with the cases; none without them.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases");
    folder.join("history").is_dir().then_some(folder)
}

/// The history of a case: a file, or what a page of metrics becomes if its counters grow.
fn history(folder: &Path, case: &str, scratch: &Path) -> Result<PathBuf> {
    // Two cases share a history.
    let prefix = format!("{}_", if case == "c02" { "c01" } else { case });
    let find = |part: &str| -> Result<Option<PathBuf>> {
        let entries = fs::read_dir(folder.join(part)).map_err(FixtureError::io("cannot list the cases"))?;
        let paths = entries.flatten().map(|entry| entry.path());
        let is_own = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
        Ok(paths.into_iter().find(is_own))
    };
    if let Some(path) = find("history")? {
        return Ok(path);
    }
    let missing = || FixtureError::Page(format!("there is no case {case}"));
    let page =
        fs::read_to_string(find("pages")?.ok_or_else(missing)?).map_err(FixtureError::io("cannot read a case"))?;
    let path = scratch.join(format!("{case}.om"));
    fs::write(&path, grown(&page, if case == "c40" { 0.0 } else { 1.0 }))
        .map_err(FixtureError::io("cannot write a case"))?;
    Ok(path)
}

/// A page as a history over the range, whose counters grow by their values times `growth` each minute.
fn grown(page: &str, growth: f64) -> String {
    const STEP_S: i64 = 5;
    let gauges: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" gauge")).collect();
    let mut text = String::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
        let value: f64 = value.parse().unwrap_or(f64::NAN);
        let start_s = FROM_MS / 1000 - 300;
        for step in 0..=(TO_MS / 1000 + 60 - start_s) / STEP_S {
            let time_s = start_s + step * STEP_S;
            let factor = if gauges.contains(&name) { 1.0 } else { 1000.0 + growth * (step * STEP_S) as f64 / 60.0 };
            let separator = if labels.is_empty() { "" } else { "," };
            let target = "instance=\"10.0.0.1:8000\",replica=\"r-0\"";
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}{{{labels}{separator}{target}}} {} {time_s}", value * factor);
        }
    }
    text.push_str("# EOF\n");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_shows_its_right_value() -> Result<()> {
    let Some(folder) = folder() else {
        println!("skipped: there are no cases beside the workspace");
        return Ok(());
    };
    let scratch = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder"))?;
    let data = scratch.path().join("data").display().to_string();
    let mut cases: Vec<&str> = EXPECTED.iter().map(|(case, ..)| *case).collect();
    cases.dedup();
    for case in &cases {
        let path = history(&folder, case, scratch.path())?.display().to_string();
        // Each case is an environment, so that one companion has them all.
        Companion::printed(&["import", &path, "--label", &format!("environment={case}"), "--data-dir", &data])?;
    }
    let companion = Companion::start(&["--no-discovery", "--data-dir", &data]).await?;
    let browser = Browser::start().await?;
    browser.show_as(900, 700, Theme::Light).await?;
    reading::prepare(&browser, Some(TO_MS + 60_000)).await?;
    let mut wrong = String::new();
    for (case, graph, line, expected) in EXPECTED {
        let view = format!("embed={graph}&environment={case}&from={FROM_MS}&to={TO_MS}&zone=utc&refresh=off&v=2");
        // Hiding a line that does not exist draws all percentiles.
        let card = format!("card={graph}.statistics&card={graph}.hide.-");
        let found = reading::card(&browser, &format!("{}/?{view}&{card}", companion.url())).await?;
        let mean = found.statistics.iter().find(|(name, _)| name == line).and_then(|(_, cells)| cells.get(1));
        let is_right = mean
            .and_then(|text| shown::read(text))
            .is_some_and(|shown| (shown.value - expected).abs() <= shown.rounding + TOLERANCE * expected.abs());
        if !is_right {
            let _ = writeln!(
                wrong,
                "{case} {graph}/{line}: {expected} expected, shown {:?} {}",
                found.statistics, found.note
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    Ok(())
}
