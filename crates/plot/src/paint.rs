//! A scene onto any of plotters' backends.
//!
//! The backend is called without plotters itself between, whose areas move all points into the backend's own size: a scene
//! may be finer than its pixels.
use crate::{Anchor, Labelled, Rgb, Scene};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontFamily,
    text_anchor::{HPos, Pos, VPos},
};

/// How much a plate hides of what is behind it.
const PLATE_ALPHA: f64 = 0.8;

/// A colour, and the width of a line in units.
struct Style(BackendColor, u32);

impl BackendStyle for Style {
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

/// How a label is written.
struct Type<'a> {
    family: &'a str,
    size: f64,
    colour: BackendColor,
    anchor: Anchor,
}

/// Letters have no shapes here: the backend must know how to write.
#[derive(Debug, thiserror::Error)]
#[error("this backend cannot write text by itself")]
struct NoLetters;

impl BackendTextStyle for Type<'_> {
    type FontError = NoLetters;

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

    fn layout_box(&self, _: &str) -> Result<(BackendCoord, BackendCoord), NoLetters> {
        Err(NoLetters)
    }

    fn draw<E, F: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        _: &str,
        _: BackendCoord,
        _: F,
    ) -> Result<Result<(), E>, NoLetters> {
        Err(NoLetters)
    }
}

/// Draws `scene`; what was there before is the caller's to clear.
///
/// # Errors
/// When the backend cannot draw, or cannot write text by itself.
pub fn paint<B: DrawingBackend>(scene: &Scene, mut backend: B) -> Result<(), DrawingErrorKind<B::ErrorType>> {
    backend.ensure_prepared()?;
    for stroke in &scene.grid {
        backend.draw_path(stroke.points.iter().copied(), &Style(colour(stroke.rgb), stroke.width))?;
    }
    for area in &scene.areas {
        backend.fill_polygon(area.points.iter().copied(), &colour(area.rgb))?;
    }
    for bar in &scene.bars {
        backend.draw_rect(bar.from, bar.to, &colour(bar.rgb), true)?;
    }
    for stroke in &scene.strokes {
        backend.draw_path(stroke.points.iter().copied(), &Style(colour(stroke.rgb), stroke.width))?;
    }
    for (centre, radius, rgb) in &scene.dots {
        backend.draw_circle(*centre, *radius, &colour(*rgb), true)?;
    }
    for mark in &scene.marks {
        backend.fill_polygon(mark.points.iter().copied(), &colour(mark.rgb))?;
    }
    let (family, size) = (&scene.text.0, scene.text.1);
    for label in &scene.labels {
        if let Some(rgb) = label.plate {
            let [from, to] = plate(label, size);
            backend.draw_rect(from, to, &colour(rgb).mix(PLATE_ALPHA), true)?;
        }
        let style = Type { family, size, colour: colour(label.rgb), anchor: label.anchor };
        backend.draw_text(&label.text, &style, label.at)?;
    }
    backend.present()
}

/// The corners of a label's plate, by the usual width of letters.
fn plate(label: &Labelled, size: f64) -> [(i32, i32); 2] {
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
    use crate::{Area, Bar, Stroke};
    use plotters_svg::SVGBackend;

    #[test]
    fn everything_in_a_scene_reaches_the_backend() {
        let rgb = Rgb(1, 2, 3);
        let scene = Scene {
            grid: vec![Stroke { points: vec![(0, 5), (9, 5)], rgb, width: 1 }],
            areas: vec![Area { points: vec![(0, 0), (5, 5), (0, 5)], rgb }],
            bars: vec![Bar { from: (1, 2), to: (3, 4), rgb }],
            strokes: vec![Stroke { points: vec![(0, 0), (5, 5), (9, 0)], rgb, width: 2 }],
            dots: vec![((7, 7), 2, rgb)],
            marks: vec![Area { points: vec![(1, 1), (2, 2), (1, 2)], rgb }],
            labels: vec![Labelled {
                text: "10 <ms>".into(),
                at: (4, 9),
                anchor: Anchor::Right,
                rgb,
                plate: Some(Rgb(9, 9, 9)),
            }],
            text: ("sans-serif".into(), 11.0),
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
