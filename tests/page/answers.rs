//! The page over a server with unusual answers: ten thousand lines, extreme values, refusals, truncation.
use inferboard_tests::{Browser, Manner, PATIENCE, Result, StaticHost, Theme, now_ms, until};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

const GRAPH: &str = "running-and-waiting";
const MINUTE_MS: i64 = 60_000;
/// The largest share of an answer's work that one task may have.
const MAX_SHARE: f64 = 0.5;
/// Records the duration of each long task, in milliseconds.
const RECORD_LONG_TASKS: &str = "window.longTasks = []; new PerformanceObserver(list => \
    window.longTasks.push(...list.getEntries().map(task => task.duration))).observe({ entryTypes: ['longtask'] });";

/// The page on a host that gives the same answer to every query.
struct Stage {
    host: StaticHost,
    browser: Browser,
    start_ms: i64,
}

impl Stage {
    async fn ready() -> Result<Self> {
        let host = StaticHost::start()?;
        host.put_board("inferboard_requests_running", &[])?;
        let browser = Browser::start().await?;
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": RECORD_LONG_TASKS })).await?;
        browser.show_as(1400, 1000, Theme::Light).await?;
        Ok(Self { host, browser, start_ms: now_ms() / MINUTE_MS * MINUTE_MS - 15 * MINUTE_MS })
    }

    /// Answers range queries with `count` lines of `samples` values each, 15 s apart.
    fn put_lines(&self, count: usize, samples: i64, value: impl Fn(usize, i64) -> String) {
        let mut text = String::from("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[");
        for line in 0..count {
            // Writing to a string cannot fail.
            let _ =
                write!(text, "{}{{\"metric\":{{\"line\":\"replica-{line:05}\"}},", if line == 0 { "" } else { "," });
            let values = (0..samples).map(|at| {
                let time_s = self.start_ms / 1000 + at * 15;
                format!("[{time_s},\"{}\"]", value(line, at))
            });
            let _ = write!(text, "\"values\":[{}]}}", values.collect::<Vec<_>>().join(","));
        }
        self.host.put("/api/v1/query_range", text + "]}}");
    }

    /// The total duration of the page's tasks so far.
    async fn busy_ms(&self) -> Result<f64> {
        let all = self.browser.devtools("Performance.getMetrics", json!({})).await?;
        let task = all["metrics"].as_array().into_iter().flatten().find(|metric| metric["name"] == "TaskDuration");
        Ok(task.and_then(|metric| metric["value"].as_f64()).unwrap_or(f64::NAN) * 1000.0)
    }

    /// Waits until the page is idle, as drawing follows an answer. Returns the total duration of its tasks.
    async fn idle(&self) -> Result<f64> {
        let mut last_ms = self.busy_ms().await?;
        let added = async || {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now_ms = self.busy_ms().await?;
            Ok(now_ms - std::mem::replace(&mut last_ms, now_ms))
        };
        until("an idle page", PATIENCE, added, |added_ms| *added_ms < 20.0).await?;
        self.busy_ms().await
    }

    async fn open(&self, query: &str) -> Result<()> {
        self.browser.open(&format!("{}/?section=requests&refresh=off&{query}", self.host.origin())).await
    }

    /// Bytes of the page's WebAssembly memory.
    async fn memory_bytes(&self) -> Result<u64> {
        let field = |value: &Value, path: &str| value.pointer(path).cloned().unwrap_or(Value::Null);
        let prototype = json!({ "expression": "WebAssembly.Memory.prototype" });
        let prototype = self.browser.devtools("Runtime.evaluate", prototype).await?;
        let id = json!({ "prototypeObjectId": field(&prototype, "/result/objectId") });
        let memories = self.browser.devtools("Runtime.queryObjects", id).await?;
        let sum = json!({
            "objectId": field(&memories, "/objects/objectId"),
            "functionDeclaration": "function() { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) }",
        });
        let sum = self.browser.devtools("Runtime.callFunctionOn", sum).await?;
        Ok(field(&sum, "/result/value").as_u64().unwrap_or(0))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_lines_neither_block_the_page_nor_leak_memory() -> Result<()> {
    let stage = Stage::ready().await?;
    stage.put_lines(10_000, 61, |line, at| format!("{}.{}", line % 977, at % 10));
    stage.open("from=now-15m").await?;
    stage.browser.live_cards(&[GRAPH]).await?;
    let remark = stage.browser.find(&format!("[data-graph={GRAPH}] [data-testid=remark]")).await?;
    assert_eq!(remark.text().await?, "The 50 highest of 10000 lines; the grey band covers the others.");
    let elements = stage.browser.evaluate("return document.querySelectorAll('*').length", Vec::new()).await?;
    assert!(elements.as_u64() < Some(2000), "{elements} elements");
    stage.browser.devtools("Performance.enable", json!({ "timeDomain": "timeTicks" })).await?;
    stage.idle().await?;
    let (mut shares, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        stage.browser.evaluate("window.longTasks.length = 0", Vec::new()).await?;
        let (sent, before_ms) = (stage.host.requests().len(), stage.busy_ms().await?);
        stage.browser.press("refresh-now").await?;
        until("another answer", PATIENCE, async || Ok(stage.host.requests().len()), |count| *count > sent + 2).await?;
        let busy_ms = stage.idle().await? - before_ms;
        let tasks = stage.browser.evaluate("return window.longTasks.splice(0)", Vec::new()).await?;
        let longest_ms = tasks.as_array().into_iter().flatten().filter_map(Value::as_f64).fold(0.0, f64::max);
        shares.push(longest_ms / busy_ms);
        bytes.push(stage.memory_bytes().await?);
    }
    // Durations depend on the machine; that the work is split into many tasks does not.
    shares.sort_by(f64::total_cmp);
    assert!(shares[shares.len() / 2] < MAX_SHARE, "the longest task's share of the work in each round: {shares:?}");
    let (second, last) = (bytes[1], bytes[bytes.len() - 1]);
    assert!(second > 0 && last <= second + second / 2, "{bytes:?}");
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_includes_the_lines_beyond_the_limit() -> Result<()> {
    let stage = Stage::ready().await?;
    stage.put_lines(60, 61, |line, _| line.to_string());
    stage.open("from=now-15m&card=running-and-waiting.stacked.table").await?;
    let row = format!("[data-graph={GRAPH}] [data-testid=table] tbody tr:nth-child(5) td");
    let script = "return [...document.querySelectorAll(arguments[0])].map(cell => Number(cell.textContent))";
    let cells = async || stage.browser.evaluate(script, vec![row.clone().into()]).await;
    let count = |cells: &Value| cells.as_array().map_or(0, Vec::len);
    let cells = until("fifty lines and the rest", PATIENCE, cells, |cells| count(cells) == 51).await?;
    let values: Vec<f64> = cells.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    // The rest is the ten lowest lines, 0 to 9.
    assert_eq!((values.iter().sum::<f64>(), values.last()), (1770.0, Some(&45.0)), "{values:?}");

    stage.open("from=now-15m&card=running-and-waiting.stacked").await?;
    stage.browser.painted(GRAPH, 100).await?;
    let remark = stage.browser.find(&format!("[data-graph={GRAPH}] [data-testid=remark]")).await?;
    let text = "The 50 highest of 60 lines; the grey layer is the sum of the others. Stacked: the top edge is the sum.";
    assert_eq!(remark.text().await?, text);
    let rest = stage.browser.find(&format!("[data-graph={GRAPH}] .legend [data-line='the rest']")).await?;
    stage.browser.evaluate("arguments[0].click()", vec![rest.to_json()?]).await?;
    let pressed = async || Ok(rest.attr("aria-pressed").await?);
    until("the rest hidden", PATIENCE, pressed, |pressed| pressed.as_deref() == Some("false")).await?;
    assert_eq!(stage.browser.view().await?["card"], "running-and-waiting.hide.the rest");
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn extreme_and_non_finite_values_are_drawn_and_written_exactly() -> Result<()> {
    let stage = Stage::ready().await?;
    let values = ["NaN", "+Inf", "-Inf", "1e+308", "-1e+308", "5e-324"];
    stage.put_lines(values.len(), 61, |line, at| if at % 7 == 3 { values[line].to_owned() } else { at.to_string() });
    stage.open("from=now-20m&card=running-and-waiting.table").await?;
    let table = stage.browser.find(&format!("[data-graph={GRAPH}] [data-testid=table]")).await?;
    let text = async || Ok(table.text().await?);
    let text = until("values", PATIENCE, text, |text| text.contains("+Inf")).await?;
    for value in ["–", "−Inf", "1.00e308", "−1.00e308", "4.94e−324"] {
        assert!(text.contains(value), "{value} is not in {text}");
    }
    stage.open("from=now-20m").await?;
    stage.browser.live_cards(&[GRAPH]).await?;
    stage.browser.painted(GRAPH, 100).await?;
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_shows_whether_it_is_loading_empty_or_stale() -> Result<()> {
    let stage = Stage::ready().await?;
    let Stage { host, browser, .. } = &stage;
    host.put_answer("query_range", "matrix", &json!([]));
    let (instant, range) = ("/api/v1/query", "/api/v1/query_range");
    host.send_as(instant, Manner::Held);
    host.send_as(range, Manner::Held);
    stage.open("from=now-20m").await?;
    browser.find(".card.skeleton").await?;
    assert_eq!(
        (browser.count(".card.skeleton").await?, browser.cards().await?.len()),
        (6, 0),
        "no answer has arrived yet"
    );
    assert_eq!(browser.find("[data-testid=updated]").await?.text().await?, "loading");
    let height = "return document.querySelector('.card').getBoundingClientRect().height";
    let skeleton_height = browser.evaluate(height, Vec::new()).await?;

    host.send_as(instant, Manner::Whole);
    let note = async || Ok(browser.find(&format!("[data-graph={GRAPH}] .stage-note")).await?.text().await?);
    until("a loading card", PATIENCE, note, |note| note == "Loading…").await?;
    assert_eq!(browser.card(GRAPH).await?.status, "loading");
    assert_eq!(browser.evaluate(height, Vec::new()).await?, skeleton_height, "the height does not change");
    host.send_as(range, Manner::Whole);
    until("a note on missing data", PATIENCE, note, |note| note == "No data in this time range.").await?;
    assert_eq!(browser.card(GRAPH).await?.status, "live");
    assert_eq!(browser.evaluate(height, Vec::new()).await?, skeleton_height, "the height does not change");

    // A refresh queries only the tail, so the lines extend beyond the end of the current minute.
    stage.put_lines(2, 91, |line, at| (50 * line as i64 + at).to_string());
    browser.press("refresh-now").await?;
    let painted = browser.painted(GRAPH, 100).await?;
    assert_eq!(browser.count(".stage-note").await?, 0);
    // A truncated answer is a failure: the lines stay, and the card is shown as stale.
    host.send_as(range, Manner::Cut);
    browser.press("refresh-now").await?;
    let status = async || Ok(browser.card(GRAPH).await?.status);
    until("a stale card", PATIENCE, status, |status| status == "stale").await?;
    browser.find("[data-testid=lost]").await?;
    let canvas = browser.find(&format!("[data-graph={GRAPH}] .stage canvas")).await?;
    assert_eq!(browser.paint(&canvas).await?, painted);
    host.send_as(range, Manner::Whole);
    browser.live_cards(&[GRAPH]).await?;
    assert_eq!(browser.count("[data-testid=lost]").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_reports_a_refused_query_and_recovers() -> Result<()> {
    let stage = Stage::ready().await?;
    let refusal = json!({ "status": "error", "errorType": "execution", "error": "too many samples" });
    stage.host.put("/api/v1/query_range", refusal.to_string());
    stage.open("from=now-20m").await?;
    let failure = stage.browser.find("[data-testid=failure]").await?;
    assert_eq!(failure.text().await?, "too many samples");
    stage.host.put("/api/v1/query_range", "<!doctype html>");
    stage.browser.press("refresh-now").await?;
    let text = async || Ok(stage.browser.find("[data-testid=failure]").await?.text().await?);
    until("the reason", PATIENCE, text, |text| text.contains("does not come from a Prometheus API")).await?;
    stage.put_lines(2, 61, |_, at| at.to_string());
    stage.browser.press("refresh-now").await?;
    stage.browser.live_cards(&[GRAPH]).await?;
    stage.browser.painted(GRAPH, 100).await?;
    assert_eq!(stage.browser.count("[data-testid=failure]").await?, 0);
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
