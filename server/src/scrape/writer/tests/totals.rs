//! What clients did in recorded sessions of vLLM, to the request: nothing before the first page of a process, around a
//! restart, or at the first of its kind is missing, and nothing is counted twice.
use super::*;
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A recorded scrape: its time and its page, if there was one.
type Frame = (i64, Option<String>);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

/// Nine minutes with a burst, client errors and a restart, scraped every 5 s from the start of the process.
fn session() -> Vec<Frame> {
    let folder = std::fs::read_dir(fixtures().join("vllm-0.32-session")).expect("the fixture");
    let frame = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let time_ms = name.split('.').next().and_then(|time_ms| time_ms.parse().ok()).expect("a time");
        let mut page = String::new();
        GzDecoder::new(File::open(&path).expect("a file")).read_to_string(&mut page).expect("a page");
        (time_ms, Some(page).filter(|_| name.contains(".up.")))
    };
    let mut frames: Vec<Frame> = folder.map(|entry| frame(entry.expect("an entry").path())).collect();
    frames.sort_by_key(|(time_ms, _)| *time_ms);
    frames
}

/// Another process: before and after a load, and after `kill -9`, a restart and another load.
fn killed_session() -> Vec<Frame> {
    let page = |state| {
        let file = fixtures().join(format!("captures/vllm-0.32.0-cpu-{state}.prom"));
        Some(std::fs::read_to_string(file).expect("the fixture"))
    };
    vec![
        (1_795_967_280_000, None),
        (1_795_967_360_000, page("fresh")),
        (1_795_969_100_000, page("loaded")),
        (1_795_969_160_000, None),
        (1_795_969_900_000, page("after-kill9")),
    ]
}

/// The values of the counted series of the HTTP server and the engine.
fn counts(page: &str) -> BTreeMap<String, f64> {
    let is_counted = |series: &&str| {
        let name = series.split('{').next().unwrap_or_default();
        let suffix = ["_total", "_bucket", "_sum", "_count"].iter().any(|suffix| name.ends_with(suffix));
        suffix && (name.starts_with("vllm:") || name.starts_with("http_"))
    };
    let lines = page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    lines
        .filter(|(series, _)| is_counted(series))
        .map(|(series, value)| (series.to_owned(), value.parse().expect("a number")))
        .collect()
}

/// What was counted: the last value of each series in each run.
fn counted(frames: &[Frame]) -> BTreeMap<String, f64> {
    let mut counted = BTreeMap::new();
    for run in frames.split(|(_, page)| page.is_none()).filter_map(|run| run.last()) {
        for (series, value) in counts(run.1.as_deref().unwrap_or_default()) {
            *counted.entry(series).or_insert(0.0) += value;
        }
    }
    counted
}

/// A store that has scraped all frames.
fn scraped(frames: &[Frame]) -> Story {
    let mut story = Story::new(Identity { model: None, job: None, ..named() });
    for (time_ms, page) in frames {
        match page {
            Some(page) => assert_eq!(story.up(*time_ms, page), None),
            None => assert_eq!(story.down(*time_ms, Failure::Connect), Some(Failure::Connect)),
        }
    }
    story
}

/// What PromQL counts of `series` over all frames.
fn increase(story: &Story, frames: &[Frame], series: &str) -> f64 {
    let (first_ms, last_ms) = (frames[0].0, frames[frames.len() - 1].0);
    let query = format!("sum(increase({series}[{}ms] anchored))", last_ms - first_ms);
    let options = promql::Options::default();
    let query = promql::parse(&query, &options.limits).expect("a query");
    let result = promql::instant(&story.store, &query, last_ms, &options, &promql::uninterrupted);
    match result.expect("a result").value {
        promql::Value::Vector(samples) => samples.iter().map(|sample| sample.value).sum(),
        other => panic!("{other:?}"),
    }
}

fn check(frames: &[Frame], totals: &[(&str, f64)]) {
    let (counted, story) = (counted(frames), scraped(frames));
    assert!(counted.len() > 200, "{}", counted.len());
    for (series, count) in &counted {
        let increase = increase(&story, frames, series);
        // Sums of seconds are not whole.
        let error = if series.contains("_sum") { count * 1e-9 } else { 0.0 };
        assert!((increase - count).abs() <= error, "{series}: {increase} of {count}");
    }
    for (series, count) in totals {
        assert_eq!(increase(&story, frames, series), *count, "{series}");
    }
}

#[test]
fn a_session_from_its_start_is_counted_to_the_request() {
    check(
        &session(),
        &[
            ("http_requests_total{handler=\"/v1/completions\",method=\"POST\",status=\"2xx\"}", 658.0),
            ("http_requests_total{handler=\"/v1/completions\",method=\"POST\",status=\"4xx\"}", 29.0),
            ("vllm:request_success_total", 658.0),
            ("vllm:prompt_tokens_total", 46_069.0),
            ("vllm:generation_tokens_total", 34_560.0),
        ],
    );
}

#[test]
fn a_session_that_was_killed_is_counted_to_the_request() {
    check(
        &killed_session(),
        &[
            ("http_requests_total{handler=\"/v1/completions\",method=\"POST\",status=\"4xx\"}", 16.0),
            ("http_requests_total{handler=\"none\"}", 1.0),
            ("vllm:request_success_total", 321.0),
            ("vllm:prompt_tokens_total", 17_979.0),
            ("vllm:generation_tokens_total", 6294.0),
        ],
    );
}
