//! Links and embed code: they show the same cards with the same options.
use inferboard_tests::{Browser, Companion, InventedFleet, PATIENCE, Result, StaticHost, Theme, until};
use serde_json::json;
use thirtyfour::Key;

const GRAPH: &str = "running-and-waiting";
/// Records what the page copies, as a headless browser has no clipboard that a test can read.
const RECORD_COPIES: &str = "window.copied = []; Object.defineProperty(navigator, 'clipboard', \
    { value: { writeText: async text => { window.copied.push(text); } } });";

/// Takes the clipboard away, and records the links that the page shows in a prompt.
const REMOVE_CLIPBOARD: &str = "Object.defineProperty(navigator, 'clipboard', { value: undefined }); \
    window.prompt = (_, link) => { window.shown = link; };";

/// The page over an invented fleet, and a host that may embed it.
struct Stage {
    /// Owns the data directory of the companion.
    _fleet: InventedFleet,
    _companion: Companion,
    host: StaticHost,
    browser: Browser,
    page: String,
}

impl Stage {
    async fn with(replicas: usize) -> Result<Self> {
        let fleet = InventedFleet::new(replicas)?;
        let host = StaticHost::start()?;
        let configuration = format!("frame_ancestors = [\"'self'\", {:?}]\n", host.origin());
        let companion = Companion::start(&fleet.configured(&configuration)?).await?;
        let browser = Browser::start().await?;
        browser.show_as(1400, 1000, Theme::Light).await?;
        let page = format!("{}/?section=requests&refresh=off&{}", companion.url(), fleet.range());
        browser.open(&page).await?;
        browser.live_cards(&[GRAPH]).await?;
        Ok(Self { _fleet: fleet, _companion: companion, host, browser, page })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn card_options_are_kept_in_links() -> Result<()> {
    let stage = Stage::with(12).await?;
    let Stage { host, browser, page, .. } = &stage;
    for action in ["details", "log", "statistics"] {
        browser.choose(GRAPH, action).await?;
    }
    let link = "running-and-waiting.details.log.statistics";
    let view = until(
        "the options in the address",
        PATIENCE,
        async || browser.view().await,
        |view| view.get("card").is_some_and(|card| card == link),
    );
    let first = view.await?;
    options_apply(browser).await?;
    browser.driver().refresh().await?;
    options_apply(browser).await?;

    // Back and forward step through ranges; they leave the options of cards alone.
    browser.drag(&browser.overlay(GRAPH).await?, 0.3, 0.7).await?;
    let zoomed =
        until("a new range", PATIENCE, async || browser.view().await, |view| view["from"] != first["from"]).await?;
    browser.choose(GRAPH, "table").await?;
    let table = format!("[data-graph={GRAPH}] [data-testid=table]");
    browser.find(&table).await?;
    for (press, range) in [("back", &first), ("forward", &zoomed)] {
        browser.press(press).await?;
        let view = async || browser.view().await;
        let view = until(press, PATIENCE, view, |view| view["from"] == range["from"]).await?;
        assert_eq!(view["card"], format!("{link}.table"));
        assert_eq!(browser.count(&table).await?, 1);
    }
    browser.choose(GRAPH, "table").await?;
    options_apply(browser).await?;
    the_embed_code_keeps_the_options(browser, host, link).await?;

    // Unknown and invalid options of a link are ignored.
    let invalid = "&card=gone.table&card=running-and-waiting.table.<b>.stacked&card=&card=volume.heat-map";
    browser.open(&format!("{page}{invalid}")).await?;
    browser.find(&table).await?;
    browser.press("theme").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_lines_are_kept_in_links() -> Result<()> {
    let stage = Stage::with(3).await?;
    let Stage { host, browser, page, .. } = &stage;
    assert_eq!(visible_lines(browser).await?, ["running", "waiting"]);
    let line = |name: &str| format!("[data-graph={GRAPH}] .legend [data-line='{name}']");
    browser.find(&line("waiting")).await?.click().await?;
    wait_for_lines(browser, &["running"]).await?;
    assert_eq!(browser.view().await?["card"], "running-and-waiting.hide.waiting");
    browser.driver().refresh().await?;
    wait_for_lines(browser, &["running"]).await?;
    browser.find(&line("waiting")).await?.click().await?;
    wait_for_lines(browser, &["running", "waiting"]).await?;
    assert!(!browser.view().await?.contains_key("card"), "no options without hidden lines");

    // When only one line is visible, the link and the embed code name that line.
    let waiting = browser.find(&line("waiting")).await?;
    browser.double_click(&waiting).await?;
    wait_for_lines(browser, &["waiting"]).await?;
    assert_eq!(browser.view().await?["card"], "running-and-waiting.only.waiting");
    // Shift+Enter does the same: it shows all lines, and then only this one again.
    browser.find(&line("waiting")).await?.send_keys(Key::Shift + Key::Enter).await?;
    wait_for_lines(browser, &["running", "waiting"]).await?;
    browser.find(&line("waiting")).await?.send_keys(Key::Shift + Key::Enter).await?;
    wait_for_lines(browser, &["waiting"]).await?;
    // The hidden lines survive a change of section.
    browser.press("section-replicas").await?;
    browser.press("section-requests").await?;
    wait_for_lines(browser, &["waiting"]).await?;
    let code = embed_code(browser).await?;
    assert!(code.contains("card=running-and-waiting.only.waiting"), "{code}");
    host.put("/", format!("<!doctype html>{code}"));
    browser.open(&host.origin()).await?;
    browser.driver().enter_frame(0).await?;
    wait_for_lines(browser, &["waiting"]).await?;
    browser.driver().enter_default_frame().await?;

    // Lines of replicas have names of their own; names of lines that do not exist are ignored.
    let replica = "llama-7d9fc-000 · running";
    for (links, visible) in [
        (vec!["details", "only.gone", "only.llama-7d9fc-000 · running"], vec![replica]),
        (vec!["only.gone.10.0.0.1:8000"], vec!["running", "waiting"]),
        (vec!["hide.a<b>.&\"%26=%00", "hide.", "hide.running"], vec!["waiting"]),
        (vec!["only."], vec![]),
    ] {
        let mut url = reqwest::Url::parse(page).expect("an address");
        url.query_pairs_mut().extend_pairs(links.iter().map(|link| ("card", format!("{GRAPH}.{link}"))));
        browser.open(url.as_str()).await?;
        wait_for_lines(browser, &visible).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_can_be_shared_and_an_invalid_range_is_reported() -> Result<()> {
    let stage = Stage::with(3).await?;
    let Stage { browser, page, .. } = &stage;
    browser.evaluate(RECORD_COPIES, Vec::new()).await?;
    let address = browser.driver().current_url().await?.to_string();
    let copied = async || browser.evaluate("return window.copied", Vec::new()).await;
    browser.press("share").await?;
    until("the address", PATIENCE, copied, |copied| *copied == json!([address])).await?;
    let label = async || Ok(browser.find("[data-testid=share]").await?.text().await?);
    until("a confirmation", PATIENCE, label, |label| label == "Copied").await?;
    browser.find("body").await?.send_keys("s").await?;
    until("the address again", PATIENCE, copied, |copied| *copied == json!([address, address])).await?;
    // A range that follows the clock can be shared with the times that are shown.
    browser.find("[data-testid=range] option[value='3600000']").await?.click().await?;
    browser.press("share-fixed").await?;
    let fixed = until("the fixed times", PATIENCE, copied, |copied| copied[2].is_string()).await?;
    let has_time = |name: &str| fixed[2].as_str().is_some_and(|link| link.contains(&format!("{name}=1")));
    assert!(has_time("from") && has_time("to"), "{fixed}");
    // Without a clipboard, as on pages without TLS, the link is shown.
    browser.open(&address).await?;
    browser.live_cards(&[GRAPH]).await?;
    browser.evaluate(REMOVE_CLIPBOARD, Vec::new()).await?;
    browser.press("share").await?;
    let shown = async || browser.evaluate("return window.shown ?? ''", Vec::new()).await;
    until("the link", PATIENCE, shown, |shown| *shown == json!(address)).await?;

    let invalid = page.replace("from=", "from=7").replace("to=", "to=7");
    browser.open(&invalid).await?;
    browser.find("[data-testid=odd-times]").await?;
    browser.find("[data-testid=range] option[value='3600000']").await?.click().await?;
    let warnings = async || browser.count("[data-testid=odd-times]").await;
    until("a valid range", PATIENCE, warnings, |count| *count == 0).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// The names of the visible lines.
async fn visible_lines(browser: &Browser) -> Result<Vec<String>> {
    let css = format!("[data-graph={GRAPH}] .legend [aria-pressed=true]");
    let script = "return [...document.querySelectorAll(arguments[0])].map(line => line.dataset.line)";
    let names = browser.evaluate(script, vec![css.into()]).await?;
    Ok(names.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

async fn wait_for_lines(browser: &Browser, names: &[&str]) -> Result<()> {
    browser.find(&format!("[data-graph={GRAPH}] .legend [data-line]")).await?;
    until(&format!("{names:?}"), PATIENCE, async || visible_lines(browser).await, |now| now == names).await.map(drop)
}

/// The embed code that the card's menu copies.
async fn embed_code(browser: &Browser) -> Result<String> {
    browser.evaluate(RECORD_COPIES, Vec::new()).await?;
    browser.choose(GRAPH, "embed").await?;
    let copied = async || browser.evaluate("return window.copied[0] ?? ''", Vec::new()).await;
    let code = until("the code", PATIENCE, copied, |code| code.as_str().is_some_and(|code| !code.is_empty())).await?;
    Ok(code.as_str().unwrap_or_default().to_owned())
}

/// Checks that the embed code shows this card with its options on another page.
async fn the_embed_code_keeps_the_options(browser: &Browser, host: &StaticHost, link: &str) -> Result<()> {
    let code = embed_code(browser).await?;
    assert!(code.contains(&format!("card={link}")), "{code}");
    host.put("/", format!("<!doctype html>{code}"));
    browser.open(&host.origin()).await?;
    browser.driver().enter_frame(0).await?;
    options_apply(browser).await?;
    Ok(browser.driver().enter_default_frame().await?)
}

/// Checks that replicas have rows of statistics and that the axis is logarithmic.
async fn options_apply(browser: &Browser) -> Result<()> {
    let row = format!("[data-graph={GRAPH}] [data-testid=statistics] [data-line^='llama-7d9fc-']");
    browser.find(&row).await?;
    let remark = browser.find(&format!("[data-graph={GRAPH}] [data-testid=remark]")).await?;
    let text = async || Ok(remark.text().await?);
    until("a logarithmic axis", PATIENCE, text, |text| text.contains("Not shown on a logarithmic axis")).await.map(drop)
}
