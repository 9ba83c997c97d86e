//! Reads all figures of the open page from its DOM.
use inferboard_tests::{Browser, FixtureError, PATIENCE, Result, until};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// Runs before any script of the page: holds the clock, counts requests, and keeps the files that the page saves.
const PREPARE: &str = "
    window.requests = { started: 0, pending: 0 };
    const send = window.fetch;
    window.fetch = (...parameters) => {
        window.requests.started++;
        window.requests.pending++;
        const done = () => { window.requests.pending--; };
        const response = send.apply(window, parameters);
        response.then(response => response.clone().arrayBuffer()).then(done, done);
        return response;
    };
    window.saved = [];
    const make = URL.createObjectURL;
    URL.createObjectURL = blob => {
        blob.text().then(text => window.saved.push(text));
        return make(blob);
    };
    HTMLAnchorElement.prototype.click = function () {};
    window.trueNow ??= Date.now;
    const heldMs = TIME;
    Date.now = heldMs ? () => heldMs : window.trueNow;";

/// The state of loading: requests without an answer, requests so far, and cards that are loading.
const LOADING: &str = "return [window.requests.pending, window.requests.started,
    document.querySelectorAll('.card[data-status=loading], [data-testid=timeline][data-status=loading]').length]";

const CARDS: &str = "
    const text = node => node?.textContent ?? '';
    return Array.from(document.querySelectorAll('section.card'), card => ({
        graph: card.dataset.graph,
        status: card.dataset.status,
        points: Number(card.dataset.points),
        head: text(card.querySelector('.now')),
        note: text(card.querySelector('.stage-note')) || text(card.querySelector('.failure')),
        legend: Array.from(card.querySelectorAll('.legend [data-line]'), line =>
            [line.dataset.line, text(line.closest('tr')?.querySelector('.value'))]),
        summary: Array.from(card.querySelectorAll('[data-testid=boxes] [data-box]'), box =>
            [box.dataset.box, text(box.querySelector('b')), text(box.querySelector('small'))]),
        statistics: Array.from(card.querySelectorAll('[data-testid=statistics] tbody tr'), row =>
            [text(row.querySelector('.name')), Array.from(row.querySelectorAll('td'), text)]),
        lines: Array.from(card.querySelectorAll('[data-testid=table] thead th'), text).slice(1),
        rows: Array.from(card.querySelectorAll('[data-testid=table] tbody tr'), row =>
            [text(row.querySelector('th')), Array.from(row.querySelectorAll('td'), text)]),
    }))";

/// Moves the pointer to fractions of a graph's width, and returns the tooltips of all cards at each.
const TOOLTIPS: &str = "
    return (async () => {
        const frame = () => new Promise(requestAnimationFrame);
        const overlay = document.querySelector(`[data-graph=${arguments[0]}] [data-testid=overlay]`);
        if (!overlay) return [];
        const box = overlay.getBoundingClientRect();
        const all = [];
        for (const fraction of arguments[1]) {
            const place = { clientX: box.x + fraction * box.width, clientY: box.y + box.height / 2, bubbles: true };
            overlay.dispatchEvent(new PointerEvent('pointermove', { ...place, pointerType: 'mouse', isPrimary: true }));
            await frame();
            await frame();
            for (const card of document.querySelectorAll('section.card')) {
                const tip = card.querySelector('[data-testid=tooltip]');
                if (tip) all.push([card.dataset.graph, tip.querySelector('th').textContent,
                    Array.from(tip.querySelectorAll('tbody tr'), row =>
                        Array.from(row.querySelectorAll('td'), cell => cell.textContent.trim()))
                        .filter(cells => cells.length === 2), / more; click/.test(tip.textContent)]);
            }
        }
        overlay.dispatchEvent(new PointerEvent('pointerleave', { bubbles: true }));
        return all;
    })()";

/// Saves the CSV file of each graph, and returns the files.
const FILES: &str = "
    return (async () => {
        const frame = () => new Promise(requestAnimationFrame);
        const files = [];
        for (const graph of arguments[0]) {
            const menu = document.querySelector(`[data-graph=${graph}] [data-testid=menu]`);
            if (!menu) continue;
            menu.click();
            await frame();
            await frame();
            window.saved.length = 0;
            document.querySelector(`[data-graph=${graph}] [data-action=csv]`)?.click();
            for (let tries = 0; tries < 100 && !window.saved.length; tries++) await frame();
            if (window.saved.length) files.push([graph, window.saved[0]]);
        }
        return files;
    })()";

const KEY_NUMBERS: &str = "
    const text = (item, css) => item.querySelector(css)?.textContent ?? '';
    return Array.from(document.querySelectorAll('[data-testid=figures] [data-figure]'), item =>
        [text(item, '.title'), text(item, 'b'), text(item, '.below small:not(.change)')])";

const REPLICAS: &str = "
    return {
        status: document.querySelector('[data-testid=status]')?.textContent ?? '',
        step_ms: Number(document.querySelector('[data-testid=timeline]')?.dataset.step ?? 0),
        rows: Array.from(document.querySelectorAll('[data-testid=replicas] tr[data-replica]'), row => ({
            replica: row.dataset.replica,
            state: row.dataset.state,
            restarts_ms: row.dataset.restarts.split(' ').filter(text => text).map(Number),
            intervals: row.dataset.spans.split(',').filter(text => text).map(text => text.split(' '))
                .map(([state, from, to]) => [state, Number(from), Number(to)]),
        })),
    }";

/// A card.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct CardReading {
    pub(crate) graph: String,
    pub(crate) status: String,
    pub(crate) points: usize,
    pub(crate) head: String,
    /// Why nothing is drawn.
    pub(crate) note: String,
    /// Lines and texts.
    pub(crate) legend: Vec<(String, String)>,
    /// Names, values and shares.
    pub(crate) summary: Vec<(String, String, String)>,
    /// Lines with their least, mean, greatest and last values.
    pub(crate) statistics: Vec<(String, Vec<String>)>,
    /// The lines of the table.
    pub(crate) lines: Vec<String>,
    /// The rows of the table: times and texts.
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

/// The tooltip of a graph: its id, the time, lines with texts, and whether it hides lines.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tooltip(pub(crate) String, pub(crate) String, pub(crate) Vec<(String, String)>, pub(crate) bool);

/// A file of values: lines, and times in Unix milliseconds with values.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    pub(crate) lines: Vec<String>,
    pub(crate) rows: Vec<(i64, Vec<f64>)>,
}

/// A row of the timeline.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ReplicaReading {
    pub(crate) replica: String,
    pub(crate) state: String,
    pub(crate) restarts_ms: Vec<f64>,
    /// States with the times at which they begin and end, Unix milliseconds.
    pub(crate) intervals: Vec<(String, f64, f64)>,
}

/// The status and the timeline.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ReplicasReading {
    pub(crate) status: String,
    pub(crate) step_ms: i64,
    pub(crate) rows: Vec<ReplicaReading>,
}

/// All figures of a world over one range.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) cards: Vec<CardReading>,
    /// Titles, values, and the rates below them.
    pub(crate) key_numbers: Vec<(String, String, String)>,
    /// The cards again, with tables and statistics.
    pub(crate) tables: Vec<CardReading>,
    pub(crate) tooltips: Vec<Tooltip>,
    pub(crate) files: Vec<(String, File)>,
    pub(crate) replicas: ReplicasReading,
}

/// Where the pointer is put, as fractions of a graph's width; the axis takes the first tenth.
const POINTED_AT: [f64; 5] = [0.3, 0.6, 0.9, 0.97, 0.995];

/// Holds the page's clock at a time in Unix milliseconds; None for the true clock. For pages opened from now on.
pub(crate) async fn prepare(browser: &Browser, time_ms: Option<i64>) -> Result<()> {
    let source = PREPARE.replace("TIME", &time_ms.unwrap_or(0).to_string());
    // The page is a single script for every document, so that the last one decides.
    let source = format!("{{ {source} }}");
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await.map(drop)
}

/// Opens the page with this scope and range, such as `model=a&from=now-1h`, and reads it.
pub(crate) async fn read(browser: &Browser, origin: &str, view: &str, graphs: &[&str]) -> Result<Reading> {
    let view = format!("{origin}/?{view}&refresh=off&zone=utc");
    // Hiding a line that does not exist draws all percentiles, so that the tooltip has them.
    let all: String = graphs.iter().map(|graph| format!("&card={graph}.hide.-")).collect();
    open(browser, &format!("{view}&section=requests{all}")).await?;
    let cards = evaluate(browser, CARDS, Vec::new()).await?;
    let key_numbers = evaluate(browser, KEY_NUMBERS, Vec::new()).await?;
    let first = graphs.first().copied().unwrap_or_default();
    let tooltips = evaluate(browser, TOOLTIPS, vec![first.into(), json!(POINTED_AT)]).await?;
    let texts: Vec<(String, String)> = evaluate(browser, FILES, vec![json!(graphs)]).await?;
    let files = texts.into_iter().map(|(graph, text)| (graph, file(&text))).collect();
    let tables: String = graphs.iter().map(|graph| format!("&card={graph}.statistics.table")).collect();
    open(browser, &format!("{view}&section=requests{tables}")).await?;
    let tables = evaluate(browser, CARDS, Vec::new()).await?;
    open(browser, &format!("{view}&section=replicas")).await?;
    let replicas = evaluate(browser, REPLICAS, Vec::new()).await?;
    Ok(Reading { cards, key_numbers, tables, tooltips, files, replicas })
}

/// Opens an address that shows one card, and reads that.
pub(crate) async fn card(browser: &Browser, url: &str) -> Result<CardReading> {
    open(browser, url).await?;
    let cards: Vec<CardReading> = evaluate(browser, CARDS, Vec::new()).await?;
    Ok(cards.into_iter().next().unwrap_or_default())
}

/// Opens an address and waits until everything on it is loaded.
async fn open(browser: &Browser, url: &str) -> Result<()> {
    browser.open(url).await?;
    let mut last = Value::Null;
    let is_still = async || {
        let state = browser.evaluate(LOADING, Vec::new()).await?;
        let is_still = state[0] == 0 && state[1].as_u64() > Some(2) && state[2] == 0 && state == last;
        last = state;
        Ok(is_still)
    };
    until(&format!("everything on {url}"), PATIENCE, is_still, |is_still| *is_still).await?;
    // What has arrived is drawn with the next frame.
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

async fn evaluate<T: DeserializeOwned>(browser: &Browser, script: &str, given: Vec<Value>) -> Result<T> {
    let value = browser.evaluate(script, given).await?;
    serde_json::from_value(value).map_err(|error| FixtureError::Page(format!("its figures are malformed: {error}")))
}

/// Reads a CSV file without quotes, except around whole cells.
fn file(text: &str) -> File {
    let mut rows = text.split("\r\n").filter(|row| !row.is_empty());
    let cells = |row: &str| row.split(',').map(|cell| cell.trim_matches('"').to_owned()).collect::<Vec<_>>();
    let name = |cell: &String| cell.rsplit_once(" (").map_or(cell.as_str(), |(name, _)| name).to_owned();
    let lines = cells(rows.next().unwrap_or_default()).iter().skip(1).map(name).collect();
    let row = |row: &str| {
        let cells = cells(row);
        let time_ms = crate::figure::shown::time_ms(cells.first()?, 0)?;
        Some((time_ms, cells[1..].iter().map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()))
    };
    File { lines, rows: rows.filter_map(row).collect() }
}

#[test]
fn a_file_is_read_by_line_and_time() {
    let file =
        file("time,p50 (s),finished (req/s)\r\n2026-11-30T00:23:32.000Z,0.5,\r\n2026-11-30T00:23:37.000Z,,4\r\n");
    assert_eq!(file.lines, ["p50", "finished"]);
    assert_eq!(file.rows.len(), 2);
    assert_eq!((file.rows[1].0, file.rows[1].1[1]), (1_795_998_217_000, 4.0));
    assert!(file.rows[0].1[0] == 0.5 && file.rows[0].1[1].is_nan());
}
