//! Decimation: of a line's points in each pixel column, only the first, lowest, highest and last are kept.
//!
//! Source: Jugel, Jerzak, Hackenbroich, Markl, "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014.

/// Connected points, in units of the scene.
pub type Polyline = Vec<(i32, i32)>;

/// The range of points in one pixel column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PixelColumn {
    x: i32,
    start: usize,
    end: usize,
}

/// The points in each pixel column, computed once for all lines with the same times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PixelColumns(Vec<PixelColumn>);

impl PixelColumns {
    /// The columns, `width` units wide, of `count` points with ascending positions `x`.
    pub fn new(count: usize, width: f64, x: impl Fn(usize) -> f64) -> Self {
        let mut columns = Vec::new();
        let mut start = 0;
        let x = |at| x(at) / width;
        while start < count {
            let column = x(start).round();
            // Points are about evenly spaced, so a column is about as long as the one before.
            let guess = columns.last().map_or(1, |last: &PixelColumn| last.end - last.start);
            let end = end_of(start, count, guess, |at| x(at).round() <= column);
            columns.push(PixelColumn { x: (column * width).round() as i32, start, end });
            start = end;
        }
        Self(columns)
    }

    /// The line through `values`, with at most four points in each pixel column. A NaN or infinity ends a polyline, and the
    /// next value starts another. Values beyond the count of points are ignored.
    pub fn reduce(&self, values: &[f64], y: impl Fn(f64) -> f64) -> Vec<Polyline> {
        let mut lines = Vec::new();
        let mut line = Polyline::new();
        for column in &self.0 {
            let within = &values[column.start.min(values.len())..column.end.min(values.len())];
            for (at, run) in within.split(|value| !value.is_finite()).enumerate() {
                if at > 0 && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                push_run(run, column.x, &y, &mut line);
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }
}

/// The first index after `start` for which `is_within` is false; the search starts at `start + guess`.
fn end_of(start: usize, count: usize, guess: usize, is_within: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high, mut reach) = (start + 1, count, guess.max(1));
    while start + reach < count {
        if is_within(start + reach) {
            low = start + reach + 1;
            reach *= 2;
        } else {
            high = start + reach;
            break;
        }
    }
    while low < high {
        let middle = usize::midpoint(low, high);
        if is_within(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Adds the first, lowest, highest and last value of a run without gaps, in the order of time.
fn push_run(run: &[f64], x: i32, y: &impl Fn(f64) -> f64, line: &mut Polyline) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    let (mut low, mut low_at, mut high, mut high_at) = (*first, 0, *first, 0);
    for (at, value) in run.iter().enumerate() {
        if *value < low {
            (low, low_at) = (*value, at);
        }
        if *value > high {
            (high, high_at) = (*value, at);
        }
    }
    let (second, third) = if low_at < high_at { (low, high) } else { (high, low) };
    for value in [*first, second, third, *last] {
        let point = (x, y(value).round() as i32);
        if line.last() != Some(&point) {
            line.push(point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced(per_pixel: usize, values: &[f64]) -> Vec<Polyline> {
        PixelColumns::new(values.len(), 1.0, |at| (at / per_pixel) as f64).reduce(values, |value| value)
    }

    #[test]
    fn a_single_peak_among_many_points_is_kept() {
        let mut values = vec![1.0; 100_000];
        values[54_321] = 900.0;
        let lines = reduced(100, &values);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].iter().filter(|(_, y)| *y == 900).collect::<Vec<_>>(), [&(543, 900)]);
        assert!(lines[0].len() <= 4 * 1000);
    }

    #[test]
    fn every_point_is_in_exactly_one_column() {
        let positions = [0.0, 0.2, 0.4, 3.0, 7.0, 7.1, 7.2, 7.3, 7.4, 8.9, 9.0];
        let columns = PixelColumns::new(positions.len(), 1.0, |at| positions[at]);
        let ranges: Vec<_> = columns.0.iter().map(|column| (column.x, column.start..column.end)).collect();
        assert_eq!(ranges, [(0, 0..3), (3, 3..4), (7, 4..9), (9, 9..11)]);
        let wide = PixelColumns::new(positions.len(), 2.0, |at| positions[at]);
        assert!(wide.0.iter().map(|column| column.x).eq([0, 4, 8, 10]), "{wide:?}");
    }

    #[test]
    fn points_in_a_column_are_in_order_of_time() {
        assert_eq!(reduced(5, &[3.0, 9.0, 1.0, 4.0, 2.0]), [[(0, 3), (0, 9), (0, 1), (0, 2)]]);
        assert_eq!(reduced(5, &[3.0, 1.0, 9.0, 4.0, 2.0]), [[(0, 3), (0, 1), (0, 9), (0, 2)]]);
    }

    #[test]
    fn gaps_break_the_line_and_lone_points_are_kept() {
        let gap = f64::NAN;
        let lines = reduced(1, &[gap, 1.0, gap, gap, 2.0, 3.0, f64::INFINITY, 4.0]);
        assert_eq!(lines, [vec![(1, 1)], vec![(4, 2), (5, 3)], vec![(7, 4)]]);
        assert!(reduced(1, &[]).is_empty() && reduced(1, &[gap]).is_empty());
    }
}
