//! Scenes of small frames, checked shape by shape.
use super::*;
use crate::{Anchor, Column, Frame, Margins, Note, Projection, Rect, Rgb, Theme, TimeTick};

const RED: Rgb = Rgb(200, 0, 0);
const GREY: Rgb = Rgb(90, 90, 90);

fn style() -> LineStyle {
    LineStyle { rgb: RED, dash: None, is_overlaid: false, is_visible: true }
}

fn laid_out(frame: &Frame, styles: &[LineStyle], chart_type: ChartType) -> Scene {
    laid_out_with(frame, styles, chart_type, &[], &["max"])
}

/// A scene with hatched bands, and notes at the value 10.
fn laid_out_with(
    frame: &Frame,
    styles: &[LineStyle],
    chart_type: ChartType,
    hatched: &[HatchedBand],
    notes: &[&str],
) -> Scene {
    let margins = Margins { left: 40.0, top: 10.0, right: 10.0, bottom: 20.0 };
    let theme = Theme {
        grid: Rgb(0, 0, 0),
        text: Rgb(1, 1, 1),
        band: GREY,
        background: Rgb(255, 255, 255),
        colour_scale: vec![RED, GREY],
        font: "sans-serif".into(),
        font_px: 11.0,
    };
    scene(&Drawing {
        joins_gaps: false,
        frame,
        styles,
        chart_type,
        projection: Projection::new(450.0, 230.0, margins, (0, 4000), (0.0, 10.0)),
        bands: &[Band { low: &[2.0, 2.0], high: &[4.0, 6.0], rgb: GREY }],
        notes: &notes.iter().map(|text| Note { value: 10.0, text: (*text).into(), rgb: RED }).collect::<Vec<_>>(),
        hatched,
        values: &[(0.0, "0".into()), (10.0, "10".into())],
        times: &[TimeTick { time_ms: 4000, label: "10:00".into() }],
        theme: &theme,
        scale: 2.0,
        device_pixel: 1.0,
    })
}

fn frame(columns: &[&[f64]]) -> Frame {
    let count = columns[0].len() as i64;
    let columns = columns.iter().map(|values| Column { name: "a".into(), values: values.to_vec() }).collect();
    Frame { times_ms: (0..count).map(|at| at * 1000).collect(), columns }
}

#[test]
fn lines_are_projected_and_scaled() {
    let scene = laid_out(&frame(&[&[0.0, 5.0, f64::NAN, 10.0]]), &[style()], ChartType::Lines);
    assert_eq!(scene.strokes, [Stroke { points: vec![(80, 420), (280, 220)], rgb: RED, width: 3 }]);
    assert_eq!(scene.dots, [Dot { centre: (680, 20), radius: 3, rgb: RED }]);
    assert_eq!(scene.grid.len(), 2);
}

#[test]
fn times_outside_the_range_are_not_drawn() {
    let mut wide = frame(&[&[1.0; 9]]);
    for time in &mut wide.times_ms {
        *time -= 2000;
    }
    let scene = laid_out(&wide, &[style()], ChartType::Lines);
    let xs: Vec<i32> = scene.strokes[0].points.iter().map(|point| point.0).collect();
    assert_eq!((xs[0], xs[xs.len() - 1]), (80, 880));
}

#[test]
fn bars_stack_and_small_ones_stay_visible() {
    let styles = [style(), LineStyle { rgb: Rgb(0, 0, 9), ..style() }];
    let scene = laid_out(
        &frame(&[&[0.0, 5.0], &[0.0, 0.001]]),
        &styles,
        ChartType::Bars { width_ms: 1000, unfinished_ms: None },
    );
    assert_eq!(
        scene.rects,
        [
            Rect { from: (80, 220), to: (278, 420), rgb: RED },
            Rect { from: (80, 218), to: (278, 220), rgb: Rgb(0, 0, 9) }
        ]
    );
}

#[test]
fn hidden_columns_are_not_drawn_and_limits_are_dashed() {
    let styles = [
        LineStyle { is_visible: false, ..style() },
        LineStyle { dash: Some((10.0, 10.0)), is_overlaid: true, ..style() },
    ];
    let scene =
        laid_out(&frame(&[&[1.0, 1.0], &[5.0, 5.0]]), &styles, ChartType::Bars { width_ms: 1000, unfinished_ms: None });
    assert!(scene.rects.is_empty());
    assert_eq!(scene.strokes.len(), 5, "200 pixels in dashes of 20 and gaps of 20");
    assert_eq!(scene.strokes[0].points, [(80, 220), (100, 220)]);
}

#[test]
fn areas_stack_and_break_at_holes() {
    let blue = LineStyle { rgb: Rgb(0, 0, 9), ..style() };
    let scene = laid_out(&frame(&[&[5.0, 5.0, 5.0], &[2.0, 2.0, f64::NAN]]), &[style(), blue], ChartType::Areas);
    let of = |rgb| scene.areas.iter().filter(|area| area.rgb == rgb).map(|area| &area.points).collect::<Vec<_>>();
    assert_eq!(of(RED), [&vec![(80, 220), (280, 220), (480, 220), (480, 420), (280, 420), (80, 420)]]);
    assert_eq!(of(Rgb(0, 0, 9)), [&vec![(80, 140), (280, 140), (280, 220), (80, 220)]]);
    assert!(scene.strokes.is_empty());
}

#[test]
fn the_band_and_notes_lie_at_their_values() {
    let scene = laid_out(&frame(&[&[1.0, 1.0]]), &[style()], ChartType::Lines);
    let band = scene.areas.iter().find(|area| area.rgb == GREY).expect("a band");
    assert_eq!(band.points, [(80, 260), (280, 180), (280, 340), (80, 340)]);
    let note = scene.labels.iter().find(|label| label.text == "max").expect("a note");
    assert_eq!(note.background, Some(Rgb(255, 255, 255)), "it is readable over data");
    assert_eq!((note.at, note.rgb), ((872, 38), RED), "below its line, because there is no room above");
}

#[test]
fn notes_at_one_height_do_not_overlap() {
    let notes = ["capacity 24 GiB", "limit 24 GiB", "quota 24 GiB"];
    let scene = laid_out_with(&frame(&[&[1.0]]), &[style()], ChartType::Lines, &[], &notes);
    let with_background = scene.labels.iter().filter(|label| label.background.is_some());
    let heights: std::collections::BTreeSet<i32> = with_background.map(|label| label.at.1).collect();
    let heights: Vec<i32> = heights.into_iter().collect();
    assert_eq!(heights.len(), 3);
    assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= 24), "letters are 22 units high: {heights:?}");
}

#[test]
fn bounds_are_hatched_and_not_drawn_as_lines() {
    let values = frame(&[&[1.0, 1.0, 5.0, 5.0, 1.0]]);
    let band = |times, low, high| HatchedBand { column: 0, times, low, high };
    let bands = [band(0..2, 0.0, 2.0), band(4..5, 8.0, f64::INFINITY)];
    let scene = laid_out_with(&values, &[style()], ChartType::Lines, &bands, &[]);
    let (lines, hatching): (Vec<&Stroke>, Vec<&Stroke>) = scene.strokes.iter().partition(|stroke| stroke.width == 3);
    assert_eq!(lines, [&Stroke { points: vec![(480, 220), (680, 220)], rgb: RED, width: 3 }], "only what is measured");
    let within = |stroke: &&Stroke, x: (i32, i32), y: (i32, i32)| {
        stroke.points.iter().all(|point| (x.0..=x.1).contains(&point.0) && (y.0..=y.1).contains(&point.1))
    };
    let low = hatching.iter().filter(|stroke| within(stroke, (80, 380), (340, 420))).count();
    let high = hatching.iter().filter(|stroke| within(stroke, (780, 880), (20, 100))).count();
    assert!(low > 10 && high > 4 && low + high == hatching.len(), "{low} {high} {}", hatching.len());
    let hidden = LineStyle { is_visible: false, ..style() };
    assert!(laid_out_with(&values, &[hidden], ChartType::Lines, &bands, &[]).strokes.is_empty());
    let areas = laid_out_with(&values, &[style()], ChartType::Areas, &bands, &[]);
    assert!(areas.strokes.is_empty(), "a stack has no bands");
}

#[test]
fn cells_are_shaded_by_value() {
    let scene = laid_out(
        &frame(&[&[0.0, 4.0], &[0.0, 1.0]]),
        &[style(), style()],
        ChartType::Cells { width_ms: 1000, draws_zero: false },
    );
    let cells: Vec<_> = scene.rects.iter().map(|bar| (bar.from.1, bar.to.1, bar.rgb)).collect();
    assert_eq!(cells, [(380, 420, GREY), (340, 380, RED.mixed(GREY, 0.5))]);
}

#[test]
fn zero_is_not_drawn_on_a_logarithmic_axis() {
    assert_eq!(drawable_values(&[1.0, 2.0], true).as_ref(), [1.0, 2.0]);
    assert!(drawable_values(&[0.0, 2.0], true)[0].is_nan());
    assert_eq!(drawable_values(&[0.0], false).as_ref(), [0.0]);
}

#[test]
fn the_last_time_label_is_not_cut_off() {
    let scene = laid_out(&frame(&[&[1.0]]), &[style()], ChartType::Lines);
    let last = scene.labels.iter().find(|label| label.text == "10:00").expect("a label");
    assert_eq!((last.anchor, last.at.0), (Anchor::Right, 888));
}

#[test]
fn gaps_between_values_are_joined_on_demand() {
    let mut values = [f64::NAN, 1.0, f64::NAN, f64::NAN, 4.0, f64::INFINITY, f64::NAN, 2.0, f64::NAN];
    join_gaps(&mut values);
    assert_eq!(values[1..5], [1.0, 2.0, 3.0, 4.0]);
    assert!(values[0].is_nan() && values[6].is_nan() && values[8].is_nan(), "{values:?}");
}
