//! The lines of a card as they are asked for: whole or by their tail, and those they are compared with.
use crate::data::graph::frame::{shifted, sort, with_tail};
use crate::data::graph::grid::Grid;
use crate::data::graph::request::{Beside, Drawn, Round};
use crate::data::http::chunked_json::turn;
use crate::data::http::client::Failure;
use crate::data::http::request_limit::Queue;
use crate::state::card_options::Comparison;
use catalogue::{Graph, PERCENTILES};
use plot::Frame;
use prometheus_api::{Data, RangeValues, Series};

/// Makes a frame of an answer that begins at that time.
type Read<'a> = &'a dyn Fn(&[Series<RangeValues>], Grid, i64) -> Frame;

/// What the queries of one card have in common.
pub(crate) struct Lines<'a> {
    pub(crate) round: &'a Round,
    pub(crate) grid: Grid,
    pub(crate) old: Option<&'a Drawn>,
    pub(crate) queue: &'a Queue,
}

impl Lines<'_> {
    /// What the lines of `query` are compared with.
    pub(crate) async fn beside(
        &self,
        graph: &Graph,
        of: &Comparison,
        query: &str,
        wants_details: bool,
    ) -> Result<Beside, Failure> {
        let (round, grid) = (self.round, self.grid);
        let (query, back_ms) = match of {
            Comparison::RangeBefore => (query.to_owned(), range_before_ms(round.range, grid.step_ms)),
            Comparison::Deployment(name) => {
                let scope = round.inventory.beside(graph, &round.scope, name);
                let query = scope.and_then(|scope| round.query(graph, &scope, wants_details, grid));
                (query.unwrap_or_default().0, 0)
            }
        };
        let mut frame = Frame::default();
        if !query.is_empty() {
            let known = self.old.and_then(|old| old.beside.as_ref());
            let known = known.filter(|known| (&known.of, &known.query, known.back_ms) == (of, &query, back_ms));
            let read = &crate::data::graph::frame::frame;
            frame = self.continued(&query, known.map(|known| &known.frame), back_ms, read).await?;
            sort(&mut frame, &line_order(graph));
        }
        Ok(Beside { query, back_ms, ..Beside::new(of.clone(), frame) })
    }

    /// The frame of a query, asked `back_ms` before its times: whole, or the tail that `known` lacks.
    pub(crate) async fn continued(
        &self,
        query: &str,
        known: Option<&Frame>,
        back_ms: i64,
        read: Read<'_>,
    ) -> Result<Frame, Failure> {
        let grid = self.grid;
        // Only a frame that reaches into the new range, and back to its start, can be continued.
        let reaches = |old: &&Drawn| old.grid.start_ms <= grid.start_ms && old.grid.end_ms >= grid.start_ms;
        let old = self.old.filter(reaches).zip(known);
        let start_ms = old.map_or(grid.start_ms, |(old, _)| grid.tail_start_ms(old.grid.end_ms.min(grid.end_ms)));
        let permit = self.queue.permit().await;
        let asked = (start_ms - back_ms, grid.end_ms - back_ms);
        let data = self.round.backend.range(query.to_owned(), asked.0, asked.1, grid.step_ms).await?;
        drop(permit);
        let Data::Matrix(matrix) = data else {
            return Err(Failure::Foreign("a range query gave something other than a matrix".into()));
        };
        let then = Grid { start_ms: grid.start_ms - back_ms, end_ms: asked.1, ..grid };
        turn(matrix.len()).await;
        let fresh = shifted(read(&matrix, then, asked.0), back_ms);
        drop(matrix);
        turn(fresh.columns.len()).await;
        let whole = match old {
            Some((_, old)) => with_tail(old, fresh, grid.start_ms),
            None => fresh,
        };
        turn(whole.columns.len()).await;
        Ok(whole)
    }
}

/// How much earlier the range before lies, in milliseconds: its length in whole steps, so that both are on one grid.
fn range_before_ms(range: (i64, i64), step_ms: i64) -> i64 {
    (range.1 - range.0 + step_ms - 1).div_euclid(step_ms) * step_ms
}

/// The lines of a graph in the catalogue's order.
pub(crate) fn line_order(graph: &Graph) -> Vec<&'static str> {
    let percentiles = PERCENTILES.iter().map(|(name, _)| *name);
    let own = graph.lines.iter().map(|line| line.name).filter(|name| !name.is_empty());
    percentiles.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_before_ends_where_this_one_begins_on_the_same_grid() {
        for (range, step_ms, expected) in [
            ((0, 3_600_000), 15_000, 3_600_000),
            ((7, 3_600_007), 15_000, 3_600_000),
            ((0, 3_600_001), 15_000, 3_615_000),
            ((500, 10_500), 60_000, 60_000),
        ] {
            let back_ms = range_before_ms(range, step_ms);
            assert_eq!(back_ms, expected, "{range:?} by {step_ms}");
            assert!(range.1 - back_ms <= range.0 && range.1 - back_ms > range.0 - step_ms && back_ms % step_ms == 0);
        }
    }
}
