//! Cards in frames of other pages: drawn in a sandbox without storage, told what to show, telling what was chosen.
use inferboard_tests::{Browser, PATIENCE, Result, Session, StaticHost, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use thirtyfour::Key;

const MIN_PIXELS: u64 = 60;
/// A view that holds all of the session, and moves each second.
const VIEW: &str = "from=now-2m&every=1s";

/// Keeps what frames send, with the place of the frame.
const LISTEN: &str = "<script>window.heard = []; addEventListener('message', event => { \
    const from = [...document.querySelectorAll('iframe')].findIndex(frame => frame.contentWindow === event.source); \
    window.heard.push({ from, origin: event.origin, ...event.data }); });</script>";

/// Makes the page higher and lower with each picture for two seconds; what came of it is for [`WAVES`].
const WAVE: &str = "
    const main = document.querySelector('main'), began = performance.now();
    window.waves = 0;
    const wave = () => {
        const over_ms = performance.now() - began;
        main.style.paddingBottom = `${++window.waves % 97}px`;
        if (over_ms < 2000) requestAnimationFrame(wave); else window.waved_ms = over_ms;
    };
    wave();";
const WAVES: &str = "return [window.waves, window.waved_ms ?? 0]";
/// How many range queries the page has asked.
const COUNT_REQUESTS: &str =
    "return performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('/query_range')).length";

#[tokio::test(flavor = "multi_thread")]
async fn frames_tell_heights_now_and_then_ask_nothing_when_off_and_may_keep_their_origin() -> Result<()> {
    let stage = Stage::ready().await?;
    let (browser, own) = (&stage.browser, stage.host.origin());
    let source = |query: &str| format!("{}/?{query}&from=now-2m&parent={own}", stage.session.companion.url());
    stage.show(&format!(
        "{}{}",
        frame(&source("embed=all&section=requests&every=5m"), "sandbox=allow-scripts"),
        frame(&source("embed=volume&refresh=off"), "sandbox=\"allow-scripts allow-same-origin\""),
    ));
    browser.open(&own).await?;
    let two = async || stage.heard_now("ready").await;
    let ready = until("two frames", PATIENCE, two, |ready| ready.len() == 2).await?;
    let origin = |place: i64| ready.iter().find(|told| told["from"] == json!(place)).map(|told| &told["origin"]);
    assert_eq!(origin(0), Some(&json!("null")));
    assert_eq!(origin(1), Some(&json!(stage.session.companion.url())), "it has the origin of its server");
    within(browser, 1).await?;
    browser.live_cards(&["volume"]).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    let stores = "localStorage.setItem('a', 'b'); return localStorage.getItem('a')";
    assert_eq!(browser.evaluate(stores, Vec::new()).await?, "b");
    let asked = browser.evaluate(COUNT_REQUESTS, Vec::new()).await?;
    browser.driver().enter_default_frame().await?;

    within(browser, 0).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    browser.evaluate(WAVE, Vec::new()).await?;
    let waves = async || browser.evaluate(WAVES, Vec::new()).await;
    let waves = until("the waves", PATIENCE, waves, |waves| waves[1].as_f64() > Some(0.0)).await?;
    browser.driver().enter_default_frame().await?;
    // One more may rest at each end; those of before the waves are few, as the cards came.
    let told = stage.heard_now("height").await?.len() as f64;
    let (count, most) = (waves[0].as_f64().unwrap_or(0.0), waves[1].as_f64().unwrap_or(0.0) / 100.0);
    assert!(told >= 2.0 && told <= most + 12.0, "{told} heights of {count} in {most} tenths of a second");

    within(browser, 1).await?;
    assert_eq!(browser.evaluate(COUNT_REQUESTS, Vec::new()).await?, asked, "switched off, it asks nothing by itself");
    browser.driver().enter_default_frame().await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandboxed_frame_draws_and_talks_with_its_parent_only() -> Result<()> {
    let stage = Stage::ready().await?;
    let (browser, own) = (&stage.browser, stage.host.origin());
    let source = |query: &str| format!("{}/?{query}&{VIEW}", stage.session.companion.url());
    stage.show(&format!(
        "{}{}{}",
        frame(&source(&format!("embed=volume&parent={own}")), "sandbox=allow-scripts"),
        frame(&source("embed=volume&parent=https://other.example"), ""),
        frame(&source("embed=cpu"), "sandbox=allow-scripts"),
    ));
    browser.open(&own).await?;
    let heard = stage.heard("ready").await?;
    assert_eq!((&heard["from"], &heard["origin"], &heard["embed"]), (&json!(0), &json!("null"), &json!("volume")));
    for place in 0..2 {
        within(browser, place).await?;
        browser.live_cards(&["volume"]).await?;
        browser.painted("volume", MIN_PIXELS).await?;
        assert_eq!(browser.count("header.topbar, nav").await?, 0, "there is nothing but the card");
        browser.driver().enter_default_frame().await?;
    }

    stage.post(0, json!({ "inferboard": 1, "type": "setTheme", "theme": "dark" })).await?;
    stage.post(1, json!({ "inferboard": 1, "type": "setTheme", "theme": "dark" })).await?;
    stage.post(0, json!({ "inferboard": 1, "type": "setRange", "from": "now-1m" })).await?;
    // Nothing of this is a message: it changes nothing, and costs one line in the console.
    for odd in
        [json!({ "inferboard": 9, "type": "setTheme", "theme": "light" }), json!("x".repeat(1_000_000)), json!(7)]
    {
        stage.post(0, odd).await?;
    }
    within(browser, 0).await?;
    browser.find("html[data-theme=dark]").await?;
    let length = async || Ok(browser.card("volume").await?.range().to_owned());
    until("a minute", PATIENCE, length, |range| seconds(range) == Some(60)).await?;
    browser.driver().enter_default_frame().await?;
    within(browser, 1).await?;
    assert_eq!(browser.count("html[data-theme=dark]").await?, 0, "the parent is not the one that this frame talks to");
    browser.driver().enter_default_frame().await?;
    assert!(stage.heard_now("rangeSelected").await?.is_empty(), "what the parent sets is not told back");

    within(browser, 0).await?;
    browser.drag(&browser.overlay("volume").await?, 0.4, 0.8).await?;
    browser.driver().enter_default_frame().await?;
    let chosen = stage.heard("rangeSelected").await?;
    let length_ms = chosen["to"].as_i64().unwrap_or(0) - chosen["from"].as_i64().unwrap_or(0);
    assert!((18_000..30_000).contains(&length_ms), "{chosen:?}");
    within(browser, 0).await?;
    let overlay = browser.overlay("volume").await?;
    browser.double_click(&overlay).await?;
    until("the range before", PATIENCE, length, |range| seconds(range) == Some(60)).await?;
    browser.driver().enter_default_frame().await?;
    assert!(browser.driver().current_url().await?.as_str().starts_with(&own), "the parent's history is its own");

    stage.post(0, json!({ "inferboard": 1, "type": "setScope", "model": "no such model" })).await?;
    within(browser, 0).await?;
    let status = async || Ok(browser.card("volume").await?.status);
    until("nothing of that model", PATIENCE, status, |status| status == "absent").await?;
    let told = browser.find("[data-testid=absent]").await?.text().await?;
    assert!(!told.is_empty(), "why there is nothing");
    let card = browser.card("volume").await?;
    assert_eq!((card.points, card.boxes.len(), card.note.as_str()), (0, 0, ""), "the other model's lines are gone");
    browser.driver().enter_default_frame().await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_cards_in_a_frame_tell_how_high_they_are() -> Result<()> {
    let stage = Stage::ready().await?;
    let (browser, own) = (&stage.browser, stage.host.origin());
    let source =
        format!("{}/?embed=all&section=requests&theme=dark&parent={own}&{VIEW}", stage.session.companion.url());
    stage.show(&frame(&source, "sandbox=allow-scripts"));
    browser.open(&own).await?;
    let high = async || Ok(stage.heard_now("height").await?.last().and_then(|told| told["height"].as_u64()));
    until("the height of several cards", PATIENCE, high, |height| *height > Some(900)).await?;
    within(browser, 0).await?;
    browser.find("html[data-theme=dark]").await?;
    browser.painted("volume", MIN_PIXELS).await?;
    assert_eq!(browser.count("header.topbar").await?, 0);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_listed_shows_no_frame_and_nobody_the_whole_page() -> Result<()> {
    let stage = Stage::ready().await?;
    let (browser, other) = (&stage.browser, StaticHost::start()?);
    let card = format!("{}/?embed=volume", stage.session.companion.url());
    for (host, source) in [(&other, &card), (&stage.host, &stage.session.companion.url().to_owned())] {
        host.put("/", format!("<!doctype html>{}", frame(source, "")));
        browser.open(&host.origin()).await?;
        let told = async || browser.complaints().await;
        let told = until("a refusal", PATIENCE, told, |told| !told.is_empty()).await?;
        assert!(told.iter().any(|told| told.contains("frame-ancestors")), "{told:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_dozen_frames_on_one_page_all_stay_fresh() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    let graphs = ["volume", "end-to-end-latency", "running-and-waiting", "tokens-per-second"];
    let frames: String = (0..24)
        .map(|place| {
            format!("{}/?embed={}&from=now-2m&every=5s", stage.session.companion.url(), graphs[place % graphs.len()])
        })
        .map(|source| format!("<iframe src=\"{source}\" width=340 height=160 sandbox=allow-scripts></iframe>"))
        .collect();
    stage.show(&frames);
    browser.show_as(1400, 1600, inferboard_tests::Theme::Light).await?;
    browser.open(&stage.host.origin()).await?;
    let ranges = async || -> Result<Vec<String>> {
        let mut ranges = Vec::new();
        for place in 0..24 {
            within(browser, place).await?;
            let card = browser.cards().await?.into_iter().next();
            let live = card.filter(|card| card.status == "live" && card.points > 0);
            ranges.extend(live.map(|card| card.range().to_owned()));
            browser.driver().enter_default_frame().await?;
        }
        Ok(ranges)
    };
    let before = until("24 live cards", PATIENCE, ranges, |ranges| ranges.len() == 24).await?;
    let moved = |now: &Vec<String>| now.len() == 24 && now.iter().zip(&before).all(|(now, before)| now != before);
    until("24 cards a refresh later", PATIENCE, ranges, moved).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_copies_code_that_works_also_after_a_restart() -> Result<()> {
    let Stage { host, session, browser } = Stage::ready().await?;
    browser.open(&format!("{}/?section=requests&{VIEW}", session.companion.url())).await?;
    browser.live_cards(&["volume"]).await?;
    let catch = "window.copied = []; Object.defineProperty(navigator, 'clipboard', \
        { value: { writeText: async text => { window.copied.push(text); } } });";
    browser.evaluate(catch, Vec::new()).await?;
    browser.choose("volume", "embed").await?;
    let copied = async || browser.evaluate("return window.copied[0] ?? ''", Vec::new()).await;
    let code = until("the code", PATIENCE, copied, |code| code.as_str().is_some_and(|code| !code.is_empty())).await?;
    host.put("/", format!("<!doctype html>{}", code.as_str().unwrap_or_default()));
    browser.open(&host.origin()).await?;
    within(&browser, 0).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());

    // A sandboxed frame may read the answers by a key of the process, which another process does not know.
    let _session = session.stop()?.start().await?;
    until(
        "the card of the new process",
        PATIENCE,
        async || {
            browser.driver().enter_default_frame().await?;
            within(&browser, 0).await?;
            Ok(browser.cards().await?.first().map(|card| (card.status.clone(), card.points)))
        },
        |card| card.as_ref().is_some_and(|(status, points)| status == "live" && *points > 0),
    )
    .await?;
    Ok(())
}

/// The documented host page, as it is in the repository, with this stage's addresses in it.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_host_page_works() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    stage.host.put("/", include_str!("../../docs/embed-host.html"));
    let address = format!("{}/?board={}", stage.host.origin(), stage.session.companion.url());
    browser.open(&address).await?;
    for place in 0..2 {
        within(browser, place).await?;
        browser.painted(["volume", "end-to-end-latency"][place as usize], MIN_PIXELS).await?;
        browser.driver().enter_default_frame().await?;
    }
    within(browser, 0).await?;
    // By keys: a driver's pointer knows no frame that stands lower on its page.
    browser.overlay("volume").await?.send_keys(Key::Left + "").await?;
    let walk: String = (0..20).map(|_| char::from(Key::Left)).collect();
    let keys = browser.driver().action_chain().key_down(Key::Shift).send_keys(walk).key_up(Key::Shift);
    keys.send_keys(Key::Enter + "").perform().await?;
    let chosen = async || Ok(browser.card("volume").await?.range().to_owned());
    let range = until("a chosen range", PATIENCE, chosen, |range| seconds(range) < Some(600)).await?;
    browser.driver().enter_default_frame().await?;
    within(browser, 1).await?;
    let other = async || Ok(browser.card("end-to-end-latency").await?.range().to_owned());
    until("the same range in the other frame", PATIENCE, other, |other| seconds(other) == seconds(&range)).await?;
    browser.driver().enter_default_frame().await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// A companion that has the session in its history and lets one host show its cards, and a browser.
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

    fn show(&self, frames: &str) {
        self.host.put("/", format!("<!doctype html><title>host</title>{LISTEN}{frames}"));
    }

    /// The messages of a type that the parent has heard.
    async fn heard_now(&self, kind: &str) -> Result<Vec<BTreeMap<String, Value>>> {
        let script = "return window.heard.filter(message => message.type === arguments[0])";
        let heard = self.browser.evaluate(script, vec![kind.into()]).await?;
        Ok(serde_json::from_value(heard).unwrap_or_default())
    }

    /// The first message of a type.
    async fn heard(&self, kind: &str) -> Result<BTreeMap<String, Value>> {
        let heard = until(kind, PATIENCE, async || self.heard_now(kind).await, |heard| !heard.is_empty()).await?;
        Ok(heard.into_iter().next().unwrap_or_default())
    }

    /// Sends a message to a frame. The origin of a sandboxed one cannot be named.
    async fn post(&self, place: u16, message: Value) -> Result<()> {
        let script = "frames[arguments[0]].postMessage(arguments[1], '*')";
        self.browser.evaluate(script, vec![place.into(), message]).await.map(drop)
    }
}

fn frame(source: &str, attributes: &str) -> String {
    let source = source.replace('&', "&amp;");
    format!("<iframe src=\"{source}\" width=640 height=360 {attributes}></iframe>")
}

async fn within(browser: &Browser, place: u16) -> Result<()> {
    Ok(browser.driver().enter_frame(place).await?)
}

/// The length of a range such as `14:05:10 to 14:12:30`.
fn seconds(range: &str) -> Option<i64> {
    let (start, end) = range.split_once(" to ")?;
    let of_day = |clock: &str| clock.split(':').try_fold(0, |sum, part| Some(sum * 60 + part.parse::<i64>().ok()?));
    Some((of_day(end)? - of_day(start)?).rem_euclid(86_400))
}
