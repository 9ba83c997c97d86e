//! Range queries that ask only for the tail that a card lacks.
use crate::data::graph::card_state::CardData;
use crate::data::graph::frame::{shifted, with_tail};
use crate::data::graph::grid::Grid;
use crate::data::graph::latest::within;
use crate::data::graph::request::CardRequest;
use crate::data::http::chunked_json::yield_if_many;
use crate::data::http::error::RequestError;
use plot::Frame;
use prometheus_api::{Data, RangeValues, Series};

/// Makes a frame of an answer that begins at a time.
type ReadFrame<'a> = &'a dyn Fn(&[Series<RangeValues>], Grid, i64) -> Frame;

impl CardRequest<'_> {
    /// The frame of a query that is evaluated `offset_ms` before the times of the grid: `known` with the tail that it
    /// lacks, or all of it.
    pub(crate) async fn continued(
        &self,
        query: &str,
        known: Option<&Frame>,
        offset_ms: i64,
        read: ReadFrame<'_>,
    ) -> Result<Frame, RequestError> {
        let grid = self.grid;
        if let Some((old, known)) = self.old.zip(known)
            && grid.is_settled(&old.grid, old.until_ms)
        {
            return Ok(within(known, grid.start_ms, grid.end_ms));
        }
        let known = self.old.filter(|old: &&CardData| grid.continues(&old.grid)).zip(known);
        let start_ms = known.map_or(grid.start_ms, |(old, _)| grid.tail_start_ms(old.grid.end_ms.min(grid.end_ms)));
        let permit = self.limit.permit().await;
        let (from_ms, to_ms) = (start_ms - offset_ms, grid.end_ms - offset_ms);
        let answer = self.round.backend.range_with_notes(query.to_owned(), from_ms, to_ms, grid.step_ms, None).await?;
        drop(permit);
        let Data::Matrix(matrix) = self.noted(answer, Some(grid.end_ms)) else {
            return Err(RequestError::Foreign("a range query gave something other than a matrix".into()));
        };
        let earlier = Grid { start_ms: grid.start_ms - offset_ms, end_ms: to_ms, ..grid };
        yield_if_many(matrix.len()).await;
        let tail = shifted(read(&matrix, earlier, from_ms), offset_ms);
        drop(matrix);
        yield_if_many(tail.columns.len()).await;
        let whole = match known {
            Some((_, known)) => with_tail(known, tail, grid.start_ms),
            None => tail,
        };
        yield_if_many(whole.columns.len()).await;
        Ok(whole)
    }
}
