//! The canvas: measures itself, lays the scene out and paints it when data, size or theme change.
use super::{card::CardContext, colours::Palette, overlay::Overlay, time};
use crate::feed::{Drawn, Feed};
use catalogue::{Graph, Unit};
use leptos::{html, prelude::*};
use plot::{Drawing, LineStyle, Margins, Projection, Rounding, paint, scene, time_ticks, value_domain, value_ticks};
use plotters_canvas::CanvasBackend;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// Where the last painting put things, in CSS pixels of the stage.
pub(super) type Painted = RwSignal<Option<Projection>>;

/// Graph and overlay.
#[component]
pub(super) fn Plot() -> impl IntoView {
    let CardContext { graph, drawn, styles, .. } = expect_context();
    let palette = expect_context::<Memo<Palette>>();
    let feed = expect_context::<Feed>();
    let painted: Painted = RwSignal::new(None);
    let canvas = NodeRef::<html::Canvas>::new();
    let size = size_of(canvas);
    Effect::new(move |_| {
        let (Some(canvas), (width, height)) = (canvas.get(), size.get()) else { return };
        if width < 1.0 || height < 1.0 {
            return;
        }
        let projection = drawn.with(|drawn| {
            let blank = Drawn {
                frame: plot::Frame::default(),
                range: feed.range.get_untracked(),
                grid: crate::feed::Grid { start_ms: 0, end_ms: 0, step_ms: 1, window_ms: 1 },
                query: String::new(),
                summary: Vec::new(),
            };
            let drawn = drawn.as_deref().unwrap_or(&blank);
            styles.with(|styles| draw(&canvas, (width, height), graph, drawn, styles, &palette.get()))
        });
        painted.set(projection);
    });
    view! {
        <canvas node_ref=canvas aria-hidden="true"></canvas>
        <Overlay painted />
    }
}

/// Paints, and tells where things lie; none when the canvas cannot be painted on.
fn draw(
    canvas: &web_sys::HtmlCanvasElement,
    (width, height): (f64, f64),
    graph: &Graph,
    drawn: &Drawn,
    styles: &[LineStyle],
    palette: &Palette,
) -> Option<Projection> {
    let look = match graph.look {
        catalogue::Look::Lines => plot::Look::Lines,
        catalogue::Look::Bars => plot::Look::Bars { width_ms: drawn.grid.step_ms },
    };
    let frame = &drawn.frame;
    let is_shown = |at: usize| styles.get(at).is_some_and(|style| style.is_shown);
    let is_stacked = |at: usize| is_shown(at) && styles.get(at).is_some_and(|style| !style.is_limit);
    let visible = frame.columns.iter().enumerate().filter(|(at, _)| is_shown(*at));
    let (low, high) = match look {
        plot::Look::Lines => value_domain(visible.map(|(_, column)| column.values.as_slice()), graph.unit.ceiling()),
        plot::Look::Bars { .. } => value_domain([frame.sums(is_stacked).as_slice()].into_iter(), graph.unit.ceiling()),
    };
    let ticks = value_ticks(low, high, 4, rounding(graph.unit));
    let labels = graph.unit.tick_labels(&ticks);
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let margins = Margins { left: 14.0 + 6.2 * longest as f64, top: 8.0, right: 8.0, bottom: 22.0 };
    let top = ticks.last().copied().unwrap_or(high);
    let bottom = ticks.first().copied().unwrap_or(low);
    let projection = Projection::new(width, height, margins, drawn.range, (bottom, top));
    let count = ((projection.right - projection.left) / 72.0).max(2.0) as usize;
    let times = time_ticks(drawn.range.0, drawn.range.1, count, &time::offset_ms);
    // Lines have whole-pixel corners: at least two pixels of canvas for one of the page keep them smooth.
    let ratio = window().device_pixel_ratio();
    let scale = ratio.max(2.0);
    let (pixel_width, pixel_height) = ((width * scale).round() as u32, (height * scale).round() as u32);
    if (canvas.width(), canvas.height()) != (pixel_width, pixel_height) {
        canvas.set_width(pixel_width);
        canvas.set_height(pixel_height);
    }
    let context: web_sys::CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    context.clear_rect(0.0, 0.0, pixel_width.into(), pixel_height.into());
    // Sharp peaks would grow spikes with the default joint.
    context.set_line_join("round");
    let values: Vec<(f64, String)> = ticks.into_iter().zip(labels).collect();
    let drawing = Drawing {
        frame,
        styles,
        look,
        projection,
        values: &values,
        times: &times,
        theme: &palette.theme,
        scale,
        screen_pixel: scale / ratio,
    };
    paint(&scene(&drawing), CanvasBackend::with_canvas_object(canvas.clone())?).ok()?;
    Some(projection)
}

fn rounding(unit: Unit) -> Rounding {
    match unit {
        unit if unit.is_binary() => Rounding::Binary,
        unit if unit.is_whole() => Rounding::Whole,
        _ => Rounding::Decimal,
    }
}

/// The element's size in CSS pixels, kept up to date.
fn size_of(canvas: NodeRef<html::Canvas>) -> RwSignal<(f64, f64)> {
    let size = RwSignal::new((0.0, 0.0));
    let callback = Closure::<dyn Fn(JsValue)>::new(move |_| {
        if let Some(canvas) = canvas.get_untracked() {
            size.set((canvas.client_width().into(), canvas.client_height().into()));
        }
    });
    let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) else { return size };
    let watcher = StoredValue::new_local((observer, callback));
    Effect::new(move |_| {
        if let Some(canvas) = canvas.get() {
            size.set((canvas.client_width().into(), canvas.client_height().into()));
            watcher.with_value(|(observer, _)| observer.observe(&canvas));
        }
    });
    on_cleanup(move || watcher.with_value(|(observer, _)| observer.disconnect()));
    size
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use super::*;
    use crate::feed::Grid;
    use plot::{Column, Frame};
    use wasm_bindgen_test::wasm_bindgen_test;

    /// A canvas of 400 by 200 CSS pixels on the page.
    fn canvas() -> web_sys::HtmlCanvasElement {
        let canvas: web_sys::HtmlCanvasElement =
            document().create_element("canvas").expect("an element").dyn_into().expect("a canvas");
        document().body().expect("a body").append_child(&canvas).expect("appended");
        canvas
    }

    fn drawn(values: &[f64]) -> Drawn {
        let step_ms = 1000;
        let times_ms: Vec<i64> = (0..values.len() as i64).map(|at| at * step_ms).collect();
        let end_ms = times_ms.last().copied().unwrap_or(0);
        Drawn {
            frame: Frame { times_ms, columns: vec![Column { name: "running".into(), values: values.to_vec() }] },
            range: (0, end_ms),
            grid: Grid { start_ms: 0, end_ms, step_ms, window_ms: 4000 },
            query: String::new(),
            summary: Vec::new(),
        }
    }

    /// Pixels of the canvas that have the colour.
    fn count(canvas: &web_sys::HtmlCanvasElement, rgb: plot::Rgb) -> usize {
        let context = canvas.get_context("2d").expect("a context").expect("2d");
        let context: web_sys::CanvasRenderingContext2d = context.dyn_into().expect("2d");
        let (width, height) = (f64::from(canvas.width()), f64::from(canvas.height()));
        let data = context.get_image_data(0.0, 0.0, width, height).expect("pixels").data();
        data.chunks_exact(4).filter(|pixel| pixel[..3] == [rgb.0, rgb.1, rgb.2] && pixel[3] == 255).count()
    }

    #[wasm_bindgen_test]
    fn a_line_is_painted_in_its_colour_and_gone_when_hidden() {
        let graph = catalogue::graph("running-and-waiting").expect("a graph");
        let (canvas, palette) = (canvas(), Palette::read());
        let mut style = palette.style(graph, "running", 0, true);
        style.rgb = plot::Rgb(12, 34, 56);
        let drawn = drawn(&[1.0, 5.0, 5.0, 5.0, 2.0]);
        let size = (400.0, 200.0);
        let projection = draw(&canvas, size, graph, &drawn, &[style.clone()], &palette).expect("drawn");
        assert!(canvas.width() >= 800, "at least two canvas pixels for one of the page");
        assert!(count(&canvas, style.rgb) > 300, "{}", count(&canvas, style.rgb));
        assert_eq!((projection.start_ms, projection.end_ms), (0, 4000));
        assert!(projection.high >= 5.0);
        draw(&canvas, size, graph, &drawn, &[LineStyle { is_shown: false, ..style.clone() }], &palette).expect("drawn");
        assert_eq!(count(&canvas, style.rgb), 0);
    }

    #[wasm_bindgen_test]
    fn odd_data_and_sizes_do_no_harm() {
        let graph = catalogue::graph("end-to-end-latency").expect("a graph");
        let (canvas, palette) = (canvas(), Palette::read());
        let style = [palette.style(graph, "p50", 0, true)];
        for values in [&[][..], &[f64::NAN; 3], &[f64::INFINITY, 1e308, -1e308, 5e-324]] {
            for size in [(1.0, 1.0), (40.0, 20.0), (5000.0, 30.0)] {
                let projection = draw(&canvas, size, graph, &drawn(values), &style, &palette).expect("drawn");
                assert!(projection.y(0.0).is_finite() && projection.x(0).is_finite(), "{values:?} {size:?}");
            }
        }
    }
}
