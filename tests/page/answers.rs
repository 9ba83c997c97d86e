//! Whatever a server answers: ten thousand lines at once, a refusal, numbers at the ends of what there is.
use inferboard_tests::{Browser, Manner, PATIENCE, Result, StaticHost, Theme, now_ms, until};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

const GRAPH: &str = "running-and-waiting";
const MINUTE_MS: i64 = 60_000;
/// The longest task's share of the work of an answer.
const MAX_SHARE: f64 = 0.5;
/// Notes how long each task was that held the page up, in milliseconds.
const WATCH: &str = "window.held = []; new PerformanceObserver(list => \
    window.held.push(...list.getEntries().map(task => task.duration))).observe({ entryTypes: ['longtask'] });";

/// A page on a host that also answers its queries, each with the same.
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
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await?;
        browser.show_as(1400, 1000, Theme::Light).await?;
        Ok(Self { host, browser, start_ms: now_ms() / MINUTE_MS * MINUTE_MS - 15 * MINUTE_MS })
    }

    /// Answers range queries with so many lines of so many values, a quarter of a minute apart.
    fn lines(&self, count: usize, points: i64, value: impl Fn(usize, i64) -> String) {
        let mut text = String::from("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[");
        for line in 0..count {
            // Writing to a string cannot fail.
            let _ =
                write!(text, "{}{{\"metric\":{{\"line\":\"replica-{line:05}\"}},", if line == 0 { "" } else { "," });
            let values = (0..points).map(|at| {
                let time_s = self.start_ms / 1000 + at * 15;
                format!("[{time_s},\"{}\"]", value(line, at))
            });
            let _ = write!(text, "\"values\":[{}]}}", values.collect::<Vec<_>>().join(","));
        }
        self.host.put("/api/v1/query_range", text + "]}}");
    }

    /// How long the page's tasks have taken in all.
    async fn busy_ms(&self) -> Result<f64> {
        let all = self.browser.devtools("Performance.getMetrics", json!({})).await?;
        let task = all["metrics"].as_array().into_iter().flatten().find(|metric| metric["name"] == "TaskDuration");
        Ok(task.and_then(|metric| metric["value"].as_f64()).unwrap_or(f64::NAN) * 1000.0)
    }

    /// Waits until the page has nothing to do, as drawing follows an answer; how long its tasks have taken in all.
    async fn idle(&self) -> Result<f64> {
        let mut last_ms = self.busy_ms().await?;
        let more = async || {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now_ms = self.busy_ms().await?;
            Ok(now_ms - std::mem::replace(&mut last_ms, now_ms))
        };
        until("an idle page", PATIENCE, more, |more_ms| *more_ms < 20.0).await?;
        self.busy_ms().await
    }

    async fn open(&self, query: &str) -> Result<()> {
        self.browser.open(&format!("{}/?section=requests&refresh=off&{query}", self.host.origin())).await
    }

    /// Bytes of the page's WebAssembly memory.
    async fn memory_bytes(&self) -> Result<u64> {
        let of = |value: &Value, at: &str| value.pointer(at).cloned().unwrap_or(Value::Null);
        let prototype = json!({ "expression": "WebAssembly.Memory.prototype" });
        let prototype = self.browser.devtools("Runtime.evaluate", prototype).await?;
        let id = json!({ "prototypeObjectId": of(&prototype, "/result/objectId") });
        let found = self.browser.devtools("Runtime.queryObjects", id).await?;
        let sum = json!({
            "objectId": of(&found, "/objects/objectId"),
            "functionDeclaration": "function() { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) }",
        });
        let sum = self.browser.devtools("Runtime.callFunctionOn", sum).await?;
        Ok(of(&sum, "/result/value").as_u64().unwrap_or(0))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_lines_hold_nothing_up_and_pile_nothing_up() -> Result<()> {
    let stage = Stage::ready().await?;
    stage.lines(10_000, 61, |line, at| format!("{}.{}", line % 977, at % 10));
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
        stage.browser.evaluate("window.held.length = 0", Vec::new()).await?;
        let (asked, before_ms) = (stage.host.requests().len(), stage.busy_ms().await?);
        stage.browser.press("updated").await?;
        until("another answer", PATIENCE, async || Ok(stage.host.requests().len()), |count| *count > asked + 2).await?;
        let busy_ms = stage.idle().await? - before_ms;
        let tasks = stage.browser.evaluate("return window.held.splice(0)", Vec::new()).await?;
        let longest_ms = tasks.as_array().into_iter().flatten().filter_map(Value::as_f64).fold(0.0, f64::max);
        shares.push(longest_ms / busy_ms);
        bytes.push(stage.memory_bytes().await?);
    }
    // How long a task takes depends on the machine; that the work is cut in many tasks does not.
    shares.sort_by(f64::total_cmp);
    assert!(shares[shares.len() / 2] < MAX_SHARE, "the longest task's share of the work, each time: {shares:?}");
    let (second, last) = (bytes[1], bytes[bytes.len() - 1]);
    assert!(second > 0 && last <= second + second / 2, "{bytes:?}");
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn stacks_of_many_lines_reach_their_sum() -> Result<()> {
    let stage = Stage::ready().await?;
    stage.lines(60, 61, |line, _| line.to_string());
    stage.open("from=now-15m&card=running-and-waiting.stacked.table").await?;
    let row = format!("[data-graph={GRAPH}] [data-testid=table] tbody tr:nth-child(5) td");
    let script = "return [...document.querySelectorAll(arguments[0])].map(cell => Number(cell.textContent))";
    let cells = async || stage.browser.evaluate(script, vec![row.clone().into()]).await;
    let count = |cells: &Value| cells.as_array().map_or(0, Vec::len);
    let cells = until("fifty lines and the rest", PATIENCE, cells, |cells| count(cells) == 51).await?;
    let values: Vec<f64> = cells.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    // Of 0 to 59 the ten lowest are the rest.
    assert_eq!((values.iter().sum::<f64>(), values.last()), (1770.0, Some(&45.0)), "{values:?}");

    stage.open("from=now-15m&card=running-and-waiting.stacked").await?;
    stage.browser.painted(GRAPH, 100).await?;
    let remark = stage.browser.find(&format!("[data-graph={GRAPH}] [data-testid=remark]")).await?;
    let told = "The 50 highest of 60 lines; the grey layer is the sum of the others. Stacked: the top edge is the sum.";
    assert_eq!(remark.text().await?, told);
    let rest = stage.browser.find(&format!("[data-graph={GRAPH}] .legend [data-line='the rest']")).await?;
    stage.browser.evaluate("arguments[0].click()", vec![rest.to_json()?]).await?;
    let pressed = async || Ok(rest.attr("aria-pressed").await?);
    until("the rest hidden", PATIENCE, pressed, |pressed| pressed.as_deref() == Some("false")).await?;
    assert_eq!(stage.browser.view().await?["card"], "running-and-waiting.hide.the rest");
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_numbers_are_drawn_and_written_as_what_they_are() -> Result<()> {
    let stage = Stage::ready().await?;
    let odd = ["NaN", "+Inf", "-Inf", "1e+308", "-1e+308", "5e-324"];
    stage.lines(odd.len(), 61, |line, at| if at % 7 == 3 { odd[line].to_owned() } else { at.to_string() });
    stage.open("from=now-20m&card=running-and-waiting.table").await?;
    let table = stage.browser.find(&format!("[data-graph={GRAPH}] [data-testid=table]")).await?;
    let told = async || Ok(table.text().await?);
    let told = until("values", PATIENCE, told, |told| told.contains("+Inf")).await?;
    for text in ["–", "−Inf", "1.00e308", "−1.00e308", "4.94e−324"] {
        assert!(told.contains(text), "{text} is not in {told}");
    }
    stage.open("from=now-20m").await?;
    stage.browser.live_cards(&[GRAPH]).await?;
    stage.browser.painted(GRAPH, 100).await?;
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_come_is_awaited_and_what_has_no_values_says_so() -> Result<()> {
    let stage = Stage::ready().await?;
    let Stage { host, browser, .. } = &stage;
    host.put_answer("query_range", "matrix", &json!([]));
    let (instant, range) = ("/api/v1/query", "/api/v1/query_range");
    host.send_as(instant, Manner::Held);
    host.send_as(range, Manner::Held);
    stage.open("from=now-20m").await?;
    browser.find(".card.skeleton").await?;
    assert_eq!((browser.count(".skeleton").await?, browser.cards().await?.len()), (6, 0), "nothing is known yet");
    assert_eq!(browser.find("[data-testid=updated]").await?.text().await?, "loading");
    let height = "return document.querySelector('.card').getBoundingClientRect().height";
    let awaited = browser.evaluate(height, Vec::new()).await?;

    host.send_as(instant, Manner::Whole);
    let note = async || Ok(browser.find(&format!("[data-graph={GRAPH}] .stage-note")).await?.text().await?);
    until("a card that waits", PATIENCE, note, |note| note == "Loading…").await?;
    assert_eq!(browser.card(GRAPH).await?.status, "loading");
    assert_eq!(browser.evaluate(height, Vec::new()).await?, awaited, "nothing jumps");
    host.send_as(range, Manner::Whole);
    until("a word on nothing", PATIENCE, note, |note| note == "No data in this time range.").await?;
    assert_eq!(browser.card(GRAPH).await?.status, "live");
    assert_eq!(browser.evaluate(height, Vec::new()).await?, awaited, "nothing jumps");

    // Only the tail is asked for: the lines reach beyond now, in whatever second of its minute that is.
    stage.lines(2, 91, |line, at| (50 * line as i64 + at).to_string());
    browser.press("updated").await?;
    let painted = browser.painted(GRAPH, 100).await?;
    assert_eq!(browser.count(".stage-note").await?, 0);
    // What ends in the middle is no answer: the lines stay, and it is said that they are old.
    host.send_as(range, Manner::Cut);
    browser.press("updated").await?;
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
async fn a_refusal_is_told_and_got_over() -> Result<()> {
    let stage = Stage::ready().await?;
    let refusal = json!({ "status": "error", "errorType": "execution", "error": "too many samples" });
    stage.host.put("/api/v1/query_range", refusal.to_string());
    stage.open("from=now-20m").await?;
    let failure = stage.browser.find("[data-testid=failure]").await?;
    assert_eq!(failure.text().await?, "too many samples");
    stage.host.put("/api/v1/query_range", "<!doctype html>");
    stage.browser.press("updated").await?;
    let told = async || Ok(stage.browser.find("[data-testid=failure]").await?.text().await?);
    until("what is wrong", PATIENCE, told, |told| told.contains("does not come from a Prometheus API")).await?;
    stage.lines(2, 61, |_, at| at.to_string());
    stage.browser.press("updated").await?;
    stage.browser.live_cards(&[GRAPH]).await?;
    stage.browser.painted(GRAPH, 100).await?;
    assert_eq!(stage.browser.count("[data-testid=failure]").await?, 0);
    assert_eq!(stage.browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
