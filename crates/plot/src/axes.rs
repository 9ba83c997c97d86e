//! Grid lines, the labels of both axes, and words at the height of a value.
use crate::{Anchor, Drawing, Labelled, Projection, Scene, Stroke, pixel_snap::middle};

pub(crate) fn lay_axes(drawing: &Drawing<'_>, p: &Projection, scene: &mut Scene) {
    let scale = drawing.scale;
    let width = scale.round().max(1.0) as u32;
    for (value, text) in drawing.values {
        let y = middle(p.y(*value), width, drawing.screen_pixel);
        let points = vec![(p.left as i32, y), (p.right as i32, y)];
        scene.grid.push(Stroke { points, rgb: drawing.theme.grid, width });
        let at = ((p.left - 6.0 * scale) as i32, y);
        let rgb = drawing.theme.text;
        scene.labels.push(Labelled { text: text.clone(), at, anchor: Anchor::Right, rgb, plate: None });
    }
    let y = (p.bottom + 12.0 * scale) as i32;
    for tick in drawing.times {
        let x = p.x(tick.time_ms);
        // Half of a label, by the usual width of digits, so that none is cut off at an edge.
        let half = tick.label.chars().count() as f64 * drawing.theme.font_px * 0.3 * scale;
        let edge = p.right + 4.0 * scale;
        let (x, anchor) = if x + half > edge { (edge, Anchor::Right) } else { (x, Anchor::Centre) };
        scene.labels.push(Labelled {
            text: tick.label.clone(),
            at: (x.round() as i32, y),
            anchor,
            rgb: drawing.theme.text,
            plate: None,
        });
    }
    for (value, text, rgb) in drawing.notes {
        let line = p.y(*value).clamp(p.top, p.bottom);
        // Above its line, or below it where there is no room.
        let above = line - 8.0 * scale;
        let y = if above - 6.0 * scale < p.top { line + 9.0 * scale } else { above };
        let at = ((p.right - 4.0 * scale) as i32, y.round() as i32);
        let plate = Some(drawing.theme.ground);
        scene.labels.push(Labelled { text: text.clone(), at, anchor: Anchor::Right, rgb: *rgb, plate });
    }
}
