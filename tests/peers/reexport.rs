//! Prometheus and the Python client read everything that the companion exports.
use inferboard_tests::{
    Api, Companion, FixtureError, PATIENCE, Play, Process, Prometheus, Recording, Replay, Result, skipped, until,
};
use prometheus_api::{RangeValues, Series};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use test_kit::python;

/// The jobs of the exported configuration.
const JOBS: &str = "job=~\"inferboard|inferboard-federate\"";
/// All other series in a Prometheus with that configuration.
const FEDERATED: &str = "{__name__=~\".+\",job!~\"inferboard|inferboard-federate\"}";

/// Reads `[[format, page], …]` and prints `{family: [type, help, [[sample, labels, value], …]]}` for each metrics page.
const FAMILIES: &str = r"
import json, sys
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics
read = {'text': parser.text_string_to_metric_families, 'openmetrics': openmetrics.text_string_to_metric_families}
json.dump([{family.name: [family.type, family.documentation,
                          [[sample.name, sample.labels, sample.value] for sample in family.samples]]
            for family in read[format](page)}
           for format, page in json.load(sys.stdin)], sys.stdout)
";

/// Starts a companion that scrapes a replayed engine.
async fn companion() -> Result<(Companion, Replay)> {
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: 20.0 }, 0)?;
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", "500ms", "--target", &replay.url()]).await?;
    let engine = async || companion.api().value("count(vllm:num_requests_running)", None).await;
    until("the engine's metrics", PATIENCE, engine, |count| *count >= 1.0).await?;
    Ok((companion, replay))
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_copies_all_samples_with_the_exported_configuration() -> Result<()> {
    let (companion, _replay) = companion().await?;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("inferboard.toml");
    let listen = companion.url().trim_start_matches("http://");
    fs::write(&file, format!("listen = \"{listen}\"\nscrape_interval = \"500ms\"\n")).expect("a file");
    let file = file.display().to_string();
    let configuration = Companion::printed(&["export", "prometheus-config", "--config", &file])?;
    let prometheus = match Prometheus::configured(&configuration).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so the exported configuration cannot be tried"));
            return Ok(());
        }
        started => started?,
    };
    let (ours, theirs) = (companion.api(), prometheus.api());
    let up = async || theirs.value(&format!("sum(up{{{JOBS}}})"), None).await;
    until("both jobs up", PATIENCE, up, |up| *up == 2.0).await?;
    let scraped = async || theirs.value("count(count_over_time(vllm:num_requests_running[1m]) > 3)", None).await;
    until("several federated samples", PATIENCE, scraped, |count| *count >= 1.0).await?;

    // The order matters: every sample in Prometheus must already be in the companion.
    let their_samples = samples_by_series(theirs.samples(&format!("{FEDERATED}[1m]"), None).await?);
    let our_samples = samples_by_series(ours.samples("{__name__=~\".+\",job!~\"host|inferboard\"}[5m]", None).await?);
    let names: BTreeSet<_> = their_samples.keys().map(|series| series["__name__"].clone()).collect();
    assert!(
        names.len() > 40 && their_samples.len() > 200,
        "only {} series of {} names",
        their_samples.len(),
        names.len()
    );
    for (series, samples) in &their_samples {
        let ours = our_samples.get(series).unwrap_or_else(|| panic!("only Prometheus has {series:?}"));
        for (time_ms, bits) in samples {
            assert_eq!(ours.get(time_ms), Some(bits), "{series:?} at {time_ms}");
        }
    }
    let long_series = our_samples.iter().filter(|(_, samples)| samples.len() > 10);
    let missing: Vec<_> =
        long_series.map(|(series, _)| series).filter(|series| !their_samples.contains_key(*series)).collect();
    assert!(missing.is_empty(), "Prometheus lacks {missing:?}");

    let own_count = async |name: &str| {
        theirs.value(&format!("count({name}{{job=\"inferboard\",instance=\"{listen}\"}})"), None).await
    };
    assert_eq!(own_count("inferboard_build_info").await?, 1.0);
    assert!(own_count("node_cpu_seconds_total").await? >= 8.0);
    let metadata = metadata(&theirs).await?;
    for (family, kind) in
        [("node_cpu_seconds_total", "counter"), ("node_load1", "gauge"), ("inferboard_store_samples_total", "counter")]
    {
        let reported = &metadata[family][0];
        // From OpenMetrics, Prometheus stores the name of the family, which has no suffix.
        let reported = if reported.is_null() { &metadata[family.trim_end_matches("_total")][0] } else { reported };
        assert_eq!((&reported["type"], reported["help"] == ""), (&json!(kind), false), "{family}: {reported}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_reads_both_endpoints_in_both_formats() -> Result<()> {
    let (companion, _replay) = companion().await?;
    let mut pages = Vec::new();
    for path in ["/metrics", "/federate?match[]={__name__=~\"vllm:.%2B\"}"] {
        for (format, accept) in [("text", "text/plain;version=0.0.4"), ("openmetrics", "application/openmetrics-text")]
        {
            let url = format!("{}{path}", companion.url());
            let request = reqwest::Client::new().get(url).header("accept", accept);
            pages.push((format, request.send().await?.error_for_status()?.text().await?));
        }
    }
    let input = serde_json::to_vec(&pages).expect("JSON");
    let Some(output) = python::run(FAMILIES, &input) else { return Ok(()) };
    let read: Vec<BTreeMap<String, ReadFamily>> = serde_json::from_slice(&output).expect("JSON");
    for ((format, page), families) in pages.iter().zip(&read) {
        let lines = page.lines().filter(|line| !line.starts_with('#')).count();
        let samples: usize = families.values().map(|(_, _, samples)| samples.len()).sum();
        assert_eq!(samples, lines, "{format}\n{page}");
    }
    let [text, open, federated_text, federated_open] = &read[..] else { panic!("{} pages", read.len()) };
    assert_eq!(text.keys().collect::<Vec<_>>(), open.keys().collect::<Vec<_>>());
    for (family, (kind, help, _)) in text {
        assert_eq!((kind, help), (&open[family].0, &open[family].1), "{family}");
        assert!(!help.is_empty() && kind != "unknown", "{family}: {kind} {help:?}");
    }
    for (families, name) in
        [(federated_text, "vllm:num_requests_running"), (federated_open, "vllm:num_requests_running")]
    {
        assert!(families.len() > 30, "{} families", families.len());
        let (kind, _, samples) = &families[name];
        assert_eq!((kind.as_str(), &samples[0][1]["job"]), ("unknown", &json!("targets")));
    }
    Ok(())
}

#[tokio::test]
async fn promtool_accepts_the_exported_configuration() -> Result<()> {
    let configuration =
        Companion::printed(&["export", "prometheus-config", "--url", "https://gpubox.example/inferboard"])?;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prometheus.yml");
    fs::write(&file, &configuration).expect("a file");
    let mut command = Command::new("promtool");
    command.args(["check", "config"]).arg(&file);
    let mut promtool = match Process::start("promtool", command) {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so the exported configuration cannot be checked"));
            return Ok(());
        }
        started => started?,
    };
    promtool.word_after("SUCCESS: ", PATIENCE).await?;
    Ok(())
}

/// The type, the help text and the samples of a family.
type ReadFamily = (String, String, Vec<Value>);

type Samples = BTreeMap<BTreeMap<String, String>, BTreeMap<i64, u64>>;

/// The times in Unix milliseconds and the bits of the values of each series.
fn samples_by_series(series: Vec<Series<RangeValues>>) -> Samples {
    let sample = |(at_s, value): &(f64, prometheus_api::Number)| ((at_s * 1000.0).round() as i64, value.0.to_bits());
    series.into_iter().map(|series| (series.metric, series.samples.values.iter().map(sample).collect())).collect()
}

/// The metadata in Prometheus by family.
async fn metadata(api: &Api) -> Result<Value> {
    let body = api.get("/api/v1/metadata").await?.text().await?;
    let response: Value = serde_json::from_str(&body).expect("JSON");
    Ok(response["data"].clone())
}
