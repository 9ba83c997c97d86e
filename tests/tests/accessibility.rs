//! What axe-core finds wrong with the page, in either theme, in each of its states: nothing.
use inferboard_tests::{
    Browser, Companion, InventedFleet, Play, Recording, Replay, Result, StaticHost, Theme, skipped, until,
};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use thirtyfour::Key;

const SPEED: f64 = 20.0;
const PATIENCE: Duration = Duration::from_secs(60);
const VIEW: &str = "section=requests&from=now-2m&refresh=off";

/// Looks once more at each rule of axe that WCAG 2.2 AA and good practice know; the violations, each in a line.
const LOOK: &str = "
    window.found = null;
    axe.run(document, { resultTypes: ['violations'] }).then(
        ({ violations }) => {
            window.found = violations.flatMap(({ id, impact, nodes }) =>
                nodes.map(node => `${id} (${impact}): ${node.target.join(' ')}: ${node.failureSummary}`));
        },
        error => { window.found = [String(error)]; },
    );";

/// Controls and text that stand out of the window, or of the open dialog, to the left or right; the replicas' table
/// scrolls by itself.
const OUTSIDE: &str = "
    const root = document.querySelector('dialog[open]') ?? document.body;
    const edge = root === document.body ? { left: 0, right: innerWidth } : root.getBoundingClientRect();
    return [...root.querySelectorAll('button, input, select, h1, h2, h3, p')]
        .filter(element => element.checkVisibility() && !element.closest('.fleet, .visually-hidden, .statistics'))
        .filter(element => {
            const place = element.getBoundingClientRect();
            return place.width > 0 && (place.left < edge.left - 1 || place.right > edge.right + 1);
        })
        .map(element => element.outerHTML.slice(0, 80));";

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_no_violation() -> Result<()> {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = fs::read_to_string(axe) else {
        skipped("axe-core is not there (make setup-test fetches it by npm), so nothing looks for barriers");
        return Ok(());
    };
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: SPEED }, 0)?;
    let arguments = ["--no-discovery", "--scrape-interval", "250ms", "--target", &replay.url()].map(str::to_owned);
    let companion = Companion::start(&arguments).await?;
    let empty = Companion::start(&["--no-discovery"]).await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let browser = Browser::start().await?;
    let mut found = Vec::new();
    for theme in [Theme::Light, Theme::Dark] {
        browser.show_as(1400, 1000, theme).await?;
        let state = State { browser: &browser, axe: &axe, theme };
        let page = format!("{}/?{VIEW}", companion.url());
        browser.open(&page).await?;
        browser.live_cards(&["volume", "end-to-end-latency", "running-and-waiting"]).await?;
        found.extend(state.violations("cards").await?);
        browser.find("[data-graph=volume] [data-testid=menu]").await?.click().await?;
        browser.find("[data-graph=volume] [data-action=table]").await?;
        found.extend(state.violations("an open menu").await?);
        browser.find("[data-graph=volume] [data-action=table]").await?.click().await?;
        browser.find("[data-graph=end-to-end-latency] [data-testid=menu]").await?.click().await?;
        browser.find("[data-graph=end-to-end-latency] [data-action=statistics]").await?.click().await?;
        browser.find("[data-graph=end-to-end-latency] [data-testid=help]").await?.click().await?;
        browser.find("[data-testid=absent-graphs] summary").await?.click().await?;
        found.extend(state.violations("a table, statistics, help and absent graphs").await?);
        for (button, dialog) in [("customize", "customize"), ("when", "when"), ("keys", "keys")] {
            browser.press(button).await?;
            browser.find(&format!("dialog.{dialog}[open]")).await?;
            found.extend(state.violations(dialog).await?);
            browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
        }
        browser.find("[data-graph=running-and-waiting] [data-testid=menu]").await?.click().await?;
        browser.find("[data-graph=running-and-waiting] [data-action=enlarge]").await?.click().await?;
        browser.find("dialog[open] .stage canvas").await?;
        found.extend(state.violations("an enlarged card").await?);

        browser.open(empty.url()).await?;
        browser.find("[data-testid=no-engine]").await?;
        found.extend(state.violations("the first visit").await?);
        for (frame, name) in
            [("volume", "one card in a frame"), ("all", "all cards in a frame"), ("none", "no card in a frame")]
        {
            let theme = format!("{theme:?}").to_lowercase();
            browser.open(&format!("{page}&embed={frame}&theme={theme}")).await?;
            browser.find(if frame == "none" { ".nothing" } else { "[data-graph=volume][data-status=live]" }).await?;
            found.extend(state.violations(name).await?);
        }
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
    Ok(())
}

/// Twice as large, as readers with weak eyes have it, is half the window with twice the pixels.
#[tokio::test(flavor = "multi_thread")]
async fn at_twice_the_size_nothing_is_cut_off() -> Result<()> {
    let fleet = InventedFleet::new(12)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    let twice = json!({ "width": 640, "height": 450, "deviceScaleFactor": 2, "mobile": false });
    browser.devtools("Emulation.setDeviceMetricsOverride", twice).await?;
    for section in ["requests", "replicas"] {
        browser.open(&format!("{}/?section={section}&refresh=off&{}", companion.url(), fleet.range())).await?;
        browser.find("[data-testid=absent-graphs]").await?;
        assert_eq!(browser.evaluate(OUTSIDE, Vec::new()).await?, json!([]), "{section}");
        for (button, dialog) in [("customize", "customize"), ("when", "when"), ("keys", "keys")] {
            browser.press(button).await?;
            browser.find(&format!("dialog.{dialog}[open]")).await?;
            assert_eq!(browser.evaluate(OUTSIDE, Vec::new()).await?, json!([]), "{dialog}");
            browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
        }
    }
    let canvas = "const canvas = document.querySelector('.stage canvas'); return canvas.width / canvas.clientWidth";
    assert_eq!(browser.evaluate(canvas, Vec::new()).await?, json!(2), "it is as sharp as the screen");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_for_those_who_want_it_still() -> Result<()> {
    // Nobody answers its queries, so the page stays with what it shows until then.
    let host = StaticHost::start()?;
    host.put_page("/")?;
    let browser = Browser::start().await?;
    for (wish, is_still) in [("no-preference", false), ("reduce", true)] {
        let media = json!({ "features": [{ "name": "prefers-reduced-motion", "value": wish }] });
        browser.devtools("Emulation.setEmulatedMedia", media).await?;
        browser.open(&host.origin()).await?;
        browser.find(".card.skeleton").await?;
        let moving = "return document.getAnimations().filter(one => one.playState === 'running').length";
        assert_eq!(browser.evaluate(moving, Vec::new()).await? == json!(0), is_still, "{wish}");
    }
    Ok(())
}

/// A page to look at.
struct State<'a> {
    browser: &'a Browser,
    axe: &'a str,
    theme: Theme,
}

impl State<'_> {
    async fn violations(&self, name: &str) -> Result<Vec<String>> {
        // Colours on their way from one to another have no contrast to measure.
        let still = json!({ "features": [
            { "name": "prefers-reduced-motion", "value": "reduce" },
            { "name": "prefers-color-scheme", "value": format!("{:?}", self.theme).to_lowercase() },
        ] });
        self.browser.devtools("Emulation.setEmulatedMedia", still).await?;
        self.browser.evaluate(&format!("if (!window.axe) {{ {} }}", self.axe), Vec::new()).await?;
        self.browser.evaluate(LOOK, Vec::new()).await?;
        let found = async || self.browser.evaluate("return window.found", Vec::new()).await;
        let found = until("axe's findings", PATIENCE, found, Value::is_array).await?;
        let lines = found.as_array().into_iter().flatten().filter_map(Value::as_str);
        Ok(lines.map(|line| format!("{name}, {:?}: {line}", self.theme)).collect())
    }
}
