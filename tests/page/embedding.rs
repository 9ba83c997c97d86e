//! Cards in iframes of other pages: drawing in a sandbox without storage, and messages to and from the parent page.
use inferboard_tests::{Browser, PATIENCE, Result, Session, StaticHost, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use thirtyfour::Key;

const MIN_PIXELS: u64 = 60;
/// A view that covers the whole session and refreshes every second.
const VIEW: &str = "from=now-2m&every=1s";

/// Records the messages of iframes, with the index of the iframe.
const LISTEN: &str = "<script>window.received = []; addEventListener('message', event => { \
    const from = [...document.querySelectorAll('iframe')].findIndex(iframe => iframe.contentWindow === event.source); \
    window.received.push({ from, origin: event.origin, ...event.data }); });</script>";

/// Changes the page's height in each animation frame for two seconds; [`HEIGHT_CHANGES`] reads the result.
const CHANGE_HEIGHT: &str = "
    const main = document.querySelector('main'), began = performance.now();
    window.changes = 0;
    const change = () => {
        const over_ms = performance.now() - began;
        main.style.paddingBottom = `${++window.changes % 97}px`;
        if (over_ms < 2000) requestAnimationFrame(change); else window.changed_ms = over_ms;
    };
    change();";
const HEIGHT_CHANGES: &str = "return [window.changes, window.changed_ms ?? 0]";
/// Counts the range queries that the page has sent.
const COUNT_REQUESTS: &str =
    "return performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('/query_range')).length";

#[tokio::test(flavor = "multi_thread")]
async fn iframes_limit_height_messages_respect_refresh_off_and_may_keep_their_origin() -> Result<()> {
    let stage = Stage::ready().await?;
    let (browser, parent) = (&stage.browser, stage.host.origin());
    let source = |query: &str| format!("{}/?{query}&from=now-2m&parent={parent}", stage.session.companion.url());
    stage.show(&format!(
        "{}{}",
        iframe(&source("embed=all&section=requests&every=5m"), "sandbox=allow-scripts"),
        iframe(&source("embed=volume&refresh=off"), "sandbox=\"allow-scripts allow-same-origin\""),
    ));
    browser.open(&parent).await?;
    let ready = async || stage.messages("ready").await;
    let ready = until("two iframes", PATIENCE, ready, |ready| ready.len() == 2).await?;
    let origin = |index: i64| ready.iter().find(|sent| sent["from"] == json!(index)).map(|sent| &sent["origin"]);
    assert_eq!(origin(0), Some(&json!("null")));
    assert_eq!(origin(1), Some(&json!(stage.session.companion.url())), "the iframe has the origin of its server");
    enter_iframe(browser, 1).await?;
    browser.live_cards(&["volume"]).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    let stores = "localStorage.setItem('a', 'b'); return localStorage.getItem('a')";
    assert_eq!(browser.evaluate(stores, Vec::new()).await?, "b");
    let queries = browser.evaluate(COUNT_REQUESTS, Vec::new()).await?;
    browser.driver().enter_default_frame().await?;

    enter_iframe(browser, 0).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    browser.evaluate(CHANGE_HEIGHT, Vec::new()).await?;
    let changes = async || browser.evaluate(HEIGHT_CHANGES, Vec::new()).await;
    let changes = until("the changes", PATIENCE, changes, |changes| changes[1].as_f64() > Some(0.0)).await?;
    browser.driver().enter_default_frame().await?;
    // One more message may come at each end, and a few came before the changes, as the cards loaded.
    let sent = stage.messages("height").await?.len() as f64;
    let (count, tenths) = (changes[0].as_f64().unwrap_or(0.0), changes[1].as_f64().unwrap_or(0.0) / 100.0);
    assert!(sent >= 2.0 && sent <= tenths + 12.0, "{sent} messages for {count} changes in {tenths} tenths of a second");

    enter_iframe(browser, 1).await?;
    assert_eq!(browser.evaluate(COUNT_REQUESTS, Vec::new()).await?, queries, "no queries while refresh is off");
    browser.driver().enter_default_frame().await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandboxed_iframe_draws_and_exchanges_messages_with_its_parent_only() -> Result<()> {
    let stage = Stage::ready().await?;
    let (browser, parent) = (&stage.browser, stage.host.origin());
    let source = |query: &str| format!("{}/?{query}&{VIEW}", stage.session.companion.url());
    stage.show(&format!(
        "{}{}{}",
        iframe(&source(&format!("embed=volume&parent={parent}")), "sandbox=allow-scripts"),
        iframe(&source("embed=volume&parent=https://other.example"), ""),
        iframe(&source("embed=cpu"), "sandbox=allow-scripts"),
    ));
    browser.open(&parent).await?;
    let ready = stage.first_message("ready").await?;
    assert_eq!((&ready["from"], &ready["origin"], &ready["embed"]), (&json!(0), &json!("null"), &json!("volume")));
    for index in 0..2 {
        enter_iframe(browser, index).await?;
        browser.live_cards(&["volume"]).await?;
        browser.painted("volume", MIN_PIXELS).await?;
        assert_eq!(browser.count("header.topbar, nav").await?, 0, "only the card is shown");
        browser.driver().enter_default_frame().await?;
    }

    stage.post(0, json!({ "inferboard": 1, "type": "setTheme", "theme": "dark" })).await?;
    stage.post(1, json!({ "inferboard": 1, "type": "setTheme", "theme": "dark" })).await?;
    stage.post(0, json!({ "inferboard": 1, "type": "setRange", "from": "now-1m" })).await?;
    // None of these is a valid message: they change nothing, and each logs at most one hint.
    for invalid in
        [json!({ "inferboard": 9, "type": "setTheme", "theme": "light" }), json!("x".repeat(1_000_000)), json!(7)]
    {
        stage.post(0, invalid).await?;
    }
    enter_iframe(browser, 0).await?;
    browser.find("html[data-theme=dark]").await?;
    let shown = async || Ok(browser.card("volume").await?.range().to_owned());
    until("a minute", PATIENCE, shown, |range| seconds(range) == Some(60)).await?;
    browser.driver().enter_default_frame().await?;
    enter_iframe(browser, 1).await?;
    assert_eq!(browser.count("html[data-theme=dark]").await?, 0, "the iframe ignores an unlisted parent");
    browser.driver().enter_default_frame().await?;
    assert!(stage.messages("rangeSelected").await?.is_empty(), "a range that the parent sets is not reported back");

    enter_iframe(browser, 0).await?;
    browser.drag(&browser.overlay("volume").await?, 0.4, 0.8).await?;
    browser.driver().enter_default_frame().await?;
    let selected = stage.first_message("rangeSelected").await?;
    let length_ms = selected["to"].as_i64().unwrap_or(0) - selected["from"].as_i64().unwrap_or(0);
    assert!((18_000..30_000).contains(&length_ms), "{selected:?}");
    enter_iframe(browser, 0).await?;
    let overlay = browser.overlay("volume").await?;
    browser.double_click(&overlay).await?;
    until("the previous range", PATIENCE, shown, |range| seconds(range) == Some(60)).await?;
    browser.driver().enter_default_frame().await?;
    assert!(browser.driver().current_url().await?.as_str().starts_with(&parent), "the parent is not navigated");

    stage.post(0, json!({ "inferboard": 1, "type": "setScope", "model": "no such model" })).await?;
    enter_iframe(browser, 0).await?;
    let status = async || Ok(browser.card("volume").await?.status);
    until("an absent card", PATIENCE, status, |status| status == "absent").await?;
    let reason = browser.find("[data-testid=absent]").await?.text().await?;
    assert!(!reason.is_empty(), "the card says why there are no data");
    let card = browser.card("volume").await?;
    assert_eq!((card.points, card.boxes.len(), card.note.as_str()), (0, 0, ""), "the other model's lines are gone");
    browser.driver().enter_default_frame().await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_iframe_with_all_cards_reports_its_height() -> Result<()> {
    let stage = Stage::ready().await?;
    let (browser, parent) = (&stage.browser, stage.host.origin());
    let source =
        format!("{}/?embed=all&section=requests&theme=dark&parent={parent}&{VIEW}", stage.session.companion.url());
    stage.show(&iframe(&source, "sandbox=allow-scripts"));
    browser.open(&parent).await?;
    let height = async || Ok(stage.messages("height").await?.last().and_then(|message| message["height"].as_u64()));
    until("the height of several cards", PATIENCE, height, |height| *height > Some(900)).await?;
    enter_iframe(browser, 0).await?;
    browser.find("html[data-theme=dark]").await?;
    browser.painted("volume", MIN_PIXELS).await?;
    assert_eq!(browser.count("header.topbar").await?, 0);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn unlisted_hosts_cannot_embed_cards_and_no_host_can_embed_the_page() -> Result<()> {
    let stage = Stage::ready().await?;
    let (browser, other) = (&stage.browser, StaticHost::start()?);
    let card = format!("{}/?embed=volume", stage.session.companion.url());
    for (host, source) in [(&other, &card), (&stage.host, &stage.session.companion.url().to_owned())] {
        host.put("/", format!("<!doctype html>{}", iframe(source, "")));
        browser.open(&host.origin()).await?;
        let complaints = async || browser.complaints().await;
        let complaints = until("a refusal", PATIENCE, complaints, |complaints| !complaints.is_empty()).await?;
        assert!(complaints.iter().any(|complaint| complaint.contains("frame-ancestors")), "{complaints:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_dozen_iframes_on_one_page_all_keep_refreshing() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    let graphs = ["volume", "end-to-end-latency", "running-and-waiting", "tokens-per-second"];
    let iframes: String = (0..24)
        .map(|index| {
            format!("{}/?embed={}&from=now-2m&every=5s", stage.session.companion.url(), graphs[index % graphs.len()])
        })
        .map(|source| format!("<iframe src=\"{source}\" width=340 height=160 sandbox=allow-scripts></iframe>"))
        .collect();
    stage.show(&iframes);
    browser.show_as(1400, 1600, inferboard_tests::Theme::Light).await?;
    browser.open(&stage.host.origin()).await?;
    let ranges = async || -> Result<Vec<String>> {
        let mut ranges = Vec::new();
        for index in 0..24 {
            enter_iframe(browser, index).await?;
            let card = browser.cards().await?.into_iter().next();
            let live = card.filter(|card| card.status == "live" && card.points > 0);
            ranges.extend(live.map(|card| card.range().to_owned()));
            browser.driver().enter_default_frame().await?;
        }
        Ok(ranges)
    };
    let before = until("24 live cards", PATIENCE, ranges, |ranges| ranges.len() == 24).await?;
    let all_moved = |now: &Vec<String>| now.len() == 24 && now.iter().zip(&before).all(|(now, before)| now != before);
    until("24 cards a refresh later", PATIENCE, ranges, all_moved).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn copied_embed_code_works_even_after_a_restart() -> Result<()> {
    let Stage { host, session, browser } = Stage::ready().await?;
    browser.open(&format!("{}/?section=requests&{VIEW}", session.companion.url())).await?;
    browser.live_cards(&["volume"]).await?;
    let record_copies = "window.copied = []; Object.defineProperty(navigator, 'clipboard', \
        { value: { writeText: async text => { window.copied.push(text); } } });";
    browser.evaluate(record_copies, Vec::new()).await?;
    browser.choose("volume", "embed").await?;
    let copied = async || browser.evaluate("return window.copied[0] ?? ''", Vec::new()).await;
    let code = until("the code", PATIENCE, copied, |code| code.as_str().is_some_and(|code| !code.is_empty())).await?;
    host.put("/", format!("<!doctype html>{}", code.as_str().unwrap_or_default()));
    browser.open(&host.origin()).await?;
    enter_iframe(&browser, 0).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());

    // A sandboxed iframe reads answers with a key of the companion's process, which a new process does not know.
    let _session = session.stop()?.start().await?;
    until(
        "the card of the new process",
        PATIENCE,
        async || {
            browser.driver().enter_default_frame().await?;
            enter_iframe(&browser, 0).await?;
            Ok(browser.cards().await?.first().map(|card| (card.status.clone(), card.points)))
        },
        |card| card.as_ref().is_some_and(|(status, points)| status == "live" && *points > 0),
    )
    .await?;
    Ok(())
}

/// Tests the documented host page as it is in the repository, with the companion's address in its link.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_host_page_works() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    stage.host.put("/", include_str!("../../docs/embed-host.html"));
    let address = format!("{}/?board={}", stage.host.origin(), stage.session.companion.url());
    browser.open(&address).await?;
    for index in 0..2 {
        enter_iframe(browser, index).await?;
        browser.painted(["volume", "end-to-end-latency"][index as usize], MIN_PIXELS).await?;
        browser.driver().enter_default_frame().await?;
    }
    enter_iframe(browser, 0).await?;
    // By keyboard, as the driver's pointer does not reach iframes further down the page.
    browser.overlay("volume").await?.send_keys(Key::Left + "").await?;
    let walk: String = (0..20).map(|_| char::from(Key::Left)).collect();
    let keys = browser.driver().action_chain().key_down(Key::Shift).send_keys(walk).key_up(Key::Shift);
    keys.send_keys(Key::Enter + "").perform().await?;
    let shown = async || Ok(browser.card("volume").await?.range().to_owned());
    let range = until("a selected range", PATIENCE, shown, |range| seconds(range) < Some(600)).await?;
    browser.driver().enter_default_frame().await?;
    enter_iframe(browser, 1).await?;
    let other = async || Ok(browser.card("end-to-end-latency").await?.range().to_owned());
    until("the same range in the other iframe", PATIENCE, other, |other| seconds(other) == seconds(&range)).await?;
    browser.driver().enter_default_frame().await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// A companion with the session in its history, a host that may embed its cards, and a browser.
struct Stage {
    host: StaticHost,
    session: Session,
    browser: Browser,
}

impl Stage {
    async fn ready() -> Result<Self> {
        let host = StaticHost::start()?;
        let session = Session::configured(&format!("frame_ancestors = [\"'self'\", {:?}]", host.origin())).await?;
        Ok(Self { host, session, browser: Browser::start().await? })
    }

    fn show(&self, iframes: &str) {
        self.host.put("/", format!("<!doctype html><title>host</title>{LISTEN}{iframes}"));
    }

    /// The messages of a type that the parent has received.
    async fn messages(&self, kind: &str) -> Result<Vec<BTreeMap<String, Value>>> {
        let script = "return window.received.filter(message => message.type === arguments[0])";
        let received = self.browser.evaluate(script, vec![kind.into()]).await?;
        Ok(serde_json::from_value(received).unwrap_or_default())
    }

    /// Waits for the first message of a type.
    async fn first_message(&self, kind: &str) -> Result<BTreeMap<String, Value>> {
        let sent = until(kind, PATIENCE, async || self.messages(kind).await, |sent| !sent.is_empty()).await?;
        Ok(sent.into_iter().next().unwrap_or_default())
    }

    /// Sends a message to an iframe. The origin of a sandboxed iframe cannot be named.
    async fn post(&self, index: u16, message: Value) -> Result<()> {
        let script = "frames[arguments[0]].postMessage(arguments[1], '*')";
        self.browser.evaluate(script, vec![index.into(), message]).await.map(drop)
    }
}

fn iframe(source: &str, attributes: &str) -> String {
    let source = source.replace('&', "&amp;");
    format!("<iframe src=\"{source}\" width=640 height=360 {attributes}></iframe>")
}

async fn enter_iframe(browser: &Browser, index: u16) -> Result<()> {
    Ok(browser.driver().enter_frame(index).await?)
}

/// The length in seconds of a range such as `14:05:10 to 14:12:30`. One that begins before midnight has days too.
fn seconds(range: &str) -> Option<i64> {
    let (start, end) = range.split_once(" to ")?;
    let of_day = |text: &str| {
        text.split(' ').next_back()?.split(':').try_fold(0, |sum, part| Some(sum * 60 + part.parse::<i64>().ok()?))
    };
    Some((of_day(end)? - of_day(start)?).rem_euclid(86_400))
}
