//! Percentiles and shares of histograms whose buckets differ, and what a server says of its answers.
use inferboard_tests::{Browser, Companion, FixtureError, PATIENCE, Result, StaticHost, Theme, now_ms, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

const GRAPH: &str = "end-to-end-latency";
const STEP_S: i64 = 15;
const STEPS: i64 = 120;
/// The share within the threshold with what stands beside it, the summary by name, and the remark.
const SHOWN: &str = "const card = document.querySelector('[data-graph=end-to-end-latency]');
    const text = css => card?.querySelector(css)?.textContent ?? '';
    const summary = [...card?.querySelectorAll('[data-box]') ?? []].map(box =>
        [box.dataset.box, box.querySelector('b').textContent]);
    return { share: text('[data-testid=target-share] b'), counted: text('[data-testid=target-share] > span'),
        summary: Object.fromEntries(summary), remark: text('[data-testid=remark]') };";

/// A histogram of one replica, with the requests of each scrape up to each end of a bucket.
struct Histogram {
    metric: &'static str,
    job: &'static str,
    replica: &'static str,
    buckets: &'static [(&'static str, i64)],
    /// The scrapes that have it.
    steps: std::ops::Range<i64>,
}

impl Histogram {
    fn vllm(replica: &'static str, buckets: &'static [(&'static str, i64)]) -> Self {
        Self { metric: "vllm:e2e_request_latency_seconds", job: "vllm", replica, buckets, steps: 0..STEPS }
    }
}

/// A companion with half an hour of history, and the range of its second half in the form of a link.
struct History {
    companion: Companion,
    range: String,
    end_s: i64,
    _folder: tempfile::TempDir,
}

impl History {
    async fn of(histograms: &[Histogram]) -> Result<Self> {
        let end_s = now_ms() / 1000 / 60 * 60;
        let start_s = end_s - (STEPS - 1) * STEP_S;
        let mut text = String::new();
        for Histogram { metric, job, replica, buckets, steps } in histograms {
            let labels = format!("job=\"{job}\",model=\"m\",replica=\"{replica}\",instance=\"{replica}\"");
            let mut write = |name: &str, labels: &str, of_step: &dyn Fn(i64) -> f64| {
                for step in steps.clone() {
                    let _ = writeln!(
                        text,
                        "{name}{{{labels}}} {} {}",
                        of_step(step - steps.start),
                        start_s + step * STEP_S
                    );
                }
            };
            for (le, count) in *buckets {
                let rising = |step: i64| (step * count) as f64;
                write(&format!("{metric}_bucket"), &format!("{labels},le=\"{le}\""), &rising);
            }
            let all = buckets.last().map_or(0, |(_, count)| *count);
            write(&format!("{metric}_count"), &labels, &|step| (step * all) as f64);
            write(&format!("{metric}_sum"), &labels, &|step| (step * all) as f64 * 0.4);
            write("up", &labels, &|_| 1.0);
        }
        text += "# EOF\n";
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder"))?;
        let (dump, data) = (folder.path().join("dump.om"), folder.path().join("data"));
        std::fs::write(&dump, text).map_err(FixtureError::io("cannot write the dump"))?;
        Companion::printed(&["import".as_ref(), dump.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])?;
        let companion = Companion::start(&["--no-discovery", "--data-dir", &data.display().to_string()]).await?;
        let range = format!("section=requests&from={}&to={}", (end_s - 900) * 1000, end_s * 1000);
        Ok(Self { companion, range, end_s, _folder: folder })
    }

    /// What the card shows with options, once `is_done`.
    async fn shown(&self, browser: &Browser, options: &str, is_done: impl Fn(&Value) -> bool) -> Result<Value> {
        let url = format!("{}/?{}&card={GRAPH}{options}", self.companion.url(), self.range);
        browser.open(&url).await?;
        until(options, PATIENCE, async || browser.evaluate(SHOWN, Vec::new()).await, is_done).await
    }
}

fn has_share(shown: &Value) -> bool {
    shown["share"].as_str().is_some_and(|share| share.contains('%'))
}

fn has_summary(shown: &Value) -> bool {
    shown["summary"].as_object().is_some_and(|summary| !summary.is_empty())
}

async fn browser() -> Result<Browser> {
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    Ok(browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bucket_written_in_two_ways_is_one_bucket() -> Result<()> {
    let go = Histogram::vllm("go", &[("0.5", 5), ("1", 8), ("5", 10), ("+Inf", 10)]);
    let python = Histogram::vllm("python", &[("0.5", 5), ("1.0", 8), ("5.0", 9), ("+Inf", 10)]);
    let history = History::of(&[go, python]).await?;
    let stored =
        history.companion.api().vector("vllm:e2e_request_latency_seconds_bucket", Some(history.end_s * 1000)).await?;
    let stored: BTreeSet<&str> = stored.iter().filter_map(|series| Some(series.metric.get("le")?.as_str())).collect();
    assert_eq!(stored, ["+Inf", "0.5", "1.0", "5.0"].into());
    let browser = browser().await?;
    let shown = history.shown(&browser, ".threshold.1", has_share).await?;
    assert_eq!(shown["share"], "80.0 %", "{shown}");
    assert!(!shown["remark"].as_str().unwrap_or_default().contains("Buckets differ"), "{shown}");
    let shown = history.shown(&browser, ".threshold.5", has_share).await?;
    assert_eq!(shown["share"], "95.0 %");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_between_buckets_that_differ_is_a_bracket() -> Result<()> {
    let old = Histogram::vllm("old", &[("1.0", 6), ("5.0", 9), ("+Inf", 10)]);
    let new = Histogram::vllm("new", &[("2.0", 9), ("5.0", 9), ("+Inf", 10)]);
    let browser = browser().await?;
    let fleet = History::of(&[old, new]).await?;
    let says_so = |shown: &Value| {
        let differ = "Buckets differ between replicas or changed in this range: percentiles are estimates.";
        shown["remark"].as_str().is_some_and(|remark| remark.contains(differ))
    };
    let shown = fleet.shown(&browser, ".threshold.1", has_share).await?;
    assert!(shown["share"] == "between 30.0 and 90.0 %" && says_so(&shown), "{shown}");
    assert_eq!(fleet.shown(&browser, ".threshold.5", has_share).await?["share"], "90.0 %");

    // The same replica before and after an upgrade in the middle of the range.
    let (turn, buckets) = (STEPS - 30, &[("2.0", 9), ("5.0", 9), ("+Inf", 10)]);
    let before = Histogram { steps: 0..turn, ..Histogram::vllm("r", &[("1.0", 6), ("5.0", 9), ("+Inf", 10)]) };
    let after = Histogram { steps: turn..STEPS, ..Histogram::vllm("r", buckets) };
    let upgrade = History::of(&[before, after]).await?;
    let shown = upgrade.shown(&browser, ".threshold.1", has_share).await?;
    assert!(shown["share"].as_str().is_some_and(|share| share.starts_with("between ")), "{shown}");
    assert!(says_so(&shown), "{shown}");
    assert_eq!(upgrade.shown(&browser, ".threshold.5", has_share).await?["share"], "90.0 %");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_in_the_first_and_last_bucket_are_bands_and_each_engine_has_its_own() -> Result<()> {
    let vllm = Histogram::vllm("a", &[("0.3", 95), ("0.5", 98), ("60.0", 98), ("+Inf", 100)]);
    let browser = browser().await?;
    let alone = History::of(&[vllm]).await?;
    let shown = alone.shown(&browser, "", has_summary).await?;
    assert_eq!(shown["summary"]["p50"], "≤ 300 ms", "{shown}");
    assert_eq!(shown["summary"]["p99"], "≥ 60.0 s", "{shown}");
    assert_eq!(shown["remark"], "Hatched: in the first or last bucket, so only a bound is known.");

    let vllm = Histogram::vllm("a", &[("0.3", 95), ("0.5", 98), ("60.0", 98), ("+Inf", 100)]);
    let buckets = &[("0.1", 10), ("0.2", 90), ("10.0", 100), ("+Inf", 100)];
    let sglang =
        Histogram { metric: "sglang:e2e_request_latency_seconds", job: "sglang", ..Histogram::vllm("b", buckets) };
    let both = History::of(&[vllm, sglang]).await?;
    let shown = both.shown(&browser, "", has_summary).await?;
    assert_eq!(shown["summary"]["p50 · vLLM"], "≤ 300 ms", "{shown}");
    assert_eq!(shown["summary"]["p50 · SGLang"], "150 ms", "{shown}");
    let legend = "const legend = document.querySelector('[data-graph=end-to-end-latency] .legend');
        const bottom = legend.getBoundingClientRect().bottom;
        return [...legend.querySelectorAll('[data-line]')].map(entry =>
            [entry.dataset.line, entry.getBoundingClientRect().bottom <= bottom + 1]);";
    let entries = browser.evaluate(legend, Vec::new()).await?;
    let is_visible = |name: &str| entries.as_array().into_iter().flatten().any(|entry| *entry == json!([name, true]));
    assert!(is_visible("p99 · vLLM") && is_visible("p99 · SGLang") && is_visible("p95 · SGLang"), "{entries}");
    let swatches = "return [...document.querySelectorAll('[data-graph=end-to-end-latency] .swatch.dashed')]
        .map(swatch => getComputedStyle(swatch).backgroundImage)";
    let swatches = browser.evaluate(swatches, Vec::new()).await?;
    let is_dashed = |swatch: &Value| swatch.as_str().is_some_and(|image| image.contains("repeating-linear-gradient"));
    assert!(swatches.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_dashed)), "{swatches}");

    // A gateway before the engine counts the same requests, so the share is of the gateway alone.
    let vllm = Histogram::vllm("a", &[("0.3", 95), ("0.5", 98), ("60.0", 98), ("+Inf", 100)]);
    let litellm =
        Histogram { metric: "litellm_request_total_latency_metric", job: "litellm", ..Histogram::vllm("b", buckets) };
    let layers = History::of(&[vllm, litellm]).await?;
    let shown = layers.shown(&browser, ".threshold.0.2", has_share).await?;
    assert_eq!((&shown["share"], &shown["summary"]["p50 · LiteLLM"]), (&json!("90.0 %"), &json!("150 ms")), "{shown}");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_of_its_answers_is_on_their_card() -> Result<()> {
    let host = StaticHost::start()?;
    let now_s = now_ms() / 1000;
    let values: Vec<Value> = (0..60).map(|at| json!([now_s - 900 + at * 15, "1"])).collect();
    let lines = json!([{ "metric": { "line": "running" }, "values": values }]);
    host.put_board("inferboard_requests_running", &[])?;
    let answer = |more: Value| {
        let mut answer = json!({ "status": "success", "data": { "resultType": "matrix", "result": lines } });
        for (key, value) in more.as_object().into_iter().flatten() {
            answer[key] = value.clone();
        }
        host.put("/api/v1/query_range", answer.to_string());
    };
    let browser = browser().await?;
    let card = "[data-graph=running-and-waiting]";
    let script =
        format!("return document.querySelector('{card} [data-testid=notes]')?.getAttribute('aria-label') ?? ''");
    let opened = async || {
        browser.open(&format!("{}/?section=requests&refresh=off&from=now-15m", host.origin())).await?;
        browser.live_cards(&["running-and-waiting"]).await?;
        browser.evaluate(&script, Vec::new()).await
    };
    answer(json!({}));
    assert_eq!(opened().await?, "", "an answer without notes has no mark");
    answer(json!({ "warnings": ["PromQL warning: odd <b>le</b>"], "infos": ["PromQL info: no counter"] }));
    assert_eq!(opened().await?, "The server says: PromQL warning: odd <b>le</b>; PromQL info: no counter");
    answer(json!({ "isPartial": true }));
    assert_eq!(opened().await?, "The server says: the answer is partial: some of the server's storage did not answer");
    host.send_with("M3-Results-Limited: max_fetch_series_limit_applied");
    answer(json!({}));
    assert_eq!(opened().await?, "The server says: the results are limited: max_fetch_series_limit_applied");
    let title = browser.find(&format!("{card} [data-testid=notes]")).await?.attr("title").await?;
    assert_eq!(title.as_deref(), Some("The server says: the results are limited: max_fetch_series_limit_applied"));
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
