//! The timeline and the table of replicas, for the recorded session, a fleet, and no replicas.
use inferboard_tests::{
    Browser, Companion, FixtureError, InventedFleet, PATIENCE, Play, Recording, Replay, Result, Theme, until,
};
use serde::Deserialize;
use thirtyfour::Key;

/// Long enough for scrapes to be answered in time even on a slow machine.
const INTERVAL: &str = "2s";
const INTERVAL_MS: f64 = 2000.0;
/// The number of replicas of the invented fleet.
const FLEET: usize = 300;
/// The number of scroll steps, and the limit on rows at a time: those in view and some around them.
const SCROLL_STEPS: u64 = 140;
const MAX_ROWS: u64 = 100;

/// Returns the rows of the table in the form of [`Row`].
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
async fn two_runs_are_shown_with_correct_durations() -> Result<()> {
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: 20.0 }, 0)?;
    let arguments = ["--no-discovery", "--scrape-interval", INTERVAL, "--target", &replay.url()].map(str::to_owned);
    let companion = Companion::start(&arguments).await?;
    let starts_ms = replay.two_runs(&companion.api(), 2).await?.map(|start_s| start_s * 1000.0);
    let [first, second] = runs(&companion, &replay).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    let range = format!("from={}&to={}", first.0 as i64 - 12_000, second.1 as i64);
    browser.open(&format!("{}/?section=replicas&refresh=off&{range}", companion.url())).await?;
    let has_run_twice = |rows: &Vec<Row>| {
        rows.first().is_some_and(|row| row.spans.iter().filter(|span| span.0 == "running").count() == 2)
    };
    let row = until("both runs", PATIENCE, async || rows(&browser).await, has_run_twice).await?.remove(0);

    // States before the first metrics page do not count; each start-up begins with the start of its process.
    let states: Vec<&str> = row.spans.iter().map(|span| span.0.as_str()).collect();
    let after_start = states.iter().position(|state| *state == "initializing").unwrap_or(0);
    assert_eq!(states[after_start..], ["initializing", "running", "stopped", "initializing", "running"], "{row:?}");
    let shown: Vec<&(String, f64, f64)> = row.spans[after_start..].iter().collect();
    let lengths = [0, 1, 3].map(|at| shown[at].2 - shown[at].1);
    let expected = [first.0 - starts_ms[0], first.1 - first.0, second.0 - starts_ms[1]];
    for (shown_ms, expected_ms) in lengths.into_iter().zip(expected) {
        // Each end is observed only at the next scrape.
        assert!((shown_ms - expected_ms).abs() <= 2.0 * INTERVAL_MS, "{shown_ms} ms, stored {expected_ms} ms: {row:?}");
    }
    assert_eq!(row.restarts.len(), 1, "{row:?}");
    assert!(
        (row.restarts[0] - shown[3].1).abs() <= 2.0 * INTERVAL_MS,
        "the restart is where the process started: {row:?}"
    );
    assert!(row.text.contains("vLLM") && row.text.contains("running"), "{}", row.text);

    the_pointer_shows_the_state(&browser).await?;
    a_click_narrows_the_scope(&browser, &row.name).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

async fn the_pointer_shows_the_state(browser: &Browser) -> Result<()> {
    let overlay = browser.find("[data-testid=timeline-overlay]").await?;
    browser.driver().action_chain().move_to_element_center(&overlay).perform().await?;
    until("crosshairs", PATIENCE, async || browser.count(".crosshair").await, |count| *count >= 2).await?;
    overlay.send_keys(Key::Down + "").await?;
    let tooltip = browser.find("[data-testid=timeline-tooltip]").await?.text().await?;
    assert!(tooltip.contains("State") && tooltip.contains("Address"), "{tooltip}");
    Ok(())
}

async fn a_click_narrows_the_scope(browser: &Browser, name: &str) -> Result<()> {
    browser.find("[data-testid=replicas] tbody a").await?.click().await?;
    let view = async || browser.view().await;
    until("the replica", PATIENCE, view, |view| view.get("replica").map(String::as_str) == Some(name)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_can_be_sorted_filtered_and_scrolled() -> Result<()> {
    let fleet = InventedFleet::new(FLEET)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=replicas&refresh=off&{}", companion.url(), fleet.range())).await?;
    let counted = async || browser.count(&format!("[data-testid=timeline-rows][data-count='{FLEET}']")).await;
    until("all replicas", PATIENCE, counted, |count| *count == 1).await?;
    let first = async || Ok(rows(&browser).await?.into_iter().next().map(|row| row.name).unwrap_or_default());
    assert_eq!(first().await?, "llama-7d9fc-000");

    only_rows_in_view_are_elements(&browser).await?;

    let restarts = browser.find("[data-sort=restarts]").await?;
    restarts.send_keys(Key::Enter + "").await?;
    until(
        "rows sorted by restarts",
        PATIENCE,
        async || rows(&browser).await,
        |rows| rows.first().is_some_and(|row| row.restarts.len() == 1),
    )
    .await?;
    assert!(rows(&browser).await?[0].text.contains("OOMKilled"));
    browser.find("[data-sort=name]").await?.click().await?;
    browser.find("[data-sort=name]").await?.click().await?;
    until("the last replica first", PATIENCE, first, |name| name == "llama-7d9fc-299").await?;
    assert_eq!(browser.view().await?.get("sort").map(String::as_str), Some("-name"));

    browser.find("[data-testid=state-filter][data-state=stopped]").await?.click().await?;
    let all_stopped = |rows: &Vec<Row>| rows.len() == FLEET / 25 && rows.iter().all(|row| row.state == "stopped");
    until("only stopped replicas", PATIENCE, async || rows(&browser).await, all_stopped).await?;
    browser.find("[data-testid=find-replica]").await?.send_keys("c-024").await?;
    until("one row", PATIENCE, async || rows(&browser).await, |rows| rows.len() == 1).await?;
    browser.find("[data-testid=find-replica]").await?.send_keys("x").await?;
    browser.find("[data-testid=no-replicas]").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Scrolls timeline and table from end to end: only the rows in view are elements.
async fn only_rows_in_view_are_elements(browser: &Browser) -> Result<()> {
    let scroll = "
        window.scrolled = window.maxRows = 0;
        const panes = ['.rows', '.fleet'].map(css => document.querySelector(css));
        const step = () => {
            for (const pane of panes) pane.scrollTop += 70;
            window.maxRows = Math.max(window.maxRows, document.querySelectorAll('tr[data-replica]').length);
            if (++window.scrolled < arguments[0]) requestAnimationFrame(step);
        };
        requestAnimationFrame(step);";
    browser.evaluate(scroll, vec![SCROLL_STEPS.into()]).await?;
    let done = async || browser.evaluate("return window.scrolled", Vec::new()).await;
    until("the end of the rows", PATIENCE, done, |scrolled| *scrolled == SCROLL_STEPS).await?;
    let max_rows = browser.evaluate("return window.maxRows", Vec::new()).await?;
    assert!((1..=MAX_ROWS).contains(&max_rows.as_u64().unwrap_or(0)), "{max_rows} rows at a time");
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
    let text = async || Ok(browser.find("[data-testid=no-replicas]").await?.text().await?);
    until("what to do", PATIENCE, text, |text| text.contains("--target")).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// The times of the first and the last stored sample of each run, in Unix milliseconds. The second run has not ended.
async fn runs(companion: &Companion, replay: &Replay) -> Result<[(f64, f64); 2]> {
    let query = format!("up{{instance=\"{}\"}}[5m]", replay.instance());
    let series = companion.api().samples(&query, None).await?;
    let mut samples: Vec<(f64, bool)> = series
        .iter()
        .flat_map(|series| &series.samples.values)
        .map(|(at_s, up)| (at_s * 1000.0, up.0 == 1.0))
        .collect();
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let runs: Vec<(f64, f64)> = samples
        .chunk_by(|a, b| a.1 == b.1)
        .filter_map(|run| Some((run.first()?, run.last()?)).filter(|(first, _)| first.1))
        .map(|(first, last)| (first.0, last.0))
        .collect();
    runs.try_into().map_err(|runs| FixtureError::Page(format!("there are not two runs: {runs:?}")))
}
