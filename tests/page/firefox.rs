//! A short check of the page in Firefox: it loads, draws, and a drag selects a range.
use inferboard_tests::{Browser, FixtureError, PATIENCE, Result, Session, skipped, until};

const GRAPHS: [&str; 4] = ["volume", "end-to-end-latency", "running-and-waiting", "tokens-per-second"];

#[tokio::test(flavor = "multi_thread")]
async fn firefox_draws_and_selects() -> Result<()> {
    let browser = match Browser::firefox().await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so Firefox is not tested"));
            return Ok(());
        }
        started => started?,
    };
    let session = Session::start().await?;
    // Tall enough for all cards, as only cards on screen are queried.
    browser.driver().set_window_rect(0, 0, 1400, 2400).await?;
    browser.open(&format!("{}/?section=requests&from=now-1m&every=1s", session.companion.url())).await?;
    browser.live_cards(&GRAPHS).await?;
    for graph in GRAPHS {
        browser.painted(graph, 100).await?;
    }
    // The session is in the last half minute.
    browser.drag(&browser.overlay("volume").await?, 0.65, 0.95).await?;
    let custom = async || browser.view().await;
    until("a range in the address", PATIENCE, custom, |view| view.contains_key("to")).await?;
    browser.painted("volume", 20).await?;

    browser.open(&format!("{}/?embed=volume&theme=dark&from=now-2m", session.companion.url())).await?;
    browser.find("html[data-theme=dark] .card[data-status=live]").await?;
    browser.painted("volume", 100).await?;
    assert_eq!(browser.firefox_complaints(), Vec::<String>::new());
    browser.evaluate("setTimeout(() => console.error('on purpose'))", Vec::new()).await?;
    let complaints = async || Ok(browser.firefox_complaints());
    until("the deliberate error", PATIENCE, complaints, |complaints| !complaints.is_empty()).await?;
    Ok(())
}
