//! Why scrapes fail, in the words of the log: in a banner, an empty section, the table of replicas and the timeline.
use inferboard_tests::{Browser, Companion, PATIENCE, Result, Theme, until};
use thirtyfour::Key;

const WORDS: &str = "the content type is neither Prometheus text nor OpenMetrics";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_why_scrapes_fail_and_advises_no_longer_range() -> Result<()> {
    // JSON is no metrics page.
    let other = Companion::start(&["--no-discovery"]).await?;
    let target = format!("{}/config.json", other.url());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "1s", "--target", &target]).await?;
    let api = companion.api();
    let failed = async || api.vector("inferboard_scrape_failed", None).await;
    let series = until("a failed scrape", PATIENCE, failed, |series| series.len() == 1).await?;
    let address = series[0].metric.get("instance").cloned().unwrap_or_default();
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;

    browser.open(&format!("{}/?section=requests", companion.url())).await?;
    let banner = browser.find("[data-testid=failing-targets]").await?.text().await?;
    assert!(banner.contains(WORDS) && banner.contains(&address), "{banner}");
    let empty = browser.find("[data-testid=nothing]").await?.text().await?;
    assert!(empty.contains(WORDS) && !empty.contains("longer range"), "{empty}");

    browser.open(&format!("{}/?section=replicas&refresh=off", companion.url())).await?;
    browser.find("[data-testid=replicas] [data-sort=failure]").await?;
    let row =
        async || -> Result<String> { Ok(browser.find("[data-testid=replicas] tr[data-replica]").await?.text().await?) };
    until("the reason in the table", PATIENCE, row, |text| text.contains(WORDS)).await?;
    let overlay = browser.find("[data-testid=timeline-overlay]").await?;
    overlay.send_keys(Key::Down + "").await?;
    let tooltip = browser.find("[data-testid=timeline-tooltip]").await?.text().await?;
    assert!(tooltip.contains("Scrape failure") && tooltip.contains(WORDS), "{tooltip}");
    Ok(())
}
