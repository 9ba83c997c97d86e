//! The canvas of a graph. It is repainted when data, size, options or theme change.
use crate::data::feed::Feed;
use crate::data::graph::card_state::CardData;
use crate::state::cursor::Pointer;
use crate::state::time_range::TimeRange;
use crate::ui::graph::axis::Axis;
use crate::ui::graph::colours::Palette;
use crate::ui::graph::context::{CardContext, PaintedProjection};
use crate::ui::graph::overlay::Overlay;
use crate::ui::graph::visible::{VisibleLines, is_limit};
use crate::ui::kit::format_time as time;
use crate::ui::kit::observe::element_size;
use crate::ui::kit::surface::Surface;
use crate::wasm_size::effect::effect;
use catalogue::{Graph, Unit};
use leptos::html;
use leptos::prelude::*;
use plot::{Band, ChartType, Column, Drawing, LineStyle, Note, Projection, UNITS_PER_PIXEL, paint, scene, time_ticks};
use plotters_canvas::CanvasBackend;
use std::sync::Arc;

/// The canvas with its overlay; `label` is the graph in one sentence, for screen readers.
#[component]
pub(crate) fn GraphCanvas(#[prop(into)] label: Signal<String>) -> impl IntoView {
    let card @ CardContext { data, .. } = expect_context();
    let palette = expect_context::<Memo<Palette>>();
    let (feed, pointer) = (expect_context::<Feed>(), expect_context::<Pointer>());
    let painted: PaintedProjection = RwSignal::new(None);
    let canvas = NodeRef::<html::Canvas>::new();
    let size = element_size(canvas);
    effect(move || {
        let (Some(canvas), size) = (canvas.get(), size.get()) else { return };
        if size.is_empty() {
            return;
        }
        let data = data.get().unwrap_or_else(|| Arc::new(CardData::blank(feed.range.get_untracked())));
        let range = pointer.visible_range(data.range);
        let surface = Surface { canvas: &canvas, size, pixel_ratio: window().device_pixel_ratio() };
        painted.set(palette.with(|palette| paint_card(card, range, palette, surface)));
    });
    view! {
        <canvas node_ref=canvas aria-hidden="true"></canvas>
        <Overlay painted label />
    }
}

/// Paints a card as [`Picture::paint`] does.
pub(crate) fn paint_card(
    card: CardContext,
    range: TimeRange,
    palette: &Palette,
    surface: Surface<'_>,
) -> Option<Projection> {
    let (lines, styles, axis) = (card.lines.get(), card.styles.get(), card.axis.get());
    let (graph, unit) = (card.graph, card.unit());
    let picture = Picture { graph, unit, range, lines: &lines, styles: &styles, axis: &axis, palette };
    picture.paint(surface)
}

/// Everything that decides what is painted.
struct Picture<'a> {
    graph: &'a Graph,
    unit: Unit,
    range: TimeRange,
    lines: &'a VisibleLines,
    styles: &'a [LineStyle],
    axis: &'a Axis,
    palette: &'a Palette,
}

/// More bands than this would hide each other.
const MAX_BANDS: usize = 8;

/// How much of a line's colour its band has.
const BAND_SHARE: f64 = 0.25;
const PERCENTILE_BAND_SHARE: f64 = 0.1;
const FILLED_SHARE: f64 = 0.2;

impl Picture<'_> {
    /// Paints and returns the projection; none if the browser provides no context.
    fn paint(&self, surface: Surface<'_>) -> Option<Projection> {
        let (range, frame) = (self.range, &self.lines.frame);
        let projection = self.axis.projection(surface.size.width, surface.size.height, range);
        let count = ((projection.right - projection.left) / 60.0).max(2.0) as usize;
        let times = time_ticks(range.start_ms, range.end_ms, count, &time::offset_ms);
        let context = surface.clear()?;
        context.scale(1.0 / UNITS_PER_PIXEL, 1.0 / UNITS_PER_PIXEL).ok()?;
        // Sharp peaks would grow spikes with the default joint.
        context.set_line_join("round");
        let floors = self.floors();
        let drawing = Drawing {
            frame,
            styles: self.styles,
            chart_type: self.lines.chart_type.unwrap_or(ChartType::Lines),
            projection,
            bands: &self.bands(&floors),
            notes: &self.limit_notes(),
            hatched: &self.lines.hatched,
            joins_gaps: self.lines.joins_gaps,
            values: &self.axis.ticks,
            times: &times,
            theme: &self.palette.theme,
            scale: surface.pixel_ratio * UNITS_PER_PIXEL,
            device_pixel: UNITS_PER_PIXEL,
        };
        paint(&scene(&drawing), CanvasBackend::with_canvas_object(surface.canvas.clone())?).ok()?;
        Some(projection)
    }

    /// The lower edge of each column's filling; empty if lines are not filled.
    fn floors(&self) -> Vec<Vec<f64>> {
        let floor = self.axis.floor();
        let columns = self.lines.frame.columns.iter().filter(|_| self.lines.is_filled);
        columns.map(|column| column.values.iter().map(|value| value * 0.0 + floor).collect()).collect()
    }

    /// What is filled below lines, the band of the lines past the limit, and those between the least and the greatest values of gauges.
    fn bands<'a>(&'a self, floors: &'a [Vec<f64>]) -> Vec<Band<'a>> {
        let theme = &self.palette.theme;
        let remaining = self.lines.remaining.iter();
        let remaining = remaining.map(|band| Band { low: &band.low, high: &band.high, rgb: theme.band });
        let mut bands: Vec<Band<'_>> = remaining.collect();
        let filled = self.lines.frame.columns.iter().zip(self.styles).zip(floors);
        let is_filled = |name: &str, style: &LineStyle| style.is_visible && !is_limit(self.graph, name);
        bands.extend(filled.filter(|((column, style), _)| is_filled(&column.name, style)).map(
            |((column, style), low)| Band {
                low,
                high: &column.values,
                rgb: theme.background.mixed(style.rgb, FILLED_SHARE),
            },
        ));
        bands.extend(self.percentile_band());
        if self.lines.bounds.len() <= MAX_BANDS {
            for (column, style) in
                self.lines.frame.columns.iter().zip(self.styles).filter(|(_, style)| style.is_visible)
            {
                if let Some(line) = self.lines.bounds_of(&column.name) {
                    let rgb = theme.background.mixed(style.rgb, BAND_SHARE);
                    bands.push(Band { low: &line.least, high: &line.greatest, rgb });
                }
            }
        }
        bands
    }

    /// The band between the two percentiles that are drawn; none of several engines, whose bands would overlap.
    fn percentile_band(&self) -> Option<Band<'_>> {
        let theme = &self.palette.theme;
        let find = |wanted: &str| {
            let columns = self.lines.frame.columns.iter().zip(self.styles);
            columns.into_iter().find(|(column, style)| style.is_visible && column.name == wanted)
        };
        let ((low, _), (high, style)) = (find("p50")?, find("p95")?);
        let rgb = theme.background.mixed(style.rgb, PERCENTILE_BAND_SHARE);
        Some(Band { low: &low.values, high: &high.values, rgb })
    }

    /// The visible limits with their names and latest values.
    fn limit_notes(&self) -> Vec<Note> {
        let columns = self.lines.frame.columns.iter().zip(self.styles).enumerate();
        let limits = columns.filter(|(_, (column, style))| style.is_visible && is_limit(self.graph, &column.name));
        let note = |(at, (column, style)): (usize, (&Column, &LineStyle))| {
            let value = self.lines.frame.last(at).filter(|value| value.is_finite())?;
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
    use crate::ui::graph::axis::{AxisForm, axis};
    use crate::ui::graph::visible::visible_lines;
    use crate::ui::kit::observe::Size;
    use plot::{Frame, Rgb};
    use wasm_bindgen::JsCast;
    use wasm_bindgen_test::wasm_bindgen_test;

    /// A canvas of 400 by 200 CSS pixels on the page.
    fn canvas() -> web_sys::HtmlCanvasElement {
        let canvas: web_sys::HtmlCanvasElement =
            document().create_element("canvas").expect("an element").dyn_into().expect("a canvas");
        document().body().expect("a body").append_child(&canvas).expect("appended");
        canvas
    }

    fn card_data(name: &str, values: &[f64]) -> CardData {
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
        data: &CardData,
        styles: &[LineStyle],
        is_log: bool,
    ) -> Projection {
        let lines = visible_lines(graph, data, &CardOptions::default());
        let axis = axis(
            (graph.unit, graph.ceiling),
            &lines,
            styles,
            if is_log { AxisForm::Logarithmic } else { AxisForm::FromZero },
        );
        let palette = Palette::read();
        let picture = Picture {
            graph,
            unit: graph.unit,
            range: data.range,
            lines: &lines,
            styles,
            axis: &axis,
            palette: &palette,
        };
        let size = Size { width: size.0, height: size.1 };
        picture.paint(Surface { canvas, size, pixel_ratio: pixel_ratio() }).expect("painted")
    }

    fn pixel_ratio() -> f64 {
        window().device_pixel_ratio()
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
    fn a_line_is_painted_in_its_colour_and_not_when_hidden() {
        let graph = catalogue::graph("running-and-waiting").expect("a graph");
        let canvas = canvas();
        let style = LineStyle { rgb: Rgb(12, 34, 56), dash: None, is_overlaid: false, is_visible: true };
        let data = card_data("running", &[1.0, 5.0, 5.0, 5.0, 2.0]);
        let size = (400.0, 200.0);
        let projection = draw(&canvas, size, graph, &data, std::slice::from_ref(&style), false);
        assert_eq!(f64::from(canvas.width()), 400.0 * pixel_ratio());
        assert!(count(&canvas, style.rgb) > 100, "{}", count(&canvas, style.rgb));
        assert_eq!((projection.start_ms, projection.end_ms), (0, 4000));
        assert!(projection.high >= 5.0);
        draw(&canvas, size, graph, &data, &[LineStyle { is_visible: false, ..style.clone() }], false);
        assert_eq!(count(&canvas, style.rgb), 0);
    }

    #[wasm_bindgen_test]
    fn odd_data_and_sizes_are_painted() {
        let graph = catalogue::graph("end-to-end-latency").expect("a graph");
        let canvas = canvas();
        let style = [LineStyle { rgb: Rgb(12, 34, 56), dash: None, is_overlaid: false, is_visible: true }];
        for values in [&[][..], &[f64::NAN; 3], &[f64::INFINITY, 1e308, -1e308, 5e-324]] {
            for size in [(1.0, 1.0), (40.0, 20.0), (5000.0, 30.0)] {
                for is_log in [false, true] {
                    let projection = draw(&canvas, size, graph, &card_data("p50", values), &style, is_log);
                    assert!(projection.y(0.0).is_finite() && projection.x(0).is_finite(), "{values:?} {size:?}");
                }
            }
        }
    }
}
