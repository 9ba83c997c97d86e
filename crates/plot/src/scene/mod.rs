//! The scene: all shapes of a graph, in units that are a fraction of a pixel.
use crate::axes::add_axes;
use crate::dashes::dashes;
use crate::markers::{infinities, triangle};
use crate::stack::{add_areas, add_bars, add_cells};
use crate::{Frame, Marker, PixelColumns, Polyline, Projection, Rgb, TimeTick};
use std::borrow::Cow;

/// How the columns are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChartType {
    /// One line for each column.
    Lines,
    /// Stacked areas, in the order of the columns.
    Areas,
    /// Stacked bars, each ending at its time.
    Bars {
        /// Width of a bar.
        width_ms: i64,
    },
    /// A heat map with a row of cells for each column, the first from 0 to 1 on the value axis. Larger values are darker.
    Cells {
        /// Width of a cell, which ends at its time.
        width_ms: i64,
        /// Whether zero is drawn in the first colour, as any other value; otherwise its cell stays empty.
        draws_zero: bool,
    },
}

/// How one column is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct LineStyle {
    /// Its colour.
    pub rgb: Rgb,
    /// Lengths of dash and gap in CSS pixels; none for a solid line.
    pub dash: Option<(f64, f64)>,
    /// Whether it is a line on top of stacked columns, such as a limit or a comparison.
    pub is_overlaid: bool,
    /// Whether it is drawn.
    pub is_visible: bool,
}

/// Colours and font of the graph around the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Grid lines.
    pub grid: Rgb,
    /// Labels.
    pub text: Rgb,
    /// The band behind the lines.
    pub band: Rgb,
    /// The background of the canvas.
    pub background: Rgb,
    /// Colours of cells, from small to large values.
    pub colour_scale: Vec<Rgb>,
    /// CSS font family.
    pub font: String,
    /// Size of labels in CSS pixels.
    pub font_px: f64,
}

/// The area between the smallest and largest values of the columns that have no line of their own.
#[derive(Clone, Copy, Debug)]
pub struct Band<'a> {
    /// The smallest value at each time of the frame.
    pub low: &'a [f64],
    /// The largest value.
    pub high: &'a [f64],
}

/// A text at the right end of a value's height, such as the name of a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The value.
    pub value: f64,
    /// The text.
    pub text: String,
    /// The colour.
    pub rgb: Rgb,
}

/// The input of a scene. Sizes are in CSS pixels.
#[derive(Clone, Debug)]
pub struct Drawing<'a> {
    /// The data.
    pub frame: &'a Frame,
    /// The styles of its columns.
    pub styles: &'a [LineStyle],
    /// How the columns are drawn.
    pub chart_type: ChartType,
    /// The map from times and values to positions.
    pub projection: Projection,
    /// The band behind the lines, if any.
    pub band: Option<Band<'a>>,
    /// Texts at values.
    pub notes: &'a [Note],
    /// Triangles on lines.
    pub markers: &'a [Marker],
    /// Values of the value axis with their labels.
    pub values: &'a [(f64, String)],
    /// Times of the time axis with their labels.
    pub times: &'a [TimeTick],
    /// Colours and font of everything else.
    pub theme: &'a Theme,
    /// Units for each CSS pixel. Coordinates of a scene are whole numbers of units: more units make smoother lines.
    pub scale: f64,
    /// Units for each device pixel. Lines are decimated to it, and straight edges are snapped to it.
    pub device_pixel: f64,
}

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

/// Width of data lines in CSS pixels.
const LINE_PX: f64 = 1.5;

/// Where a drawing goes: the projection in units, and the indices and pixel columns of the times in range.
pub(crate) struct Layout {
    pub(crate) projection: Projection,
    pub(crate) range: std::ops::Range<usize>,
    pub(crate) pixel_columns: PixelColumns,
}

/// Lays out a drawing.
pub fn scene(drawing: &Drawing<'_>) -> Scene {
    let p = drawing.projection.scaled(drawing.scale);
    let theme = drawing.theme;
    let mut scene = Scene {
        grid: Vec::new(),
        areas: Vec::new(),
        rects: Vec::new(),
        strokes: Vec::new(),
        dots: Vec::new(),
        markers: Vec::new(),
        labels: Vec::new(),
        font: Font { family: theme.font.clone(), size: theme.font_px * drawing.scale },
    };
    add_axes(drawing, &p, &mut scene);
    // Times outside the range would be drawn beside the axes.
    let times = &drawing.frame.times_ms;
    let range = times.partition_point(|time| *time < p.start_ms)..times.partition_point(|time| *time <= p.end_ms);
    let pixel_columns = PixelColumns::new(range.len(), drawing.device_pixel, |at| p.x(times[range.start + at]));
    let layout = Layout { projection: p, range, pixel_columns };
    match drawing.chart_type {
        ChartType::Lines => {}
        ChartType::Areas => add_areas(drawing, &layout, &mut scene),
        ChartType::Bars { width_ms } => add_bars(drawing, &p, width_ms, &mut scene),
        ChartType::Cells { width_ms, draws_zero } => {
            add_cells(drawing, &p, width_ms, draws_zero, &mut scene);
            return scene;
        }
    }
    add_band(drawing, &layout, &mut scene);
    for (column, style) in drawing.frame.columns.iter().zip(drawing.styles) {
        if !style.is_visible {
            continue;
        }
        let values = drawable_values(&column.values[layout.range.clone()], p.is_log);
        scene.markers.extend(infinities(&values, &times[layout.range.clone()], &p, drawing.scale, style.rgb));
        if drawing.chart_type == ChartType::Lines || style.is_overlaid {
            add_line(drawing, &layout, &values, style, &mut scene);
        }
    }
    let is_in_range = |marker: &&Marker| (p.start_ms..=p.end_ms).contains(&marker.time_ms);
    scene.markers.extend(drawing.markers.iter().filter(is_in_range).map(|marker| triangle(marker, &p, drawing.scale)));
    scene
}

/// The values without those that the axis cannot hold: a logarithmic axis has no zero and no negative values.
fn drawable_values(values: &[f64], is_log: bool) -> Cow<'_, [f64]> {
    if !is_log || values.iter().all(|value| *value > 0.0) {
        return Cow::Borrowed(values);
    }
    Cow::Owned(values.iter().map(|value| if *value > 0.0 { *value } else { f64::NAN }).collect())
}

fn add_line(drawing: &Drawing<'_>, layout: &Layout, values: &[f64], style: &LineStyle, scene: &mut Scene) {
    let p = &layout.projection;
    let width = (LINE_PX * drawing.scale).round().max(1.0) as u32;
    let rgb = style.rgb;
    for points in layout.pixel_columns.reduce(values, |value| p.y(value).clamp(p.top, p.bottom)) {
        match (points.as_slice(), style.dash) {
            ([lone], _) => scene.dots.push(Dot { centre: *lone, radius: width, rgb }),
            (_, None) => scene.strokes.push(Stroke { points, rgb, width }),
            (_, Some((dash, gap))) => {
                let dashes = dashes(&points, dash * drawing.scale, gap * drawing.scale);
                scene.strokes.extend(dashes.into_iter().map(|points| Stroke { points, rgb, width }));
            }
        }
    }
}

fn add_band(drawing: &Drawing<'_>, layout: &Layout, scene: &mut Scene) {
    let Some(Band { low, high }) = drawing.band else { return };
    let (Some(low), Some(high)) = (low.get(layout.range.clone()), high.get(layout.range.clone())) else { return };
    let p = &layout.projection;
    let y = |value: f64| p.y(value).clamp(p.top, p.bottom);
    let edges = layout.pixel_columns.reduce(low, y).into_iter().zip(layout.pixel_columns.reduce(high, y));
    scene.areas.extend(edges.map(|(low, high)| Polygon {
        points: high.into_iter().chain(low.into_iter().rev()).collect(),
        rgb: drawing.theme.band,
    }));
}

#[cfg(test)]
mod tests;
