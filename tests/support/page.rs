//! What the page says by the parts of it that keep their names: its cards, and the view in its address.
use crate::{Browser, FixtureError, PATIENCE, Paint, Result, until};
use serde::Deserialize;
use std::collections::BTreeMap;
use thirtyfour::{By, WebElement};

/// All cards, as [`Card`] has them.
const CARDS: &str = "
    return Array.from(document.querySelectorAll('section.card'), card => ({
        graph: card.dataset.graph,
        status: card.dataset.status,
        points: Number(card.dataset.points),
        label: card.querySelector('[data-testid=overlay]')?.ariaLabel ?? '',
        note: card.querySelector('.now')?.textContent ?? '',
        boxes: Object.fromEntries(Array.from(
            card.querySelectorAll('[data-testid=boxes] dd'),
            box => [box.dataset.box, box.querySelector('b').textContent],
        )),
    }));";

/// Counts the page's requests, and those whose answer has not been read to its end.
const COUNT_REQUESTS: &str = "
    if (!window.requests) {
        window.requests = { started: 0, pending: 0 };
        const send = window.fetch;
        window.fetch = (...given) => {
            window.requests.started++;
            window.requests.pending++;
            const done = () => { window.requests.pending--; };
            const answer = send.apply(window, given);
            answer.then(answer => answer.clone().arrayBuffer()).then(done, done);
            return answer;
        };
    }";

/// A card as it stands on the page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Card {
    /// The graph's name in the catalogue.
    pub graph: String,
    /// `loading`, `live`, `stale` or `failed`.
    pub status: String,
    /// Points of time drawn.
    pub points: u64,
    /// The graph in a sentence: its title, its range and its newest values.
    pub label: String,
    /// The newest value, or since when the card is stale.
    pub note: String,
    /// The boxes above the graph: name and text.
    pub boxes: BTreeMap<String, String>,
}

impl Card {
    /// The range that the card shows, such as `14:05:10 to 14:12:30`.
    pub fn range(&self) -> &str {
        self.label.split_once(" from ").and_then(|(_, rest)| rest.split_once(". ")).map_or("", |(range, _)| range)
    }

    /// The count in a box; none where there is no such box or it holds no number.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.boxes.get(name)?.replace(',', "").parse().ok()
    }
}

impl Browser {
    /// The cards on the page.
    ///
    /// # Errors
    /// When there is no page, or another one.
    pub async fn cards(&self) -> Result<Vec<Card>> {
        let cards = self.evaluate(CARDS, Vec::new()).await?;
        serde_json::from_value(cards).map_err(|error| FixtureError::Page(format!("its cards are odd: {error}")))
    }

    /// The card of a graph.
    ///
    /// # Errors
    /// When the page has none.
    pub async fn card(&self, graph: &str) -> Result<Card> {
        let found = self.cards().await?.into_iter().find(|card| card.graph == graph);
        found.ok_or_else(|| FixtureError::Page(format!("there is no card of {graph}")))
    }

    /// The cards, once there is one of each of these graphs and all are live with something drawn.
    ///
    /// # Errors
    /// When that does not come about in time.
    pub async fn live_cards(&self, graphs: &[&str]) -> Result<Vec<Card>> {
        let has = |cards: &[Card], graph: &str| cards.iter().any(|card| card.graph == graph);
        let is_live = |card: &Card| card.status == "live" && card.points > 0;
        let enough = |cards: &Vec<Card>| graphs.iter().all(|graph| has(cards, graph)) && cards.iter().all(is_live);
        until(&format!("live cards of {graphs:?}"), PATIENCE, async || self.cards().await, enough).await
    }

    /// What is painted on the card of a graph, once it is more than `least` coloured pixels.
    ///
    /// # Errors
    /// When there is no such card, or it stays empty.
    pub async fn painted(&self, graph: &str, least: u64) -> Result<Paint> {
        let canvas = self.find(&format!("[data-graph={graph}] .stage canvas")).await?;
        let paint = async || self.paint(&canvas).await;
        until(&format!("lines on the card of {graph}"), PATIENCE, paint, |paint| paint.coloured() > least).await
    }

    /// Counts the requests of the page that is open from now on.
    ///
    /// # Errors
    /// When there is no page.
    pub async fn count_requests(&self) -> Result<()> {
        self.evaluate(COUNT_REQUESTS, Vec::new()).await.map(drop)
    }

    /// How many requests the page has made since they are counted, once all of them are answered.
    ///
    /// # Errors
    /// When they are not counted, or some are not answered in time.
    pub async fn answered_requests(&self) -> Result<u64> {
        let counts = async || self.evaluate("return [requests.started, requests.pending]", Vec::new()).await;
        let counts = until("answers", PATIENCE, counts, |counts| counts[1] == 0).await?;
        counts[0].as_u64().ok_or_else(|| FixtureError::Page(format!("its requests are odd: {counts}")))
    }

    /// Takes what the menu of a graph's card offers.
    ///
    /// # Errors
    /// When there is no such card, or its menu has nothing of that name.
    pub async fn choose(&self, graph: &str, action: &str) -> Result<()> {
        self.find(&format!("[data-graph={graph}] [data-testid=menu]")).await?.click().await?;
        Ok(self.find(&format!("[data-graph={graph}] [data-action={action}]")).await?.click().await?)
    }

    /// The pointer and keyboard target of a graph's card.
    ///
    /// # Errors
    /// When there is no such card.
    pub async fn overlay(&self, graph: &str) -> Result<WebElement> {
        self.find(&format!("[data-graph={graph}] [data-testid=overlay]")).await
    }

    /// Presses the control of that name.
    ///
    /// # Errors
    /// When there is none, or it cannot be pressed.
    pub async fn press(&self, control: &str) -> Result<()> {
        Ok(self.find(&format!("[data-testid={control}]")).await?.click().await?)
    }

    /// Clicks an element twice. By script, as a driver's two clicks are apart on a slow machine.
    ///
    /// # Errors
    /// When the element is gone.
    pub async fn double_click(&self, element: &WebElement) -> Result<()> {
        let script = "const [element] = arguments; element.click(); element.click(); \
            element.dispatchEvent(new MouseEvent('dblclick', { bubbles: true, cancelable: true, detail: 2 }));";
        self.evaluate(script, vec![element.to_json()?]).await.map(drop)
    }

    /// How many elements a CSS selector finds now.
    ///
    /// # Errors
    /// When the browser does not tell.
    pub async fn count(&self, css: &str) -> Result<usize> {
        Ok(self.driver().find_all(By::Css(css)).await?.len())
    }

    /// The parameters in the page's address.
    ///
    /// # Errors
    /// When the browser does not tell.
    pub async fn view(&self) -> Result<BTreeMap<String, String>> {
        let url = self.driver().current_url().await?;
        Ok(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }
}
