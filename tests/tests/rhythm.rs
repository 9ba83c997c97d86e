//! When the page asks, and by whose clock: nothing while nobody sees it, once on return, and by the server's time.
use inferboard_tests::{Browser, Companion, Result, StaticHost, Theme, now_ms, until};
use serde_json::json;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// A browser's clock that is an hour ahead.
const AHEAD: &str = "{ const Real = Date; const ahead = 3600000; \
    window.Date = class extends Real { \
        constructor(...given) { if (given.length) super(...given); else super(Real.now() + ahead); } \
        static now() { return Real.now() + ahead; } }; }";

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_page_asks_nothing_and_once_on_return() -> Result<()> {
    let host = StaticHost::start()?;
    host.put_page("/")?;
    let point = |name: &str| json!({ "metric": { "__name__": name, "model": "m" }, "value": [now_ms() / 1000, "1"] });
    let vector = json!([point("inferboard_requests_running")]);
    let answer = json!({ "status": "success", "data": { "resultType": "vector", "result": vector } });
    host.put("/api/v1/query", answer.to_string());
    let line = json!({ "metric": { "line": "running" }, "values": [[now_ms() / 1000 - 60, "1"]] });
    let answer = json!({ "status": "success", "data": { "resultType": "matrix", "result": [line] } });
    host.put("/api/v1/query_range", answer.to_string());
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&every=1s", host.origin())).await?;
    let rounds = || host.asked().iter().filter(|asked| asked.ends_with("/query_range")).count();
    until("several rounds", PATIENCE, async || Ok(rounds()), |count| *count > 6).await?;
    let age = async || Ok(browser.find("[data-testid=updated]").await?.text().await?);
    until("a young answer", PATIENCE, age, |age| age == "just now").await?;

    let page = browser.driver().window().await?;
    let other = browser.driver().new_tab().await?;
    browser.driver().switch_to_window(other).await?;
    // What had been asked may still come.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let hidden = rounds();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(rounds(), hidden, "nobody sees it");
    browser.driver().close_window().await?;
    browser.driver().switch_to_window(page).await?;
    until("what was missed", Duration::from_secs(5), async || Ok(rounds()), |count| *count > hidden).await?;
    // Two queries to a round, a round to a second: what was missed is not asked one by one.
    assert!(rounds() <= hidden + 4, "{hidden} {}", rounds());
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
    assert!(told == "server 60 min behind this clock" || told == "server 59 min behind this clock", "{told}");
    // An hour from now there are no data: lines show that the range is the server's.
    browser.live_cards(&["cpu"]).await?;
    browser.painted("cpu", 20).await?;
    assert_eq!(browser.find("[data-testid=updated]").await?.text().await?, "just now");
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
