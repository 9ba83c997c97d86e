//! Several deployments of a model: cards compare them, and an environment is the sum of its deployments.
use inferboard_tests::{Browser, Companion, InventedFleet, PATIENCE, Play, Recording, Replay, Result, Theme, until};
use thirtyfour::{Key, WebElement};

const GRAPH: &str = "running-and-waiting";
const MIN_PIXELS: u64 = 100;
/// Environments with their deployments; the replicas of the invented fleet are spread over them in turn.
const PLACES: [(&str, &str); 3] = [("production", "blue"), ("production", "green"), ("staging", "canary")];
const REPLICAS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_compared_with_another_deployment() -> Result<()> {
    let fleet = InventedFleet::spread(REPLICAS, &PLACES)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    let page = format!("{}/?section=requests&refresh=off&deployment=blue&{}", companion.url(), fleet.range());
    browser.open(&page).await?;
    browser.live_cards(&[GRAPH]).await?;

    // By keyboard: the menu lists the other deployments by name.
    let button = browser.find(&css("[data-testid=menu]")).await?;
    button.focus().await?;
    button.send_keys(Key::Enter + "").await?;
    let offered = async || entries(&browser).await;
    until("the deployments", PATIENCE, offered, |names| names == &["canary", "green"]).await?;
    let focused = "return document.activeElement.textContent";
    for _ in 0..20 {
        if browser.evaluate(focused, Vec::new()).await? == "Compare with green" {
            break;
        }
        browser.driver().action_chain().send_keys(Key::Down + "").perform().await?;
    }
    browser.driver().action_chain().send_keys(Key::Enter + "").perform().await?;
    shows_remark(&browser, "Pale dashed lines: deployment green.").await?;
    assert_eq!(browser.evaluate("return document.activeElement.dataset.testid", Vec::new()).await?, "menu");
    let link = format!("{GRAPH}.compare-with.green");
    assert_eq!(browser.view().await?["card"], link);
    browser.painted(GRAPH, MIN_PIXELS).await?;
    let overlay = browser.overlay(GRAPH).await?;
    browser.driver().action_chain().move_to_element_center(&overlay).perform().await?;
    let tip = browser.find(&css(".tooltip")).await?.text().await?;
    assert!(tip.contains("running (green)") && tip.contains("waiting (green)"), "{tip}");

    // The link restores the comparison, with the values of the other deployment.
    browser.open(&format!("{page}&card={link}&card={GRAPH}.table")).await?;
    until("the table", PATIENCE, async || heads(&browser).await, |heads| heads.len() == 5).await?;
    assert_eq!(heads(&browser).await?, ["Time", "running", "waiting", "running (green)", "waiting (green)"]);
    let last = cells(&browser).await?;
    for (cell, deployment) in [(&last[0], "blue"), (&last[2], "green")] {
        assert_eq!(number(cell), running(&companion, &fleet, &format!("deployment=\"{deployment}\"")).await?);
    }

    // A deployment may be of another environment, or have no data; selecting it again ends the comparison.
    browser.open(&format!("{page}&environment=production&card={GRAPH}.compare-with.canary")).await?;
    shows_remark(&browser, "Pale dashed lines: deployment canary.").await?;
    browser.open(&format!("{page}&card={GRAPH}.compare-with.gone")).await?;
    shows_remark(&browser, "No data to compare with: deployment gone.").await?;
    menu_button(&browser).await?.click().await?;
    assert_eq!(entries(&browser).await?, ["canary", "green", "gone"]);
    press(&browser, "Compare with gone").await?;
    until("no comparison", PATIENCE, async || browser.view().await, |view| !view.contains_key("card")).await?;
    assert_eq!(browser.count(&css("[data-testid=remark]")).await?, 0);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_is_refreshed_with_its_card() -> Result<()> {
    let [blue, green] = [4.0, 8.0].map(|speed| Replay::start(Recording::vllm()?, Play::Live { speed }, 0));
    let (blue, green) = (blue?, green?);
    let target = |replay: &Replay, name: &str| {
        format!("[[targets]]\nurl = {:?}\nmodel = \"m\"\ndeployment = {name:?}\n", replay.url())
    };
    let targets = [target(&blue, "blue"), target(&green, "green")].concat();
    let companion = Companion::configured(&format!("scrape_interval = \"250ms\"\n{targets}")).await?;
    let browser = Browser::start().await?;
    // Only cards in the window are refreshed.
    browser.show_as(1400, 2000, Theme::Light).await?;
    let card = format!("card={GRAPH}.table&card={GRAPH}.compare-with.green");
    browser.open(&format!("{}/?section=requests&deployment=blue&from=now-1m&every=1s&{card}", companion.url())).await?;
    let values = async || {
        let script =
            "return [...document.querySelectorAll(arguments[0])].filter(cell => cell.textContent !== '–').length";
        let cells = css("[data-testid=table] tbody td:nth-of-type(3)");
        Ok(browser.evaluate(script, vec![cells.into()]).await?.as_u64().unwrap_or(0))
    };
    let first = until("values of the other deployment", PATIENCE, values, |count| *count > 3).await?;
    until("more values, and the old ones too", PATIENCE, values, |count| *count > first + 4).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_the_sum_of_its_deployments() -> Result<()> {
    let fleet = InventedFleet::spread(REPLICAS, &PLACES)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    browser.open(&format!("{}/?section=requests&refresh=off&{}", companion.url(), fleet.range())).await?;
    browser.live_cards(&[GRAPH]).await?;
    assert_eq!(options(&browser, "environment").await?, ["All", "production", "staging"]);
    assert_eq!(options(&browser, "deployment").await?, ["All", "blue", "canary", "green"]);

    browser.find("[data-testid=environment] option[value=production]").await?.click().await?;
    let view = async || browser.view().await;
    until("the environment", PATIENCE, view, |view| view.get("environment").is_some_and(|name| name == "production"))
        .await?;
    let offered = async || options(&browser, "deployment").await;
    until("its deployments", PATIENCE, offered, |names| names == &["All", "blue", "green"]).await?;
    let mut sum = 0.0;
    for deployment in ["blue", "green"] {
        let count = running(&companion, &fleet, &format!("deployment=\"{deployment}\"")).await?;
        assert!(count > 0.0, "{deployment} has requests");
        sum += count;
    }
    let shown = async || newest(&browser).await;
    until("the sum of both", PATIENCE, shown, |shown| *shown == sum).await?;
    let all = running(&companion, &fleet, "").await?;
    assert!(all > sum, "{all} in all environments, {sum} in one");

    browser.find("[data-testid=deployment] option[value=green]").await?.click().await?;
    let count = running(&companion, &fleet, "deployment=\"green\"").await?;
    until("one deployment", PATIENCE, shown, |shown| *shown == count).await?;
    browser.find("[data-testid=deployment] option[value='']").await?.click().await?;
    browser.find("[data-testid=environment] option[value='']").await?.click().await?;
    until("all deployments", PATIENCE, shown, |shown| *shown == all).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

fn css(part: &str) -> String {
    format!("[data-graph={GRAPH}] {part}")
}

async fn menu_button(browser: &Browser) -> Result<WebElement> {
    browser.find(&css("[data-testid=menu]")).await
}

/// The deployments that the open menu offers.
async fn entries(browser: &Browser) -> Result<Vec<String>> {
    let entries = texts(browser, &css("[data-action=compare-with]")).await?;
    Ok(entries.into_iter().map(|text| text.trim_start_matches("Compare with ").to_owned()).collect())
}

/// Presses an entry of the open menu.
async fn press(browser: &Browser, text: &str) -> Result<()> {
    let script = "[...document.querySelectorAll(arguments[0])].find(item => item.textContent === arguments[1]).click()";
    browser.evaluate(script, vec![css(".menu button").into(), text.into()]).await?;
    Ok(())
}

async fn shows_remark(browser: &Browser, remark: &str) -> Result<()> {
    let text = async || Ok(browser.find(&css("[data-testid=remark]")).await?.text().await?);
    until(remark, PATIENCE, text, |text| text.contains(remark)).await.map(drop)
}

async fn texts(browser: &Browser, css: &str) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll(arguments[0])].map(element => element.textContent)";
    let texts = browser.evaluate(script, vec![css.into()]).await?;
    Ok(texts.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect())
}

async fn options(browser: &Browser, control: &str) -> Result<Vec<String>> {
    texts(browser, &format!("[data-testid={control}] option")).await
}

async fn heads(browser: &Browser) -> Result<Vec<String>> {
    texts(browser, &css("[data-testid=table] thead th")).await
}

/// The values of the newest row of the table.
async fn cells(browser: &Browser) -> Result<Vec<String>> {
    texts(browser, &css("[data-testid=table] tbody tr:first-child td")).await
}

/// The number that a text begins with.
fn number(text: &str) -> f64 {
    let digits = text.split(|c: char| !c.is_ascii_digit() && c != '.').find(|part| !part.is_empty());
    digits.and_then(|digits| digits.trim_end_matches('.').parse().ok()).unwrap_or(f64::NAN)
}

/// The newest count of running requests on the card.
async fn newest(browser: &Browser) -> Result<f64> {
    let label = browser.card(GRAPH).await?.label;
    Ok(label.split_once("running ").map_or(f64::NAN, |(_, rest)| number(rest)))
}

/// Running requests at the end of the fleet's history, of the series that `matchers` select.
async fn running(companion: &Companion, fleet: &InventedFleet, matchers: &str) -> Result<f64> {
    let query = format!("sum(vllm:num_requests_running{{{matchers}}})");
    companion.api().value(&query, Some(fleet.end_ms())).await
}
