//! Taking a card's data along: to the clipboard, or as a file.
use crate::state::time_range::TimeRange;
use crate::ui::graph::canvas::draw;
use crate::ui::graph::colours::{Palette, css};
use crate::ui::graph::context::CardContext;
use crate::ui::kit::download::offer;
use crate::ui::kit::format_time as time;
use crate::ui::kit::format_time::iso;
use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement};

/// A name that says which graph and which time.
pub(crate) fn file_name(card: CardContext, ending: &str) -> String {
    let start_ms = card.drawn.with_untracked(|drawn| drawn.as_ref().map_or(0, |drawn| drawn.range.start_ms));
    let start = iso(start_ms).chars().take(19).collect::<String>().replace(':', "-");
    format!("{}-{start}.{ending}", card.graph.id)
}

/// AvailableOptions the card's picture, with its title and legend, as a file.
pub(crate) fn offer_picture(card: CardContext, palette: &Palette) {
    let name = file_name(card, "png");
    let Some(picture) = picture(card, palette) else { return };
    let give = Closure::once_into_js(move |blob: JsValue| {
        if let Ok(blob) = blob.dyn_into::<Blob>() {
            offer(&blob, &name);
        }
    });
    let _ = picture.to_blob(give.unchecked_ref());
}

/// Heights around the graph and widths in the legend, in CSS pixels.
const TITLE_PX: f64 = 44.0;
const LINE_PX: f64 = 20.0;
const EDGE_PX: f64 = 12.0;

/// A picture is looked at on other screens too: it has so many pixels at least for one of the page.
const LEAST_SCALE: f64 = 2.0;

fn canvas() -> Option<HtmlCanvasElement> {
    document().create_element("canvas").ok()?.dyn_into().ok()
}

fn picture(card: CardContext, palette: &Palette) -> Option<HtmlCanvasElement> {
    let selector = format!("section[data-graph='{}'] .stage canvas", card.graph.id);
    let shown: HtmlCanvasElement = document().query_selector(&selector).ok()??.dyn_into().ok()?;
    let size @ (graph_width, graph_height) = (f64::from(shown.client_width()), f64::from(shown.client_height()));
    let drawn = card.drawn.get_untracked()?;
    let scale = window().device_pixel_ratio().max(LEAST_SCALE);
    let graph = canvas()?;
    untrack(|| draw(card, (&drawn, drawn.range), palette, &graph, size, scale))?;
    let width = graph_width + 2.0 * EDGE_PX;
    let picture = canvas()?;
    let context: CanvasRenderingContext2d = picture.get_context("2d").ok()??.dyn_into().ok()?;
    let font = &palette.theme.font;
    context.set_font(&format!("12px {font}"));
    let entries = card.shown.with_untracked(|shown| {
        let names = shown.frame.columns.iter().map(|column| column.name.clone());
        let styles = card.styles.get_untracked();
        let shown = names.zip(styles).filter(|(_, style)| style.is_visible && !card.is_heat_map());
        shown.map(|(name, style)| (name, style.rgb)).collect::<Vec<_>>()
    });
    let widths: Vec<f64> = entries
        .iter()
        .map(|(name, _)| context.measure_text(name).map_or(0.0, |measure| measure.width()) + 28.0)
        .collect();
    let places = places(&widths, width - 2.0 * EDGE_PX);
    let lines = places.last().map_or(0, |place| place.1 + 1);
    let height = TITLE_PX + graph_height + LINE_PX * lines as f64 + EDGE_PX;
    // A canvas of a new size has lost its settings.
    picture.set_width((width * scale).round() as u32);
    picture.set_height((height * scale).round() as u32);
    context.scale(scale, scale).ok()?;
    context.set_fill_style_str(&css(palette.theme.background));
    context.fill_rect(0.0, 0.0, width, height);
    context.set_text_baseline("middle");
    context.set_fill_style_str(&css(palette.ink));
    context.set_font(&format!("600 14px {font}"));
    let title = format!("{} {}", card.graph.title, card.unit().suffix());
    context.fill_text(title.trim_end(), EDGE_PX, 16.0).ok()?;
    context.set_font(&format!("12px {font}"));
    // A picture outlives its day.
    let TimeRange { start_ms, end_ms } = drawn.range;
    let times = format!("{} to {}", time::clock_and_day(start_ms, 0), time::clock_and_day(end_ms, start_ms));
    context.fill_text(&times, EDGE_PX, 34.0).ok()?;
    context
        .draw_image_with_html_canvas_element_and_dw_and_dh(&graph, EDGE_PX, TITLE_PX, graph_width, graph_height)
        .ok()?;
    for ((name, rgb), (x, line)) in entries.iter().zip(places) {
        let (x, y) = (EDGE_PX + x, TITLE_PX + graph_height + LINE_PX * (line as f64 + 0.5));
        context.set_fill_style_str(&css(*rgb));
        context.fill_rect(x, y - 2.0, 10.0, 4.0);
        context.set_fill_style_str(&css(palette.ink));
        context.fill_text(name, x + 15.0, y).ok()?;
    }
    Some(picture)
}

/// Place and line of each entry of that width, as text flows.
fn places(widths: &[f64], room: f64) -> Vec<(f64, usize)> {
    let (mut x, mut line) = (0.0, 0);
    let place = |width: &f64| {
        if x > 0.0 && x + width > room {
            (x, line) = (0.0, line + 1);
        }
        let place = (x, line);
        x += width;
        place
    };
    widths.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_of_a_picture_flows_like_text() {
        assert_eq!(places(&[60.0, 60.0, 200.0, 10.0], 150.0), [(0.0, 0), (60.0, 0), (0.0, 1), (0.0, 2)]);
        assert!(places(&[], 10.0).is_empty());
    }
}
