//! The page on a static host, in a folder of it: beside each server that it can ask, and when its files are not whole.
use inferboard_tests::{
    Browser, Companion, FixtureError, PATIENCE, Play, Prometheus, Recording, Replay, Result, Session, StaticHost,
    VictoriaMetrics, now_ms, skipped, until,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// Where the page is on the host.
const FOLDER: &str = "/team/metrics/";
const SPEED: f64 = 20.0;
const INTERVAL: Duration = Duration::from_millis(250);
const MIN_PIXELS: u64 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_a_companion_of_another_origin_that_lists_it() -> Result<()> {
    let (host, browser) = (page_host()?, Browser::start().await?);
    let session = Session::configured(&format!("cors_origins = [{:?}]", host.origin())).await?;
    let start = json!({
        "backends": [{ "name": "gpubox", "url": session.companion.url() }],
        "scope": { "model": "tiny-llama" },
        "range": "2m",
    });
    host.put(&format!("{FOLDER}config.json"), start.to_string());
    let page = format!("{}{FOLDER}", host.origin());
    browser.open(&format!("{page}?section=requests&every=1s")).await?;
    draws(&browser).await?;
    let range = browser.card("volume").await?.range().to_owned();
    assert!(range.split(" to ").count() == 2, "{range}");
    assert_eq!(browser.driver().title().await?, "tiny-llama – Inferboard", "the file says what is selected at first");
    assert!(
        host.requests().iter().all(|asked| asked.starts_with("GET /")),
        "nothing is asked of the host but its files"
    );

    let silent = Companion::configured("").await?;
    host.put(&format!("{FOLDER}config.json"), json!({ "backends": [{ "url": silent.url() }] }).to_string());
    browser.open(&page).await?;
    let told = browser.find("[data-testid=lost]").await?.text().await?;
    assert!(told.contains("is not responding"), "a server that does not list the host stays closed: {told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_a_prometheus() -> Result<()> {
    let (host, replay, browser) = hosted().await?;
    let prometheus = match Prometheus::start(&replay, INTERVAL, &BTreeMap::new()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so the page cannot ask it"));
            return Ok(());
        }
        started => started?,
    };
    let labels = json!({ "model": "model_name", "replica": "instance" });
    host.put(
        &format!("{FOLDER}config.json"),
        json!({ "backends": [{ "url": prometheus.url() }], "labels": labels }).to_string(),
    );
    browser.open(&format!("{}{FOLDER}?section=requests&from=now-2m&every=1s", host.origin())).await?;
    draws(&browser).await
}

/// Nothing answers there: the port is that of a service nobody runs.
const NOBODY: [&str; 2] = ["127.0.0.1:9", "127.0.0.2:9"];

#[tokio::test(flavor = "multi_thread")]
async fn of_the_targets_of_a_prometheus_those_count_that_serve() -> Result<()> {
    let (host, replay, browser) = hosted().await?;
    host.put("/metrics", "# TYPE node_load1 gauge\nnode_load1 1\n");
    let exporter = host.origin().replace("http://", "");
    let job = |name: &str, targets: [&str; 2]| json!({ "job_name": name, "static_configs": [{ "targets": targets }] });
    // A second replica that is down, a machine, and one that is down too.
    let jobs = [job("engines", [&replay.instance(), NOBODY[0]]), job("machines", [&exporter, NOBODY[1]])];
    let interval = format!("{}ms", INTERVAL.as_millis());
    let configuration =
        json!({ "global": { "scrape_interval": interval, "scrape_timeout": interval }, "scrape_configs": jobs });
    let prometheus = match Prometheus::configured(&configuration.to_string()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so the page cannot ask it"));
            return Ok(());
        }
        started => started?,
    };
    host.put(&format!("{FOLDER}config.json"), json!({ "backends": [{ "url": prometheus.url() }] }).to_string());
    let page = format!("{}{FOLDER}?section=replicas&from=now-2m&every=1s", host.origin());
    for model in ["", "&model=tiny-llama"] {
        browser.open(&format!("{page}{model}")).await?;
        let status = async || Ok(browser.find("[data-testid=status]").await?.text().await?);
        until("one of two", PATIENCE, status, |status| status == "1 of 2 up").await?;
        let rows = async || {
            let script = "return [...document.querySelectorAll('[data-testid=replicas] tr[data-replica]')]
                .map(row => [row.dataset.replica, row.dataset.state, row.textContent.includes('vLLM')]).sort()";
            browser.evaluate(script, Vec::new()).await
        };
        let mut expected = [json!([replay.instance(), "running", true]), json!([NOBODY[0], "silent", false])];
        expected.sort_by_key(|row| row[0].to_string());
        until("both replicas", PATIENCE, rows, |rows| *rows == json!(expected)).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_a_victoria_metrics() -> Result<()> {
    let (host, browser) = (page_host()?, Browser::start().await?);
    let victoria_metrics = match VictoriaMetrics::holding(stamped(&Recording::vllm()?)).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so the page cannot ask it"));
            return Ok(());
        }
        started => started?,
    };
    let labels = json!({ "model": "model_name", "replica": "engine" });
    host.put(
        &format!("{FOLDER}config.json"),
        json!({ "backends": [{ "url": victoria_metrics.url() }], "labels": labels }).to_string(),
    );
    browser.open(&format!("{}{FOLDER}?section=requests&from=now-12m&every=1s", host.origin())).await?;
    draws(&browser).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_it_asks_its_own_origin_and_a_broken_file_is_named() -> Result<()> {
    let (host, browser) = (page_host()?, Browser::start().await?);
    let page = format!("{}{FOLDER}", host.origin());
    let told =
        async |browser: &Browser| browser.find("[data-testid=lost]").await?.text().await.map_err(FixtureError::from);
    browser.open(&page).await?;
    // There is no such server here, which the page says; what counts is where it has asked.
    told(&browser).await?;
    let own = format!("POST {FOLDER}api/v1/query");
    assert!(host.requests().contains(&own), "{:?}", host.requests());
    // A host that answers with the page itself where a file is absent has no file either.
    host.put(&format!("{FOLDER}config.json"), "<!doctype html><title>all</title>");
    browser.open(&page).await?;
    assert!(!told(&browser).await?.contains("config.json"));
    for (text, wanted) in [
        ("{\"backends\":[{\"url\":\"https://a.example\",}]}", "trailing comma"),
        ("{\"backends\":[{\"url\":\"ftp://a.example\"}]}", "no address of http or https"),
        ("{\"range\":3}", "range is no length"),
    ] {
        host.put(&format!("{FOLDER}config.json"), text);
        browser.open(&page).await?;
        let told = told(&browser).await?;
        assert!(told.contains("config.json next to the page is unusable") && told.contains(wanted), "{text}: {told}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_whole_says_so() -> Result<()> {
    let (host, browser) = (StaticHost::start()?, Browser::start().await?);
    let page = format!("{}{FOLDER}", host.origin());
    let note = async |wanted: &str| {
        browser.open(&page).await?;
        let seen = async || Ok(browser.find("#boot").await?.text().await?);
        until(wanted, PATIENCE, seen, |seen| seen.contains(wanted)).await
    };
    for ending in ["_bg.wasm", ".js"] {
        for is_absent in [true, false] {
            let files = host.put_page(FOLDER)?;
            let is_it = |path: &&String| path.ends_with(ending) && path.contains("inferboard-");
            let path = files.iter().find(is_it).cloned().unwrap_or_default();
            if is_absent {
                host.remove(&path);
            } else {
                host.put(&path, "something else");
            }
            note("could not be loaded").await?;
        }
    }
    let files = host.put_page(FOLDER)?;
    // An index of yesterday names a boot script that is gone.
    let boot = files.iter().find(|path| path.contains("/boot-")).cloned().unwrap_or_default();
    host.remove(&boot);
    note("missing or outdated").await?;
    host.put_page(FOLDER)?;
    host.send_with("Content-Security-Policy: script-src 'self'");
    note("blocked its WebAssembly").await?;
    host.send_with("X-Nothing: x");
    browser.open(&page).await?;
    browser.find("header.topbar").await?;
    assert_eq!(browser.count("#boot").await?, 0);
    Ok(())
}

/// A host with the page in its folder.
fn page_host() -> Result<StaticHost> {
    let host = StaticHost::start()?;
    host.put_page(FOLDER)?;
    Ok(host)
}

/// The page on a host, an engine to be scraped, and a browser.
async fn hosted() -> Result<(StaticHost, Replay, Browser)> {
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: SPEED }, 0)?;
    Ok((page_host()?, replay, Browser::start().await?))
}

async fn draws(browser: &Browser) -> Result<()> {
    let graphs = ["volume", "end-to-end-latency", "running-and-waiting", "tokens-per-second"];
    browser.live_cards(&graphs).await?;
    for graph in graphs {
        browser.painted(graph, MIN_PIXELS).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// The session's samples in the Prometheus format with timestamps, the last a moment ago, and `up` beside them.
fn stamped(recording: &Recording) -> String {
    let last_ms = now_ms() - 5000;
    let mut text = String::new();
    for (at_ms, page) in recording.pages() {
        let at_ms = at_ms - recording.last_ms() + last_ms;
        for line in page.lines().chain(["up{engine=\"0\"} 1"]).filter(|line| !line.starts_with('#')) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line} {at_ms}");
        }
    }
    text
}
