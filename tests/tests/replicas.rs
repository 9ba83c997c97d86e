//! The timeline and the table of replicas: of the recorded session, of a fleet, and of nothing.
use inferboard_tests::{Browser, Companion, InventedFleet, Play, Recording, Replay, Result, Theme, until};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use thirtyfour::Key;

const PATIENCE: Duration = Duration::from_secs(60);
/// The recorded nine minutes in 54 s, and the recorded 5 s between two scrapes: what is longer than a scrape's interval
/// has failed, so that a machine which stops for a quarter of a second must not show as an engine that does.
const SPEED: f64 = 10.0;
const INTERVAL: &str = "500ms";
const INTERVAL_MS: f64 = 500.0;
/// Replicas of the invented fleet.
const FLEET: usize = 300;
/// Frames of scrolling, and what each may take of a processor: how long tasks last by the clock depends on what else the
/// machine does. Sixty frames a second leave 17 ms.
const FRAMES: u64 = 140;
const FRAME_MS: f64 = 25.0;

/// The rows of the table on the page, as [`Row`] has them.
const ROWS: &str = "return [...document.querySelectorAll('[data-testid=replicas] tr[data-replica]')].map(row => ({
    name: row.dataset.replica,
    state: row.dataset.state,
    restarts: row.dataset.restarts.split(' ').filter(text => text).map(Number),
    spans: row.dataset.spans.split(',').filter(text => text).map(span => span.split(' '))
        .map(([state, from, to]) => [state, Number(from), Number(to)]),
    text: row.textContent,
}))";

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Row {
    name: String,
    state: String,
    restarts: Vec<f64>,
    spans: Vec<(String, f64, f64)>,
    text: String,
}

async fn rows(browser: &Browser) -> Result<Vec<Row>> {
    let rows = browser.evaluate(ROWS, Vec::new()).await?;
    Ok(serde_json::from_value(rows).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_told_with_durations_right_to_one_interval() -> Result<()> {
    let recording = Recording::vllm()?;
    let played = Played::of(&recording);
    let span = Duration::from_millis((recording.last_ms() - recording.first_ms()).unsigned_abs()).div_f64(SPEED);
    let replay = Replay::start(recording, Play::Live { speed: SPEED }, 0)?;
    let arguments = ["--no-discovery", "--scrape-interval", INTERVAL, "--target", &replay.url()].map(str::to_owned);
    let companion = Companion::start(&arguments).await?;
    until("first scrape", PATIENCE, async || Ok(replay.scrapes()), |scrapes| *scrapes > 0).await?;
    tokio::time::sleep(span + Duration::from_secs(1)).await;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=replicas&from=now-2m&every=1s&refresh=off", companion.url())).await?;
    let has_run_twice = |rows: &Vec<Row>| {
        rows.first().is_some_and(|row| row.spans.iter().filter(|span| span.0 == "running").count() == 2)
    };
    let row = until("both runs", PATIENCE, async || rows(&browser).await, has_run_twice).await?.remove(0);

    // Before its first page the engine was awaited; each start-up is told by the start of its process.
    let states: Vec<&str> = row.spans.iter().map(|span| span.0.as_str()).collect();
    let after_start = states.iter().position(|state| *state == "initializing").unwrap_or(0);
    assert_eq!(states[after_start..], ["initializing", "running", "stopped", "initializing", "running"], "{row:?}");
    let told: Vec<&(String, f64, f64)> = row.spans[after_start..].iter().collect();
    let lengths: Vec<f64> = told.iter().map(|span| span.2 - span.1).collect();
    let expected = [played.start_up_ms[0], played.first_run_ms, played.start_up_ms[1]];
    for (told_ms, expected_ms) in [lengths[0], lengths[1], lengths[3]].into_iter().zip(expected) {
        // Each end is seen at the scrape after it.
        assert!(
            (told_ms - expected_ms).abs() <= 2.0 * INTERVAL_MS,
            "{told_ms} ms told, {expected_ms} ms played: {row:?}"
        );
    }
    assert_eq!(row.restarts.len(), 1, "{row:?}");
    assert!((row.restarts[0] - told[3].1).abs() <= 2.0 * INTERVAL_MS, "the mark is where the process started: {row:?}");
    assert!(row.text.contains("vLLM") && row.text.contains("running"), "{}", row.text);

    the_pointer_tells_what_happened(&browser).await?;
    a_press_narrows_the_page(&browser, &row.name).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

async fn the_pointer_tells_what_happened(browser: &Browser) -> Result<()> {
    let overlay = browser.find("[data-testid=timeline-overlay]").await?;
    browser.driver().action_chain().move_to_element_center(&overlay).perform().await?;
    until("crosshairs", PATIENCE, async || browser.count(".crosshair").await, |count| *count >= 2).await?;
    overlay.send_keys(Key::Down + "").await?;
    let tooltip = browser.find("[data-testid=timeline-tooltip]").await?.text().await?;
    assert!(tooltip.contains("state") && tooltip.contains("address"), "{tooltip}");
    Ok(())
}

async fn a_press_narrows_the_page(browser: &Browser, name: &str) -> Result<()> {
    browser.find("[data-testid=replicas] tbody a").await?.click().await?;
    let view = async || browser.view().await;
    until("the replica", PATIENCE, view, |view| view.get("replica").map(String::as_str) == Some(name)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_is_sorted_filtered_and_scrolled() -> Result<()> {
    let fleet = InventedFleet::new(FLEET)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=replicas&refresh=off&{}", companion.url(), fleet.range())).await?;
    let counted = async || browser.count(&format!("[data-testid=timeline-rows][data-count='{FLEET}']")).await;
    until("all replicas", PATIENCE, counted, |count| *count == 1).await?;
    let first = async || Ok(rows(&browser).await?.into_iter().next().map(|row| row.name).unwrap_or_default());
    assert_eq!(first().await?, "llama-7d9fc-000");

    scrolling_holds_nothing_up(&browser).await?;

    let restarts = browser.find("[data-sort=restarts]").await?;
    restarts.send_keys(Key::Enter + "").await?;
    until(
        "by restarts",
        PATIENCE,
        async || rows(&browser).await,
        |rows| rows.first().is_some_and(|row| row.restarts.len() == 1),
    )
    .await?;
    assert!(rows(&browser).await?[0].text.contains("OOMKilled"));
    browser.find("[data-sort=name]").await?.click().await?;
    browser.find("[data-sort=name]").await?.click().await?;
    until("the last first", PATIENCE, first, |name| name == "llama-7d9fc-299").await?;
    assert_eq!(browser.view().await?.get("sort").map(String::as_str), Some("-name"));

    browser.find("[data-testid=state-filter][data-state=stopped]").await?.click().await?;
    let all_stopped = |rows: &Vec<Row>| rows.len() == FLEET / 25 && rows.iter().all(|row| row.state == "stopped");
    until("only stopped ones", PATIENCE, async || rows(&browser).await, all_stopped).await?;
    browser.find("[data-testid=find-replica]").await?.send_keys("c-024").await?;
    until("one", PATIENCE, async || rows(&browser).await, |rows| rows.len() == 1).await?;
    browser.find("[data-testid=find-replica]").await?.send_keys("x").await?;
    browser.find("[data-testid=no-replicas]").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Scrolls rows and table from end to end, and measures what that costs.
async fn scrolling_holds_nothing_up(browser: &Browser) -> Result<()> {
    browser.devtools("Performance.enable", json!({ "timeDomain": "threadTicks" })).await?;
    let busy_ms = async || -> Result<f64> {
        let told = browser.devtools("Performance.getMetrics", json!({})).await?;
        let metrics = told["metrics"].as_array().cloned().unwrap_or_default();
        let task = metrics.iter().find(|metric| metric["name"] == "TaskDuration");
        Ok(task.and_then(|metric| metric["value"].as_f64()).unwrap_or(f64::NAN) * 1000.0)
    };
    let scroll = "
        window.scrolled = 0;
        const panes = ['.rows', '.fleet'].map(css => document.querySelector(css));
        const step = () => {
            for (const pane of panes) pane.scrollTop += 70;
            if (++window.scrolled < arguments[0]) requestAnimationFrame(step);
        };
        requestAnimationFrame(step);";
    let before_ms = busy_ms().await?;
    browser.evaluate(scroll, vec![FRAMES.into()]).await?;
    let done = async || browser.evaluate("return window.scrolled", Vec::new()).await;
    until("the end of the rows", PATIENCE, done, |scrolled| *scrolled == FRAMES).await?;
    let frame_ms = (busy_ms().await? - before_ms) / FRAMES as f64;
    assert!(frame_ms <= FRAME_MS, "a frame takes {frame_ms} ms");
    let last = async || Ok(rows(browser).await?.pop().map(|row| row.name));
    until("the last row", PATIENCE, last, |name| name.as_deref() == Some("llama-7d9fc-299")).await?;
    let top = "for (const css of ['.rows', '.fleet']) document.querySelector(css).scrollTop = 0";
    browser.evaluate(top, Vec::new()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_replicas_the_page_says_what_to_do() -> Result<()> {
    let companion = Companion::start(&["--no-discovery"]).await?;
    let browser = Browser::start().await?;
    browser.open(&format!("{}/?section=replicas", companion.url())).await?;
    let nothing = async || Ok(browser.find("[data-testid=no-replicas]").await?.text().await?);
    until("what to do", PATIENCE, nothing, |text| text.contains("--target")).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// What the recording tells of its runs, milliseconds of the play.
struct Played {
    /// From the start of each process to the first page after it.
    start_up_ms: Vec<f64>,
    first_run_ms: f64,
}

impl Played {
    fn of(recording: &Recording) -> Self {
        let played = |at_ms: i64| (at_ms - recording.first_ms()) as f64 / SPEED;
        let mut changes: Vec<(bool, f64)> = Vec::new();
        for frame in recording.frames() {
            if changes.last().is_none_or(|(known, _)| *known != frame.page.is_some()) {
                changes.push((frame.page.is_some(), played(frame.at_ms)));
            }
        }
        let samples = recording.samples();
        let starts = samples.iter().filter(|(series, _)| series.label("__name__") == "process_start_time_seconds");
        let mut starts: Vec<f64> = starts
            .flat_map(|(_, points)| points.iter().map(|(_, start_s)| played((start_s * 1000.0) as i64)))
            .collect();
        starts.dedup();
        let ups: Vec<f64> = changes.iter().filter(|(is_up, _)| *is_up).map(|(_, at_ms)| *at_ms).collect();
        let down = changes.iter().filter(|(is_up, at_ms)| !is_up && *at_ms > ups[0]).map(|(_, at_ms)| *at_ms);
        let first_run_ms = down.fold(f64::INFINITY, f64::min) - ups[0];
        Self { start_up_ms: ups.iter().zip(starts).map(|(up, start)| up - start).collect(), first_run_ms }
    }
}
