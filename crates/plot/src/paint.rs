//! Paints a scene on any backend of plotters.
//!
//! The backend is called directly. The drawing areas of plotters would clip points to the size of the backend, and a scene
//! is finer than its pixels.
use crate::{
    rgb::Rgb,
    shapes::{Anchor, Scene, TextLabel},
};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontFamily,
    text_anchor::{HPos, Pos, VPos},
};

/// Opacity of the plate behind a label.
const PLATE_ALPHA: f64 = 0.8;

/// The style of a stroke: its colour, and its width in units.
struct StrokeStyle(BackendColor, u32);

impl BackendStyle for StrokeStyle {
    fn color(&self) -> BackendColor {
        self.0
    }

    fn stroke_width(&self) -> u32 {
        self.1
    }
}

fn colour(rgb: Rgb) -> BackendColor {
    BackendColor { alpha: 1.0, rgb: (rgb.0, rgb.1, rgb.2) }
}

/// The style of a label.
struct LabelStyle<'a> {
    family: &'a str,
    size: f64,
    colour: BackendColor,
    anchor: Anchor,
}

/// This crate has no glyphs, so the backend must render text.
#[derive(Debug, thiserror::Error)]
#[error("this backend cannot render text")]
struct NoGlyphs;

impl BackendTextStyle for LabelStyle<'_> {
    type FontError = NoGlyphs;

    fn color(&self) -> BackendColor {
        self.colour
    }

    fn size(&self) -> f64 {
        self.size
    }

    fn anchor(&self) -> Pos {
        let horizontal = match self.anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        Pos::new(horizontal, VPos::Center)
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name(self.family)
    }

    fn layout_box(&self, _: &str) -> Result<(BackendCoord, BackendCoord), NoGlyphs> {
        Err(NoGlyphs)
    }

    fn draw<E, F: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        _: &str,
        _: BackendCoord,
        _: F,
    ) -> Result<Result<(), E>, NoGlyphs> {
        Err(NoGlyphs)
    }
}

/// Draws `scene`. The caller clears the canvas first.
///
/// # Errors
/// If the backend cannot draw, or cannot render text.
pub fn paint<B: DrawingBackend>(scene: &Scene, mut backend: B) -> Result<(), DrawingErrorKind<B::ErrorType>> {
    backend.ensure_prepared()?;
    for stroke in &scene.grid {
        backend.draw_path(stroke.points.iter().copied(), &StrokeStyle(colour(stroke.rgb), stroke.width))?;
    }
    for area in &scene.areas {
        backend.fill_polygon(area.points.iter().copied(), &colour(area.rgb))?;
    }
    for rect in &scene.rects {
        backend.draw_rect(rect.from, rect.to, &colour(rect.rgb), true)?;
    }
    for stroke in &scene.strokes {
        backend.draw_path(stroke.points.iter().copied(), &StrokeStyle(colour(stroke.rgb), stroke.width))?;
    }
    for dot in &scene.dots {
        backend.draw_circle(dot.centre, dot.radius, &colour(dot.rgb), true)?;
    }
    for marker in &scene.markers {
        backend.fill_polygon(marker.points.iter().copied(), &colour(marker.rgb))?;
    }
    let (family, size) = (&scene.font.family, scene.font.size);
    for label in &scene.labels {
        if let Some(rgb) = label.background {
            let [from, to] = plate(label, size);
            backend.draw_rect(from, to, &colour(rgb).mix(PLATE_ALPHA), true)?;
        }
        let style = LabelStyle { family, size, colour: colour(label.rgb), anchor: label.anchor };
        backend.draw_text(&label.text, &style, label.at)?;
    }
    backend.present()
}

/// The corners of the plate behind a label, whose width is estimated from the average letter.
fn plate(label: &TextLabel, size: f64) -> [(i32, i32); 2] {
    let width = label.text.chars().count() as f64 * size * 0.58;
    let before = match label.anchor {
        Anchor::Left => 0.0,
        Anchor::Centre => width / 2.0,
        Anchor::Right => width,
    };
    let (edge, half) = (size * 0.25, size * 0.62);
    let (left, right) = (-before - edge, width - before + edge);
    let corner = |x: f64, y: f64| (label.at.0 + x.round() as i32, label.at.1 + y.round() as i32);
    [corner(left, -half), corner(right, half)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dot, Font, Polygon, Rect, Stroke};
    use plotters_svg::SVGBackend;

    #[test]
    fn everything_in_a_scene_reaches_the_backend() {
        let rgb = Rgb(1, 2, 3);
        let scene = Scene {
            grid: vec![Stroke { points: vec![(0, 5), (9, 5)], rgb, width: 1 }],
            areas: vec![Polygon { points: vec![(0, 0), (5, 5), (0, 5)], rgb }],
            rects: vec![Rect { from: (1, 2), to: (3, 4), rgb }],
            strokes: vec![Stroke { points: vec![(0, 0), (5, 5), (9, 0)], rgb, width: 2 }],
            dots: vec![Dot { centre: (7, 7), radius: 2, rgb }],
            markers: vec![Polygon { points: vec![(1, 1), (2, 2), (1, 2)], rgb }],
            labels: vec![TextLabel {
                text: "10 <ms>".into(),
                at: (4, 9),
                anchor: Anchor::Right,
                rgb,
                background: Some(Rgb(9, 9, 9)),
            }],
            font: Font { family: "sans-serif".into(), size: 11.0 },
        };
        let mut svg = String::new();
        paint(&scene, SVGBackend::with_string(&mut svg, (10, 10))).expect("drawn");
        assert_eq!(svg.matches("<polyline").count(), 2, "{svg}");
        assert_eq!(svg.matches("<polygon").count(), 2, "{svg}");
        assert!(svg.contains("<rect") && svg.contains("<circle"), "{svg}");
        assert!(svg.contains("10 &lt;ms&gt;") && svg.contains("end"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 2, "a bar, and the plate behind the label: {svg}");
    }
}
