//! The value axis of a card: its domain and its labelled ticks.
use crate::state::time_range::TimeRange;
use crate::ui::graph::visible::VisibleLines;
use catalogue::{Unit, line_name};
use plot::{
    ChartType, LineStyle, Margins, Projection, Rounding, count_nonpositive, log_domain, log_ticks, value_domain,
    value_ticks,
};

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

/// The axis for the visible lines. Only lines can have a logarithmic axis: the layers of a stack could not be read on it.
pub(crate) fn axis(unit: Unit, lines: &VisibleLines, styles: &[LineStyle], wants_log: bool) -> Axis {
    let columns = &lines.frame.columns;
    if let Some(ChartType::Cells { draws_zero, .. }) = lines.chart_type {
        let names = columns.iter().map(|column| column.name.as_str());
        return if draws_zero { replica_rows(names) } else { bucket_rows(names) };
    }
    let is_stacked = lines.chart_type.is_some_and(|chart_type| chart_type != ChartType::Lines);
    let visible = || columns.iter().zip(styles).filter(|(_, style)| style.is_visible);
    let is_visible = |name: &str| visible().any(|(column, _)| column.name == name);
    let values = || {
        let unstacked = visible().filter(|(_, style)| !is_stacked || style.is_overlaid);
        let band = lines.remaining.iter().flat_map(|band| [band.low.as_slice(), band.high.as_slice()]);
        let bounds = lines
            .bounds
            .iter()
            .filter(|line| is_visible(&line.name))
            .flat_map(|line| [line.least.as_slice(), line.greatest.as_slice()]);
        unstacked.map(|(column, _)| column.values.as_slice()).chain(band).chain(bounds)
    };
    let factor = unit.factor();
    if wants_log
        && !is_stacked
        && let Some((low, high)) = log_domain(values(), factor)
    {
        let label = |tick: f64| (tick, unit.tick_labels(&[tick]).concat());
        let ticks = log_ticks(low, high, LABELS).into_iter().map(|tick| label(tick / factor)).collect();
        let left_out = count_nonpositive(values());
        return Axis { low: low / factor, high: high / factor, is_log: true, ticks, left_out };
    }
    let sums = match is_stacked {
        true => lines.frame.sums(|at| styles.get(at).is_some_and(|style| style.is_visible && !style.is_overlaid)),
        false => Vec::new(),
    };
    let (low, high) = value_domain(values().chain([sums.as_slice()]), unit.ceiling());
    let ticks = value_ticks(low * factor, high * factor, LABELS, rounding(unit));
    let ticks: Vec<f64> = ticks.into_iter().map(|tick| tick / factor).collect();
    let labels = unit.tick_labels(&ticks);
    let (low, high) = (ticks.first().copied().unwrap_or(low), ticks.last().copied().unwrap_or(high));
    Axis { low, high, is_log: false, ticks: ticks.into_iter().zip(labels).collect(), left_out: 0 }
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
        _ => Rounding::Decimal,
    }
}

impl Axis {
    /// The projection onto `width` by `height` CSS pixels, with room for the labels.
    pub(crate) fn projection(&self, width: f64, height: f64, range: TimeRange) -> Projection {
        let longest = self.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
        let margins = Margins { left: 14.0 + 6.2 * longest as f64, top: 8.0, right: 8.0, bottom: 22.0 };
        let projection = Projection::new(width, height, margins, (range.start_ms, range.end_ms), (self.low, self.high));
        if self.is_log { projection.logarithmic() } else { projection }
    }
}

#[cfg(test)]
mod tests {
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
        let axis = axis(Unit::Seconds, &lines, &[style(false), style(false)], true);
        assert_eq!(labels(&axis), ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        assert_eq!(axis.left_out, 2);
        assert!(axis.projection(400.0, 200.0, TimeRange::new(0, 1)).is_log);
    }

    #[test]
    fn ticks_are_round_per_minute_too() {
        let lines = lines(ChartType::Lines, &[("a", &[0.2, 1.5])]);
        let axis = |wants_log| axis(Unit::RequestsPerMinute, &lines, &[style(false)], wants_log);
        assert_eq!((labels(&axis(false)), axis(false).high), (vec!["0", "25", "50", "75", "100"], 100.0 / 60.0));
        assert_eq!((labels(&axis(true)), axis(true).low), (vec!["10", "20", "50", "100"], 10.0 / 60.0));
    }

    #[test]
    fn without_anything_above_zero_the_axis_stays_linear() {
        let lines = lines(ChartType::Lines, &[("a", &[0.0, 0.0])]);
        assert!(!axis(Unit::Count, &lines, &[style(false)], true).is_log);
    }

    #[test]
    fn stacks_reach_their_sum_and_limits_stay_on_the_graph() {
        let bars = ChartType::Bars { width_ms: 1, unfinished_ms: None };
        let both = [style(false), style(false)];
        assert_eq!(axis(Unit::Count, &lines(bars, &[("a", &[3.0, 3.0]), ("b", &[4.0, 4.0])]), &both, true).high, 8.0);
        let with_limit = lines(bars, &[("a", &[3.0, 3.0]), ("max", &[20.0, 20.0])]);
        assert_eq!(axis(Unit::Count, &with_limit, &[style(false), style(true)], false).high, 20.0);
    }

    #[test]
    fn rows_are_labelled_by_the_ends_of_their_buckets() {
        let cells = ChartType::Cells { width_ms: 1, draws_zero: false };
        let lines = lines(cells, &[("≤ 1 s", &[1.0, 1.0]), ("≤ 5 s", &[1.0, 1.0]), ("beyond", &[1.0, 1.0])]);
        let axis = axis(Unit::Seconds, &lines, &[], false);
        assert_eq!((labels(&axis), axis.high), (vec!["1 s", "5 s"], 3.0));
    }

    #[test]
    fn rows_of_replicas_are_labelled_by_their_names() {
        let cells = ChartType::Cells { width_ms: 1, draws_zero: true };
        let lines = lines(cells, &[("llama-7d9fc-00000001 · in use", &[1.0, 1.0]), ("a", &[1.0, 1.0])]);
        let axis = axis(Unit::Bytes, &lines, &[], false);
        assert_eq!((labels(&axis), axis.ticks[0].0), (vec!["…ama-7d9fc-00000001", "a"], 0.5));
    }
}
