//! A latency held against a target: the share within it, its line on the graph, and its link.
use inferboard_tests::{Browser, Companion, PATIENCE, Result, StaticHost, Theme, until};
use serde_json::{Value, json};
use std::cell::Cell;

const GRAPH: &str = "end-to-end-latency";
/// The sentence, the values that can be chosen, the chosen one, and how many lines there are.
const SHOWN_SHARE: &str = "const card = document.querySelector('[data-graph=end-to-end-latency]');
    const choice = card.querySelector('[data-testid=target-value] select');
    return [card.querySelector('[data-testid=target-share] b')?.textContent ?? '',
        [...choice?.options ?? []].map(option => option.text), choice?.selectedOptions[0]?.text ?? '',
        card.querySelectorAll('.target-line').length];";

/// Of ten requests more, seven within half a second and nine within one.
fn count(target: &StaticHost, tens: u64) {
    let buckets = [("0.5", 7), ("1.0", 9), ("+Inf", 10)];
    let bucket = |(end, of_ten): (&str, u64)| {
        format!("vllm:e2e_request_latency_seconds_bucket{{model_name=\"m\",le=\"{end}\"}} {}\n", of_ten * tens)
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

fn percent(told: &Value) -> Option<f64> {
    told[0].as_str()?.strip_suffix('%')?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_within_a_target_is_told_and_travels_with_the_link() -> Result<()> {
    let target = StaticHost::start()?;
    count(&target, 0);
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &url]).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&from=now-1m&every=1s", companion.url())).await?;
    let tens = Cell::new(0);
    let after_more = async |script: &str| {
        tens.set(tens.get() + 1);
        count(&target, tens.get());
        browser.evaluate(script, Vec::new()).await
    };
    let told = async || after_more(SHOWN_SHARE).await;
    let boxes = async || after_more("return document.querySelectorAll('[data-box=p95]').length").await;
    until("percentiles", PATIENCE, boxes, |boxes| *boxes != 0).await?;
    browser.choose(GRAPH, "target").await?;
    let near = |expected: f64| move |told: &Value| percent(told).is_some_and(|share| (share - expected).abs() < 1.0);
    let first = until("a share", PATIENCE, told, near(90.0)).await?;
    assert_eq!(first[1], json!(["500 ms", "1.00 s"]), "the ends of the buckets");
    assert_eq!((&first[2], &first[3]), (&json!("1.00 s"), &json!(1)), "{first}");

    browser.find("[data-testid=target-value] option[value='0.5']").await?.click().await?;
    let stricter = until("a stricter target", PATIENCE, told, near(70.0)).await?;
    assert_eq!(stricter[2], "500 ms");
    assert_eq!(browser.view().await?["card"], "end-to-end-latency.threshold.0.5");
    browser.driver().refresh().await?;
    until("the same target", PATIENCE, told, near(70.0)).await?;

    browser.choose(GRAPH, "target").await?;
    until("no target", PATIENCE, told, |told| told[0] == "" && told[3] == 0).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
