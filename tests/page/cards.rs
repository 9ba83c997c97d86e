//! Every control of a card over a recorded session, by pointer and by keyboard, and the files that it exports.
use inferboard_tests::{Browser, Companion, PATIENCE, Paint, Result, Session, StaticHost, Theme, now_ms, until};
use serde_json::{Value, json};
use thirtyfour::Key;

const VIEW: &str = "section=requests&from=now-2m&every=1s";
const MIN_PIXELS: u64 = 100;

/// Records what the page copies and saves, as a headless browser has no clipboard that a test can read.
const RECORD_EXPORTS: &str = "
    window.copied = [];
    window.saved = [];
    window.blobs = [];
    Object.defineProperty(navigator, 'clipboard', {
        value: { writeText: async text => { window.copied.push(text); } },
    });
    const make = URL.createObjectURL;
    URL.createObjectURL = blob => {
        window.blobs.push(blob);
        blob.arrayBuffer().then(bytes => window.saved.push([blob.type, new TextDecoder('latin1').decode(bytes)]));
        return make(blob);
    };
    HTMLAnchorElement.prototype.click = function () { window.named = this.download; };";

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_changes_how_a_graph_is_shown() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    the_keyboard_operates_the_menu(browser).await?;
    details_replace_percentiles(browser).await?;
    buckets_become_a_heat_map(browser).await?;
    axis_comparison_and_statistics_can_be_toggled(browser).await?;
    bars_count_and_become_lines(browser).await?;
    values_are_shown_as_a_table(browser).await?;
    an_enlarged_card_fills_the_window(browser).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_data_and_pictures_can_be_exported() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    browser.evaluate(RECORD_EXPORTS, Vec::new()).await?;
    browser.choose("volume", "copy-query").await?;
    browser.choose("volume", "csv").await?;
    let named = browser.evaluate("return window.named", Vec::new()).await?;
    assert!(named.as_str().is_some_and(|name| name.starts_with("volume-") && name.ends_with(".csv")), "{named}");
    browser.choose("volume", "png").await?;
    let copied = async || browser.evaluate("return window.copied", Vec::new()).await;
    let copied = until("a copied query", PATIENCE, copied, |copied| copied[0].is_string()).await?;
    assert!(copied[0].as_str().is_some_and(|query| query.contains("http_requests_total")), "{copied}");
    let saved = async || browser.evaluate("return window.saved", Vec::new()).await;
    let saved = until("two saved files", PATIENCE, saved, |saved| saved[1].is_array()).await?;
    assert_eq!(saved[0][0], "text/csv;charset=utf-8");
    let csv = saved[0][1].as_str().unwrap_or_default();
    assert!(csv.starts_with("time,2xx (req/s)") && csv.contains("\r\n20"), "{csv}");
    assert_eq!(saved[1][0], "image/png");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Paints the last picture that was saved on a canvas added to the page.
const DECODE: &str = "
    createImageBitmap(window.blobs.at(-1)).then(picture => {
        const canvas = document.createElement('canvas');
        [canvas.id, canvas.width, canvas.height] = ['decoded', picture.width, picture.height];
        canvas.getContext('2d').drawImage(picture, 0, 0);
        document.body.append(canvas);
    });";
/// Colours of the light theme: that of the first line, and that of limits.
const RUNNING: &str = "2f6febff";
const LIMIT: &str = "c2291fff";

#[tokio::test(flavor = "multi_thread")]
async fn card_options_change_the_picture_and_the_png_matches_it() -> Result<()> {
    const GRAPH: &str = "running-and-waiting";
    let host = StaticHost::start()?;
    let end_ms = now_ms() / 60_000 * 60_000 - 600_000;
    let line = |value: fn(i32) -> f64| (0..61).map(|at| (end_ms - i64::from(60 - at) * 15_000, value(at))).collect();
    let lines = [("running", line(|at| 1.1_f64.powi(at))), ("waiting", line(|_| 40.0)), ("limit", line(|_| 400.0))];
    host.put_board("inferboard_requests_running", &lines)?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    let range = format!("from={}&to={end_ms}", end_ms - 900_000);
    browser.open(&format!("{}/?section=requests&refresh=off&{range}", host.origin())).await?;
    browser.live_cards(&[GRAPH]).await?;
    let canvas = browser.find(&format!("[data-graph={GRAPH}] .stage canvas")).await?;
    let paint = async || browser.paint(&canvas).await;
    let has = |colour: &'static str| move |paint: &Paint| paint.colours.contains_key(colour);
    let plain = until("a limit", PATIENCE, paint, has(LIMIT)).await?;
    assert!(has(RUNNING)(&plain), "{plain:?}");
    for action in ["log", "stacked"] {
        browser.choose(GRAPH, action).await?;
        let other = until(action, PATIENCE, paint, |paint| *paint != plain && paint.coloured() > MIN_PIXELS).await?;
        // A logarithmic axis and stacked areas change more pixels than a label or two would.
        assert!(plain.coloured().abs_diff(other.coloured()) > 20, "{} {}", plain.coloured(), other.coloured());
        browser.choose(GRAPH, action).await?;
        until("the original graph", PATIENCE, paint, |paint| *paint == plain).await?;
    }
    let limit = format!("[data-graph={GRAPH}] .legend [data-line=limit]");
    let row = format!("[data-graph={GRAPH}] .legend tr:has([data-line=limit])");
    assert!(browser.find(&row).await?.text().await?.contains("400"), "the legend shows the limit's name and value");
    browser.find(&limit).await?.click().await?;
    until("no limit", PATIENCE, paint, |paint| !has(LIMIT)(paint)).await?;
    browser.find(&limit).await?.click().await?;
    until("the original graph", PATIENCE, paint, |paint| *paint == plain).await?;

    browser.evaluate(RECORD_EXPORTS, Vec::new()).await?;
    browser.choose(GRAPH, "png").await?;
    let saved = async || browser.evaluate("return window.saved[0] ?? []", Vec::new()).await;
    let saved = until("a file", PATIENCE, saved, |saved| saved[1].is_string()).await?;
    assert_eq!(saved[0], "image/png");
    // Browsers decode Latin 1 as Windows-1252, in which 0x89 is `‰`.
    assert!(saved[1].as_str().is_some_and(|bytes| bytes.starts_with("‰PNG\r\n\u{1a}\n")), "the PNG signature");
    browser.evaluate(DECODE, Vec::new()).await?;
    let decoded = browser.paint(&browser.find("#decoded").await?).await?;
    for colour in [RUNNING, LIMIT] {
        // The picture has the lines of the page, and a swatch of each in its legend.
        assert!(decoded.colours.get(colour) >= plain.colours.get(colour), "{colour}: {decoded:?}");
    }
    assert!(decoded.ink() > plain.ink(), "the picture also has the title and the names");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// The names, counts and shares of the summary, and the lines of the legend.
const SUMMARY: &str = "const card = document.querySelector('[data-graph=volume]');
    return [[...card.querySelectorAll('[data-testid=boxes] [data-box]')].map(box =>
        [box.dataset.box, box.querySelector('b').textContent, box.querySelector('small').textContent]),
        [...card.querySelectorAll('.legend [data-line]')].map(line => line.dataset.line)];";

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_class_with_shares_and_by_status_code() -> Result<()> {
    let target = StaticHost::start()?;
    // Of each ten requests, one is answered with 404 and one with 503.
    let serve = |count: u32| {
        let counts = [("200", 8 * count), ("404", count), ("503", count)].map(|(status, count)| {
            format!("http_requests_total{{handler=\"/v1/completions\",method=\"POST\",status=\"{status}\"}} {count}\n")
        });
        let running = "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name=\"m\"} 1\n";
        target.put("/metrics", format!("{running}# TYPE http_requests_total counter\n{}", counts.concat()));
    };
    serve(0);
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &url]).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&from=now-1m&every=1s", companion.url())).await?;
    let mut count = 0;
    let summary = async || {
        count += 10;
        serve(count);
        browser.evaluate(SUMMARY, Vec::new()).await
    };
    let number = |text: &Value, unit: &str| -> Option<f64> {
        text.as_str()?.trim_end_matches(unit).trim().replace(',', "").parse().ok()
    };
    let has_counts = |summary: &Value| summary[0][2].is_array() && number(&summary[0][2][1], "") > Some(50.0);
    let summary = until("a summary of three classes", PATIENCE, summary, has_counts).await?;
    let classes = summary[0].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = classes.iter().filter_map(|class| class[0].as_str()).collect();
    assert_eq!(names, ["2xx", "4xx", "5xx"], "{summary}");
    let total: f64 = classes.iter().filter_map(|class| number(&class[1], "")).sum();
    for (class, expected) in classes.iter().zip([80.0, 10.0, 10.0]) {
        let (count, share) = (number(&class[1], "").unwrap_or(0.0), number(&class[2], "%").unwrap_or(0.0));
        assert!((share - 100.0 * count / total).abs() < 0.6, "{summary}");
        assert!((share - expected).abs() < 2.0, "{summary}");
    }
    assert_eq!(summary[1], serde_json::json!(["2xx", "4xx", "5xx"]));
    browser.choose("volume", "details").await?;
    let shown = async || browser.evaluate(SUMMARY, Vec::new()).await;
    let codes = until("status codes", PATIENCE, shown, |shown| shown[1] == serde_json::json!(["200", "404", "503"]));
    assert_eq!(codes.await?[0][1][0], "4xx", "the summary stays with classes");
    let meaning = browser.find("[data-graph=volume] .legend [data-line='503']").await?.attr("title").await?;
    assert!(meaning.is_some_and(|meaning| meaning.starts_with("503: Service unavailable")));
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_of_requests_can_be_shown_per_minute() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    browser.press("refresh").await?;
    let unit = browser.find("[data-graph=volume] .now").await?;
    assert!(unit.text().await?.ends_with(" req/s"));
    let note = "[data-graph=tokens-per-second] .now";
    let tokens = browser.find(note).await?.text().await?;
    browser.press("customize").await?;
    browser.find("[data-testid=rates] option[value=minute]").await?.click().await?;
    browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
    let text = async || Ok(unit.text().await?);
    until("requests per minute", PATIENCE, text, |unit| unit.ends_with(" req/min")).await?;
    assert_eq!(browser.view().await?["rate"], "minute");
    assert!(browser.card("volume").await?.note.ends_with(" req/min"));
    assert_eq!(browser.find(note).await?.text().await?, tokens, "tokens stay per second");
    let overlay = browser.overlay("volume").await?;
    browser.driver().action_chain().move_to_element_center(&overlay).perform().await?;
    let tip = browser.find("[data-graph=volume] .tooltip").await?.text().await?;
    assert!(tip.contains(" req/min") && !tip.contains("req/s"), "{tip}");

    browser.evaluate(RECORD_EXPORTS, Vec::new()).await?;
    browser.choose("volume", "csv").await?;
    let saved = async || browser.evaluate("return window.saved[0]?.[1] ?? ''", Vec::new()).await;
    let csv = until("a file", PATIENCE, saved, |csv| csv.as_str().is_some_and(|csv| !csv.is_empty())).await?;
    assert!(csv.as_str().is_some_and(|csv| csv.starts_with("time,2xx (req/s)")), "{csv}");

    // The browser keeps the unit, and a unit in a link takes precedence.
    let page = browser.driver().current_url().await?.to_string();
    browser.open(&page.replace("rate=minute", "rate=second")).await?;
    browser.live_cards(&["volume"]).await?;
    assert!(browser.card("volume").await?.note.ends_with(" req/s"));
    browser.open(&page.replace("rate=minute", "")).await?;
    until("the unit that was kept", PATIENCE, async || browser.view().await, |view| view.get("rate").is_some()).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_tooltip_stays_within_a_narrow_window() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    browser.show_as(360, 800, Theme::Dark).await?;
    let overlay = browser.overlay("end-to-end-latency").await?;
    overlay.scroll_into_view().await?;
    browser.driver().action_chain().move_to_element_center(&overlay).click().perform().await?;
    let pinned = "[data-graph=end-to-end-latency] .tooltip.here.pinned";
    browser.find(pinned).await?;
    browser.driver().action_chain().move_by_offset(40, 0).perform().await?;
    assert_eq!(browser.count(pinned).await?, 1, "the tooltip stays where it was pinned");
    let outside = "return [...document.querySelectorAll('.tooltip')].map(tip => tip.getBoundingClientRect())
        .filter(place => place.left < 0 || place.right > innerWidth).length";
    assert_eq!(browser.evaluate(outside, Vec::new()).await?, 0);
    overlay.send_keys(Key::Escape).await?;
    until("no tooltip", PATIENCE, async || browser.count(".tooltip").await, |count| *count == 0).await?;
    overlay.send_keys(Key::Left + " ").await?;
    browser.find(pinned).await?;
    let state = async || Ok(browser.find("[data-testid=live] summary").await?.text().await?);
    until("a paused refresh", PATIENCE, state, |state| state.starts_with("Paused")).await?;
    browser.press("unpin").await?;
    until("a resumed refresh", PATIENCE, state, |state| state.starts_with("Live")).await?;
    overlay.send_keys(Key::Left + " ").await?;
    browser.find(pinned).await?;
    browser.driver().action_chain().send_keys("[").perform().await?;
    until("a resumed refresh", PATIENCE, state, |state| state.starts_with("Live")).await?;
    assert_eq!(browser.count(pinned).await?, 0);
    let wide = browser.evaluate("return document.documentElement.scrollWidth - innerWidth", Vec::new()).await?;
    assert_eq!(wide, 0, "nothing is wider than the window");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_graphs_have_reasons() -> Result<()> {
    let stage = Stage::ready().await?;
    let summary = stage.browser.find("[data-testid=absent-graphs] summary").await?;
    summary.click().await?;
    let reasons = async || Ok(stage.browser.find("[data-testid=absent-graphs] dl").await?.text().await?);
    // While the recorded engine restarts, the reason is that no target responds.
    until("a reason that names vLLM", PATIENCE, reasons, |reasons| reasons.contains("vLLM")).await?;
    Ok(())
}

/// A companion with the session in its history, and a browser on its page.
struct Stage {
    _session: Session,
    browser: Browser,
}

impl Stage {
    async fn ready() -> Result<Self> {
        let session = Session::start().await?;
        let browser = Browser::start().await?;
        browser.show_as(1400, 1000, Theme::Light).await?;
        browser.open(&format!("{}/?{VIEW}", session.companion.url())).await?;
        browser.live_cards(&["volume", "end-to-end-latency", "running-and-waiting"]).await?;
        Ok(Self { _session: session, browser })
    }
}

/// A property of the focused element.
async fn focused(browser: &Browser, property: &str) -> Result<String> {
    let value = browser.evaluate(&format!("return document.activeElement.{property}"), Vec::new()).await?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

async fn the_keyboard_operates_the_menu(browser: &Browser) -> Result<()> {
    let button = browser.find("[data-graph=volume] [data-testid=menu]").await?;
    button.focus().await?;
    for open in [Key::Enter + "", Key::Space + ""] {
        button.send_keys(open).await?;
        let first = async || focused(browser, "dataset.action").await;
        until("the first entry", PATIENCE, first, |action| action == "lines").await?;
        let keys = |key: Key| browser.driver().action_chain().send_keys(key + "");
        keys(Key::Up).perform().await?;
        assert_eq!(focused(browser, "dataset.action").await?, "embed");
        keys(Key::Down).perform().await?;
        assert_eq!(focused(browser, "dataset.action").await?, "lines");
        assert_eq!(focused(browser, "role").await?, "menuitemcheckbox");
        keys(Key::Escape).perform().await?;
        assert_eq!(focused(browser, "dataset.testid").await?, "menu", "the focus is back on the button");
        assert_eq!(button.attr("aria-expanded").await?.as_deref(), Some("false"));
    }
    Ok(())
}

async fn details_replace_percentiles(browser: &Browser) -> Result<()> {
    let percentile = "[data-graph=end-to-end-latency] .legend [data-line=p99]";
    browser.find(percentile).await?;
    browser.choose("end-to-end-latency", "details").await?;
    until("no percentiles", PATIENCE, async || browser.count(percentile).await, |count| *count == 0).await?;
    browser.find("[data-graph=end-to-end-latency] .legend [data-line^='127.0.0.1']").await?;
    browser.painted("end-to-end-latency", MIN_PIXELS).await?;
    browser.choose("end-to-end-latency", "details").await?;
    browser.find(percentile).await?;
    Ok(())
}

async fn buckets_become_a_heat_map(browser: &Browser) -> Result<()> {
    browser.choose("end-to-end-latency", "heat-map").await?;
    browser.find("[data-graph=end-to-end-latency] .ramp").await?;
    browser.painted("end-to-end-latency", MIN_PIXELS).await?;
    browser.choose("end-to-end-latency", "heat-map").await?;
    browser.find("[data-graph=end-to-end-latency] .legend [data-line=p99]").await?;
    Ok(())
}

async fn axis_comparison_and_statistics_can_be_toggled(browser: &Browser) -> Result<()> {
    let remark = "[data-graph=running-and-waiting] [data-testid=remark]";
    browser.choose("running-and-waiting", "log").await?;
    assert!(
        browser.find(remark).await?.text().await?.contains("Not shown on a logarithmic axis"),
        "the remark counts the zeros"
    );
    browser.choose("running-and-waiting", "log").await?;
    browser.choose("running-and-waiting", "stacked").await?;
    assert!(browser.find(remark).await?.text().await?.contains("Stacked"));
    browser.choose("running-and-waiting", "stacked").await?;
    browser.choose("running-and-waiting", "compare").await?;
    browser.choose("running-and-waiting", "statistics").await?;
    let row = browser.find("[data-graph=running-and-waiting] [data-testid=statistics] tbody tr").await?;
    assert!(row.text().await?.contains("running"), "{}", row.text().await?);
    browser.choose("running-and-waiting", "statistics").await?;
    browser.choose("running-and-waiting", "compare").await?;
    Ok(())
}

/// Bars count when asked to, in the legend too, and become lines.
async fn bars_count_and_become_lines(browser: &Browser) -> Result<()> {
    let legend = async || Ok(browser.find("[data-graph=volume] .legend tbody").await?.text().await?);
    let canvas = browser.find("[data-graph=volume] .stage canvas").await?;
    let (bars, rates) = (browser.paint(&canvas).await?, legend().await?);
    browser.choose("volume", "counts").await?;
    until("counts in the legend", PATIENCE, legend, |counts| *counts != rates).await?;
    browser.choose("volume", "counts").await?;
    browser.choose("volume", "lines").await?;
    let painted = async || browser.paint(&canvas).await;
    let has_lines = |lines: &Paint| lines.coloured() * 2 < bars.coloured() && lines.coloured() > MIN_PIXELS / 4;
    until("lines in place of bars", PATIENCE, painted, has_lines).await?;
    browser.choose("volume", "lines").await?;
    browser.painted("volume", MIN_PIXELS).await?;
    Ok(())
}

async fn values_are_shown_as_a_table(browser: &Browser) -> Result<()> {
    browser.choose("end-to-end-latency", "table").await?;
    let table = "[data-graph=end-to-end-latency] [data-testid=table]";
    let heads = browser.find(&format!("{table} thead")).await?.text().await?;
    assert!(heads.contains("Time") && heads.contains("p99"), "{heads}");
    assert!(browser.count(&format!("{table} tbody tr")).await? > 10);
    browser.choose("end-to-end-latency", "table").await?;
    browser.painted("end-to-end-latency", MIN_PIXELS).await?;
    Ok(())
}

async fn an_enlarged_card_fills_the_window(browser: &Browser) -> Result<()> {
    browser.choose("volume", "enlarge").await?;
    let canvas = browser.find("dialog[open] .stage canvas").await?;
    let paint = async || browser.paint(&canvas).await;
    until("bars on the enlarged card", PATIENCE, paint, |paint| paint.coloured() > MIN_PIXELS).await?;
    let size = "const { x, y, width, height } = document.querySelector(arguments[0]).getBoundingClientRect(); \
        return [x, y, innerWidth - width, innerHeight - height]";
    let margins = browser.evaluate(size, vec!["dialog[open] > .card".into()]).await?;
    assert_eq!(margins, json!([0, 0, 0, 0]), "the card covers the whole window");
    for _ in 0..2 {
        browser.find("dialog[open] [data-testid=menu]").await?.click().await?;
        assert_eq!(browser.count("dialog[open] [data-action=enlarge]").await?, 0);
        browser.find("dialog[open] [data-action=table]").await?.click().await?;
        assert_eq!(focused(browser, "dataset.testid").await?, "menu");
    }
    for screens in [1, 0] {
        browser.find("dialog[open] [data-testid=full-screen]").await?.click().await?;
        let full_screen = async || browser.count(":fullscreen").await;
        until("the full screen, and then the window", PATIENCE, full_screen, |count| *count == screens).await?;
    }
    browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
    until("a closed dialog", PATIENCE, async || browser.count("dialog[open]").await, |count| *count == 0).await?;
    assert_eq!(focused(browser, "dataset.testid").await?, "menu");
    Ok(())
}
