//! Writes query results as JSON in Prometheus's format, directly from the evaluator's types.
//!
//! Building the types of `prometheus_api` first would copy a million samples twice.
use prometheus_api::{format_time, format_value};
use promql::{Labels, QueryResult, Value};
use serde_json::json;
use std::time::Duration;

/// The length of what surrounds a label set, and of the shortest usual sample: `[1700000000,"1"],`.
const SERIES_BYTES: usize = 24;
const SAMPLE_BYTES: usize = 17;

/// How long a query took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryTimes {
    /// The wait for a permit.
    pub(crate) queue: Duration,
    pub(crate) evaluation: Duration,
}

/// The object `stats` of a response: Prometheus's fields, without those of work that is not counted apart here.
fn stats(result: &QueryResult, times: QueryTimes) -> serde_json::Value {
    let (queue, evaluation) = (times.queue.as_secs_f64(), times.evaluation.as_secs_f64());
    json!({
        "timings": {
            "evalTotalTime": evaluation,
            "innerEvalTime": evaluation,
            "execQueueTime": queue,
            "execTotalTime": queue + evaluation,
        },
        "samples": {
            "totalQueryableSamples": result.samples.loaded,
            "samplesRead": result.samples.read,
        },
    })
}

/// Writes the response with a result, a piece at a time if need be.
#[derive(Debug, Default)]
pub(crate) struct JsonWriter(Position);

/// Where the next piece begins.
#[derive(Debug, Default)]
enum Position {
    #[default]
    Start,
    /// Before a series, or before a sample of one if that is not 0.
    Series {
        series: usize,
        sample: usize,
    },
    End,
    Done,
}

impl JsonWriter {
    /// Appends the next piece to `out`: at least `min_bytes`, and only a little more. Returns whether there is more.
    pub(crate) fn write(
        &mut self,
        result: &QueryResult,
        times: Option<QueryTimes>,
        out: &mut Vec<u8>,
        min_bytes: usize,
    ) -> bool {
        let enough = out.len().saturating_add(min_bytes);
        while out.len() < enough {
            self.0 = match self.0 {
                Position::Start => write_start(&result.value, out),
                Position::Series { series, sample } => write_series(&result.value, series, sample, out, enough),
                Position::End => {
                    write_end(result, times, out);
                    Position::Done
                }
                Position::Done => return false,
            };
        }
        !matches!(self.0, Position::Done)
    }
}

/// The whole response with `result`, and with statistics if there are `times`.
pub(crate) fn write_json(result: &QueryResult, times: Option<QueryTimes>, out: &mut Vec<u8>) {
    JsonWriter::default().write(result, times, out, usize::MAX);
}

fn write_start(value: &Value, out: &mut Vec<u8>) -> Position {
    push(out, r#"{"status":"success","data":{"resultType":"#);
    match value {
        Value::Scalar { time_ms, value } => {
            push(out, r#""scalar","result":"#);
            push_sample(out, *time_ms, *value);
            return Position::End;
        }
        Value::String { time_ms, value } => {
            push(out, r#""string","result":["#);
            push(out, &format_time(*time_ms));
            push(out, ",");
            push_quoted(out, value);
            push(out, "]");
            return Position::End;
        }
        Value::Vector(_) => push(out, r#""vector","result":["#),
        Value::Matrix(_) => push(out, r#""matrix","result":["#),
    }
    Position::Series { series: 0, sample: 0 }
}

/// Writes one series from `sample` on, but not much beyond `enough` bytes.
fn write_series(value: &Value, series: usize, sample: usize, out: &mut Vec<u8>, enough: usize) -> Position {
    let labels = match value {
        Value::Vector(samples) => samples.get(series).map(|own| &own.labels),
        Value::Matrix(all) => all.get(series).map(|own| &own.labels),
        Value::Scalar { .. } | Value::String { .. } => None,
    };
    let Some(labels) = labels else {
        push(out, "]");
        return Position::End;
    };
    if sample == 0 {
        push(out, if series > 0 { r#",{"metric":"# } else { r#"{"metric":"# });
        push_labels(out, labels);
    }
    match value {
        Value::Matrix(all) => {
            let samples = all.get(series).map_or(&[][..], |own| &own.samples);
            if sample == 0 {
                push(out, r#","values":["#);
            }
            for (number, (time_ms, value)) in samples.iter().enumerate().skip(sample) {
                if number > 0 {
                    push(out, ",");
                }
                push_sample(out, *time_ms, *value);
                if out.len() >= enough && number + 1 < samples.len() {
                    return Position::Series { series, sample: number + 1 };
                }
            }
            push(out, "]}");
        }
        Value::Vector(samples) => {
            push(out, r#","value":"#);
            if let Some(own) = samples.get(series) {
                push_sample(out, own.time_ms, own.value);
            }
            push(out, "}");
        }
        Value::Scalar { .. } | Value::String { .. } => {}
    }
    Position::Series { series: series + 1, sample: 0 }
}

fn write_end(result: &QueryResult, times: Option<QueryTimes>, out: &mut Vec<u8>) {
    if let Some(times) = times {
        push(out, r#","stats":"#);
        push(out, &stats(result, times).to_string());
    }
    push(out, "}");
    for (name, annotations) in [("warnings", &result.warnings), ("infos", &result.infos)] {
        if !annotations.is_empty() {
            push(out, ",");
            push_quoted(out, name);
            push(out, ":");
            push_list(out, annotations.iter(), |out, annotation| push_quoted(out, annotation));
        }
    }
    push(out, "}");
}

/// Estimates the length of the JSON without writing it. The real length is rarely less.
pub(crate) fn min_length(result: &QueryResult) -> usize {
    let of_labels = |labels: &Labels| labels.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>();
    match &result.value {
        Value::Scalar { .. } => SAMPLE_BYTES,
        Value::String { value, .. } => value.len(),
        Value::Vector(samples) => {
            samples.iter().map(|sample| of_labels(&sample.labels) + SERIES_BYTES + SAMPLE_BYTES).sum()
        }
        Value::Matrix(series) => {
            series.iter().map(|one| of_labels(&one.labels) + SERIES_BYTES + one.samples.len() * SAMPLE_BYTES).sum()
        }
    }
}

/// Estimates how much memory the result takes.
pub(crate) fn memory_bytes(result: &QueryResult) -> usize {
    let of_labels = |labels: &Labels| 96 + 32 * labels.len();
    match &result.value {
        Value::Scalar { .. } => 0,
        Value::String { value, .. } => value.len(),
        Value::Vector(samples) => samples.iter().map(|sample| of_labels(&sample.labels)).sum(),
        Value::Matrix(series) => series.iter().map(|one| of_labels(&one.labels) + size_of_val(&*one.samples)).sum(),
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a string with its quotes.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a list, each item as `push_item` writes it.
pub(crate) fn push_list<T>(
    out: &mut Vec<u8>,
    items: impl Iterator<Item = T>,
    mut push_item: impl FnMut(&mut Vec<u8>, T),
) {
    push(out, "[");
    for (number, item) in items.enumerate() {
        if number > 0 {
            push(out, ",");
        }
        push_item(out, item);
    }
    push(out, "]");
}

/// Appends an object with the labels.
pub(crate) fn push_labels(out: &mut Vec<u8>, labels: &Labels) {
    push(out, "{");
    for (number, (name, value)) in labels.iter().enumerate() {
        if number > 0 {
            push(out, ",");
        }
        push_quoted(out, name);
        push(out, ":");
        push_quoted(out, value);
    }
    push(out, "}");
}

fn push_sample(out: &mut Vec<u8>, time_ms: i64, value: f64) {
    push(out, "[");
    push_time(out, time_ms);
    push(out, ",\"");
    push_value(out, value);
    push(out, "\"]");
}

/// Writes a time as [`format_time`] does.
fn push_time(text: &mut Vec<u8>, time_ms: i64) {
    if time_ms < 0 {
        return text.extend_from_slice(format_time(time_ms).as_bytes());
    }
    text.extend_from_slice(itoa::Buffer::new().format(time_ms / 1000).as_bytes());
    let millis = (time_ms % 1000) as u16;
    if millis != 0 {
        let digits = [millis / 100, millis / 10 % 10, millis % 10].map(|digit| b'0' + digit as u8);
        text.extend([b'.'].into_iter().chain(digits));
    }
}

/// Writes a value as [`format_value`] does, but faster. If two shortest representations are equally close, it may
/// choose the other one.
fn push_value(text: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    if value.fract() == 0.0 && magnitude < 1e15 && !(value == 0.0 && value.is_sign_negative()) {
        text.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else if (1e-4..1e15).contains(&magnitude) {
        text.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        text.extend_from_slice(format_value(value).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::{Sample, SampleCounts, Series};

    #[test]
    fn samples_are_written_as_format_time_and_format_value_write_them() {
        let written = |push: fn(&mut Vec<u8>, f64), value| {
            let mut text = Vec::new();
            push(&mut text, value);
            String::from_utf8(text).expect("text")
        };
        let mut values = vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MAX, 0.1, 1e-4, 1e15];
        values.extend((-330..310).flat_map(|exponent| [1.0, -1.0, 1.5, 12_345.678].map(|m| m * 10_f64.powi(exponent))));
        let mut state = 1_u64;
        values.extend((0..20_000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bits = f64::from_bits(state);
            // Random bits, and numbers such as metrics have.
            if state.is_multiple_of(2) {
                bits
            } else {
                (state >> 33) as f64 / [1.0, 10.0, 1000.0, 3.0][(state >> 20) as usize % 4]
            }
        }));
        for value in values {
            let (fast, expected) = (written(push_value, value), format_value(value));
            let bits = |text: &str| text.parse::<f64>().map(f64::to_bits);
            let is_equivalent = fast.len() == expected.len() && bits(&fast) == bits(&expected);
            assert!(fast == expected || is_equivalent, "{fast} {expected}");
        }
        for time_ms in [0, 1, 20, 999, 1000, 1_700_000_000_000, 1_700_000_000_120, -1, -1500, i64::MAX, i64::MIN] {
            let mut text = Vec::new();
            push_time(&mut text, time_ms);
            assert_eq!(String::from_utf8(text).expect("text"), format_time(time_ms));
        }
    }

    fn written(result: &QueryResult) -> String {
        let mut out = Vec::new();
        write_json(result, None, &mut out);
        assert!(min_length(result) <= out.len());
        String::from_utf8(out).expect("text")
    }

    fn json(value: Value) -> String {
        written(&QueryResult { value, warnings: Vec::new(), infos: Vec::new(), samples: SampleCounts::default() })
    }

    fn data(value: Value) -> String {
        let json = json(value);
        serde_json::from_str::<prometheus_api::ApiResponse<prometheus_api::Data>>(&json)
            .expect("an answer")
            .into_result()
            .expect("data");
        json.strip_prefix(r#"{"status":"success","data":"#)
            .and_then(|rest| rest.strip_suffix('}'))
            .expect("ok")
            .to_owned()
    }

    #[test]
    fn results_are_written_as_prometheus_writes_them() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "\"<a>\n")]);
        assert_eq!(
            data(Value::Scalar { time_ms: 1_700_005_400_123, value: f64::NAN }),
            r#"{"resultType":"scalar","result":[1700005400.123,"NaN"]}"#
        );
        assert_eq!(
            data(Value::String { time_ms: 1_700_005_400_000, value: "a\"".into() }),
            r#"{"resultType":"string","result":[1700005400,"a\""]}"#
        );
        assert_eq!(
            data(Value::Vector(vec![Sample { labels: labels.clone(), time_ms: 1500, value: 0.1 }])),
            r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"\"<a>\n"},"value":[1.500,"0.1"]}]}"#
        );
        assert_eq!(
            data(Value::Matrix(vec![
                Series { labels: Labels::default(), samples: vec![(1000, 1.0), (2000, f64::INFINITY)] },
                Series { labels: Labels::from_pairs([("a", "b")]), samples: vec![(1000, -0.0)] },
            ])),
            concat!(
                r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2,"+Inf"]]},"#,
                r#"{"metric":{"a":"b"},"values":[[1,"-0"]]}]}"#
            )
        );
    }

    #[test]
    fn annotations_follow_the_data() {
        let result = QueryResult {
            value: Value::Vector(Vec::new()),
            warnings: vec!["w".into()],
            infos: vec!["i".into(), "j".into()],
            samples: SampleCounts::default(),
        };
        assert_eq!(
            written(&result),
            r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["w"],"infos":["i","j"]}"#
        );
    }

    #[test]
    fn a_response_is_the_same_in_pieces() {
        let samples = (0..50).map(|at| (at * 1000, at as f64 / 3.0)).collect::<Vec<_>>();
        let series = |name: &str| Series { labels: Labels::from_pairs([("__name__", name)]), samples: samples.clone() };
        let matrix = Value::Matrix(vec![series("a"), Series { samples: Vec::new(), ..series("b") }, series("c")]);
        let labels = Labels::from_pairs([("a", "b")]);
        let vector = Value::Vector(vec![Sample { labels, time_ms: 1, value: 2.0 }; 9]);
        for value in [matrix, vector, Value::Scalar { time_ms: 1, value: 2.0 }, Value::Matrix(Vec::new())] {
            let result =
                QueryResult { value, warnings: vec!["w".into()], infos: Vec::new(), samples: SampleCounts::default() };
            let whole = written(&result);
            for min_bytes in [1, 7, 100, 1000] {
                let (mut writer, mut pieces) = (JsonWriter::default(), Vec::new());
                loop {
                    let mut piece = Vec::new();
                    let has_more = writer.write(&result, None, &mut piece, min_bytes);
                    assert!(piece.len() < min_bytes + 100, "{}", piece.len());
                    pieces.extend(piece);
                    if !has_more {
                        break;
                    }
                }
                assert_eq!(String::from_utf8(pieces).expect("text"), whole);
            }
        }
    }
}
