//! Many replicas: what a refresh brings does not grow with their number, and each of them can still be found.
use inferboard_tests::{Browser, Companion, InventedFleet, PATIENCE, Result, Theme, TimedHost, until};
use serde::Deserialize;
use serde_json::{Value, json};
use thirtyfour::By;

/// The sizes of two fleets. Both have more replicas than the window has rows, and more lines than a card draws one by one.
const FEW: usize = 60;
const MANY: usize = 200;

/// How many answers to refreshes are looked at.
const ANSWERS: usize = 50;

/// The limit of an answer to a refresh, whatever the fleet, in bytes without compression. The labels of all replicas of the
/// larger fleet would be more.
const MAX_ANSWER_BYTES: f64 = 20_000.0;

/// The same for a card with the lines of single replicas, of which at most 50 are drawn.
const MAX_LINES_BYTES: f64 = 65_000.0;

/// Records the answers of the API, with their queries.
const RECORD: &str = "
    window.answers = [];
    const send = window.fetch;
    window.fetch = async (request, ...others) => {
        if (!(request instanceof Request)) return send(request, ...others);
        const form = await request.clone().text();
        const response = await send(request, ...others);
        if (request.url.includes('/api/v1/')) {
            const body = await response.clone().arrayBuffer();
            window.answers.push({ query: new URLSearchParams(form).get('query') ?? '', bytes: body.byteLength });
        }
        return response;
    };";

#[derive(Debug, Deserialize)]
struct Answer {
    query: String,
    bytes: f64,
}

/// A companion with the history of a fleet, and the page at the moment when that ends.
struct Fleet {
    host: TimedHost,
    _companion: Companion,
    _history: InventedFleet,
}

impl Fleet {
    async fn new(replicas: usize) -> Result<Self> {
        let history = InventedFleet::new(replicas)?;
        let companion = Companion::start(&history.arguments()).await?;
        let host = TimedHost::start(companion.url(), history.end_ms())?;
        Ok(Self { host, _companion: companion, _history: history })
    }

    fn page(&self, view: &str) -> String {
        format!("{}/?from=now-10m&every=1s&{view}", self.host.origin())
    }
}

async fn browser() -> Result<Browser> {
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": RECORD })).await?;
    Ok(browser)
}

/// The answers that come after a view is complete.
async fn refreshed(browser: &Browser) -> Result<Vec<Answer>> {
    let known = browser.evaluate("return window.answers.length", Vec::new()).await?.as_u64().unwrap_or(0);
    let script = "return window.answers.slice(arguments[0])";
    let answers = async || browser.evaluate(script, vec![known.into()]).await;
    let is_enough = |answers: &Value| answers.as_array().is_some_and(|answers| answers.len() >= ANSWERS);
    let answers = until("refreshes", PATIENCE, answers, is_enough).await?;
    Ok(serde_json::from_value(answers).unwrap_or_default())
}

/// Asserts that no answer is larger than that, and returns their mean size in bytes.
fn received(answers: &[Answer], max_bytes: f64) -> f64 {
    for Answer { query, bytes } in answers {
        assert!(*bytes <= max_bytes, "{bytes} bytes of {query}");
    }
    answers.iter().map(|answer| answer.bytes).sum::<f64>() / answers.len() as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_refresh_brings_does_not_grow_with_the_replicas() -> Result<()> {
    let views = [
        ("section=requests", "section.card[data-status=live]"),
        ("section=replicas", "[data-testid=replicas] tr[data-replica]"),
        ("section=requests&card=running-and-waiting.details", "section.card[data-status=live]"),
    ];
    let mut received_by_few = Vec::new();
    for replicas in [FEW, MANY] {
        let fleet = Fleet::new(replicas).await?;
        let browser = browser().await?;
        for (at, (view, complete)) in views.into_iter().enumerate() {
            browser.open(&fleet.page(view)).await?;
            browser.find(complete).await?;
            // The first refresh after the view is complete may still bring what it lacks.
            refreshed(&browser).await?;
            let max_bytes = if view.contains("details") { MAX_LINES_BYTES } else { MAX_ANSWER_BYTES };
            let bytes = received(&refreshed(&browser).await?, max_bytes);
            match received_by_few.get(at) {
                None => received_by_few.push(bytes),
                Some(few) => assert!(bytes < few * 1.25 + 200.0, "{view}: {few}, {bytes}"),
            }
        }
        assert_eq!(browser.complaints().await?, Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_replicas_is_in_the_table_the_timeline_and_the_menus() -> Result<()> {
    let fleet = Fleet::new(MANY).await?;
    let browser = browser().await?;
    browser.open(&fleet.page("section=replicas&refresh=off")).await?;
    let counted = async || browser.count(&format!("[data-testid=timeline-rows][data-count='{MANY}']")).await;
    until("all rows of the timeline", PATIENCE, counted, |count| *count == 1).await?;
    let status = async || Ok(browser.find("[data-testid=status]").await?.text().await?);
    until("the number of replicas", PATIENCE, status, |status| status.ends_with(&format!(" of {MANY} up"))).await?;

    // The last row has its figures as soon as it is in view, and so has one that is searched for.
    let last = format!("llama-7d9fc-{}", MANY - 1);
    browser.evaluate("document.querySelector('.fleet').scrollTop = 1e6", Vec::new()).await?;
    until("the figures of the last row", PATIENCE, async || figures(&browser, &last).await, |cells| has_load(cells))
        .await?;
    browser.evaluate("document.querySelector('.fleet').scrollTop = 0", Vec::new()).await?;
    browser.find("[data-testid=find-replica]").await?.send_keys("c-123").await?;
    let rows = async || browser.count("[data-testid=replicas] tr[data-replica]").await;
    until("one row", PATIENCE, rows, |count| *count == 1).await?;
    let found = async || figures(&browser, "llama-7d9fc-123").await;
    until("its figures", PATIENCE, found, |cells| has_load(cells)).await?;

    // The table is sorted by the figures of all.
    browser.open(&fleet.page("section=replicas&refresh=off&sort=running")).await?;
    let loads = async || column(&browser, 6).await;
    let is_sorted = |loads: &Vec<f64>| loads.len() > 10 && loads.is_sorted_by(|one, next| one >= next);
    let loads = until("the highest loads", PATIENCE, loads, is_sorted).await?;
    assert_eq!(loads[0], 18.0, "the highest of the fleet");

    let options = browser.driver().find_all(By::Css("[data-testid=replica] option")).await?;
    assert_eq!(options.len(), MANY + 1, "all, and each");
    browser.find(&format!("[data-testid=replica] option[value={last}]")).await?.click().await?;
    let view = async || browser.view().await;
    until("the last replica", PATIENCE, view, |view| view.get("replica") == Some(&last)).await?;
    until("its row alone", PATIENCE, rows, |count| *count == 1).await?;

    browser.open(&fleet.page("section=requests&refresh=off&card=running-and-waiting.details")).await?;
    let remark = async || Ok(browser.find("[data-testid=remark]").await?.text().await?);
    let expected = format!("The 50 highest of {} lines; the grey band covers the others.", 2 * running(&fleet).await?);
    until("the highest lines", PATIENCE, remark, |remark| *remark == expected).await?;
    assert_eq!(browser.count("[data-graph=running-and-waiting] .legend [data-line]").await?, 50);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// The replicas that run when the history ends.
async fn running(fleet: &Fleet) -> Result<u64> {
    let count = fleet._companion.api().value("count(vllm:num_requests_running)", Some(fleet._history.end_ms())).await?;
    Ok(count as u64)
}

/// The text of a replica's row.
async fn figures(browser: &Browser, replica: &str) -> Result<Vec<String>> {
    let script = "return [...(document.querySelector(arguments[0])?.querySelectorAll('td') ?? [])].map(cell => cell.textContent)";
    let cells = browser.evaluate(script, vec![format!("tr[data-replica='{replica}']").into()]).await?;
    Ok(cells.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Whether the cell with the running requests has a number.
fn has_load(cells: &[String]) -> bool {
    cells.get(5).is_some_and(|text| text.parse::<f64>().is_ok())
}

/// The numbers in a column of the rows in view.
async fn column(browser: &Browser, at: usize) -> Result<Vec<f64>> {
    let script = "return [...document.querySelectorAll('tr[data-replica]')].map(row => Number(row.cells[arguments[0]].textContent))";
    let values = browser.evaluate(script, vec![at.into()]).await?;
    Ok(values.as_array().into_iter().flatten().filter_map(Value::as_f64).collect())
}
