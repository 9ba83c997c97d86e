//! Shapes in units of a fraction of a pixel: what a frame becomes before a backend draws it.
use crate::{
    Frame, PixelColumns, Polyline, Projection, Rgb, TimeTick,
    axes::lay_axes,
    dashes::dashes,
    markers::{Mark, infinities, triangle},
    stack::{lay_areas, lay_bars, lay_cells},
};
use std::borrow::Cow;

/// What becomes of the columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// One line a column.
    Lines,
    /// Areas on top of each other, in the order of the columns.
    Areas,
    /// At each time one stack of bars, as wide as this many milliseconds before it.
    Bars {
        /// Width.
        width_ms: i64,
    },
    /// A row of cells a column, the first from 0 to 1 on the value axis, the darker the larger the value.
    Cells {
        /// Width of a cell, before its time.
        width_ms: i64,
        /// Whether zero is a value among others, with the first colour, rather than nothing to see.
        is_level: bool,
    },
}

/// How one column is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct LineStyle {
    /// Its colour.
    pub rgb: Rgb,
    /// Lengths of dash and gap in CSS pixels; none for a whole line.
    pub dash: Option<(f64, f64)>,
    /// Whether it is a line on top even where the rest is stacked: a limit, or another time.
    pub is_overlaid: bool,
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
    /// The band behind the lines.
    pub band: Rgb,
    /// What the canvas lies on.
    pub ground: Rgb,
    /// Colours of cells, from little to much.
    pub ramp: Vec<Rgb>,
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
    /// What becomes of them.
    pub look: Look,
    /// Where things lie.
    pub projection: Projection,
    /// The lowest and highest of what has no line of its own; empty for none.
    pub band: (&'a [f64], &'a [f64]),
    /// Words at the right end of a value's height, such as the name of a limit.
    pub notes: &'a [(f64, String, Rgb)],
    /// Small triangles at points of lines.
    pub marks: &'a [Mark],
    /// Values with their labels.
    pub values: &'a [(f64, String)],
    /// Times with their labels.
    pub times: &'a [TimeTick],
    /// Colours and type of the rest.
    pub theme: &'a Theme,
    /// Units for one CSS pixel. Coordinates of a scene are whole numbers of them: finer ones make smoother lines.
    pub scale: f64,
    /// Units for one pixel of the screen: lines are reduced to what it can show, and straight edges lie between two.
    pub screen_pixel: f64,
}

/// Connected points with a colour and a width.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// The points.
    pub points: Polyline,
    /// The colour.
    pub rgb: Rgb,
    /// Width in units.
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
    /// The colour.
    pub rgb: Rgb,
    /// The colour of the plate behind it, where it stands on data, which shimmer through.
    pub plate: Option<Rgb>,
}

/// A filled shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its corners.
    pub points: Polyline,
    /// The colour.
    pub rgb: Rgb,
}

/// Everything to draw, in the order in which it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Grid lines.
    pub grid: Vec<Stroke>,
    /// The band, and stacked areas.
    pub areas: Vec<Area>,
    /// Bars and cells.
    pub bars: Vec<Bar>,
    /// Lines.
    pub strokes: Vec<Stroke>,
    /// Values without neighbours: centre, radius and colour.
    pub dots: Vec<((i32, i32), u32, Rgb)>,
    /// Triangles.
    pub marks: Vec<Area>,
    /// Labels.
    pub labels: Vec<Labelled>,
    /// Type of the labels: family, and size in units.
    pub text: (String, f64),
}

/// Width of data lines in CSS pixels.
const LINE_PX: f64 = 1.5;

/// Lays a drawing out.
pub fn scene(drawing: &Drawing<'_>) -> Scene {
    let p = drawing.projection.scaled(drawing.scale);
    let theme = drawing.theme;
    let mut scene = Scene {
        grid: Vec::new(),
        areas: Vec::new(),
        bars: Vec::new(),
        strokes: Vec::new(),
        dots: Vec::new(),
        marks: Vec::new(),
        labels: Vec::new(),
        text: (theme.font.clone(), theme.font_px * drawing.scale),
    };
    lay_axes(drawing, &p, &mut scene);
    // The range is cut out first: what is outside would be drawn beside the axes.
    let times = &drawing.frame.times_ms;
    let within = times.partition_point(|time| *time < p.start_ms)..times.partition_point(|time| *time <= p.end_ms);
    let pixel_columns = PixelColumns::new(within.len(), drawing.screen_pixel, |at| p.x(times[within.start + at]));
    match drawing.look {
        Look::Lines => {}
        Look::Areas => lay_areas(drawing, &p, &pixel_columns, &within, &mut scene),
        Look::Bars { width_ms } => lay_bars(drawing, &p, width_ms, &mut scene),
        Look::Cells { width_ms, is_level } => {
            lay_cells(drawing, &p, (width_ms, is_level), &mut scene);
            return scene;
        }
    }
    lay_band(drawing, &p, &pixel_columns, &within, &mut scene);
    for (column, style) in drawing.frame.columns.iter().zip(drawing.styles) {
        if !style.is_shown {
            continue;
        }
        let values = drawn_values(&column.values[within.clone()], p.is_log);
        scene.marks.extend(infinities(&values, &times[within.clone()], &p, drawing.scale, style.rgb));
        if drawing.look == Look::Lines || style.is_overlaid {
            lay_line(drawing, &p, &pixel_columns, (&values, style), &mut scene);
        }
    }
    let is_within = |mark: &&Mark| (p.start_ms..=p.end_ms).contains(&mark.time_ms);
    scene.marks.extend(drawing.marks.iter().filter(is_within).map(|mark| triangle(mark, &p, drawing.scale)));
    scene
}

/// What of a column has a place on the axis: a logarithmic one has none for zero and below.
fn drawn_values(values: &[f64], is_log: bool) -> Cow<'_, [f64]> {
    if !is_log || values.iter().all(|value| *value > 0.0) {
        return Cow::Borrowed(values);
    }
    Cow::Owned(values.iter().map(|value| if *value > 0.0 { *value } else { f64::NAN }).collect())
}

fn lay_line(
    drawing: &Drawing<'_>,
    p: &Projection,
    pixel_columns: &PixelColumns,
    (values, style): (&[f64], &LineStyle),
    scene: &mut Scene,
) {
    let width = (LINE_PX * drawing.scale).round().max(1.0) as u32;
    let rgb = style.rgb;
    for points in pixel_columns.reduce(values, |value| p.y(value).clamp(p.top, p.bottom)) {
        match (points.as_slice(), style.dash) {
            ([lone], _) => scene.dots.push((*lone, width, rgb)),
            (_, None) => scene.strokes.push(Stroke { points, rgb, width }),
            (_, Some((dash, gap))) => {
                let dashes = dashes(&points, dash * drawing.scale, gap * drawing.scale);
                scene.strokes.extend(dashes.into_iter().map(|points| Stroke { points, rgb, width }));
            }
        }
    }
}

fn lay_band(
    drawing: &Drawing<'_>,
    p: &Projection,
    pixel_columns: &PixelColumns,
    within: &std::ops::Range<usize>,
    scene: &mut Scene,
) {
    let (Some(low), Some(high)) = (drawing.band.0.get(within.clone()), drawing.band.1.get(within.clone())) else {
        return;
    };
    let y = |value: f64| p.y(value).clamp(p.top, p.bottom);
    let edges = pixel_columns.reduce(low, y).into_iter().zip(pixel_columns.reduce(high, y));
    scene.areas.extend(edges.map(|(low, high)| Area {
        points: high.into_iter().chain(low.into_iter().rev()).collect(),
        rgb: drawing.theme.band,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Margins};

    const RED: Rgb = Rgb(200, 0, 0);
    const GREY: Rgb = Rgb(90, 90, 90);

    fn style() -> LineStyle {
        LineStyle { rgb: RED, dash: None, is_overlaid: false, is_shown: true }
    }

    fn laid_out(frame: &Frame, styles: &[LineStyle], look: Look) -> Scene {
        let margins = Margins { left: 40.0, top: 10.0, right: 10.0, bottom: 20.0 };
        let theme = Theme {
            grid: Rgb(0, 0, 0),
            text: Rgb(1, 1, 1),
            band: GREY,
            ground: Rgb(255, 255, 255),
            ramp: vec![RED, GREY],
            font: "sans-serif".into(),
            font_px: 11.0,
        };
        scene(&Drawing {
            frame,
            styles,
            look,
            projection: Projection::new(450.0, 230.0, margins, (0, 4000), (0.0, 10.0)),
            band: (&[2.0, 2.0], &[4.0, 6.0]),
            notes: &[(10.0, "max".into(), RED)],
            marks: &[Mark { time_ms: 2000, value: 5.0, is_up: true, rgb: RED }],
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
    fn lines_lie_where_the_projection_says_in_units() {
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
            LineStyle { dash: Some((10.0, 10.0)), is_overlaid: true, ..style() },
        ];
        let scene = laid_out(&frame(&[&[1.0, 1.0], &[5.0, 5.0]]), &styles, Look::Bars { width_ms: 1000 });
        assert!(scene.bars.is_empty());
        assert_eq!(scene.strokes.len(), 5, "200 pixels in dashes of 20 and gaps of 20");
        assert_eq!(scene.strokes[0].points, [(80, 220), (100, 220)]);
    }

    #[test]
    fn areas_stack_and_break_at_holes() {
        let blue = LineStyle { rgb: Rgb(0, 0, 9), ..style() };
        let scene = laid_out(&frame(&[&[5.0, 5.0, 5.0], &[2.0, 2.0, f64::NAN]]), &[style(), blue], Look::Areas);
        let of = |rgb| scene.areas.iter().filter(|area| area.rgb == rgb).map(|area| &area.points).collect::<Vec<_>>();
        assert_eq!(of(RED), [&vec![(80, 220), (280, 220), (480, 220), (480, 420), (280, 420), (80, 420)]]);
        assert_eq!(of(Rgb(0, 0, 9)), [&vec![(80, 140), (280, 140), (280, 220), (80, 220)]]);
        assert!(scene.strokes.is_empty());
    }

    #[test]
    fn the_band_notes_and_marks_lie_at_their_values() {
        let scene = laid_out(&frame(&[&[1.0, 1.0]]), &[style()], Look::Lines);
        let band = scene.areas.iter().find(|area| area.rgb == GREY).expect("a band");
        assert_eq!(band.points, [(80, 260), (280, 180), (280, 340), (80, 340)]);
        let note = scene.labels.iter().find(|label| label.text == "max").expect("a note");
        assert_eq!(note.plate, Some(Rgb(255, 255, 255)), "it can be read on whatever it lies");
        assert_eq!((note.at, note.rgb), ((872, 38), RED), "below its line, as above there is no room");
        assert_eq!(scene.marks[0].points[2], (480, 208));
    }

    #[test]
    fn cells_are_shaded_by_their_share() {
        let scene = laid_out(
            &frame(&[&[0.0, 4.0], &[0.0, 1.0]]),
            &[style(), style()],
            Look::Cells { width_ms: 1000, is_level: false },
        );
        let cells: Vec<_> = scene.bars.iter().map(|bar| (bar.from.1, bar.to.1, bar.rgb)).collect();
        assert_eq!(cells, [(380, 420, GREY), (340, 380, RED.mixed(GREY, 0.5))]);
    }

    #[test]
    fn zero_has_no_place_on_a_logarithmic_axis() {
        assert_eq!(drawn_values(&[1.0, 2.0], true).as_ref(), [1.0, 2.0]);
        assert!(drawn_values(&[0.0, 2.0], true)[0].is_nan());
        assert_eq!(drawn_values(&[0.0], false).as_ref(), [0.0]);
    }

    #[test]
    fn the_last_time_is_not_cut_off() {
        let scene = laid_out(&frame(&[&[1.0]]), &[style()], Look::Lines);
        let last = scene.labels.iter().find(|label| label.text == "10:00").expect("a label");
        assert_eq!((last.anchor, last.at.0), (Anchor::Right, 888));
    }
}
