//! Findings above the cards: an incident is named with its time, cause and remedy, and a press shows the proof.
use inferboard_tests::{Browser, Companion, FixtureError, PATIENCE, Result, Theme, now_ms, until};
use serde_json::json;
use std::fmt::Write;
use std::fs;
use tempfile::TempDir;

/// Forty minutes of samples at this distance.
const INTERVAL_MS: i64 = 15_000;
const SAMPLES: i64 = 160;

/// The samples during which the cache is full, and requests wait and are preempted; and those of the first time.
const FULL: std::ops::Range<i64> = 90..140;
const FULL_BEFORE: std::ops::Range<i64> = 10..40;

const LINES: &str = "[data-testid=findings] li";

/// Keeps the cards that have moved on the page.
const WATCH_CARDS: &str = "window.movedCards = [];
new PerformanceObserver(list => list.getEntries().forEach(entry => entry.sources.forEach(({ node, previousRect, currentRect }) => {
    if (node instanceof Element && node.matches('.card, .figures') && previousRect.y !== currentRect.y)
        movedCards.push([node.className, previousRect.y, currentRect.y]);
}))).observe({ type: 'layout-shift', buffered: true });";

/// A model whose cache is full twice, the second time for twelve minutes.
fn history(start_ms: i64) -> String {
    let mut text = String::new();
    let labels = "model=\"llama\",replica=\"llama-0\",instance=\"10.0.0.1:8000\",job=\"vllm\"";
    let mut preemptions = 0;
    for sample in 0..SAMPLES {
        let is_full = FULL.contains(&sample) || FULL_BEFORE.contains(&sample);
        let time_s = (start_ms + sample * INTERVAL_MS) / 1000;
        preemptions += 3 * i64::from(is_full);
        let values = [
            ("up", 1.0),
            ("vllm:kv_cache_usage_perc", if is_full { 0.99 } else { 0.35 }),
            ("vllm:num_requests_running", if is_full { 60.0 } else { 12.0 }),
            ("vllm:num_requests_waiting", if is_full { 24.0 } else { 0.0 }),
            ("vllm:num_preemptions_total", preemptions as f64),
            ("vllm:generation_tokens_total", (sample * 9000) as f64),
        ];
        for (name, value) in values {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}{{{labels}}} {value} {time_s}");
        }
    }
    text.push_str("# EOF\n");
    text
}

/// A companion with that history, which begins at the time returned, in Unix milliseconds.
async fn companion(config: &str) -> Result<(TempDir, Companion, i64)> {
    let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder"))?;
    let start_ms = (now_ms() / 60_000 - 60) * 60_000;
    let dump = folder.path().join("history.txt");
    fs::write(&dump, history(start_ms)).map_err(FixtureError::io("cannot write the history"))?;
    let (data, file) = (folder.path().join("data"), folder.path().join("config.toml"));
    fs::write(&file, config).map_err(FixtureError::io("cannot write the configuration"))?;
    Companion::printed(&["import".as_ref(), dump.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])?;
    let (data, file) = (data.display().to_string(), file.display().to_string());
    let companion = Companion::start(&["--no-discovery", "--data-dir", &data, "--config", &file]).await?;
    Ok((folder, companion, start_ms))
}

/// The page over all of the history.
fn page(companion: &Companion, start_ms: i64) -> String {
    let end_ms = start_ms + SAMPLES * INTERVAL_MS;
    format!("{}/?model=llama&section=requests&from={start_ms}&to={end_ms}&refresh=off", companion.url())
}

/// One of the two times is shorter than the configured ten minutes.
#[tokio::test(flavor = "multi_thread")]
async fn thresholds_of_the_configuration_decide_what_is_found() -> Result<()> {
    let (_folder, companion, start_ms) = companion("[findings]\nkv-cache-full.minutes = 10\n").await?;
    let browser = Browser::start().await?;
    browser.open(&page(&companion, start_ms)).await?;
    browser.find("[data-testid=findings] [data-finding=kv-cache-full]").await?;
    assert_eq!((browser.count(LINES).await?, browser.count("[data-testid=more-findings]").await?), (1, 0));
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_named_and_its_proof_is_one_press_away() -> Result<()> {
    let (_folder, companion, start_ms) = companion("").await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH_CARDS })).await?;
    browser.open(&page(&companion, start_ms)).await?;
    let finding = browser.find("[data-testid=findings] [data-finding=kv-cache-full]").await?;
    let text = finding.text().await?;
    assert!(text.starts_with("The KV cache is full") && text.contains(" – "), "{text}");
    assert_eq!(finding.attr("data-severity").await?.as_deref(), Some("critical"));
    let others = browser.find("[data-testid=more-findings]").await?;
    assert_eq!((browser.count(LINES).await?, others.text().await?.as_str()), (1, "1 more"));
    let moved = browser.evaluate("return movedCards", Vec::new()).await?;
    assert_eq!(moved, json!([]), "cards keep their place when the findings arrive");
    others.click().await?;
    until("the other finding", PATIENCE, async || browser.count(LINES).await, |count| *count == 2).await?;
    let foot = browser.find("[data-testid=findings-foot] details").await?;
    foot.click().await?;
    let text = foot.text().await?;
    assert!(text.contains("GPUs are slowed down: needs "), "what has no data is named: {text}");
    browser.find("[data-finding=kv-cache-full] summary").await?.click().await?;
    browser.find("[data-finding=kv-cache-full] [data-testid=show-finding]").await?.click().await?;
    let view = async || browser.view().await;
    let view =
        until("the proof", PATIENCE, view, |view| view.get("section").map(String::as_str) == Some("engine")).await?;
    let time = |name: &str| view.get(name).and_then(|time| time.parse::<i64>().ok()).unwrap_or(0);
    let (full_ms, over_ms) = (start_ms + FULL.start * INTERVAL_MS, start_ms + FULL.end * INTERVAL_MS);
    assert!(time("from") > start_ms && time("from") < full_ms && time("to") > over_ms, "{view:?}");
    browser.live_cards(&["kv-cache-use"]).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
