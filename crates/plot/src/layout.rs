//! Where a drawing goes.
use crate::{decimate::PixelColumns, drawing::Drawing, projection::Projection};

/// The projection in units, and the indices and pixel columns of the times in range.
pub(crate) struct Layout {
    pub(crate) projection: Projection,
    pub(crate) range: std::ops::Range<usize>,
    pub(crate) pixel_columns: PixelColumns,
}

impl Layout {
    pub(crate) fn new(drawing: &Drawing<'_>) -> Self {
        let p = drawing.projection.scaled(drawing.scale);
        // Times outside the range would be drawn beside the axes.
        let times = &drawing.frame.times_ms;
        let range = times.partition_point(|time| *time < p.start_ms)..times.partition_point(|time| *time <= p.end_ms);
        let pixel_columns = PixelColumns::new(range.len(), drawing.device_pixel, |at| p.x(times[range.start + at]));
        Self { projection: p, range, pixel_columns }
    }
}
