//! Columns on top of each other: bars, areas, and the cells of a heat map.
use crate::{Area, Bar, Drawing, PixelColumns, Projection, Rgb, Scene, pixel_snap::edge};
use std::ops::Range;

pub(crate) fn lay_bars(drawing: &Drawing<'_>, p: &Projection, width_ms: i64, scene: &mut Scene) {
    for (at, (left, right)) in slots(drawing, p, width_ms) {
        let mut base = 0.0;
        for (column, style) in drawing.frame.columns.iter().zip(drawing.styles) {
            let value = column.values[at];
            if !style.is_shown || style.is_overlaid || !value.is_finite() || value <= 0.0 {
                continue;
            }
            let [low, high] = [base, base + value].map(|value| edge(p.y(value), drawing.screen_pixel));
            base += value;
            // A class with few requests must not vanish below the height of a pixel.
            let high = high.min(low - drawing.scale.round() as i32).max(p.top as i32);
            scene.bars.push(Bar { from: (left, high), to: (right, low), rgb: style.rgb });
        }
    }
}

pub(crate) fn lay_areas(
    drawing: &Drawing<'_>,
    p: &Projection,
    pixel_columns: &PixelColumns,
    within: &Range<usize>,
    scene: &mut Scene,
) {
    let y = |value: f64| p.y(value).clamp(p.top, p.bottom);
    let mut base = vec![0.0; within.len()];
    for (column, style) in drawing.frame.columns.iter().zip(drawing.styles) {
        if !style.is_shown || style.is_overlaid {
            continue;
        }
        let (mut low, mut high) = (Vec::with_capacity(within.len()), Vec::with_capacity(within.len()));
        for (base, value) in base.iter_mut().zip(&column.values[within.clone()]) {
            let is_there = value.is_finite();
            low.push(if is_there { *base } else { f64::NAN });
            *base += if is_there { value.max(0.0) } else { 0.0 };
            high.push(if is_there { *base } else { f64::NAN });
        }
        // Both edges have the same holes, and so as many parts.
        for (low, high) in pixel_columns.reduce(&low, y).into_iter().zip(pixel_columns.reduce(&high, y)) {
            let (first, last) = (high[0], low[low.len() - 1]);
            if first.0 == last.0 {
                // A lone point has no width of its own.
                let right = first.0 + drawing.scale.round() as i32;
                scene.bars.push(Bar { from: first, to: (right, last.1), rgb: style.rgb });
            } else {
                let points = high.into_iter().chain(low.into_iter().rev()).collect();
                scene.areas.push(Area { points, rgb: style.rgb });
            }
        }
    }
}

pub(crate) fn lay_cells(drawing: &Drawing<'_>, p: &Projection, (width_ms, is_level): (i64, bool), scene: &mut Scene) {
    let columns = &drawing.frame.columns;
    let finite = columns.iter().flat_map(|column| &column.values).copied().filter(|value| value.is_finite());
    let most = finite.fold(0.0, f64::max);
    for (at, (left, right)) in slots(drawing, p, width_ms) {
        for (row, column) in columns.iter().enumerate() {
            let Some(rgb) = shade(&drawing.theme.ramp, column.values[at] / most, is_level) else { continue };
            let [low, high] = [row, row + 1].map(|row| edge(p.y(row as f64), drawing.screen_pixel));
            scene.bars.push(Bar { from: (left, high), to: (right, low), rgb });
        }
    }
}

/// The colour of a share of the most there is; none for nothing, unless that is a level too. Of counts the root keeps what
/// is rare visible.
fn shade(ramp: &[Rgb], share: f64, is_level: bool) -> Option<Rgb> {
    if share.is_nan() || (share <= 0.0 && !is_level) {
        return None;
    }
    let share = share.clamp(0.0, 1.0);
    let place = if is_level { share } else { share.sqrt() } * ramp.len().saturating_sub(1) as f64;
    let (below, above) = (*ramp.get(place.floor() as usize)?, *ramp.get(place.ceil() as usize)?);
    Some(below.mixed(above, place.fract()))
}

/// Index, left and right edge of each time's bar that is in the range, `width_ms` wide and ending at its time.
fn slots(drawing: &Drawing<'_>, p: &Projection, width_ms: i64) -> Vec<(usize, (i32, i32))> {
    let gap = if width_ms as f64 * p.per_ms() >= 4.0 * drawing.scale { drawing.scale } else { 0.0 };
    let edge = |place| edge(place, drawing.screen_pixel);
    let slot = |(at, time_ms): (usize, &i64)| {
        let left = p.x(time_ms - width_ms).max(p.left);
        let right = (p.x(*time_ms) - gap).min(p.right);
        let (left, right) = (left <= right).then_some((edge(left), edge(right)))?;
        (p.x(*time_ms) > p.left && left < p.right as i32)
            .then_some((at, (left, right.max(left + edge(drawing.screen_pixel)))))
    };
    drawing.frame.times_ms.iter().enumerate().filter_map(slot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_darkest_and_nothing_is_left_blank() {
        let ramp = [Rgb(0, 0, 0), Rgb(100, 100, 100), Rgb(200, 200, 200)];
        assert_eq!(shade(&ramp, 1.0, false), Some(Rgb(200, 200, 200)));
        assert_eq!(shade(&ramp, 0.25, false), Some(Rgb(100, 100, 100)));
        assert_eq!(shade(&ramp, 0.25, true), Some(Rgb(50, 50, 50)));
        assert_eq!(shade(&ramp, 0.0, true), Some(Rgb(0, 0, 0)));
        for nothing in [0.0, -1.0, f64::NAN] {
            assert_eq!(shade(&ramp, nothing, false), None);
        }
        assert_eq!(shade(&[], 1.0, true), None);
    }
}
