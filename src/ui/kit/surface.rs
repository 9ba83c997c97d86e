//! A canvas to paint on.
use crate::ui::kit::observe::Size;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// A canvas with its size.
#[derive(Clone, Copy)]
pub(crate) struct Surface<'a> {
    pub(crate) canvas: &'a HtmlCanvasElement,
    /// The size in CSS pixels.
    pub(crate) size: Size,
    /// Pixels of the canvas for each CSS pixel.
    pub(crate) pixel_ratio: f64,
}

impl Surface<'_> {
    /// The context of the canvas, cleared, in units of its own pixels; none if the browser provides no context.
    pub(crate) fn clear(self) -> Option<CanvasRenderingContext2d> {
        let Self { canvas, size, pixel_ratio } = self;
        let width = (size.width * pixel_ratio).round() as u32;
        let height = (size.height * pixel_ratio).round() as u32;
        // Setting a size clears the canvas and takes time, even if the size is the same.
        if (canvas.width(), canvas.height()) != (width, height) {
            canvas.set_width(width);
            canvas.set_height(height);
        }
        let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        context.reset_transform().ok()?;
        context.clear_rect(0.0, 0.0, width.into(), height.into());
        Some(context)
    }
}
