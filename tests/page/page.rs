//! The page over a recorded session: cards are drawn, explored and refreshed, and survive the loss of the server.
use inferboard_tests::{Browser, Card, Companion, PATIENCE, Play, Recording, Replay, Result, Session, Theme, until};
use serde_json::json;

/// The cards of each section for the recorded engine and its host.
const SECTIONS: [(&str, &[&str]); 4] = [
    (
        "requests",
        &[
            "volume",
            "end-to-end-latency",
            "inference-time",
            "time-to-first-token",
            "inter-token-latency",
            "tokens-per-second",
            "running-and-waiting",
            "request-size",
            "response-size",
        ],
    ),
    (
        "engine",
        &["kv-cache-use", "queue-time", "prefill-time", "decode-time", "prefix-cache-hit-share", "finish-reasons"],
    ),
    ("hardware", &["cpu", "memory"]),
    ("replicas", &["replicas-answering"]),
];
/// Plays the recorded nine minutes in 27 s, and the recorded 5 s between two scrapes in 250 ms.
const SPEED: f64 = 20.0;
const INTERVAL: &str = "250ms";
/// A view that covers the whole session, even on a slow machine, and refreshes every second.
const VIEW: &str = "from=now-2m&every=1s";
/// The coloured pixels of the shortest line that counts as drawn.
const MIN_PIXELS: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_drawn_and_explored() -> Result<()> {
    let stage = Stage::started().await?;
    summary_and_events_match_the_session(&stage).await?;
    every_card_draws(&stage).await?;
    stage.open(&format!("section=requests&{VIEW}")).await?;
    stage.browser.live_cards(SECTIONS[0].1).await?;
    the_pointer_shows_values_on_every_card(&stage.browser).await?;
    the_legend_hides_a_line(&stage.browser).await?;
    a_drag_selects_the_range_of_the_whole_page(&stage).await?;
    a_selected_theme_is_kept(&stage.browser).await?;
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn new_data_appear_until_refresh_is_switched_off() -> Result<()> {
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: SPEED }, 0)?;
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", INTERVAL, "--target", &replay.url()]).await?;
    let browser = &Browser::start().await?;
    browser.show_as(1400, 1100, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&{VIEW}", companion.url())).await?;
    browser.live_cards(SECTIONS[0].1).await?;
    let (before, painted) = (browser.card("volume").await?, browser.painted("volume", MIN_PIXELS).await?);
    let grown = |card: &Card| card.count("2xx") > before.count("2xx") && card.range() != before.range();
    until("more requests", PATIENCE, async || browser.card("volume").await, grown).await?;
    // The text changes before the next frame is drawn.
    let redrawn = async || browser.painted("volume", MIN_PIXELS).await;
    until("another picture", PATIENCE, redrawn, |now| *now != painted).await?;

    browser.count_requests().await?;
    browser.press("refresh").await?;
    assert_eq!(browser.find("[data-testid=refresh]").await?.attr("aria-checked").await?.as_deref(), Some("false"));
    assert_eq!(browser.view().await?.get("refresh").map(String::as_str), Some("off"));
    // Queries that were sent before are still answered.
    let requests = browser.answered_requests().await?;
    let settled = async || Ok((browser.cards().await?, browser.cards().await?));
    let (still, _) = until("cards at rest", PATIENCE, settled, |(before, after)| before == after).await?;
    let painted = browser.painted("volume", MIN_PIXELS).await?;
    let scrapes = replay.served().len();
    until("a dozen more scrapes", PATIENCE, async || Ok(replay.served().len()), |count| *count >= scrapes + 12).await?;
    assert_eq!(browser.answered_requests().await?, requests, "no queries while refresh is off");
    assert_eq!(browser.cards().await?, still);
    assert_eq!(browser.painted("volume", MIN_PIXELS).await?, painted);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_keep_their_lines_while_the_server_is_away() -> Result<()> {
    let stage = Stage::started().await?;
    stage.open(&format!("section=requests&{VIEW}")).await?;
    let Stage { session, browser } = stage;
    browser.live_cards(SECTIONS[0].1).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());

    let session = session.stop()?;
    let banner = browser.find("[data-testid=lost]").await?;
    let text = banner.text().await?;
    assert!(text.contains("Connection lost at "), "{text}");
    let all_stale = |cards: &Vec<Card>| cards.iter().all(|card| card.status == "stale");
    let cards = until("stale cards", PATIENCE, async || browser.cards().await, all_stale).await?;
    assert_eq!(cards.len(), SECTIONS[0].1.len());
    assert!(cards.iter().all(|card| card.note.starts_with("stale since ")), "{cards:?}");
    assert!(browser.painted("volume", MIN_PIXELS).await?.coloured() > MIN_PIXELS);
    let status = browser.find("[data-testid=status]").await?;
    assert!(status.text().await?.ends_with("were up"), "the current state is unknown");
    assert_eq!(status.class_name().await?.as_deref(), Some("pill"));

    let _session = session.start().await?;
    let lost = async || browser.count("[data-testid=lost]").await;
    until("end of the banner", PATIENCE, lost, |count| *count == 0).await?;
    browser.live_cards(SECTIONS[0].1).await?;
    // The browser logs each request that failed; nothing else may go wrong.
    let complaints = browser.complaints().await?;
    assert!(complaints.iter().all(|complaint| complaint.contains("net::ERR_")), "{complaints:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_recovers_from_a_hung_server_and_a_lost_network() -> Result<()> {
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", INTERVAL]).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1100, Theme::Light).await?;
    browser.open(&format!("{}/?section=hardware&{VIEW}", companion.url())).await?;
    browser.live_cards(&["cpu", "memory"]).await?;
    browser.painted("memory", MIN_PIXELS).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    let keeps_its_lines_and_reports = async |wanted: &str| -> Result<()> {
        let text = async || Ok(browser.find("[data-testid=lost]").await?.text().await?);
        until(wanted, PATIENCE, text, |text| text.contains(wanted) && text.contains("Showing the last data received"))
            .await?;
        let stale = |cards: &Vec<Card>| cards.iter().all(|card| card.status == "stale" && card.points > 0);
        until("stale cards", PATIENCE, async || browser.cards().await, stale).await?;
        browser.painted("memory", MIN_PIXELS).await.map(drop)
    };
    let recovers = async || -> Result<()> {
        let lost = async || browser.count("[data-testid=lost]").await;
        until("end of the banner", PATIENCE, lost, |count| *count == 0).await?;
        browser.live_cards(&["cpu", "memory"]).await.map(drop)
    };

    companion.process().pause()?;
    keeps_its_lines_and_reports("did not respond within 15 s").await?;
    companion.process().resume()?;
    recovers().await?;

    let network = async |is_offline: bool| {
        let conditions =
            json!({ "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        browser.devtools("Network.emulateNetworkConditions", conditions).await
    };
    browser.devtools("Network.enable", json!({})).await?;
    network(true).await?;
    keeps_its_lines_and_reports("is not responding").await?;
    network(false).await?;
    recovers().await?;
    let complaints = browser.complaints().await?;
    assert!(complaints.iter().all(|complaint| complaint.contains("net::ERR_")), "{complaints:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_targets_the_page_shows_the_host_and_how_to_add_a_target() -> Result<()> {
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", INTERVAL]).await?;
    let browser = Browser::start().await?;
    browser.open(&format!("{}/?{VIEW}", companion.url())).await?;
    let banner = browser.find("[data-testid=no-engine]").await?;
    assert!(banner.text().await?.contains("--target"), "{}", banner.text().await?);
    browser.live_cards(&["cpu", "memory"]).await?;
    for graph in ["cpu", "memory"] {
        browser.painted(graph, MIN_PIXELS).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// A companion with the session in its history, and a browser.
struct Stage {
    session: Session,
    browser: Browser,
}

impl Stage {
    async fn started() -> Result<Self> {
        let session = Session::start().await?;
        let browser = Browser::start().await?;
        browser.show_as(1400, 1100, Theme::Light).await?;
        Ok(Self { session, browser })
    }

    /// The increase of the stored count of requests of a class.
    async fn increase(&self, status: &str) -> Result<f64> {
        let query = format!("http_requests_total{{status=\"{status}\"}}[5m]");
        let counts = self.session.companion.api().samples(&query, None).await?;
        let increases = counts.iter().flat_map(|series| {
            series.samples.values.windows(2).map(|pair| {
                let (before, after) = (pair[0].1.0, pair[1].1.0);
                // A restarted counter begins at zero.
                if after < before { after } else { after - before }
            })
        });
        Ok(increases.sum())
    }

    async fn open(&self, query: &str) -> Result<()> {
        self.browser.open(&format!("{}/?{query}", self.session.companion.url())).await
    }
}

async fn every_card_draws(stage: &Stage) -> Result<()> {
    for (section, graphs) in SECTIONS {
        stage.open(&format!("section={section}&{VIEW}")).await?;
        stage.browser.live_cards(graphs).await?;
        for graph in graphs {
            stage.browser.painted(graph, MIN_PIXELS).await?;
        }
    }
    Ok(())
}

/// Selects the cards that draw a graph.
const DRAWN: &str = ".card[data-status=live]:has(.stage canvas)";

async fn summary_and_events_match_the_session(stage: &Stage) -> Result<()> {
    // The session goes on, so what is shown lies between what is stored before and after it is read.
    let increases = async || -> Result<_> { Ok([stage.increase("2xx").await?, stage.increase("4xx").await?]) };
    let before = increases().await?;
    stage.open(&format!("section=requests&{VIEW}")).await?;
    stage.browser.live_cards(SECTIONS[0].1).await?;
    let volume = stage.browser.card("volume").await?;
    let after = increases().await?;
    for ((status, least), most) in ["2xx", "4xx"].into_iter().zip(before).zip(after) {
        let shown = volume.count(status).unwrap_or(0) as f64;
        assert!(least >= 10.0, "{status}: {least}");
        // A rate over the whole range is extrapolated a little beyond the samples at each end.
        let is_within = shown >= 0.93 * least - 2.0 && shown <= 1.07 * most + 2.0;
        assert!(is_within, "{status}: {shown} shown, {least} to {most} stored");
    }
    let event = format!("{DRAWN} .mark[role=img][aria-label*=' started at ']");
    let (events, cards) = (stage.browser.count(&event).await?, stage.browser.count(DRAWN).await?);
    assert!(cards > 1 && events == 2 * cards, "the start and the restart on {cards} cards: {events}");
    Ok(())
}

async fn the_pointer_shows_values_on_every_card(browser: &Browser) -> Result<()> {
    let overlay = browser.overlay("volume").await?;
    browser.driver().action_chain().move_to_element_center(&overlay).perform().await?;
    let cards = browser.cards().await?.len();
    for (css, wanted) in [(".crosshair", cards), ("[data-testid=tooltip]", cards), ("[data-testid=tooltip].here", 1)] {
        until(css, PATIENCE, async || browser.count(css).await, |count| *count == wanted).await?;
    }
    Ok(())
}

async fn the_legend_hides_a_line(browser: &Browser) -> Result<()> {
    let canvas = browser.find("[data-graph=volume] .stage canvas").await?;
    let before = browser.painted("volume", MIN_PIXELS).await?;
    // Nearly all requests are of this class, so its colour is the main one.
    let css = "[data-graph=volume] .legend button[data-line='2xx']";
    let colour = before.main_hue().unwrap_or_default();
    for shown in [false, true] {
        browser.find(css).await?.click().await?;
        let pressed = browser.find(css).await?.attr("aria-pressed").await?;
        assert_eq!(pressed.as_deref(), Some(if shown { "true" } else { "false" }));
        let paint = async || browser.paint(&canvas).await;
        until("bars as in the legend", PATIENCE, paint, |paint| paint.colours.contains_key(colour) == shown).await?;
    }
    Ok(())
}

async fn a_drag_selects_the_range_of_the_whole_page(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    // On a quick machine only the last quarter has data yet.
    browser.drag(&browser.overlay("running-and-waiting").await?, 0.62, 0.97).await?;
    let custom = async || browser.view().await;
    let view = until("a range in the address", PATIENCE, custom, |view| view.contains_key("to")).await?;
    let bound_ms = |name: &str| view.get(name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    let length_s = (bound_ms("to") - bound_ms("from")) / 1000;
    // A third of two minutes, and a little more, as the axis takes up part of the graph.
    assert!((42..=56).contains(&length_s), "{view:?}");
    let zoomed = format!("{} to {}", clock(bound_ms("from")), clock(bound_ms("to")));
    let all_zoomed = |cards: &Vec<Card>| !cards.is_empty() && cards.iter().all(|card| clocks(card.range()) == zoomed);
    until(&zoomed, PATIENCE, async || browser.live_cards(SECTIONS[0].1).await, all_zoomed).await?;

    browser.driver().refresh().await?;
    until(&zoomed, PATIENCE, async || browser.live_cards(SECTIONS[0].1).await, all_zoomed).await?;
    assert_eq!(browser.view().await?, view);
    browser.painted("volume", MIN_PIXELS).await?;

    let is_custom = async || Ok(browser.view().await?.contains_key("to"));
    browser.press("back").await?;
    until("the previous range", PATIENCE, is_custom, |custom| !*custom).await?;
    browser.press("forward").await?;
    until("the next range", PATIENCE, is_custom, |custom| *custom).await?;
    let overlay = browser.overlay("tokens-per-second").await?;
    browser.double_click(&overlay).await?;
    until("the previous range", PATIENCE, is_custom, |custom| !*custom).await?;
    Ok(())
}

/// The times of day of a range. One that begins before midnight has days too.
fn clocks(range: &str) -> String {
    range.split(' ').filter(|word| word.contains(':')).collect::<Vec<_>>().join(" to ")
}

/// The time of day of Unix milliseconds, as the page writes it in UTC, the browser's time zone.
fn clock(at_ms: i64) -> String {
    let s = at_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

async fn a_selected_theme_is_kept(browser: &Browser) -> Result<()> {
    let dark = "html[data-theme=dark]";
    assert_eq!(browser.count(dark).await?, 0, "the system's theme is light");
    browser.press("theme").await?;
    browser.find(dark).await?;
    browser.driver().refresh().await?;
    browser.find(dark).await?;
    Ok(())
}
