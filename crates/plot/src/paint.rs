//! A scene onto any plotters backend.
use crate::{Anchor, Labelled, Rgb, Scene};
use plotters::{
    prelude::{
        Circle, DrawingAreaErrorKind, DrawingBackend, IntoDrawingArea, PathElement, Polygon, RGBColor, Rectangle,
    },
    style::{
        Color, FontDesc, FontFamily, FontStyle, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// How much a plate hides of what is behind it.
const PLATE_ALPHA: f64 = 0.8;

fn colour(rgb: Rgb) -> RGBColor {
    RGBColor(rgb.0, rgb.1, rgb.2)
}

fn stroked(rgb: Rgb, width: u32) -> ShapeStyle {
    ShapeStyle { color: colour(rgb).into(), filled: false, stroke_width: width }
}

fn filled(rgb: Rgb) -> ShapeStyle {
    ShapeStyle { color: colour(rgb).into(), filled: true, stroke_width: 0 }
}

/// Draws `scene`; what was there before is the caller's to clear.
///
/// # Errors
/// When the backend cannot draw.
pub fn paint<B: DrawingBackend>(scene: &Scene, backend: B) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let root = backend.into_drawing_area();
    for stroke in &scene.grid {
        root.draw(&PathElement::new(stroke.points.as_slice(), stroked(stroke.rgb, stroke.width)))?;
    }
    for area in &scene.areas {
        root.draw(&Polygon::new(area.points.as_slice(), filled(area.rgb)))?;
    }
    for bar in &scene.bars {
        root.draw(&Rectangle::new([bar.from, bar.to], filled(bar.rgb)))?;
    }
    for stroke in &scene.strokes {
        root.draw(&PathElement::new(stroke.points.as_slice(), stroked(stroke.rgb, stroke.width)))?;
    }
    for (centre, radius, rgb) in &scene.dots {
        root.draw(&Circle::new(*centre, *radius, filled(*rgb)))?;
    }
    for mark in &scene.marks {
        root.draw(&Polygon::new(mark.points.as_slice(), filled(mark.rgb)))?;
    }
    let (family, size) = &scene.text;
    // By name: plotters' way from a text to a family compares in small letters, with a table of 12 kilobytes for them.
    let font = FontDesc::new(FontFamily::Name(family), *size, FontStyle::Normal);
    for label in &scene.labels {
        let horizontal = match label.anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        if let Some(rgb) = label.plate {
            root.draw(&Rectangle::new(plate(label, *size), colour(rgb).mix(PLATE_ALPHA).filled()))?;
        }
        let rgb = colour(label.rgb);
        let style = TextStyle::from(font.clone()).color(&rgb).pos(Pos::new(horizontal, VPos::Center));
        root.draw_text(&label.text, &style, label.at)?;
    }
    root.present()
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
    use plotters::prelude::SVGBackend;

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
