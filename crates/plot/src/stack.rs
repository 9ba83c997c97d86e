//! Lays out stacked columns: bars, areas, and the cells of a heat map.
use crate::drawing::Drawing;
use crate::layout::Layout;
use crate::pixel_snap::snap;
use crate::projection::Projection;
use crate::rgb::Rgb;
use crate::shapes::{Polygon, Rect, Scene};

/// How much of its colour an unfinished bar has.
const UNFINISHED_SHARE: f64 = 0.45;

pub(crate) fn add_bars(
    drawing: &Drawing<'_>,
    p: &Projection,
    width_ms: i64,
    unfinished_ms: Option<i64>,
    scene: &mut Scene,
) {
    let last = drawing.frame.times_ms.len().wrapping_sub(1);
    let unfinished_ms = |index: usize| unfinished_ms.filter(|_| index == last);
    let width_ms = |index: usize| unfinished_ms(index).unwrap_or(width_ms);
    for Slot { index, left, right } in slots(drawing, p, &width_ms) {
        let mut base = 0.0;
        for (column, style) in drawing.frame.columns.iter().zip(drawing.styles) {
            let value = column.values[index];
            if !style.is_visible || style.is_overlaid || !value.is_finite() || value <= 0.0 {
                continue;
            }
            let [low, high] = [base, base + value].map(|value| snap(p.y(value), drawing.device_pixel));
            base += value;
            // A class with few requests stays at least a pixel high.
            let high = high.min(low - drawing.scale.round() as i32).max(p.top as i32);
            let rgb = match unfinished_ms(index) {
                Some(_) => drawing.theme.background.mixed(style.rgb, UNFINISHED_SHARE),
                None => style.rgb,
            };
            scene.rects.push(Rect { from: (left, high), to: (right, low), rgb });
        }
    }
}

pub(crate) fn add_areas(drawing: &Drawing<'_>, layout: &Layout, scene: &mut Scene) {
    let p = &layout.projection;
    let y = |value: f64| p.y(value).clamp(p.top, p.bottom);
    let count = layout.range.len();
    let mut base = vec![0.0; count];
    for (column, style) in drawing.frame.columns.iter().zip(drawing.styles) {
        if !style.is_visible || style.is_overlaid {
            continue;
        }
        let (mut low, mut high) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (base, value) in base.iter_mut().zip(&column.values[layout.range.clone()]) {
            let has_value = value.is_finite();
            low.push(if has_value { *base } else { f64::NAN });
            *base += if has_value { value.max(0.0) } else { 0.0 };
            high.push(if has_value { *base } else { f64::NAN });
        }
        // Both edges have the same gaps, and so equally many polylines.
        for (low, high) in layout.pixel_columns.reduce(&low, y).into_iter().zip(layout.pixel_columns.reduce(&high, y)) {
            let (first, last) = (high[0], low[low.len() - 1]);
            if first.0 == last.0 {
                // A lone point has no width of its own.
                let right = first.0 + drawing.scale.round() as i32;
                scene.rects.push(Rect { from: first, to: (right, last.1), rgb: style.rgb });
            } else {
                let points = high.into_iter().chain(low.into_iter().rev()).collect();
                scene.areas.push(Polygon { points, rgb: style.rgb });
            }
        }
    }
}

pub(crate) fn add_cells(drawing: &Drawing<'_>, p: &Projection, width_ms: i64, draws_zero: bool, scene: &mut Scene) {
    let columns = &drawing.frame.columns;
    let finite = columns.iter().flat_map(|column| &column.values).copied().filter(|value| value.is_finite());
    let largest = finite.fold(0.0, f64::max);
    for Slot { index, left, right } in slots(drawing, p, &|_| width_ms) {
        for (row, column) in columns.iter().enumerate() {
            let share = column.values[index] / largest;
            let Some(rgb) = shade(&drawing.theme.colour_scale, share, draws_zero) else { continue };
            let [low, high] = [row, row + 1].map(|row| snap(p.y(row as f64), drawing.device_pixel));
            scene.rects.push(Rect { from: (left, high), to: (right, low), rgb });
        }
    }
}

/// The colour of a value that is `share` of the largest; none for an empty cell. Without zeros the values are counts, and
/// the square root keeps small counts visible.
fn shade(colour_scale: &[Rgb], share: f64, draws_zero: bool) -> Option<Rgb> {
    if share.is_nan() || (share <= 0.0 && !draws_zero) {
        return None;
    }
    let share = share.clamp(0.0, 1.0);
    let position = if draws_zero { share } else { share.sqrt() } * colour_scale.len().saturating_sub(1) as f64;
    let (below, above) = (*colour_scale.get(position.floor() as usize)?, *colour_scale.get(position.ceil() as usize)?);
    Some(below.mixed(above, position.fract()))
}

/// The horizontal extent of one time's bar or cell.
struct Slot {
    /// Index of the time.
    index: usize,
    left: i32,
    right: i32,
}

/// The slots in range, each as wide as `width_ms` says for its index and ending at its time.
fn slots(drawing: &Drawing<'_>, p: &Projection, width_ms: &dyn Fn(usize) -> i64) -> Vec<Slot> {
    let snap = |position| snap(position, drawing.device_pixel);
    let slot = |(index, time_ms): (usize, &i64)| {
        let width_ms = width_ms(index);
        let gap = if width_ms as f64 * p.per_ms() >= 4.0 * drawing.scale { drawing.scale } else { 0.0 };
        let left = p.x(time_ms - width_ms).max(p.left);
        let right = (p.x(*time_ms) - gap).min(p.right);
        let (left, right) = (left <= right).then_some((snap(left), snap(right)))?;
        let is_in_range = p.x(*time_ms) > p.left && left < p.right as i32;
        is_in_range.then_some(Slot { index, left, right: right.max(left + snap(drawing.device_pixel)) })
    };
    drawing.frame.times_ms.iter().enumerate().filter_map(slot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_is_darkest_and_zero_is_empty() {
        let colour_scale = [Rgb(0, 0, 0), Rgb(100, 100, 100), Rgb(200, 200, 200)];
        assert_eq!(shade(&colour_scale, 1.0, false), Some(Rgb(200, 200, 200)));
        assert_eq!(shade(&colour_scale, 0.25, false), Some(Rgb(100, 100, 100)));
        assert_eq!(shade(&colour_scale, 0.25, true), Some(Rgb(50, 50, 50)));
        assert_eq!(shade(&colour_scale, 0.0, true), Some(Rgb(0, 0, 0)));
        for nothing in [0.0, -1.0, f64::NAN] {
            assert_eq!(shade(&colour_scale, nothing, false), None);
        }
        assert_eq!(shade(&[], 1.0, true), None);
    }
}
