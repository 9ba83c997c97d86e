//! Turns answers into frames, and appends a new tail to a frame.
use crate::data::graph::bounds::column_name;
use crate::data::graph::grid::Grid;
use crate::wasm_size::sort::sort_by;
use crate::wasm_size::table::Table;
use catalogue::LINE_LABEL;
use plot::{Column, Frame};
use prometheus_api::{Data, RangeValues, Series};

/// The name of the line that a series belongs to.
pub(crate) fn line_name<V>(series: &Series<V>) -> String {
    series.metric.get(LINE_LABEL).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| "other".into())
}

/// A frame of the grid's times from `start_ms` on; absent values are NaN.
pub(crate) fn frame(matrix: &[Series<RangeValues>], grid: Grid, start_ms: i64) -> Frame {
    let count = ((grid.end_ms - start_ms) / grid.step_ms + 1).max(0) as usize;
    let times_ms = (0..count as i64).map(|at| start_ms + at * grid.step_ms).collect();
    let columns = matrix.iter().map(|series| {
        let mut values = vec![f64::NAN; count];
        for (time_s, number) in &series.samples.values {
            let at = ((time_s * 1000.0 - start_ms as f64) / grid.step_ms as f64).round();
            if let Some(value) = values.get_mut(at as usize).filter(|_| at >= 0.0) {
                *value = number.0;
            }
        }
        Column { name: column_name(line_name(series), series), values }
    });
    Frame { times_ms, columns: columns.collect() }
}

/// `old` without the times before `start_ms`, and with `tail` in place of its times from the start of `tail` on. A line
/// that one of the two lacks is NaN there.
pub(crate) fn with_tail(old: &Frame, tail: Frame, start_ms: i64) -> Frame {
    let Some(&tail_start_ms) = tail.times_ms.first() else { return old.clone() };
    let at = |time_ms| old.times_ms.partition_point(|time| *time < time_ms);
    let kept = at(start_ms)..at(tail_start_ms);
    let (kept_count, tail_count) = (kept.len(), tail.times_ms.len());
    let mut times_ms = old.times_ms[kept.clone()].to_vec();
    times_ms.extend(&tail.times_ms);
    let mut tails: Table<Option<Vec<f64>>> = Table::default();
    for column in tail.columns {
        *tails.at(&column.name, None) = Some(column.values);
    }
    let mut columns: Vec<Column> = Vec::with_capacity(old.columns.len());
    for column in &old.columns {
        let mut values = column.values[kept.clone()].to_vec();
        match tails.get_mut(&column.name).and_then(Option::take) {
            Some(tail) => values.extend(tail),
            None => values.resize(kept_count + tail_count, f64::NAN),
        }
        columns.push(Column { name: column.name.clone(), values });
    }
    columns.extend(tails.iter().filter_map(|(name, tail)| {
        let mut values = vec![f64::NAN; kept_count];
        values.extend(tail.as_ref()?);
        Some(Column { name: name.to_owned(), values })
    }));
    columns.retain(|column| column.values.iter().any(|value| !value.is_nan()));
    Frame { times_ms, columns }
}

/// Sorts lines as `order` lists their names; the others follow by name.
pub(crate) fn sort_lines<T>(lines: &mut [T], order: &[&str], name: impl Fn(&T) -> &str) {
    let rank = |name: &str| order.iter().position(|own| *own == catalogue::line_name(name)).unwrap_or(order.len());
    sort_by(lines, |a, b| {
        let (a, b) = (name(a), name(b));
        rank(a).cmp(&rank(b)).then_with(|| a.cmp(b))
    });
}

/// Line and value of each element of a vector; empty for other data.
pub(crate) fn line_values(data: Data) -> Vec<(String, f64)> {
    match data {
        Data::Vector(series) => series.iter().map(|series| (line_name(series), series.samples.value.1.0)).collect(),
        Data::Matrix(_) | Data::Scalar(_) | Data::String(_) => Vec::new(),
    }
}

/// The frame with its times moved by `by_ms`.
pub(crate) fn shifted(mut frame: Frame, by_ms: i64) -> Frame {
    for time_ms in &mut frame.times_ms {
        *time_ms += by_ms;
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::Window;
    use prometheus_api::Number;

    const GRID: Grid =
        Grid { start_ms: 0, end_ms: 40_000, step_ms: 10_000, window: Window::sliding(20_000), settling_ms: 0 };

    fn series(name: &str, points: &[(f64, f64)]) -> Series<RangeValues> {
        let values = points.iter().map(|(time, value)| (*time, Number(*value))).collect();
        Series { metric: [(LINE_LABEL.to_owned(), name.to_owned())].into(), samples: RangeValues { values } }
    }

    /// Values with NaN written as −1, so that frames compare.
    fn values(frame: &Frame, name: &str) -> Vec<f64> {
        let column = frame.columns.iter().find(|column| column.name == name).expect("a column");
        column.values.iter().map(|value| if value.is_nan() { -1.0 } else { *value }).collect()
    }

    #[test]
    fn values_are_on_the_grid_and_gaps_stay_gaps() {
        let frame = frame(&[series("a", &[(10.0, 1.0), (30.0, 3.0), (99.0, 9.0)])], GRID, 0);
        assert_eq!(frame.times_ms, [0, 10_000, 20_000, 30_000, 40_000]);
        assert_eq!(values(&frame, "a"), [-1.0, 1.0, -1.0, 3.0, -1.0]);
    }

    #[test]
    fn a_tail_replaces_what_it_covers_and_old_values_are_dropped() {
        let old =
            frame(&[series("a", &[(0.0, 1.0), (10.0, 1.0), (20.0, 1.0)]), series("gone", &[(0.0, 5.0)])], GRID, 0);
        let grid = Grid { start_ms: 10_000, end_ms: 50_000, ..GRID };
        let tail = frame(&[series("a", &[(20.0, 2.0), (50.0, 2.0)]), series("new", &[(50.0, 7.0)])], grid, 20_000);
        let joined = with_tail(&old, tail, 10_000);
        assert_eq!(joined.times_ms, [10_000, 20_000, 30_000, 40_000, 50_000]);
        assert_eq!(values(&joined, "a"), [1.0, 2.0, -1.0, -1.0, 2.0]);
        assert_eq!(values(&joined, "new"), [-1.0, -1.0, -1.0, -1.0, 7.0]);
        assert!(joined.columns.iter().all(|column| column.name != "gone"));
    }

    #[test]
    fn lines_follow_the_order_then_their_names() {
        let mut frame = frame(&[series("z", &[]), series("p99", &[]), series("b", &[]), series("p50", &[])], GRID, 0);
        sort_lines(&mut frame.columns, &["p50", "p99"], |column| &column.name);
        assert_eq!(
            frame.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
            ["p50", "p99", "b", "z"]
        );
    }

    #[test]
    fn a_frame_of_another_time_is_shifted() {
        let frame = shifted(frame(&[series("a", &[(10.0, 1.0)])], GRID, 0), 600_000);
        assert_eq!(frame.times_ms[..2], [600_000, 610_000]);
        assert_eq!(values(&frame, "a")[1], 1.0);
    }
}
