//! Hostile label values, names and buckets: no code in them runs, and each is kept exactly.
use inferboard_tests::{Browser, Companion, PATIENCE, Result, StaticHost, Theme, skipped, until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Strings that break naive programs, and strings that inject scripts into naive pages.
const CORPORA: [&str; 2] = ["hostile_blns_label_values.prom", "hostile_xss_label_values.prom"];
/// Names of metrics and labels that are possible only since UTF-8 names.
const NAMES: &str = "hostile_utf8_names.prom";
/// Buckets whose bounds are not numbers.
const BUCKETS: &str = "hostile_le_labels.prom";
/// The histogram that replaces the one of the corpus, so that a card draws it.
const HISTOGRAM: &str = "vllm:e2e_request_latency_seconds";
/// The number of lines on a card; more are drawn as a band.
const LINES: usize = 40;
/// The number of cards with hostile lines that are tested, spread evenly over the values.
const BATCHES: usize = 10;

/// Records the effects of a successful attack. It runs before any script of the page.
const RECORD_ATTACKS: &str = "window.traces = []; \
    for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = () => { window.traces.push(name); }; \
    addEventListener('error', event => window.traces.push(String(event.message))); \
    const make = URL.createObjectURL; \
    URL.createObjectURL = blob => { blob.text().then(text => { window.saved = text; }); return make(blob); }; \
    HTMLAnchorElement.prototype.click = function () {};";

/// Returns the traces of a successful attack.
const FIND_ATTACKS: &str = "return [window.traces, window.__xss === undefined, \
    document.querySelectorAll('script:not([src]), iframe, img, object, embed, base, form:not(.note form), svg:not(.icon, .spark, .noted), [onerror], [onload], [onclick], \
    [onmouseover], [onfocus], a[href^=\"javascript\" i]').length];";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_label_values_run_no_code_and_are_shown_exactly() -> Result<()> {
    let Some(values) = corpora() else {
        skipped("the corpora of hostile label values are missing, so the page is not attacked");
        return Ok(());
    };
    assert!(values.len() > 8000, "{}", values.len());
    let target = StaticHost::start()?;
    target.put("/metrics", metrics_page(&values));
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "5s", "--target", url.as_str()]).await?;
    let stored =
        async || companion.api().value("count(count_over_time(vllm:num_requests_running[1m]) > 1)", None).await;
    until("two scrapes of each value", PATIENCE, stored, |count| *count as usize >= values.len()).await?;
    let browser = Browser::start().await?;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": RECORD_ATTACKS })).await?;
    browser.show_as(1400, 1000, Theme::Light).await?;

    every_value_can_be_selected(&browser, companion.url(), &values).await?;
    for batch in batches(&values) {
        a_card_shows_hostile_lines(&browser, companion.url(), batch, &values).await?;
    }
    for value in values.iter().step_by(values.len() / 8) {
        a_link_keeps_the_value(&browser, companion.url(), value).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_and_buckets_run_no_code_and_are_stored_exactly() -> Result<()> {
    let (Some(names), Some(buckets)) = (corpus(NAMES), corpus(BUCKETS)) else {
        skipped("the corpora of hostile names and buckets are missing, so the page is not attacked");
        return Ok(());
    };
    let target = StaticHost::start()?;
    let count = std::cell::Cell::new(0);
    // Rising counters give the page something to draw, and a metric of an engine gives it a card.
    let serve_next = || {
        count.set(count.get() + 5);
        let rising: String = buckets.replace("evil", HISTOGRAM).lines().fold(String::new(), |mut text, line| {
            match line.rsplit_once(' ').and_then(|(series, value)| Some((series, value.parse::<i64>().ok()?))) {
                Some((series, value)) => {
                    let _ = writeln!(text, "{series} {}", value * count.get());
                }
                None => {
                    let _ = writeln!(text, "{line}");
                }
            }
            text
        });
        let engine = "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 1\n";
        target.put("/metrics", format!("{engine}{rising}{names}"));
    };
    serve_next();
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "1s", "--target", url.as_str()]).await?;
    let api = companion.api();
    let stored = async || api.value(&format!("max({HISTOGRAM}_count)"), None).await;
    until(
        "several scrapes",
        PATIENCE,
        async || {
            serve_next();
            stored().await
        },
        |count| *count > 60.0,
    )
    .await?;
    names_are_stored_exactly(&companion, &names).await?;
    let bounds = api.vector(&format!("{HISTOGRAM}_bucket"), None).await?;
    let bounds: BTreeSet<String> = bounds.iter().filter_map(|series| series.metric.get("le").cloned()).collect();
    let sent = |line: &str| Some(unescaped(line.split_once("le=\"")?.1.rsplit_once("\"}")?.0));
    assert_eq!(bounds, buckets.lines().filter_map(sent).collect());

    let browser = Browser::start().await?;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": RECORD_ATTACKS })).await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    for card in ["", "&card=end-to-end-latency.heat-map", "&card=end-to-end-latency.table"] {
        browser.open(&format!("{}/?section=requests&from=now-5m&refresh=off{card}", companion.url())).await?;
        let status = async || Ok(browser.card("end-to-end-latency").await?.status);
        until("the buckets", PATIENCE, status, |status| status == "live").await?;
        browser.find("[data-graph=end-to-end-latency] [data-testid=help]").await?.click().await?;
        assert_unharmed(&browser, card).await?;
    }
    for section in ["engine", "hardware", "replicas"] {
        browser.open(&format!("{}/?section={section}&from=now-5m", companion.url())).await?;
        browser.find("[data-testid=absent-graphs] summary").await?;
        // Cards that get lines would move it away from the pointer.
        browser.evaluate("document.querySelector('[data-testid=absent-graphs]').open = true", Vec::new()).await?;
        assert_unharmed(&browser, section).await?;
    }
    Ok(())
}

/// Checks that every metric name of the corpus, and every name of its labels, is stored exactly.
async fn names_are_stored_exactly(companion: &Companion, names: &str) -> Result<()> {
    let sent = |line: &str| {
        let (name, rest) = line.strip_prefix("{\"")?.split_once("\",i=\"")?;
        let (number, rest) = rest.split_once("\",\"")?;
        Some((number.to_owned(), (unescaped(name), unescaped(rest.rsplit_once("\"=\"1\"}")?.0))))
    };
    let sent: BTreeMap<String, (String, String)> = names.lines().filter_map(sent).collect();
    assert!(sent.len() > 1400, "{}", sent.len());
    let mut stored = BTreeMap::new();
    for series in companion.api().vector("{i=~\".+\"}", None).await? {
        let name = series.metric.get("__name__").cloned().unwrap_or_default();
        let expected = sent.get(series.metric.get("i").map_or("", String::as_str)).map(|(_, label)| label.as_str());
        let label = expected.filter(|expected| series.metric.get(*expected).is_some_and(|value| value == "1"));
        stored.insert(series.metric["i"].clone(), (name, label.unwrap_or_default().to_owned()));
    }
    let lost: Vec<_> = sent.iter().filter(|(number, names)| stored.get(*number) != Some(names)).collect();
    assert!(lost.is_empty(), "{} of {}: {:?}", lost.len(), sent.len(), lost.first());
    Ok(())
}

fn corpus(name: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/derived").join(name)).ok()
}

/// The distinct values of all corpora, or `None` when a corpus is missing.
fn corpora() -> Option<Vec<String>> {
    let mut values = BTreeSet::new();
    for name in CORPORA {
        let text = corpus(name)?;
        values.extend(text.lines().filter_map(|line| {
            let (_, rest) = line.split_once(",v=\"")?;
            Some(unescaped(rest.rsplit_once("\"}")?.0))
        }));
    }
    // A model without a name cannot be selected.
    values.remove("");
    Some(values.into_iter().collect())
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            (other, false) => plain.push(other),
        }
    }
    plain
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The index of the first value of each batch; batches are spread evenly over the values.
fn batches(values: &[String]) -> impl Iterator<Item = usize> {
    (0..BATCHES).map(|batch| batch * (values.len() - LINES) / BATCHES)
}

/// The metrics page of an engine with a model for each value, and for each batch a model with hostile finish reasons.
fn metrics_page(values: &[String]) -> String {
    let mut text = String::from("# TYPE vllm:num_requests_running gauge\n");
    for value in values {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "vllm:num_requests_running{{model_name=\"{}\"}} 1", escaped(value));
    }
    text.push_str("# TYPE vllm:request_success_total counter\n");
    for batch in batches(values) {
        for (at, value) in values[batch..batch + LINES].iter().enumerate() {
            let value = escaped(value);
            let _ = writeln!(
                text,
                "vllm:request_success_total{{model_name=\"batch {batch}\",finished_reason=\"{value}\"}} {at}"
            );
        }
    }
    text
}

async fn assert_unharmed(browser: &Browser, what: &str) -> Result<()> {
    let traces = browser.evaluate(FIND_ATTACKS, Vec::new()).await?;
    assert_eq!(traces, json!([[], true, 0]), "{what}");
    assert_eq!(browser.complaints().await?, Vec::<String>::new(), "{what}");
    Ok(())
}

/// The distinct texts that a script returns.
async fn texts(browser: &Browser, script: &str) -> Result<BTreeSet<String>> {
    let texts = browser.evaluate(script, Vec::new()).await?;
    Ok(texts.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
}

async fn every_value_can_be_selected(browser: &Browser, url: &str, values: &[String]) -> Result<()> {
    browser.open(&format!("{url}/?section=engine")).await?;
    let options = "return [...document.querySelectorAll('[data-testid=model] option')].map(option => option.value)";
    let shown = async || Ok(texts(browser, options).await?.len());
    until("all models", PATIENCE, shown, |count| *count > values.len()).await?;
    let missing = async |script: &str| -> Result<Vec<&String>> {
        let shown = texts(browser, script).await?;
        Ok(values.iter().filter(|value| !shown.contains(*value)).collect())
    };
    assert_eq!(missing(options).await?, Vec::<&String>::new());
    let texts_of_options =
        "return [...document.querySelectorAll('[data-testid=model] option')].map(option => option.textContent)";
    assert_eq!(missing(texts_of_options).await?, Vec::<&String>::new());
    assert_unharmed(browser, "all models").await
}

async fn a_card_shows_hostile_lines(browser: &Browser, url: &str, batch: usize, values: &[String]) -> Result<()> {
    browser.open(&format!("{url}/?section=engine&model=batch%20{batch}")).await?;
    let card = "[data-graph=finish-reasons]";
    browser.find(&format!("{card} .legend button")).await?;
    let expected: BTreeSet<String> = values[batch..batch + LINES].iter().cloned().collect();
    let missing = |shown: &BTreeSet<String>| expected.difference(shown).cloned().collect::<Vec<_>>();
    let legend = "return [...document.querySelectorAll('[data-graph=finish-reasons] .legend .name')].map(name => name.textContent)";
    let shown = async || Ok(missing(&texts(browser, legend).await?));
    until("all lines in the legend", PATIENCE, shown, Vec::is_empty).await?;
    let overlay = browser.overlay("finish-reasons").await?;
    browser.driver().action_chain().move_to_element_center(&overlay).perform().await?;
    browser.find(&format!("{card} [data-testid=help]")).await?.click().await?;
    browser.choose("finish-reasons", "table").await?;
    browser.find(&format!("{card} [data-testid=table] th")).await?;
    let heads = "return [...document.querySelectorAll('[data-graph=finish-reasons] [data-testid=table] thead th')].map(head => head.textContent)";
    assert_eq!(missing(&texts(browser, heads).await?), Vec::<String>::new());
    browser.choose("finish-reasons", "csv").await?;
    let saved = async || browser.evaluate("return window.saved ?? ''", Vec::new()).await;
    let csv = until("a file", PATIENCE, saved, |saved| saved.as_str().is_some_and(|csv| !csv.is_empty())).await?;
    let columns: BTreeSet<String> = first_row(csv.as_str().unwrap_or_default())
        .iter()
        .filter_map(|cell| Some(unguarded(cell.strip_suffix(" (req/s)")?)))
        .collect();
    assert_eq!(missing(&columns), Vec::<String>::new());
    assert_unharmed(browser, &format!("the lines from value {batch} on")).await
}

/// The cells of the first row of a CSV file, by RFC 4180.
fn first_row(csv: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    let mut characters = csv.chars().peekable();
    while let Some(character) = characters.next() {
        let cell = cells.len() - 1;
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => cells[cell].extend(characters.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            '\r' | '\n' if !is_quoted => break,
            other => cells[cell].push(other),
        }
    }
    cells
}

/// The text without the apostrophe that keeps a spreadsheet from reading it as a formula. Fails where one is missing.
fn unguarded(text: &str) -> String {
    const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
    match text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)) {
        Some(rest) => rest.to_owned(),
        None => {
            assert!(!text.starts_with(FORMULA), "{text:?}");
            text.to_owned()
        }
    }
}

async fn a_link_keeps_the_value(browser: &Browser, url: &str, value: &str) -> Result<()> {
    let link = reqwest::Url::parse_with_params(url, [("section", "requests"), ("model", value)]);
    let link = link.map_err(|error| inferboard_tests::FixtureError::Page(error.to_string()))?;
    browser.open(link.as_str()).await?;
    let selected = "return document.querySelector('[data-testid=model]')?.value ?? \
        document.querySelector('[data-testid=model] select')?.value ?? null";
    let selected_model = async || browser.evaluate(selected, Vec::new()).await;
    until(value, PATIENCE, selected_model, |selected_model| selected_model.as_str() == Some(value)).await?;
    // The page rewrites its address.
    browser.press("refresh").await?;
    let view = browser.view().await?;
    assert_eq!(
        (view.get("model").map(String::as_str), view.get("refresh").map(String::as_str)),
        (Some(value), Some("off"))
    );
    // The browser folds white space and control characters in a title.
    let is_folded = |character: char| character.is_whitespace() || character.is_control();
    let folded = |text: &str| {
        let words = text.split(is_folded).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    };
    let title = browser.evaluate("return document.title", Vec::new()).await?;
    assert_eq!(folded(title.as_str().unwrap_or_default()), folded(&format!("{value} – Inferboard")));
    assert_unharmed(browser, value).await
}
