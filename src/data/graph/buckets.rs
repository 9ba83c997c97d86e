//! The buckets behind percentiles: their ends, the requests up to each end, and the frame of a heat map.
//!
//! Buckets are matched by the value of `le`: its text differs between clients and releases, as in `1` and `1.0`.
use crate::data::graph::frame::frame;
use crate::data::graph::grid::Grid;
use crate::wasm_size::sort::sort_by;
use catalogue::{BucketSource, BucketsQuery, LINE_LABEL, Unit, is_same_bound};
use plot::{Column, Frame};
use prometheus_api::{Data, RangeValues, Series, parse_value};

/// The ends of the buckets of one engine's histograms, in the graph's unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BucketEnds {
    /// The engine in the names of its lines; empty if all lines are of one engine.
    pub engine: String,
    /// Whether its requests are those of heat map and shares.
    pub is_outermost: bool,
    /// The ends that all of its histograms have in common at some time of the range, ascending: each grid once.
    pub grids: Vec<Vec<f64>>,
    /// Whether histograms have different ends at one time.
    pub is_mixed: bool,
}

impl BucketEnds {
    /// Whether its histograms have different ends, at one time or one after the other.
    pub(crate) fn differ(&self) -> bool {
        self.is_mixed || self.grids.len() > 1
    }
}

/// The requests up to the end of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BucketCount {
    /// The upper end, in the graph's unit.
    pub end: f64,
    /// The requests up to it, per second, as far as histograms have this end.
    pub count: f64,
    /// Whether all histograms have this end all the time, so that `count` is exact; otherwise it is the least possible.
    pub is_complete: bool,
}

/// A value of a bucket, with its upper end in the graph's unit.
type EndValue = (f64, f64);

/// The end of a series' bucket, and whether its values are numbers of samples; none if it is of another engine.
fn end_of<V>(series: &Series<V>, source: &BucketSource) -> Option<(f64, bool)> {
    let line = series.metric.get(LINE_LABEL).map_or("", String::as_str);
    let (engine, is_samples) = BucketsQuery::engine_of(line);
    let end = parse_value(series.metric.get("le").filter(|_| engine == source.engine)?)? * source.scale;
    Some((end, is_samples))
}

/// The values by end, ascending; those of the same end are added.
fn merged(mut values: Vec<EndValue>) -> Vec<EndValue> {
    sort_by(&mut values, |a, b| a.0.total_cmp(&b.0));
    values.dedup_by(|next, first| {
        let is_same = is_same_bound(first.0, next.0);
        if is_same {
            first.1 += next.1;
        }
        is_same
    });
    values
}

/// The ends of each engine's buckets, from the number of series of each bucket at some times.
pub(crate) fn bucket_ends(matrix: &[Series<RangeValues>], sources: &[BucketSource]) -> Vec<BucketEnds> {
    let ends = |source: &BucketSource| {
        let mut times: Vec<(f64, Vec<EndValue>)> = Vec::new();
        for series in matrix {
            let Some((end, _)) = end_of(series, source) else { continue };
            for (time_s, count) in &series.samples.values {
                match times.iter_mut().find(|(time, _)| time == time_s) {
                    Some((_, counts)) => counts.push((end, count.0)),
                    None => times.push((*time_s, vec![(end, count.0)])),
                }
            }
        }
        let engine = source.engine.to_owned();
        let mut ends = BucketEnds { engine, is_outermost: source.is_outermost, ..BucketEnds::default() };
        for (_, counts) in times {
            let counts = merged(counts);
            let all = counts.iter().fold(0.0, |most, (_, count)| count.max(most));
            let grid: Vec<f64> = counts.iter().filter(|(_, count)| *count == all).map(|(end, _)| *end).collect();
            ends.is_mixed |= grid.len() < counts.len();
            if !ends.grids.contains(&grid) {
                ends.grids.push(grid);
            }
        }
        ends
    };
    sources.iter().map(ends).collect()
}

/// The requests up to each end, for each engine, from the rates of buckets and their numbers of samples. An engine without
/// requests is left out.
pub(crate) fn bucket_counts(data: Data, sources: &[BucketSource]) -> Vec<Vec<BucketCount>> {
    let Data::Vector(vector) = data else { return Vec::new() };
    let counts = |source: &BucketSource| {
        let (mut rates, mut samples) = (Vec::new(), Vec::new());
        for series in &vector {
            let Some((end, is_samples)) = end_of(series, source) else { continue };
            let value = (end, series.samples.value.1.0);
            if is_samples { samples.push(value) } else { rates.push(value) }
        }
        let (rates, samples) = (merged(rates), merged(samples));
        let all = samples.iter().fold(0.0, |most, (_, count)| count.max(most));
        let has_all = |end| samples.iter().any(|(other, count)| is_same_bound(*other, end) && *count == all);
        let count = |(end, count): EndValue| BucketCount { end, count, is_complete: has_all(end) };
        rates.last().is_some_and(|last| last.1 > 0.0).then(|| rates.iter().copied().map(count).collect())
    };
    sources.iter().filter_map(counts).collect()
}

/// The ends that all outermost engines have all the time; none if nothing is known of them.
pub(crate) fn common_ends(ends: &[BucketEnds]) -> Option<Vec<f64>> {
    let mut grids = ends.iter().filter(|ends| ends.is_outermost).flat_map(|ends| &ends.grids);
    let mut common = grids.next()?.clone();
    for grid in grids {
        common.retain(|end| grid.iter().any(|other| is_same_bound(*other, *end)));
    }
    Some(common)
}

/// A frame of the rate in each bucket, lowest first. Exported buckets are cumulative, so each is reduced by the one below.
/// Only ends that all histograms have are used: between others the rates of a part of them would be missing.
pub(crate) fn bucket_frame(
    matrix: &[Series<RangeValues>],
    (sources, ends): (&[BucketSource], &[BucketEnds]),
    unit: Unit,
    grid: Grid,
    start_ms: i64,
) -> Frame {
    let all = frame(matrix, grid, start_ms);
    let common = common_ends(ends);
    let end_of = |series: &Series<RangeValues>| sources.iter().find_map(|source| Some(end_of(series, source)?.0));
    let is_common = |end: &f64| common.as_ref().is_none_or(|common| common.iter().any(|one| is_same_bound(*one, *end)));
    let used = matrix.iter().enumerate().filter_map(|(at, series)| Some((end_of(series).filter(is_common)?, at)));
    let mut used: Vec<(f64, usize)> = used.collect();
    sort_by(&mut used, |a, b| a.0.total_cmp(&b.0));
    let mut columns: Vec<Column> = Vec::new();
    let mut below: Vec<f64> = vec![0.0; all.times_ms.len()];
    for same in used.chunk_by(|one, next| is_same_bound(one.0, next.0)) {
        let is_of_end = |at: usize| same.iter().any(|(_, other)| *other == at);
        let mut values = all.sums(is_of_end);
        for (value, below) in values.iter_mut().zip(&mut below) {
            let cumulative = *value;
            // Rates of neighbouring buckets can cross by a rounding error.
            *value = if cumulative.is_nan() || below.is_nan() { cumulative } else { (cumulative - *below).max(0.0) };
            *below = cumulative;
        }
        let end = same[0].0;
        let mut name = if end.is_finite() { format!("≤ {}", unit.label(end)) } else { "beyond".into() };
        if columns.last().is_some_and(|last| last.name == name) {
            // Names are unique, so that a tail finds its column.
            name = format!("≤ {end} {}", unit.base());
        }
        columns.push(Column { name, values });
    }
    Frame { times_ms: all.times_ms, columns }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::Window;
    use prometheus_api::{InstantValue, Number};

    const GRID: Grid =
        Grid { start_ms: 0, end_ms: 20_000, step_ms: 10_000, window: Window::sliding(20_000), settling_ms: 0 };
    const SECONDS: BucketSource = BucketSource { engine: "", scale: 1.0, is_outermost: true };

    fn labels(line: &str, le: &str) -> std::collections::BTreeMap<String, String> {
        [(LINE_LABEL.to_owned(), line.to_owned()), ("le".to_owned(), le.to_owned())].into()
    }

    fn range(line: &str, le: &str, points: &[(f64, f64)]) -> Series<RangeValues> {
        let values = points.iter().map(|(time, value)| (*time, Number(*value))).collect();
        Series { metric: labels(line, le), samples: RangeValues { values } }
    }

    fn instants(buckets: &[(&str, &str, f64)]) -> Data {
        let series = |(line, le, value): &(&str, &str, f64)| Series {
            metric: labels(line, le),
            samples: InstantValue { value: (0.0, Number(*value)) },
        };
        Data::Vector(buckets.iter().map(series).collect())
    }

    /// Names and values of a frame, with NaN written as −1.
    fn columns(frame: &Frame) -> Vec<(&str, Vec<f64>)> {
        let values =
            |column: &Column| column.values.iter().map(|value| if value.is_nan() { -1.0 } else { *value }).collect();
        frame.columns.iter().map(|column| (column.name.as_str(), values(column))).collect()
    }

    #[test]
    fn buckets_are_not_cumulative_and_keep_their_order_and_gaps() {
        let matrix = [
            range("", "+Inf", &[(0.0, 9.0), (10.0, 4.0)]),
            range("", "0.5", &[(0.0, 1.0), (10.0, 4.0)]),
            range("", "2", &[(0.0, 6.0), (10.0, 4.0)]),
        ];
        let frame = bucket_frame(&matrix, (&[SECONDS], &[]), Unit::Seconds, GRID, 0);
        assert_eq!(
            columns(&frame),
            [("≤ 500 ms", vec![1.0, 4.0, -1.0]), ("≤ 2 s", vec![5.0, 0.0, -1.0]), ("beyond", vec![3.0, 0.0, -1.0])]
        );
    }

    #[test]
    fn two_spellings_of_an_end_are_one_bucket() {
        // 10 requests per second of each of two clients: 5 within 0.5 s, 8 within 1 s, 10 in all.
        let both = [(0.0, 10.0), (10.0, 10.0)];
        let one = [(0.0, 8.0), (10.0, 8.0)];
        let all = [(0.0, 20.0), (10.0, 20.0)];
        let matrix = [range("", "0.5", &both), range("", "1", &one), range("", "1.0", &one), range("", "+Inf", &all)];
        let frame = bucket_frame(&matrix, (&[SECONDS], &[]), Unit::Seconds, GRID, 0);
        assert_eq!(
            columns(&frame),
            [("≤ 500 ms", vec![10.0, 10.0, -1.0]), ("≤ 1 s", vec![6.0, 6.0, -1.0]), ("beyond", vec![4.0, 4.0, -1.0])]
        );
        let ends = bucket_ends(
            &[
                range("", "0.5", &[(0.0, 2.0)]),
                range("", "1", &[(0.0, 1.0)]),
                range("", "1.0", &[(0.0, 1.0)]),
                range("", "+Inf", &[(0.0, 2.0)]),
            ],
            &[SECONDS],
        );
        assert_eq!((ends[0].grids.as_slice(), ends[0].differ()), (&[vec![0.5, 1.0, f64::INFINITY]][..], false));
        let counts = bucket_counts(
            instants(&[
                ("", "0.5", 10.0),
                ("", "1", 8.0),
                ("", "1.0", 8.0),
                ("", "+Inf", 20.0),
                ("samples", "0.5", 200.0),
                ("samples", "1", 100.0),
                ("samples", "1.0", 100.0),
                ("samples", "+Inf", 200.0),
            ]),
            &[SECONDS],
        );
        let counts: Vec<_> = counts[0].iter().map(|one| (one.end, one.count, one.is_complete)).collect();
        assert_eq!(counts, [(0.5, 10.0, true), (1.0, 16.0, true), (f64::INFINITY, 20.0, true)]);
    }

    #[test]
    fn ends_that_only_some_have_are_known_as_such() {
        let counts = |one: f64, two: f64, all: f64| {
            [
                range("", "1", &[(0.0, one), (10.0, 0.0)]),
                range("", "2", &[(0.0, two), (10.0, 2.0)]),
                range("", "+Inf", &[(0.0, all), (10.0, 2.0)]),
            ]
        };
        let fleet = bucket_ends(&counts(1.0, 2.0, 2.0), &[SECONDS]);
        assert!(fleet[0].is_mixed && fleet[0].grids == [vec![2.0, f64::INFINITY]], "{fleet:?}");
        let mut upgrade = counts(2.0, 2.0, 2.0);
        upgrade[0].samples.values.pop();
        let upgrade = bucket_ends(&upgrade, &[SECONDS]);
        assert!(!upgrade[0].is_mixed && upgrade[0].differ(), "{upgrade:?}");
        assert_eq!(common_ends(&upgrade), Some(vec![2.0, f64::INFINITY]));
        let rates = [range("", "1", &[(0.0, 3.0)]), range("", "2", &[(0.0, 5.0)]), range("", "+Inf", &[(0.0, 9.0)])];
        let frame = bucket_frame(&rates, (&[SECONDS], &upgrade), Unit::Seconds, GRID, 0);
        assert_eq!(columns(&frame), [("≤ 2 s", vec![5.0, -1.0, -1.0]), ("beyond", vec![4.0, -1.0, -1.0])]);
        let counts = bucket_counts(
            instants(&[("", "1", 3.0), ("", "+Inf", 9.0), ("samples", "1", 7.0), ("samples", "+Inf", 9.0)]),
            &[SECONDS],
        );
        assert_eq!(counts[0].iter().map(|one| one.is_complete).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn engines_have_their_own_ends_and_units() {
        let milliseconds = BucketSource { engine: "B", scale: 0.001, is_outermost: true };
        let sources = [BucketSource { engine: "A", ..SECONDS }, milliseconds];
        let matrix =
            [range("A", "0.3", &[(0.0, 1.0)]), range("B", "300", &[(0.0, 1.0)]), range("B", "700", &[(0.0, 1.0)])];
        let ends = bucket_ends(&matrix, &sources);
        assert_eq!((ends[0].grids[0].len(), ends[1].grids[0].len(), ends[1].engine.as_str()), (1, 2, "B"));
        let frame = bucket_frame(&matrix, (&sources, &ends), Unit::Seconds, GRID, 0);
        assert_eq!(columns(&frame), [("≤ 300 ms", vec![2.0, -1.0, -1.0])]);
        let counts = bucket_counts(instants(&[("A", "+Inf", 0.0), ("B", "+Inf", 1.0)]), &sources);
        assert_eq!(counts.len(), 1, "an engine without requests has no share");
    }

    #[test]
    fn ends_that_look_alike_have_names_of_their_own() {
        let matrix = [range("", "1.00001", &[(0.0, 1.0)]), range("", "1.00002", &[(0.0, 1.0)])];
        let frame = bucket_frame(&matrix, (&[SECONDS], &[]), Unit::Seconds, GRID, 0);
        assert_eq!(
            frame.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
            ["≤ 1 s", "≤ 1.00002 s"]
        );
    }
}
