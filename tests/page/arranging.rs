//! Customizing which graphs the page shows, in which order and width; and its keyboard shortcuts.
use inferboard_tests::{Browser, Companion, InventedFleet, PATIENCE, Result, StaticHost, until};
use serde_json::json;
use std::collections::BTreeMap;
use thirtyfour::{Key, TypingData};

const HOUR_MS: i64 = 3_600_000;
/// Drags one row of the list onto another, with the events that a browser sends.
const DRAG: &str = "const row = graph => document.querySelector(`[data-testid=customize-dialog] li[data-graph=${graph}]`); \
    const send = (row, kind) => row.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true })); \
    send(row(arguments[0]), 'dragstart'); send(row(arguments[1]), 'dragover'); send(row(arguments[1]), 'drop'); \
    send(row(arguments[0]), 'dragend');";

async fn ids(browser: &Browser) -> Result<Vec<String>> {
    Ok(browser.cards().await?.into_iter().map(|card| card.graph).collect())
}

/// The graphs on the page that these tests rearrange, in order.
async fn order(browser: &Browser) -> Result<Vec<String>> {
    let mut ids = ids(browser).await?;
    ids.retain(|id| id == "cpu" || id == "memory");
    Ok(ids)
}

async fn wait_for(browser: &Browser, expected: &[&str]) -> Result<()> {
    until(&format!("the graphs {expected:?}"), PATIENCE, async || order(browser).await, |ids| ids == expected).await?;
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
async fn a_layout_can_be_customized_kept_reset_and_shared() -> Result<()> {
    let (companion, browser) = started().await?;
    let page = format!("{}/?section=hardware&from=now-5m", companion.url());
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    browser.press("customize").await?;
    browser.find("[data-testid=customize-search]").await?.send_keys("memory").await?;
    let listed = "[data-testid=customize-dialog] li[data-graph=cpu]";
    until("a filtered list", PATIENCE, async || browser.count(listed).await, |count| *count == 0).await?;
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

    // Without a clipboard, as on pages without TLS, the link is shown to be copied by hand.
    browser.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })", Vec::new()).await?;
    browser.press("customize-link").await?;
    let text = async || Ok(browser.find("dialog.customize .foot p").await?.text().await?);
    until("the link", PATIENCE, text, |text| text.contains("layout=")).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Reads the layout that the browser stores.
const READ_LAYOUT: &str = "return localStorage.getItem('inferboard.layout.')";

#[tokio::test(flavor = "multi_thread")]
async fn a_link_or_an_older_page_does_not_overwrite_the_stored_layout() -> Result<()> {
    let (companion, browser) = started().await?;
    let page = format!("{}/?section=hardware&from=now-5m", companion.url());
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    browser.press("customize").await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=memory] input").await?;
    wait_for(&browser, &["cpu"]).await?;
    let stored = async || browser.evaluate(READ_LAYOUT, Vec::new()).await;
    let own_layout = stored().await?;
    assert!(own_layout.as_str().is_some_and(|own_layout| own_layout.contains("memory")), "{own_layout}");

    let layout = "%7B%22version%22%3A1%2C%22hidden%22%3A%5B%22cpu%22%2C%22of-a-later-page%22%5D%7D";
    let link = format!("{page}&layout={layout}");
    browser.open(&link).await?;
    wait_for(&browser, &["memory"]).await?;
    assert_eq!(stored().await?, own_layout, "opening a link changes nothing");
    browser.press("layout-own").await?;
    wait_for(&browser, &["cpu"]).await?;
    let borrowed = async || browser.count("[data-testid=borrowed]").await;
    assert_eq!((borrowed().await?, stored().await?), (0, own_layout.clone()));
    browser.open(&link).await?;
    browser.press("layout-keep").await?;
    wait_for(&browser, &["memory"]).await?;
    assert_ne!(stored().await?, own_layout);
    for address in [&page, &link] {
        browser.open(address).await?;
        wait_for(&browser, &["memory"]).await?;
        assert_eq!(borrowed().await?, 0, "the stored layout is shown without a question");
    }

    let newer_layout = r#"{"version":2,"graphs":[]}"#;
    browser.evaluate("localStorage.setItem('inferboard.layout.', arguments[0])", vec![newer_layout.into()]).await?;
    browser.open(&page).await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    browser.press("customize").await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=memory] input").await?;
    wait_for(&browser, &["cpu"]).await?;
    browser.press("customize-reset").await?;
    wait_for(&browser, &["cpu", "memory"]).await?;
    assert_eq!(stored().await?, json!(newer_layout), "a newer page finds its layout again");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dragged_layout_reaches_other_tabs_and_works_without_storage() -> Result<()> {
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
    // The layout survives a change of section while the page is open.
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
    let family = |name: &str| {
        let sample = |model: &str| format!("{name}{{model_name=\"{model}\"}} 1\n");
        format!("# TYPE {name} gauge\n{}{}", sample("a"), sample("b"))
    };
    target.put("/metrics", ["vllm:num_requests_running", "vllm:kv_cache_usage_perc"].map(family).concat());
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &url]).await?;
    let browser = Browser::start().await?;
    let page = |model: &str| format!("{}/?section=engine&from=now-5m&model={model}", companion.url());
    let has_cards = async |count: usize| {
        let cards = async || Ok(ids(&browser).await?.iter().filter(|id| *id == "kv-cache-use").count());
        until("the expected number of cards", PATIENCE, cards, |cards| *cards == count).await.map(drop)
    };
    browser.open(&page("a")).await?;
    has_cards(1).await?;
    browser.press("customize").await?;
    click(&browser, "[data-testid=customize-dialog] li[data-graph=kv-cache-use] input").await?;
    has_cards(0).await?;
    browser.find("body").await?.send_keys(Key::Escape + "").await?;
    for (model, count) in [("b", 1), ("a", 0)] {
        click(&browser, &format!("[data-testid=model] option[value={model}]")).await?;
        has_cards(count).await?;
    }
    for (model, count) in [("b", 1), ("a", 0)] {
        browser.open(&page(model)).await?;
        browser.find("[data-testid=absent-graphs]").await?;
        has_cards(count).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Counts the range queries that the page has sent.
const COUNT_REQUESTS: &str =
    "return performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('/query_range')).length";

#[tokio::test(flavor = "multi_thread")]
async fn keyboard_shortcuts_do_what_their_sheet_says() -> Result<()> {
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

    let sent = async || Ok(browser.evaluate(COUNT_REQUESTS, Vec::new()).await?.as_u64().unwrap_or(0));
    // A past range is queried once; one that ends now is queried at each refresh.
    browser.find("[data-testid=range] option[value='900000']").await?.click().await?;
    page.view("the default range", |view| !view.contains_key("from")).await?;
    browser.press("section-requests").await?;
    browser.live_cards(&["running-and-waiting"]).await?;
    let before = sent().await?;
    page.press("r").await?;
    until("another refresh", PATIENCE, sent, |count| *count > before).await?;
    page.press("p").await?;
    page.view("auto-refresh", |view| !view.contains_key("refresh")).await?;
    assert_eq!(browser.find("[data-testid=refresh]").await?.attr("aria-checked").await?.as_deref(), Some("true"));
    page.press("p").await?;
    page.view("no auto-refresh", |view| view.get("refresh").is_some_and(|refresh| refresh == "off")).await?;

    page.press("[").await?;
    let past_view = page.view("a past range", |view| view.contains_key("to")).await?;
    browser.press("section-replicas").await?;
    let typed = "rp[]-+=bf?";
    browser.find("[data-testid=find-replica]").await?.send_keys(typed).await?;
    for (button, field) in [("customize", "customize-search"), ("when", "when-words"), ("when", "zone")] {
        browser.press(button).await?;
        let field = browser.find(&format!("dialog[open] [data-testid={field}]")).await?;
        field.send_keys(typed).await?;
        assert_eq!(field.prop("value").await?.as_deref(), Some(typed));
        // The first Escape may close only a list of suggestions of the browser.
        let close = async || {
            page.press(Key::Escape + "").await?;
            browser.count("dialog[open]").await
        };
        until("a closed dialog", PATIENCE, close, |count| *count == 0).await?;
    }
    let find = browser.find("[data-testid=find-replica]").await?;
    assert_eq!(find.prop("value").await?.as_deref(), Some(typed));
    let view = browser.view().await?;
    for part in ["from", "to", "refresh"] {
        assert_eq!(view.get(part), past_view.get(part), "{part}");
    }
    // Keys with Ctrl, Alt or Meta belong to the browser.
    let held = "for (const held of ['ctrlKey', 'altKey', 'metaKey']) for (const key of 'rp[]-+bf?') \
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key, [held]: true, bubbles: true }))";
    browser.evaluate(held, Vec::new()).await?;
    assert_eq!(browser.view().await?, view);
    assert_eq!(browser.count("dialog[open]").await?, 0);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// The page, operated by keyboard.
struct Keys<'a> {
    browser: &'a Browser,
}

impl Keys<'_> {
    /// Sends keys to the focused element.
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
        let is_at = |view: &BTreeMap<String, String>| range.iter().all(|(name, time)| view.get(*name) == Some(time));
        self.view(&format!("{range:?}"), is_at).await.map(drop)
    }

    async fn stays_at(&self, range: (i64, i64)) -> Result<()> {
        self.comes_to(range).await?;
        assert_eq!(self.browser.view().await?["refresh"], "off");
        Ok(())
    }
}
