//! What the page says at a glance: the table of models, the top bar, key numbers and facts, and the legends of cards.
use inferboard_tests::{Browser, Companion, FixtureError, PATIENCE, Result, Theme, now_ms, until};
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use tempfile::TempDir;
use thirtyfour::Key;

/// The distance of samples, and how many there are: four times the range that is shown.
const INTERVAL_MS: i64 = 15_000;
const SAMPLES: i64 = 241;
const RANGE_MS: i64 = 900_000;

/// The history of several models with one replica each, and its companion.
struct Models {
    companion: Companion,
    end_ms: i64,
    _folder: TempDir,
}

/// Requests between two samples, of the first model; every 200th fails.
const REQUESTS: i64 = 20;

impl Models {
    /// `count` models. The requests of the first one take longer than 10 s in the second half of the range, and less than
    /// 1 s at all other times, as those of the others do.
    async fn new(count: usize) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder for the models"))?;
        let end_ms = now_ms() / INTERVAL_MS * INTERVAL_MS;
        let dump = folder.path().join("models.txt");
        fs::write(&dump, history(count, end_ms)).map_err(FixtureError::io("cannot write the models"))?;
        let data = folder.path().join("data");
        Companion::printed(&["import".as_ref(), dump.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])?;
        let companion = Companion::start(&["--no-discovery", "--data-dir", &data.display().to_string()]).await?;
        Ok(Self { companion, end_ms, _folder: folder })
    }

    /// The page over the last quarter of the history.
    fn page(&self, view: &str) -> String {
        let range = format!("from={}&to={}", self.end_ms - RANGE_MS, self.end_ms);
        format!("{}/?{range}&refresh=off&zone=utc&{view}", self.companion.url())
    }
}

fn history(count: usize, end_ms: i64) -> String {
    let mut text = String::new();
    let start_ms = end_ms - (SAMPLES - 1) * INTERVAL_MS;
    for model in 0..count {
        let labels = format!("model=\"model-{model}\",replica=\"r-{model}\",instance=\"10.0.0.{model}:8000\"");
        let mut series = |name: &str, extra: &str, value: &dyn Fn(i64) -> i64| {
            for sample in 0..SAMPLES {
                let time_s = (start_ms + sample * INTERVAL_MS) / 1000;
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{name}{{{labels}{extra}}} {} {time_s}", value(sample));
            }
        };
        // The later a model comes, the more requests it has.
        let requests = |sample: i64| sample * REQUESTS * (model as i64 + 1);
        let slow_since = SAMPLES - RANGE_MS / INTERVAL_MS / 2;
        let slow = |sample: i64| if model == 0 { requests((sample - slow_since).max(0)) } else { 0 };
        series("up", "", &|_| 1);
        series("http_requests_total", ",handler=\"/v1\",method=\"POST\",status=\"2xx\"", &|sample| {
            requests(sample) - requests(sample) / 200
        });
        series("http_requests_total", ",handler=\"/v1\",method=\"POST\",status=\"5xx\"", &|sample| {
            requests(sample) / 200
        });
        series("vllm:num_requests_running", "", &|_| 3);
        for (end, is_slow) in [("1.0", false), ("10.0", false), ("100.0", true), ("+Inf", true)] {
            series("vllm:e2e_request_latency_seconds_bucket", &format!(",le=\"{end}\""), &|sample| {
                requests(sample) - if is_slow { 0 } else { slow(sample) }
            });
        }
        series("vllm:e2e_request_latency_seconds_count", "", &requests);
        series("vllm:e2e_request_latency_seconds_sum", "", &requests);
    }
    text.push_str("# EOF\n");
    text
}

async fn browser(width: u32) -> Result<Browser> {
    let browser = Browser::start().await?;
    browser.show_as(width, 1000, Theme::Light).await?;
    Ok(browser)
}

/// The models of the table in order, each with the texts of its cells by column.
const ROWS: &str = "return [...document.querySelectorAll('[data-testid=models] tbody tr')].map(row =>
    [row.dataset.model, Object.fromEntries([...row.querySelectorAll('td')].map(cell =>
        [cell.dataset.column, cell.textContent]))]);";

async fn rows(browser: &Browser, count: usize) -> Result<Value> {
    let rows = async || browser.evaluate(ROWS, Vec::new()).await;
    until("the rows of the table", PATIENCE, rows, |rows| rows.as_array().is_some_and(|rows| rows.len() == count)).await
}

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().into_iter().flatten().filter_map(|row| row[0].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_models_are_a_table_that_says_which_one_suffers_and_opens_it() -> Result<()> {
    let models = Models::new(3).await?;
    let browser = browser(1400).await?;
    browser.open(&models.page("")).await?;
    let all = rows(&browser, 3).await?;
    assert_eq!(names(&all)[0], "model-0", "what suffers comes first: {all}");
    let [slow, fine] = [&all[0][1], &all[1][1]];
    assert!(slow["status"].as_str().is_some_and(|status| status.contains("slow since ")), "{all}");
    assert!(fine["status"].as_str().is_some_and(|status| !status.contains("slow")), "{all}");
    // 20 requests in 15 s, and twice and three times as many.
    let requests = |at: usize| all[at][1]["requests"].as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    assert!((requests(0) - 1.33).abs() < 0.02 && (requests(1) - 4.0).abs() < 0.05, "{all}");
    assert_eq!((&slow["errors"], &fine["errors"]), (&json!("0.50 %"), &json!("0.50 %")));
    assert!(slow["latency"].as_str().is_some_and(|latency| latency.contains(" s") && latency.contains('×')), "{all}");
    assert_eq!(browser.count(".cards .card").await?, 0, "there is no graph of all models together");

    browser.press("filter-models").await?;
    browser.find("[data-testid=filter-models]").await?.send_keys("EL-2").await?;
    assert_eq!(names(&rows(&browser, 1).await?), ["model-2"]);
    browser.find("[data-testid=filter-models]").await?.send_keys(Key::Backspace + Key::Backspace + "").await?;
    browser.find("[data-testid=models] [data-sort=requests]").await?.click().await?;
    let ordered = async || browser.evaluate(ROWS, Vec::new()).await;
    until("the most requests", PATIENCE, ordered, |rows| names(rows) == ["model-2", "model-1", "model-0"]).await?;
    browser.find("[data-testid=models] [data-sort=requests]").await?.click().await?;
    until("the fewest requests", PATIENCE, ordered, |rows| names(rows) == ["model-0", "model-1", "model-2"]).await?;
    assert_eq!(browser.view().await?["models"], "-requests");
    browser.driver().refresh().await?;
    until("the same order", PATIENCE, ordered, |rows| names(rows) == ["model-0", "model-1", "model-2"]).await?;

    browser.find("[data-testid=models] tr[data-model=model-1] td").await?.click().await?;
    browser.live_cards(&["volume"]).await?;
    assert_eq!(browser.view().await?["model"], "model-1");
    browser.driver().back().await?;
    rows(&browser, 3).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_models_take_one_query_for_each_column() -> Result<()> {
    const MODELS: usize = 200;
    let models = Models::new(MODELS).await?;
    let browser = browser(1400).await?;
    let record = "window.queries = []; const send = window.fetch;
        window.fetch = async (request, ...others) => {
            if (request.url?.includes('/api/v1/query')) window.queries.push(await request.clone().text());
            return send(request, ...others);
        };";
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": record })).await?;
    browser.open(&models.page("")).await?;
    rows(&browser, MODELS).await?;
    let queries = browser.evaluate("return window.queries.length", Vec::new()).await?;
    assert!(queries.as_u64().is_some_and(|count| count < 30), "{queries} queries");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_model_its_page_opens_at_once_with_key_numbers() -> Result<()> {
    let models = Models::new(1).await?;
    let browser = browser(1400).await?;
    browser.open(&models.page("")).await?;
    browser.live_cards(&["volume", "end-to-end-latency"]).await?;
    assert_eq!(browser.count("[data-testid=models]").await?, 0);
    let figures =
        "return Object.fromEntries([...document.querySelectorAll('[data-testid=figures] button')].map(figure =>
        [figure.querySelector('.title').textContent, [figure.querySelector('b').textContent,
            figure.querySelector('.change').textContent]]))";
    let figures = async || browser.evaluate(figures, Vec::new()).await;
    let figures = until("key numbers", PATIENCE, figures, |figures| figures["Requests"].is_array()).await?;
    let volume = browser.card("volume").await?;
    let counted = volume.count("2xx").unwrap_or(0) + volume.count("5xx").unwrap_or(0);
    assert_eq!(figures["Requests"], json!([group(counted), ""]), "as on the card, and as many as before");
    assert_eq!(figures["Success"][0], "99.5 %");
    let latency = browser.card("end-to-end-latency").await?.boxes;
    assert_eq!(figures["End-to-end p95"][0], json!(latency["p95"]));
    assert!(figures["End-to-end p95"][1].as_str().is_some_and(|change| change.starts_with('×')), "{figures}");

    browser.press("section-replicas").await?;
    let latency = "[data-testid=figures] [data-figure=end-to-end-latency]";
    browser.find(latency).await?.click().await?;
    browser.live_cards(&["end-to-end-latency"]).await?;
    assert_eq!(browser.view().await?["section"], "requests");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// A number with commas between groups of three digits.
fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_top_bar_is_one_row_and_two_on_a_phone() -> Result<()> {
    let models = Models::new(2).await?;
    let browser = Browser::start().await?;
    let bar = "const bar = document.querySelector('.topbar');
        return { width: innerWidth, bar: document.querySelector('.bar').offsetHeight, all: bar.offsetHeight,
            position: getComputedStyle(bar).position, over: document.documentElement.scrollWidth - innerWidth,
            outside: [...bar.querySelectorAll('.bar > *')].filter(part => part.checkVisibility()
                && part.getBoundingClientRect().right > innerWidth + 1).length };";
    for view in ["", "model=model-1&section=requests"] {
        browser.open(&models.page(view)).await?;
        browser.find("[data-testid=status]").await?;
        for (width, is_phone) in [(2560, false), (1440, false), (1280, false), (1024, false), (390, true), (360, true)]
        {
            let screen = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": is_phone });
            browser.devtools("Emulation.setDeviceMetricsOverride", screen).await?;
            let bar = async || browser.evaluate(bar, Vec::new()).await;
            let bar = until("the new width", PATIENCE, bar, |bar| bar["width"] == width).await?;
            let px = |name: &str| bar[name].as_f64().unwrap_or(f64::INFINITY);
            assert!(px("bar") <= 56.0 && px("all") <= if is_phone { 112.0 } else { 100.0 }, "{width}: {bar}");
            assert_eq!((bar["over"].as_f64(), bar["outside"].as_f64()), (Some(0.0), Some(0.0)), "{width}: {bar}");
            assert_eq!(bar["position"], if is_phone { "static" } else { "sticky" });
        }
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_latency_shows_two_percentiles_and_the_value_of_each_line() -> Result<()> {
    let models = Models::new(1).await?;
    let browser = browser(1400).await?;
    browser.open(&models.page("section=requests")).await?;
    browser.live_cards(&["end-to-end-latency", "volume"]).await?;
    let legend = "return [...document.querySelectorAll('[data-graph=end-to-end-latency] .legend tbody tr')].map(row =>
        [row.querySelector('[data-line]').dataset.line, row.querySelector('[data-line]').ariaPressed,
            [...row.querySelectorAll('td')].map(cell => cell.textContent).filter(text => !text).length])";
    let rows = async || browser.evaluate(legend, Vec::new()).await;
    // Of the mean nothing is known over the range.
    let expected =
        json!([["p99", "false", 0], ["p95", "true", 0], ["p90", "false", 0], ["p50", "true", 0], ["mean", "false", 1]]);
    until("the values of all lines", PATIENCE, rows, |rows| *rows == expected).await?;
    browser.find("[data-graph=end-to-end-latency] [data-line=p99]").await?.click().await?;
    browser.find("[data-graph=end-to-end-latency] [data-line=p99][aria-pressed=true]").await?;
    assert!(browser.view().await?["card"].starts_with("end-to-end-latency.only."));
    browser.find("[data-graph=end-to-end-latency] [data-line=p99]").await?.click().await?;
    let card = async || Ok(browser.view().await?.contains_key("card"));
    until("the lines of a first visit", PATIENCE, card, |has_card| !has_card).await?;

    // The crosshair is at one place on all cards of a column.
    browser.overlay("end-to-end-latency").await?.send_keys(Key::Left + "").await?;
    // Bars are pointed at in their middle.
    let places = "return [...document.querySelectorAll('section.card:not([data-graph=volume])')].map(card => {
        const line = card.querySelector('.crosshair'), place = card.getBoundingClientRect();
        return line ? [place.x, line.getBoundingClientRect().x - place.x] : null }).filter(place => place)";
    let places = async || browser.evaluate(places, Vec::new()).await;
    let places =
        until("crosshairs", PATIENCE, places, |places| places.as_array().is_some_and(|all| all.len() > 1)).await?;
    for place in places.as_array().into_iter().flatten() {
        let offset = |place: &Value| place[1].as_f64().unwrap_or(f64::NAN);
        assert!((offset(place) - offset(&places[0])).abs() < 1.5, "{places}");
    }
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_cards_are_compared_at_once_and_details_are_a_switch() -> Result<()> {
    let models = Models::new(1).await?;
    let browser = browser(1400).await?;
    browser.open(&models.page("section=requests")).await?;
    browser.live_cards(&["volume", "end-to-end-latency", "running-and-waiting"]).await?;
    browser.press("compare").await?;
    let items = "return [...document.querySelectorAll('[data-testid=compare-item]')].map(item => item.textContent)";
    assert_eq!(browser.evaluate(items, Vec::new()).await?, json!(["No comparison", "Previous period"]));
    browser.find("[data-testid=compare-item]:nth-of-type(2)").await?.click().await?;
    let compared = "return [...document.querySelectorAll('[data-testid=remark]')]
        .filter(remark => remark.textContent.includes('previous period')).length";
    let compared = async || browser.evaluate(compared, Vec::new()).await;
    until("comparisons", PATIENCE, compared, |count| count.as_u64() >= Some(3)).await?;
    assert_eq!(browser.view().await?["card"], "all.compare");
    browser.choose("volume", "compare").await?;
    until("no comparison", PATIENCE, compared, |count| *count == 0).await?;

    browser.find("[data-graph=running-and-waiting] [data-testid=detail]").await?.click().await?;
    browser.find("[data-graph=running-and-waiting] .legend [data-line^='r-0']").await?;
    assert_eq!(browser.view().await?["card"], "running-and-waiting.details");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn history_that_begins_in_the_range_says_since_when() -> Result<()> {
    let models = Models::new(1).await?;
    let browser = browser(1400).await?;
    let start_ms = models.end_ms - (SAMPLES - 1) * INTERVAL_MS;
    let range = format!("from={}&to={}", start_ms - 3_600_000, models.end_ms);
    browser.open(&format!("{}/?{range}&refresh=off&zone=utc", models.companion.url())).await?;
    let facts = async || Ok(browser.find("[data-testid=facts]").await?.text().await?);
    until("since when there are data", PATIENCE, facts, |facts| facts.contains("No data before ")).await?;
    browser.open(&models.page("")).await?;
    browser.live_cards(&["volume"]).await?;
    browser.find("[data-testid=figures]").await?;
    assert_eq!(browser.count("[data-testid=facts]").await?, 0, "nothing is worth a word");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_keeps_its_place_when_graphs_are_ordered() -> Result<()> {
    let models = Models::new(1).await?;
    let browser = browser(1400).await?;
    browser.open(&models.page("section=requests")).await?;
    browser.live_cards(&["volume", "end-to-end-latency"]).await?;
    browser.press("customize").await?;
    let focused =
        async |what: &str| browser.evaluate(&format!("return document.activeElement.{what}"), Vec::new()).await;
    let search = async || focused("dataset.testid").await;
    until("the focus in the search", PATIENCE, search, |id| id == "customize-search").await?;
    let row = "[data-testid=customize-dialog] li[data-graph=end-to-end-latency]";
    let order = async || {
        let script =
            "return [...document.querySelectorAll('[data-testid=customize-dialog] li')].map(row => row.dataset.graph)";
        browser.evaluate(script, Vec::new()).await
    };
    let place = |rows: &Value| rows.as_array().into_iter().flatten().position(|row| *row == "end-to-end-latency");
    let before = place(&order().await?);
    browser.find(&format!("{row} input")).await?.send_keys(Key::Alt + Key::Down).await?;
    until("one place down", PATIENCE, order, |rows| place(rows) == before.map(|at| at + 1)).await?;
    let own = async || focused("closest('li')?.dataset.graph ?? ''").await;
    until("the focus on its row", PATIENCE, own, |graph| graph == "end-to-end-latency").await?;
    browser.driver().action_chain().key_down(Key::Alt).send_keys(Key::Up + "").key_up(Key::Alt).perform().await?;
    until("its old place", PATIENCE, order, |rows| place(rows) == before).await?;
    browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;

    browser.press("when").await?;
    let words = async || focused("dataset.testid").await;
    until("the focus in the range", PATIENCE, words, |id| id == "when-words").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
