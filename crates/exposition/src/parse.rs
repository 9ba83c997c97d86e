//! The parser of one metrics page: line by line, sample by sample, or as families.
use crate::error::{ErrorKind, ParseError};
use crate::family::{Exemplar, Family, Sample};
use crate::format::Format;
use crate::grouping::Grouping;
use crate::limits::Limits;
use crate::line::cursor::Cursor;
use crate::line::labels::Label;
use crate::line::number::parse_leading;
use crate::line::sample::{LabelBuffers, Measurement};
use crate::line::{Line, LineError, LineReader};
use crate::timestamp::Timestamp;
use crate::validate::role::ClassifiedSample;
use crate::validate::{Outcome, Validator};
use memchr::{memchr, memchr_iter, memrchr};

/// A sample of a metrics page, borrowed for one call.
#[derive(Clone, Copy, Debug)]
pub struct SampleRef<'a> {
    /// The full name, unescaped.
    pub name: &'a str,
    /// The labels in the page's order, unescaped; values may be empty.
    pub labels: &'a [Label<'a>],
    /// The value.
    pub value: f64,
    /// The page's own timestamp for the sample, in Unix milliseconds.
    pub timestamp_ms: Option<i64>,
}

/// Calls `visit` for each sample of `body`, in order. Any error rejects the whole page, but only after `visit` has seen
/// the samples before it: a caller that stores all or nothing must buffer them until this returns.
///
/// # Errors
/// The first violation of the format or the limits.
pub fn for_each_sample(
    body: &[u8],
    format: Format,
    limits: &Limits,
    visit: &mut dyn FnMut(SampleRef<'_>),
) -> Result<(), ParseError> {
    let mut parser = Parser::new(body, format, limits)?;
    let mut buffers = LabelBuffers::default();
    while let Some(line) = parser.next_line(&mut buffers)? {
        if let Line::Sample(sample) = line {
            visit(SampleRef {
                name: &sample.name,
                labels: &buffers.labels,
                value: sample.measurement.value,
                timestamp_ms: sample.measurement.timestamp.map(Timestamp::ms),
            });
        }
    }
    Ok(())
}

/// Parses a metrics page into its families, in the order of their first mention. In Prometheus text, pieces of one
/// family are merged, and the first type, help and unit of a family count.
///
/// # Errors
/// The first violation of the format or the limits.
pub fn parse(body: &[u8], format: Format, limits: &Limits) -> Result<Vec<Family>, ParseError> {
    let mut parser = Parser::new(body, format, limits)?;
    let mut buffers = LabelBuffers::default();
    let mut grouping = Grouping::new(format);
    while let Some(line) = parser.next_line(&mut buffers)? {
        add_line(line, &buffers, &mut grouping);
    }
    Ok(grouping.into_families())
}

/// Adds a line to the families; the labels of a sample are in `buffers`.
pub(crate) fn add_line(line: Line<'_>, buffers: &LabelBuffers<'_>, grouping: &mut Grouping) {
    match line {
        Line::Ignored | Line::Eof | Line::NativeHistogram(_) => {}
        Line::Metadata(metadata) => grouping.add_metadata(&metadata),
        Line::Sample(sample) => grouping.add_sample(Sample {
            name: sample.name.into_owned(),
            labels: owned(&buffers.labels),
            value: sample.measurement.value,
            timestamp: sample.measurement.timestamp,
            exemplar: sample.measurement.exemplar.map(|(value, timestamp)| Exemplar {
                labels: owned(&buffers.exemplar_labels),
                value,
                timestamp,
            }),
        }),
    }
}

fn owned(labels: &[Label<'_>]) -> Vec<(String, String)> {
    labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
}

/// Reads a metrics page line by line, and enforces the rules of its format and the limits.
pub(crate) struct Parser<'b, 'l> {
    text: &'b str,
    /// Bytes read so far.
    at: usize,
    /// Lines read so far.
    lines: usize,
    samples: usize,
    reader: LineReader<'l>,
    validator: Validator,
    classified: Option<ClassifiedSample>,
}

impl<'b, 'l> Parser<'b, 'l> {
    pub(crate) fn new(body: &'b [u8], format: Format, limits: &'l Limits) -> Result<Self, ParseError> {
        let text = checked_text(body, limits)?;
        let reader = LineReader { format, limits };
        Ok(Self { text, at: 0, lines: 0, samples: 0, reader, validator: Validator::new(format), classified: None })
    }

    /// The next line, or none at the end of the page. The labels of a sample go into `buffers`. A sample that the format
    /// requires readers to ignore is [`Line::Ignored`].
    pub(crate) fn next_line(&mut self, buffers: &mut LabelBuffers<'b>) -> Result<Option<Line<'b>>, ParseError> {
        let Some(text) = self.next_text()? else {
            let last_line = self.text.rsplit('\n').next().unwrap_or_default();
            let is_complete = last_line.trim_start_matches([' ', '\t']).is_empty();
            return self.validator.finish(is_complete).map(|()| None).map_err(|kind| kind.at(self.lines + 1, 1));
        };
        let locate = |error: LineError| error.kind.at(self.lines, error.offset + 1);
        let line = self.reader.read(text, buffers).map_err(locate)?;
        self.classified = None;
        let outcome = match &line {
            Line::Ignored => Ok(Outcome::Valid(None)),
            Line::Eof => self.validator.eof_marker().map(|()| Outcome::Valid(None)),
            Line::Metadata(metadata) => self.validator.metadata(metadata).map(|()| Outcome::Valid(None)),
            Line::Sample(sample) => self.validator.sample(sample, &buffers.labels),
            Line::NativeHistogram(name) => self.validator.native_histogram(name).map(|()| Outcome::Duplicate),
        };
        let outcome = outcome.map_err(|kind| kind.at(self.lines, 1))?;
        if matches!(line, Line::Sample(_)) {
            self.count_sample()?;
        }
        match outcome {
            Outcome::Valid(classified) => {
                self.classified = classified;
                Ok(Some(line))
            }
            Outcome::Duplicate => Ok(Some(Line::Ignored)),
        }
    }

    /// The role of the last line, if it is an OpenMetrics sample.
    pub(crate) fn classified(&self) -> Option<ClassifiedSample> {
        self.classified
    }

    /// Returns to the start of the page. The caller ensures that no line has been validated.
    pub(crate) fn restart(&mut self) {
        (self.at, self.lines, self.samples) = (0, 0, 0);
    }

    /// Reads the next line as a sample of a known series, which its first `prefix_bytes` name as an earlier page did.
    /// Returns none, without consuming the line, if the rest of it needs a full parse or is invalid.
    pub(crate) fn expected_sample(
        &mut self,
        prefix_bytes: usize,
        buffers: &mut LabelBuffers<'b>,
    ) -> Result<Option<Measurement>, ParseError> {
        let Some(rest) = self.rest().get(prefix_bytes..) else { return Ok(None) };
        let (measurement, length) = match parse_leading(rest.as_bytes()) {
            Some((value, end)) if rest.as_bytes().get(end) == Some(&b'\n') => {
                (Measurement { value, timestamp: None, exemplar: None }, end + 1)
            }
            _ => {
                let (line, length) = first_line(rest);
                let line = self.without_carriage_return(line);
                let measurement = self.reader.measurement(&mut Cursor::new(line), &mut buffers.exemplar_labels);
                let Ok(measurement) = measurement else { return Ok(None) };
                (measurement, length)
            }
        };
        if prefix_bytes + length > self.reader.limits.line_bytes {
            return Ok(None);
        }
        self.at += prefix_bytes + length;
        self.lines += 1;
        self.count_sample()?;
        Ok(Some(measurement))
    }

    /// Consumes the next line, which has so many bytes with its line feed and which an earlier page had.
    pub(crate) fn skip_line(&mut self, bytes: usize) {
        self.at += bytes;
        self.lines += 1;
    }

    pub(crate) fn format(&self) -> Format {
        self.reader.format
    }

    /// The whole page.
    pub(crate) fn text(&self) -> &'b str {
        self.text
    }

    /// The part of the page that has not been read.
    pub(crate) fn rest(&self) -> &'b str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn count_sample(&mut self) -> Result<(), ParseError> {
        self.samples += 1;
        let limit = self.reader.limits.samples;
        if self.samples > limit { Err(ErrorKind::SampleLimit { limit }.at(self.lines, 1)) } else { Ok(()) }
    }

    /// The next line without its line ending.
    fn next_text(&mut self) -> Result<Option<&'b str>, ParseError> {
        let rest = self.rest();
        if rest.is_empty() {
            return Ok(None);
        }
        let (line, length) = first_line(rest);
        self.at += length;
        self.lines += 1;
        let limit = self.reader.limits.line_bytes;
        if line.len() > limit {
            return Err(ErrorKind::LineLimit { limit }.at(self.lines, limit + 1));
        }
        Ok(Some(self.without_carriage_return(line)))
    }

    /// Strips the carriage return that some servers send before the line feed.
    fn without_carriage_return<'t>(&self, line: &'t str) -> &'t str {
        if self.reader.format == Format::Text { line.strip_suffix('\r').unwrap_or(line) } else { line }
    }
}

/// The first line of `text` without its line feed, and its length including it.
fn first_line(text: &str) -> (&str, usize) {
    match memchr(b'\n', text.as_bytes()) {
        Some(end) => (text.get(..end).unwrap_or(text), end + 1),
        None => (text, text.len()),
    }
}

/// The body as text, after checking its length and encoding.
fn checked_text<'b>(body: &'b [u8], limits: &Limits) -> Result<&'b str, ParseError> {
    let limit = limits.body_bytes;
    if body.len() > limit {
        return Err(ErrorKind::BodyLimit { limit }.at(1, 1));
    }
    std::str::from_utf8(body).map_err(|error| {
        let before = body.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + memchr_iter(b'\n', before).count();
        let column = 1 + before.len() - memrchr(b'\n', before).map_or(0, |at| at + 1);
        ErrorKind::Utf8.at(line, column)
    })
}
