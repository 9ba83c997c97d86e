//! Every control of a card over a recorded session, by pointer and by keyboard, and what becomes of its picture.
use inferboard_tests::{Browser, Companion, PATIENCE, Paint, Result, Session, StaticHost, Theme, now_ms, until};
use serde_json::{Value, json};
use thirtyfour::Key;

const VIEW: &str = "section=requests&from=now-2m&every=1s";
const MIN_PIXELS: u64 = 100;

/// Keeps what the page copies and saves, where the test can read it: a headless browser has no clipboard to share.
const CATCH: &str = "
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
async fn the_menu_shows_a_graph_in_every_way() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    the_keyboard_opens_walks_and_closes(browser).await?;
    details_take_the_place_of_percentiles(browser).await?;
    buckets_become_a_heat_map(browser).await?;
    axis_comparison_and_statistics_are_switched(browser).await?;
    values_become_a_table(browser).await?;
    a_card_fills_the_window(browser).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn data_are_taken_along() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    browser.evaluate(CATCH, Vec::new()).await?;
    browser.choose("volume", "copy-query").await?;
    browser.choose("volume", "csv").await?;
    let named = browser.evaluate("return window.named", Vec::new()).await?;
    assert!(named.as_str().is_some_and(|name| name.starts_with("volume-") && name.ends_with(".csv")), "{named}");
    browser.choose("volume", "png").await?;
    let copied = async || browser.evaluate("return window.copied", Vec::new()).await;
    let copied = until("a copied text", PATIENCE, copied, |copied| copied[0].is_string()).await?;
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

/// Paints the last picture that was saved on a canvas that only a test sees.
const DECODE: &str = "
    createImageBitmap(window.blobs.at(-1)).then(picture => {
        const canvas = document.createElement('canvas');
        [canvas.id, canvas.width, canvas.height] = ['decoded', picture.width, picture.height];
        canvas.getContext('2d').drawImage(picture, 0, 0);
        document.body.append(canvas);
    });";
/// Colours of the light theme: the first line's, and that of limits.
const RUNNING: &str = "2f6febff";
const LIMIT: &str = "c2291fff";

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_what_its_menu_says_and_is_saved_as_it_is() -> Result<()> {
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
        // A curve that is straight on a logarithmic axis, or the areas below, are more than another label or two.
        assert!(plain.coloured().abs_diff(other.coloured()) > 20, "{} {}", plain.coloured(), other.coloured());
        browser.choose(GRAPH, action).await?;
        until("the graph of before", PATIENCE, paint, |paint| *paint == plain).await?;
    }
    let limit = format!("[data-graph={GRAPH}] .legend [data-line=limit]");
    assert!(browser.find(&limit).await?.text().await?.contains("400"), "a limit has its name and value below");
    browser.find(&limit).await?.click().await?;
    until("no limit", PATIENCE, paint, |paint| !has(LIMIT)(paint)).await?;
    browser.find(&limit).await?.click().await?;
    until("the graph of before", PATIENCE, paint, |paint| *paint == plain).await?;

    browser.evaluate(CATCH, Vec::new()).await?;
    browser.choose(GRAPH, "png").await?;
    let saved = async || browser.evaluate("return window.saved[0] ?? []", Vec::new()).await;
    let saved = until("a file", PATIENCE, saved, |saved| saved[1].is_string()).await?;
    assert_eq!(saved[0], "image/png");
    // What browsers call Latin 1 has a sign of its own for 0x89.
    assert!(saved[1].as_str().is_some_and(|bytes| bytes.starts_with("‰PNG\r\n\u{1a}\n")), "its first bytes");
    browser.evaluate(DECODE, Vec::new()).await?;
    let decoded = browser.paint(&browser.find("#decoded").await?).await?;
    for colour in [RUNNING, LIMIT] {
        // Lines as on the page, and a swatch of each in its legend.
        assert!(decoded.colours.get(colour) >= plain.colours.get(colour), "{colour}: {decoded:?}");
    }
    assert!(decoded.ink() > plain.ink(), "the title and the names are on it too");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Names, counts and shares of the boxes, and the lines of the legend.
const SUMMARY: &str = "const card = document.querySelector('[data-graph=volume]');
    return [[...card.querySelectorAll('[data-testid=boxes] dd')].map(box =>
        [box.dataset.box, box.querySelector('b').textContent, box.querySelector('small').textContent]),
        [...card.querySelectorAll('.legend [data-line]')].map(line => line.dataset.line)];";

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_told_by_class_with_shares_and_by_single_code() -> Result<()> {
    let target = StaticHost::start()?;
    // Of ten more requests one was not found, and one found nobody at work.
    let counted = |count: u32| {
        let counts = [("200", 8 * count), ("404", count), ("503", count)].map(|(status, count)| {
            format!("http_requests_total{{handler=\"/v1/completions\",method=\"POST\",status=\"{status}\"}} {count}\n")
        });
        let running = "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{model_name=\"m\"} 1\n";
        target.put("/metrics", format!("{running}# TYPE http_requests_total counter\n{}", counts.concat()));
    };
    counted(0);
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &url]).await?;
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&from=now-1m&every=1s", companion.url())).await?;
    let mut count = 0;
    let told = async || {
        count += 10;
        counted(count);
        browser.evaluate(SUMMARY, Vec::new()).await
    };
    let number = |text: &Value, unit: &str| -> Option<f64> {
        text.as_str()?.trim_end_matches(unit).trim().replace(',', "").parse().ok()
    };
    let has_counts = |told: &Value| told[0][2].is_array() && number(&told[0][2][1], "") > Some(50.0);
    let told = until("boxes of three classes", PATIENCE, told, has_counts).await?;
    let boxes = told[0].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = boxes.iter().filter_map(|one| one[0].as_str()).collect();
    assert_eq!(names, ["2xx", "4xx", "5xx"], "{told}");
    let total: f64 = boxes.iter().filter_map(|one| number(&one[1], "")).sum();
    for (one, expected) in boxes.iter().zip([80.0, 10.0, 10.0]) {
        let (count, share) = (number(&one[1], "").unwrap_or(0.0), number(&one[2], "%").unwrap_or(0.0));
        assert!((share - 100.0 * count / total).abs() < 0.6, "{told}");
        assert!((share - expected).abs() < 2.0, "{told}");
    }
    assert_eq!(told[1], serde_json::json!(["2xx", "4xx", "5xx"]));
    browser.choose("volume", "details").await?;
    let told = async || browser.evaluate(SUMMARY, Vec::new()).await;
    let codes = until("single codes", PATIENCE, told, |told| told[1] == serde_json::json!(["200", "404", "503"]));
    assert_eq!(codes.await?[0][1][0], "4xx", "the boxes stay with classes");
    let meaning = browser.find("[data-graph=volume] .legend [data-line='503']").await?.attr("title").await?;
    assert!(meaning.is_some_and(|meaning| meaning.starts_with("503: Service unavailable")));
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_the_minute_where_one_wants_that() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    browser.press("refresh").await?;
    let unit = browser.find("[data-graph=volume] .unit").await?;
    assert_eq!(unit.text().await?, "req/s");
    let note = "[data-graph=tokens-per-second] .now";
    let tokens = browser.find(note).await?.text().await?;
    browser.press("customize").await?;
    browser.find("[data-testid=rates] option[value=minute]").await?.click().await?;
    browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
    let text = async || Ok(unit.text().await?);
    until("requests per minute", PATIENCE, text, |unit| unit == "req/min").await?;
    assert_eq!(browser.view().await?["rate"], "minute");
    assert!(browser.card("volume").await?.note.ends_with(" req/min"));
    assert_eq!(browser.find(note).await?.text().await?, tokens, "tokens stay by the second");
    let overlay = browser.overlay("volume").await?;
    browser.driver().action_chain().move_to_element_center(&overlay).perform().await?;
    let tip = browser.find("[data-graph=volume] .tooltip").await?.text().await?;
    assert!(tip.contains(" req/min") && !tip.contains("req/s"), "{tip}");

    browser.evaluate(CATCH, Vec::new()).await?;
    browser.choose("volume", "csv").await?;
    let saved = async || browser.evaluate("return window.saved[0]?.[1] ?? ''", Vec::new()).await;
    let csv = until("a file", PATIENCE, saved, |csv| csv.as_str().is_some_and(|csv| !csv.is_empty())).await?;
    assert!(csv.as_str().is_some_and(|csv| csv.starts_with("time,2xx (req/s)")), "{csv}");

    // The choice is that of the person, and a link's goes before it.
    let page = browser.driver().current_url().await?.to_string();
    browser.open(&page.replace("rate=minute", "rate=second")).await?;
    browser.live_cards(&["volume"]).await?;
    assert_eq!(browser.find("[data-graph=volume] .unit").await?.text().await?, "req/s");
    browser.open(&page.replace("rate=minute", "")).await?;
    until("the choice", PATIENCE, async || browser.view().await, |view| view.get("rate").is_some()).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tooltip_is_pinned_and_stays_in_a_narrow_window() -> Result<()> {
    let stage = Stage::ready().await?;
    let browser = &stage.browser;
    browser.show_as(360, 800, Theme::Dark).await?;
    let overlay = browser.overlay("end-to-end-latency").await?;
    overlay.scroll_into_view().await?;
    browser.driver().action_chain().move_to_element_center(&overlay).click().perform().await?;
    let pinned = "[data-graph=end-to-end-latency] .tooltip.here.pinned";
    browser.find(pinned).await?;
    browser.driver().action_chain().move_by_offset(40, 0).perform().await?;
    assert_eq!(browser.count(pinned).await?, 1, "it stays where it was pinned");
    let outside = "return [...document.querySelectorAll('.tooltip')].map(tip => tip.getBoundingClientRect())
        .filter(place => place.left < 0 || place.right > innerWidth).length";
    assert_eq!(browser.evaluate(outside, Vec::new()).await?, 0);
    overlay.send_keys(Key::Escape).await?;
    until("the pin freed", PATIENCE, async || browser.count(".tooltip").await, |count| *count == 0).await?;
    overlay.send_keys(Key::Left + " ").await?;
    browser.find(pinned).await?;
    let told = async || Ok(browser.find("[data-testid=updated]").await?.text().await?);
    until("that what is read is held", PATIENCE, told, |told| told.starts_with("paused, ")).await?;
    browser.press("earlier").await?;
    until("new data, with nothing pinned", PATIENCE, told, |told| !told.starts_with("paused")).await?;
    assert_eq!(browser.count(pinned).await?, 0);
    let wide = browser.evaluate("return document.documentElement.scrollWidth - innerWidth", Vec::new()).await?;
    assert_eq!(wide, 0, "nothing is wider than the window");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_says_why() -> Result<()> {
    let stage = Stage::ready().await?;
    let summary = stage.browser.find("[data-testid=absent-graphs] summary").await?;
    summary.click().await?;
    let told = async || Ok(stage.browser.find("[data-testid=absent-graphs] dl").await?.text().await?);
    // While the recorded engine starts again, the reason is that nobody answers.
    until("what vLLM does not tell", PATIENCE, told, |told| told.contains("vLLM")).await?;
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

/// What the focused element says of itself.
async fn focused(browser: &Browser, property: &str) -> Result<String> {
    let found = browser.evaluate(&format!("return document.activeElement.{property}"), Vec::new()).await?;
    Ok(found.as_str().unwrap_or_default().to_owned())
}

async fn the_keyboard_opens_walks_and_closes(browser: &Browser) -> Result<()> {
    let button = browser.find("[data-graph=volume] [data-testid=menu]").await?;
    button.focus().await?;
    for open in [Key::Enter + "", Key::Space + ""] {
        button.send_keys(open).await?;
        let first = async || focused(browser, "dataset.action").await;
        until("the first entry", PATIENCE, first, |action| action == "details").await?;
        let keys = |key: Key| browser.driver().action_chain().send_keys(key + "");
        keys(Key::Up).perform().await?;
        assert_eq!(focused(browser, "dataset.action").await?, "embed");
        keys(Key::Down).perform().await?;
        assert_eq!(focused(browser, "dataset.action").await?, "details");
        assert_eq!(focused(browser, "role").await?, "menuitemcheckbox");
        keys(Key::Escape).perform().await?;
        assert_eq!(focused(browser, "dataset.testid").await?, "menu", "the focus is back on the button");
        assert_eq!(button.attr("aria-expanded").await?.as_deref(), Some("false"));
    }
    Ok(())
}

async fn details_take_the_place_of_percentiles(browser: &Browser) -> Result<()> {
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

async fn axis_comparison_and_statistics_are_switched(browser: &Browser) -> Result<()> {
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

async fn values_become_a_table(browser: &Browser) -> Result<()> {
    browser.choose("end-to-end-latency", "table").await?;
    let table = "[data-graph=end-to-end-latency] [data-testid=table]";
    let heads = browser.find(&format!("{table} thead")).await?.text().await?;
    assert!(heads.contains("Time") && heads.contains("p99"), "{heads}");
    assert!(browser.count(&format!("{table} tbody tr")).await? > 10);
    browser.choose("end-to-end-latency", "table").await?;
    browser.painted("end-to-end-latency", MIN_PIXELS).await?;
    Ok(())
}

async fn a_card_fills_the_window(browser: &Browser) -> Result<()> {
    browser.choose("volume", "enlarge").await?;
    let canvas = browser.find("dialog[open] .stage canvas").await?;
    let paint = async || browser.paint(&canvas).await;
    until("bars on the whole window", PATIENCE, paint, |paint| paint.coloured() > MIN_PIXELS).await?;
    let size = "const { x, y, width, height } = document.querySelector(arguments[0]).getBoundingClientRect(); \
        return [x, y, innerWidth - width, innerHeight - height]";
    let beside = browser.evaluate(size, vec!["dialog[open] > .card".into()]).await?;
    assert_eq!(beside, json!([0, 0, 0, 0]), "nothing of the page is left beside it");
    for _ in 0..2 {
        browser.find("dialog[open] [data-testid=menu]").await?.click().await?;
        assert_eq!(browser.count("dialog[open] [data-action=enlarge]").await?, 0);
        browser.find("dialog[open] [data-action=table]").await?.click().await?;
        assert_eq!(focused(browser, "dataset.testid").await?, "menu");
    }
    for screens in [1, 0] {
        browser.find("dialog[open] [data-testid=full-screen]").await?.click().await?;
        let whole = async || browser.count(":fullscreen").await;
        until("the whole screen, and the window again", PATIENCE, whole, |count| *count == screens).await?;
    }
    browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
    until("the dialog closed", PATIENCE, async || browser.count("dialog[open]").await, |count| *count == 0).await?;
    assert_eq!(focused(browser, "dataset.testid").await?, "menu");
    Ok(())
}
