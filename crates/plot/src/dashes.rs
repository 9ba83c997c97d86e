//! Splits a polyline into dashes.
use crate::decimate::Polyline;

/// The dashes of a line; `dash` and `gap` are lengths along it.
pub(crate) fn dashes(points: &[(i32, i32)], dash: f64, gap: f64) -> Vec<Polyline> {
    let mut lines = Vec::new();
    let mut line: Polyline = points.first().copied().into_iter().collect();
    let (mut left, mut is_dash) = (dash, true);
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let length = dx.hypot(dy);
        let mut done = 0.0;
        while length - done >= left {
            done += left;
            let turn = (from.0 + (dx * done / length).round() as i32, from.1 + (dy * done / length).round() as i32);
            if is_dash {
                line.push(turn);
                lines.push(std::mem::take(&mut line));
            } else {
                line = vec![turn];
            }
            is_dash = !is_dash;
            left = if is_dash { dash.max(1.0) } else { gap.max(1.0) };
        }
        left -= length - done;
        if is_dash && line.last() != Some(&to) {
            line.push(to);
        }
    }
    if is_dash && line.len() > 1 {
        lines.push(line);
    }
    lines
}
