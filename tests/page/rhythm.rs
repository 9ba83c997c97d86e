//! When the page sends queries: not while it is hidden, at the selected interval, and by the server's clock.
use inferboard_tests::{Browser, Companion, PATIENCE, Posted, Result, StaticHost, Theme, now_ms, until};
use serde_json::{Value, json};
use std::time::Duration;
use thirtyfour::Key;

/// The graph of the only metric that the host has.
const GRAPH: &str = "running-and-waiting";
const MINUTE_MS: i64 = 60_000;
/// Sets the browser's clock an hour ahead.
const AHEAD: &str = "{ const Real = Date; const ahead = 3600000; \
    window.Date = class extends Real { \
        constructor(...given) { if (given.length) super(...given); else super(Real.now() + ahead); } \
        static now() { return Real.now() + ahead; } }; }";

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_page_sends_no_queries_and_refreshes_once_on_return() -> Result<()> {
    let host = StaticHost::start()?;
    host.put_board("inferboard_requests_running", &[("running", vec![(now_ms() - 60_000, 1.0)])])?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": REPORT_WHEN_HIDDEN })).await?;
    browser.open(&format!("{}/?section=requests&every=1s", host.origin())).await?;
    let received = async || Ok(host.posted().iter().filter(|posted| posted.path.ends_with("/query_range")).count());
    until("several refreshes", PATIENCE, received, |count| *count > 6).await?;
    let age = async || Ok(browser.find("[data-testid=updated]").await?.text().await?);
    until("a fresh answer", PATIENCE, age, |age| age == "just now").await?;

    let page = browser.driver().window().await?;
    let other = browser.driver().new_tab().await?;
    browser.driver().switch_to_window(other).await?;
    // The page reports how many range queries it had sent when it was hidden; those still arrive.
    let report = async || Ok(host.posted().into_iter().find(|posted| posted.path == "/hidden"));
    let report = until("a hidden page", PATIENCE, report, Option::is_some).await?;
    let sent: usize = report.and_then(|report| report.fields.get("sent")?.parse().ok()).unwrap_or(0);
    until("the last queries", PATIENCE, received, |received| *received >= sent).await?;
    tokio::time::sleep(HIDDEN).await;
    assert_eq!(received().await?, sent, "no queries while the page is hidden");
    browser.driver().close_window().await?;
    browser.driver().switch_to_window(page).await?;
    until("queries on return", PATIENCE, received, |received| *received > sent + 4).await?;
    // Missed refreshes are not repeated one by one: refreshes are a second apart, of two range queries each.
    let times = browser.evaluate("return window.sent", Vec::new()).await?;
    let times: Vec<f64> = times.as_array().into_iter().flatten().filter_map(Value::as_f64).skip(sent).collect();
    let at_once = times.iter().filter(|time_ms| **time_ms < times[0] + 900.0).count();
    assert!((1..=4).contains(&at_once), "{times:?}");
    Ok(())
}

/// Records when the page sends range queries, and posts how many it has sent when it is hidden.
const REPORT_WHEN_HIDDEN: &str = "
    window.sent = [];
    const send = window.fetch;
    window.fetch = (...given) => {
        if (String(given[0].url ?? given[0]).endsWith('/query_range')) sent.push(performance.now());
        return send.apply(window, given);
    };
    document.addEventListener('visibilitychange', () => {
        if (document.hidden) navigator.sendBeacon('/hidden', new URLSearchParams({ sent: sent.length }));
    });";
/// How long the page is hidden. A slow machine makes the test prove less, but never fail.
const HIDDEN: Duration = Duration::from_secs(3);

/// The range queries of the card that the host has received.
fn card_queries(host: &StaticHost) -> Vec<Posted> {
    let mut posted = host.posted();
    // The page also queries the times of the scrapes.
    posted.retain(|posted| posted.fields.get("query").is_some_and(|query| query.contains("requests_running")));
    posted.retain(|posted| posted.path.ends_with("/query_range"));
    // It also counts the samples of a metric, to know how often it is scraped.
    posted.retain(|posted| posted.fields.get("query").is_some_and(|query| !query.contains("count_over_time")));
    // Findings look at steps of a minute.
    posted.retain(|posted| posted.time_ms("step") != Some(MINUTE_MS));
    posted
}

fn start_and_end(posted: &Posted) -> (i64, i64) {
    (posted.time_ms("start").unwrap_or(0), posted.time_ms("end").unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_queries_the_tail_at_the_selected_interval() -> Result<()> {
    let host = StaticHost::start()?;
    let began_ms = now_ms() / MINUTE_MS * MINUTE_MS;
    // Fifty minutes ago there were fewer requests.
    let value = |quarter: i64| (began_ms + quarter * MINUTE_MS / 4, if quarter < -200 { 5.0 } else { 10.0 });
    host.put_board("inferboard_requests_running", &[("running", (-520..80).map(value).collect())])?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&from=now-1h&refresh=off&zone=utc", host.origin())).await?;
    browser.live_cards(&[GRAPH]).await?;
    let queries = async || Ok(card_queries(&host));
    let first = until("the whole range", PATIENCE, queries, |sent| !sent.is_empty()).await?.remove(0);
    let (start_ms, end_ms) = start_and_end(&first);
    let (step_ms, hour_ms) = (first.time_ms("step").unwrap_or(0), 60 * MINUTE_MS);
    assert!((hour_ms..=hour_ms + 2 * step_ms).contains(&(end_ms - start_ms)), "{first:?}");

    // The data grow older, and the page shows their age, until the next refresh.
    let age = async || Ok(browser.find("[data-testid=updated]").await?.text().await?);
    let seconds = |age: &str| age.strip_suffix(" s ago").and_then(|age| age.parse::<u32>().ok());
    let old = seconds(&until("an age", PATIENCE, age, |age| seconds(age).is_some()).await?);
    until("a greater age", PATIENCE, age, |age| seconds(age) > old).await?;
    assert_eq!(card_queries(&host).len(), 1, "no queries while refresh is off");

    let every = "[data-testid=every] option";
    let offered = "return [...document.querySelectorAll(arguments[0])].map(option => option.textContent)";
    let offered = browser.evaluate(offered, vec![every.into()]).await?;
    assert_eq!(offered, json!(["1 s", "2 s", "5 s", "10 s", "30 s", "1 min", "5 min"]));
    browser.find_in_panel(&format!("{every}[value='2000']")).await?.click().await?;
    let sent = until("several refreshes", PATIENCE, queries, |sent| sent.len() > 4).await?;
    let view = browser.view().await?;
    assert_eq!((view["every"].as_str(), view.get("refresh")), ("2s", None), "an interval turns refresh on");
    for tail in &sent[1..] {
        let (tail_ms, now_ms) = start_and_end(tail);
        assert!(now_ms >= end_ms && now_ms - tail_ms <= hour_ms / 10, "{tail:?} is more than the tail");
        assert_eq!(tail.fields["query"], first.fields["query"]);
    }
    browser.press("refresh").await?;
    until("refresh off", PATIENCE, async || browser.view().await, |view| view.contains_key("refresh")).await?;
    the_previous_period_is_queried_and_drawn(&host, &browser).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

async fn the_previous_period_is_queried_and_drawn(host: &StaticHost, browser: &Browser) -> Result<()> {
    let without = browser.painted(GRAPH, 100).await?;
    browser.choose(GRAPH, "compare").await?;
    let remark = browser.find(&format!("[data-graph={GRAPH}] [data-testid=remark]")).await?;
    let text = async || Ok(remark.text().await?);
    until("the comparison", PATIENCE, text, |text| text == "Pale dashed lines: previous period.").await?;
    let queries = card_queries(host);
    let begins_ms = start_and_end(&queries[0]).0;
    let is_earlier = |posted: &&Posted| start_and_end(posted).0 < begins_ms;
    let previous: Vec<&Posted> = queries.iter().filter(is_earlier).collect();
    assert_eq!(previous.len(), 1, "{queries:?}");
    let previous = previous[0];
    let newest = queries.iter().rfind(|posted| !is_earlier(posted)).unwrap_or(previous);
    let (start_ms, end_ms) = start_and_end(previous);
    let hour_ms = 60 * MINUTE_MS;
    assert_eq!(start_and_end(newest).1 - end_ms, hour_ms, "{previous:?} is not an hour before {newest:?}");
    assert!((hour_ms..hour_ms + MINUTE_MS).contains(&(end_ms - start_ms)), "{previous:?}");
    assert_eq!(previous.fields["query"], queries[0].fields["query"]);

    let canvas = browser.find(&format!("[data-graph={GRAPH}] .stage canvas")).await?;
    let paint = async || browser.paint(&canvas).await;
    until("pale dashes", PATIENCE, paint, |paint| paint.ink() > without.ink()).await?;
    browser.overlay(GRAPH).await?.send_keys(Key::Left + " ").await?;
    let tip = browser.find(&format!("[data-graph={GRAPH}] .tooltip.here.pinned")).await?.text().await?;
    let words = tip.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("running 10") && words.contains("running (previous) 5"), "{tip}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_follow_the_servers_clock_and_the_skew_is_shown() -> Result<()> {
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms"]).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    let page = format!("{}/?section=hardware&from=now-1m&every=1s", companion.url());
    browser.open(&page).await?;
    browser.live_cards(&["cpu"]).await?;
    assert_eq!(browser.find_in_panel("[data-testid=skew]").await?.text().await?, "");

    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": AHEAD })).await?;
    browser.open(&page).await?;
    let skew = async || Ok(browser.find_in_panel("[data-testid=skew]").await?.text().await?);
    let text = until("the skew", PATIENCE, skew, |skew| !skew.is_empty()).await?;
    assert!(text == "server clock 60 min behind" || text == "server clock 59 min behind", "{text}");
    // By the browser's clock there are no data: lines show that the range follows the server's.
    browser.live_cards(&["cpu"]).await?;
    browser.painted("cpu", 20).await?;
    let age = async || Ok(browser.find("[data-testid=updated]").await?.text().await?);
    until("a fresh answer", PATIENCE, age, |age| age == "just now").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());

    companion.stop()?;
    let card = async || browser.card("cpu").await;
    let stale = until("a stale card", PATIENCE, card, |card| card.status == "stale").await?;
    let since = stale
        .note
        .trim_start_matches("stale since ")
        .split(':')
        .try_fold(0, |sum, part| Some(sum * 60 + part.parse::<i64>().ok()?));
    let age_s = since.map(|since_s| (now_ms() / 1000 - since_s).rem_euclid(86_400));
    assert!(age_s.is_some_and(|age_s| age_s < 120), "the age is by the server's clock: {}", stale.note);
    Ok(())
}
