//! When the page asks, and by whose clock: nothing while nobody sees it, once on return, and by the server's time.
use inferboard_tests::{Browser, Companion, PATIENCE, Posted, Result, StaticHost, Theme, now_ms, until};
use serde_json::{Value, json};
use std::time::Duration;
use thirtyfour::Key;

/// The graph of the one metric that the host has.
const GRAPH: &str = "running-and-waiting";
const MINUTE_MS: i64 = 60_000;
/// A browser's clock that is an hour ahead.
const AHEAD: &str = "{ const Real = Date; const ahead = 3600000; \
    window.Date = class extends Real { \
        constructor(...given) { if (given.length) super(...given); else super(Real.now() + ahead); } \
        static now() { return Real.now() + ahead; } }; }";

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_page_asks_nothing_and_once_on_return() -> Result<()> {
    let host = StaticHost::start()?;
    host.put_board("inferboard_requests_running", &[("running", vec![(now_ms() - 60_000, 1.0)])])?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": REPORT_WHEN_HIDDEN })).await?;
    browser.open(&format!("{}/?section=requests&every=1s", host.origin())).await?;
    let came = async || Ok(host.posted().iter().filter(|posted| posted.path.ends_with("/query_range")).count());
    until("several rounds", PATIENCE, came, |count| *count > 6).await?;
    let age = async || Ok(browser.find("[data-testid=updated]").await?.text().await?);
    until("a young answer", PATIENCE, age, |age| age == "just now").await?;

    let page = browser.driver().window().await?;
    let other = browser.driver().new_tab().await?;
    browser.driver().switch_to_window(other).await?;
    // The page says how many range queries it had sent when it was hidden; those still come.
    let told = async || Ok(host.posted().into_iter().find(|posted| posted.path == "/hidden"));
    let told = until("a hidden page", PATIENCE, told, Option::is_some).await?;
    let sent: usize = told.and_then(|told| told.fields.get("sent")?.parse().ok()).unwrap_or(0);
    until("the last queries", PATIENCE, came, |came| *came >= sent).await?;
    tokio::time::sleep(HIDDEN).await;
    assert_eq!(came().await?, sent, "nobody sees it");
    browser.driver().close_window().await?;
    browser.driver().switch_to_window(page).await?;
    until("what was missed", PATIENCE, came, |came| *came > sent + 4).await?;
    // What was missed is not asked one by one: the first rounds are a second apart, of two range queries each.
    let times = browser.evaluate("return window.sent", Vec::new()).await?;
    let times: Vec<f64> = times.as_array().into_iter().flatten().filter_map(Value::as_f64).skip(sent).collect();
    let at_once = times.iter().filter(|time_ms| **time_ms < times[0] + 900.0).count();
    assert!((1..=4).contains(&at_once), "{times:?}");
    Ok(())
}

/// Notes when the page sends range queries, and posts how many it has sent when it is hidden.
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
/// How long the page is hidden. A machine that is slow makes this prove less, and never fail.
const HIDDEN: Duration = Duration::from_secs(3);

/// The range queries of a host whose page has one card.
fn ranges(host: &StaticHost) -> Vec<Posted> {
    let mut posted = host.posted();
    // Beside those of the card there is one for the times of the scrapes.
    posted.retain(|posted| posted.fields.get("query").is_some_and(|query| query.contains("requests_running")));
    posted.retain(|posted| posted.path.ends_with("/query_range"));
    posted
}

fn start_and_end(posted: &Posted) -> (i64, i64) {
    (posted.time_ms("start").unwrap_or(0), posted.time_ms("end").unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_asks_for_the_tail_as_often_as_one_chooses() -> Result<()> {
    let host = StaticHost::start()?;
    let began_ms = now_ms() / MINUTE_MS * MINUTE_MS;
    // Fifty minutes ago there were fewer requests.
    let value = |quarter: i64| (began_ms + quarter * MINUTE_MS / 4, if quarter < -200 { 5.0 } else { 10.0 });
    host.put_board("inferboard_requests_running", &[("running", (-520..80).map(value).collect())])?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&from=now-1h&refresh=off&zone=utc", host.origin())).await?;
    browser.live_cards(&[GRAPH]).await?;
    let rounds = async || Ok(ranges(&host));
    let first = until("the whole range", PATIENCE, rounds, |asked| !asked.is_empty()).await?.remove(0);
    let (start_ms, end_ms) = start_and_end(&first);
    let (step_ms, hour_ms) = (first.time_ms("step").unwrap_or(0), 60 * MINUTE_MS);
    assert!((hour_ms..=hour_ms + 2 * step_ms).contains(&(end_ms - start_ms)), "{first:?}");

    // What is shown grows old, and says so, until it is asked for.
    let age = async || Ok(browser.find("[data-testid=updated]").await?.text().await?);
    let seconds = |age: &str| age.strip_suffix(" s ago").and_then(|age| age.parse::<u32>().ok());
    let old = seconds(&until("an age", PATIENCE, age, |age| seconds(age).is_some()).await?);
    until("a greater age", PATIENCE, age, |age| seconds(age) > old).await?;
    assert_eq!(ranges(&host).len(), 1, "switched off, it asks nothing");

    let every = "[data-testid=every] option";
    let offered = "return [...document.querySelectorAll(arguments[0])].map(option => option.textContent)";
    let offered = browser.evaluate(offered, vec![every.into()]).await?;
    assert_eq!(offered, json!(["1 s", "2 s", "5 s", "10 s", "30 s", "1 min", "5 min"]));
    browser.find(&format!("{every}[value='2000']")).await?.click().await?;
    let asked = until("several rounds", PATIENCE, rounds, |asked| asked.len() > 4).await?;
    let view = browser.view().await?;
    assert_eq!((view["every"].as_str(), view.get("refresh")), ("2s", None), "who chooses how often wants it");
    for tail in &asked[1..] {
        let (tail_ms, now_ms) = start_and_end(tail);
        assert!(now_ms >= end_ms && now_ms - tail_ms <= hour_ms / 10, "{tail:?} is more than what is new");
        assert_eq!(tail.fields["query"], first.fields["query"]);
    }
    browser.press("refresh").await?;
    until("a switch", PATIENCE, async || browser.view().await, |view| view.contains_key("refresh")).await?;
    the_range_before_is_asked_and_drawn(&host, &browser).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

async fn the_range_before_is_asked_and_drawn(host: &StaticHost, browser: &Browser) -> Result<()> {
    let alone = browser.painted(GRAPH, 100).await?;
    browser.choose(GRAPH, "compare").await?;
    let remark = browser.find(&format!("[data-graph={GRAPH}] [data-testid=remark]")).await?;
    let told = async || Ok(remark.text().await?);
    until("what is beside", PATIENCE, told, |told| told == "Pale dashed lines: previous period.").await?;
    let asked = ranges(host);
    let begins_ms = start_and_end(&asked[0]).0;
    let is_earlier = |posted: &&Posted| start_and_end(posted).0 < begins_ms;
    let before: Vec<&Posted> = asked.iter().filter(is_earlier).collect();
    assert_eq!(before.len(), 1, "{asked:?}");
    let before = before[0];
    let newest = asked.iter().rfind(|posted| !is_earlier(posted)).unwrap_or(before);
    let (start_ms, end_ms) = start_and_end(before);
    let hour_ms = 60 * MINUTE_MS;
    assert_eq!(start_and_end(newest).1 - end_ms, hour_ms, "{before:?} is not an hour before {newest:?}");
    assert!((hour_ms..hour_ms + MINUTE_MS).contains(&(end_ms - start_ms)), "{before:?}");
    assert_eq!(before.fields["query"], asked[0].fields["query"]);

    let canvas = browser.find(&format!("[data-graph={GRAPH}] .stage canvas")).await?;
    let paint = async || browser.paint(&canvas).await;
    until("pale dashes", PATIENCE, paint, |paint| paint.ink() > alone.ink()).await?;
    browser.overlay(GRAPH).await?.send_keys(Key::Left + " ").await?;
    let tip = browser.find(&format!("[data-graph={GRAPH}] .tooltip.here.pinned")).await?.text().await?;
    let words = tip.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("running 10") && words.contains("running (previous) 5"), "{tip}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_follow_the_servers_clock_and_a_wrong_one_is_told() -> Result<()> {
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms"]).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    let page = format!("{}/?section=hardware&from=now-1m&every=1s", companion.url());
    browser.open(&page).await?;
    browser.live_cards(&["cpu"]).await?;
    assert_eq!(browser.find("[data-testid=skew]").await?.text().await?, "");

    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": AHEAD })).await?;
    browser.open(&page).await?;
    let skew = async || Ok(browser.find("[data-testid=skew]").await?.text().await?);
    let told = until("the difference", PATIENCE, skew, |skew| !skew.is_empty()).await?;
    assert!(told == "server clock 60 min behind" || told == "server clock 59 min behind", "{told}");
    // An hour from now there are no data: lines show that the range is the server's.
    browser.live_cards(&["cpu"]).await?;
    browser.painted("cpu", 20).await?;
    let age = async || Ok(browser.find("[data-testid=updated]").await?.text().await?);
    until("a young answer", PATIENCE, age, |age| age == "just now").await?;
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
    assert!(age_s.is_some_and(|age_s| age_s < 120), "by the server's clock: {}", stale.note);
    Ok(())
}
