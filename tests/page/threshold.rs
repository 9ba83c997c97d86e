//! The threshold of a latency: the share of requests within it, its line on the graph, and its link.
use inferboard_tests::{Browser, Companion, PATIENCE, Result, StaticHost, Theme, until};
use serde_json::{Value, json};
use std::cell::Cell;

const GRAPH: &str = "end-to-end-latency";
/// The share, the thresholds that are offered, the selected one, and the number of threshold lines.
const SHOWN_SHARE: &str = "const card = document.querySelector('[data-graph=end-to-end-latency]');
    const choice = card.querySelector('[data-testid=target-value] select');
    return [card.querySelector('[data-testid=target-share] b')?.textContent ?? '',
        [...choice?.options ?? []].map(option => option.text), choice?.selectedOptions[0]?.text ?? '',
        card.querySelectorAll('.target-line').length];";

/// Serves ten requests for each of `tens`, of which seven took at most 0.5 s and nine at most 1 s.
fn serve(target: &StaticHost, tens: u64) {
    let buckets = [("0.5", 7), ("1.0", 9), ("+Inf", 10)];
    let bucket = |(bound, of_ten): (&str, u64)| {
        format!("vllm:e2e_request_latency_seconds_bucket{{model_name=\"m\",le=\"{bound}\"}} {}\n", of_ten * tens)
    };
    let all = format!(
        "vllm:e2e_request_latency_seconds_count{{model_name=\"m\"}} {}\n\
         vllm:e2e_request_latency_seconds_sum{{model_name=\"m\"}} {}\n",
        10 * tens,
        5 * tens
    );
    let running = "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name=\"m\"} 1\n";
    let kind = "# TYPE vllm:e2e_request_latency_seconds histogram\n";
    target.put("/metrics", format!("{running}{kind}{}{all}", buckets.map(bucket).concat()));
}

fn percent(shown: &Value) -> Option<f64> {
    shown[0].as_str()?.strip_suffix('%')?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_within_a_threshold_is_shown_and_kept_in_the_link() -> Result<()> {
    let target = StaticHost::start()?;
    serve(&target, 0);
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &url]).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&from=now-1m&every=1s", companion.url())).await?;
    let tens = Cell::new(0);
    let after_more = async |script: &str| {
        tens.set(tens.get() + 1);
        serve(&target, tens.get());
        browser.evaluate(script, Vec::new()).await
    };
    let shown = async || after_more(SHOWN_SHARE).await;
    let percentiles = async || after_more("return document.querySelectorAll('[data-box=p95]').length").await;
    until("percentiles", PATIENCE, percentiles, |count| *count != 0).await?;
    browser.choose(GRAPH, "target").await?;
    let near = |expected: f64| move |shown: &Value| percent(shown).is_some_and(|share| (share - expected).abs() < 1.0);
    let first = until("a share", PATIENCE, shown, near(90.0)).await?;
    assert_eq!(first[1], json!(["500 ms", "1.00 s"]), "the bounds of the buckets");
    assert_eq!((&first[2], &first[3]), (&json!("1.00 s"), &json!(1)), "{first}");

    browser.find("[data-testid=target-value] option[value='0.5']").await?.click().await?;
    let stricter = until("a stricter threshold", PATIENCE, shown, near(70.0)).await?;
    assert_eq!(stricter[2], "500 ms");
    assert_eq!(browser.view().await?["card"], "end-to-end-latency.threshold.0.5");
    browser.driver().refresh().await?;
    until("the same threshold", PATIENCE, shown, near(70.0)).await?;

    browser.choose(GRAPH, "target").await?;
    until("no threshold", PATIENCE, shown, |shown| shown[0] == "" && shown[3] == 0).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
