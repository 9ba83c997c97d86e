//! The time range, set by dragging, in words and in the calendar, and the time zone.
use inferboard_tests::{Browser, Companion, InventedFleet, PATIENCE, Result, until};
use serde_json::{Value, json};
use thirtyfour::Key;

const HOUR_MS: i64 = 3_600_000;

/// Arguments of a companion that measures only its own host.
const HOST_ONLY: [&str; 3] = ["--no-discovery", "--scrape-interval", "250ms"];

/// The value and the text of the range that the drop-down shows.
const SELECTED_RANGE: &str = "const select = document.querySelector('[data-testid=range] select'); \
    const option = select.selectedOptions[0]; return [select.value, option ? option.textContent : '']";

#[tokio::test(flavor = "multi_thread")]
async fn a_dragged_range_is_custom_until_a_preset_is_selected() -> Result<()> {
    let (companion, browser) = (Companion::start(&HOST_ONLY).await?, Browser::start().await?);
    browser.open(&format!("{}/?section=hardware&from=now-5m&zone=utc", companion.url())).await?;
    browser.live_cards(&["cpu"]).await?;
    let shown = async || browser.evaluate(SELECTED_RANGE, Vec::new()).await;
    let customs = async || browser.count("[data-testid=range] option[value=custom]").await;
    assert_eq!(shown().await?, json!(["300000", "Last 5 minutes"]));
    assert_eq!(customs().await?, 0, "no custom range is offered before one is dragged");

    browser.drag(&browser.overlay("cpu").await?, 0.3, 0.7).await?;
    let custom = until("a custom range", PATIENCE, shown, |shown| shown[0] == "custom").await?;
    let text = custom[1].as_str().unwrap_or_default().to_owned();
    let clock = regex::Regex::new("^Custom: ([0-9]{2}:){2}[0-9]{2} – ([0-9]{2}:){2}[0-9]{2}$").expect("a pattern");
    assert!(clock.is_match(&text), "{text}");
    let view = browser.view().await?;
    assert!(view.contains_key("to"), "{view:?}");
    // Selecting the custom range again changes nothing, and the link keeps it.
    browser.find("[data-testid=range] option[value=custom]").await?.click().await?;
    browser.driver().refresh().await?;
    until("the same range", PATIENCE, shown, |shown| *shown == custom).await?;
    assert_eq!(browser.view().await?, view);

    browser.find("[data-testid=range] option[value='3600000']").await?.click().await?;
    until("a preset", PATIENCE, shown, |shown| *shown == json!(["3600000", "Last hour"])).await?;
    assert_eq!(customs().await?, 0);
    browser.press("back").await?;
    until("the custom range again", PATIENCE, shown, |shown| *shown == custom).await?;
    // A range whose length is no preset is named by its length.
    browser.open(&format!("{}/?section=hardware&from=now-7m", companion.url())).await?;
    until("seven minutes", PATIENCE, shown, |shown| *shown == json!(["420000", "Last 7m"])).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// How many queries the server has answered.
const COUNT_ANSWERS: &str =
    "return performance.getEntriesByType('resource').filter(entry => entry.name.includes('/api/v1/query')).length";

#[tokio::test(flavor = "multi_thread")]
async fn ranges_without_data_send_no_invalid_query_wherever_they_lie() -> Result<()> {
    let fleet = InventedFleet::new(3)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    let day_ms = 24 * HOUR_MS;
    // Before all data, and in the future.
    for start_ms in [fleet.end_ms() - 3 * HOUR_MS, fleet.end_ms() + day_ms] {
        for section in ["requests", "replicas", "hardware"] {
            let range = format!("from={start_ms}&to={}", start_ms + HOUR_MS);
            browser.open(&format!("{}/?section={section}&refresh=off&{range}", companion.url())).await?;
            let answers = async || Ok(browser.evaluate(COUNT_ANSWERS, Vec::new()).await?.as_u64().unwrap_or(0));
            let mut before = until("the first answers", PATIENCE, answers, |count| *count > 3).await?;
            // Into the range, out of it, and to the sides.
            for key in ["+", "+", "-", "[", "]", "]", "-", "+"] {
                let old = browser.view().await?;
                browser.find("body").await?.send_keys(key).await?;
                until("another range", PATIENCE, async || browser.view().await, |view| *view != old).await?;
                before = until("answers about it", PATIENCE, answers, |count| *count > before + 1).await?;
            }
            assert_eq!(browser.complaints().await?, Vec::<String>::new(), "{section}, {range}");
        }
    }
    Ok(())
}

/// Fills in both fields of the calendar and submits them.
const CALENDAR: &str = "const fields = document.querySelectorAll('dialog.when input[type=datetime-local]'); \
    fields.forEach((field, at) => { field.value = arguments[at]; field.dispatchEvent(new Event('input', { bubbles: true })); }); \
    fields[0].form.requestSubmit();";

#[tokio::test(flavor = "multi_thread")]
async fn a_range_can_be_set_in_words_or_in_the_calendar_in_any_time_zone() -> Result<()> {
    let (companion, browser) = (Companion::start(&HOST_ONLY).await?, Browser::start().await?);
    browser.open(&format!("{}/?section=hardware&zone=Asia/Kathmandu", companion.url())).await?;
    let zone = async || Ok(browser.find("[data-testid=zone-shown]").await?.text().await?);
    until("the zone's offset", PATIENCE, zone, |text| text == "UTC+5:45").await?;
    browser.press("when").await?;
    let words = browser.find("[data-testid=when-words]").await?;
    words.send_keys("whenever").await?;
    browser.press("when-take").await?;
    let problem = browser.find("[data-testid=when-problem]").await?;
    let text = async || Ok(problem.text().await?);
    until("a hint", PATIENCE, text, |text| text.contains("yesterday")).await?;
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
    until("the previous range", PATIENCE, view, |view| view["from"] == "1795162500000").await?;
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
    until("the sheet of shortcuts", PATIENCE, sheet, |count| *count == 1).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// The browser's time zone, three hours behind UTC all year.
const ZONE: &str = "America/Sao_Paulo";

#[tokio::test(flavor = "multi_thread")]
async fn times_are_in_the_browsers_zone_until_another_is_entered() -> Result<()> {
    let (companion, browser) = (Companion::start(&HOST_ONLY).await?, Browser::start().await?);
    browser.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": ZONE })).await?;
    let (start_ms, end_ms) = (1_795_162_500_000_i64, 1_795_167_900_000_i64); // 2026-11-20 08:15 to 09:45 in UTC
    browser.open(&format!("{}/?section=hardware&from={start_ms}&to={end_ms}", companion.url())).await?;
    let offset = async || Ok(browser.find("[data-testid=zone-shown]").await?.text().await?);
    let shown = async || browser.evaluate(SELECTED_RANGE, Vec::new()).await;
    let shows = async |wanted_offset: &str, times: &str| -> Result<()> {
        until(wanted_offset, PATIENCE, offset, |text| text == wanted_offset).await?;
        let has = |shown: &Value| shown[1].as_str().is_some_and(|text| text.contains(times));
        until(times, PATIENCE, shown, has).await.map(drop)
    };
    shows("UTC−3", "05:15:00 – 06:45:00").await?;

    browser.press("when").await?;
    let field = browser.find("[data-testid=zone]").await?;
    let write = async |zone: &str| -> Result<()> {
        field.send_keys(Key::Control + "a").await?;
        Ok(field.send_keys(format!("{zone}{}", char::from(Key::Enter))).await?)
    };
    let problem = "dialog.when form + .problem[role=alert]:not(:empty)";
    write("Asia/Kathmandu").await?;
    shows("UTC+5:45", "14:00:00 – 15:30:00").await?;
    assert_eq!(browser.view().await?["zone"], "Asia/Kathmandu");
    assert_eq!(browser.count(problem).await?, 0);
    write("Europe/Atlantis").await?;
    let text = browser.find(problem).await?.text().await?;
    assert!(text.contains("Unknown time zone"), "{text}");
    shows("UTC+5:45", "14:00:00 – 15:30:00").await?;
    assert_eq!(browser.view().await?["zone"], "Asia/Kathmandu", "an unknown time zone changes nothing");
    write("UTC").await?;
    shows("UTC", "08:15:00 – 09:45:00").await?;
    assert_eq!(browser.count(problem).await?, 0);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
