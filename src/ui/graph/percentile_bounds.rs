//! Where a percentile is only a bound: the marks on the graph, and the sign before the value.
use crate::data::graph::card_state::CardData;
use catalogue::{Bound, Colours, Graph, Unit, bound, line_name};
use plot::{Frame, LineStyle, Marker};

/// The name of the line that no buckets bound.
const MEAN: &str = "mean";

/// Whether values of that line are percentiles.
fn is_percentile(graph: &Graph, name: &str) -> bool {
    graph.colours == Colours::Percentiles
        && line_name(name) != MEAN
        && !crate::ui::graph::visible::is_limit(graph, name)
}

/// A value for people: `≥ 60.0 s` where the truth may be higher, `≤ 300 ms` where it may be anything below.
pub(crate) fn written(graph: &Graph, unit: Unit, drawn: &CardData, name: &str, value: f64) -> String {
    let bounded = is_percentile(graph, name).then(|| bound(value, &drawn.bucket_ends)).flatten();
    match bounded {
        Some(Bound::AtLeast) => format!("≥ {}", unit.format(value)),
        // Within the first bucket the value is a guess; its end is what is known.
        Some(Bound::AtMost) => {
            let first = drawn.bucket_ends.iter().copied().fold(f64::INFINITY, f64::min);
            format!("≤ {}", unit.format(first))
        }
        None => unit.format(value),
    }
}

/// Marks on the visible lines where they are bounds, at least `apart_ms` from each other.
pub(crate) fn marks(
    graph: &Graph,
    drawn: &CardData,
    frame: &Frame,
    styles: &[LineStyle],
    apart_ms: i64,
) -> Vec<Marker> {
    let mut marks = Vec::new();
    if drawn.bucket_ends.is_empty() {
        return marks;
    }
    for (column, style) in frame.columns.iter().zip(styles) {
        if !style.is_visible || style.is_overlaid || !is_percentile(graph, &column.name) {
            continue;
        }
        let mut free_ms = i64::MIN;
        for (&time_ms, &value) in frame.times_ms.iter().zip(&column.values) {
            let Some(bound) = bound(value, &drawn.bucket_ends).filter(|_| time_ms >= free_ms) else { continue };
            marks.push(Marker { time_ms, value, is_up: bound == Bound::AtLeast, rgb: style.rgb });
            free_ms = time_ms + apart_ms;
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::time_range::TimeRange;
    use catalogue::graph;
    use plot::{Column, Rgb};

    fn drawn() -> CardData {
        CardData { bucket_ends: vec![0.3, 1.0, 60.0, f64::INFINITY], ..CardData::blank(TimeRange::new(0, 1000)) }
    }

    #[test]
    fn bounds_are_written_as_such() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let written = |name, value| written(graph, graph.unit, &drawn(), name, value);
        assert_eq!(written("p99", 60.0), "≥ 60.0 s");
        assert_eq!(written("p50 · vLLM", 0.297), "≤ 300 ms");
        assert_eq!(written("p50", 0.5), "500 ms");
        assert_eq!(written("mean", 0.1), "100 ms");
        assert_eq!(written("p50", f64::NAN), "–");
    }

    #[test]
    fn marks_keep_their_distance() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let columns = vec![Column { name: "p99".into(), values: vec![60.0, 60.0, 5.0, 60.0, 0.1] }];
        let frame = Frame { times_ms: vec![0, 10, 20, 30, 40], columns };
        let style = LineStyle { rgb: Rgb(1, 2, 3), dash: None, is_overlaid: false, is_visible: true };
        let found = marks(graph, &drawn(), &frame, std::slice::from_ref(&style), 20);
        assert_eq!(found.iter().map(|mark| (mark.time_ms, mark.is_up)).collect::<Vec<_>>(), [(0, true), (30, true)]);
        let hidden = [LineStyle { is_visible: false, ..style }];
        assert!(marks(graph, &drawn(), &frame, &hidden, 20).is_empty());
    }
}
