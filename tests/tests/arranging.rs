//! The page as a person arranges it: which graphs, in which order and width, and which time in which zone.
use inferboard_tests::{Browser, Companion, Result, until};
use serde_json::json;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// Drags one row of the list onto another, as a hand does.
const DRAG: &str = "const row = graph => document.querySelector(`[data-testid=customize-dialog] li[data-graph=${graph}]`); \
    const tell = (row, kind) => row.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true })); \
    tell(row(arguments[0]), 'dragstart'); tell(row(arguments[1]), 'dragover'); tell(row(arguments[1]), 'drop'); \
    tell(row(arguments[0]), 'dragend');";

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
    row.send_keys(thirtyfour::Key::Alt + thirtyfour::Key::Up).await?;
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
    browser.driver().action_chain().send_keys(thirtyfour::Key::Escape + "").perform().await?;
    // Another section and back: it is remembered as long as the page is open.
    browser.press("section-replicas").await?;
    browser.press("section-hardware").await?;
    wait_for(&browser, &["cpu"]).await?;
    browser.press("theme").await?;
    browser.find("html[data-theme=dark]").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Value and text of the range that the drop-down shows.
const RANGE_SHOWN: &str = "const select = document.querySelector('[data-testid=range] select'); \
    const option = select.selectedOptions[0]; return [select.value, option ? option.textContent : '']";

#[tokio::test(flavor = "multi_thread")]
async fn a_range_by_hand_is_custom_until_another_is_picked() -> Result<()> {
    let (companion, browser) = started().await?;
    browser.open(&format!("{}/?section=hardware&from=now-5m&zone=utc", companion.url())).await?;
    browser.live_cards(&["cpu"]).await?;
    let shown = async || browser.evaluate(RANGE_SHOWN, Vec::new()).await;
    let customs = async || browser.count("[data-testid=range] option[value=custom]").await;
    assert_eq!(shown().await?, json!(["300000", "Last 5 minutes"]));
    assert_eq!(customs().await?, 0, "what was not made by hand is not offered");

    browser.drag(&browser.overlay("cpu").await?, 0.3, 0.7).await?;
    let custom = until("a range by hand", PATIENCE, shown, |shown| shown[0] == "custom").await?;
    let text = custom[1].as_str().unwrap_or_default().to_owned();
    let clock = regex::Regex::new("^Custom: ([0-9]{2}:){2}[0-9]{2} – ([0-9]{2}:){2}[0-9]{2}$").expect("a pattern");
    assert!(clock.is_match(&text), "{text}");
    let view = browser.view().await?;
    assert!(view.contains_key("to"), "{view:?}");
    // To pick what is picked changes nothing, and a link has it for others.
    click(&browser, "[data-testid=range] option[value=custom]").await?;
    browser.driver().refresh().await?;
    until("the same range", PATIENCE, shown, |shown| *shown == custom).await?;
    assert_eq!(browser.view().await?, view);

    click(&browser, "[data-testid=range] option[value='3600000']").await?;
    until("a preset", PATIENCE, shown, |shown| *shown == json!(["3600000", "Last hour"])).await?;
    assert_eq!(customs().await?, 0);
    browser.press("back").await?;
    until("the range by hand again", PATIENCE, shown, |shown| *shown == custom).await?;
    // A length that is no preset has its own name.
    browser.open(&format!("{}/?section=hardware&from=now-7m", companion.url())).await?;
    until("seven minutes", PATIENCE, shown, |shown| *shown == json!(["420000", "Last 7m"])).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Fills in both fields of the calendar and takes them.
const CALENDAR: &str = "const fields = document.querySelectorAll('dialog.when input[type=datetime-local]'); \
    fields.forEach((field, at) => { field.value = arguments[at]; field.dispatchEvent(new Event('input', { bubbles: true })); }); \
    fields[0].form.requestSubmit();";

#[tokio::test(flavor = "multi_thread")]
async fn any_time_is_chosen_in_words_and_in_any_zone() -> Result<()> {
    let (companion, browser) = started().await?;
    browser.open(&format!("{}/?section=hardware&zone=Asia/Kathmandu", companion.url())).await?;
    let zone = async || Ok(browser.find("[data-testid=zone-shown]").await?.text().await?);
    until("the zone's offset", PATIENCE, zone, |text| text == "UTC+5:45").await?;
    browser.press("when").await?;
    let words = browser.find("[data-testid=when-words]").await?;
    words.send_keys("whenever").await?;
    browser.press("when-take").await?;
    let problem = browser.find("[data-testid=when-problem]").await?;
    let told = async || Ok(problem.text().await?);
    until("what to write", PATIENCE, told, |text| text.contains("yesterday")).await?;
    words.clear().await?;
    words.send_keys("2026-11-20 14:00 to 15:30").await?;
    browser.press("when-take").await?;
    let view = async || browser.view().await;
    let view = until("the range", PATIENCE, view, |view| view.contains_key("to")).await?;
    // 14:00 in Nepal is 08:15 UTC.
    assert_eq!((view["from"].as_str(), view["to"].as_str()), ("1795162500000", "1795167900000"));

    browser.press("earlier").await?;
    let view = async || browser.view().await;
    until("an earlier range", PATIENCE, view, |view| view["from"] == "1795159800000").await?;
    browser.press("back").await?;
    until("the range before", PATIENCE, view, |view| view["from"] == "1795162500000").await?;
    browser.press("back").await?;
    until("the first range", PATIENCE, view, |view| !view.contains_key("from")).await?;
    browser.find("[data-testid=range] option[value='3600000']").await?.click().await?;
    until("a preset", PATIENCE, view, |view| view.get("from").is_some_and(|from| from == "now-1h")).await?;
    browser.press("when").await?;
    browser.find("dialog.when[open] input[type=datetime-local]").await?;
    browser.evaluate(CALENDAR, vec!["2026-11-20T14:00".into(), "2026-11-20T15:30".into()]).await?;
    let view = until("the range of the calendar", PATIENCE, view, |view| view.contains_key("to")).await?;
    assert_eq!((view["from"].as_str(), view["to"].as_str()), ("1795162500000", "1795167900000"));

    browser.find("body").await?.send_keys("?").await?;
    let sheet = async || browser.count("dialog.keys[open]").await;
    until("the sheet of keys", PATIENCE, sheet, |count| *count == 1).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
