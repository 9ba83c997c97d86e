//! What of a card's data is on it: the lines, what they are compared with, the buckets, and a band for lines past counting.
use crate::data::graph::card_state::{CardData, ComparisonData};
use crate::state::card_options::{CardOptions, Comparison, Form};
use crate::state::line_filter::LineFilter;
use crate::wasm_size::sort::sort_by;
use catalogue::{DrawStyle, Graph, LineRole};
use plot::{ChartType, Column, Frame};

/// More lines than this are drawn as a band: an eye tells no more apart.
const MOST_LINES: usize = 50;

/// The data of one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shown {
    /// The card's own lines, and after them those that they are compared with.
    pub(crate) frame: Frame,
    /// How many are its own.
    pub(crate) own_count: usize,
    /// For each of the others the own line that it belongs to; none for a sum, and where there is none.
    pub(crate) beside: Vec<Option<usize>>,
    /// Which of them are visible.
    pub(crate) lines: LineFilter,
    /// The lines that are not drawn each.
    pub(crate) rest: Option<Rest>,
    /// What becomes of the lines; none without data.
    pub(crate) look: Option<ChartType>,
}

impl Shown {
    /// Names of the lines that are in the legend, the first of those shown: what is compared with is hidden with its own
    /// line, and only a sum of it has none.
    pub(crate) fn named(&self) -> Vec<String> {
        let is_stacked = self.look != Some(ChartType::Lines);
        let count = if is_stacked { self.frame.columns.len() } else { self.own_count };
        self.frame.columns[..count].iter().map(|column| column.name.clone()).collect()
    }
}

/// Lines drawn as one: a band, or where lines are stacked a layer of their sum, which is the last of the own lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rest {
    /// How many.
    pub(crate) count: usize,
    /// The lowest value at each time; empty for a layer.
    pub(crate) low: Vec<f64>,
    /// The highest.
    pub(crate) high: Vec<f64>,
}

/// The name of the layer.
pub(crate) const REST: &str = "the rest";

/// Whether a drawn line is a limit or a guide: on top of what is stacked, and the same for all replicas.
pub(crate) fn is_limit(graph: &Graph, name: &str) -> bool {
    graph.line(name).is_some_and(|line| line.role != LineRole::Data)
}

/// The name of a line of what is compared with.
pub(crate) fn compared(name: &str, of: &Comparison) -> String {
    match of {
        Comparison::PreviousPeriod => format!("{name} before"),
        Comparison::Deployment(deployment) => format!("{name} in {deployment}"),
    }
}

/// The line that all bars or areas of it become.
const ALL: &str = "all";

/// Picks what is shown.
pub(crate) fn shown(graph: &Graph, drawn: &CardData, choices: &CardOptions) -> Shown {
    let width_ms = drawn.grid.step_ms;
    if let (Form::HeatMap, Some(buckets)) = (choices.form, &drawn.buckets) {
        let frame = without_empty_ends(buckets);
        return cells(frame, ChartType::Cells { width_ms, draws_zero: false });
    }
    if choices.form == Form::HeatMap && drawn.is_detailed {
        return cells(rows(graph, &drawn.frame), ChartType::Cells { width_ms, draws_zero: true });
    }
    let look = match graph.draw_style {
        DrawStyle::Bars => ChartType::Bars { width_ms },
        DrawStyle::Lines if choices.is_stacked => ChartType::Areas,
        DrawStyle::Lines => ChartType::Lines,
    };
    let (mut frame, rest) = split(graph, &drawn.frame, look != ChartType::Lines);
    let own_count = frame.columns.len();
    let mut beside = Vec::new();
    if let Some(other) = drawn.comparison.as_ref().filter(|other| choices.comparison.as_ref() == Some(&other.with)) {
        compare(graph, &mut frame, other, look, &mut beside);
    }
    let mut shown = Shown { frame, own_count, beside, rest, look: Some(look), lines: LineFilter::default() };
    shown.lines = choices.line_filter.for_lines(&shown.named());
    shown
}

fn cells(frame: Frame, look: ChartType) -> Shown {
    Shown { own_count: frame.columns.len(), frame, look: Some(look), ..Shown::default() }
}

/// A row for each replica or GPU, the first on top: limits have none, and of several lines the first stands for it.
fn rows(graph: &Graph, frame: &Frame) -> Frame {
    let first = graph.lines.iter().find(|line| line.role == LineRole::Data).map_or("", |line| line.name);
    let is_first = |column: &&Column| column.name.ends_with(&format!(" · {first}"));
    let has_first = frame.columns.iter().any(|column| is_first(&column));
    let own = frame.columns.iter().filter(|column| !is_limit(graph, &column.name));
    let mut columns: Vec<Column> = own.filter(|column| !has_first || is_first(column)).cloned().collect();
    sort_by(&mut columns, |a, b| b.name.cmp(&a.name));
    Frame { times_ms: frame.times_ms.clone(), columns }
}

/// The buckets from the lowest to the highest that anything fell into: histograms reach far beyond what happens.
fn without_empty_ends(buckets: &Frame) -> Frame {
    let is_used = |column: &Column| column.values.iter().any(|value| *value > 0.0);
    let first = buckets.columns.iter().position(is_used).unwrap_or(0);
    let last = buckets.columns.iter().rposition(is_used).map_or(buckets.columns.len(), |last| last + 1);
    Frame { times_ms: buckets.times_ms.clone(), columns: buckets.columns[first..last].to_vec() }
}

/// The lines of highest last value in their order, and the band, or the layer, of the others.
fn split(graph: &Graph, frame: &Frame, is_stacked: bool) -> (Frame, Option<Rest>) {
    if frame.columns.len() <= MOST_LINES {
        return (frame.clone(), None);
    }
    let mut ranked: Vec<usize> = (0..frame.columns.len()).collect();
    let rank = |at: &usize| match is_limit(graph, &frame.columns[*at].name) {
        true => f64::INFINITY,
        false => frame.last(*at).unwrap_or(f64::NEG_INFINITY),
    };
    sort_by(&mut ranked, |a, b| rank(b).total_cmp(&rank(a)));
    let (kept, others) = ranked.split_at(MOST_LINES);
    let mut kept = kept.to_vec();
    sort_by(&mut kept, usize::cmp);
    let columns = kept.iter().map(|at| frame.columns[*at].clone());
    let mut shown = Frame { times_ms: frame.times_ms.clone(), columns: columns.collect() };
    if is_stacked {
        let values = frame.sums(|at| !kept.contains(&at));
        shown.columns.push(Column { name: REST.into(), values });
        return (shown, Some(Rest { count: others.len(), ..Rest::default() }));
    }
    let edge = |fold: fn(f64, f64) -> f64| {
        let mut edge = vec![f64::NAN; frame.times_ms.len()];
        for at in others {
            // Minimum and maximum pass over NaN.
            for (edge, value) in edge.iter_mut().zip(&frame.columns[*at].values) {
                *edge = fold(*edge, *value);
            }
        }
        edge
    };
    let rest = Rest { count: others.len(), low: edge(f64::min), high: edge(f64::max) };
    (shown, Some(rest))
}

/// Adds the lines of what is compared with that have values, and for each the own line of its name: of the range before
/// those that are in this one too; of what is stacked, the sum.
fn compare(graph: &Graph, frame: &mut Frame, other: &ComparisonData, look: ChartType, beside: &mut Vec<Option<usize>>) {
    let columns = &other.frame.columns;
    let is_data = |name: &str| !is_limit(graph, name);
    let own: Vec<String> = frame.columns.iter().map(|column| column.name.clone()).collect();
    let mut add = |at: Option<usize>, name: &str, values: &[f64]| {
        let value = |time| other.frame.times_ms.binary_search(time).ok().and_then(|at| values.get(at)).copied();
        let values: Vec<f64> = frame.times_ms.iter().map(|time| value(time).unwrap_or(f64::NAN)).collect();
        if values.iter().any(|value| !value.is_nan()) {
            frame.columns.push(Column { name: compared(name, &other.with), values });
            beside.push(at);
        }
    };
    if look != ChartType::Lines {
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
        for column in columns.iter().filter(is_new).take(MOST_LINES) {
            add(None, &column.name, &column.values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::time_range::TimeRange;
    use catalogue::graph;

    fn drawn(columns: &[(&str, &[f64])]) -> CardData {
        let count = columns.first().map_or(0, |column| column.1.len()) as i64;
        let columns = columns.iter().map(|(name, values)| Column { name: (*name).into(), values: values.to_vec() });
        let frame = Frame { times_ms: (0..count).map(|at| at * 1000).collect(), columns: columns.collect() };
        CardData { frame, ..CardData::blank(TimeRange::new(0, 1000 * count)) }
    }

    fn names(shown: &Shown) -> Vec<&str> {
        shown.frame.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn the_range_before_follows_each_line_but_limits() {
        let graph = graph("running-and-waiting").expect("a graph");
        let now = drawn(&[("running", &[1.0, 2.0]), ("limit", &[9.0, 9.0])]);
        let then = drawn(&[("running", &[5.0, 6.0, 7.0]), ("limit", &[9.0, 9.0, 9.0]), ("gone", &[1.0])]).frame;
        let now = CardData { comparison: Some(ComparisonData::new(Comparison::PreviousPeriod, then)), ..now };
        let compared = CardOptions { comparison: Some(Comparison::PreviousPeriod), ..CardOptions::default() };
        let shown = shown(graph, &now, &compared);
        assert_eq!((names(&shown), shown.own_count), (vec!["running", "limit", "running before"], 2));
        assert_eq!((shown.frame.columns[2].values.as_slice(), shown.beside), (&[5.0, 6.0][..], vec![Some(0)]));
        assert_eq!(names(&super::shown(graph, &now, &CardOptions::default())), ["running", "limit"]);
        let stacked = super::shown(graph, &now, &CardOptions { is_stacked: true, ..compared });
        assert_eq!((names(&stacked), &stacked.beside), (vec!["running", "limit", "all before"], &vec![None]));
    }

    #[test]
    fn another_deployment_brings_lines_of_its_own() {
        let graph = graph("running-and-waiting").expect("a graph");
        let other = Comparison::Deployment("b.1".into());
        let there = drawn(&[("other", &[7.0]), ("limit", &[9.0]), ("waiting", &[4.0]), ("none", &[f64::NAN])]).frame;
        let here = drawn(&[("running", &[1.0]), ("waiting", &[2.0])]);
        let here = CardData { comparison: Some(ComparisonData::new(other.clone(), there)), ..here };
        let compared = CardOptions { comparison: Some(other), ..CardOptions::default() };
        let lines = shown(graph, &here, &compared);
        assert_eq!(names(&lines), ["running", "waiting", "waiting in b.1", "other in b.1"]);
        assert_eq!(lines.beside, [Some(1), None]);
        let stacked = shown(graph, &here, &CardOptions { is_stacked: true, ..compared });
        assert_eq!((names(&stacked)[2], stacked.frame.columns[2].values[0]), ("all in b.1", 11.0));
        let before = CardOptions { comparison: Some(Comparison::PreviousPeriod), ..CardOptions::default() };
        assert!(shown(graph, &here, &before).beside.is_empty(), "what has not come yet is not another's");
    }

    #[test]
    fn lines_past_counting_become_a_band() {
        let graph = graph("running-and-waiting").expect("a graph");
        let values: Vec<[f64; 2]> = (0..60).map(|at| [f64::from(at), f64::from(at)]).collect();
        let named: Vec<String> = (0..60).map(|at| format!("replica-{at}")).collect();
        let columns: Vec<(&str, &[f64])> =
            named.iter().zip(&values).map(|(name, values)| (name.as_str(), values.as_slice())).collect();
        let shown = shown(graph, &drawn(&columns), &CardOptions::default());
        assert_eq!((shown.own_count, names(&shown)[0]), (MOST_LINES, "replica-10"));
        let rest = shown.rest.expect("a rest");
        assert_eq!((rest.count, rest.low[0], rest.high[1]), (10, 0.0, 9.0));
        let stacked =
            super::shown(graph, &drawn(&columns), &CardOptions { is_stacked: true, ..CardOptions::default() });
        assert_eq!((stacked.own_count, names(&stacked)[MOST_LINES]), (MOST_LINES + 1, REST));
        assert_eq!(stacked.frame.sums(|_| true), drawn(&columns).frame.sums(|_| true), "the top edge is the true sum");
        let rest = stacked.rest.expect("a rest");
        assert!(rest.count == 10 && rest.low.is_empty() && rest.high.is_empty());
    }

    #[test]
    fn replicas_become_rows_of_a_heat_map() {
        let graph = graph("running-and-waiting").expect("a graph");
        let lines =
            drawn(&[("a · running", &[1.0]), ("a · waiting", &[1.0]), ("b · running", &[1.0]), ("limit", &[9.0])]);
        let heat = CardOptions { form: Form::HeatMap, ..CardOptions::default() };
        let shown = shown(graph, &CardData { is_detailed: true, ..lines }, &heat);
        assert_eq!(names(&shown), ["b · running", "a · running"]);
        assert_eq!(shown.look, Some(ChartType::Cells { width_ms: 1, draws_zero: true }));
    }

    #[test]
    fn buckets_show_once_they_have_come() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let heat = CardOptions { form: Form::HeatMap, ..CardOptions::default() };
        let lines = drawn(&[("p50", &[1.0])]);
        assert_eq!(names(&shown(graph, &lines, &heat)), ["p50"]);
        let buckets = drawn(&[("≤ 0.5 s", &[0.0]), ("≤ 1 s", &[3.0]), ("≤ 9 s", &[f64::NAN])]).frame;
        let shown = shown(graph, &CardData { buckets: Some(buckets), ..lines }, &heat);
        assert_eq!(
            (names(&shown), shown.look),
            (vec!["≤ 1 s"], Some(ChartType::Cells { width_ms: 1, draws_zero: false }))
        );
    }
}
