//! Samples of an OpenMetrics dump of any length. Lines are read one by one; rules that span lines are not enforced.
use crate::{
    error::{ErrorKind, ParseError},
    format::Format,
    limits::Limits,
    line::{Line, LineError, LineReader, labels::Label, sample::LabelBuffers},
    timestamp::Timestamp,
};
use std::io::{self, Read};

/// Size of the read buffer, and so the largest line.
const BUFFER_BYTES: usize = 1 << 20;

/// A sample of a dump, borrowed for one call.
#[derive(Clone, Copy, Debug)]
pub struct DumpSample<'a> {
    /// Its line, from 1.
    pub line: usize,
    /// The text before the value: equal texts are the same series.
    pub series: &'a str,
    /// The metric's name, unescaped.
    pub name: &'a str,
    /// The labels, unescaped.
    pub labels: &'a [Label<'a>],
    /// The value.
    pub value: f64,
    /// The timestamp in Unix milliseconds, if the line has one.
    pub timestamp_ms: Option<i64>,
}

/// Why a dump was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum DumpError<E> {
    /// Reading the input failed.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// A line violates the format.
    #[error("{0}")]
    Parse(ParseError),
    /// The input ends without `# EOF`.
    #[error("it is truncated: it ends without # EOF")]
    Truncated,
    /// The visitor returned an error.
    #[error(transparent)]
    Visit(E),
}

/// Calls `visit` for each sample of `input`, in OpenMetrics text, in order. Uses about a megabyte of memory.
///
/// # Errors
/// The first error; the samples before it have been visited.
pub fn for_each_dump_sample<E>(
    mut input: impl Read,
    limits: &Limits,
    visit: &mut dyn FnMut(DumpSample<'_>) -> Result<(), E>,
) -> Result<(), DumpError<E>> {
    let reader = LineReader { format: Format::OpenMetrics, limits };
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    let mut lines = 0;
    loop {
        let read = input.by_ref().take((BUFFER_BYTES - buffer.len()) as u64).read_to_end(&mut buffer)?;
        let is_last = read == 0;
        let end = match buffer.iter().rposition(|byte| *byte == b'\n') {
            _ if is_last => buffer.len(),
            Some(end) => end + 1,
            None if buffer.len() < BUFFER_BYTES => continue,
            None => {
                let limit = BUFFER_BYTES;
                return Err(DumpError::Parse(ErrorKind::LineLimit { limit }.at(lines + 1, limit)));
            }
        };
        let complete_lines = buffer.get(..end).unwrap_or_default();
        let text = std::str::from_utf8(complete_lines)
            .map_err(|_| DumpError::Parse(ErrorKind::Expected("text in UTF-8").at(lines + 1, 1)))?;
        let mut buffers = LabelBuffers::default();
        for text in text.lines() {
            lines += 1;
            let line = reader.read(text, &mut buffers);
            match line.map_err(|LineError { offset, kind }| DumpError::Parse(kind.at(lines, offset + 1)))? {
                Line::Eof => return Ok(()),
                Line::Sample(sample) => visit(DumpSample {
                    line: lines,
                    series: text.get(..sample.value_at).unwrap_or_default(),
                    name: &sample.name,
                    labels: &buffers.labels,
                    value: sample.measurement.value,
                    timestamp_ms: sample.measurement.timestamp.map(Timestamp::ms),
                })
                .map_err(DumpError::Visit)?,
                Line::Ignored | Line::Metadata(_) | Line::NativeHistogram(_) => {}
            }
        }
        if is_last {
            return Err(DumpError::Truncated);
        }
        buffer.drain(..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq, Debug)]
    struct Visited {
        line: usize,
        series: String,
        value: f64,
        timestamp_ms: Option<i64>,
    }

    fn read(text: &[u8]) -> (Vec<Visited>, Result<(), DumpError<String>>) {
        let mut visited = Vec::new();
        let outcome = for_each_dump_sample(text, &Limits::default(), &mut |sample| {
            let labels: Vec<_> = sample.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
            if sample.value < 0.0 {
                return Err("negative".to_owned());
            }
            let series = format!("{}[{}]", sample.name, labels.join(","));
            let DumpSample { line, value, timestamp_ms, .. } = sample;
            visited.push(Visited { line, series, value, timestamp_ms });
            Ok(())
        });
        (visited, outcome)
    }

    #[test]
    fn samples_come_with_their_lines_and_times() {
        let (visited, outcome) =
            read(b"# TYPE a counter\na_total{b=\"c\"} 1 1.5\na_total{b=\"c\"} 2 2.5\nd 3\n# EOF\n");
        assert!(outcome.is_ok());
        assert_eq!(
            visited,
            [
                Visited { line: 2, series: "a_total[b=c]".into(), value: 1.0, timestamp_ms: Some(1500) },
                Visited { line: 3, series: "a_total[b=c]".into(), value: 2.0, timestamp_ms: Some(2500) },
                Visited { line: 4, series: "d[]".into(), value: 3.0, timestamp_ms: None },
            ]
        );
    }

    #[test]
    fn reads_larger_than_the_buffer_lose_no_line() {
        let lines: String = (0..200_000).map(|n| format!("a{{n=\"{n}\"}} {n} 1\n")).collect();
        let (visited, outcome) = read(format!("{lines}# EOF\n").as_bytes());
        assert!(outcome.is_ok());
        assert_eq!(visited.len(), 200_000);
        assert!(visited.iter().enumerate().all(|(n, sample)| sample.line == n + 1 && sample.value == n as f64));
    }

    #[test]
    fn errors_say_where_they_are() {
        for (text, count, expected) in [
            (&b"a 1 1\nb{ 1\n# EOF\n"[..], 1, "line 2"),
            (b"a 1 1\n", 1, "without # EOF"),
            (b"a 1 1\n# EO", 1, "line 2"),
            (b"a 1 1\nb -1 1\n# EOF\n", 1, "negative"),
            (b"a 1 1\n\xff\n# EOF\n", 0, "UTF-8"),
        ] {
            let (visited, outcome) = read(text);
            let error = outcome.expect_err("an error").to_string();
            assert!(visited.len() == count && error.contains(expected), "{error}");
        }
    }
}
