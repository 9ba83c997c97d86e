//! Queries what a card lacks: its lines, comparison, buckets, summary and shares.
use crate::data::discovery::intervals::ScrapeIntervals;
use crate::data::graph::bounds::{joined, split};
use crate::data::graph::bucket_requests::is_row_map;
use crate::data::graph::buckets::{BucketCount, BucketEnds, bucket_counts};
use crate::data::graph::card_state::{AnswerNote, AvailableOptions, CardData, ComparisonData};
use crate::data::graph::frame::{frame, line_values, sort_lines};
use crate::data::graph::grid::Grid;
use crate::data::graph::highest::Details;
use crate::data::graph::latest::append;
use crate::data::graph::peaks::peaks;
use crate::data::http::client::Answer;
use crate::data::http::error::RequestError;
use crate::data::http::request_limit::RequestLimit;
use crate::data::round::Round;
use crate::state::card_options::{CardOptions, Comparison, Form};
use crate::state::time_range::TimeRange;
use catalogue::{
    BucketsQuery, BucketsUse, Colours, DrawStyle, Graph, PERCENTILES, Peaks, QueryContext, Scope, Window, WindowKind,
    buckets_query, detailed_query, drawn_query, read_names, summary_query,
};
use futures::future::join;
use plot::Frame;
use prometheus_api::Data;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A summary over a range stays valid until the range has moved on by a sixtieth of its length or this time, in
/// milliseconds: a server should not add up an hour every second.
const MAX_SUMMARY_AGE_MS: i64 = 60_000;

/// Of a long range it stays valid until the range has moved on by this fraction of its length.
const LONG_SUMMARY_PARTS: i64 = 1440;

/// Details of more replicas than this have no peaks, since each adds two lines to the answer.
const MAX_DETAILS_WITH_PEAKS: i64 = 20;

/// The query of a graph's lines.
pub(crate) struct LinesQuery {
    pub(crate) query: String,
    pub(crate) is_detailed: bool,
    /// The query of the values at the end of the range, with its window.
    pub(crate) latest: Option<(String, Window)>,
}

/// One card's requests of a round.
pub(crate) struct CardRequest<'a> {
    pub(crate) round: &'a Round,
    pub(crate) graph: &'a Graph,
    pub(crate) grid: Grid,
    /// How often the targets behind the graph are scraped.
    intervals: ScrapeIntervals,
    /// What the card has, if it comes from the same query with the same step.
    pub(crate) old: Option<&'a CardData>,
    pub(crate) limit: &'a RequestLimit,
    pub(crate) options: &'a CardOptions,
    /// The metric names in scope.
    pub(crate) names: Cow<'a, BTreeSet<String>>,
    /// What the server has said of its answers.
    notes: RefCell<Vec<AnswerNote>>,
}

/// What a card knows of a whole range: the summary, the ends of buckets, and the requests up to them.
struct RangeFacts {
    summary: Vec<(String, f64)>,
    bucket_ends: Vec<BucketEnds>,
    shares: Vec<Vec<BucketCount>>,
    range: TimeRange,
}

impl Round {
    /// Queries what `old` lacks of a graph. None if there is nothing to query: the graph has no metrics, or the data of a
    /// past range are complete.
    pub(crate) async fn fetch_card(
        &self,
        graph: &Graph,
        options: &CardOptions,
        old: Option<Arc<CardData>>,
        limit: &RequestLimit,
    ) -> Result<Option<CardData>, RequestError> {
        let intervals = self.intervals(graph, &self.scope);
        let grid = Grid::over(self.range, self.now_ms, intervals, graph.draw_style, self.backend.counting);
        let wants_details = options.is_detailed || is_row_map(graph, options);
        let Some(lines) = self.lines_query(graph, &self.scope, wants_details, (grid, intervals)) else {
            return Ok(None);
        };
        let details = Details { graph, scope: &self.scope, are_rows: is_row_map(graph, options) };
        let old_highest = old.as_ref().and_then(|old| old.highest.as_ref());
        let (LinesQuery { query, is_detailed, latest }, highest) =
            self.highest(details, lines, grid.window, old_highest, limit).await?;
        let old = old.filter(|old| old.query == query && old.grid.step_ms == grid.step_ms);
        let names = self.names(&self.scope);
        let request = CardRequest {
            round: self,
            graph,
            grid,
            intervals,
            old: old.as_deref(),
            limit,
            options,
            names,
            notes: RefCell::default(),
        };
        if request.is_complete() {
            return Ok(None);
        }
        let known = request.old.map(|old| joined(&old.frame, &old.bounds));
        let (lines, latest) = join(request.continued(&query, known.as_ref(), 0, &frame), request.latest(latest)).await;
        let ((mut frame, mut bounds), latest) = (split(lines?), latest?);
        let latest_window_ms = latest.as_ref().map(|latest| latest.window_ms);
        if let Some(latest) = latest {
            append(&mut frame, &mut bounds, self.until_ms(), latest);
        }
        sort_columns(graph, &mut frame);
        let comparison = match &options.comparison {
            Some(with) => Some(request.comparison(with, &query, wants_details).await?),
            None => None,
        };
        let RangeFacts { summary, bucket_ends, shares, range: summary_range } = request.range_facts().await?;
        let buckets = request.buckets(&bucket_ends).await?;
        let notes = request.all_notes(summary_range);
        Ok(Some(CardData {
            frame,
            comparison,
            buckets,
            bucket_ends,
            shares,
            is_detailed,
            highest,
            range: self.range,
            until_ms: self.until_ms(),
            grid,
            latest_window_ms,
            bounds,
            is_estimated: !self.backend.counting.is_exact(),
            query,
            summary,
            summary_range,
            notes,
        }))
    }

    /// How often the targets behind a graph are scraped.
    pub(crate) fn intervals(&self, graph: &Graph, scope: &Scope) -> ScrapeIntervals {
        let names = self.names(scope);
        let read = read_names(graph, &|name| names.contains(name));
        self.intervals.of(&self.inventory, scope, &read)
    }

    /// The queries of a graph's lines within a scope: of its details if they are wanted and exist.
    fn lines_query(
        &self,
        graph: &Graph,
        scope: &Scope,
        wants_details: bool,
        (grid, intervals): (Grid, ScrapeIntervals),
    ) -> Option<LinesQuery> {
        let names = self.names(scope);
        let present = |name: &str| names.contains(name);
        let replicas = self.inventory.replicas(scope).len() as i64;
        let lines = |window: Window, peaks: Option<Peaks>| {
            let context = QueryContext { peaks, ..self.context_of(scope, window) };
            let detailed = wants_details.then(|| detailed_query(graph, &present, &context)).flatten();
            let is_detailed = detailed.is_some();
            Some((detailed.or_else(|| drawn_query(graph, &present, &context))?, is_detailed))
        };
        let peaks = peaks(self.range, grid, intervals, replicas);
        let peaks = peaks.filter(|_| graph.draw_style == DrawStyle::Lines);
        let (query, is_detailed) =
            lines(grid.window, peaks.filter(|_| !wants_details || replicas <= MAX_DETAILS_WITH_PEAKS))?;
        let latest = self.latest_window(graph, grid, intervals.longest_ms);
        let latest = latest.and_then(|window| Some((lines(window, None)?.0, window)));
        Some(LinesQuery { query, is_detailed, latest })
    }

    /// What a card's menu can offer.
    pub(crate) fn available_options(&self, graph: &Graph) -> AvailableOptions {
        let names = self.names(&self.scope);
        let present = |name: &str| names.contains(name);
        let context = self.context(Window::sliding(ScrapeIntervals::default().longest_ms));
        AvailableOptions {
            has_notes: self.backend.has_notes,
            has_details: detailed_query(graph, &present, &context).is_some(),
            has_buckets: graph.colours == Colours::Percentiles
                && buckets_query(graph, &present, &context, BucketsUse::HeatMap).is_some(),
            deployments: self.inventory.comparable(graph, &self.scope),
        }
    }
}

impl CardRequest<'_> {
    /// Whether the card has all data of a range that lies in the past.
    fn is_complete(&self) -> bool {
        let (range, options) = (self.round.range, self.options);
        self.old.is_some_and(|old| {
            let compared = old.comparison.as_ref().map(|comparison| &comparison.with);
            old.range == range
                && range.end_ms + self.grid.settling_ms < old.until_ms.max(self.round.now_ms - self.grid.step_ms)
                && (options.comparison.is_none() || compared == options.comparison.as_ref())
                && (options.form != Form::HeatMap || is_row_map(self.graph, options) || old.buckets.is_some())
                && (options.threshold.is_none() || !old.shares.is_empty())
        })
    }

    /// The lines that those of `query` are compared with.
    async fn comparison(
        &self,
        with: &Comparison,
        query: &str,
        wants_details: bool,
    ) -> Result<ComparisonData, RequestError> {
        let (round, grid, graph) = (self.round, self.grid, self.graph);
        let old = self.old.and_then(|old| old.comparison.as_ref());
        let (mut query, mut offset_ms, mut highest) = (query.to_owned(), 0, None);
        match with {
            Comparison::PreviousPeriod => offset_ms = previous_period_ms(round.range, grid.step_ms),
            Comparison::Deployment(name) => {
                query.clear();
                let scope = round.inventory.comparison_scope(graph, &round.scope, name);
                let lines = scope.as_ref().and_then(|scope| {
                    Some((scope, round.lines_query(graph, scope, wants_details, (grid, self.intervals))?))
                });
                if let Some((scope, lines)) = lines {
                    let details = Details { graph, scope, are_rows: false };
                    let old = old.and_then(|old| old.highest.as_ref());
                    let (lines, own) = round.highest(details, lines, grid.window, old, self.limit).await?;
                    (query, highest) = (lines.query, own);
                }
            }
        }
        let mut lines = Frame::default();
        if !query.is_empty() {
            let old = old.filter(|old| (&old.with, &old.query, old.offset_ms) == (with, &query, offset_ms));
            lines = self.continued(&query, old.map(|old| &old.frame), offset_ms, &frame).await?;
            sort_columns(self.graph, &mut lines);
        }
        Ok(ComparisonData { query, offset_ms, highest, ..ComparisonData::new(with.clone(), lines) })
    }

    /// The summary, the ends of buckets, and the requests up to them, with their range.
    async fn range_facts(&self) -> Result<RangeFacts, RequestError> {
        let (graph, range) = (self.graph, self.round.range);
        let present = |name: &str| self.names.contains(name);
        let context = self.round.context(self.grid.window);
        let old = self
            .old
            .filter(|old| self.round.is_live && !old.summary.is_empty() && is_still_valid(old.summary_range, range));
        let (summary, bucket_ends, range) = match old {
            Some(old) => (old.summary.clone(), old.bucket_ends.clone(), old.summary_range),
            None => {
                let mut values = match summary_query(graph, &present, &context, range.length_ms()) {
                    Some(query) => line_values(self.instant(query).await?),
                    None => Vec::new(),
                };
                sort_lines(&mut values, &line_order(graph), |(line, _)| line);
                (values, self.bucket_ends().await?, range)
            }
        };
        let whole = Window { length_ms: range.length_ms(), kind: WindowKind::Whole };
        let query = self.options.threshold.and_then(|_| self.buckets_query(whole, BucketsUse::Shares));
        let shares = match (old.filter(|old| !old.shares.is_empty()), query) {
            (Some(old), Some(_)) => old.shares.clone(),
            (None, Some(BucketsQuery { query, sources })) => bucket_counts(self.instant(query).await?, &sources),
            (_, None) => Vec::new(),
        };
        Ok(RangeFacts { summary, bucket_ends, shares, range })
    }

    /// The data of an answer, whose notes are kept: those of lines with their last time.
    pub(crate) fn noted(&self, answer: Answer, until_ms: Option<i64>) -> Data {
        let note = |text| AnswerNote { text, until_ms };
        self.notes.borrow_mut().extend(answer.notes.into_iter().map(note));
        answer.data
    }

    /// The notes of this round, and those of earlier answers that the card still shows.
    fn all_notes(&self, summary_range: TimeRange) -> Vec<AnswerNote> {
        let mut notes = self.notes.take();
        let is_shown = |old: &CardData, until_ms: Option<i64>| match until_ms {
            Some(until_ms) => until_ms > self.grid.start_ms,
            None => old.summary_range == summary_range,
        };
        if let Some(old) = self.old {
            notes.extend(old.notes.iter().filter(|note| is_shown(old, note.until_ms)).cloned());
        }
        // Of the same note the latest stays.
        let mut distinct: Vec<AnswerNote> = Vec::new();
        for note in notes {
            if distinct.iter().all(|other| other.text != note.text) {
                distinct.push(note);
            }
        }
        distinct
    }

    /// Evaluates a query at the end of the range, as soon as there is a permit.
    pub(crate) async fn instant(&self, query: String) -> Result<Data, RequestError> {
        let _permit = self.limit.permit().await;
        let answer = self.round.backend.instant_with_notes(query, self.round.end_ms()).await?;
        Ok(self.noted(answer, None))
    }
}

/// The distance to the previous period, in milliseconds: the length of the range in whole steps, so that both are on one
/// grid.
fn previous_period_ms(range: TimeRange, step_ms: i64) -> i64 {
    (range.length_ms() + step_ms - 1).div_euclid(step_ms) * step_ms
}

/// Whether a summary over one range is good enough for another.
pub(crate) fn is_still_valid(summary_range: TimeRange, range: TimeRange) -> bool {
    let length_ms = range.length_ms();
    let max_age_ms = (length_ms / 60).min(MAX_SUMMARY_AGE_MS).max(length_ms / LONG_SUMMARY_PARTS);
    length_ms == summary_range.length_ms() && (0..max_age_ms).contains(&(range.end_ms - summary_range.end_ms))
}

/// Sorts the lines of a graph as the catalogue does.
fn sort_columns(graph: &Graph, frame: &mut Frame) {
    sort_lines(&mut frame.columns, &line_order(graph), |column| &column.name);
}

/// The names of a graph's lines in the catalogue's order.
fn line_order(graph: &Graph) -> Vec<&'static str> {
    let percentiles = PERCENTILES.iter().map(|(name, _)| *name);
    let own = graph.lines.iter().map(|line| line.name).filter(|name| !name.is_empty());
    percentiles.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_period_ends_where_this_one_begins_on_the_same_grid() {
        for (start_ms, end_ms, step_ms, expected) in [
            (0, 3_600_000, 15_000, 3_600_000),
            (7, 3_600_007, 15_000, 3_600_000),
            (0, 3_600_001, 15_000, 3_615_000),
            (500, 10_500, 60_000, 60_000),
        ] {
            let range = TimeRange::new(start_ms, end_ms);
            let back_ms = previous_period_ms(range, step_ms);
            assert_eq!(back_ms, expected, "{range:?} by {step_ms}");
            assert!(end_ms - back_ms <= start_ms && end_ms - back_ms > start_ms - step_ms && back_ms % step_ms == 0);
        }
    }

    #[test]
    fn a_summary_is_valid_for_a_minute_or_a_small_part_of_its_range() {
        const HOUR_MS: i64 = 3_600_000;
        for (length_ms, moved_ms, is_valid) in [
            (HOUR_MS, 0, true),
            (HOUR_MS, 59_999, true),
            (HOUR_MS, 60_000, false),
            (HOUR_MS, -1, false),
            (HOUR_MS / 12, 4999, true),
            (HOUR_MS / 12, 5000, false),
            (24 * HOUR_MS, 60_000, false),
            (30 * 24 * HOUR_MS, 1_799_999, true),
        ] {
            let summary_range = TimeRange::new(0, length_ms);
            let is = is_still_valid(summary_range, summary_range.shifted(moved_ms));
            assert_eq!(is, is_valid, "{length_ms} {moved_ms}");
            assert!(!is_still_valid(summary_range, TimeRange::new(0, length_ms + 1)), "another length");
        }
    }
}
