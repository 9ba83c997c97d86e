//! The values of a card at the end of its range, after the last time of its grid.
use crate::data::graph::bounds::LineBounds;
use crate::data::graph::frame::line_values;
use crate::data::graph::grid::Grid;
use crate::data::graph::request::CardRequest;
use crate::data::http::error::RequestError;
use crate::data::round::Round;
use catalogue::{DrawStyle, Graph, Window};
use plot::{Column, Frame};

/// A line whose last value is not older than this, in milliseconds, needs no later one.
const MAX_LINE_AGE_MS: i64 = 60_000;

/// The scrapes within the window of a rate that is current. One over the whole step of a long range would not be.
const MIN_WINDOW_SCRAPES: i64 = 4;

/// How many scrapes an unfinished bar takes at least.
const MIN_BAR_SCRAPES: i64 = 3;

/// The values at the end of the range, by line, and the window that they are of.
pub(crate) struct LatestValues {
    pub(crate) window_ms: i64,
    pub(crate) values: Vec<(String, f64)>,
}

impl Round {
    /// The window of the values at the end of the range; none if those of the grid are recent enough. Of a bar it is the
    /// time that has passed since the last one, of a line a window of several scrapes.
    pub(crate) fn latest_window(&self, graph: &Graph, grid: Grid, longest_interval_ms: i64) -> Option<Window> {
        let passed_ms = self.until_ms() - grid.end_ms;
        let window_ms = match graph.draw_style {
            DrawStyle::Bars => (passed_ms >= MIN_BAR_SCRAPES * longest_interval_ms).then_some(passed_ms),
            DrawStyle::Lines => {
                let now_ms = (MIN_WINDOW_SCRAPES * longest_interval_ms).max(MAX_LINE_AGE_MS);
                (passed_ms > MAX_LINE_AGE_MS).then_some(now_ms.min(grid.window.length_ms))
            }
        };
        window_ms.map(Window::sliding)
    }
}

impl CardRequest<'_> {
    /// The values of a query at the end of the range.
    pub(crate) async fn latest(&self, query: Option<(String, Window)>) -> Result<Option<LatestValues>, RequestError> {
        let Some((query, window)) = query else { return Ok(None) };
        let values = line_values(self.instant(query).await?);
        Ok(Some(LatestValues { window_ms: window.length_ms, values }))
    }
}

/// Appends values at a time after those of the frame.
pub(crate) fn append(frame: &mut Frame, bounds: &mut [LineBounds], time_ms: i64, latest: LatestValues) {
    let count = frame.times_ms.len();
    frame.times_ms.push(time_ms);
    for column in &mut frame.columns {
        column.values.push(f64::NAN);
    }
    for (name, value) in latest.values {
        if let Some(line) = bounds.iter_mut().find(|line| line.name == name) {
            line.least.push(value);
            line.greatest.push(value);
        }
        let at = frame.columns.iter().position(|column| column.name == name).unwrap_or_else(|| {
            frame.columns.push(Column { name, values: vec![f64::NAN; count + 1] });
            frame.columns.len() - 1
        });
        frame.columns[at].values[count] = value;
    }
    for line in bounds {
        line.least.resize(count + 1, f64::NAN);
        line.greatest.resize(count + 1, f64::NAN);
    }
}

/// The times of a frame from `start_ms` to `end_ms`.
pub(crate) fn within(frame: &Frame, start_ms: i64, end_ms: i64) -> Frame {
    let from = frame.times_ms.partition_point(|time_ms| *time_ms < start_ms);
    let to = frame.times_ms.partition_point(|time_ms| *time_ms <= end_ms).max(from);
    let columns = frame.columns.iter();
    let columns = columns.map(|column| Column { name: column.name.clone(), values: column.values[from..to].to_vec() });
    Frame { times_ms: frame.times_ms[from..to].to_vec(), columns: columns.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_values_follow_those_of_the_grid() {
        let mut frame =
            Frame { times_ms: vec![0, 10], columns: vec![Column { name: "a".into(), values: vec![1.0, 2.0] }] };
        let mut bounds = [LineBounds { name: "a".into(), least: vec![0.0, 1.0], greatest: vec![2.0, 3.0] }];
        let values = vec![("a".to_owned(), 5.0), ("new".to_owned(), 7.0)];
        append(&mut frame, &mut bounds, 14, LatestValues { window_ms: 4, values });
        assert_eq!(frame.times_ms, [0, 10, 14]);
        assert_eq!(frame.columns[0].values, [1.0, 2.0, 5.0]);
        assert!(frame.columns[1].values[0].is_nan() && frame.columns[1].values[2] == 7.0);
        assert_eq!(
            (bounds[0].least.as_slice(), bounds[0].greatest.as_slice()),
            (&[0.0, 1.0, 5.0][..], &[2.0, 3.0, 5.0][..])
        );
        let grid = within(&frame, 5, 10);
        assert_eq!((grid.times_ms.as_slice(), grid.columns[0].values.as_slice()), (&[10][..], &[2.0][..]));
    }
}
