//! The canvas: measures itself, lays the scene out and paints it when data, size or theme change.
use crate::data::feed::Feed;
use crate::data::graph::card_state::CardData;
use crate::state::cursor::Pointer;
use crate::state::time_range::TimeRange;
use crate::ui::graph::axis::Axis;
use crate::ui::graph::colours::Palette;
use crate::ui::graph::context::{CardContext, Painted};
use crate::ui::graph::overlay::Overlay;
use crate::ui::graph::percentile_bounds::marks;
use crate::ui::graph::visible::{Shown, is_limit};
use crate::ui::kit::format_time as time;
use crate::ui::kit::observe::size_of;
use crate::wasm_size::effect::effect;
use catalogue::{Graph, Unit};
use leptos::html;
use leptos::prelude::*;
use plot::{Band, Column, Drawing, LineStyle, Note, Projection, UNITS_PER_PIXEL, paint, scene, time_ticks};
use plotters_canvas::CanvasBackend;
use std::sync::Arc;
use wasm_bindgen::JsCast;

/// Graph and overlay.
#[component]
pub(crate) fn Plot(#[prop(into)] label: Signal<String>) -> impl IntoView {
    let card @ CardContext { drawn, .. } = expect_context();
    let palette = expect_context::<Memo<Palette>>();
    let (feed, pointer) = (expect_context::<Feed>(), expect_context::<Pointer>());
    let painted: Painted = RwSignal::new(None);
    let canvas = NodeRef::<html::Canvas>::new();
    let size = size_of(canvas);
    effect(move || {
        let (Some(canvas), size) = (canvas.get(), size.get()) else { return };
        if size.0 < 1.0 || size.1 < 1.0 {
            return;
        }
        let drawn = drawn.get().unwrap_or_else(|| Arc::new(CardData::blank(feed.range.get_untracked())));
        let range = pointer.visible_range(drawn.range);
        painted.set(palette.with(|palette| draw(card, (&drawn, range), palette, &canvas, size, ratio())));
    });
    view! {
        <canvas node_ref=canvas aria-hidden="true"></canvas>
        <Overlay painted label />
    }
}

/// Pixels of the screen for one of the page.
fn ratio() -> f64 {
    window().device_pixel_ratio()
}

/// Paints the lines of a card and a range of theirs, as [`Picture::draw`] does.
pub(crate) fn draw(
    card: CardContext,
    (drawn, range): (&CardData, TimeRange),
    palette: &Palette,
    canvas: &web_sys::HtmlCanvasElement,
    size: (f64, f64),
    ratio: f64,
) -> Option<Projection> {
    let (shown, styles, axis) = (card.shown.get(), card.styles.get(), card.axis.get());
    let (graph, unit) = (card.graph, card.unit());
    let picture = Picture { graph, unit, drawn, range, shown: &shown, styles: &styles, axis: &axis, palette };
    picture.draw(canvas, size, ratio)
}

/// All that decides what is painted.
struct Picture<'a> {
    graph: &'a Graph,
    unit: Unit,
    drawn: &'a CardData,
    /// Start and end, Unix milliseconds.
    range: TimeRange,
    shown: &'a Shown,
    styles: &'a [LineStyle],
    axis: &'a Axis,
    palette: &'a Palette,
}

/// Marks of bounds are at least so far apart, in CSS pixels.
const MARKS_APART_PX: f64 = 36.0;

impl Picture<'_> {
    /// Paints on a canvas of that size in CSS pixels, with `ratio` pixels of its own for one of them, and tells where
    /// things lie; none when the canvas cannot be painted on.
    fn draw(&self, canvas: &web_sys::HtmlCanvasElement, (width, height): (f64, f64), ratio: f64) -> Option<Projection> {
        let (range, frame) = (self.range, &self.shown.frame);
        let projection = self.axis.projection(width, height, range);
        let count = ((projection.right - projection.left) / 60.0).max(2.0) as usize;
        let times = time_ticks(range.start_ms, range.end_ms, count, &time::offset_ms);
        let (pixel_width, pixel_height) = ((width * ratio).round() as u32, (height * ratio).round() as u32);
        if (canvas.width(), canvas.height()) != (pixel_width, pixel_height) {
            canvas.set_width(pixel_width);
            canvas.set_height(pixel_height);
        }
        let context: web_sys::CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        context.reset_transform().ok()?;
        context.clear_rect(0.0, 0.0, pixel_width.into(), pixel_height.into());
        context.scale(1.0 / UNITS_PER_PIXEL, 1.0 / UNITS_PER_PIXEL).ok()?;
        // Sharp peaks would grow spikes with the default joint.
        context.set_line_join("round");
        let apart_ms = (MARKS_APART_PX / projection.per_ms()) as i64;
        let chart_type = self.shown.look.unwrap_or(plot::ChartType::Lines);
        let drawing = Drawing {
            frame,
            styles: self.styles,
            chart_type,
            projection,
            band: self.shown.rest.as_ref().map(|rest| Band { low: &rest.low, high: &rest.high }),
            notes: &self.limits(),
            markers: &marks(self.graph, self.drawn, frame, self.styles, apart_ms),
            values: &self.axis.ticks,
            times: &times,
            theme: &self.palette.theme,
            scale: ratio * UNITS_PER_PIXEL,
            device_pixel: UNITS_PER_PIXEL,
        };
        paint(&scene(&drawing), CanvasBackend::with_canvas_object(canvas.clone())?).ok()?;
        Some(projection)
    }

    /// The visible limits with their names and newest values.
    fn limits(&self) -> Vec<Note> {
        let columns = self.shown.frame.columns.iter().zip(self.styles).enumerate();
        let limits = columns.filter(|(_, (column, style))| style.is_visible && is_limit(self.graph, &column.name));
        let note = |(at, (column, style)): (usize, (&Column, &LineStyle))| {
            let value = self.shown.frame.last(at).filter(|value| value.is_finite())?;
            let text = format!("{} {}", column.name, self.unit.format_short(value));
            Some(Note { value, text, rgb: style.rgb })
        };
        limits.filter_map(note).collect()
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use super::*;
    use crate::state::card_options::CardOptions;
    use crate::ui::graph::axis::axis;
    use crate::ui::graph::visible::shown;
    use plot::{Frame, Rgb};
    use wasm_bindgen_test::wasm_bindgen_test;

    /// A canvas of 400 by 200 CSS pixels on the page.
    fn canvas() -> web_sys::HtmlCanvasElement {
        let canvas: web_sys::HtmlCanvasElement =
            document().create_element("canvas").expect("an element").dyn_into().expect("a canvas");
        document().body().expect("a body").append_child(&canvas).expect("appended");
        canvas
    }

    fn drawn(name: &str, values: &[f64]) -> CardData {
        let step_ms = 1000;
        let times_ms: Vec<i64> = (0..values.len() as i64).map(|at| at * step_ms).collect();
        let end_ms = times_ms.last().copied().unwrap_or(0);
        let columns = vec![Column { name: name.into(), values: values.to_vec() }];
        CardData { frame: Frame { times_ms, columns }, ..CardData::blank(TimeRange::new(0, end_ms)) }
    }

    fn draw(
        canvas: &web_sys::HtmlCanvasElement,
        size: (f64, f64),
        graph: &Graph,
        drawn: &CardData,
        styles: &[LineStyle],
        is_log: bool,
    ) -> Projection {
        let shown = shown(graph, drawn, &CardOptions::default());
        let axis = axis(graph.unit, &shown, styles, is_log);
        let palette = Palette::read();
        let picture = Picture {
            graph,
            unit: graph.unit,
            drawn,
            range: drawn.range,
            shown: &shown,
            styles,
            axis: &axis,
            palette: &palette,
        };
        picture.draw(canvas, size, ratio()).expect("drawn")
    }

    /// Pixels of the canvas that have the colour.
    fn count(canvas: &web_sys::HtmlCanvasElement, rgb: Rgb) -> usize {
        let context = canvas.get_context("2d").expect("a context").expect("2d");
        let context: web_sys::CanvasRenderingContext2d = context.dyn_into().expect("2d");
        let (width, height) = (f64::from(canvas.width()), f64::from(canvas.height()));
        let data = context.get_image_data(0.0, 0.0, width, height).expect("pixels").data();
        data.chunks_exact(4).filter(|pixel| pixel[..3] == [rgb.0, rgb.1, rgb.2] && pixel[3] == 255).count()
    }

    #[wasm_bindgen_test]
    fn a_line_is_painted_in_its_colour_and_gone_when_hidden() {
        let graph = catalogue::graph("running-and-waiting").expect("a graph");
        let canvas = canvas();
        let style = LineStyle { rgb: Rgb(12, 34, 56), dash: None, is_overlaid: false, is_visible: true };
        let drawn = drawn("running", &[1.0, 5.0, 5.0, 5.0, 2.0]);
        let size = (400.0, 200.0);
        let projection = draw(&canvas, size, graph, &drawn, std::slice::from_ref(&style), false);
        assert_eq!(f64::from(canvas.width()), 400.0 * ratio());
        assert!(count(&canvas, style.rgb) > 3000, "{}", count(&canvas, style.rgb));
        assert_eq!((projection.start_ms, projection.end_ms), (0, 4000));
        assert!(projection.high >= 5.0);
        draw(&canvas, size, graph, &drawn, &[LineStyle { is_visible: false, ..style.clone() }], false);
        assert_eq!(count(&canvas, style.rgb), 0);
    }

    #[wasm_bindgen_test]
    fn odd_data_and_sizes_do_no_harm() {
        let graph = catalogue::graph("end-to-end-latency").expect("a graph");
        let canvas = canvas();
        let style = [LineStyle { rgb: Rgb(12, 34, 56), dash: None, is_overlaid: false, is_visible: true }];
        for values in [&[][..], &[f64::NAN; 3], &[f64::INFINITY, 1e308, -1e308, 5e-324]] {
            for size in [(1.0, 1.0), (40.0, 20.0), (5000.0, 30.0)] {
                for is_log in [false, true] {
                    let projection = draw(&canvas, size, graph, &drawn("p50", values), &style, is_log);
                    assert!(projection.y(0.0).is_finite() && projection.x(0).is_finite(), "{values:?} {size:?}");
                }
            }
        }
    }
}
