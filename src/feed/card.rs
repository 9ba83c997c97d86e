//! What a card last drew, and how it came by it.
use super::{
    client::{Backend, Failure},
    frames::{frame, named_values, sort, with_tail},
    grid::Grid,
    inventory::Inventory,
    queue::Queue,
};
use catalogue::{Ask, Graph, PERCENTILES, Scope, drawn_query, line_name, summary_query};
use plot::Frame;
use promapi::Data;
use std::sync::Arc;

/// Data with the range and grid they were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The lines.
    pub frame: Frame,
    /// Start and end of the visible range, Unix milliseconds.
    pub range: (i64, i64),
    /// The points asked for.
    pub grid: Grid,
    /// The query, with the window filled in.
    pub query: String,
    /// The boxes: line and value over the range.
    pub summary: Vec<(String, f64)>,
}

/// How fresh a card is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nothing has come yet.
    #[default]
    Loading,
    /// As fresh as the refresh interval says.
    Live,
    /// Nothing new since then, Unix milliseconds: the server is away.
    Stale {
        /// Time of the last answer.
        since_ms: i64,
    },
    /// The server refused, in one sentence.
    Failed(String),
}

/// A card's data and their state. Data once drawn stay until newer ones come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CardState {
    /// What is drawn.
    pub drawn: Option<Arc<Drawn>>,
    /// How fresh it is.
    pub status: Status,
}

/// All that the cards of one refresh have in common.
#[derive(Clone)]
pub(super) struct Round {
    pub(super) backend: Backend,
    pub(super) inventory: Arc<Inventory>,
    pub(super) scope: Scope,
    /// Visible range.
    pub(super) range: (i64, i64),
    /// Whether its end moves with the clock.
    pub(super) is_live: bool,
    pub(super) interval_ms: i64,
    /// The server's time.
    pub(super) now_ms: i64,
}

impl Round {
    /// The time for instant queries at the end of the range: none for the server's own now.
    pub(super) fn end_ms(&self) -> Option<i64> {
        (!self.is_live).then_some(self.range.1)
    }

    /// Asks for what `old` lacks of a graph. None when there is nothing to ask: the graph has no metrics, or a range
    /// of the past is already complete.
    pub(super) async fn fetch(
        &self,
        graph: &Graph,
        old: Option<Arc<Drawn>>,
        queue: &Queue,
    ) -> Result<Option<Drawn>, Failure> {
        let grid = Grid::over(self.range, self.interval_ms, graph.look);
        let names = self.inventory.present(&self.scope);
        let present = |name: &str| names.contains(name);
        let ask = Ask { scope: &self.scope, labels: &self.backend.labels, window_ms: grid.window_ms };
        let Some(query) = drawn_query(graph, &present, &ask) else { return Ok(None) };
        let old = old.filter(|old| old.query == query && old.grid.step_ms == grid.step_ms);
        if let Some(old) = &old
            && old.range == self.range
            && self.range.1 < self.now_ms - grid.window_ms
        {
            return Ok(None);
        }
        // Only a frame that reaches into the new range, and back to its start, can be continued.
        let old = old.filter(|old| old.grid.start_ms <= grid.start_ms && old.grid.end_ms >= grid.start_ms);
        let start_ms = old.as_ref().map_or(grid.start_ms, |old| grid.tail_start_ms(old.grid.end_ms.min(grid.end_ms)));
        let permit = queue.permit().await;
        let data = self.backend.range(query.clone(), start_ms, grid.end_ms, grid.step_ms).await?;
        drop(permit);
        let Data::Matrix(matrix) = data else {
            return Err(Failure::Foreign("a range query gave something other than a matrix".into()));
        };
        let fresh = frame(&matrix, grid, start_ms);
        let mut frame = match &old {
            Some(old) => with_tail(&old.frame, fresh, grid.start_ms),
            None => fresh,
        };
        sort(&mut frame, &line_order(graph));
        let summary = match summary_query(graph, &present, &ask, self.range.1 - self.range.0) {
            Some(query) => {
                let _permit = queue.permit().await;
                ordered(named_values(self.backend.instant(query, self.end_ms()).await?), &line_order(graph))
            }
            None => Vec::new(),
        };
        Ok(Some(Drawn { frame, range: self.range, grid, query, summary }))
    }
}

/// The lines of a graph in the catalogue's order.
fn line_order(graph: &Graph) -> Vec<&'static str> {
    let percentiles = PERCENTILES.iter().map(|(name, _)| *name);
    let own = graph.lines.iter().map(|line| line.name).filter(|name| !name.is_empty());
    percentiles.chain(own).collect()
}

fn ordered(mut values: Vec<(String, f64)>, order: &[&str]) -> Vec<(String, f64)> {
    let rank = |name: &str| order.iter().position(|own| *own == line_name(name)).unwrap_or(order.len());
    values.sort_by(|a, b| rank(&a.0).cmp(&rank(&b.0)).then_with(|| a.0.cmp(&b.0)));
    values
}
