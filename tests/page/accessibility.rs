//! Accessibility in both themes: axe-core's rules, visible focus, 200 % zoom and reduced motion.
use inferboard_tests::{
    Browser, Companion, InventedFleet, PATIENCE, Result, Session, StaticHost, Theme, skipped, until,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use thirtyfour::Key;

const VIEW: &str = "section=requests&from=now-2m&refresh=off";

/// Runs all of axe's rules, WCAG 2.2 AA and best practices included, and collects the violations, one line each.
const FIND_VIOLATIONS: &str = "
    window.violations = null;
    axe.run(document, { resultTypes: ['violations'] }).then(
        ({ violations }) => {
            window.violations = violations.flatMap(({ id, impact, nodes }) =>
                nodes.map(node => `${id} (${impact}): ${node.target.join(' ')}: ${node.failureSummary}`));
        },
        error => { window.violations = [String(error)]; },
    );";

/// Returns the controls and texts that extend beyond the left or right edge of the window or of the open dialog. The
/// tables of replicas and statistics, the scope, the key numbers and the tabs scroll on their own and are exempt.
const FIND_OVERFLOWING: &str = "
    const root = document.querySelector('dialog[open]') ?? document.body;
    const edge = root === document.body ? { left: 0, right: innerWidth } : root.getBoundingClientRect();
    return [...root.querySelectorAll('button, input, select, h1, h2, h3, p')]
        .filter(element => element.checkVisibility() && !element.closest('.fleet, .visually-hidden, .statistics, .path, .figures, .sections'))
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
    let mut violations = Vec::new();
    for theme in [Theme::Light, Theme::Dark] {
        browser.show_as(1400, 1000, theme).await?;
        let state = State { browser: &browser, axe: &axe, theme };
        let page = format!("{}/?{VIEW}", session.companion.url());
        browser.open(&page).await?;
        browser.live_cards(&["volume", "end-to-end-latency", "running-and-waiting"]).await?;
        violations.extend(state.violations("cards").await?);
        browser.find("[data-graph=volume] [data-testid=menu]").await?.click().await?;
        browser.find("[data-graph=volume] [data-action=table]").await?;
        violations.extend(state.violations("an open menu").await?);
        browser.find("[data-graph=volume] [data-action=table]").await?.click().await?;
        for action in ["statistics", "target"] {
            browser.choose("end-to-end-latency", action).await?;
        }
        browser.find("[data-testid=target-share]").await?;
        browser.find("[data-graph=end-to-end-latency] [data-testid=help]").await?.click().await?;
        browser.find("[data-testid=absent-graphs] summary").await?.click().await?;
        violations.extend(state.violations("a table, statistics, a threshold, help and absent graphs").await?);
        for (button, dialog) in [("customize", "customize"), ("when", "when"), ("keys", "keys")] {
            browser.press(button).await?;
            browser.find(&format!("dialog.{dialog}[open]")).await?;
            violations.extend(state.violations(dialog).await?);
            browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
        }
        browser.choose("running-and-waiting", "enlarge").await?;
        browser.find("dialog[open] .stage canvas").await?;
        violations.extend(state.violations("an enlarged card").await?);

        browser.open(empty.url()).await?;
        browser.find("[data-testid=no-engine]").await?;
        violations.extend(state.violations("the first visit").await?);
        for (embed, name) in
            [("volume", "one embedded card"), ("all", "all embedded cards"), ("none", "no embedded card")]
        {
            let theme = format!("{theme:?}").to_lowercase();
            browser.open(&format!("{page}&embed={embed}&theme={theme}")).await?;
            browser.find(if embed == "none" { ".nothing" } else { "[data-graph=volume][data-status=live]" }).await?;
            violations.extend(state.violations(name).await?);
        }
    }
    assert_none(violations);
    Ok(())
}

/// The source of axe-core, or `None` and a note when it is not installed.
fn axe() -> Option<String> {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/axe/node_modules/axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).ok();
    if axe.is_none() {
        skipped("axe-core is not installed (make setup-test fetches it with npm), so accessibility is not checked");
    }
    axe
}

fn assert_none(mut violations: Vec<String>) {
    violations.sort();
    violations.dedup();
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

/// Covers live cards, a card whose query is refused, and a card whose server has stopped.
#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_no_violation_on_any_card() -> Result<()> {
    let Some(axe) = axe() else { return Ok(()) };
    let session = Session::start().await?;
    let fleet = InventedFleet::new(12)?;
    let fleet_companion = Companion::start(&fleet.arguments()).await?;
    let refusing = StaticHost::start()?;
    refusing.put_board("inferboard_requests_running", &[])?;
    let refusal = json!({ "status": "error", "errorType": "execution", "error": "too many samples" });
    refusing.put("/api/v1/query_range", refusal.to_string());
    let browser = Browser::start().await?;
    let mut violations = Vec::new();
    for theme in [Theme::Light, Theme::Dark] {
        browser.show_as(1400, 1000, theme).await?;
        let state = State { browser: &browser, axe: &axe, theme };
        let page = format!("{}/?from=now-2m&refresh=off", session.companion.url());
        for (section, graph) in [("engine", "kv-cache-use"), ("hardware", "memory")] {
            browser.open(&format!("{page}&section={section}")).await?;
            browser.live_cards(&[graph]).await?;
            violations.extend(state.violations(section).await?);
        }
        browser.open(&format!("{page}&section=requests&card=end-to-end-latency.heat-map")).await?;
        browser.find("[data-graph=end-to-end-latency] .ramp").await?;
        browser.live_cards(&["end-to-end-latency", "volume"]).await?;
        let overlay = browser.overlay("volume").await?;
        browser.driver().action_chain().move_to_element_center(&overlay).click().perform().await?;
        browser.find("[data-graph=volume] .tooltip.here.pinned").await?;
        violations.extend(state.violations("a heat map and a pinned tooltip").await?);

        browser.open(&format!("{}/?section=requests&refresh=off", refusing.origin())).await?;
        browser.find("[data-testid=failure]").await?;
        violations.extend(state.violations("a failed card").await?);

        let page = format!("{}/?refresh=off&{}", fleet_companion.url(), fleet.range());
        for (width, section) in [(1400, "replicas"), (360, "replicas"), (360, "requests")] {
            browser.show_as(width, 1000, theme).await?;
            browser.open(&format!("{page}&section={section}")).await?;
            let selector = if section == "replicas" { "tr[data-replica]" } else { "[data-status=live] .legend button" };
            browser.find(selector).await?;
            violations.extend(state.violations(&format!("{section}, {width} px")).await?);
        }
    }
    browser.show_as(1400, 1000, Theme::Light).await?;
    browser.open(&format!("{}/?section=requests&every=1s&{}", fleet_companion.url(), fleet.range())).await?;
    browser.live_cards(&["running-and-waiting"]).await?;
    fleet_companion.stop()?;
    browser.find("[data-testid=lost]").await?;
    browser.find("[data-status=stale]").await?;
    for theme in [Theme::Light, Theme::Dark] {
        let state = State { browser: &browser, axe: &axe, theme };
        violations.extend(state.violations("a stale card").await?);
    }
    assert_none(violations);
    Ok(())
}

/// Focuses each element that Tab reaches. Returns the kinds of elements, and those without a visible outline. It must
/// be around the element or its label, at least 2 px wide, and have a contrast of 3:1 with the background.
const CHECK_FOCUS: &str = "
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
        if (![element, element.closest('label')].some(candidate => candidate && shows(candidate))) without.add(kind);
    }
    document.activeElement.blur();
    return [[...kinds], [...without]];";

#[tokio::test(flavor = "multi_thread")]
async fn every_control_shows_the_focus() -> Result<()> {
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
                // Browsers show the focus only after keyboard input.
                browser.driver().action_chain().send_keys(Key::Tab + "").perform().await?;
                let focused = browser.evaluate(CHECK_FOCUS, Vec::new()).await?;
                assert_eq!(focused[1], json!([]), "{section} {dialog} {theme:?}");
                kinds.extend(focused[0].as_array().into_iter().flatten().map(Value::to_string));
                places += 1;
                browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
            }
        }
        assert!(kinds.len() > 20 && places == 8, "{kinds:?}");
    }
    Ok(())
}

/// A zoom of 200 % halves the size of the window in CSS pixels and doubles the pixel ratio.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_cut_off_at_200_percent_zoom() -> Result<()> {
    let fleet = InventedFleet::new(12)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = Browser::start().await?;
    let zoomed = json!({ "width": 640, "height": 450, "deviceScaleFactor": 2, "mobile": false });
    browser.devtools("Emulation.setDeviceMetricsOverride", zoomed).await?;
    for section in ["requests", "replicas"] {
        browser.open(&format!("{}/?section={section}&refresh=off&{}", companion.url(), fleet.range())).await?;
        browser.find("[data-testid=absent-graphs]").await?;
        assert_eq!(browser.evaluate(FIND_OVERFLOWING, Vec::new()).await?, json!([]), "{section}");
        for (button, dialog) in [("customize", "customize"), ("when-item", "when"), ("keys", "keys")] {
            browser.press(button).await?;
            browser.find(&format!("dialog.{dialog}[open]")).await?;
            assert_eq!(browser.evaluate(FIND_OVERFLOWING, Vec::new()).await?, json!([]), "{dialog}");
            browser.driver().action_chain().send_keys(Key::Escape + "").perform().await?;
        }
    }
    let canvas = "const canvas = document.querySelector('.stage canvas'); return canvas.width / canvas.clientWidth";
    assert_eq!(browser.evaluate(canvas, Vec::new()).await?, json!(2), "the canvas has the resolution of the screen");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn animations_respect_the_preference_for_reduced_motion() -> Result<()> {
    // The host answers no queries, so the page keeps showing skeletons.
    let host = StaticHost::start()?;
    host.put_page("/")?;
    let browser = Browser::start().await?;
    for (preference, is_reduced) in [("no-preference", false), ("reduce", true)] {
        let media = json!({ "features": [{ "name": "prefers-reduced-motion", "value": preference }] });
        browser.devtools("Emulation.setEmulatedMedia", media).await?;
        browser.open(&host.origin()).await?;
        browser.find(".card.skeleton").await?;
        let running = "return document.getAnimations().filter(({ playState }) => playState === 'running').length";
        assert_eq!(browser.evaluate(running, Vec::new()).await? == json!(0), is_reduced, "{preference}");
    }
    Ok(())
}

/// The page in a state that axe checks.
struct State<'a> {
    browser: &'a Browser,
    axe: &'a str,
    theme: Theme,
}

impl State<'_> {
    async fn violations(&self, name: &str) -> Result<Vec<String>> {
        // Colours in transition have no contrast to measure.
        let still = json!({ "features": [
            { "name": "prefers-reduced-motion", "value": "reduce" },
            { "name": "prefers-color-scheme", "value": format!("{:?}", self.theme).to_lowercase() },
        ] });
        self.browser.devtools("Emulation.setEmulatedMedia", still).await?;
        self.browser.evaluate(&format!("if (!window.axe) {{ {} }}", self.axe), Vec::new()).await?;
        self.browser.evaluate(FIND_VIOLATIONS, Vec::new()).await?;
        let violations = async || self.browser.evaluate("return window.violations", Vec::new()).await;
        let violations = until("axe's violations", PATIENCE, violations, Value::is_array).await?;
        let lines = violations.as_array().into_iter().flatten().filter_map(Value::as_str);
        Ok(lines.map(|line| format!("{name}, {:?}: {line}", self.theme)).collect())
    }
}
