//! Painting the rows that are in sight: names, bars, restarts, and the time axis below.
use crate::data::replicas::fleet::Replica;
use crate::data::replicas::intervals::StateInterval;
use crate::state::time_range::TimeRange;
use crate::ui::graph::colours::{Palette, css};
use crate::ui::kit::format_time as time;
use catalogue::contract::ReplicaState;
use leptos::prelude::window;
use plot::{Margins, Projection, Rgb, time_ticks};
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Height of a row, in CSS pixels.
pub(crate) const ROW_PX: f64 = 26.0;
/// Height of the time axis.
pub(crate) const AXIS_PX: f64 = 22.0;
const BAR_PX: f64 = 18.0;
/// About the width of a letter.
const LETTER_PX: f64 = 6.4;
/// Narrower than this there is no room for words beside the bars.
const NARROW_PX: f64 = 620.0;

/// Where times lie: between the names and the states.
pub(crate) fn projection(width: f64, height: f64, range: TimeRange) -> Projection {
    let (left, right) = if width < NARROW_PX { (width * 0.3, 8.0) } else { (190.0, 176.0) };
    let margins = Margins { left, top: 0.0, right, bottom: AXIS_PX };
    Projection::new(width, height, margins, (range.start_ms, range.end_ms), (0.0, 1.0))
}

/// A span in words: `running 2 h 5 min`, with a sign where it may be longer.
pub(crate) fn lasted(span: &StateInterval) -> String {
    let more = if span.may_start_earlier { "> " } else { "" };
    format!("{more}{}", time::duration(span.end_ms - span.start_ms))
}

/// The state of a replica now, in words; empty where none is told.
pub(crate) fn current(replica: &Replica, range: TimeRange) -> String {
    let (Some(span), Some(since)) = (replica.current(range), replica.since(range)) else {
        return String::new();
    };
    format!(
        "{} {}",
        span.state.title(),
        lasted(&StateInterval { start_ms: since.time_ms, may_start_earlier: since.may_be_earlier, ..*span })
    )
}

/// All that is painted.
pub(crate) struct Picture<'a> {
    pub(crate) replicas: &'a [Arc<Replica>],
    pub(crate) range: TimeRange,
    /// How far the rows are scrolled, in CSS pixels.
    pub(crate) scrolled: f64,
    pub(crate) palette: &'a Palette,
}

impl Picture<'_> {
    /// Paints, and tells where times lie; none when the canvas cannot be painted on.
    pub(crate) fn draw(&self, canvas: &HtmlCanvasElement, (width, height): (f64, f64)) -> Option<Projection> {
        let at = projection(width, height, self.range);
        let scale = window().device_pixel_ratio().max(1.0);
        let (pixel_width, pixel_height) = ((width * scale).round() as u32, (height * scale).round() as u32);
        if (canvas.width(), canvas.height()) != (pixel_width, pixel_height) {
            canvas.set_width(pixel_width);
            canvas.set_height(pixel_height);
        }
        let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        context.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0).ok()?;
        context.clear_rect(0.0, 0.0, width, height);
        context.set_text_baseline("middle");
        let brush = Brush { context: &context, at, palette: self.palette };
        brush.axis();
        context.save();
        context.begin_path();
        context.rect(0.0, 0.0, width, at.bottom);
        context.clip();
        let first = (self.scrolled / ROW_PX).floor().max(0.0) as usize;
        let count = (at.bottom / ROW_PX).ceil() as usize + 1;
        for (row, replica) in self.replicas.iter().enumerate().skip(first).take(count) {
            let middle = (row as f64 + 0.5) * ROW_PX - self.scrolled;
            brush.row(replica, self.range, middle, width);
        }
        context.restore();
        Some(at)
    }
}

struct Brush<'a> {
    context: &'a CanvasRenderingContext2d,
    at: Projection,
    palette: &'a Palette,
}

impl Brush<'_> {
    fn fill(&self, rgb: Rgb) {
        self.context.set_fill_style_str(&css(rgb));
    }

    fn write(&self, text: &str, rgb: Rgb, x: f64, y: f64, align: &str) {
        self.fill(rgb);
        self.context.set_text_align(align);
        // A canvas refuses text only at places that are no numbers.
        let _ = self.context.fill_text(text, x, y);
    }

    fn axis(&self) {
        let (at, theme) = (&self.at, &self.palette.theme);
        self.context.set_font(&format!("11px {}", theme.font));
        let count = ((at.right - at.left) / 60.0).max(2.0) as usize;
        for tick in time_ticks(at.start_ms, at.end_ms, count, &time::offset_ms) {
            let x = at.x(tick.time_ms).round();
            self.fill(theme.grid);
            self.context.fill_rect(x, 0.0, 1.0, at.bottom);
            // The last one stays on the canvas.
            let half = tick.label.chars().count() as f64 * LETTER_PX / 2.0;
            self.write(&tick.label, theme.text, x.min(at.right + 8.0 - half), at.bottom + 12.0, "center");
        }
        self.fill(theme.grid);
        self.context.fill_rect(0.0, at.bottom, at.right + 8.0, 1.0);
    }

    fn row(&self, replica: &Replica, range: TimeRange, middle: f64, width: f64) {
        let (at, palette) = (&self.at, self.palette);
        let room = ((at.left - 12.0) / LETTER_PX) as usize;
        self.write(&shortened(&replica.name, room), palette.ink, 0.0, middle, "left");
        let now = current(replica, range);
        if width - at.right > 40.0 && !now.is_empty() {
            let rgb = replica.current(range).map_or(palette.theme.text, |span| palette.state(span.state));
            self.fill(rgb);
            self.context.fill_rect(at.right + 12.0, middle - 4.0, 8.0, 8.0);
            self.write(&now, palette.ink, at.right + 26.0, middle, "left");
        }
        for span in &replica.intervals {
            self.bar(span, middle - BAR_PX / 2.0);
        }
        for restart in &replica.restarts {
            self.mark(at.x(restart.time_ms).clamp(at.left, at.right), middle - BAR_PX / 2.0);
        }
    }

    fn bar(&self, span: &StateInterval, top: f64) {
        let (at, context) = (&self.at, self.context);
        let (left, end) = (at.x(span.start_ms).max(at.left), at.x(span.end_ms).min(at.right));
        // A pixel between bars, where that leaves something of them.
        let width = (end - left - if end - left > 4.0 { 1.0 } else { 0.0 }).max(1.0);
        let rgb = self.palette.state(span.state);
        if span.state == ReplicaState::Stopped {
            context.set_stroke_style_str(&css(rgb));
            context.stroke_rect(left + 0.5, top + 0.5, (width - 1.0).max(0.5), BAR_PX - 1.0);
        } else {
            self.fill(rgb);
            context.fill_rect(left, top, width, BAR_PX);
        }
        let (state, lasted) = (span.state.title(), lasted(span));
        let ink = if span.state == ReplicaState::Stopped { self.palette.theme.text } else { on(rgb) };
        let texts = [format!("{state} {lasted}"), state.to_owned()];
        match texts.iter().find(|text| text.len() as f64 * LETTER_PX + 8.0 < width) {
            Some(text) => self.write(text, ink, left + 6.0, top + BAR_PX / 2.0 + 0.5, "left"),
            None => self.pattern(span.state, ink, (left, top, width)),
        }
    }

    /// What tells a bar apart that has no room for words: lines and dots over its colour.
    fn pattern(&self, state: ReplicaState, ink: Rgb, (left, top, width): (f64, f64, f64)) {
        let (step_x, step_y, size_x, size_y) = match state {
            ReplicaState::Running | ReplicaState::Stopped => return,
            ReplicaState::Initializing => (4.0, BAR_PX, 1.0, BAR_PX),
            ReplicaState::Pulling => (width, 4.0, width, 1.0),
            ReplicaState::Downloading => (4.0, 4.0, 1.5, 1.5),
            ReplicaState::Pending => (width, 9.0, width, 1.5),
            ReplicaState::Failed => (3.0, 3.0, 1.5, 1.5),
            ReplicaState::Silent => (8.0, BAR_PX, 1.5, BAR_PX),
        };
        self.fill(ink);
        self.context.set_global_alpha(0.55);
        let mut x = left;
        while x < left + width {
            let mut y = top + if size_y < BAR_PX { step_y / 2.0 } else { 0.0 };
            while y < top + BAR_PX {
                self.context.fill_rect(x, y, size_x.min(left + width - x), size_y);
                y += step_y;
            }
            x += step_x;
        }
        self.context.set_global_alpha(1.0);
    }

    /// A triangle at the bar's top.
    fn mark(&self, x: f64, top: f64) {
        let context = self.context;
        context.begin_path();
        context.move_to(x - 5.0, top - 3.0);
        context.line_to(x + 5.0, top - 3.0);
        context.line_to(x, top + 7.0);
        context.close_path();
        self.fill(self.palette.state(ReplicaState::Failed));
        context.fill();
        context.set_stroke_style_str(&css(self.palette.theme.background));
        context.stroke();
    }
}

/// Black or white, whichever is easier to read on a colour. Source: the luma of ITU-R BT.601.
fn on(rgb: Rgb) -> Rgb {
    let luma = 299 * u32::from(rgb.0) + 587 * u32::from(rgb.1) + 114 * u32::from(rgb.2);
    if luma > 128_000 { Rgb(14, 20, 28) } else { Rgb(255, 255, 255) }
}

/// The text with its middle left out where it is longer than `room` letters: names of pods differ at their end.
fn shortened(text: &str, room: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= room || room < 5 {
        return text.to_owned();
    }
    let (head, tail) = ((room - 1) / 2, room / 2);
    letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(shortened("llama-7d9f-x2k9", 9), "llam…x2k9");
        assert_eq!(shortened("short", 9), "short");
        assert_eq!(shortened("über-größe-1", 7), "übe…e-1");
    }

    #[test]
    fn text_is_dark_on_light_and_light_on_dark() {
        assert_eq!(on(Rgb(240, 200, 80)), Rgb(14, 20, 28));
        assert_eq!(on(Rgb(120, 60, 200)), Rgb(255, 255, 255));
    }

    #[test]
    fn durations_say_when_they_may_be_longer() {
        let span = StateInterval {
            state: ReplicaState::Running,
            start_ms: 0,
            end_ms: 60_000,
            may_start_earlier: true,
            ready_ms: None,
        };
        assert_eq!(lasted(&span), "> 1 min");
        let replica = Replica { intervals: vec![span], ..Replica::default() };
        assert_eq!(current(&replica, TimeRange::new(0, 60_000)), "running > 1 min");
        assert_eq!(current(&replica, TimeRange::new(0, 70_000)), "");
    }
}
