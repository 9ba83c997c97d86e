//! Inferboard's side of the drawing benchmark: paints lines with the calls of the page's canvas, without the page.
use catalogue::Unit;
use plot::{
    ChartType, Column, Drawing, Frame, LineStyle, Margins, Projection, Rgb, Rounding, Theme, UNITS_PER_PIXEL, paint,
    scene, time_ticks, value_domain, value_ticks,
};
use plotters_canvas::CanvasBackend;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

const COLOURS: [Rgb; 5] =
    [Rgb(47, 111, 235), Rgb(224, 138, 30), Rgb(18, 147, 139), Rgb(164, 66, 156), Rgb(122, 139, 18)];

/// Lines over common times, and the canvas that they are drawn on.
#[wasm_bindgen]
pub struct Lines {
    canvas: HtmlCanvasElement,
    frame: Frame,
    styles: Vec<LineStyle>,
    theme: Theme,
}

#[wasm_bindgen]
impl Lines {
    /// Takes times in Unix milliseconds, and as many values for each line, one line after the other.
    #[wasm_bindgen(constructor)]
    pub fn new(canvas: HtmlCanvasElement, times_ms: &[f64], values: &[f64]) -> Self {
        let lines = values.chunks_exact(times_ms.len().max(1));
        let columns: Vec<Column> =
            lines.enumerate().map(|(at, values)| Column { name: at.to_string(), values: values.to_vec() }).collect();
        let colours = COLOURS.into_iter().cycle().take(columns.len());
        Self {
            canvas,
            frame: Frame { times_ms: times_ms.iter().map(|time| *time as i64).collect(), columns },
            styles: colours.map(|rgb| LineStyle { rgb, dash: None, is_overlaid: false, is_visible: true }).collect(),
            theme: Theme {
                grid: Rgb(233, 236, 240),
                text: Rgb(107, 117, 131),
                band: Rgb(215, 219, 224),
                background: Rgb(255, 255, 255),
                colour_scale: Vec::new(),
                font: "system-ui, sans-serif".into(),
                font_px: 11.0,
            },
        }
    }

    /// Draws everything anew at a size in CSS pixels; false when there is nothing to draw or the canvas cannot be used.
    pub fn draw(&self, width: f64, height: f64) -> bool {
        self.painted(width, height).is_some()
    }

    fn painted(&self, width: f64, height: f64) -> Option<()> {
        let unit = Unit::Seconds;
        let values = self.frame.columns.iter().map(|column| column.values.as_slice());
        let (low, high) = value_domain(values, None);
        let ticks = value_ticks(low, high, 4, Rounding::Decimal);
        let labels = unit.tick_labels(&ticks);
        let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let margins = Margins { left: 14.0 + 6.2 * longest as f64, top: 8.0, right: 8.0, bottom: 22.0 };
        let range = (*self.frame.times_ms.first()?, *self.frame.times_ms.last()?);
        let projection = Projection::new(width, height, margins, range, (*ticks.first()?, *ticks.last()?));
        let count = ((projection.right - projection.left) / 72.0).max(2.0) as usize;
        let times = time_ticks(range.0, range.1, count, &offset_ms);
        let ratio = web_sys::window()?.device_pixel_ratio();
        let (pixel_width, pixel_height) = ((width * ratio).round() as u32, (height * ratio).round() as u32);
        if (self.canvas.width(), self.canvas.height()) != (pixel_width, pixel_height) {
            self.canvas.set_width(pixel_width);
            self.canvas.set_height(pixel_height);
        }
        let context: CanvasRenderingContext2d = self.canvas.get_context("2d").ok()??.dyn_into().ok()?;
        context.reset_transform().ok()?;
        context.clear_rect(0.0, 0.0, pixel_width.into(), pixel_height.into());
        context.scale(1.0 / UNITS_PER_PIXEL, 1.0 / UNITS_PER_PIXEL).ok()?;
        context.set_line_join("round");
        let values: Vec<(f64, String)> = ticks.into_iter().zip(labels).collect();
        let drawing = Drawing {
            joins_gaps: false,
            frame: &self.frame,
            styles: &self.styles,
            chart_type: ChartType::Lines,
            projection,
            bands: &[],
            notes: &[],
            hatched: &[],
            values: &values,
            times: &times,
            theme: &self.theme,
            scale: ratio * UNITS_PER_PIXEL,
            device_pixel: UNITS_PER_PIXEL,
        };
        paint(&scene(&drawing), CanvasBackend::with_canvas_object(self.canvas.clone())?).ok()
    }
}

/// How far the browser's wall clock is ahead of UTC at a time, in milliseconds.
fn offset_ms(time_ms: i64) -> i64 {
    let date = js_sys::Date::new(&JsValue::from_f64(time_ms as f64));
    -(date.get_timezone_offset() as i64) * 60_000
}
