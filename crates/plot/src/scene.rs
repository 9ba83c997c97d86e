//! Shapes in canvas pixels: what a frame becomes before a backend draws it.
use crate::{Frame, PixelColumns, Polyline, Projection, TimeTick};

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// Lines or stacked bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// One line a column.
    Lines,
    /// At each time one stack of bars, as wide as this many milliseconds before it.
    Bars {
        /// Width.
        width_ms: i64,
    },
}

/// How one column is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct LineStyle {
    /// Its colour.
    pub rgb: Rgb,
    /// Lengths of dash and gap in CSS pixels; none for a whole line.
    pub dash: Option<(f64, f64)>,
    /// Whether it is a bound: drawn as a line on top even among bars, and never stacked.
    pub is_limit: bool,
    /// Whether it is drawn at all.
    pub is_shown: bool,
}

/// Colours and type of the frame around the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Grid lines.
    pub grid: Rgb,
    /// Labels.
    pub text: Rgb,
    /// CSS font family.
    pub font: String,
    /// Size of labels in CSS pixels.
    pub font_px: f64,
}

/// All that a scene is made from; sizes in CSS pixels.
#[derive(Clone, Debug)]
pub struct Drawing<'a> {
    /// The data.
    pub frame: &'a Frame,
    /// One for each column.
    pub styles: &'a [LineStyle],
    /// Lines or bars.
    pub look: Look,
    /// Where things lie.
    pub projection: Projection,
    /// Values with their labels.
    pub values: &'a [(f64, String)],
    /// Times with their labels.
    pub times: &'a [TimeTick],
    /// Colours and type of the rest.
    pub theme: &'a Theme,
    /// Canvas pixels for one CSS pixel.
    pub scale: f64,
    /// Canvas pixels for one pixel of the screen: lines are reduced to what the screen can show.
    pub screen_pixel: f64,
}

/// Connected points with a colour and a width.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// The points.
    pub points: Polyline,
    /// The colour.
    pub rgb: Rgb,
    /// Width in canvas pixels.
    pub width: u32,
}

/// A filled rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Upper left corner.
    pub from: (i32, i32),
    /// Lower right corner.
    pub to: (i32, i32),
    /// The colour.
    pub rgb: Rgb,
}

/// Which part of a label lies at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left edge.
    Left,
    /// Its middle.
    Centre,
    /// Its right edge.
    Right,
}

/// A text at a place; its vertical middle lies there.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The text.
    pub text: String,
    /// The place.
    pub at: (i32, i32),
    /// Which part of the text lies at it.
    pub anchor: Anchor,
}

/// Everything to draw, in the order in which it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Grid lines.
    pub grid: Vec<Stroke>,
    /// Bars.
    pub bars: Vec<Bar>,
    /// Lines.
    pub strokes: Vec<Stroke>,
    /// Values without neighbours: centre, radius and colour.
    pub dots: Vec<((i32, i32), u32, Rgb)>,
    /// Axis labels.
    pub labels: Vec<Labelled>,
    /// Type of the labels: family, size in canvas pixels, colour.
    pub text: (String, f64, Rgb),
}

/// Width of data lines in CSS pixels.
const LINE_PX: f64 = 1.5;

/// Lays a drawing out.
pub fn scene(drawing: &Drawing<'_>) -> Scene {
    let p = drawing.projection.scaled(drawing.scale);
    let theme = drawing.theme;
    let mut scene = Scene {
        grid: Vec::new(),
        bars: Vec::new(),
        strokes: Vec::new(),
        dots: Vec::new(),
        labels: Vec::new(),
        text: (theme.font.clone(), theme.font_px * drawing.scale, theme.text),
    };
    lay_axes(drawing, &p, &mut scene);
    // The range is cut out first: backends move points from outside onto the edge.
    let times = &drawing.frame.times_ms;
    let within = times.partition_point(|time| *time < p.start_ms)..times.partition_point(|time| *time <= p.end_ms);
    if let Look::Bars { width_ms } = drawing.look {
        lay_bars(drawing, &p, width_ms, &mut scene);
    }
    let pixel_columns = PixelColumns::new(within.len(), drawing.screen_pixel, |at| p.x(times[within.start + at]));
    for (column, style) in drawing.frame.columns.iter().zip(drawing.styles) {
        if !style.is_shown || (drawing.look != Look::Lines && !style.is_limit) {
            continue;
        }
        let width = (LINE_PX * drawing.scale).round().max(1.0) as u32;
        let values = &column.values[within.clone()];
        for points in pixel_columns.reduce(values, |value| p.y(value).clamp(p.top, p.bottom)) {
            match (points.as_slice(), style.dash) {
                ([lone], _) => scene.dots.push((*lone, width, style.rgb)),
                (_, None) => scene.strokes.push(Stroke { points, rgb: style.rgb, width }),
                (_, Some((dash, gap))) => scene.strokes.extend(
                    dashes(&points, dash * drawing.scale, gap * drawing.scale).into_iter().map(|points| Stroke {
                        points,
                        rgb: style.rgb,
                        width,
                    }),
                ),
            }
        }
    }
    scene
}

fn lay_axes(drawing: &Drawing<'_>, p: &Projection, scene: &mut Scene) {
    let scale = drawing.scale;
    let width = scale.round().max(1.0) as u32;
    for (value, text) in drawing.values {
        let y = p.y(*value).round() as i32;
        let points = vec![(p.left as i32, y), (p.right as i32, y)];
        scene.grid.push(Stroke { points, rgb: drawing.theme.grid, width });
        let at = ((p.left - 6.0 * scale) as i32, y);
        scene.labels.push(Labelled { text: text.clone(), at, anchor: Anchor::Right });
    }
    let y = (p.bottom + 12.0 * scale) as i32;
    for tick in drawing.times {
        let x = p.x(tick.time_ms);
        // Half of a label, by the usual width of digits, so that none is cut off at an edge.
        let half = tick.label.chars().count() as f64 * drawing.theme.font_px * 0.3 * scale;
        let edge = p.right + 4.0 * scale;
        let (x, anchor) = if x + half > edge { (edge, Anchor::Right) } else { (x, Anchor::Centre) };
        scene.labels.push(Labelled { text: tick.label.clone(), at: (x.round() as i32, y), anchor });
    }
}

fn lay_bars(drawing: &Drawing<'_>, p: &Projection, width_ms: i64, scene: &mut Scene) {
    let gap = if width_ms as f64 * p.per_ms() >= 4.0 * drawing.scale { drawing.scale } else { 0.0 };
    for (at, time_ms) in drawing.frame.times_ms.iter().enumerate() {
        let left = p.x(time_ms - width_ms).max(p.left);
        let right = (p.x(*time_ms) - gap).min(p.right);
        if right <= left {
            continue;
        }
        let (left, right) = (left.round() as i32, (right.round() as i32).max(left.round() as i32 + 1));
        let mut base = 0.0;
        for (column, style) in drawing.frame.columns.iter().zip(drawing.styles) {
            let value = column.values[at];
            if !style.is_shown || style.is_limit || !value.is_finite() || value <= 0.0 {
                continue;
            }
            let (low, high) = (p.y(base).round() as i32, p.y(base + value).round() as i32);
            base += value;
            // A class with few requests must not vanish below the height of a pixel.
            let high = high.min(low - drawing.scale.round() as i32).max(p.top as i32);
            scene.bars.push(Bar { from: (left, high), to: (right, low), rgb: style.rgb });
        }
    }
}

/// The dashes of a line, in pixels along it.
fn dashes(points: &[(i32, i32)], dash: f64, gap: f64) -> Vec<Polyline> {
    let mut lines = Vec::new();
    let mut line: Polyline = points.first().copied().into_iter().collect();
    let (mut left, mut is_dash) = (dash, true);
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
        let length = dx.hypot(dy);
        let mut done = 0.0;
        while length - done >= left {
            done += left;
            let turn = (from.0 + (dx * done / length).round() as i32, from.1 + (dy * done / length).round() as i32);
            if is_dash {
                line.push(turn);
                lines.push(std::mem::take(&mut line));
            } else {
                line = vec![turn];
            }
            is_dash = !is_dash;
            left = if is_dash { dash.max(1.0) } else { gap.max(1.0) };
        }
        left -= length - done;
        if is_dash && line.last() != Some(&to) {
            line.push(to);
        }
    }
    if is_dash && line.len() > 1 {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Margins};

    const RED: Rgb = Rgb(200, 0, 0);

    fn style() -> LineStyle {
        LineStyle { rgb: RED, dash: None, is_limit: false, is_shown: true }
    }

    fn laid_out(frame: &Frame, styles: &[LineStyle], look: Look) -> Scene {
        let margins = Margins { left: 40.0, top: 10.0, right: 10.0, bottom: 20.0 };
        let theme = Theme { grid: Rgb(0, 0, 0), text: Rgb(1, 1, 1), font: "sans-serif".into(), font_px: 11.0 };
        scene(&Drawing {
            frame,
            styles,
            look,
            projection: Projection::new(450.0, 230.0, margins, (0, 4000), (0.0, 10.0)),
            values: &[(0.0, "0".into()), (10.0, "10".into())],
            times: &[TimeTick { time_ms: 4000, label: "10:00".into() }],
            theme: &theme,
            scale: 2.0,
            screen_pixel: 1.0,
        })
    }

    fn frame(columns: &[&[f64]]) -> Frame {
        let count = columns[0].len() as i64;
        let columns = columns.iter().map(|values| Column { name: "a".into(), values: values.to_vec() }).collect();
        Frame { times_ms: (0..count).map(|at| at * 1000).collect(), columns }
    }

    #[test]
    fn lines_lie_where_the_projection_says_in_canvas_pixels() {
        let scene = laid_out(&frame(&[&[0.0, 5.0, f64::NAN, 10.0]]), &[style()], Look::Lines);
        assert_eq!(scene.strokes, [Stroke { points: vec![(80, 420), (280, 220)], rgb: RED, width: 3 }]);
        assert_eq!(scene.dots, [((680, 20), 3, RED)]);
        assert_eq!(scene.grid.len(), 2);
    }

    #[test]
    fn what_is_outside_the_range_is_not_drawn() {
        let mut wide = frame(&[&[1.0; 9]]);
        for time in &mut wide.times_ms {
            *time -= 2000;
        }
        let scene = laid_out(&wide, &[style()], Look::Lines);
        let xs: Vec<i32> = scene.strokes[0].points.iter().map(|point| point.0).collect();
        assert_eq!((xs[0], xs[xs.len() - 1]), (80, 880));
    }

    #[test]
    fn bars_stack_and_small_ones_stay_visible() {
        let styles = [style(), LineStyle { rgb: Rgb(0, 0, 9), ..style() }];
        let scene = laid_out(&frame(&[&[0.0, 5.0], &[0.0, 0.001]]), &styles, Look::Bars { width_ms: 1000 });
        assert_eq!(
            scene.bars,
            [
                Bar { from: (80, 220), to: (278, 420), rgb: RED },
                Bar { from: (80, 218), to: (278, 220), rgb: Rgb(0, 0, 9) }
            ]
        );
    }

    #[test]
    fn hidden_columns_are_left_out_and_limits_are_dashed() {
        let styles = [
            LineStyle { is_shown: false, ..style() },
            LineStyle { dash: Some((10.0, 10.0)), is_limit: true, ..style() },
        ];
        let scene = laid_out(&frame(&[&[1.0, 1.0], &[5.0, 5.0]]), &styles, Look::Bars { width_ms: 1000 });
        assert!(scene.bars.is_empty());
        assert_eq!(scene.strokes.len(), 5, "200 pixels in dashes of 20 and gaps of 20");
        assert_eq!(scene.strokes[0].points, [(80, 220), (100, 220)]);
    }

    #[test]
    fn the_last_time_is_not_cut_off() {
        let scene = laid_out(&frame(&[&[1.0]]), &[style()], Look::Lines);
        let last = scene.labels.last().expect("a label");
        assert_eq!((last.anchor, last.at.0), (Anchor::Right, 888));
    }
}
