//! The page as a person arranges it: which graphs, in which order and width; and what its keys do.
use inferboard_tests::{Browser, Companion, InventedFleet, PATIENCE, Result, StaticHost, until};
use serde_json::json;
use std::collections::BTreeMap;
use thirtyfour::{Key, TypingData};

const HOUR_MS: i64 = 3_600_000;
/// Drags one row of the list onto another, as a hand does.
const DRAG: &str = "const row = graph => document.querySelector(`[data-testid=customize-dialog] li[data-graph=${graph}]`); \
    const send = (row, kind) => row.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true })); \
    send(row(arguments[0]), 'dragstart'); send(row(arguments[1]), 'dragover'); send(row(arguments[1]), 'drop'); \
    send(row(arguments[0]), 'dragend');";

async fn ids(browser: &Browser) -> Result<Vec<String>> {
    Ok(browser.cards().await?.into_iter().map(|card| card.graph).collect())
}

/// The graphs on the page that these tests move about, in order.
async fn moved(browser: &Browser) -> Result<Vec<String>> {
    let mut ids = ids(browser).await?;
    ids.retain(|id| id == "cpu" || id == "memory");
    Ok(ids)
}

async fn wait_for(browser: &Browser, expected: &[&str]) -> Result<()> {
    until(&format!("the graphs {expected:?}"), PATIENCE, async || moved(browser).await, |ids| ids == expected).await?;
    Ok(())
}

async fn click(browser: &Browser, css: &str) -> Result<()> {
    Ok(browser.find(css).await?.click().await?)
}

async fn started() -> Result<(Companion, Browser)> {
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms"]).await?;
    let browser = Browser::start().await?;
    Ok((companion, browser))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_customized_kept_reset_and_shared() -> Result<()> {
    let (companion, browser) = started().await?;
    let page = format!("{}/?section=hardware&from=now-5m", companion.url());
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    browser.press("customize").await?;
    browser.find("[data-testid=customize-search]").await?.send_keys("memory").await?;
    let listed = "[data-testid=customize-dialog] li[data-graph=cpu]";
    until("a list without the others", PATIENCE, async || browser.count(listed).await, |count| *count == 0).await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=memory] input").await?;
    wait_for(&browser, &["cpu"]).await?;
    browser.open(&page).await?;
    wait_for(&browser, &["cpu"]).await?;

    browser.press("customize").await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=memory] input").await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    let row = browser.find("[data-testid=customize-dialog] li[data-graph=memory] input").await?;
    row.send_keys(Key::Alt + Key::Up).await?;
    wait_for(&browser, &["memory", "cpu"]).await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=memory] option[value='2']").await?;
    let wide = "section.card[data-graph=memory][data-columns='2']";
    until("a wide card", PATIENCE, async || browser.count(wide).await, |count| *count == 1).await?;
    browser.press("customize-reset").await?;
    wait_for(&browser, &["cpu", "memory"]).await?;

    // Where the browser lets no page copy, as without TLS, the link can be copied by hand.
    browser.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })", Vec::new()).await?;
    browser.press("customize-link").await?;
    let told = async || Ok(browser.find("dialog.customize .foot p").await?.text().await?);
    until("the link", PATIENCE, told, |told| told.contains("layout=")).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// The layout that the browser keeps.
const KEPT: &str = "return localStorage.getItem('inferboard.layout.')";

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_of_a_link_or_of_a_later_page_takes_the_place_of_none() -> Result<()> {
    let (companion, browser) = started().await?;
    let page = format!("{}/?section=hardware&from=now-5m", companion.url());
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    browser.press("customize").await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=memory] input").await?;
    wait_for(&browser, &["cpu"]).await?;
    let kept = async || browser.evaluate(KEPT, Vec::new()).await;
    let own = kept().await?;
    assert!(own.as_str().is_some_and(|own| own.contains("memory")), "{own}");

    let layout = "%7B%22version%22%3A1%2C%22hidden%22%3A%5B%22cpu%22%2C%22of-a-later-page%22%5D%7D";
    let link = format!("{page}&layout={layout}");
    browser.open(&link).await?;
    wait_for(&browser, &["memory"]).await?;
    assert_eq!(kept().await?, own, "to look at a link changes nothing");
    browser.press("layout-own").await?;
    wait_for(&browser, &["cpu"]).await?;
    let borrowed = async || browser.count("[data-testid=borrowed]").await;
    assert_eq!((borrowed().await?, kept().await?), (0, own.clone()));
    browser.open(&link).await?;
    browser.press("layout-keep").await?;
    wait_for(&browser, &["memory"]).await?;
    assert_ne!(kept().await?, own);
    for address in [&page, &link] {
        browser.open(address).await?;
        wait_for(&browser, &["memory"]).await?;
        assert_eq!(borrowed().await?, 0, "what is the person's own is not asked about");
    }

    let later = r#"{"version":2,"graphs":[]}"#;
    browser.evaluate("localStorage.setItem('inferboard.layout.', arguments[0])", vec![later.into()]).await?;
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    browser.press("customize").await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=memory] input").await?;
    wait_for(&browser, &["cpu"]).await?;
    browser.press("customize-reset").await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    assert_eq!(kept().await?, json!(later), "a later page finds its own again");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_is_dragged_the_same_in_two_tabs_and_needs_no_storage() -> Result<()> {
    let (companion, browser) = started().await?;
    let page = format!("{}/?section=hardware&from=now-5m", companion.url());
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    let first = browser.driver().window().await?;
    let second = browser.driver().new_tab().await?;
    browser.driver().switch_to_window(second).await?;
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    browser.press("customize").await?;
    browser.find("[data-testid=customize-dialog] li[data-graph=memory]").await?;
    browser.evaluate(DRAG, vec!["memory".into(), "cpu".into()]).await?;
    wait_for(&browser, &["memory", "cpu"]).await?;
    browser.driver().switch_to_window(first).await?;
    wait_for(&browser, &["memory", "cpu"]).await?;

    let denied = "Object.defineProperty(window, 'localStorage', \
        { get() { throw new DOMException('denied', 'SecurityError'); } });";
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": denied })).await?;
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    browser.press("customize").await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=memory] input").await?;
    wait_for(&browser, &["cpu"]).await?;
    browser.find("[data-testid=rates] option[value=minute]").await?.click().await?;
    browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
    // Another section and back: it is remembered as long as the page is open.
    browser.press("section-replicas").await?;
    browser.press("section-hardware").await?;
    wait_for(&browser, &["cpu"]).await?;
    browser.press("theme").await?;
    browser.find("html[data-theme=dark]").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_model_has_its_own_layout() -> Result<()> {
    let target = StaticHost::start()?;
    let line = |name: &str| {
        let of = |model: &str| format!("{name}{{model_name=\"{model}\"}} 1\n");
        format!("# TYPE {name} gauge\n{}{}", of("a"), of("b"))
    };
    target.put("/metrics", ["vllm:num_requests_running", "vllm:kv_cache_usage_perc"].map(line).concat());
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &url]).await?;
    let browser = Browser::start().await?;
    let page = |model: &str| format!("{}/?section=engine&from=now-5m&model={model}", companion.url());
    let has = async |count: usize| {
        let cards = async || Ok(ids(&browser).await?.iter().filter(|id| *id == "kv-cache-use").count());
        until("the card, or none", PATIENCE, cards, |cards| *cards == count).await.map(drop)
    };
    browser.open(&page("a")).await?;
    has(1).await?;
    browser.press("customize").await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=kv-cache-use] input").await?;
    has(0).await?;
    browser.find("body").await?.send_keys(Key::Escape + "").await?;
    for (model, count) in [("b", 1), ("a", 0)] {
        click(&browser, &format!("[data-testid=model] option[value={model}]")).await?;
        has(count).await?;
    }
    for (model, count) in [("b", 1), ("a", 0)] {
        browser.open(&page(model)).await?;
        browser.find("[data-testid=absent-graphs]").await?;
        has(count).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// How many range queries the page has asked.
const COUNT_REQUESTS: &str =
    "return performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('/query_range')).length";

#[tokio::test(flavor = "multi_thread")]
async fn keys_do_what_their_sheet_says() -> Result<()> {
    let fleet = InventedFleet::new(3)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    let (end_ms, start_ms) = (fleet.end_ms() - HOUR_MS, fleet.end_ms() - 2 * HOUR_MS);
    let range = format!("from={start_ms}&to={end_ms}");
    browser.open(&format!("{}/?section=replicas&refresh=off&{range}", companion.url())).await?;
    browser.find("[data-testid=find-replica]").await?;
    let page = Keys { browser: &browser };

    page.press("?").await?;
    let sheet = browser.find("dialog.keys[open] dl").await?.text().await?;
    for key in ["?", "r", "p", "[ and ]", "− and +", "b and f", "Backspace", "Tab", "Escape"] {
        assert!(sheet.lines().any(|line| line.trim() == key), "{key} is not in {sheet}");
    }
    page.press("p[-").await?;
    page.press(Key::Escape + "").await?;
    until("a closed sheet", PATIENCE, async || browser.count("dialog[open]").await, |count| *count == 0).await?;
    page.stays_at((start_ms, end_ms)).await?;

    let half_ms = HOUR_MS / 2;
    page.press("[").await?;
    page.comes_to((start_ms - half_ms, end_ms - half_ms)).await?;
    page.press("]").await?;
    page.comes_to((start_ms, end_ms)).await?;
    page.press("-").await?;
    page.comes_to((start_ms - half_ms, end_ms + half_ms)).await?;
    page.press("+").await?;
    page.comes_to((start_ms, end_ms)).await?;
    page.press("b").await?;
    page.comes_to((start_ms - half_ms, end_ms + half_ms)).await?;
    page.press("f").await?;
    page.comes_to((start_ms, end_ms)).await?;
    for (press, earlier) in [("earlier", 1), ("earlier", 2), ("later", 1), ("later", 0)] {
        browser.press(press).await?;
        page.comes_to((start_ms - earlier * half_ms, end_ms - earlier * half_ms)).await?;
    }

    let asked = async || Ok(browser.evaluate(COUNT_REQUESTS, Vec::new()).await?.as_u64().unwrap_or(0));
    // A range of the past is asked for once; one that ends now, each time.
    browser.find("[data-testid=range] option[value='900000']").await?.click().await?;
    page.view("the range of a first visit", |view| !view.contains_key("from")).await?;
    browser.press("section-requests").await?;
    browser.live_cards(&["running-and-waiting"]).await?;
    let before = asked().await?;
    page.press("r").await?;
    until("another round", PATIENCE, asked, |count| *count > before).await?;
    page.press("p").await?;
    page.view("auto-refresh", |view| !view.contains_key("refresh")).await?;
    assert_eq!(browser.find("[data-testid=refresh]").await?.attr("aria-checked").await?.as_deref(), Some("true"));
    page.press("p").await?;
    page.view("no auto-refresh", |view| view.get("refresh").is_some_and(|refresh| refresh == "off")).await?;

    page.press("[").await?;
    let left = page.view("a range of the past", |view| view.contains_key("to")).await?;
    browser.press("section-replicas").await?;
    let own = "rp[]-+=bf?";
    browser.find("[data-testid=find-replica]").await?.send_keys(own).await?;
    for (button, field) in [("customize", "customize-search"), ("when", "when-words"), ("when", "zone")] {
        browser.press(button).await?;
        let field = browser.find(&format!("dialog[open] [data-testid={field}]")).await?;
        field.send_keys(own).await?;
        assert_eq!(field.prop("value").await?.as_deref(), Some(own));
        // The first closes a list of suggestions, where the browser shows one.
        let close = async || {
            page.press(Key::Escape + "").await?;
            browser.count("dialog[open]").await
        };
        until("a closed dialog", PATIENCE, close, |count| *count == 0).await?;
    }
    let find = browser.find("[data-testid=find-replica]").await?;
    assert_eq!(find.prop("value").await?.as_deref(), Some(own));
    let view = browser.view().await?;
    for part in ["from", "to", "refresh"] {
        assert_eq!(view.get(part), left.get(part), "{part}");
    }
    // With Ctrl, Alt or Meta they are the browser's own.
    let held = "for (const held of ['ctrlKey', 'altKey', 'metaKey']) for (const key of 'rp[]-+bf?') \
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key, [held]: true, bubbles: true }))";
    browser.evaluate(held, Vec::new()).await?;
    assert_eq!(browser.view().await?, view);
    assert_eq!(browser.count("dialog[open]").await?, 0);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// A page that is told by keys.
struct Keys<'a> {
    browser: &'a Browser,
}

impl Keys<'_> {
    /// Types, wherever the focus is.
    async fn press(&self, keys: impl Into<TypingData>) -> Result<()> {
        Ok(self.browser.driver().action_chain().send_keys(keys).perform().await?)
    }

    async fn view(
        &self,
        what: &str,
        enough: impl Fn(&BTreeMap<String, String>) -> bool,
    ) -> Result<BTreeMap<String, String>> {
        until(what, PATIENCE, async || self.browser.view().await, enough).await
    }

    async fn comes_to(&self, (start_ms, end_ms): (i64, i64)) -> Result<()> {
        let range = [("from", start_ms.to_string()), ("to", end_ms.to_string())];
        let is_it = |view: &BTreeMap<String, String>| range.iter().all(|(name, time)| view.get(*name) == Some(time));
        self.view(&format!("{range:?}"), is_it).await.map(drop)
    }

    async fn stays_at(&self, range: (i64, i64)) -> Result<()> {
        self.comes_to(range).await?;
        assert_eq!(self.browser.view().await?["refresh"], "off");
        Ok(())
    }
}
