//! Samples of a dump of any length, line by line: what lines mean together is not judged.
use crate::error::{ErrorKind, ParseError};
use crate::format::Format;
use crate::limits::Limits;
use crate::line::labels::Label;
use crate::line::sample::Scratch;
use crate::line::time::Timestamp;
use crate::line::{Line, LineReader};
use std::io::{self, Read};

/// Read at once; a line is at most this long.
const PIECE_BYTES: usize = 1 << 20;

/// A sample of a dump; lives for one call.
#[derive(Clone, Copy, Debug)]
pub struct DumpSample<'a> {
    /// Its line, from 1.
    pub line: usize,
    /// What stands before the value: the same text is the same series.
    pub series: &'a str,
    /// The metric's name, unescaped.
    pub name: &'a str,
    /// The labels, unescaped.
    pub labels: &'a [Label<'a>],
    /// The value.
    pub value: f64,
    /// Unix milliseconds, where the line says so.
    pub timestamp_ms: Option<i64>,
}

/// A dump that cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum DumpError<E> {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// A line offends against the format.
    #[error("{0}")]
    Parse(ParseError),
    /// It ends without `# EOF`.
    #[error("it ends without # EOF: something is missing")]
    CutOff,
    /// The one who takes the samples refuses one.
    #[error(transparent)]
    Refused(E),
}

/// Calls `visit` for each sample of `input`, in OpenMetrics text, in order. Takes about a megabyte of memory.
///
/// # Errors
/// At the first thing that is wrong; the samples before it have been visited.
pub fn for_each_dumped<E>(
    mut input: impl Read,
    limits: &Limits,
    visit: &mut dyn FnMut(DumpSample<'_>) -> Result<(), E>,
) -> Result<(), DumpError<E>> {
    let reader = LineReader { format: Format::OpenMetrics, limits };
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    let mut lines = 0;
    loop {
        let read = input.by_ref().take((PIECE_BYTES - piece.len()) as u64).read_to_end(&mut piece)?;
        let is_last = read == 0;
        let end = match piece.iter().rposition(|byte| *byte == b'\n') {
            _ if is_last => piece.len(),
            Some(end) => end + 1,
            None if piece.len() < PIECE_BYTES => continue,
            None => {
                let limit = PIECE_BYTES;
                return Err(DumpError::Parse(ErrorKind::LineLimit { limit }.at(lines + 1, limit)));
            }
        };
        let whole = piece.get(..end).unwrap_or_default();
        let text = std::str::from_utf8(whole)
            .map_err(|_| DumpError::Parse(ErrorKind::Expected("text in UTF-8").at(lines + 1, 1)))?;
        let mut scratch = Scratch::default();
        for text in text.lines() {
            lines += 1;
            let line = reader.read(text, &mut scratch);
            match line.map_err(|(at, kind)| DumpError::Parse(kind.at(lines, at + 1)))? {
                Line::Eof => return Ok(()),
                Line::Sample(sample) => visit(DumpSample {
                    line: lines,
                    series: text.get(..sample.value_at).unwrap_or_default(),
                    name: &sample.name,
                    labels: &scratch.labels,
                    value: sample.point.value,
                    timestamp_ms: sample.point.timestamp.map(Timestamp::ms),
                })
                .map_err(DumpError::Refused)?,
                Line::Nothing | Line::Metadata(_) | Line::NativeHistogram(_) => {}
            }
        }
        if is_last {
            return Err(DumpError::CutOff);
        }
        piece.drain(..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = Vec<(usize, String, f64, Option<i64>)>;

    fn read(text: &[u8]) -> (Seen, Result<(), DumpError<String>>) {
        let mut seen = Seen::new();
        let outcome = for_each_dumped(text, &Limits::default(), &mut |sample| {
            let labels: Vec<_> = sample.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
            if sample.value < 0.0 {
                return Err("negative".to_owned());
            }
            seen.push((
                sample.line,
                format!("{}[{}]", sample.name, labels.join(",")),
                sample.value,
                sample.timestamp_ms,
            ));
            Ok(())
        });
        (seen, outcome)
    }

    #[test]
    fn samples_come_with_their_lines_and_times() {
        let (seen, outcome) = read(b"# TYPE a counter\na_total{b=\"c\"} 1 1.5\na_total{b=\"c\"} 2 2.5\nd 3\n# EOF\n");
        assert!(outcome.is_ok());
        assert_eq!(
            seen,
            [
                (2, "a_total[b=c]".into(), 1.0, Some(1500)),
                (3, "a_total[b=c]".into(), 2.0, Some(2500)),
                (4, "d[]".into(), 3.0, None)
            ]
        );
    }

    #[test]
    fn pieces_end_at_lines() {
        let lines: String = (0..200_000).map(|n| format!("a{{n=\"{n}\"}} {n} 1\n")).collect();
        let (seen, outcome) = read(format!("{lines}# EOF\n").as_bytes());
        assert!(outcome.is_ok());
        assert_eq!(seen.len(), 200_000);
        assert!(seen.iter().enumerate().all(|(n, sample)| sample.0 == n + 1 && sample.2 == n as f64));
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (text, kept, expected) in [
            (&b"a 1 1\nb{ 1\n# EOF\n"[..], 1, "line 2"),
            (b"a 1 1\n", 1, "without # EOF"),
            (b"a 1 1\n# EO", 1, "line 2"),
            (b"a 1 1\nb -1 1\n# EOF\n", 1, "negative"),
            (b"a 1 1\n\xff\n# EOF\n", 0, "UTF-8"),
        ] {
            let (seen, outcome) = read(text);
            let error = outcome.expect_err("a refusal").to_string();
            assert!(seen.len() == kept && error.contains(expected), "{error}");
        }
    }
}
