//! Label values that attack whoever shows them: nothing of them runs, and each reads back as it is.
use inferboard_tests::{Browser, Companion, PATIENCE, Result, StaticHost, Theme, skipped, until};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

/// The strings that break naive programs, and those that break naive pages.
const CORPORA: [&str; 2] = ["hostile_blns_label_values.prom", "hostile_xss_label_values.prom"];
/// Names of metrics and labels that no program before UTF-8 names has seen.
const NAMES: &str = "hostile_utf8_names.prom";
/// Buckets whose ends are no numbers.
const BUCKETS: &str = "hostile_le_labels.prom";
/// The histogram that takes the place of the corpus's own, so that cards are drawn of it.
const HISTOGRAM: &str = "vllm:e2e_request_latency_seconds";
/// Lines on one card; more are drawn as a band.
const LINES: usize = 40;
/// Cards of hostile lines looked at, evenly through the values.
const BATCHES: usize = 10;

/// Notes what an attack that works would do, before any script of the page runs.
const TRAP: &str = "window.sprung = []; \
    for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = () => { window.sprung.push(name); }; \
    addEventListener('error', event => window.sprung.push(String(event.message))); \
    const make = URL.createObjectURL; \
    URL.createObjectURL = blob => { blob.text().then(text => { window.saved = text; }); return make(blob); }; \
    HTMLAnchorElement.prototype.click = function () {};";

/// What an attack that works would leave.
const SPRUNG: &str = "return [window.sprung, window.__xss === undefined, \
    document.querySelectorAll('script:not([src]), iframe, img, object, embed, base, form, svg, [onerror], [onload], [onclick], \
    [onmouseover], [onfocus], a[href^=\"javascript\" i]').length];";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_label_values_run_nothing_and_read_back_exactly() -> Result<()> {
    let Some(values) = corpora() else {
        skipped("the corpora of hostile label values are not there, so the page is not attacked");
        return Ok(());
    };
    assert!(values.len() > 8000, "{}", values.len());
    let target = StaticHost::start()?;
    target.put("/metrics", page(&values));
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "5s", "--target", url.as_str()]).await?;
    let stored =
        async || companion.api().value("count(count_over_time(vllm:num_requests_running[1m]) > 1)", None).await;
    until("two scrapes of each value", PATIENCE, stored, |count| *count as usize >= values.len()).await?;
    let browser = Browser::start().await?;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": TRAP })).await?;
    browser.show_as(1400, 1000, Theme::Light).await?;

    every_value_can_be_selected(&browser, companion.url(), &values).await?;
    for batch in batches(&values) {
        a_card_shows_its_lines(&browser, companion.url(), batch, &values).await?;
    }
    for value in values.iter().step_by(values.len() / 8) {
        a_link_holds_it(&browser, companion.url(), value).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_and_buckets_run_nothing_and_are_kept_exactly() -> Result<()> {
    let (Some(names), Some(buckets)) = (corpus(NAMES), corpus(BUCKETS)) else {
        skipped("the corpora of hostile names and buckets are not there, so the page is not attacked");
        return Ok(());
    };
    let target = StaticHost::start()?;
    let count = std::cell::Cell::new(0);
    // Counters that rise, so that there is something to draw; an engine, so that there is a card.
    let more = || {
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
    more();
    let url = format!("{}/metrics", target.origin());
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "1s", "--target", url.as_str()]).await?;
    let api = companion.api();
    let stored = async || api.value(&format!("max({HISTOGRAM}_count)"), None).await;
    until(
        "several scrapes",
        PATIENCE,
        async || {
            more();
            stored().await
        },
        |count| *count > 60.0,
    )
    .await?;
    names_are_kept(&companion, &names).await?;
    let ends = api.vector(&format!("{HISTOGRAM}_bucket"), None).await?;
    let ends: BTreeSet<String> = ends.iter().filter_map(|series| series.metric.get("le").cloned()).collect();
    let sent = |line: &str| Some(unescaped(line.split_once("le=\"")?.1.rsplit_once("\"}")?.0));
    assert_eq!(ends, buckets.lines().filter_map(sent).collect());

    let browser = Browser::start().await?;
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": TRAP })).await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    for card in ["", "&card=end-to-end-latency.heat-map", "&card=end-to-end-latency.table"] {
        browser.open(&format!("{}/?section=requests&from=now-5m&refresh=off{card}", companion.url())).await?;
        let status = async || Ok(browser.card("end-to-end-latency").await?.status);
        until("the buckets", PATIENCE, status, |status| status == "live").await?;
        browser.find("[data-graph=end-to-end-latency] [data-testid=help]").await?.click().await?;
        unharmed(&browser, card).await?;
    }
    for section in ["engine", "hardware", "replicas"] {
        browser.open(&format!("{}/?section={section}&from=now-5m", companion.url())).await?;
        browser.find("[data-testid=absent-graphs] summary").await?.click().await?;
        unharmed(&browser, section).await?;
    }
    Ok(())
}

/// Every name of the corpus, of a metric and of its odd label, reads back as it is.
async fn names_are_kept(companion: &Companion, names: &str) -> Result<()> {
    let sent = |line: &str| {
        let (name, rest) = line.strip_prefix("{\"")?.split_once("\",i=\"")?;
        let (number, rest) = rest.split_once("\",\"")?;
        Some((number.to_owned(), (unescaped(name), unescaped(rest.rsplit_once("\"=\"1\"}")?.0))))
    };
    let sent: BTreeMap<String, (String, String)> = names.lines().filter_map(sent).collect();
    assert!(sent.len() > 1400, "{}", sent.len());
    let mut kept = BTreeMap::new();
    for series in companion.api().vector("{i=~\".+\"}", None).await? {
        let name = series.metric.get("__name__").cloned().unwrap_or_default();
        let own = sent.get(series.metric.get("i").map_or("", String::as_str)).map(|(_, label)| label.as_str());
        let label = own.filter(|own| series.metric.get(*own).is_some_and(|value| value == "1"));
        kept.insert(series.metric["i"].clone(), (name, label.unwrap_or_default().to_owned()));
    }
    let lost: Vec<_> = sent.iter().filter(|(number, names)| kept.get(*number) != Some(names)).collect();
    assert!(lost.is_empty(), "{} of {}: {:?}", lost.len(), sent.len(), lost.first());
    Ok(())
}

fn corpus(name: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/derived").join(name)).ok()
}

/// The values of all corpora, each once; none where a corpus is absent.
fn corpora() -> Option<Vec<String>> {
    let mut values = BTreeSet::new();
    for name in CORPORA {
        let text = corpus(name)?;
        values.extend(text.lines().filter_map(|line| {
            let (_, rest) = line.split_once(",v=\"")?;
            Some(unescaped(rest.rsplit_once("\"}")?.0))
        }));
    }
    // The model of a target without a name is no value to be selected.
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

/// Evenly chosen stretches of the values, by their index.
fn batches(values: &[String]) -> impl Iterator<Item = usize> {
    (0..BATCHES).map(|batch| batch * (values.len() - LINES) / BATCHES)
}

/// An engine with a model of each name, and for each stretch a model whose requests end for hostile reasons.
fn page(values: &[String]) -> String {
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

async fn unharmed(browser: &Browser, what: &str) -> Result<()> {
    let sprung = browser.evaluate(SPRUNG, Vec::new()).await?;
    assert_eq!(sprung, json!([[], true, 0]), "{what}");
    assert_eq!(browser.complaints().await?, Vec::<String>::new(), "{what}");
    Ok(())
}

/// The texts that a script collects.
async fn texts(browser: &Browser, script: &str) -> Result<BTreeSet<String>> {
    let texts = browser.evaluate(script, Vec::new()).await?;
    Ok(texts.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
}

async fn every_value_can_be_selected(browser: &Browser, board: &str, values: &[String]) -> Result<()> {
    browser.open(&format!("{board}/?section=engine")).await?;
    let options = "return [...document.querySelectorAll('[data-testid=model] option')].map(option => option.value)";
    let shown = async || Ok(texts(browser, options).await?.len());
    until("all models", PATIENCE, shown, |count| *count > values.len()).await?;
    let missing = async |script: &str| -> Result<Vec<&String>> {
        let shown = texts(browser, script).await?;
        Ok(values.iter().filter(|value| !shown.contains(*value)).collect())
    };
    assert_eq!(missing(options).await?, Vec::<&String>::new());
    let written =
        "return [...document.querySelectorAll('[data-testid=model] option')].map(option => option.textContent)";
    assert_eq!(missing(written).await?, Vec::<&String>::new());
    unharmed(browser, "all models").await
}

async fn a_card_shows_its_lines(browser: &Browser, board: &str, batch: usize, values: &[String]) -> Result<()> {
    browser.open(&format!("{board}/?section=engine&model=batch%20{batch}")).await?;
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
    let named: BTreeSet<String> = first_row(csv.as_str().unwrap_or_default())
        .iter()
        .filter_map(|cell| Some(unguarded(cell.strip_suffix(" (req/s)")?)))
        .collect();
    assert_eq!(missing(&named), Vec::<String>::new());
    unharmed(browser, &format!("the lines from value {batch} on")).await
}

/// The cells of the first row of a CSV file, as RFC 4180 says.
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

/// The text behind the mark that keeps a spreadsheet from taking it for a formula; who has none must not need one.
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

async fn a_link_holds_it(browser: &Browser, board: &str, value: &str) -> Result<()> {
    let link = reqwest::Url::parse_with_params(board, [("section", "requests"), ("model", value)]);
    let link = link.map_err(|error| inferboard_tests::FixtureError::Page(error.to_string()))?;
    browser.open(link.as_str()).await?;
    let selected = "return document.querySelector('[data-testid=model]')?.value ?? \
        document.querySelector('[data-testid=model] select')?.value ?? null";
    let chosen = async || browser.evaluate(selected, Vec::new()).await;
    until(value, PATIENCE, chosen, |chosen| chosen.as_str() == Some(value)).await?;
    // The page writes the address anew.
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
    unharmed(browser, value).await
}
