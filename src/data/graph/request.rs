//! What a card last drew, and how it came by it.
use crate::data::discovery::inventory::Inventory;
use crate::data::graph::frame::{bucket_ends, bucket_frame, bucket_shares, frame, named_values, sort};
use crate::data::graph::grid::Grid;
use crate::data::graph::incremental::{Lines, line_order};
use crate::data::http::client::{Backend, Failure};
use crate::data::http::request_limit::Queue;
use crate::state::card_options::{Choices, Comparison, Form};
use crate::wasm_size::sort::sort_by;
use catalogue::{
    Colours, Graph, QueryContext, Scope, buckets_query, detailed_query, drawn_query, line_name, summary_query,
};
use plot::Frame;
use prometheus_api::{RangeValues, Series};
use std::sync::Arc;

/// What the lines of a card are compared with, under their times.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// What it is.
    pub of: Comparison,
    /// Its lines.
    pub frame: Frame,
    /// Its query; empty where there is nothing to ask.
    pub(crate) query: String,
    /// How much earlier it was asked for, in milliseconds.
    pub(crate) back_ms: i64,
}

impl Beside {
    /// Lines to compare with, of whatever query.
    pub fn new(of: Comparison, frame: Frame) -> Self {
        Self { of, frame, query: String::new(), back_ms: 0 }
    }
}

/// Data with the range and grid they were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The lines.
    pub frame: Frame,
    /// What they are compared with, where the card compares.
    pub beside: Option<Beside>,
    /// Rates of each bucket, lowest first, where the card shows them.
    pub buckets: Option<Frame>,
    /// Upper ends of the buckets behind percentiles, in the graph's unit.
    pub bucket_ends: Vec<f64>,
    /// Each of these ends with the share of requests that stayed within it, over the range that is summed, where the card
    /// is held against a target.
    pub shares: Vec<(f64, f64)>,
    /// Whether the lines are details.
    pub is_detailed: bool,
    /// Start and end of the visible range, Unix milliseconds.
    pub range: (i64, i64),
    /// Up to when there can be values: the end of the range, or the server's time where that is earlier.
    pub until_ms: i64,
    /// The points asked for.
    pub grid: Grid,
    /// The query, with the window filled in.
    pub query: String,
    /// The boxes: line and value over a range.
    pub summary: Vec<(String, f64)>,
    /// Which range that is: not yet the visible one where the difference is small.
    pub summed: (i64, i64),
}

impl Drawn {
    /// Nothing, over a range.
    pub fn blank(range: (i64, i64)) -> Self {
        Self {
            frame: Frame::default(),
            beside: None,
            buckets: None,
            bucket_ends: Vec::new(),
            shares: Vec::new(),
            is_detailed: false,
            range,
            until_ms: range.1,
            grid: Grid { start_ms: 0, end_ms: 0, step_ms: 1, window_ms: 1 },
            query: String::new(),
            summary: Vec::new(),
            summed: range,
        }
    }
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
    /// There is nothing to draw, and why.
    Absent(String),
}

/// A card's data and their state. Data once drawn stay until newer ones come, or it is known that there are none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CardState {
    /// What is drawn.
    pub drawn: Option<Arc<Drawn>>,
    /// How fresh it is.
    pub status: Status,
}

impl CardState {
    /// Takes an answer: data; or none and why; or neither, where what is drawn is complete.
    pub(crate) fn take(&mut self, drawn: Option<Drawn>, why: Option<String>) {
        if drawn.is_some() || why.is_some() {
            self.drawn = drawn.map(Arc::new);
        }
        self.status = why.map_or(Status::Live, Status::Absent);
    }
}

/// All that the cards of one refresh have in common.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) backend: Backend,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) scope: Scope,
    /// Visible range.
    pub(crate) range: (i64, i64),
    /// Whether its end moves with the clock.
    pub(crate) is_live: bool,
    pub(crate) interval_ms: i64,
    /// The server's time.
    pub(crate) now_ms: i64,
}

impl Round {
    /// The time for instant queries at the end of the range: none for the server's own now.
    pub(crate) fn end_ms(&self) -> Option<i64> {
        (!self.is_live).then_some(self.range.1)
    }

    /// Asks for what `old` lacks of a graph. None when there is nothing to ask: the graph has no metrics, or a range
    /// of the past is already complete.
    pub(crate) async fn fetch(
        &self,
        graph: &Graph,
        choices: &Choices,
        old: Option<Arc<Drawn>>,
        queue: &Queue,
    ) -> Result<Option<Drawn>, Failure> {
        let grid = Grid::over(self.range, self.interval_ms, graph.draw_style);
        let names = self.inventory.present(&self.scope);
        let present = |name: &str| names.contains(name);
        let ask = QueryContext { scope: &self.scope, labels: &self.backend.labels, window_ms: grid.window_ms };
        // A heat map is of buckets where there are some, and else of what the details tell apart.
        let is_of_rows = choices.form == Form::HeatMap && graph.colours != Colours::Percentiles;
        let wants_details = choices.is_detailed || is_of_rows;
        let Some((query, is_detailed)) = self.query(graph, &self.scope, wants_details, grid) else { return Ok(None) };
        let old = old.filter(|old| old.query == query && old.grid.step_ms == grid.step_ms);
        let has_all = |old: &Drawn| {
            let known = old.beside.as_ref().map(|beside| &beside.of);
            (choices.comparison.is_none() || known == choices.comparison.as_ref())
                && (choices.form != Form::HeatMap || is_of_rows || old.buckets.is_some())
                && (choices.target.is_none() || !old.shares.is_empty())
        };
        if let Some(old) = &old
            && old.range == self.range
            && self.range.1 < self.now_ms - grid.window_ms
            && has_all(old)
        {
            return Ok(None);
        }
        let asked = Lines { round: self, grid, old: old.as_deref(), queue };
        let mut lines = asked.continued(&query, asked.old.map(|old| &old.frame), 0, &frame).await?;
        sort(&mut lines, &line_order(graph));
        let beside = match &choices.comparison {
            Some(of) => Some(asked.beside(graph, of, &query, wants_details).await?),
            None => None,
        };
        let histogram = (graph.colours == Colours::Percentiles).then(|| buckets_query(graph, &present, &ask)).flatten();
        let buckets = match (&histogram, choices.form) {
            (Some((query, scale)), Form::HeatMap) => {
                let read = |matrix: &[Series<RangeValues>], grid, start_ms| {
                    bucket_frame(matrix, *scale, graph.unit, grid, start_ms)
                };
                Some(asked.continued(query, asked.old.and_then(|old| old.buckets.as_ref()), 0, &read).await?)
            }
            _ => None,
        };
        let known = old.as_ref().filter(|old| !old.bucket_ends.is_empty());
        let bucket_ends = match (histogram, known) {
            (_, Some(old)) => old.bucket_ends.clone(),
            (Some((query, scale)), None) => {
                let _permit = queue.permit().await;
                bucket_ends(self.backend.instant(query, self.end_ms()).await?, scale)
            }
            (None, None) => Vec::new(),
        };
        let range = self.range;
        let known = old.as_ref().filter(|old| self.is_live && !old.summary.is_empty() && still_sums(old.summed, range));
        let (summary, summed) = match (known, summary_query(graph, &present, &ask, range.1 - range.0)) {
            (Some(old), _) => (old.summary.clone(), old.summed),
            (None, Some(query)) => {
                let _permit = queue.permit().await;
                (ordered(named_values(self.backend.instant(query, self.end_ms()).await?), &line_order(graph)), range)
            }
            (None, None) => (Vec::new(), range),
        };
        let whole = QueryContext { window_ms: range.1 - range.0, ..ask };
        let counted = choices.target.and_then(|_| buckets_query(graph, &present, &whole));
        let shares = match (known.filter(|old| !old.shares.is_empty()), counted) {
            (Some(old), Some(_)) => old.shares.clone(),
            (None, Some((query, scale))) => {
                let _permit = queue.permit().await;
                bucket_shares(self.backend.instant(query, self.end_ms()).await?, scale)
            }
            (_, None) => Vec::new(),
        };
        let until_ms = range.1.min(self.now_ms);
        let frame = lines;
        Ok(Some(Drawn {
            frame,
            beside,
            buckets,
            bucket_ends,
            shares,
            is_detailed,
            range,
            until_ms,
            grid,
            query,
            summary,
            summed,
        }))
    }

    /// The query of a graph within a scope: of its details where they are wanted and there are some, and whether it is.
    pub(crate) fn query(
        &self,
        graph: &Graph,
        scope: &Scope,
        wants_details: bool,
        grid: Grid,
    ) -> Option<(String, bool)> {
        let names = self.inventory.present(scope);
        let present = |name: &str| names.contains(name);
        let ask = QueryContext { scope, labels: &self.backend.labels, window_ms: grid.window_ms };
        let detailed = wants_details.then(|| detailed_query(graph, &present, &ask)).flatten();
        let is_detailed = detailed.is_some();
        Some((detailed.or_else(|| drawn_query(graph, &present, &ask))?, is_detailed))
    }

    /// What a card's menu can offer.
    pub(crate) fn offers(&self, graph: &Graph) -> Offers {
        let names = self.inventory.present(&self.scope);
        let present = |name: &str| names.contains(name);
        let ask = QueryContext { scope: &self.scope, labels: &self.backend.labels, window_ms: self.interval_ms };
        Offers {
            has_details: detailed_query(graph, &present, &ask).is_some(),
            has_buckets: graph.colours == Colours::Percentiles && buckets_query(graph, &present, &ask).is_some(),
            deployments: self.inventory.comparable(graph, &self.scope),
        }
    }
}

/// What there is besides the lines of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// Status codes, replicas or GPUs.
    pub has_details: bool,
    /// Buckets of a histogram.
    pub has_buckets: bool,
    /// Other deployments of the model to compare with.
    pub deployments: Vec<String>,
}

/// A sum over a range is good for as long as the range has moved on by less than one part in so many: a server that
/// keeps a month should not add it up every second.
const SUMMED_PARTS: i64 = 60;

/// Whether what was summed over a range will do for another.
fn still_sums(summed: (i64, i64), range: (i64, i64)) -> bool {
    let length_ms = range.1 - range.0;
    length_ms == summed.1 - summed.0 && (0..length_ms / SUMMED_PARTS).contains(&(range.1 - summed.1))
}

fn ordered(mut values: Vec<(String, f64)>, order: &[&str]) -> Vec<(String, f64)> {
    let rank = |name: &str| order.iter().position(|own| *own == line_name(name)).unwrap_or(order.len());
    sort_by(&mut values, |a, b| rank(&a.0).cmp(&rank(&b.0)).then_with(|| a.0.cmp(&b.0)));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_has_nothing_to_draw_keeps_no_lines_of_before() {
        let mut state = CardState::default();
        state.take(Some(Drawn::blank((0, 1))), None);
        assert_eq!((state.drawn.is_some(), &state.status), (true, &Status::Live));
        state.take(None, None);
        assert!(state.drawn.is_some(), "nothing was asked, as all is there");
        state.take(None, Some("no such model".into()));
        assert_eq!(state, CardState { drawn: None, status: Status::Absent("no such model".into()) });
    }

    #[test]
    fn a_sum_lasts_for_a_sixtieth_of_its_range() {
        let hour_ms = 3_600_000;
        for (moved_ms, lasts) in [(0, true), (59_999, true), (60_000, false), (-1, false)] {
            assert_eq!(still_sums((0, hour_ms), (moved_ms, hour_ms + moved_ms)), lasts, "{moved_ms}");
        }
        assert!(!still_sums((0, hour_ms), (0, hour_ms + 1)), "another length");
    }
}
