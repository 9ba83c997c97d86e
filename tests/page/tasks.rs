//! Whole tasks of a person, by keyboard alone and by touch alone: to share a spike, to find the odd replica, to arrange
//! the cards.
use inferboard_tests::{Browser, Companion, FixtureError, InventedFleet, PATIENCE, Result, Theme, until};
use serde_json::{Value, json};
use thirtyfour::{Key, TypingData};

const REPLICAS: usize = 12;
const GRAPH: &str = "running-and-waiting";

/// How often Tab is pressed at most on the way to a control.
const MAX_TABS: usize = 150;

/// How often a graph is moved up at most.
const MAX_STEPS: usize = 12;

/// Keeps what the page copies.
const CATCH_COPIED: &str = "Object.defineProperty(navigator, 'clipboard', { value: { writeText: text => { \
     window.copied = text; return Promise.resolve(); } } })";

/// The number of waiting requests in each row of the table of replicas, and the name in the first one.
const WAITING: &str = "const at = [...document.querySelectorAll('.fleet th button')]\
     .findIndex(button => button.dataset.sort === 'waiting'); \
     const rows = [...document.querySelectorAll('tr[data-replica]')]; \
     return [rows.map(row => Number(row.children[at].textContent)), rows[0].dataset.replica]";

/// A person who uses only the keyboard, or only a finger.
struct Person<'a> {
    browser: &'a Browser,
    has_keyboard: bool,
}

impl Person<'_> {
    async fn press(&self, keys: impl Into<TypingData>) -> Result<()> {
        Ok(self.browser.driver().active_element().await?.send_keys(keys).await?)
    }

    /// Moves the focus with Tab until it is on an element.
    async fn tab_to(&self, css: &str) -> Result<()> {
        let is_there = format!("return document.activeElement.matches({})", json!(css));
        for _ in 0..MAX_TABS {
            if self.browser.evaluate(&is_there, Vec::new()).await? == json!(true) {
                return Ok(());
            }
            self.press(Key::Tab + "").await?;
        }
        Err(FixtureError::Page(format!("Tab does not reach {css}")))
    }

    /// Presses a control, with Enter or by a tap. It must be large enough for a finger.
    async fn activate(&self, css: &str) -> Result<()> {
        if self.has_keyboard {
            self.tab_to(css).await?;
            return self.press(Key::Enter + "").await;
        }
        let element = self.browser.find(css).await?;
        let [left, top, width, height] = self.browser.place(&element).await?;
        assert!(height >= 44.0 && width >= 44.0, "{css} has {width} × {height} pixels");
        self.browser
            .evaluate("window.pressed = 0; addEventListener('click', () => window.pressed += 1)", Vec::new())
            .await?;
        let pressed = async || {
            // The browser takes a tap soon after a drag for the end of that drag.
            self.browser.touch(&[&[(left + width / 2.0, top + height / 2.0)]]).await?;
            self.browser.lift().await?;
            self.browser.evaluate("return window.pressed", Vec::new()).await
        };
        until("a tap", PATIENCE, pressed, |pressed| pressed.as_i64() > Some(0)).await.map(drop)
    }

    /// Selects a part of a graph as the range.
    async fn select_part(&self) -> Result<()> {
        let overlay = format!("[data-graph={GRAPH}] [data-testid=overlay]");
        if self.has_keyboard {
            self.tab_to(&overlay).await?;
            for _ in 0..8 {
                self.press(Key::Left + "").await?;
            }
            for _ in 0..5 {
                self.press(Key::Shift + Key::Left).await?;
            }
            return self.press(Key::Enter + "").await;
        }
        let element = self.browser.find(&overlay).await?;
        let [left, top, width, height] = self.browser.place(&element).await?;
        let path: Vec<_> = (0..9).map(|at| (left + width * (0.4 + 0.04 * f64::from(at)), top + height / 2.0)).collect();
        self.browser.touch(&[&path]).await?;
        self.browser.lift().await
    }

    /// A spike is zoomed into, and a link to it is copied that shows the same times.
    async fn shares_a_spike(&self) -> Result<()> {
        let before = self.browser.view().await?;
        self.browser.evaluate(CATCH_COPIED, Vec::new()).await?;
        self.select_part().await?;
        let view = async || self.browser.view().await;
        let zoomed = until("a shorter range", PATIENCE, view, |view| view["from"] != before["from"]).await?;
        if self.has_keyboard {
            self.press("s").await?;
        } else {
            self.activate("[data-testid=share]").await?;
        }
        let copied = async || self.browser.evaluate("return window.copied ?? ''", Vec::new()).await;
        let copied = until("a copied link", PATIENCE, copied, |link| *link != json!("")).await?;
        let link = copied.as_str().unwrap_or_default();
        assert!(["from", "to"].iter().all(|name| link.contains(&format!("{name}={}", zoomed[*name]))), "{link}");
        Ok(())
    }

    /// The replica with the most waiting requests comes first, and becomes the scope.
    async fn finds_the_odd_replica(&self) -> Result<()> {
        self.activate(".fleet [data-sort=waiting]").await?;
        let rows = async || self.browser.evaluate(WAITING, Vec::new()).await;
        let is_sorted = |found: &Value| {
            let counts: Vec<f64> = found[0].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
            counts.first() > Some(&0.0) && counts.is_sorted_by(|a, b| a >= b)
        };
        let rows = until("rows by waiting requests", PATIENCE, rows, is_sorted).await?;
        self.activate("tr[data-replica]:nth-child(2) a").await?;
        let view = async || self.browser.view().await;
        until("the odd replica", PATIENCE, view, |view| view.get("replica").map(String::as_str) == rows[1].as_str())
            .await?;
        Ok(())
    }

    /// A graph is hidden and another one moved up; both are still so when the page is opened again.
    async fn arranges_cards(&self, page: &str) -> Result<()> {
        let ids = "return [...document.querySelectorAll('section.card[data-graph]')].map(card => card.dataset.graph)";
        let cards = async || self.browser.evaluate(ids, Vec::new()).await;
        let before = until("cards", PATIENCE, cards, |ids| ids.as_array().is_some_and(|ids| ids.len() >= 3)).await?;
        let hidden = before[0].as_str().unwrap_or_default();
        let moved = before[2].as_str().unwrap_or_default();
        self.activate("[data-testid=more] summary").await?;
        self.activate("[data-testid=customize]").await?;
        let row = |graph: &str| format!("[data-testid=customize-dialog] li[data-graph={graph}]");
        if self.has_keyboard {
            self.tab_to(&format!("{} input", row(hidden))).await?;
            self.press(" ").await?;
        } else {
            self.activate(&format!("{} label", row(hidden))).await?;
        }
        let mut expected: Vec<_> = before.as_array().cloned().unwrap_or_default();
        expected.remove(0);
        expected.swap(0, 1);
        let expected = Value::Array(expected);
        // Graphs that are not shown have places in the list too.
        for _ in 0..MAX_STEPS {
            self.activate(&format!("{} [data-testid=up]", row(moved))).await?;
            if cards().await? == expected {
                break;
            }
        }
        until("the new order beside the panel", PATIENCE, cards, |ids| *ids == expected).await?;
        if self.has_keyboard {
            self.press(Key::Escape + "").await?;
        } else {
            self.activate("[data-testid=customize-dialog] [data-testid=dialog-close]").await?;
        }
        let open = async || self.browser.count("dialog[open]").await;
        until("a closed panel", PATIENCE, open, |count| *count == 0).await?;
        self.browser.open(page).await?;
        until("the kept order", PATIENCE, cards, |ids| *ids == expected).await?;
        Ok(())
    }
}

async fn all_tasks(browser: &Browser, has_keyboard: bool) -> Result<()> {
    let fleet = InventedFleet::new(REPLICAS)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let person = Person { browser, has_keyboard };
    let page = |section: &str| format!("{}/?section={section}&refresh=off&{}", companion.url(), fleet.range());
    browser.open(&page("requests")).await?;
    browser.live_cards(&[GRAPH]).await?;
    person.shares_a_spike().await?;
    browser.open(&page("replicas")).await?;
    browser.find("tr[data-replica]").await?;
    person.finds_the_odd_replica().await?;
    browser.open(&page("replicas")).await?;
    person.arranges_cards(&page("replicas")).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_can_be_done_by_keyboard() -> Result<()> {
    let browser = Browser::start().await?;
    browser.show_as(1400, 1000, Theme::Light).await?;
    all_tasks(&browser, true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_can_be_done_by_touch() -> Result<()> {
    let browser = Browser::start().await?;
    let phone = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    browser.devtools("Emulation.setDeviceMetricsOverride", phone).await?;
    browser.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 3 })).await?;
    all_tasks(&browser, false).await
}
