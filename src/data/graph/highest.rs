//! Details with more lines than can be told apart: the highest are queried one by one, and the others together.
use crate::data::graph::frame::line_values;
use crate::data::graph::request::LinesQuery;
use crate::data::http::error::RequestError;
use crate::data::http::request_limit::RequestLimit;
use crate::data::round::Round;
use catalogue::{ALL_LINE, Detail, Graph, QueryContext, Scope, Window, highest_details_query, highest_lines_query};

/// The number of lines that are drawn one by one, since more could not be told apart.
pub(crate) const MAX_LINES: usize = 50;

/// The number of rows of a heat map.
const MAX_ROWS: usize = 200;

/// How far the range may move on before the highest lines are selected anew, in milliseconds. Other lines are another
/// query over the whole range.
const MAX_AGE_MS: i64 = 300_000;

/// Which lines of a graph's details are the highest, where there are too many.
#[derive(Clone, Debug, PartialEq)]
pub struct HighestLines {
    /// The query of all lines.
    pub query: String,
    /// The number of all lines.
    pub total: usize,
    names: Vec<String>,
    /// The end of the range at which they were the highest, Unix milliseconds.
    at_ms: i64,
}

/// Details of a graph within a scope.
pub(crate) struct Details<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) scope: &'a Scope,
    /// Whether each line is a row of a heat map.
    pub(crate) are_rows: bool,
}

impl Round {
    /// The query of the highest lines in place of that of all, if there are too many of them. `old` are those that were
    /// drawn before.
    pub(crate) async fn highest(
        &self,
        details: Details<'_>,
        lines: LinesQuery,
        window: Window,
        old: Option<&HighestLines>,
        limit: &RequestLimit,
    ) -> Result<(LinesQuery, Option<HighestLines>), RequestError> {
        let Details { graph, scope, are_rows } = details;
        let max_lines = if are_rows { MAX_ROWS } else { MAX_LINES };
        if !lines.is_detailed || graph.detail == Detail::Codes || self.inventory.replicas(scope).len() <= max_lines {
            return Ok((lines, None));
        }
        let names = self.names(scope);
        let present = |name: &str| names.contains(name);
        let context = |window: Window| QueryContext { peaks: None, ..self.context_of(scope, window) };
        let is_current = |old: &&HighestLines| {
            old.query == lines.query && (0..MAX_AGE_MS).contains(&(self.range.end_ms - old.at_ms))
        };
        let highest = match old.filter(is_current) {
            Some(old) => old.clone(),
            None => {
                let query = highest_lines_query(graph, &present, &context(window), max_lines);
                let Some(query) = query else { return Ok((lines, None)) };
                let _permit = limit.permit().await;
                let answer = self.backend.instant(query, self.end_ms()).await?;
                HighestLines::new(lines.query.clone(), line_values(answer), self.range.end_ms)
            }
        };
        let query_of = |window| highest_details_query(graph, &present, &context(window), &highest.names, !are_rows);
        let (Some((query, count)), true) = (query_of(window), highest.total > max_lines) else {
            return Ok((lines, None));
        };
        let latest = lines.latest.and_then(|(_, window)| Some((query_of(window)?.0, window)));
        let mut highest = highest;
        highest.names.truncate(count);
        Ok((LinesQuery { query, latest, ..lines }, Some(highest)))
    }
}

impl HighestLines {
    /// Reads an answer: lines, and the number of all.
    fn new(query: String, lines: Vec<(String, f64)>, at_ms: i64) -> Self {
        let total = lines.iter().find(|(line, _)| line == ALL_LINE).map_or(lines.len(), |(_, total)| *total as usize);
        let names = lines.into_iter().map(|(line, _)| line).filter(|line| line != ALL_LINE).collect();
        Self { query, total, names, at_ms }
    }
}
