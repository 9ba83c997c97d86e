//! The lines that a card draws: its own, those of its comparison, the buckets of a heat map, and one band for the
//! lines past the limit.
use crate::data::graph::bounds::LineBounds;
use crate::data::graph::card_state::{CardData, ComparisonData};
use crate::data::graph::highest::MAX_LINES;
use crate::state::card_options::{CardOptions, Chart, Comparison, Form, can_count};
use crate::state::line_filter::LineFilter;
use crate::ui::graph::bars::count_events;
use crate::wasm_size::sort::sort_by;
use catalogue::{Colours, Graph, LineRole, REST_LINE, line_name};
use plot::{ChartType, Column, Frame, HatchedBand};

/// The lines of one graph and how to draw them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct VisibleLines {
    /// The card's own lines, followed by those of the comparison.
    pub(crate) frame: Frame,
    /// The number of own lines.
    pub(crate) own_count: usize,
    /// For each line of the comparison, the index of the own line of that name. A sum has none.
    pub(crate) comparison_of: Vec<Option<usize>>,
    /// The lines that the legend hides.
    pub(crate) filter: LineFilter,
    /// The lines past the limit.
    pub(crate) remaining: Option<RemainingLines>,
    /// The spans in which lines are only bounds.
    pub(crate) hatched: Vec<HatchedBand>,
    /// The least and the greatest values within each step of the lines that are gauges.
    pub(crate) bounds: Vec<LineBounds>,
    /// How the lines are drawn; none without data.
    pub(crate) chart_type: Option<ChartType>,
    /// Whether lines go on across gaps.
    pub(crate) joins_gaps: bool,
    /// Whether lines are filled down to zero.
    pub(crate) is_filled: bool,
    /// Whether each bar is a number of events instead of their rate.
    pub(crate) is_counted: bool,
}

impl VisibleLines {
    /// The names in the legend, which are those of the first columns. A line of a comparison is hidden with its own line
    /// and has no entry; only the sum of a stacked comparison has one.
    pub(crate) fn legend_names(&self) -> Vec<String> {
        let is_stacked = self.chart_type != Some(ChartType::Lines);
        let count = if is_stacked { self.frame.columns.len() } else { self.own_count };
        self.frame.columns[..count].iter().map(|column| column.name.clone()).collect()
    }

    /// Whether a line's value is only a bound, which is hatched.
    pub(crate) fn is_hatched(&self, column: usize, time: usize) -> bool {
        let has = |band: &HatchedBand| band.column == column && band.times.contains(&time);
        self.chart_type == Some(ChartType::Lines) && self.hatched.iter().any(has)
    }

    /// The least and the greatest values of a line within each step; none if it has none.
    pub(crate) fn bounds_of(&self, name: &str) -> Option<&LineBounds> {
        self.bounds.iter().find(|line| line.name == name)
    }

    /// The number of times whose values are complete: an unfinished bar is not.
    pub(crate) fn complete_count(&self) -> usize {
        let is_unfinished = matches!(self.chart_type, Some(ChartType::Bars { unfinished_ms: Some(_), .. }));
        self.frame.times_ms.len() - usize::from(is_unfinished && !self.frame.times_ms.is_empty())
    }

    /// The number of times that tables and statistics have: the unfinished bar is among them only if there is no other.
    pub(crate) fn known_count(&self) -> usize {
        let complete = self.complete_count();
        let has_complete = self.frame.columns.iter().flat_map(|column| column.values.iter().take(complete));
        if has_complete.copied().any(f64::is_finite) { complete } else { self.frame.times_ms.len() }
    }

    /// Whether the graph is a heat map.
    pub(crate) fn is_heat_map(&self) -> bool {
        matches!(self.chart_type, Some(ChartType::Cells { .. }))
    }

    /// Whether the graph is a heat map of a histogram's buckets.
    pub(crate) fn is_bucket_heat_map(&self) -> bool {
        matches!(self.chart_type, Some(ChartType::Cells { draws_zero: false, .. }))
    }
}

/// Lines drawn as one: a band or, if the graph is stacked, a layer with their sum as the last of the own lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RemainingLines {
    /// The number of lines.
    pub(crate) count: usize,
    /// The lowest value at each time; empty for a layer.
    pub(crate) low: Vec<f64>,
    /// The highest value at each time; empty for a layer.
    pub(crate) high: Vec<f64>,
}

/// The name of the layer of remaining lines.
pub(crate) const REMAINING: &str = REST_LINE;

/// The name of the sum that a stacked graph is compared with.
const ALL: &str = "all";

/// Whether a line is a limit or a guide. Such a line is drawn on top of a stack and is the same for all replicas.
pub(crate) fn is_limit(graph: &Graph, name: &str) -> bool {
    graph.line(name).is_some_and(|line| line.role != LineRole::Data)
}

/// The name of a line of a comparison.
fn comparison_name(name: &str, with: &Comparison) -> String {
    match with {
        Comparison::PreviousPeriod => format!("{name} (previous)"),
        Comparison::Deployment(deployment) => format!("{name} ({deployment})"),
    }
}

/// Selects the lines that a card draws with its options.
pub(crate) fn visible_lines(graph: &Graph, data: &CardData, options: &CardOptions) -> VisibleLines {
    let width_ms = data.grid.step_ms;
    if let (Form::HeatMap, Some(buckets)) = (options.form, &data.buckets) {
        return heat_map(used_buckets(buckets), ChartType::Cells { width_ms, draws_zero: false });
    }
    if options.form == Form::HeatMap && data.is_detailed {
        let frame = replica_rows(graph, &data.frame);
        let remaining = remaining_count(graph, data).map(|count| RemainingLines { count, ..RemainingLines::default() });
        return VisibleLines { remaining, ..heat_map(frame, ChartType::Cells { width_ms, draws_zero: true }) };
    }
    let chart = options.chart(graph);
    let chart_type = match chart {
        Chart::Bars => ChartType::Bars { width_ms, unfinished_ms: data.latest_window_ms },
        Chart::Stacked => ChartType::Areas,
        Chart::Lines | Chart::Area => ChartType::Lines,
    };
    let is_stacked = chart_type != ChartType::Lines;
    let (frame, remaining) = match remaining_count(graph, data) {
        Some(count) => with_rest(data, count, is_stacked),
        None => merge_remaining(graph, &data.frame, is_stacked),
    };
    let bounds = if is_stacked { Vec::new() } else { data.bounds.clone() };
    let own_count = frame.columns.len();
    let chart_type = Some(chart_type);
    let is_filled = chart == Chart::Area;
    let mut lines =
        VisibleLines { own_count, frame, remaining, bounds, chart_type, is_filled, ..VisibleLines::default() };
    lines.joins_gaps = options.joins_gaps;
    if let Some(other) = data.comparison.as_ref().filter(|other| options.comparison.as_ref() == Some(&other.with)) {
        add_comparison(graph, &mut lines, other, is_stacked);
    }
    let names = lines.legend_names();
    if chart == Chart::Bars && can_count(graph) && options.counts(graph) {
        lines.is_counted = true;
        count_events(&mut lines.frame, width_ms, data.latest_window_ms);
    }
    lines.filter = match options.line_filter == LineFilter::default() {
        true => first_filter(graph, data.is_detailed, &names),
        false => options.line_filter.for_lines(&names),
    };
    lines
}

/// The filter of a first visit. Of percentiles a typical and a high one are visible: more of them could not be told apart.
pub(crate) fn first_filter(graph: &Graph, is_detailed: bool, names: &[String]) -> LineFilter {
    let is_first = |name: &str| matches!(line_name(name), "p50" | "p95");
    if is_detailed || graph.colours != Colours::Percentiles || !names.iter().any(|name| is_first(name)) {
        return LineFilter::default();
    }
    let is_other = |name: &str| matches!(line_name(name), "p90" | "p99" | "mean");
    LineFilter::only(names.iter().filter(|name| !is_other(name)).cloned())
}

fn heat_map(frame: Frame, chart_type: ChartType) -> VisibleLines {
    VisibleLines { own_count: frame.columns.len(), frame, chart_type: Some(chart_type), ..VisibleLines::default() }
}

/// One row for each replica or GPU, the first on top. Limits have no row. If a replica has several lines, the graph's
/// first one is its row.
fn replica_rows(graph: &Graph, frame: &Frame) -> Frame {
    let first = graph.lines.iter().find(|line| line.role == LineRole::Data).map_or("", |line| line.name);
    let is_first = |column: &&Column| column.name.ends_with(&format!(" · {first}"));
    let has_first = frame.columns.iter().any(|column| is_first(&column));
    let data_columns = frame.columns.iter().filter(|column| !is_limit(graph, &column.name));
    let mut columns: Vec<Column> = data_columns.filter(|column| !has_first || is_first(column)).cloned().collect();
    sort_by(&mut columns, |a, b| b.name.cmp(&a.name));
    Frame { times_ms: frame.times_ms.clone(), columns }
}

/// The buckets from the lowest to the highest with observations: histograms reach far beyond the values that occur.
fn used_buckets(buckets: &Frame) -> Frame {
    let is_used = |column: &Column| column.values.iter().any(|value| *value > 0.0);
    let first = buckets.columns.iter().position(is_used).unwrap_or(0);
    let last = buckets.columns.iter().rposition(is_used).map_or(buckets.columns.len(), |last| last + 1);
    Frame { times_ms: buckets.times_ms.clone(), columns: buckets.columns[first..last].to_vec() }
}

/// The number of lines that are not queried one by one; none if all are.
fn remaining_count(graph: &Graph, data: &CardData) -> Option<usize> {
    let is_one = |column: &&Column| column.name != REMAINING && !is_limit(graph, &column.name);
    let count = data.frame.columns.iter().filter(is_one).count();
    data.highest.as_ref().map(|highest| highest.total.saturating_sub(count))
}

/// The lines that are queried one by one and, as a band or as the last layer, what the server says of the others.
fn with_rest(data: &CardData, count: usize, is_stacked: bool) -> (Frame, Option<RemainingLines>) {
    let mut frame = data.frame.clone();
    let rest = frame.columns.iter().position(|column| column.name == REMAINING).map(|at| frame.columns.remove(at));
    if is_stacked {
        frame.columns.extend(rest);
        return (frame, Some(RemainingLines { count, ..RemainingLines::default() }));
    }
    let bounds = data.bounds.iter().find(|line| line.name == REMAINING);
    let (low, high) = bounds.map(|bounds| (bounds.least.clone(), bounds.greatest.clone())).unwrap_or_default();
    (frame, Some(RemainingLines { count, low, high }))
}

/// Keeps the lines with the highest last values, in their order, and merges the remaining ones.
fn merge_remaining(graph: &Graph, frame: &Frame, is_stacked: bool) -> (Frame, Option<RemainingLines>) {
    if frame.columns.len() <= MAX_LINES {
        return (frame.clone(), None);
    }
    let mut ranked: Vec<usize> = (0..frame.columns.len()).collect();
    let rank = |at: &usize| match is_limit(graph, &frame.columns[*at].name) {
        true => f64::INFINITY,
        false => frame.last(*at).unwrap_or(f64::NEG_INFINITY),
    };
    sort_by(&mut ranked, |a, b| rank(b).total_cmp(&rank(a)));
    let (highest, others) = ranked.split_at(MAX_LINES);
    let mut highest = highest.to_vec();
    sort_by(&mut highest, usize::cmp);
    let columns = highest.iter().map(|at| frame.columns[*at].clone());
    let mut merged = Frame { times_ms: frame.times_ms.clone(), columns: columns.collect() };
    if is_stacked {
        let values = frame.sums(|at| !highest.contains(&at));
        merged.columns.push(Column { name: REMAINING.into(), values });
        return (merged, Some(RemainingLines { count: others.len(), ..RemainingLines::default() }));
    }
    let edge = |fold: fn(f64, f64) -> f64| {
        let mut edge = vec![f64::NAN; frame.times_ms.len()];
        for at in others {
            // Minimum and maximum ignore NaN.
            for (edge, value) in edge.iter_mut().zip(&frame.columns[*at].values) {
                *edge = fold(*edge, *value);
            }
        }
        edge
    };
    let remaining = RemainingLines { count: others.len(), low: edge(f64::min), high: edge(f64::max) };
    (merged, Some(remaining))
}

/// Adds the lines of a comparison that have values. A stacked graph gets their sum. Otherwise the previous period adds
/// only lines that the card has too, and another deployment also adds its own.
fn add_comparison(graph: &Graph, lines: &mut VisibleLines, other: &ComparisonData, is_stacked: bool) {
    let columns = &other.frame.columns;
    let is_data = |name: &str| !is_limit(graph, name);
    let own: Vec<String> = lines.frame.columns.iter().map(|column| column.name.clone()).collect();
    let mut add = |own: Option<usize>, name: &str, values: &[f64]| {
        let value = |time| other.frame.times_ms.binary_search(time).ok().and_then(|at| values.get(at)).copied();
        let values: Vec<f64> = lines.frame.times_ms.iter().map(|time| value(time).unwrap_or(f64::NAN)).collect();
        if values.iter().any(|value| !value.is_nan()) {
            lines.frame.columns.push(Column { name: comparison_name(name, &other.with), values });
            lines.comparison_of.push(own);
        }
    };
    if is_stacked {
        add(None, ALL, &other.frame.sums(|at| is_data(&columns[at].name)));
        return;
    }
    for (at, name) in own.iter().enumerate().filter(|(_, name)| is_data(name)) {
        if let Some(same) = columns.iter().find(|column| column.name == *name) {
            add(Some(at), name, &same.values);
        }
    }
    if other.with != Comparison::PreviousPeriod {
        let is_new = |column: &&Column| is_data(&column.name) && !own.contains(&column.name);
        for column in columns.iter().filter(is_new).take(MAX_LINES) {
            add(None, &column.name, &column.values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::graph::grid::Grid;
    use crate::state::time_range::TimeRange;
    use catalogue::graph;

    fn card_data(columns: &[(&str, &[f64])]) -> CardData {
        let count = columns.first().map_or(0, |column| column.1.len()) as i64;
        let columns = columns.iter().map(|(name, values)| Column { name: (*name).into(), values: values.to_vec() });
        let frame = Frame { times_ms: (0..count).map(|at| at * 1000).collect(), columns: columns.collect() };
        CardData { frame, ..CardData::blank(TimeRange::new(0, 1000 * count)) }
    }

    fn names(lines: &VisibleLines) -> Vec<&str> {
        lines.frame.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn the_previous_period_has_each_line_but_limits() {
        let graph = graph("running-and-waiting").expect("a graph");
        let now = card_data(&[("running", &[1.0, 2.0]), ("limit", &[9.0, 9.0])]);
        let then = card_data(&[("running", &[5.0, 6.0, 7.0]), ("limit", &[9.0, 9.0, 9.0]), ("gone", &[1.0])]).frame;
        let now = CardData { comparison: Some(ComparisonData::new(Comparison::PreviousPeriod, then)), ..now };
        let compared = CardOptions { comparison: Some(Comparison::PreviousPeriod), ..CardOptions::default() };
        let lines = visible_lines(graph, &now, &compared);
        assert_eq!((names(&lines), lines.own_count), (vec!["running", "limit", "running (previous)"], 2));
        assert_eq!((lines.frame.columns[2].values.as_slice(), lines.comparison_of), (&[5.0, 6.0][..], vec![Some(0)]));
        assert_eq!(names(&visible_lines(graph, &now, &CardOptions::default())), ["running", "limit"]);
        let stacked = visible_lines(graph, &now, &CardOptions { chart: Some(Chart::Stacked), ..compared });
        assert_eq!(
            (names(&stacked), &stacked.comparison_of),
            (vec!["running", "limit", "all (previous)"], &vec![None])
        );
    }

    #[test]
    fn bars_can_be_counted_or_drawn_as_lines() {
        let graph = graph("volume").expect("a graph");
        let data = card_data(&[("2xx", &[2.0, 0.7, 3.0]), ("5xx", &[f64::NAN, 0.1, 0.0])]);
        let grid = Grid { step_ms: 10_000, ..data.grid };
        let data = CardData { grid, latest_window_ms: Some(4000), ..data };
        let of = |options: CardOptions| visible_lines(graph, &data, &options);
        let counted = of(CardOptions { is_counted: Some(true), ..CardOptions::default() });
        assert_eq!(counted.frame.columns[0].values, [20.0, 7.0, 12.0], "the last bar has four seconds");
        assert!(counted.is_counted && counted.frame.columns[1].values[0].is_nan());
        let lines = of(CardOptions { is_counted: Some(true), chart: Some(Chart::Lines), ..CardOptions::default() });
        assert_eq!((lines.chart_type, lines.is_counted), (Some(ChartType::Lines), false));
        assert_eq!(lines.frame.columns[0].values, [2.0, 0.7, 3.0], "every time of the data stays");
        let area = of(CardOptions { chart: Some(Chart::Area), ..CardOptions::default() });
        assert!(area.is_filled && area.chart_type == Some(ChartType::Lines));
    }

    #[test]
    fn another_deployment_adds_its_own_lines() {
        let graph = graph("running-and-waiting").expect("a graph");
        let other = Comparison::Deployment("b.1".into());
        let there =
            card_data(&[("other", &[7.0]), ("limit", &[9.0]), ("waiting", &[4.0]), ("none", &[f64::NAN])]).frame;
        let here = card_data(&[("running", &[1.0]), ("waiting", &[2.0])]);
        let here = CardData { comparison: Some(ComparisonData::new(other.clone(), there)), ..here };
        let compared = CardOptions { comparison: Some(other), ..CardOptions::default() };
        let lines = visible_lines(graph, &here, &compared);
        assert_eq!(names(&lines), ["running", "waiting", "waiting (b.1)", "other (b.1)"]);
        assert_eq!(lines.comparison_of, [Some(1), None]);
        let stacked = visible_lines(graph, &here, &CardOptions { chart: Some(Chart::Stacked), ..compared });
        assert_eq!((names(&stacked)[2], stacked.frame.columns[2].values[0]), ("all (b.1)", 11.0));
        let before = CardOptions { comparison: Some(Comparison::PreviousPeriod), ..CardOptions::default() };
        assert!(visible_lines(graph, &here, &before).comparison_of.is_empty(), "the comparison has not arrived yet");
    }

    #[test]
    fn lines_past_the_limit_become_a_band() {
        let graph = graph("running-and-waiting").expect("a graph");
        let values: Vec<[f64; 2]> = (0..60).map(|at| [f64::from(at), f64::from(at)]).collect();
        let named: Vec<String> = (0..60).map(|at| format!("replica-{at}")).collect();
        let columns: Vec<(&str, &[f64])> =
            named.iter().zip(&values).map(|(name, values)| (name.as_str(), values.as_slice())).collect();
        let lines = visible_lines(graph, &card_data(&columns), &CardOptions::default());
        assert_eq!((lines.own_count, names(&lines)[0]), (MAX_LINES, "replica-10"));
        let remaining = lines.remaining.expect("remaining lines");
        assert_eq!((remaining.count, remaining.low[0], remaining.high[1]), (10, 0.0, 9.0));
        let stacked = visible_lines(
            graph,
            &card_data(&columns),
            &CardOptions { chart: Some(Chart::Stacked), ..CardOptions::default() },
        );
        assert_eq!((stacked.own_count, names(&stacked)[MAX_LINES]), (MAX_LINES + 1, REMAINING));
        assert_eq!(
            stacked.frame.sums(|_| true),
            card_data(&columns).frame.sums(|_| true),
            "the top edge is the true sum"
        );
        let remaining = stacked.remaining.expect("remaining lines");
        assert!(remaining.count == 10 && remaining.low.is_empty() && remaining.high.is_empty());
    }

    #[test]
    fn replicas_become_rows_of_a_heat_map() {
        let graph = graph("running-and-waiting").expect("a graph");
        let data =
            card_data(&[("a · running", &[1.0]), ("a · waiting", &[1.0]), ("b · running", &[1.0]), ("limit", &[9.0])]);
        let heat = CardOptions { form: Form::HeatMap, ..CardOptions::default() };
        let lines = visible_lines(graph, &CardData { is_detailed: true, ..data }, &heat);
        assert_eq!(names(&lines), ["b · running", "a · running"]);
        assert_eq!(lines.chart_type, Some(ChartType::Cells { width_ms: 1, draws_zero: true }));
    }

    #[test]
    fn a_heat_map_shows_once_its_buckets_have_arrived() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let heat = CardOptions { form: Form::HeatMap, ..CardOptions::default() };
        let data = card_data(&[("p50", &[1.0])]);
        assert_eq!(names(&visible_lines(graph, &data, &heat)), ["p50"]);
        let buckets = card_data(&[("≤ 0.5 s", &[0.0]), ("≤ 1 s", &[3.0]), ("≤ 9 s", &[f64::NAN])]).frame;
        let lines = visible_lines(graph, &CardData { buckets: Some(buckets), ..data }, &heat);
        assert_eq!(
            (names(&lines), lines.chart_type),
            (vec!["≤ 1 s"], Some(ChartType::Cells { width_ms: 1, draws_zero: false }))
        );
    }
}
