//! The shapes of a scene, in units that are a fraction of a pixel.
use crate::{decimate::Polyline, rgb::Rgb};

/// A polyline with a colour and a width.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// The points.
    pub points: Polyline,
    /// The colour.
    pub rgb: Rgb,
    /// Width in units.
    pub width: u32,
}

/// A filled rectangle: a bar or a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Upper left corner.
    pub from: (i32, i32),
    /// Lower right corner.
    pub to: (i32, i32),
    /// The colour.
    pub rgb: Rgb,
}

/// A filled circle: a value without neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot {
    /// Its centre.
    pub centre: (i32, i32),
    /// Its radius in units.
    pub radius: u32,
    /// The colour.
    pub rgb: Rgb,
}

/// Which part of a text lies at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left edge.
    Left,
    /// Its middle.
    Centre,
    /// Its right edge.
    Right,
}

/// A text at a position, vertically centred on it.
#[derive(Clone, Debug, PartialEq)]
pub struct TextLabel {
    /// The text.
    pub text: String,
    /// The position.
    pub at: (i32, i32),
    /// Which part of the text lies at the position.
    pub anchor: Anchor,
    /// The colour.
    pub rgb: Rgb,
    /// The colour of a translucent plate behind the text, if it is drawn over data.
    pub background: Option<Rgb>,
}

/// A filled polygon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polygon {
    /// Its corners.
    pub points: Polyline,
    /// The colour.
    pub rgb: Rgb,
}

/// The font of all labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Font {
    /// CSS font family.
    pub family: String,
    /// Size in units.
    pub size: f64,
}

/// Every shape of a graph, in drawing order.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Grid lines.
    pub grid: Vec<Stroke>,
    /// The band, and stacked areas.
    pub areas: Vec<Polygon>,
    /// Bars and cells.
    pub rects: Vec<Rect>,
    /// Lines.
    pub strokes: Vec<Stroke>,
    /// Values without neighbours.
    pub dots: Vec<Dot>,
    /// Triangles.
    pub markers: Vec<Polygon>,
    /// Labels.
    pub labels: Vec<TextLabel>,
    /// The font of the labels.
    pub font: Font,
}
