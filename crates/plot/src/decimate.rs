//! Fewer points for the same picture: of each pixel column a line's first, lowest, highest and last point are kept.
//!
//! Source: Jugel, Jerzak, Hackenbroich, Markl, "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014.

/// Connected points in canvas pixels.
pub type Polyline = Vec<(i32, i32)>;

/// What is kept of one pixel column, as indexes into the values.
struct Kept {
    first: usize,
    low: usize,
    high: usize,
    last: usize,
}

/// The line through `values` at places `x`, at most four points for each pixel column; a NaN or infinity ends one
/// polyline and the next value begins another.
pub fn m4(xs: impl Iterator<Item = f64>, values: &[f64], y: impl Fn(f64) -> f64) -> Vec<Polyline> {
    let mut lines = Vec::new();
    let mut line = Polyline::new();
    let mut column = i32::MIN;
    let mut kept: Option<Kept> = None;
    let pixel = |at: usize| y(values[at]).round() as i32;
    let flush = |kept: &mut Option<Kept>, column: i32, line: &mut Polyline| {
        let Some(k) = kept.take() else { return };
        let (second, third) = if k.low < k.high { (k.low, k.high) } else { (k.high, k.low) };
        for at in [k.first, second, third, k.last] {
            let point = (column, pixel(at));
            if line.last() != Some(&point) {
                line.push(point);
            }
        }
    };
    for (at, (x, value)) in xs.zip(values).enumerate() {
        if !value.is_finite() {
            flush(&mut kept, column, &mut line);
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            continue;
        }
        let here = x.round() as i32;
        match &mut kept {
            Some(k) if here == column => {
                if *value < values[k.low] {
                    k.low = at;
                }
                if *value > values[k.high] {
                    k.high = at;
                }
                k.last = at;
            }
            _ => {
                flush(&mut kept, column, &mut line);
                column = here;
                kept = Some(Kept { first: at, low: at, high: at, last: at });
            }
        }
    }
    flush(&mut kept, column, &mut line);
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced(per_pixel: usize, values: &[f64]) -> Vec<Polyline> {
        m4((0..values.len()).map(|at| (at / per_pixel) as f64), values, |value| value)
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
    fn order_within_a_column_is_the_order_of_time() {
        assert_eq!(reduced(5, &[3.0, 9.0, 1.0, 4.0, 2.0]), [[(0, 3), (0, 9), (0, 1), (0, 2)]]);
        assert_eq!(reduced(5, &[3.0, 1.0, 9.0, 4.0, 2.0]), [[(0, 3), (0, 1), (0, 9), (0, 2)]]);
    }

    #[test]
    fn holes_break_the_line_and_lone_points_stay() {
        let hole = f64::NAN;
        let lines = reduced(1, &[hole, 1.0, hole, hole, 2.0, 3.0, f64::INFINITY, 4.0]);
        assert_eq!(lines, [vec![(1, 1)], vec![(4, 2), (5, 3)], vec![(7, 4)]]);
        assert!(reduced(1, &[]).is_empty() && reduced(1, &[hole]).is_empty());
    }
}
