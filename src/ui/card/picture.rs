//! A card as a PNG file: title, time range, graph and legend.
use crate::data::graph::card_state::CardData;
use crate::state::time_range::TimeRange;
use crate::ui::graph::canvas::paint_card;
use crate::ui::graph::colours::{Palette, css};
use crate::ui::graph::context::CardContext;
use crate::ui::kit::download::download;
use crate::ui::kit::format_time as time;
use crate::ui::kit::observe::Size;
use crate::ui::kit::surface::Surface;
use leptos::prelude::*;
use plot::Rgb;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement};

/// The name of a card's file, with the graph and the start of the range.
pub(crate) fn file_name(card: CardContext, extension: &str) -> String {
    let start_ms = card.data.with_untracked(|data| data.as_ref().map_or(0, |data| data.range.start_ms));
    let start = time::iso(start_ms).chars().take(19).collect::<String>().replace(':', "-");
    format!("{}-{start}.{extension}", card.graph.id)
}

/// Downloads a card as PNG.
pub(crate) fn download_picture(card: CardContext, palette: &Palette) {
    let name = file_name(card, "png");
    let Some(picture) = picture(card, palette) else { return };
    let done = Closure::once_into_js(move |blob: JsValue| {
        if let Ok(blob) = blob.dyn_into::<Blob>() {
            download(&blob, &name);
        }
    });
    let _ = picture.to_blob(done.unchecked_ref());
}

/// Heights of title and legend lines, and the margin, in CSS pixels.
const TITLE_PX: f64 = 44.0;
const LINE_PX: f64 = 20.0;
const MARGIN_PX: f64 = 12.0;

/// The smallest ratio of pixels to CSS pixels: a picture is also viewed on screens with more pixels than this one.
const MIN_PIXEL_RATIO: f64 = 2.0;

/// An entry of the legend.
struct Entry {
    name: String,
    rgb: Rgb,
    is_dashed: bool,
    position: Position,
}

/// The place of an entry: its distance from the margin in CSS pixels, and its line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Position {
    x: f64,
    line: usize,
}

fn canvas() -> Option<HtmlCanvasElement> {
    document().create_element("canvas").ok()?.dyn_into().ok()
}

fn picture(card: CardContext, palette: &Palette) -> Option<HtmlCanvasElement> {
    let selector = format!("section[data-graph='{}'] .stage canvas", card.graph.id);
    let visible: HtmlCanvasElement = document().query_selector(&selector).ok()??.dyn_into().ok()?;
    let size = Size { width: visible.client_width().into(), height: visible.client_height().into() };
    let data = card.data.get_untracked()?;
    let pixel_ratio = window().device_pixel_ratio().max(MIN_PIXEL_RATIO);
    let graph = canvas()?;
    let surface = Surface { canvas: &graph, size, pixel_ratio };
    untrack(|| paint_card(card, data.range, palette, surface))?;
    let width = size.width + 2.0 * MARGIN_PX;
    let picture = canvas()?;
    let context: CanvasRenderingContext2d = picture.get_context("2d").ok()??.dyn_into().ok()?;
    context.set_font(&format!("12px {}", palette.theme.font));
    let entries = entries(card, &context, width - 2.0 * MARGIN_PX);
    let lines = entries.last().map_or(0, |entry| entry.position.line + 1);
    let height = TITLE_PX + size.height + LINE_PX * lines as f64 + MARGIN_PX;
    // Setting the size resets the context.
    picture.set_width((width * pixel_ratio).round() as u32);
    picture.set_height((height * pixel_ratio).round() as u32);
    context.scale(pixel_ratio, pixel_ratio).ok()?;
    context.set_fill_style_str(&css(palette.theme.background));
    context.fill_rect(0.0, 0.0, width, height);
    context.set_text_baseline("middle");
    paint_title(card, &data, palette, &context)?;
    context
        .draw_image_with_html_canvas_element_and_dw_and_dh(&graph, MARGIN_PX, TITLE_PX, size.width, size.height)
        .ok()?;
    for Entry { name, rgb, is_dashed, position } in entries {
        let x = MARGIN_PX + position.x;
        let y = TITLE_PX + size.height + LINE_PX * (position.line as f64 + 0.5);
        context.set_fill_style_str(&css(rgb));
        if is_dashed {
            context.fill_rect(x, y - 2.0, 4.0, 4.0);
            context.fill_rect(x + 6.0, y - 2.0, 4.0, 4.0);
        } else {
            context.fill_rect(x, y - 2.0, 10.0, 4.0);
        }
        context.set_fill_style_str(&css(palette.primary_text));
        context.fill_text(&name, x + 15.0, y).ok()?;
    }
    Some(picture)
}

/// Paints title and time range, with the date: a picture is kept for longer than a day.
fn paint_title(
    card: CardContext,
    data: &CardData,
    palette: &Palette,
    context: &CanvasRenderingContext2d,
) -> Option<()> {
    let font = &palette.theme.font;
    context.set_fill_style_str(&css(palette.primary_text));
    context.set_font(&format!("600 14px {font}"));
    let title = format!("{} {}", card.graph.title, card.unit().suffix());
    context.fill_text(title.trim_end(), MARGIN_PX, 16.0).ok()?;
    context.set_font(&format!("12px {font}"));
    let TimeRange { start_ms, end_ms } = data.range;
    let times = format!("{} to {}", time::clock_and_day(start_ms, 0), time::clock_and_day(end_ms, start_ms));
    context.fill_text(&times, MARGIN_PX, 34.0).ok()
}

/// The legend of the visible lines; a heat map has none.
fn entries(card: CardContext, context: &CanvasRenderingContext2d, width: f64) -> Vec<Entry> {
    let lines = card.lines.get_untracked();
    let names = lines.frame.columns.iter().map(|column| column.name.clone());
    let visible = names.zip(card.styles.get_untracked()).filter(|(_, style)| style.is_visible && !lines.is_heat_map());
    let entries: Vec<(String, Rgb, bool)> =
        visible.map(|(name, style)| (name, style.rgb, style.dash.is_some())).collect();
    let entry_width = |name: &str| context.measure_text(name).map_or(0.0, |measure| measure.width()) + 28.0;
    let widths: Vec<f64> = entries.iter().map(|(name, ..)| entry_width(name)).collect();
    let entry = |((name, rgb, is_dashed), position)| Entry { name, rgb, is_dashed, position };
    entries.into_iter().zip(positions(&widths, width)).map(entry).collect()
}

/// The positions of entries with these widths, which wrap like text.
fn positions(widths: &[f64], max_width: f64) -> Vec<Position> {
    let (mut x, mut line) = (0.0, 0);
    let position = |width: &f64| {
        if x > 0.0 && x + width > max_width {
            (x, line) = (0.0, line + 1);
        }
        let position = Position { x, line };
        x += width;
        position
    };
    widths.iter().map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_of_a_picture_wraps_like_text() {
        let expected = [(0.0, 0), (60.0, 0), (0.0, 1), (0.0, 2)].map(|(x, line)| Position { x, line });
        assert_eq!(positions(&[60.0, 60.0, 200.0, 10.0], 150.0), expected);
        assert!(positions(&[], 10.0).is_empty());
    }
}
