//! Metrics of a user's own, which the configuration maps to graphs.
use inferboard_tests::{Browser, Companion, FixtureError, MetricsServer, Result, Theme, now_ms};
use std::fs;

const METRICS: &str = r#"
[[metrics]]
name = "acme_requests_total"
type = "counter"
graph = "volume"
label = "code"

[[metrics]]
name = 'acme_tokens_total{kind="out"}'
type = "counter"
graph = "tokens-per-second/generation"

[[metrics]]
name = "acme_wait_ms"
type = "histogram"
graph = "queue-time"
scale = 0.001
"#;

/// A page of a server that no release knows: 20 requests and 800 tokens a second, which wait 50 ms.
fn page(now_ms: i64) -> String {
    let count = (now_ms - 1_700_000_000_000) / 50;
    format!(
        "# TYPE acme_requests_total counter\nacme_requests_total{{code=\"200\"}} {count}\n\
         # TYPE acme_tokens_total counter\nacme_tokens_total{{kind=\"out\"}} {}\nacme_tokens_total{{kind=\"in\"}} {}\n\
         # TYPE acme_wait_ms histogram\nacme_wait_ms_bucket{{le=\"100\"}} {count}\nacme_wait_ms_bucket{{le=\"+Inf\"}} {count}\n\
         acme_wait_ms_sum {}\nacme_wait_ms_count {count}\n",
        count * 40,
        count * 1000,
        count * 50,
    )
}

/// The means of the lines of a card.
const MEANS: &str = "
    const card = document.querySelector(`section.card[data-graph=${arguments[0]}]`);
    return Array.from(card.querySelectorAll('.legend tbody tr'), row =>
        [row.querySelector('th').textContent.trim(), row.querySelector('td.value')?.textContent ?? '']);";

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_own_metrics_feed_the_graphs_that_the_configuration_says() -> Result<()> {
    let server = MetricsServer::start(|now_ms| Some(page(now_ms)))?;
    let target = format!("scrape_interval = \"250ms\"\n[[targets]]\nurl = \"http://{}\"\n", server.instance());
    let companion = Companion::configured(&format!("{target}{METRICS}")).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?from=now-1m&every=1s&section=requests", companion.url())).await?;
    browser.live_cards(&["volume", "tokens-per-second"]).await?;
    let tokens = browser.evaluate(MEANS, vec!["tokens-per-second".into()]).await?;
    assert_eq!(tokens.as_array().map(Vec::len), Some(1), "the other kind does not match: {tokens}");
    assert_eq!(tokens[0][0], "generation", "{tokens}");
    let volume = browser.evaluate(MEANS, vec!["volume".into()]).await?;
    assert_eq!(volume[0][0], "2xx", "{volume}");
    // The graph is hidden by default.
    let (from, to) = (now_ms() - 30_000, now_ms());
    browser.open(&format!("{}/?embed=queue-time&from={from}&to={to}&refresh=off", companion.url())).await?;
    let cards = browser.live_cards(&["queue-time"]).await?;
    assert!(cards.iter().any(|card| card.label.contains("mean 50.0 ms")), "milliseconds are scaled: {cards:?}");
    Ok(())
}

#[test]
fn exports_have_a_users_own_metrics() -> Result<()> {
    let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder"))?;
    let path = folder.path().join("inferboard.toml");
    fs::write(&path, METRICS).map_err(FixtureError::io("cannot write the configuration"))?;
    let config = path.display().to_string();
    for what in ["recording-rules", "grafana-dashboard"] {
        let text = Companion::printed(&["export", what, "--config", &config])?;
        for name in ["acme_requests_total", "acme_tokens_total", "acme_wait_ms_bucket"] {
            assert!(text.contains(name), "{what} lacks {name}");
        }
        assert!(!Companion::printed(&["export", what])?.contains("acme_"), "{what} without the configuration");
    }
    Ok(())
}
