//! Lays out a drawing as a scene of shapes.
use crate::axes::add_axes;
use crate::dashes::dashes;
use crate::drawing::{Band, ChartType, Drawing, HatchedBand, LineStyle};
use crate::hatching::add_hatching;
use crate::layout::Layout;
use crate::markers::infinities;
use crate::shapes::{Dot, Font, Polygon, Scene, Stroke};
use crate::stack::{add_areas, add_bars, add_cells};
use std::borrow::Cow;

/// Width of data lines in CSS pixels.
const LINE_PX: f64 = 1.5;

/// Lays out a drawing.
pub fn scene(drawing: &Drawing<'_>) -> Scene {
    let layout = Layout::new(drawing);
    let p = layout.projection;
    let theme = drawing.theme;
    let mut scene = Scene {
        grid: Vec::new(),
        areas: Vec::new(),
        rects: Vec::new(),
        strokes: Vec::new(),
        dots: Vec::new(),
        markers: Vec::new(),
        labels: Vec::new(),
        font: Font { family: theme.font.clone(), size: theme.font_px * drawing.scale },
    };
    add_axes(drawing, &p, &mut scene);
    match drawing.chart_type {
        ChartType::Lines => {}
        ChartType::Areas => add_areas(drawing, &layout, &mut scene),
        ChartType::Bars { width_ms, unfinished_ms } => add_bars(drawing, &p, width_ms, unfinished_ms, &mut scene),
        ChartType::Cells { width_ms, draws_zero } => {
            add_cells(drawing, &p, width_ms, draws_zero, &mut scene);
            return scene;
        }
    }
    for band in drawing.bands {
        add_band(band, &layout, &mut scene);
    }
    if drawing.chart_type == ChartType::Lines {
        add_hatching(drawing, &p, &mut scene);
    }
    let times_ms = &drawing.frame.times_ms[layout.range.clone()];
    for (at, (column, style)) in drawing.frame.columns.iter().zip(drawing.styles).enumerate() {
        if !style.is_visible {
            continue;
        }
        let mut values = drawable_values(&column.values[layout.range.clone()], p.is_log);
        if drawing.chart_type == ChartType::Lines {
            if drawing.joins_gaps && values.iter().any(|value| value.is_nan()) {
                join_gaps(values.to_mut());
            }
            remove_hatched(drawing.hatched.iter().filter(|band| band.column == at), layout.range.start, &mut values);
        }
        scene.markers.extend(infinities(&values, times_ms, &p, drawing.scale, style.rgb));
        if drawing.chart_type == ChartType::Lines || style.is_overlaid {
            add_line(drawing, &layout, &values, style, &mut scene);
        }
    }
    scene
}

/// Removes the values within bands, of which only the bounds are known. The first value is that of the time at `start`.
fn remove_hatched<'a>(bands: impl Iterator<Item = &'a HatchedBand>, start: usize, values: &mut Cow<'_, [f64]>) {
    for HatchedBand { times, .. } in bands {
        let (from, to) = (times.start.saturating_sub(start), times.end.saturating_sub(start).min(values.len()));
        if from < to {
            values.to_mut()[from..to].fill(f64::NAN);
        }
    }
}

/// Fills the gaps between two values with a straight line.
fn join_gaps(values: &mut [f64]) {
    let mut last: Option<(usize, f64)> = None;
    for at in 0..values.len() {
        let value = values[at];
        if value.is_nan() {
            continue;
        }
        if let Some((before, start)) = last.filter(|(before, start)| before + 1 < at && (value - start).is_finite()) {
            let slope = (value - start) / (at - before) as f64;
            for (distance, gap) in (1_u32..).zip(&mut values[before + 1..at]) {
                *gap = start + slope * f64::from(distance);
            }
        }
        last = Some((at, value));
    }
}

/// The values without those that the axis cannot hold: a logarithmic axis has no zero and no negative values.
fn drawable_values(values: &[f64], is_log: bool) -> Cow<'_, [f64]> {
    if !is_log || values.iter().all(|value| *value > 0.0) {
        return Cow::Borrowed(values);
    }
    Cow::Owned(values.iter().map(|value| if *value > 0.0 { *value } else { f64::NAN }).collect())
}

fn add_line(drawing: &Drawing<'_>, layout: &Layout, values: &[f64], style: &LineStyle, scene: &mut Scene) {
    let p = &layout.projection;
    let width = (LINE_PX * drawing.scale).round().max(1.0) as u32;
    let rgb = style.rgb;
    for points in layout.pixel_columns.reduce(values, |value| p.y(value).clamp(p.top, p.bottom)) {
        match (points.as_slice(), style.dash) {
            ([lone], _) => scene.dots.push(Dot { centre: *lone, radius: width, rgb }),
            (_, None) => scene.strokes.push(Stroke { points, rgb, width }),
            (_, Some((dash, gap))) => {
                let dashes = dashes(&points, dash * drawing.scale, gap * drawing.scale);
                scene.strokes.extend(dashes.into_iter().map(|points| Stroke { points, rgb, width }));
            }
        }
    }
}

fn add_band(&Band { low, high, rgb }: &Band<'_>, layout: &Layout, scene: &mut Scene) {
    let (Some(low), Some(high)) = (low.get(layout.range.clone()), high.get(layout.range.clone())) else { return };
    let p = &layout.projection;
    let y = |value: f64| p.y(value).clamp(p.top, p.bottom);
    let edges = layout.pixel_columns.reduce(low, y).into_iter().zip(layout.pixel_columns.reduce(high, y));
    scene.areas.extend(
        edges.map(|(low, high)| Polygon { points: high.into_iter().chain(low.into_iter().rev()).collect(), rgb }),
    );
}

#[cfg(test)]
mod tests;
