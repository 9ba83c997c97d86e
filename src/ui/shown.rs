//! What of a card's data is on it: the lines, the range before, the buckets, and a band for lines past counting.
use crate::{
    feed::Drawn,
    order::sort_by,
    state::choices::{Choices, Form},
};
use catalogue::{Graph, Role};
use plot::{Column, Frame, Look};

/// More lines than this are drawn as a band: an eye tells no more apart.
const MOST_LINES: usize = 50;

/// The data of one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shown {
    /// The card's own lines, and after them those of the range before.
    pub(super) frame: Frame,
    /// How many are its own.
    pub(super) own_count: usize,
    /// The lines that are not drawn each.
    pub(super) rest: Option<Rest>,
    /// What becomes of the lines; none without data.
    pub(super) look: Option<Look>,
}

/// Lines drawn as one band.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rest {
    /// How many.
    pub(super) count: usize,
    /// The lowest value at each time.
    pub(super) low: Vec<f64>,
    /// The highest.
    pub(super) high: Vec<f64>,
}

/// Whether a drawn line is a limit or a guide: on top of what is stacked, and the same for all replicas.
pub(super) fn is_limit(graph: &Graph, name: &str) -> bool {
    graph.line(name).is_some_and(|line| line.role != Role::Data)
}

/// The name of a line in the range before.
pub(super) fn before(name: &str) -> String {
    format!("{name} before")
}

/// The line that all bars of the range before become.
pub(super) const ALL_BEFORE: &str = "all before";

/// Picks what is shown.
pub(super) fn shown(graph: &Graph, drawn: &Drawn, choices: Choices) -> Shown {
    let width_ms = drawn.grid.step_ms;
    if let (Form::HeatMap, Some(buckets)) = (choices.form, &drawn.buckets) {
        let frame = without_empty_ends(buckets);
        return cells(frame, Look::Cells { width_ms, is_level: false });
    }
    if choices.form == Form::HeatMap && drawn.is_detailed {
        return cells(rows(graph, &drawn.frame), Look::Cells { width_ms, is_level: true });
    }
    let look = match graph.look {
        catalogue::Look::Bars => Look::Bars { width_ms },
        catalogue::Look::Lines if choices.is_stacked => Look::Areas,
        catalogue::Look::Lines => Look::Lines,
    };
    let (mut frame, rest) = split(graph, &drawn.frame);
    let own_count = frame.columns.len();
    if let Some(previous) = drawn.previous.as_ref().filter(|_| choices.is_compared) {
        let earlier = earlier(graph, &frame, previous, look);
        frame.columns.extend(earlier);
    }
    Shown { frame, own_count, rest, look: Some(look) }
}

fn cells(frame: Frame, look: Look) -> Shown {
    Shown { own_count: frame.columns.len(), frame, rest: None, look: Some(look) }
}

/// A row for each replica or GPU, the first on top: limits have none, and of several lines the first stands for it.
fn rows(graph: &Graph, frame: &Frame) -> Frame {
    let first = graph.lines.iter().find(|line| line.role == Role::Data).map_or("", |line| line.name);
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

/// The lines of highest last value in their order, and the band of the others.
fn split(graph: &Graph, frame: &Frame) -> (Frame, Option<Rest>) {
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
    let columns = kept.into_iter().map(|at| frame.columns[at].clone()).collect();
    (Frame { times_ms: frame.times_ms.clone(), columns }, Some(rest))
}

/// The columns of the range before that belong to those of `frame`; of what is stacked, the sum.
fn earlier(graph: &Graph, frame: &Frame, previous: &Frame, look: Look) -> Vec<Column> {
    let on_grid = |values: &[f64]| {
        let value = |time| previous.times_ms.binary_search(time).ok().and_then(|at| values.get(at)).copied();
        frame.times_ms.iter().map(|time| value(time).unwrap_or(f64::NAN)).collect::<Vec<_>>()
    };
    let is_data = |name: &str| !is_limit(graph, name);
    if look != Look::Lines {
        let sums = previous.sums(|at| is_data(&previous.columns[at].name));
        return vec![Column { name: ALL_BEFORE.into(), values: on_grid(&sums) }];
    }
    let own = frame.columns.iter().filter(|column| is_data(&column.name));
    own.filter_map(|own| {
        let then = previous.columns.iter().find(|column| column.name == own.name)?;
        Some(Column { name: before(&own.name), values: on_grid(&then.values) })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::graph;

    fn drawn(columns: &[(&str, &[f64])]) -> Drawn {
        let count = columns.first().map_or(0, |column| column.1.len()) as i64;
        let columns = columns.iter().map(|(name, values)| Column { name: (*name).into(), values: values.to_vec() });
        let frame = Frame { times_ms: (0..count).map(|at| at * 1000).collect(), columns: columns.collect() };
        Drawn { frame, ..Drawn::blank((0, 1000 * count)) }
    }

    fn names(shown: &Shown) -> Vec<&str> {
        shown.frame.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn the_range_before_follows_each_line_but_limits() {
        let graph = graph("running-and-waiting").expect("a graph");
        let now = drawn(&[("running", &[1.0, 2.0]), ("limit", &[9.0, 9.0])]);
        let then = drawn(&[("running", &[5.0, 6.0, 7.0]), ("limit", &[9.0, 9.0, 9.0])]).frame;
        let now = Drawn { previous: Some(then), ..now };
        let compared = Choices { is_compared: true, ..Choices::default() };
        let shown = shown(graph, &now, compared);
        assert_eq!((names(&shown), shown.own_count), (vec!["running", "limit", "running before"], 2));
        assert_eq!(shown.frame.columns[2].values, [5.0, 6.0]);
        assert_eq!(names(&super::shown(graph, &now, Choices::default())), ["running", "limit"]);
        let stacked = super::shown(graph, &now, Choices { is_stacked: true, ..compared });
        assert_eq!(names(&stacked), ["running", "limit", ALL_BEFORE]);
    }

    #[test]
    fn lines_past_counting_become_a_band() {
        let graph = graph("running-and-waiting").expect("a graph");
        let values: Vec<[f64; 2]> = (0..60).map(|at| [f64::from(at), f64::from(at)]).collect();
        let named: Vec<String> = (0..60).map(|at| format!("replica-{at}")).collect();
        let columns: Vec<(&str, &[f64])> =
            named.iter().zip(&values).map(|(name, values)| (name.as_str(), values.as_slice())).collect();
        let shown = shown(graph, &drawn(&columns), Choices::default());
        assert_eq!((shown.own_count, names(&shown)[0]), (MOST_LINES, "replica-10"));
        let rest = shown.rest.expect("a rest");
        assert_eq!((rest.count, rest.low[0], rest.high[1]), (10, 0.0, 9.0));
    }

    #[test]
    fn replicas_become_rows_of_a_heat_map() {
        let graph = graph("running-and-waiting").expect("a graph");
        let lines =
            drawn(&[("a · running", &[1.0]), ("a · waiting", &[1.0]), ("b · running", &[1.0]), ("limit", &[9.0])]);
        let heat = Choices { form: Form::HeatMap, ..Choices::default() };
        let shown = shown(graph, &Drawn { is_detailed: true, ..lines }, heat);
        assert_eq!(names(&shown), ["b · running", "a · running"]);
        assert_eq!(shown.look, Some(Look::Cells { width_ms: 1, is_level: true }));
    }

    #[test]
    fn buckets_show_once_they_have_come() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let heat = Choices { form: Form::HeatMap, ..Choices::default() };
        let lines = drawn(&[("p50", &[1.0])]);
        assert_eq!(names(&shown(graph, &lines, heat)), ["p50"]);
        let buckets = drawn(&[("≤ 0.5 s", &[0.0]), ("≤ 1 s", &[3.0]), ("≤ 9 s", &[f64::NAN])]).frame;
        let shown = shown(graph, &Drawn { buckets: Some(buckets), ..lines }, heat);
        assert_eq!((names(&shown), shown.look), (vec!["≤ 1 s"], Some(Look::Cells { width_ms: 1, is_level: false })));
    }
}
