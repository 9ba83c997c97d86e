//! Writing an answer as Prometheus does, straight from the evaluator's result.
//!
//! The types of `promapi` read it; they are not built here, as a result of a million points would be copied twice.
use promapi::{format_time, format_value};
use promql::{Answer, Labels, Value};
use std::io::{self, Write};

/// Around a label set, and around a point that is as short as points are: `[1700000000,"1"],`.
const SERIES_BYTES: usize = 24;
const POINT_BYTES: usize = 17;

/// Writes the answer's JSON.
///
/// # Errors
/// Those of `out`.
pub(super) fn write_json(answer: &Answer, out: impl Write) -> io::Result<()> {
    let mut out = Writer { out };
    out.text(r#"{"status":"success","data":{"resultType":"#)?;
    match &answer.value {
        Value::Scalar { time_ms, value } => {
            out.text(r#""scalar","result":"#)?;
            out.point(*time_ms, *value)?;
        }
        Value::String { time_ms, value } => {
            out.text(r#""string","result":["#)?;
            out.text(&format_time(*time_ms))?;
            out.text(",")?;
            out.quoted(value)?;
            out.text("]")?;
        }
        Value::Vector(samples) => {
            out.text(r#""vector","result":["#)?;
            out.list(samples, |out, sample| {
                out.metric(&sample.labels)?;
                out.text(r#","value":"#)?;
                out.point(sample.time_ms, sample.value)?;
                out.text("}")
            })?;
            out.text("]")?;
        }
        Value::Matrix(series) => {
            out.text(r#""matrix","result":["#)?;
            out.list(series, |out, series| {
                out.metric(&series.labels)?;
                out.text(r#","values":["#)?;
                out.list(&series.points, |out, (time_ms, value)| out.point(*time_ms, *value))?;
                out.text("]}")
            })?;
            out.text("]")?;
        }
    }
    out.text("}")?;
    for (name, remarks) in [("warnings", &answer.warnings), ("infos", &answer.infos)] {
        if !remarks.is_empty() {
            out.text(",")?;
            out.quoted(name)?;
            out.text(":[")?;
            out.list(remarks, |out, remark| out.quoted(remark))?;
            out.text("]")?;
        }
    }
    out.text("}")
}

/// About how long the JSON is, rather less than more, without writing it.
pub(super) fn least_length(answer: &Answer) -> usize {
    let of_labels = |labels: &Labels| labels.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>();
    match &answer.value {
        Value::Scalar { .. } => POINT_BYTES,
        Value::String { value, .. } => value.len(),
        Value::Vector(samples) => {
            samples.iter().map(|sample| of_labels(&sample.labels) + SERIES_BYTES + POINT_BYTES).sum()
        }
        Value::Matrix(series) => {
            series.iter().map(|own| of_labels(&own.labels) + SERIES_BYTES + own.points.len() * POINT_BYTES).sum()
        }
    }
}

/// About how much memory the answer holds.
pub(super) fn memory_bytes(answer: &Answer) -> usize {
    let of_labels = |labels: &Labels| 96 + 32 * labels.len();
    match &answer.value {
        Value::Scalar { .. } => 0,
        Value::String { value, .. } => value.len(),
        Value::Vector(samples) => samples.iter().map(|sample| of_labels(&sample.labels)).sum(),
        Value::Matrix(series) => series.iter().map(|own| of_labels(&own.labels) + size_of_val(&*own.points)).sum(),
    }
}

struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    fn quoted(&mut self, text: &str) -> io::Result<()> {
        Ok(serde_json::to_writer(&mut self.out, text)?)
    }

    fn point(&mut self, time_ms: i64, value: f64) -> io::Result<()> {
        self.text("[")?;
        self.text(&format_time(time_ms))?;
        self.text(",\"")?;
        self.text(&format_value(value))?;
        self.text("\"]")
    }

    /// The labels, and the brace of the object around them and the points.
    fn metric(&mut self, labels: &Labels) -> io::Result<()> {
        self.text(r#"{"metric":{"#)?;
        for (number, (name, value)) in labels.iter().enumerate() {
            if number > 0 {
                self.text(",")?;
            }
            self.quoted(name)?;
            self.text(":")?;
            self.quoted(value)?;
        }
        self.text("}")
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T) -> io::Result<()>) -> io::Result<()> {
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.text(",")?;
            }
            write(self, item)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::{Sample, Series};

    fn written(answer: &Answer) -> String {
        let mut out = Vec::new();
        write_json(answer, &mut out).expect("memory");
        assert!(least_length(answer) <= out.len());
        String::from_utf8(out).expect("text")
    }

    fn json(value: Value) -> String {
        written(&Answer { value, warnings: Vec::new(), infos: Vec::new() })
    }

    fn data(value: Value) -> String {
        let json = json(value);
        serde_json::from_str::<promapi::Answer<promapi::Data>>(&json).expect("an answer").into_result().expect("data");
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
                Series { labels: Labels::default(), points: vec![(1000, 1.0), (2000, f64::INFINITY)] },
                Series { labels: Labels::from_pairs([("a", "b")]), points: vec![(1000, -0.0)] },
            ])),
            concat!(
                r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2,"+Inf"]]},"#,
                r#"{"metric":{"a":"b"},"values":[[1,"-0"]]}]}"#
            )
        );
    }

    #[test]
    fn remarks_follow_the_data() {
        let answer = Answer {
            value: Value::Vector(Vec::new()),
            warnings: vec!["w".into()],
            infos: vec!["i".into(), "j".into()],
        };
        assert_eq!(
            written(&answer),
            r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["w"],"infos":["i","j"]}"#
        );
    }
}
