//! What is copied from the address bar, or as embed code, shows the same cards in the same way.
use inferboard_tests::{Browser, Companion, InventedFleet, PATIENCE, Result, StaticHost, Theme, until};
use serde_json::json;
use thirtyfour::Key;

const GRAPH: &str = "running-and-waiting";
/// Keeps what the page copies: a headless browser has no clipboard to share.
const CATCH: &str = "window.copied = []; Object.defineProperty(navigator, 'clipboard', \
    { value: { writeText: async text => { window.copied.push(text); } } });";

/// A browser that lets no page copy; what it asks the person is kept.
const DENY: &str = "Object.defineProperty(navigator, 'clipboard', { value: undefined }); \
    window.prompt = (_, link) => { window.shown = link; };";

/// A page over an invented fleet, and a host whose pages may frame it.
struct Stage {
    /// Its folder is the companion's.
    _fleet: InventedFleet,
    _companion: Companion,
    host: StaticHost,
    browser: Browser,
    page: String,
}

impl Stage {
    async fn of(replicas: usize) -> Result<Self> {
        let fleet = InventedFleet::new(replicas)?;
        let host = StaticHost::start()?;
        let frames = format!("frame_ancestors = [\"'self'\", {:?}]\n", host.origin());
        let companion = Companion::start(&fleet.configured(&frames)?).await?;
        let browser = Browser::start().await?;
        browser.show_as(1400, 1000, Theme::Light).await?;
        let page = format!("{}/?section=requests&refresh=off&{}", companion.url(), fleet.range());
        browser.open(&page).await?;
        browser.live_cards(&[GRAPH]).await?;
        Ok(Self { _fleet: fleet, _companion: companion, host, browser, page })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cards_choices_are_in_its_links() -> Result<()> {
    let stage = Stage::of(12).await?;
    let Stage { host, browser, page, .. } = &stage;
    for action in ["details", "log", "statistics"] {
        browser.choose(GRAPH, action).await?;
    }
    let link = "running-and-waiting.details.log.statistics";
    let view = until(
        "the choices in the address",
        PATIENCE,
        async || browser.view().await,
        |view| view.get("card").is_some_and(|card| card == link),
    );
    let first = view.await?;
    is_so(browser).await?;
    browser.driver().refresh().await?;
    is_so(browser).await?;

    // Back and forward go through ranges; how a card is shown is no step, and is not undone with one.
    browser.drag(&browser.overlay(GRAPH).await?, 0.3, 0.7).await?;
    let zoomed =
        until("a range", PATIENCE, async || browser.view().await, |view| view["from"] != first["from"]).await?;
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
    is_so(browser).await?;
    the_embed_code_has_them(browser, host, link).await?;

    // A link of somebody else's making: what is not known, or makes no sense, is left out.
    let odd = "&card=gone.table&card=running-and-waiting.table.<b>.stacked&card=&card=volume.heat-map";
    browser.open(&format!("{page}{odd}")).await?;
    browser.find(&table).await?;
    browser.press("theme").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_lines_are_in_its_links() -> Result<()> {
    let stage = Stage::of(3).await?;
    let Stage { host, browser, page, .. } = &stage;
    assert_eq!(shown(browser).await?, ["running", "waiting"]);
    let line = |name: &str| format!("[data-graph={GRAPH}] .legend [data-line='{name}']");
    browser.find(&line("waiting")).await?.click().await?;
    shows(browser, &["running"]).await?;
    assert_eq!(browser.view().await?["card"], "running-and-waiting.hide.waiting");
    browser.driver().refresh().await?;
    shows(browser, &["running"]).await?;
    browser.find(&line("waiting")).await?.click().await?;
    shows(browser, &["running", "waiting"]).await?;
    assert!(!browser.view().await?.contains_key("card"), "as on a first visit");

    // Alone: the link has the one that is shown, and so has the code.
    let waiting = browser.find(&line("waiting")).await?;
    browser.double_click(&waiting).await?;
    shows(browser, &["waiting"]).await?;
    assert_eq!(browser.view().await?["card"], "running-and-waiting.only.waiting");
    // By keyboard the same: all again, and then the other one.
    browser.find(&line("waiting")).await?.send_keys(Key::Shift + Key::Enter).await?;
    shows(browser, &["running", "waiting"]).await?;
    browser.find(&line("waiting")).await?.send_keys(Key::Shift + Key::Enter).await?;
    shows(browser, &["waiting"]).await?;
    // Another section and back: it is the card's, however long that is gone.
    browser.press("section-replicas").await?;
    browser.press("section-requests").await?;
    shows(browser, &["waiting"]).await?;
    let code = embed_code(browser).await?;
    assert!(code.contains("card=running-and-waiting.only.waiting"), "{code}");
    host.put("/", format!("<!doctype html>{code}"));
    browser.open(&host.origin()).await?;
    browser.driver().enter_frame(0).await?;
    shows(browser, &["waiting"]).await?;
    browser.driver().enter_default_frame().await?;

    // Replicas have names of their own; of those that are gone nothing is left to hide or to show.
    let own = "llama-7d9fc-000 · running";
    for (links, left) in [
        (vec!["details", "only.gone", "only.llama-7d9fc-000 · running"], vec![own]),
        (vec!["only.gone.10.0.0.1:8000"], vec!["running", "waiting"]),
        (vec!["hide.a<b>.&\"%26=%00", "hide.", "hide.running"], vec!["waiting"]),
        (vec!["only."], vec![]),
    ] {
        let mut url = reqwest::Url::parse(page).expect("an address");
        url.query_pairs_mut().extend_pairs(links.iter().map(|link| ("card", format!("{GRAPH}.{link}"))));
        browser.open(url.as_str()).await?;
        shows(browser, &left).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_shared_and_a_link_that_makes_no_sense_says_so() -> Result<()> {
    let stage = Stage::of(3).await?;
    let Stage { browser, page, .. } = &stage;
    browser.evaluate(CATCH, Vec::new()).await?;
    let here = browser.driver().current_url().await?.to_string();
    let copied = async || browser.evaluate("return window.copied", Vec::new()).await;
    browser.press("share").await?;
    until("the address", PATIENCE, copied, |copied| *copied == json!([here])).await?;
    let told = async || Ok(browser.find("[data-testid=share]").await?.text().await?);
    until("that it was copied", PATIENCE, told, |told| told == "Copied").await?;
    browser.find("body").await?.send_keys("s").await?;
    until("the address again", PATIENCE, copied, |copied| *copied == json!([here, here])).await?;
    // Without TLS no page may copy: the link is shown.
    browser.driver().refresh().await?;
    browser.live_cards(&[GRAPH]).await?;
    browser.evaluate(DENY, Vec::new()).await?;
    browser.press("share").await?;
    let shown = async || browser.evaluate("return window.shown ?? ''", Vec::new()).await;
    until("the link", PATIENCE, shown, |shown| *shown == json!(here)).await?;

    let odd = page.replace("from=", "from=7").replace("to=", "to=7");
    browser.open(&odd).await?;
    browser.find("[data-testid=odd-times]").await?;
    browser.find("[data-testid=range] option[value='3600000']").await?.click().await?;
    let odd = async || browser.count("[data-testid=odd-times]").await;
    until("a range that makes sense", PATIENCE, odd, |count| *count == 0).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Names of the lines that the legend shows.
async fn shown(browser: &Browser) -> Result<Vec<String>> {
    let css = format!("[data-graph={GRAPH}] .legend [aria-pressed=true]");
    let script = "return [...document.querySelectorAll(arguments[0])].map(line => line.dataset.line)";
    let names = browser.evaluate(script, vec![css.into()]).await?;
    Ok(names.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

async fn shows(browser: &Browser, names: &[&str]) -> Result<()> {
    browser.find(&format!("[data-graph={GRAPH}] .legend [data-line]")).await?;
    until(&format!("{names:?}"), PATIENCE, async || shown(browser).await, |shown| shown == names).await.map(drop)
}

/// The code that the card's menu copies.
async fn embed_code(browser: &Browser) -> Result<String> {
    browser.evaluate(CATCH, Vec::new()).await?;
    browser.choose(GRAPH, "embed").await?;
    let copied = async || browser.evaluate("return window.copied[0] ?? ''", Vec::new()).await;
    let code = until("the code", PATIENCE, copied, |code| code.as_str().is_some_and(|code| !code.is_empty())).await?;
    Ok(code.as_str().unwrap_or_default().to_owned())
}

/// The code shows this card as it is, on another page, and nothing of other cards.
async fn the_embed_code_has_them(browser: &Browser, host: &StaticHost, link: &str) -> Result<()> {
    let code = embed_code(browser).await?;
    assert!(code.contains(&format!("card={link}")), "{code}");
    host.put("/", format!("<!doctype html>{code}"));
    browser.open(&host.origin()).await?;
    browser.driver().enter_frame(0).await?;
    is_so(browser).await?;
    Ok(browser.driver().enter_default_frame().await?)
}

/// Whether each replica has its row of statistics, and the axis leaves zeros out.
async fn is_so(browser: &Browser) -> Result<()> {
    let row = format!("[data-graph={GRAPH}] [data-testid=statistics] [data-line^='llama-7d9fc-']");
    browser.find(&row).await?;
    let remark = browser.find(&format!("[data-graph={GRAPH}] [data-testid=remark]")).await?;
    let told = async || Ok(remark.text().await?);
    until("a logarithmic axis", PATIENCE, told, |told| told.contains("Not shown on a logarithmic axis")).await.map(drop)
}
