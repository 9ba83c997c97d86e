//! What axe-core finds wrong with the page, in either theme, in each of its states: nothing.
use inferboard_tests::{
    Browser, Companion, InventedFleet, PATIENCE, Result, Session, StaticHost, Theme, skipped, until,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use thirtyfour::Key;

const VIEW: &str = "section=requests&from=now-2m&refresh=off";

/// Looks once more at each rule of axe that WCAG 2.2 AA and good practice know; the violations, each in a line.
const FIND_VIOLATIONS: &str = "
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
    let Some(axe) = axe() else { return Ok(()) };
    let session = Session::start().await?;
    let empty = Companion::start(&["--no-discovery"]).await?;
    let browser = Browser::start().await?;
    let mut found = Vec::new();
    for theme in [Theme::Light, Theme::Dark] {
        browser.show_as(1400, 1000, theme).await?;
        let state = State { browser: &browser, axe: &axe, theme };
        let page = format!("{}/?{VIEW}", session.companion.url());
        browser.open(&page).await?;
        browser.live_cards(&["volume", "end-to-end-latency", "running-and-waiting"]).await?;
        found.extend(state.violations("cards").await?);
        browser.find("[data-graph=volume] [data-testid=menu]").await?.click().await?;
        browser.find("[data-graph=volume] [data-action=table]").await?;
        found.extend(state.violations("an open menu").await?);
        browser.find("[data-graph=volume] [data-action=table]").await?.click().await?;
        for action in ["statistics", "target"] {
            browser.choose("end-to-end-latency", action).await?;
        }
        browser.find("[data-testid=target-share]").await?;
        browser.find("[data-graph=end-to-end-latency] [data-testid=help]").await?.click().await?;
        browser.find("[data-testid=absent-graphs] summary").await?.click().await?;
        found.extend(state.violations("a table, statistics, a target, help and absent graphs").await?);
        for (button, dialog) in [("customize", "customize"), ("when", "when"), ("keys", "keys")] {
            browser.press(button).await?;
            browser.find(&format!("dialog.{dialog}[open]")).await?;
            found.extend(state.violations(dialog).await?);
            browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
        }
        browser.choose("running-and-waiting", "enlarge").await?;
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
    none(found);
    Ok(())
}

/// The program that looks for barriers; none where it is not there, which is said.
fn axe() -> Option<String> {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/axe/node_modules/axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).ok();
    if axe.is_none() {
        skipped("axe-core is not there (make setup-test fetches it by npm), so nothing looks for barriers");
    }
    axe
}

fn none(mut found: Vec<String>) {
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

/// A page that has lines, one whose server refuses, and one whose server is gone.
#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_no_violation_on_any_card() -> Result<()> {
    let Some(axe) = axe() else { return Ok(()) };
    let session = Session::start().await?;
    let fleet = InventedFleet::new(12)?;
    let of_fleet = Companion::start(&fleet.arguments()).await?;
    let refusing = StaticHost::start()?;
    refusing.put_board("inferboard_requests_running", &[])?;
    let refusal = json!({ "status": "error", "errorType": "execution", "error": "too many samples" });
    refusing.put("/api/v1/query_range", refusal.to_string());
    let browser = Browser::start().await?;
    let mut found = Vec::new();
    for theme in [Theme::Light, Theme::Dark] {
        browser.show_as(1400, 1000, theme).await?;
        let state = State { browser: &browser, axe: &axe, theme };
        let page = format!("{}/?from=now-2m&refresh=off", session.companion.url());
        for (section, graph) in [("engine", "kv-cache-use"), ("hardware", "memory")] {
            browser.open(&format!("{page}&section={section}")).await?;
            browser.live_cards(&[graph]).await?;
            found.extend(state.violations(section).await?);
        }
        browser.open(&format!("{page}&section=requests&card=end-to-end-latency.heat-map")).await?;
        browser.find("[data-graph=end-to-end-latency] .ramp").await?;
        browser.live_cards(&["end-to-end-latency", "volume"]).await?;
        let overlay = browser.overlay("volume").await?;
        browser.driver().action_chain().move_to_element_center(&overlay).click().perform().await?;
        browser.find("[data-graph=volume] .tooltip.here.pinned").await?;
        found.extend(state.violations("a heat map and a pinned tooltip").await?);

        browser.open(&format!("{}/?section=requests&refresh=off", refusing.origin())).await?;
        browser.find("[data-testid=failure]").await?;
        found.extend(state.violations("a failed card").await?);

        let page = format!("{}/?refresh=off&{}", of_fleet.url(), fleet.range());
        for (width, section) in [(1400, "replicas"), (360, "replicas"), (360, "requests")] {
            browser.show_as(width, 1000, theme).await?;
            browser.open(&format!("{page}&section={section}")).await?;
            let shown = if section == "replicas" { "tr[data-replica]" } else { "[data-status=live] .legend button" };
            browser.find(shown).await?;
            found.extend(state.violations(&format!("{section}, {width} px")).await?);
        }
    }
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&every=1s&{}", of_fleet.url(), fleet.range())).await?;
    browser.live_cards(&["running-and-waiting"]).await?;
    of_fleet.stop()?;
    browser.find("[data-testid=lost]").await?;
    browser.find("[data-status=stale]").await?;
    for theme in [Theme::Light, Theme::Dark] {
        let state = State { browser: &browser, axe: &axe, theme };
        found.extend(state.violations("a stale card").await?);
    }
    none(found);
    Ok(())
}

/// Moves the focus through all that Tab reaches; those of them that do not show it, by what they are and how their
/// outline, or that of the control around them, looks. It must be 2 px wide and three times as light or dark as what is
/// behind it.
const FOCUS: &str = "
    const channels = colour => colour.match(/[0-9.]+/g).map(Number);
    const light = colour => {
        const linear = channels(colour).slice(0, 3).map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const ground = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if ((channels(colour)[3] ?? 1) === 1) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
    const shows = element => {
        const { outlineStyle, outlineWidth, outlineColor, outlineOffset } = getComputedStyle(element);
        const behind = ground(parseFloat(outlineOffset) < 0 ? element : element.parentElement);
        return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && contrast(outlineColor, behind) >= 3;
    };
    const all = [...document.querySelectorAll(
        'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), summary, textarea, [tabindex=\"0\"]')]
        .filter(element => element.checkVisibility({ visibilityProperty: true }) && !element.closest('[inert]'));
    const kinds = new Set(), without = new Set();
    for (const element of all) {
        element.focus({ preventScroll: true });
        if (document.activeElement !== element) continue;
        const kind = [element.tagName, element.className, element.dataset.testid ?? ''].join(' ').trim();
        kinds.add(kind);
        if (![element, element.closest('label')].some(one => one && shows(one))) without.add(kind);
    }
    document.activeElement.blur();
    return [[...kinds], [...without]];";

#[tokio::test(flavor = "multi_thread")]
async fn the_focus_is_seen_on_every_control() -> Result<()> {
    let fleet = InventedFleet::new(3)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    for theme in [Theme::Light, Theme::Dark] {
        browser.show_as(1400, 1000, theme).await?;
        let (mut kinds, mut places) = (BTreeSet::new(), 0);
        for section in ["requests", "replicas"] {
            let card = "card=running-and-waiting.statistics";
            browser
                .open(&format!("{}/?section={section}&refresh=off&{card}&{}", companion.url(), fleet.range()))
                .await?;
            browser.find("[data-testid=statistics] tbody tr, tr[data-replica] a").await?;
            for dialog in ["", "customize", "when", "keys"] {
                if !dialog.is_empty() {
                    browser.press(dialog).await?;
                    browser.find(&format!("dialog.{dialog}[open]")).await?;
                }
                // Focus shows to those who came to it by a key.
                browser.driver().action_chain().send_keys(Key::Tab + "").perform().await?;
                let told = browser.evaluate(FOCUS, Vec::new()).await?;
                assert_eq!(told[1], json!([]), "{section} {dialog} {theme:?}");
                kinds.extend(told[0].as_array().into_iter().flatten().map(Value::to_string));
                places += 1;
                browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
            }
        }
        assert!(kinds.len() > 20 && places == 8, "{kinds:?}");
    }
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
        self.browser.evaluate(FIND_VIOLATIONS, Vec::new()).await?;
        let found = async || self.browser.evaluate("return window.found", Vec::new()).await;
        let found = until("axe's findings", PATIENCE, found, Value::is_array).await?;
        let lines = found.as_array().into_iter().flatten().filter_map(Value::as_str);
        Ok(lines.map(|line| format!("{name}, {:?}: {line}", self.theme)).collect())
    }
}
