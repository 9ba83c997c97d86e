//! Percentiles that are only bounds: the sign before the value, and the hatched bands on the graph.
use crate::data::graph::card_state::CardData;
use crate::ui::graph::visible::{VisibleLines, is_limit};
use catalogue::{Bound, Colours, Graph, Unit, bound, is_line_of, line_name};
use plot::HatchedBand;

/// The name of the line that is no percentile, and so has no bounds.
const MEAN: &str = "mean";

/// How a value of a line is bounded; none if it is measured.
fn bound_of(graph: &Graph, data: &CardData, name: &str, value: f64) -> Option<Bound> {
    if graph.colours != Colours::Percentiles || line_name(name) == MEAN || is_limit(graph, name) {
        return None;
    }
    let ends = data.bucket_ends.iter().find(|ends| ends.engine.is_empty() || is_line_of(name, &ends.engine))?;
    bound(value, &ends.grids)
}

/// A value with its unit: `≥ 60.0 s` if the true value may be higher, `≤ 300 ms` if it may be anything below.
pub(crate) fn format_bounded(graph: &Graph, unit: Unit, data: &CardData, name: &str, value: f64) -> String {
    match bound_of(graph, data, name, value) {
        Some(Bound::AtLeast(end)) => format!("≥ {}", unit.format(end)),
        // Within the first bucket only its end is certain.
        Some(Bound::AtMost(end)) => format!("≤ {}", unit.format(end)),
        None => unit.format(value),
    }
}

/// The spans in which lines are only bounds: from zero to the end of the first bucket, or from the end of the last one
/// upwards.
pub(crate) fn hatched_bands(graph: &Graph, data: &CardData, lines: &VisibleLines) -> Vec<HatchedBand> {
    let mut bands: Vec<HatchedBand> = Vec::new();
    if data.bucket_ends.is_empty() || lines.is_heat_map() {
        return bands;
    }
    for (column, line) in lines.frame.columns.iter().enumerate() {
        for (at, value) in line.values.iter().enumerate() {
            let Some(bound) = bound_of(graph, data, &line.name, *value) else { continue };
            let (low, high) = match bound {
                Bound::AtMost(end) => (0.0, end),
                Bound::AtLeast(end) => (end, f64::INFINITY),
            };
            match bands.last_mut() {
                Some(last) if (last.column, last.times.end, last.low, last.high) == (column, at, low, high) => {
                    last.times.end = at + 1;
                }
                _ => bands.push(HatchedBand { column, times: at..at + 1, low, high }),
            }
        }
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::graph::buckets::BucketEnds;
    use crate::state::time_range::TimeRange;
    use catalogue::graph;
    use plot::{Column, Frame};

    fn ends(engine: &str, ends: &[f64]) -> BucketEnds {
        BucketEnds { engine: engine.into(), grids: vec![ends.to_vec()], ..BucketEnds::default() }
    }

    fn card_data(bucket_ends: Vec<BucketEnds>) -> CardData {
        CardData { bucket_ends, ..CardData::blank(TimeRange::new(0, 1000)) }
    }

    #[test]
    fn bounds_have_a_sign() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let data = card_data(vec![ends("", &[0.3, 1.0, 60.0, f64::INFINITY])]);
        let format = |name, value| format_bounded(graph, graph.unit, &data, name, value);
        assert_eq!(format("p99", 60.0), "≥ 60.0 s");
        assert_eq!(format("p50", 0.297), "≤ 300 ms");
        assert_eq!(format("p50", 0.5), "500 ms");
        assert_eq!(format("mean", 0.1), "100 ms");
        assert_eq!(format("p50", f64::NAN), "–");
    }

    #[test]
    fn each_engine_has_its_own_bounds() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let data = card_data(vec![ends("LiteLLM", &[0.005, 10.0]), ends("vLLM", &[0.3, 60.0])]);
        for (name, value, expected) in [
            ("p50 · vLLM", 0.15, "≤ 300 ms"),
            ("p50 · LiteLLM", 0.15, "150 ms"),
            ("p50 · LiteLLM (previous)", 0.001, "≤ 5.00 ms"),
            ("replica-1 · vLLM", 0.15, "≤ 300 ms"),
            ("p99 · LiteLLM", 10.0, "≥ 10.0 s"),
            ("p99 · vLLM", 10.0, "10.0 s"),
            ("p50 · vLLM-Omni", 0.15, "150 ms"),
            ("mean · vLLM", 0.15, "150 ms"),
        ] {
            assert_eq!(format_bounded(graph, graph.unit, &data, name, value), expected, "{name} {value}");
        }
    }

    #[test]
    fn bands_cover_the_times_at_which_a_line_is_a_bound() {
        let graph = graph("end-to-end-latency").expect("a graph");
        let columns =
            [("p50", [0.1, 0.2, 0.5, f64::NAN, 0.1]), ("p99", [60.0, 5.0, 60.0, 60.0, 0.2]), ("mean", [0.1; 5])];
        let columns = columns.map(|(name, values)| Column { name: name.into(), values: values.to_vec() }).to_vec();
        let frame = Frame { times_ms: (0..5).collect(), columns };
        let lines = VisibleLines { frame, own_count: 3, ..VisibleLines::default() };
        let data = card_data(vec![ends("", &[0.3, 1.0, 60.0, f64::INFINITY])]);
        let band = |column, times, low, high| HatchedBand { column, times, low, high };
        assert_eq!(
            hatched_bands(graph, &data, &lines),
            [
                band(0, 0..2, 0.0, 0.3),
                band(0, 4..5, 0.0, 0.3),
                band(1, 0..1, 60.0, f64::INFINITY),
                band(1, 2..4, 60.0, f64::INFINITY),
                band(1, 4..5, 0.0, 0.3),
            ]
        );
        assert_eq!(hatched_bands(graph, &card_data(Vec::new()), &lines), []);
    }
}
