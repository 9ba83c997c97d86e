//! The value axis of a card: its domain and its labelled ticks.
use crate::state::time_range::TimeRange;
use crate::ui::graph::visible::VisibleLines;
use catalogue::{Unit, line_name};
use plot::{
    ChartType, HatchedBand, LineStyle, Margins, Projection, Rounding, count_nonpositive, fitted_domain, log_domain,
    log_ticks, value_domain, value_ticks,
};

/// The room for labels, in CSS pixels; more only where longer ones need it.
const MIN_GUTTER_PX: f64 = 58.0;

/// The approximate number of labels on an axis.
const LABELS: usize = 4;

/// A value axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    /// Values and their labels.
    pub(crate) ticks: Vec<(f64, String)>,
    /// The number of values that a logarithmic axis cannot show.
    pub(crate) left_out: usize,
}

/// The room above a value that may be higher, as a share of the value.
const ROOM_ABOVE_BOUND: f64 = 0.25;

/// How far an axis of bytes reaches beyond its highest value, as a share of the value. The next power of two may be twice
/// a capacity.
const ROOM_ABOVE_BYTES: f64 = 0.05;

/// Which values an axis has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AxisForm {
    /// From zero, or from the lowest value below it.
    FromZero,
    /// From the lowest to the highest value.
    Fitted,
    /// The same with powers of ten at even distances.
    Logarithmic,
}

/// The axis for the visible lines, in a unit that may have a ceiling. Only lines can have another axis than one from zero:
/// the layers of a stack could not be read on it.
pub(crate) fn axis(
    (unit, ceiling): (Unit, Option<f64>),
    lines: &VisibleLines,
    styles: &[LineStyle],
    form: AxisForm,
) -> Axis {
    let columns = &lines.frame.columns;
    if let Some(ChartType::Cells { draws_zero, .. }) = lines.chart_type {
        let names = columns.iter().map(|column| column.name.as_str());
        return if draws_zero { replica_rows(names) } else { bucket_rows(names) };
    }
    let is_stacked = lines.chart_type.is_some_and(|chart_type| chart_type != ChartType::Lines);
    let visible = || columns.iter().zip(styles).filter(|(_, style)| style.is_visible);
    let is_visible = |name: &str| visible().any(|(column, _)| column.name == name);
    let hatched = band_ends(lines, styles);
    let values = || {
        let unstacked = visible().filter(|(_, style)| !is_stacked || style.is_overlaid);
        let band = lines.remaining.iter().flat_map(|band| [band.low.as_slice(), band.high.as_slice()]);
        let bounds = lines
            .bounds
            .iter()
            .filter(|line| is_visible(&line.name))
            .flat_map(|line| [line.least.as_slice(), line.greatest.as_slice()]);
        let columns = unstacked.map(|(column, _)| column.values.as_slice());
        columns.chain(band).chain(bounds).chain([hatched.as_slice()])
    };
    let factor = unit.factor();
    if form == AxisForm::Logarithmic
        && !is_stacked
        && let Some((low, high)) = log_domain(values(), factor)
    {
        let label = |tick: f64| (tick, unit.label(tick));
        let ticks = log_ticks(low, high, LABELS).into_iter().map(|tick| label(tick / factor)).collect();
        let left_out = count_nonpositive(values());
        return Axis { low: low / factor, high: high / factor, is_log: true, ticks, left_out };
    }
    let sums = match is_stacked {
        true => lines.frame.sums(|at| styles.get(at).is_some_and(|style| style.is_visible && !style.is_overlaid)),
        false => Vec::new(),
    };
    let columns = || values().chain([sums.as_slice()]);
    let is_fitted = form == AxisForm::Fitted && !is_stacked && !lines.is_filled;
    let fitted = is_fitted.then(|| fitted_domain(columns())).flatten();
    let (low, high) = fitted.unwrap_or_else(|| value_domain(columns(), ceiling));
    let ticks = value_ticks(low * factor, high * factor, LABELS, rounding(unit));
    let mut ticks: Vec<f64> = ticks.into_iter().map(|tick| tick / factor).collect();
    let mut top = ticks.last().copied().unwrap_or(high);
    if unit.is_binary() {
        // Without bytes there is nothing to measure with.
        let has_bytes = columns().flatten().any(|value| *value > 0.0);
        top = if has_bytes { top.min(high * (1.0 + ROOM_ABOVE_BYTES)) } else { top };
        ticks.retain(|tick| *tick <= if has_bytes { top } else { 0.0 });
    }
    let labels = unit.tick_labels(&ticks);
    let low = ticks.first().copied().unwrap_or(low);
    Axis { low, high: top, is_log: false, ticks: ticks.into_iter().zip(labels).collect(), left_out: 0 }
}

/// The values that hatched bands reach, so that they are on the axis.
fn band_ends(lines: &VisibleLines, styles: &[LineStyle]) -> Vec<f64> {
    let is_visible = |band: &&HatchedBand| styles.get(band.column).is_some_and(|style| style.is_visible);
    let end = |band: &HatchedBand| if band.high.is_finite() { band.high } else { band.low * (1.0 + ROOM_ABOVE_BOUND) };
    lines.hatched.iter().filter(is_visible).map(end).collect()
}

/// The axis of a heat map of buckets, with the upper end of a bucket above its row.
fn bucket_rows<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Axis {
    let count = names.len();
    let every = count.div_ceil(LABELS + 2).max(1);
    let ends = names.enumerate().filter_map(|(at, name)| Some((at, name.strip_prefix("≤ ")?.to_owned())));
    let labelled = ends.filter(|(at, _)| (at + 1).is_multiple_of(every));
    let ticks = labelled.map(|(at, end)| ((at + 1) as f64, end)).collect();
    Axis { low: 0.0, high: count.max(1) as f64, is_log: false, ticks, left_out: 0 }
}

/// The axis of a heat map of replicas or GPUs, with their names beside the rows.
fn replica_rows<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Axis {
    const MAX_LETTERS: usize = 18;
    let count = names.len();
    let every = count.div_ceil(3 * LABELS).max(1);
    let short = |name: &str| {
        let skipped = name.chars().count().saturating_sub(MAX_LETTERS);
        // Names of one deployment differ at their end.
        if skipped == 0 { name.to_owned() } else { format!("…{}", name.chars().skip(skipped).collect::<String>()) }
    };
    let labelled = names.enumerate().filter(|(at, _)| (count - 1 - at).is_multiple_of(every));
    let ticks = labelled.map(|(at, name)| (at as f64 + 0.5, short(line_name(name)))).collect();
    Axis { low: 0.0, high: count.max(1) as f64, is_log: false, ticks, left_out: 0 }
}

fn rounding(unit: Unit) -> Rounding {
    match unit {
        unit if unit.is_binary() => Rounding::Binary,
        unit if unit.is_whole() => Rounding::Whole,
        Unit::Seconds => Rounding::Duration,
        _ => Rounding::Decimal,
    }
}

impl Axis {
    /// Where the filling below a line ends.
    pub(crate) fn floor(&self) -> f64 {
        if self.is_log { self.low } else { 0.0 }
    }

    /// The projection onto `width` by `height` CSS pixels, with room for the labels.
    pub(crate) fn projection(&self, width: f64, height: f64, range: TimeRange) -> Projection {
        let longest = self.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
        // Cards below each other have one gutter, so that a moment is at one place on all of them.
        let left = (14.0 + 6.2 * longest as f64).max(MIN_GUTTER_PX);
        let margins = Margins { left, top: 8.0, right: 8.0, bottom: 22.0 };
        let projection = Projection::new(width, height, margins, (range.start_ms, range.end_ms), (self.low, self.high));
        if self.is_log { projection.logarithmic() } else { projection }
    }
}

#[cfg(test)]
mod tests {
    use super::AxisForm::{Fitted, FromZero, Logarithmic};
    use super::*;
    use plot::{Column, Frame, Rgb};

    fn lines(chart_type: ChartType, columns: &[(&str, &[f64])]) -> VisibleLines {
        let columns: Vec<Column> =
            columns.iter().map(|(name, values)| Column { name: (*name).into(), values: values.to_vec() }).collect();
        let own_count = columns.len();
        VisibleLines {
            frame: Frame { times_ms: vec![0, 1], columns },
            own_count,
            chart_type: Some(chart_type),
            ..VisibleLines::default()
        }
    }

    fn style(is_overlaid: bool) -> LineStyle {
        LineStyle { rgb: Rgb(1, 2, 3), dash: None, is_overlaid, is_visible: true }
    }

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten_and_counts_what_it_leaves_out() {
        let lines = lines(ChartType::Lines, &[("a", &[0.002, 3.0]), ("b", &[0.0, -1.0])]);
        let axis = axis((Unit::Seconds, None), &lines, &[style(false), style(false)], Logarithmic);
        assert_eq!(labels(&axis), ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        assert_eq!(axis.left_out, 2);
        assert!(axis.projection(400.0, 200.0, TimeRange::new(0, 1)).is_log);
    }

    #[test]
    fn ticks_are_round_per_minute_too() {
        let lines = lines(ChartType::Lines, &[("a", &[0.2, 1.5])]);
        let axis = |form| axis((Unit::RequestsPerMinute, None), &lines, &[style(false)], form);
        assert_eq!((labels(&axis(FromZero)), axis(FromZero).high), (vec!["0", "25", "50", "75", "100"], 100.0 / 60.0));
        assert_eq!((labels(&axis(Logarithmic)), axis(Logarithmic).low), (vec!["10", "20", "50", "100"], 10.0 / 60.0));
    }

    #[test]
    fn without_anything_above_zero_the_axis_stays_linear() {
        let lines = lines(ChartType::Lines, &[("a", &[0.0, 0.0])]);
        assert!(!axis((Unit::Count, None), &lines, &[style(false)], Logarithmic).is_log);
    }

    #[test]
    fn a_fitted_axis_need_not_begin_at_zero() {
        let of = |values: &[f64], form| {
            axis((Unit::Count, None), &lines(ChartType::Lines, &[("a", values)]), &[style(false)], form)
        };
        assert_eq!(labels(&of(&[91.0, 98.0], Fitted)), ["90", "92", "94", "96", "98"]);
        assert_eq!(of(&[91.0, 98.0], FromZero).low, 0.0);
        assert_eq!(of(&[5.0, 5.0], Fitted).low, 0.0, "one value has no span");
        assert_eq!(of(&[f64::NAN], Fitted).low, 0.0);
        let stack = lines(ChartType::Areas, &[("a", &[91.0, 98.0])]);
        assert_eq!(axis((Unit::Count, None), &stack, &[style(false)], Fitted).low, 0.0, "layers begin at zero");
    }

    #[test]
    fn stacks_reach_their_sum_and_limits_stay_on_the_graph() {
        let bars = ChartType::Bars { width_ms: 1, unfinished_ms: None };
        let both = [style(false), style(false)];
        assert_eq!(
            axis((Unit::Count, None), &lines(bars, &[("a", &[3.0, 3.0]), ("b", &[4.0, 4.0])]), &both, Logarithmic).high,
            8.0
        );
        let with_limit = lines(bars, &[("a", &[3.0, 3.0]), ("max", &[20.0, 20.0])]);
        assert_eq!(axis((Unit::Count, None), &with_limit, &[style(false), style(true)], FromZero).high, 20.0);
    }

    #[test]
    fn rows_are_labelled_by_the_ends_of_their_buckets() {
        let cells = ChartType::Cells { width_ms: 1, draws_zero: false };
        let lines = lines(cells, &[("≤ 1 s", &[1.0, 1.0]), ("≤ 5 s", &[1.0, 1.0]), ("beyond", &[1.0, 1.0])]);
        let axis = axis((Unit::Seconds, None), &lines, &[], FromZero);
        assert_eq!((labels(&axis), axis.high), (vec!["1 s", "5 s"], 3.0));
    }

    #[test]
    fn rows_of_replicas_are_labelled_by_their_names() {
        let cells = ChartType::Cells { width_ms: 1, draws_zero: true };
        let lines = lines(cells, &[("llama-7d9fc-00000001 · in use", &[1.0, 1.0]), ("a", &[1.0, 1.0])]);
        let axis = axis((Unit::Bytes, None), &lines, &[], FromZero);
        assert_eq!((labels(&axis), axis.ticks[0].0), (vec!["…ama-7d9fc-00000001", "a"], 0.5));
    }

    /// The axis of one line with these values.
    fn axis_of(unit: Unit, values: &[f64]) -> Axis {
        axis((unit, None), &lines(ChartType::Lines, &[("a", values)]), &[style(false)], FromZero)
    }

    #[test]
    fn an_axis_of_bytes_ends_near_its_highest_value() {
        const GIB: f64 = 1_073_741_824.0;
        for capacity in [1.1, 7.9, 16.1, 24.0, 33.0, 47.1, 65.0, 80.0, 139.0, 1030.0] {
            let axis = axis_of(Unit::Bytes, &[capacity * GIB, 0.0]);
            let reach = axis.high / (capacity * GIB);
            assert!((1.0..1.06).contains(&reach), "{capacity} GiB: {reach}");
            assert!(axis.ticks.len() >= 3 && axis.ticks.iter().all(|(tick, _)| *tick <= axis.high), "{axis:?}");
        }
    }

    #[test]
    fn an_axis_without_bytes_is_labelled_zero_alone() {
        for values in [&[][..], &[0.0], &[f64::NAN]] {
            assert_eq!(labels(&axis_of(Unit::Bytes, values)), ["0"]);
            assert_eq!(labels(&axis_of(Unit::BytesPerSecond, values)), ["0"]);
        }
    }

    #[test]
    fn shares_fill_their_axis_and_errors_are_scaled_to_what_they_are() {
        let top = |graph: &str| {
            let graph = catalogue::graph(graph).expect("a graph");
            let lines = lines(ChartType::Lines, &[("a", &[0.004])]);
            axis((graph.unit, graph.ceiling), &lines, &[style(false)], FromZero).high
        };
        assert_eq!((top("kv-cache-use"), top("error-share")), (1.0, 0.004));
    }

    #[test]
    fn bounds_are_on_the_axis() {
        let band = |column, low, high| HatchedBand { column, times: 0..1, low, high };
        let lines = lines(ChartType::Lines, &[("p50", &[0.1]), ("p99", &[60.0])]);
        let top = |hatched, is_visible: bool| {
            let lines = VisibleLines { hatched, ..lines.clone() };
            let hidden = LineStyle { is_visible: false, ..style(false) };
            axis(
                (Unit::Seconds, None),
                &lines,
                &[style(false), if is_visible { style(false) } else { hidden }],
                FromZero,
            )
            .high
        };
        assert!(top(vec![band(0, 0.0, 0.3)], false) >= 0.3);
        assert!(top(vec![band(1, 60.0, f64::INFINITY)], true) > 60.0, "there is room above");
        assert!(top(vec![band(1, 60.0, f64::INFINITY)], false) < 1.0, "a hidden line has no band");
    }

    #[test]
    fn ticks_are_round_distinct_and_have_at_most_four_digits_in_every_unit() {
        let units = [
            Unit::Count,
            Unit::Number,
            Unit::Seconds,
            Unit::Bytes,
            Unit::Share,
            Unit::RequestsPerSecond,
            Unit::TokensPerSecond,
            Unit::RequestsPerMinute,
            Unit::PerMinute,
            Unit::BytesPerSecond,
            Unit::FlopsPerSecond,
            Unit::Tokens,
            Unit::Cores,
            Unit::Watts,
            Unit::Celsius,
            Unit::Hertz,
        ];
        for unit in units {
            for power in -60..200 {
                // Eight values for each power of ten, and a negative one beside some.
                let high = 10_f64.powf(f64::from(power) / 8.0);
                let low = if power % 3 == 0 { -high / 3.0 } else { 0.0 };
                let axis = axis_of(unit, &[low, high]);
                let labels = labels(&axis);
                let case = format!("{unit:?} {low} to {high}: {labels:?}");
                let (lowest, highest) = (axis.low * (1.0 + 1e-9), axis.high * (1.0 + 1e-9));
                assert!(lowest <= low && highest >= high && axis.ticks.len() <= 12, "{case}");
                assert!(labels.iter().collect::<std::collections::BTreeSet<_>>().len() == labels.len(), "{case}");
                let steps: Vec<f64> = labels.windows(2).map(|pair| number(pair[1]) - number(pair[0])).collect();
                let mut units = labels.iter().filter(|label| !label.starts_with('0'));
                let mut units = units.by_ref().map(|label| label.trim_start_matches(NUMBER));
                let first_unit = units.next();
                let has_one_unit = units.all(|unit| Some(unit) == first_unit);
                assert!(has_one_unit || labels.iter().any(|label| label.contains('e')), "{case}");
                for label in &labels {
                    let digits = label.trim_start_matches('−').split('e').next().unwrap_or_default();
                    let digits: String =
                        digits.chars().take_while(|c| NUMBER.contains(c)).filter(char::is_ascii_digit).collect();
                    assert!(digits.trim_start_matches('0').len() <= 4, "{label} in {case}");
                }
                // A label with an exponent has three digits.
                let tolerance = if labels.iter().any(|label| label.contains('e')) { 0.02 } else { 1e-6 };
                for step in &steps {
                    assert!((step - steps[0]).abs() <= tolerance * steps[0].abs(), "steps differ: {case}");
                }
                if let Some(step) = steps.first().filter(|_| !labels.iter().any(|label| label.contains('e'))) {
                    assert!(is_round(unit, *step, labels[labels.len() - 1]), "{step} in {case}");
                }
            }
        }
    }

    const NUMBER: &[char] = &['−', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

    /// The number at the start of a label.
    fn number(label: &str) -> f64 {
        let end = label.find(|c| !NUMBER.contains(&c) && c != 'e').unwrap_or(label.len());
        label[..end].replace('−', "-").parse().expect("a number")
    }

    /// Whether people count in this step, in the unit of a label.
    fn is_round(unit: Unit, step: f64, label: &str) -> bool {
        let mantissa = step / 10_f64.powf(step.log10().floor());
        let is_near = |rounds: &[f64], value: f64| rounds.iter().any(|round| (round - value).abs() < 1e-6 * round);
        let is_decimal = is_near(&[1.0, 2.0, 2.5, 5.0, 10.0], mantissa);
        match unit {
            Unit::Bytes | Unit::BytesPerSecond => is_near(&[1.0, 2.0], step / 2_f64.powf(step.log2().floor())),
            _ if label.ends_with(" min") => is_near(&[1.0, 2.0, 5.0, 10.0, 15.0, 30.0], step),
            _ if label.ends_with(" h") => is_near(&[1.0, 2.0, 5.0, 10.0], step),
            _ if label.ends_with(" s") => is_decimal || is_near(&[15.0, 30.0], step),
            _ => is_decimal,
        }
    }
}
