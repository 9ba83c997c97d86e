//! Painting of the visible rows: names, state bars, restarts, and the time axis below.
use crate::data::replicas::fleet::Replica;
use crate::data::replicas::intervals::StateInterval;
use crate::state::time_range::TimeRange;
use crate::ui::graph::colours::{Palette, css};
use crate::ui::kit::format_time as time;
use crate::ui::kit::observe::Size;
use crate::ui::kit::surface::Surface;
use catalogue::contract::ReplicaState;
use plot::{Margins, Projection, Rgb, time_ticks};
use std::sync::Arc;
use web_sys::CanvasRenderingContext2d;

/// Height of a row, in CSS pixels.
pub(crate) const ROW_PX: f64 = 26.0;
/// Height of the time axis.
pub(crate) const AXIS_PX: f64 = 22.0;
const BAR_PX: f64 = 18.0;
/// The approximate width of a letter.
const LETTER_PX: f64 = 6.4;
/// Below this width there is no room for text beside the bars.
const NARROW_PX: f64 = 620.0;

/// The projection of times to the space between names and current states.
fn projection(size: Size, range: TimeRange) -> Projection {
    let (left, right) = if size.width < NARROW_PX { (size.width * 0.3, 8.0) } else { (190.0, 176.0) };
    let margins = Margins { left, top: 0.0, right, bottom: AXIS_PX };
    Projection::new(size.width, size.height, margins, (range.start_ms, range.end_ms), (0.0, 1.0))
}

/// The duration of an interval: `2 h 5 min`, or `> 2 h 5 min` if it may be longer.
pub(crate) fn interval_duration(interval: &StateInterval) -> String {
    let more = if interval.may_start_earlier { "> " } else { "" };
    format!("{more}{}", time::duration(interval.end_ms - interval.start_ms))
}

/// The current state of a replica with its duration: `running 2 h 5 min`; empty if it is unknown.
fn current_state(replica: &Replica, range: TimeRange) -> String {
    let (Some(interval), Some(since)) = (replica.current(range), replica.since(range)) else {
        return String::new();
    };
    let whole = StateInterval { start_ms: since.time_ms, may_start_earlier: since.may_be_earlier, ..*interval };
    format!("{} {}", interval.state.title(), interval_duration(&whole))
}

/// Everything that is painted.
pub(crate) struct Picture<'a> {
    pub(crate) replicas: &'a [Arc<Replica>],
    pub(crate) range: TimeRange,
    /// The scroll position of the rows, in CSS pixels.
    pub(crate) scroll_top: f64,
    pub(crate) palette: &'a Palette,
}

impl Picture<'_> {
    /// Paints and returns the projection; none if the browser provides no context.
    pub(crate) fn paint(&self, surface: Surface<'_>) -> Option<Projection> {
        let size = surface.size;
        let projection = projection(size, self.range);
        let context = surface.clear()?;
        context.scale(surface.pixel_ratio, surface.pixel_ratio).ok()?;
        context.set_text_baseline("middle");
        let painter = Painter { context: &context, projection, palette: self.palette };
        painter.axis();
        context.save();
        context.begin_path();
        context.rect(0.0, 0.0, size.width, projection.bottom);
        context.clip();
        let first = (self.scroll_top / ROW_PX).floor().max(0.0) as usize;
        let count = (projection.bottom / ROW_PX).ceil() as usize + 1;
        for (row, replica) in self.replicas.iter().enumerate().skip(first).take(count) {
            let middle = (row as f64 + 0.5) * ROW_PX - self.scroll_top;
            painter.row(replica, self.range, middle, size.width);
        }
        context.restore();
        Some(projection)
    }
}

struct Painter<'a> {
    context: &'a CanvasRenderingContext2d,
    projection: Projection,
    palette: &'a Palette,
}

impl Painter<'_> {
    fn fill(&self, rgb: Rgb) {
        self.context.set_fill_style_str(&css(rgb));
    }

    fn write(&self, text: &str, rgb: Rgb, x: f64, y: f64, align: &str) {
        self.fill(rgb);
        self.context.set_text_align(align);
        // A canvas rejects text only at positions that are not finite.
        let _ = self.context.fill_text(text, x, y);
    }

    fn axis(&self) {
        let (at, theme) = (&self.projection, &self.palette.theme);
        self.context.set_font(&format!("11px {}", theme.font));
        let count = ((at.right - at.left) / 60.0).max(2.0) as usize;
        for tick in time_ticks(at.start_ms, at.end_ms, count, &time::offset_ms) {
            let x = at.x(tick.time_ms).round();
            self.fill(theme.grid);
            self.context.fill_rect(x, 0.0, 1.0, at.bottom);
            // The last label is moved to stay on the canvas.
            let half = tick.label.chars().count() as f64 * LETTER_PX / 2.0;
            self.write(&tick.label, theme.text, x.min(at.right + 8.0 - half), at.bottom + 12.0, "center");
        }
        self.fill(theme.grid);
        self.context.fill_rect(0.0, at.bottom, at.right + 8.0, 1.0);
    }

    fn row(&self, replica: &Replica, range: TimeRange, middle: f64, width: f64) {
        let (at, palette) = (&self.projection, self.palette);
        let room = ((at.left - 12.0) / LETTER_PX) as usize;
        self.write(&shortened(&replica.name, room), palette.primary_text, 0.0, middle, "left");
        let state = current_state(replica, range);
        if width - at.right > 40.0 && !state.is_empty() {
            let rgb = replica.current(range).map_or(palette.theme.text, |interval| palette.state(interval.state));
            self.fill(rgb);
            self.context.fill_rect(at.right + 12.0, middle - 4.0, 8.0, 8.0);
            self.write(&state, palette.primary_text, at.right + 26.0, middle, "left");
        }
        for interval in &replica.intervals {
            self.bar(interval, middle - BAR_PX / 2.0);
        }
        for restart in &replica.restarts {
            self.restart(at.x(restart.time_ms).clamp(at.left, at.right), middle - BAR_PX / 2.0);
        }
    }

    fn bar(&self, interval: &StateInterval, top: f64) {
        let (at, context) = (&self.projection, self.context);
        let (left, end) = (at.x(interval.start_ms).max(at.left), at.x(interval.end_ms).min(at.right));
        // Bars are one pixel apart, unless they are too narrow.
        let width = (end - left - if end - left > 4.0 { 1.0 } else { 0.0 }).max(1.0);
        let rgb = self.palette.state(interval.state);
        if interval.state == ReplicaState::Stopped {
            context.set_stroke_style_str(&css(rgb));
            context.stroke_rect(left + 0.5, top + 0.5, (width - 1.0).max(0.5), BAR_PX - 1.0);
        } else {
            self.fill(rgb);
            context.fill_rect(left, top, width, BAR_PX);
        }
        let (state, duration) = (interval.state.title(), interval_duration(interval));
        let ink = if interval.state == ReplicaState::Stopped { self.palette.theme.text } else { text_colour_on(rgb) };
        let texts = [format!("{state} {duration}"), state.to_owned()];
        match texts.iter().find(|text| text.len() as f64 * LETTER_PX + 8.0 < width) {
            Some(text) => self.write(text, ink, left + 6.0, top + BAR_PX / 2.0 + 0.5, "left"),
            None => self.pattern(interval.state, ink, (left, top, width)),
        }
    }

    /// Fills a bar that has no room for text with lines or dots, so that states differ by more than their colour.
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

    /// A triangle at the top of a bar.
    fn restart(&self, x: f64, top: f64) {
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
fn text_colour_on(rgb: Rgb) -> Rgb {
    let luma = 299 * u32::from(rgb.0) + 587 * u32::from(rgb.1) + 114 * u32::from(rgb.2);
    if luma > 128_000 { Rgb(14, 20, 28) } else { Rgb(255, 255, 255) }
}

/// The text with its middle replaced by an ellipsis if it is longer than `room` letters. Names of pods differ at their end.
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
        assert_eq!(text_colour_on(Rgb(240, 200, 80)), Rgb(14, 20, 28));
        assert_eq!(text_colour_on(Rgb(120, 60, 200)), Rgb(255, 255, 255));
    }

    #[test]
    fn durations_have_a_sign_if_they_may_be_longer() {
        let interval = StateInterval {
            state: ReplicaState::Running,
            start_ms: 0,
            end_ms: 60_000,
            may_start_earlier: true,
            ready_ms: None,
        };
        assert_eq!(interval_duration(&interval), "> 1 min");
        let replica = Replica { intervals: vec![interval], ..Replica::default() };
        assert_eq!(current_state(&replica, TimeRange::new(0, 60_000)), "running > 1 min");
        assert_eq!(current_state(&replica, TimeRange::new(0, 70_000)), "");
    }
}
