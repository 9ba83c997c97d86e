//! The input of a scene: the data, how each column looks, and what surrounds them.
use crate::frame::Frame;
use crate::projection::Projection;
use crate::rgb::Rgb;
use crate::ticks::TimeTick;
use std::ops::Range;

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
        /// Width of the last bar if it is unfinished. It is drawn pale.
        unfinished_ms: Option<i64>,
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

/// The area between two values at each time: those of the columns that have no line of their own, or the least and the
/// greatest value of a column within each step.
#[derive(Clone, Copy, Debug)]
pub struct Band<'a> {
    /// The smallest value at each time of the frame.
    pub low: &'a [f64],
    /// The largest value.
    pub high: &'a [f64],
    /// Its colour.
    pub rgb: Rgb,
}

/// A span of time in which a column's values are only bounds. Its line is not drawn there.
#[derive(Clone, Debug, PartialEq)]
pub struct HatchedBand {
    /// The index of the column.
    pub column: usize,
    /// The indices of the times, at least one.
    pub times: Range<usize>,
    /// The lowest value that is possible; what is below the axis ends at its low end.
    pub low: f64,
    /// The highest value that is possible; what is above the axis ends at its high end.
    pub high: f64,
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
    /// The bands behind the lines.
    pub bands: &'a [Band<'a>],
    /// Texts at values.
    pub notes: &'a [Note],
    /// Spans in which lines are only bounds; drawn on graphs of lines.
    pub hatched: &'a [HatchedBand],
    /// Whether lines go on across gaps.
    pub joins_gaps: bool,
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
