//! The page over the history of another engine, which the companion queries for it.
use inferboard_tests::{
    Browser, Companion, FixtureError, PATIENCE, Recording, Result, Session, VictoriaMetrics, skipped, until,
};
use serde_json::json;

const SECRET: &str = "token-of-the-fleet-0123456789";
const GRAPHS: [&str; 4] = ["volume", "end-to-end-latency", "running-and-waiting", "tokens-per-second"];
const MIN_PIXELS: u64 = 60;

/// A companion without targets, with a backend at `url` that gets [`SECRET`].
async fn companion(url: &str, keys: &str) -> Result<Companion> {
    let headers = format!("http_headers.X-Secret = {{ values = [{SECRET:?}] }}");
    Companion::configured(&format!("[[backends]]\nname = \"fleet\"\nurl = {url:?}\n{headers}\n{keys}\n")).await
}

/// The origins that the page has requested something from.
const ORIGINS: &str =
    "return [...new Set(performance.getEntriesByType('resource').map(entry => new URL(entry.name).origin))]";

/// The choices of a server, and the chosen one.
const SERVERS: &str = "const select = document.querySelector('[data-testid=server] select');
    return select && [[...select.options].map(option => option.text), select.selectedOptions[0].text]";

async fn draws(browser: &Browser) -> Result<()> {
    browser.live_cards(&GRAPHS).await?;
    for graph in GRAPHS {
        browser.painted(graph, MIN_PIXELS).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_backend_draws_and_leads_to_the_other_servers() -> Result<()> {
    let (engine, browser) = (Session::start().await?, Browser::start().await?);
    let companion = companion(engine.companion.url(), "").await?;
    let page = format!("{}/backend/fleet/", companion.url());
    browser.open(&format!("{page}?section=requests&from=now-2m&every=1s")).await?;
    draws(&browser).await?;
    assert_eq!(browser.evaluate(ORIGINS, Vec::new()).await?, json!([companion.url()]), "only the companion is asked");
    let servers = async || browser.evaluate(SERVERS, Vec::new()).await;
    assert_eq!(servers().await?, json!([["here", "fleet"], "fleet"]));

    browser.find("[data-testid=server] option[value='../../']").await?.click().await?;
    until("the page of the companion", PATIENCE, servers, |servers| servers[1] == "here").await?;
    let address = browser.driver().current_url().await?;
    assert_eq!(address.path(), "/");
    assert!(address.query().is_some_and(|query| query.contains("from=now-2m")), "the range stays: {address}");
    browser.driver().back().await?;
    draws(&browser).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());

    // A backend that is away is named, and the choice stays.
    drop(engine);
    let lost = async || Ok(browser.find("[data-testid=lost]").await?.text().await?);
    until("what is wrong", PATIENCE, lost, |text| text.contains("\"fleet\"")).await?;
    browser.driver().refresh().await?;
    until("what is wrong", PATIENCE, lost, |text| text.contains("\"fleet\"")).await?;
    until("the choice", PATIENCE, servers, |servers| servers[1] == "fleet").await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_backend_has_its_labels() -> Result<()> {
    let browser = Browser::start().await?;
    let engine = match VictoriaMetrics::holding(Recording::vllm()?.stamped()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so no backend is tried with it"));
            return Ok(());
        }
        started => started?,
    };
    let labels = "labels = { model = \"model_name\", replica = \"engine\" }\nparams = { nocache = \"1\" }";
    let companion = companion(engine.url(), labels).await?;
    browser.open(&format!("{}/backend/fleet/?section=requests&from=now-12m&every=1s", companion.url())).await?;
    draws(&browser).await?;
    browser.find("[data-testid=model] option[value=tiny-llama]").await?;
    assert_eq!(browser.evaluate(ORIGINS, Vec::new()).await?, json!([companion.url()]), "only the companion is asked");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
