//! Lays out grid lines, axis labels and notes.
use crate::drawing::{Drawing, Note};
use crate::pixel_snap::snap_centre;
use crate::projection::Projection;
use crate::shapes::{Anchor, Scene, Stroke, TextLabel};

pub(crate) fn add_axes(drawing: &Drawing<'_>, p: &Projection, scene: &mut Scene) {
    let scale = drawing.scale;
    let width = scale.round().max(1.0) as u32;
    for (value, text) in drawing.values {
        let y = snap_centre(p.y(*value), width, drawing.device_pixel);
        let points = vec![(p.left as i32, y), (p.right as i32, y)];
        scene.grid.push(Stroke { points, rgb: drawing.theme.grid, width });
        let at = ((p.left - 6.0 * scale) as i32, y);
        let rgb = drawing.theme.text;
        scene.labels.push(TextLabel { text: text.clone(), at, anchor: Anchor::Right, rgb, background: None });
    }
    let y = (p.bottom + 12.0 * scale) as i32;
    for tick in drawing.times {
        let x = p.x(tick.time_ms);
        // Half the width of the label, estimated from the average digit, so that the last one is not cut off.
        let half = tick.label.chars().count() as f64 * drawing.theme.font_px * 0.3 * scale;
        let edge = p.right + 4.0 * scale;
        let (x, anchor) = if x + half > edge { (edge, Anchor::Right) } else { (x, Anchor::Centre) };
        scene.labels.push(TextLabel {
            text: tick.label.clone(),
            at: (x.round() as i32, y),
            anchor,
            rgb: drawing.theme.text,
            background: None,
        });
    }
    let mut used: Vec<f64> = Vec::new();
    for Note { value, text, rgb } in drawing.notes {
        let line = p.y(*value).clamp(p.top, p.bottom);
        // Above its line, or below it, or further below: where there is room, and no other note.
        let rows =
            std::iter::once(line - 8.0 * scale).chain((0..8).map(|row| line + (9.0 + 14.0 * f64::from(row)) * scale));
        let has_room =
            |y: &f64| *y - 6.0 * scale >= p.top && used.iter().all(|other| (other - y).abs() >= 13.0 * scale);
        let y = rows.into_iter().find(has_room).unwrap_or(line);
        used.push(y);
        let at = ((p.right - 4.0 * scale) as i32, y.round() as i32);
        let background = Some(drawing.theme.background);
        scene.labels.push(TextLabel { text: text.clone(), at, anchor: Anchor::Right, rgb: *rgb, background });
    }
}
