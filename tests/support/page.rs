//! Reads and operates the page by its stable test ids and data attributes: cards, menus, the view in the URL.
use crate::{Browser, FixtureError, PATIENCE, Paint, Result, until};
use serde::Deserialize;
use std::collections::BTreeMap;
use thirtyfour::{By, WebElement};

/// Returns all cards in the form of [`Card`].
const CARDS: &str = "
    return Array.from(document.querySelectorAll('section.card'), card => ({
        graph: card.dataset.graph,
        status: card.dataset.status,
        points: Number(card.dataset.points),
        label: card.querySelector('[data-testid=overlay]')?.ariaLabel ?? '',
        is_in_window: card.getBoundingClientRect().top < innerHeight && card.getBoundingClientRect().bottom > 0,
        note: card.querySelector('.now')?.textContent ?? '',
        boxes: Object.fromEntries(Array.from(
            card.querySelectorAll('[data-testid=boxes] [data-box]'),
            box => [box.dataset.box, box.querySelector('b').textContent],
        )),
    }));";

/// Scrolls to the first of these cards that is not loaded.
const SCROLL_TO_LOAD: &str = "
    const cards = arguments[0].map(graph => document.querySelector(`section.card[data-graph=${graph}]`));
    cards.find(card => card?.dataset.status === 'loading')?.scrollIntoView({ block: 'center' });";

/// Opens the panel of the top bar that an element is in.
const OPEN_PANEL: &str =
    "const panel = arguments[0].parentElement.closest('details.popover'); if (panel) panel.open = true;";

/// Counts the page's requests, and those whose response has not been read completely.
const COUNT_REQUESTS: &str = "
    if (!window.requests) {
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
    }";

/// A card on the page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Card {
    /// The graph's id in the catalogue.
    pub graph: String,
    /// `loading`, `live`, `stale` or `failed`.
    pub status: String,
    /// The number of times that are drawn.
    pub points: u64,
    /// The accessible description of the graph: its title, its time range and its newest values.
    pub label: String,
    /// Whether a part of it is in the window. The others load when they are scrolled to.
    pub is_in_window: bool,
    /// The newest value, or the time since which the card is stale.
    pub note: String,
    /// The summary above the graph: names and texts.
    pub boxes: BTreeMap<String, String>,
}

impl Card {
    /// The time range that the card shows, such as `14:05:10 to 14:12:30`.
    pub fn range(&self) -> &str {
        self.label.split_once(" from ").and_then(|(_, rest)| rest.split_once(". ")).map_or("", |(range, _)| range)
    }

    /// A value of the summary; `None` if there is no such value or it is not an integer.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.boxes.get(name)?.replace(',', "").parse().ok()
    }
}

impl Browser {
    /// All cards on the page.
    ///
    /// # Errors
    /// When the browser does not show the page.
    pub async fn cards(&self) -> Result<Vec<Card>> {
        let cards = self.evaluate(CARDS, Vec::new()).await?;
        serde_json::from_value(cards).map_err(|error| FixtureError::Page(format!("its cards are malformed: {error}")))
    }

    /// The card of a graph.
    ///
    /// # Errors
    /// When the page has no such card.
    pub async fn card(&self, graph: &str) -> Result<Card> {
        let card = self.cards().await?.into_iter().find(|card| card.graph == graph);
        card.ok_or_else(|| FixtureError::Page(format!("there is no card of {graph}")))
    }

    /// Waits until these graphs have cards, and these and every other card in the window are live and have data; returns
    /// all cards. Cards below the window are scrolled to, and the page back to its top.
    ///
    /// # Errors
    /// When this does not happen in time.
    pub async fn live_cards(&self, graphs: &[&str]) -> Result<Vec<Card>> {
        let is_live = |card: &Card| card.status == "live" && card.points > 0;
        let is_loaded = |cards: &[Card], graph: &str| cards.iter().any(|card| card.graph == graph && is_live(card));
        let are_live = |cards: &Vec<Card>| {
            graphs.iter().all(|graph| is_loaded(cards, graph))
                && cards.iter().all(|card| is_live(card) || !card.is_in_window)
        };
        let cards = async || {
            self.evaluate(SCROLL_TO_LOAD, vec![graphs.into()]).await?;
            self.cards().await
        };
        let cards = until(&format!("live cards of {graphs:?}"), PATIENCE, cards, are_live).await?;
        self.evaluate("scrollTo(0, 0)", Vec::new()).await?;
        Ok(cards)
    }

    /// Waits until the card of a graph has more than `min` coloured pixels; returns its pixels.
    ///
    /// # Errors
    /// When there is no such card, or it does not have enough coloured pixels in time.
    pub async fn painted(&self, graph: &str, min: u64) -> Result<Paint> {
        let canvas = self.find(&format!("[data-graph={graph}] .stage canvas")).await?;
        let paint = async || self.paint(&canvas).await;
        until(&format!("lines on the card of {graph}"), PATIENCE, paint, |paint| paint.coloured() > min).await
    }

    /// Starts to count the requests of the open page.
    ///
    /// # Errors
    /// When no page is open.
    pub async fn count_requests(&self) -> Result<()> {
        self.evaluate(COUNT_REQUESTS, Vec::new()).await.map(drop)
    }

    /// Waits until all counted requests have a response; returns their number.
    ///
    /// # Errors
    /// When the requests are not counted, or some have no response in time.
    pub async fn answered_requests(&self) -> Result<u64> {
        let counts = async || self.evaluate("return [requests.started, requests.pending]", Vec::new()).await;
        let counts = until("responses to all requests", PATIENCE, counts, |counts| counts[1] == 0).await?;
        counts[0].as_u64().ok_or_else(|| FixtureError::Page(format!("its request counts are malformed: {counts}")))
    }

    /// Opens the menu of a graph's card and selects an action.
    ///
    /// # Errors
    /// When there is no such card, or its menu has no such action.
    pub async fn choose(&self, graph: &str, action: &str) -> Result<()> {
        let menu = self.find(&format!("[data-graph={graph}] [data-testid=menu]")).await?;
        // The top bar covers what the driver takes for visible.
        self.place(&menu).await?;
        menu.click().await?;
        Ok(self.find(&format!("[data-graph={graph}] [data-action={action}]")).await?.click().await?)
    }

    /// The element of a graph's card that receives pointer and keyboard events.
    ///
    /// # Errors
    /// When there is no such card.
    pub async fn overlay(&self, graph: &str) -> Result<WebElement> {
        self.find(&format!("[data-graph={graph}] [data-testid=overlay]")).await
    }

    /// Clicks the control with this test id; one in a closed panel after the panel is opened.
    ///
    /// # Errors
    /// When there is no such control, or it cannot be clicked.
    pub async fn press(&self, control: &str) -> Result<()> {
        let element = self.find(&format!("[data-testid={control}]")).await?;
        self.evaluate(OPEN_PANEL, vec![element.to_json()?]).await?;
        Ok(element.click().await?)
    }

    /// The element that a CSS selector finds, with the panel open that it is in.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn find_in_panel(&self, css: &str) -> Result<WebElement> {
        let element = self.find(css).await?;
        self.evaluate(OPEN_PANEL, vec![element.to_json()?]).await?;
        Ok(element)
    }

    /// Double-clicks an element. Uses a script, because on a slow machine two clicks of the driver are too far apart.
    ///
    /// # Errors
    /// When the element is gone.
    pub async fn double_click(&self, element: &WebElement) -> Result<()> {
        let script = "const [element] = arguments; element.click(); element.click(); \
            element.dispatchEvent(new MouseEvent('dblclick', { bubbles: true, cancelable: true, detail: 2 }));";
        self.evaluate(script, vec![element.to_json()?]).await.map(drop)
    }

    /// The number of elements that match a CSS selector now.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn count(&self, css: &str) -> Result<usize> {
        Ok(self.driver().find_all(By::Css(css)).await?.len())
    }

    /// The query parameters in the page's URL.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn view(&self) -> Result<BTreeMap<String, String>> {
        let url = self.driver().current_url().await?;
        Ok(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }
}
