//! Percentiles that are only bounds: the markers on the graph, and the sign before the value.
use crate::data::graph::card_state::CardData;
use crate::ui::graph::visible::is_limit;
use catalogue::{Bound, Colours, Graph, Unit, bound, line_name};
use plot::{Frame, LineStyle, Marker};

/// The name of the line that is no percentile, and so has no bounds.
const MEAN: &str = "mean";

/// Whether the values of a line are percentiles.
fn is_percentile(graph: &Graph, name: &str) -> bool {
    graph.colours == Colours::Percentiles && line_name(name) != MEAN && !is_limit(graph, name)
}

/// A value with its unit: `≥ 60.0 s` if the true value may be higher, `≤ 300 ms` if it may be anything below.
pub(crate) fn format_bounded(graph: &Graph, unit: Unit, data: &CardData, name: &str, value: f64) -> String {
    let bounded = is_percentile(graph, name).then(|| bound(value, &data.bucket_ends)).flatten();
    match bounded {
        Some(Bound::AtLeast) => format!("≥ {}", unit.format(value)),
        // Within the first bucket only its end is certain.
        Some(Bound::AtMost) => {
            let first = data.bucket_ends.iter().copied().fold(f64::INFINITY, f64::min);
            format!("≤ {}", unit.format(first))
        }
        None => unit.format(value),
    }
}

/// Markers on the visible lines where they are bounds, at least `distance_ms` from each other.
pub(crate) fn bound_markers(
    graph: &Graph,
    data: &CardData,
    frame: &Frame,
    styles: &[LineStyle],
    distance_ms: i64,
) -> Vec<Marker> {
    let mut markers = Vec::new();
    if data.bucket_ends.is_empty() {
        return markers;
    }
    for (column, style) in frame.columns.iter().zip(styles) {
        if !style.is_visible || style.is_overlaid || !is_percentile(graph, &column.name) {
            continue;
        }
        let mut next_ms = i64::MIN;
        for (&time_ms, &value) in frame.times_ms.iter().zip(&column.values) {
            let Some(bound) = bound(value, &data.bucket_ends).filter(|_| time_ms >= next_ms) else { continue };
            markers.push(Marker { time_ms, value, is_up: bound == Bound::AtLeast, rgb: style.rgb });
            next_ms = time_ms + distance_ms;
        }
    }
    markers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::time_range::TimeRange;
    use catalogue::graph;
    use plot::{Column, Rgb};

    fn card_data() -> CardData {
        CardData { bucket_ends: vec![0.3, 1.0, 60.0, f64::INFINITY], ..CardData::blank(TimeRange::new(0, 1000)) }
    }

    #[test]
    fn bounds_have_a_sign() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let format = |name, value| format_bounded(graph, graph.unit, &card_data(), name, value);
        assert_eq!(format("p99", 60.0), "≥ 60.0 s");
        assert_eq!(format("p50 · vLLM", 0.297), "≤ 300 ms");
        assert_eq!(format("p50", 0.5), "500 ms");
        assert_eq!(format("mean", 0.1), "100 ms");
        assert_eq!(format("p50", f64::NAN), "–");
    }

    #[test]
    fn markers_keep_their_distance() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let columns = vec![Column { name: "p99".into(), values: vec![60.0, 60.0, 5.0, 60.0, 0.1] }];
        let frame = Frame { times_ms: vec![0, 10, 20, 30, 40], columns };
        let style = LineStyle { rgb: Rgb(1, 2, 3), dash: None, is_overlaid: false, is_visible: true };
        let markers = bound_markers(graph, &card_data(), &frame, std::slice::from_ref(&style), 20);
        assert_eq!(
            markers.iter().map(|marker| (marker.time_ms, marker.is_up)).collect::<Vec<_>>(),
            [(0, true), (30, true)]
        );
        let hidden = [LineStyle { is_visible: false, ..style }];
        assert!(bound_markers(graph, &card_data(), &frame, &hidden, 20).is_empty());
    }
}
