//! What a card draws, and how current it is.
use crate::data::graph::bounds::LineBounds;
use crate::data::graph::buckets::{BucketCount, BucketEnds};
use crate::data::graph::grid::Grid;
use crate::data::graph::highest::HighestLines;
use crate::state::card_options::Comparison;
use crate::state::time_range::TimeRange;
use catalogue::Window;
use plot::Frame;
use std::sync::Arc;

/// The data of a card, and the range and grid that they were queried for.
#[derive(Clone, Debug, PartialEq)]
pub struct CardData {
    /// The lines.
    pub frame: Frame,
    /// The lines of the comparison, if the card has one.
    pub comparison: Option<ComparisonData>,
    /// The rate in each bucket, lowest first, if the card is a heat map of buckets.
    pub buckets: Option<Frame>,
    /// The ends of the buckets behind percentiles, by engine.
    pub bucket_ends: Vec<BucketEnds>,
    /// The requests up to each bucket end over `summary_range`, by engine, if the card has a threshold.
    pub shares: Vec<Vec<BucketCount>>,
    /// Whether the lines are details.
    pub is_detailed: bool,
    /// The highest of them, if there are so many that the others are [`REST_LINE`](catalogue::REST_LINE).
    pub(crate) highest: Option<HighestLines>,
    /// The visible range.
    pub range: TimeRange,
    /// The time up to which there can be values: the end of the range, or the server's time if that is earlier.
    pub until_ms: i64,
    /// The times of the lines.
    pub grid: Grid,
    /// The window of the values at `until_ms`, if the frame has that time after those of the grid. A bar there is
    /// unfinished: it stands for the time since the last one.
    pub latest_window_ms: Option<i64>,
    /// The least and the greatest values of gauges within each step.
    pub bounds: Vec<LineBounds>,
    /// Whether the summary is an estimate, because the server does not count exactly.
    pub is_estimated: bool,
    /// The query with its window filled in.
    pub query: String,
    /// The summary: line and value over `summary_range`.
    pub summary: Vec<(String, f64)>,
    /// The range of the summary; it may lag a little behind the visible one.
    pub summary_range: TimeRange,
    /// What the server says of its answers.
    pub notes: Vec<AnswerNote>,
}

/// A warning, a hint or a limit that came with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerNote {
    /// Its text.
    pub text: String,
    /// The last time of the lines that it is about, Unix milliseconds; none if it is about the summary.
    pub until_ms: Option<i64>,
}

impl CardData {
    /// The values of bars without that of an unfinished one, if there are others.
    pub fn known_bars<'a>(&self, values: &'a [f64]) -> &'a [f64] {
        let complete = values.split_last().filter(|_| self.latest_window_ms.is_some()).map(|(_, complete)| complete);
        complete.filter(|complete| complete.iter().copied().any(f64::is_finite)).unwrap_or(values)
    }

    /// The query of all lines, also if only the highest are drawn.
    pub fn whole_query(&self) -> &str {
        self.highest.as_ref().map_or(&self.query, |highest| &highest.query)
    }

    /// No lines over a range.
    pub fn blank(range: TimeRange) -> Self {
        Self {
            frame: Frame::default(),
            comparison: None,
            buckets: None,
            bucket_ends: Vec::new(),
            shares: Vec::new(),
            is_detailed: false,
            highest: None,
            range,
            until_ms: range.end_ms,
            grid: Grid { start_ms: 0, end_ms: 0, step_ms: 1, window: Window::sliding(1), settling_ms: 0 },
            latest_window_ms: None,
            bounds: Vec::new(),
            is_estimated: false,
            query: String::new(),
            summary: Vec::new(),
            summary_range: range,
            notes: Vec::new(),
        }
    }
}

/// The lines that a card's own are compared with, at the same times.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonData {
    /// What the card is compared with.
    pub with: Comparison,
    /// The lines.
    pub frame: Frame,
    /// The query; empty if there is nothing to compare with.
    pub(crate) query: String,
    /// The highest lines, if there are too many.
    pub(crate) highest: Option<HighestLines>,
    /// How much earlier the query was evaluated, in milliseconds.
    pub(crate) offset_ms: i64,
}

impl ComparisonData {
    /// Lines to compare with, without a query.
    pub fn new(with: Comparison, frame: Frame) -> Self {
        Self { with, frame, query: String::new(), highest: None, offset_ms: 0 }
    }
}

/// How current a card is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// No answer has arrived yet.
    #[default]
    Loading,
    /// As current as the refresh interval allows.
    Live,
    /// The server does not answer; the data are of an earlier time.
    Stale {
        /// Time of the last answer, Unix milliseconds.
        since_ms: i64,
    },
    /// The query failed, with the reason in one sentence.
    Failed(String),
    /// There is nothing to draw, with the reason.
    Missing(String),
}

/// A card's data and status. Data stay until newer ones arrive or there are known to be none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CardState {
    /// What the card draws.
    pub data: Option<Arc<CardData>>,
    /// How current it is.
    pub status: Status,
}

impl CardState {
    /// Applies an answer: new data, or none and the reason, or neither where the present data are complete.
    pub(crate) fn apply(&mut self, data: Option<CardData>, missing_reason: Option<String>) {
        if data.is_some() || missing_reason.is_some() {
            self.data = data.map(Arc::new);
        }
        self.status = missing_reason.map_or(Status::Live, Status::Missing);
    }

    /// Keeps the data and marks them as stale since the last answer; without data the card shows the reason.
    pub(crate) fn age(&mut self, reason: &str, since_ms: i64) {
        self.status = match &self.data {
            Some(_) => Status::Stale { since_ms },
            None => Status::Failed(reason.to_owned()),
        };
    }
}

/// What a card's menu can offer for a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvailableOptions {
    /// Individual status codes, replicas or GPUs.
    pub has_details: bool,
    /// Buckets of a histogram.
    pub has_buckets: bool,
    /// Other deployments of the model to compare with.
    pub deployments: Vec<String>,
    /// Notes on the server.
    pub has_notes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_bar_is_used_only_alone() {
        let data = CardData { latest_window_ms: Some(5), ..CardData::blank(TimeRange::new(0, 1)) };
        assert_eq!(data.known_bars(&[1.0, 2.0, 9.0]), [1.0, 2.0]);
        assert_eq!(data.known_bars(&[f64::NAN, 9.0])[1], 9.0, "nothing else is known of a young history");
        let finished = CardData { latest_window_ms: None, ..data };
        assert_eq!(finished.known_bars(&[1.0, 2.0]), [1.0, 2.0]);
    }

    #[test]
    fn a_card_without_data_keeps_no_lines_of_before() {
        let mut state = CardState::default();
        state.apply(Some(CardData::blank(TimeRange::new(0, 1))), None);
        assert_eq!((state.data.is_some(), &state.status), (true, &Status::Live));
        state.apply(None, None);
        assert!(state.data.is_some(), "nothing was queried, as the data are complete");
        state.apply(None, Some("no such model".into()));
        assert_eq!(state, CardState { data: None, status: Status::Missing("no such model".into()) });
    }
}
