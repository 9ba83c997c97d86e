//! Hatched bands: spans of time in which a line's value is only known to lie between two values.
use crate::drawing::Drawing;
use crate::projection::Projection;
use crate::shapes::{Scene, Stroke};
use std::ops::Range;

/// The distance of the strokes of one band, in CSS pixels.
const SPACING_PX: f64 = 12.0;

/// Bands of this many neighbouring columns interleave, so that each can be seen where they overlap.
const PHASES: usize = 4;

/// The smallest width of a band in CSS pixels.
const MIN_WIDTH_PX: f64 = 2.0;

/// Strokes at 45 degrees within each visible band, in the colour of its column.
pub(crate) fn add_hatching(drawing: &Drawing<'_>, p: &Projection, scene: &mut Scene) {
    let spacing = SPACING_PX * drawing.scale;
    let width = drawing.scale.round().max(1.0) as u32;
    for band in drawing.hatched {
        let Some(style) = drawing.styles.get(band.column).filter(|style| style.is_visible) else { continue };
        let Some((left, right)) = edges(drawing, p, &band.times) else { continue };
        let y = |value: f64, edge: f64| if value.is_finite() { p.y(value).clamp(p.top, p.bottom) } else { edge };
        let (top, bottom) = (y(band.high, p.top), y(band.low, p.bottom));
        let phase = (band.column % PHASES) as f64 * spacing / PHASES as f64;
        // On each stroke the sum of x and y is the same.
        let first = ((left + top - phase) / spacing).ceil() as i64;
        let last = ((right + bottom - phase) / spacing).floor() as i64;
        for at in first..=last {
            let sum = at as f64 * spacing + phase;
            let (from, to) = (left.max(sum - bottom), right.min(sum - top));
            if from < to {
                let point = |x: f64| (x.round() as i32, (sum - x).round() as i32);
                scene.strokes.push(Stroke { points: vec![point(from), point(to)], rgb: style.rgb, width });
            }
        }
    }
}

/// The horizontal extent of a band: half of the way to the times before and after it. None outside the plot area.
fn edges(drawing: &Drawing<'_>, p: &Projection, times: &Range<usize>) -> Option<(f64, f64)> {
    let x = |at: usize| drawing.frame.times_ms.get(at).map(|time_ms| p.x(*time_ms));
    let (first, last) = (x(times.start)?, x(times.end.checked_sub(1)?)?);
    let before = times.start.checked_sub(1).and_then(x).unwrap_or(first);
    let after = x(times.end).unwrap_or(last);
    let half = MIN_WIDTH_PX * drawing.scale / 2.0;
    let left = f64::midpoint(before, first).min(first - half).max(p.left);
    let right = f64::midpoint(last, after).max(last + half).min(p.right);
    (left < right).then_some((left, right))
}
