//! The page in a folder of a static host: with each kind of backend, and with missing or broken files.
use inferboard_tests::{
    Browser, Companion, FixtureError, PATIENCE, Play, Prometheus, Recording, Replay, Result, Session, StaticHost,
    VictoriaMetrics, skipped, until,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The folder of the page on the host.
const FOLDER: &str = "/team/metrics/";
const SPEED: f64 = 20.0;
const INTERVAL: Duration = Duration::from_millis(250);
const MIN_PIXELS: u64 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_queries_a_companion_of_another_origin_that_lists_its_host() -> Result<()> {
    let (host, browser) = (page_host()?, Browser::start().await?);
    let session = Session::configured(&format!("cors_origins = [{:?}]", host.origin())).await?;
    let config = json!({
        "backends": [{ "name": "gpubox", "url": session.companion.url() }],
        "scope": { "model": "tiny-llama" },
        "range": "2m",
        "open": true,
    });
    host.put(&format!("{FOLDER}config.json"), config.to_string());
    let page = format!("{}{FOLDER}", host.origin());
    browser.open(&format!("{page}?section=requests&every=1s")).await?;
    page_draws(&browser).await?;
    let range = browser.card("volume").await?.range().to_owned();
    assert!(range.split(" to ").count() == 2, "{range}");
    assert_eq!(browser.driver().title().await?, "tiny-llama – Inferboard", "config.json sets the initial scope");
    assert!(
        host.requests().iter().all(|request| request.starts_with("GET /")),
        "the page requests only files from its host"
    );

    let banner = browser.find("[data-testid=open-network]").await?.text().await?;
    assert!(banner.contains("read_token_file"), "everyone can read, which the page says: {banner}");
    browser.find("[data-testid=dismiss]").await?.click().await?;
    let banners = async || browser.count("[data-testid=open-network]").await;
    until("no banner", PATIENCE, banners, |count| *count == 0).await?;

    let other = Companion::configured("").await?;
    host.put(&format!("{FOLDER}config.json"), json!({ "backends": [{ "url": other.url() }] }).to_string());
    browser.open(&page).await?;
    let text = browser.find("[data-testid=lost]").await?.text().await?;
    assert!(text.contains("is not responding"), "a companion refuses a host that it does not list: {text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_queries_prometheus() -> Result<()> {
    let (host, replay, browser) = hosted().await?;
    let prometheus = match Prometheus::start(&replay, INTERVAL, &BTreeMap::new()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so the page is not tested with it"));
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
    page_draws(&browser).await
}

/// Targets that never respond: port 9 belongs to the discard service, which is not running.
const UNREACHABLE: [&str; 2] = ["127.0.0.1:9", "127.0.0.2:9"];

#[tokio::test(flavor = "multi_thread")]
async fn only_targets_of_engines_count_as_replicas() -> Result<()> {
    let (host, replay, browser) = hosted().await?;
    host.put("/metrics", "# TYPE node_load1 gauge\nnode_load1 1\n");
    let exporter = host.origin().replace("http://", "");
    let job = |name: &str, targets: [&str; 2]| json!({ "job_name": name, "static_configs": [{ "targets": targets }] });
    // Each job has one target that responds and one that does not.
    let jobs = [job("engines", [&replay.instance(), UNREACHABLE[0]]), job("machines", [&exporter, UNREACHABLE[1]])];
    let interval = format!("{}ms", INTERVAL.as_millis());
    let configuration =
        json!({ "global": { "scrape_interval": interval, "scrape_timeout": interval }, "scrape_configs": jobs });
    let prometheus = match Prometheus::configured(&configuration.to_string()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so the page is not tested with it"));
            return Ok(());
        }
        started => started?,
    };
    host.put(&format!("{FOLDER}config.json"), json!({ "backends": [{ "url": prometheus.url() }] }).to_string());
    let page = format!("{}{FOLDER}?section=replicas&from=now-2m&every=1s", host.origin());
    for model in ["", "&model=tiny-llama"] {
        browser.open(&format!("{page}{model}")).await?;
        let status = async || Ok(browser.find("[data-testid=status]").await?.text().await?);
        until("one of two replicas", PATIENCE, status, |status| status == "1 of 2 up").await?;
        let rows = async || {
            let script = "return [...document.querySelectorAll('[data-testid=replicas] tr[data-replica]')]
                .map(row => [row.dataset.replica, row.dataset.state, row.textContent.includes('vLLM')]).sort()";
            browser.evaluate(script, Vec::new()).await
        };
        let mut expected = [json!([replay.instance(), "running", true]), json!([UNREACHABLE[0], "silent", false])];
        expected.sort_by_key(|row| row[0].to_string());
        until("both replicas", PATIENCE, rows, |rows| *rows == json!(expected)).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_queries_victoria_metrics() -> Result<()> {
    let (host, browser) = (page_host()?, Browser::start().await?);
    let victoria_metrics = match VictoriaMetrics::holding(Recording::vllm()?.stamped()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so the page is not tested with it"));
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
    page_draws(&browser).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_config_file_the_page_queries_its_own_origin_and_a_broken_one_is_reported() -> Result<()> {
    let (host, browser) = (page_host()?, Browser::start().await?);
    let page = format!("{}{FOLDER}", host.origin());
    let error =
        async |browser: &Browser| browser.find("[data-testid=lost]").await?.text().await.map_err(FixtureError::from);
    browser.open(&page).await?;
    // The host has no API, which the page reports; the test checks where the query went.
    error(&browser).await?;
    let query = format!("POST {FOLDER}api/v1/query");
    assert!(host.requests().contains(&query), "{:?}", host.requests());
    // A host that answers with an HTML page for an absent file has no config file either.
    host.put(&format!("{FOLDER}config.json"), "<!doctype html><title>all</title>");
    browser.open(&page).await?;
    assert!(!error(&browser).await?.contains("config.json"));
    for (file, wanted) in [
        ("{\"backends\":[{\"url\":\"https://a.example\",}]}", "trailing comma"),
        ("{\"backends\":[{\"url\":\"ftp://a.example\"}]}", "no address of http or https"),
        ("{\"range\":3}", "range is no length"),
    ] {
        host.put(&format!("{FOLDER}config.json"), file);
        browser.open(&page).await?;
        let text = error(&browser).await?;
        assert!(text.contains("config.json next to the page is unusable") && text.contains(wanted), "{file}: {text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_missing_or_broken_files_says_so() -> Result<()> {
    let (host, browser) = (StaticHost::start()?, Browser::start().await?);
    let page = format!("{}{FOLDER}", host.origin());
    let reports = async |wanted: &str| {
        browser.open(&page).await?;
        let text = async || Ok(browser.find("#boot").await?.text().await?);
        until(wanted, PATIENCE, text, |text| text.contains(wanted)).await
    };
    for ending in ["_bg.wasm", ".js"] {
        for is_absent in [true, false] {
            let files = host.put_page(FOLDER)?;
            let is_the_file = |path: &&String| path.ends_with(ending) && path.contains("inferboard-");
            let path = files.iter().find(is_the_file).cloned().unwrap_or_default();
            if is_absent {
                host.remove(&path);
            } else {
                host.put(&path, "something else");
            }
            reports("could not be loaded").await?;
        }
    }
    let files = host.put_page(FOLDER)?;
    // An outdated index names a boot script that no longer exists.
    let boot = files.iter().find(|path| path.contains("/boot-")).cloned().unwrap_or_default();
    host.remove(&boot);
    reports("missing or outdated").await?;
    host.put_page(FOLDER)?;
    host.send_with("Content-Security-Policy: script-src 'self'");
    reports("blocked its WebAssembly").await?;
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

/// A host with the page, an engine to be scraped, and a browser.
async fn hosted() -> Result<(StaticHost, Replay, Browser)> {
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: SPEED }, 0)?;
    Ok((page_host()?, replay, Browser::start().await?))
}

async fn page_draws(browser: &Browser) -> Result<()> {
    let graphs = ["volume", "end-to-end-latency", "running-and-waiting", "tokens-per-second"];
    browser.live_cards(&graphs).await?;
    for graph in graphs {
        browser.painted(graph, MIN_PIXELS).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
