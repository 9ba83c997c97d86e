//! Writing an answer as Prometheus does, straight from the evaluator's result.
//!
//! The types of `promapi` read it; they are not built here, as a result of a million points would be copied twice.
use promapi::{format_time, format_value};
use promql::{Answer, Labels, Value};

/// An answer longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is longer than {limit_bytes} bytes; select fewer series or use a longer step")]
pub(super) struct TooLong {
    limit_bytes: usize,
}

/// The answer's JSON, at most about `limit_bytes` long.
pub(super) fn to_json(answer: Answer, limit_bytes: usize) -> Result<Vec<u8>, TooLong> {
    let mut out = Writer { out: br#"{"status":"success","data":{"resultType":"#.to_vec(), limit_bytes };
    match answer.value {
        Value::Scalar { time_ms, value } => {
            out.text(r#""scalar","result":"#);
            out.point(time_ms, value);
        }
        Value::String { time_ms, value } => {
            out.text(r#""string","result":["#);
            out.text(&format_time(time_ms));
            out.text(",");
            out.quoted(&value);
            out.text("]");
        }
        Value::Vector(samples) => {
            out.text(r#""vector","result":["#);
            out.list(samples, |out, sample| {
                out.metric(&sample.labels);
                out.text(r#","value":"#);
                out.point(sample.time_ms, sample.value);
                out.text("}");
                Ok(())
            })?;
            out.text("]");
        }
        Value::Matrix(series) => {
            out.text(r#""matrix","result":["#);
            out.list(series, |out, series| {
                out.metric(&series.labels);
                out.text(r#","values":["#);
                out.list(series.points, |out, (time_ms, value)| {
                    out.point(time_ms, value);
                    Ok(())
                })?;
                out.text("]}");
                Ok(())
            })?;
            out.text("]");
        }
    }
    out.text("}");
    for (name, remarks) in [("warnings", answer.warnings), ("infos", answer.infos)] {
        if !remarks.is_empty() {
            out.text(",");
            out.quoted(name);
            out.text(":[");
            out.list(remarks, |out, remark| {
                out.quoted(&remark);
                Ok(())
            })?;
            out.text("]");
        }
    }
    out.text("}");
    Ok(out.out)
}

struct Writer {
    out: Vec<u8>,
    limit_bytes: usize,
}

impl Writer {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn quoted(&mut self, text: &str) {
        // Writing to memory cannot fail, and a string always serialises.
        let _ = serde_json::to_writer(&mut self.out, text);
    }

    fn point(&mut self, time_ms: i64, value: f64) {
        self.text("[");
        self.text(&format_time(time_ms));
        self.text(",\"");
        self.text(&format_value(value));
        self.text("\"]");
    }

    /// The labels, and the brace of the object around them and the points.
    fn metric(&mut self, labels: &Labels) {
        self.text(r#"{"metric":{"#);
        for (number, (name, value)) in labels.iter().enumerate() {
            if number > 0 {
                self.text(",");
            }
            self.quoted(name);
            self.text(":");
            self.quoted(value);
        }
        self.text("}");
    }

    fn list<T>(
        &mut self,
        items: Vec<T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), TooLong>,
    ) -> Result<(), TooLong> {
        for (number, item) in items.into_iter().enumerate() {
            if self.out.len() > self.limit_bytes {
                return Err(TooLong { limit_bytes: self.limit_bytes });
            }
            if number > 0 {
                self.text(",");
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

    fn json(value: Value) -> String {
        let answer = Answer { value, warnings: Vec::new(), infos: Vec::new() };
        String::from_utf8(to_json(answer, 1 << 20).expect("short")).expect("text")
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
            to_json(answer, 1 << 20).expect("short"),
            br#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["w"],"infos":["i","j"]}"#
        );
    }

    #[test]
    fn an_answer_that_is_too_long_is_none() {
        let points = (0..1000).map(|time_ms| (time_ms, 0.5)).collect();
        let value = Value::Matrix(vec![Series { labels: Labels::default(), points }]);
        let answer = Answer { value, warnings: Vec::new(), infos: Vec::new() };
        assert_eq!(to_json(answer, 1000), Err(TooLong { limit_bytes: 1000 }));
    }
}
