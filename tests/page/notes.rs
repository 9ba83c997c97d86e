//! Notes on the graphs, and layouts for everyone: both are kept by the companion and seen in other browsers.
use inferboard_tests::{Browser, Companion, PATIENCE, Result, StaticHost, until};
use serde_json::{Value, json};
use thirtyfour::{Key, TypingData};

/// The marks of notes on all cards: the number of cards without one, and the texts.
const MARKS: &str = "const cards = [...document.querySelectorAll('section.card [data-testid=overlay]')];
    const texts = cards.map(card => [...card.querySelectorAll('.noted g')].map(mark => mark.ariaLabel));
    return { without: texts.filter(texts => texts.length == 0).length, texts: [...new Set(texts.flat())] };";

const DIALOG: &str = "dialog.note[open]";

async fn opened(companion: &Companion) -> Result<Browser> {
    let browser = Browser::start().await?;
    browser.open(&format!("{}/?section=hardware&from=now-5m&every=1s", companion.url())).await?;
    browser.live_cards(&["cpu", "memory"]).await?;
    Ok(browser)
}

/// Sends keys to the focused element.
async fn type_keys(browser: &Browser, keys: impl Into<TypingData>) -> Result<()> {
    Ok(browser.driver().action_chain().send_keys(keys).perform().await?)
}

/// Waits until all cards have marks with exactly these texts at their beginnings.
async fn wait_for_marks(browser: &Browser, expected: &[&str]) -> Result<()> {
    let are_there = |found: &Value| {
        let texts: Vec<&str> = found["texts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let is_everywhere = expected.is_empty() || found["without"] == 0;
        is_everywhere
            && texts.len() == expected.len()
            && expected.iter().all(|expected| texts.iter().any(|text| text.starts_with(expected)))
    };
    let marks = async || browser.evaluate(MARKS, Vec::new()).await;
    until(&format!("the notes {expected:?}"), PATIENCE, marks, are_there).await?;
    Ok(())
}

async fn wait_for_count(browser: &Browser, css: &str, expected: usize) -> Result<()> {
    let count = async || browser.count(css).await;
    until(&format!("{expected} of {css}"), PATIENCE, count, |count| *count == expected).await?;
    Ok(())
}

async fn wait_for_text(browser: &Browser, css: &str, expected: &str) -> Result<()> {
    let text = async || Ok(browser.find(css).await?.text().await?);
    until(&format!("{expected:?} at {css}"), PATIENCE, text, |text| text.contains(expected)).await?;
    Ok(())
}

/// Types a text over that of the note in the form.
async fn retype(browser: &Browser, text: &str) -> Result<()> {
    let field = browser.find("[data-testid=note-text]").await?;
    field.clear().await?;
    Ok(field.send_keys(text).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_added_by_keyboard_seen_by_others_and_edited() -> Result<()> {
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms"]).await?;
    let browser = opened(&companion).await?;
    browser.overlay("cpu").await?.send_keys(Key::Left + "").await?;
    type_keys(&browser, "n").await?;
    wait_for_count(&browser, DIALOG, 1).await?;
    let focused = async || browser.evaluate("return document.activeElement.name ?? ''", Vec::new()).await;
    until("the focus in the text", PATIENCE, focused, |name| *name == "text").await?;
    type_keys(&browser, "load <b>test</b>").await?;
    // Kind, version, link and the button.
    type_keys(&browser, Key::Tab + "d").await?;
    type_keys(&browser, Key::Tab + "v7").await?;
    type_keys(&browser, Key::Tab + "https://wiki.example/7").await?;
    type_keys(&browser, Key::Enter + "").await?;
    wait_for_count(&browser, DIALOG, 0).await?;
    wait_for_marks(&browser, &["deploy v7: load <b>test</b> at "]).await?;
    // The crosshair is still where the note is.
    wait_for_text(&browser, "[data-graph=memory] [data-testid=tooltip]", "deploy v7: load <b>test</b> at ").await?;

    let other = opened(&companion).await?;
    wait_for_marks(&other, &["deploy v7: load <b>test</b> at "]).await?;
    for browser in [&browser, &other] {
        browser.evaluate("document.querySelector('[data-graph=cpu] .noted rect').dispatchEvent(new MouseEvent('click', { bubbles: true }))", Vec::new()).await?;
        wait_for_count(browser, DIALOG, 1).await?;
        wait_for_text(browser, "[data-testid=note-list]", "load <b>test</b>").await?;
    }
    retype(&browser, "first").await?;
    browser.press("note-save").await?;
    wait_for_count(&browser, DIALOG, 0).await?;
    retype(&other, "second").await?;
    other.press("note-save").await?;
    wait_for_text(&other, "[data-testid=note-problem]", "Somebody else has changed this note to “deploy v7: first”")
        .await?;
    assert_eq!(other.find("[data-testid=note-text]").await?.prop("value").await?.as_deref(), Some("second"));
    other.press("note-save").await?;
    wait_for_count(&other, DIALOG, 0).await?;
    for browser in [&browser, &other] {
        wait_for_marks(browser, &["deploy v7: second at "]).await?;
    }
    browser.choose("cpu", "note").await?;
    wait_for_count(&browser, DIALOG, 1).await?;
    browser.find("[data-testid=note-list] li button").await?.click().await?;
    wait_for_count(&browser, "[data-testid=note-delete]:not([hidden])", 1).await?;
    browser.press("note-delete").await?;
    for browser in [&browser, &other] {
        wait_for_marks(browser, &[]).await?;
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_why_nothing_can_be_written() -> Result<()> {
    let companion = Companion::configured("write_on_loopback = false").await?;
    let browser = opened(&companion).await?;
    browser.choose("cpu", "note").await?;
    wait_for_text(&browser, "[data-testid=note-problem]", "write_on_loopback = false").await?;
    wait_for_count(&browser, "[data-testid=note-fields]:not([hidden])", 0).await?;
    type_keys(&browser, Key::Escape + "").await?;
    wait_for_count(&browser, DIALOG, 0).await?;
    browser.press("customize").await?;
    wait_for_text(&browser, "[data-testid=everyone-message]", "write_on_loopback = false").await?;
    assert_eq!(browser.count("[data-testid=everyone]:not([hidden])").await?, 0);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_notes_is_not_asked_for_any() -> Result<()> {
    let host = StaticHost::start()?;
    host.put_board("inferboard_requests_running", &[])?;
    let browser = Browser::start().await?;
    browser.open(&format!("{}/", host.origin())).await?;
    let menu = "section.card [data-testid=menu]";
    until("a card", PATIENCE, async || browser.count(menu).await, |count| *count > 0).await?;
    browser.find(menu).await?.click().await?;
    wait_for_count(&browser, "[data-action=note]", 0).await?;
    type_keys(&browser, Key::Escape + "n").await?;
    assert_eq!(browser.count(DIALOG).await?, 0);
    browser.press("customize").await?;
    browser.find("[data-testid=customize-reset]").await?;
    assert_eq!(browser.count("[data-testid=everyone]:not([hidden])").await?, 0);
    let asked: Vec<String> = host.requests().into_iter().filter(|request| request.contains("/inferboard/")).collect();
    assert_eq!(asked, Vec::<String>::new());
    Ok(())
}

/// The cards of two graphs, in order.
const ORDER: &str = "return [...document.querySelectorAll('section.card')].map(card => card.dataset.graph) \
    .filter(graph => ['cpu', 'memory'].includes(graph)).join(' ')";

async fn wait_for_order(browser: &Browser, expected: &str) -> Result<()> {
    let order = async || browser.evaluate(ORDER, Vec::new()).await;
    until(&format!("the cards {expected}"), PATIENCE, order, |order| *order == expected).await?;
    Ok(())
}

/// Shows or hides a graph in Customize view.
async fn toggle(browser: &Browser, graph: &str) -> Result<()> {
    Ok(browser.find(&format!("[data-testid=customize-dialog] li[data-graph={graph}] input")).await?.click().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_is_kept_for_everyone_and_ones_own_goes_before() -> Result<()> {
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms"]).await?;
    let (first, second) = (opened(&companion).await?, opened(&companion).await?);
    first.press("customize").await?;
    toggle(&first, "memory").await?;
    wait_for_order(&first, "cpu").await?;
    first.press("everyone").await?;
    wait_for_text(&first, "[data-testid=everyone-message]", "Kept for everyone").await?;
    let stored = first.evaluate("return localStorage.getItem('inferboard.layout.')", Vec::new()).await?;
    assert_eq!(stored, Value::Null, "what is everyone's is not one's own");
    let third = opened_with(&companion, "").await?;
    wait_for_order(&third, "cpu").await?;

    // One's own goes before, and the second who keeps a layout is told.
    second.press("customize").await?;
    toggle(&second, "cpu").await?;
    wait_for_order(&second, "memory").await?;
    second.press("everyone").await?;
    wait_for_text(&second, "[data-testid=everyone-message]", "Somebody else").await?;
    second.press("everyone-theirs").await?;
    wait_for_order(&second, "cpu").await?;
    toggle(&second, "memory").await?;
    toggle(&second, "cpu").await?;
    wait_for_order(&second, "memory").await?;
    let page = format!("{}/?section=hardware&from=now-5m", companion.url());
    second.open(&page).await?;
    wait_for_order(&second, "memory").await?;
    second.press("customize").await?;
    second.press("everyone").await?;
    wait_for_text(&second, "[data-testid=everyone-message]", "Kept for everyone").await?;

    // The first still has the older revision.
    toggle(&first, "memory").await?;
    first.press("everyone").await?;
    wait_for_text(&first, "[data-testid=everyone-message]", "Somebody else").await?;
    first.press("everyone").await?;
    wait_for_text(&first, "[data-testid=everyone-message]", "Kept for everyone").await?;
    let shared = json!({ "version": 1, "hidden": ["memory"] }).to_string();
    let linked = opened_with(&companion, &shared).await?;
    wait_for_order(&linked, "cpu").await?;
    Ok(())
}

/// A browser of a person who has not been there before, with a layout in the link unless it is empty.
async fn opened_with(companion: &Companion, layout: &str) -> Result<Browser> {
    let browser = Browser::start().await?;
    let page = format!("{}/?section=hardware&from=now-5m", companion.url());
    let layout: String = layout.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let link = if layout.is_empty() { page } else { format!("{page}&layout={layout}") };
    browser.open(&link).await?;
    Ok(browser)
}
