//! A page line by line: samples as they come, or families as a whole.
use crate::{
    error::{ErrorKind, ParseError},
    family::{Exemplar, Family, Sample},
    format::Format,
    grouping::Grouping,
    judge::{Judge, Verdict, recheck::Ruling},
    limits::Limits,
    line::{
        Line, LineReader,
        cursor::Cursor,
        labels::Label,
        number::parse_leading,
        sample::{Point, Scratch},
        time::Timestamp,
    },
};
use memchr::{memchr, memchr_iter, memrchr};

/// A sample as it stands on the page; lives for one call.
#[derive(Clone, Copy, Debug)]
pub struct SampleRef<'a> {
    /// The full name, unescaped.
    pub name: &'a str,
    /// The labels in the page's order, unescaped; values may be empty.
    pub labels: &'a [Label<'a>],
    /// The value.
    pub value: f64,
    /// When it was measured, in Unix milliseconds, where the page says so.
    pub timestamp_ms: Option<i64>,
}

/// Calls `visit` for each sample of `body`, in order. An offence anywhere refuses the page, but samples before it have
/// been visited by then: who takes all or nothing must hold them back until this returns.
///
/// # Errors
/// The first offence against the format or the limits.
pub fn for_each_sample(
    body: &[u8],
    format: Format,
    limits: &Limits,
    visit: &mut dyn FnMut(SampleRef<'_>),
) -> Result<(), ParseError> {
    let mut page = PageReader::new(body, format, limits)?;
    let mut scratch = Scratch::default();
    while let Some(line) = page.next_line(&mut scratch)? {
        if let Line::Sample(sample) = line {
            visit(SampleRef {
                name: &sample.name,
                labels: &scratch.labels,
                value: sample.point.value,
                timestamp_ms: sample.point.timestamp.map(Timestamp::ms),
            });
        }
    }
    Ok(())
}

/// Reads a page into its families, in the order of their first mention. In Prometheus text a family printed twice is
/// one family here, and of two types, helps or units the first counts.
///
/// # Errors
/// The first offence against the format or the limits.
pub fn parse(body: &[u8], format: Format, limits: &Limits) -> Result<Vec<Family>, ParseError> {
    let mut page = PageReader::new(body, format, limits)?;
    let mut scratch = Scratch::default();
    let mut grouping = Grouping::new(format);
    while let Some(line) = page.next_line(&mut scratch)? {
        group(line, &scratch, &mut grouping);
    }
    Ok(grouping.families())
}

/// Takes a line into the families; the labels of a sample are in `scratch`.
pub(crate) fn group(line: Line<'_>, scratch: &Scratch<'_>, grouping: &mut Grouping) {
    match line {
        Line::Nothing | Line::Eof | Line::NativeHistogram(_) => {}
        Line::Metadata(metadata) => grouping.metadata(&metadata),
        Line::Sample(sample) => grouping.sample(Sample {
            name: sample.name.into_owned(),
            labels: owned(&scratch.labels),
            value: sample.point.value,
            timestamp: sample.point.timestamp,
            exemplar: sample.point.exemplar.map(|(value, timestamp)| Exemplar {
                labels: owned(&scratch.exemplar_labels),
                value,
                timestamp,
            }),
        }),
    }
}

fn owned(labels: &[Label<'_>]) -> Vec<(String, String)> {
    labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
}

/// A page being read, with what its format and the limits have to say about it.
pub(crate) struct PageReader<'b, 'l> {
    text: &'b str,
    /// Bytes read so far.
    at: usize,
    /// Lines read so far.
    lines: usize,
    samples: usize,
    reader: LineReader<'l>,
    judge: Judge,
    ruling: Option<Ruling>,
}

impl<'b, 'l> PageReader<'b, 'l> {
    pub(crate) fn new(body: &'b [u8], format: Format, limits: &'l Limits) -> Result<Self, ParseError> {
        let text = checked_text(body, limits)?;
        let reader = LineReader { format, limits };
        Ok(Self { text, at: 0, lines: 0, samples: 0, reader, judge: Judge::new(format), ruling: None })
    }

    /// The next line, the labels of a sample being put into `scratch`; none at the end of the page. A sample that the
    /// format has readers ignore is [`Line::Nothing`].
    pub(crate) fn next_line(&mut self, scratch: &mut Scratch<'b>) -> Result<Option<Line<'b>>, ParseError> {
        let Some(text) = self.next_text()? else {
            let last_line = self.text.rsplit('\n').next().unwrap_or_default();
            let is_complete = last_line.trim_start_matches([' ', '\t']).is_empty();
            return self.judge.finish(is_complete).map(|()| None).map_err(|kind| kind.at(self.lines + 1, 1));
        };
        let place = |(at, kind): (usize, ErrorKind)| kind.at(self.lines, at + 1);
        let line = self.reader.read(text, scratch).map_err(place)?;
        self.ruling = None;
        let judged = match &line {
            Line::Nothing => Ok(Verdict::Counts(None)),
            Line::Eof => self.judge.end_mark().map(|()| Verdict::Counts(None)),
            Line::Metadata(metadata) => self.judge.metadata(metadata).map(|()| Verdict::Counts(None)),
            Line::Sample(sample) => self.judge.sample(sample, &scratch.labels),
            Line::NativeHistogram(name) => self.judge.native_histogram(name).map(|()| Verdict::Repeats),
        };
        let verdict = judged.map_err(|kind| place((0, kind)))?;
        if matches!(line, Line::Sample(_)) {
            self.count_sample()?;
        }
        match verdict {
            Verdict::Counts(ruling) => {
                self.ruling = ruling;
                Ok(Some(line))
            }
            Verdict::Repeats => Ok(Some(Line::Nothing)),
        }
    }

    /// What the last line is, if it is a sample of OpenMetrics.
    pub(crate) fn ruling(&self) -> Option<Ruling> {
        self.ruling
    }

    /// Goes back to the start of a page of which no line has been judged.
    pub(crate) fn restart(&mut self) {
        (self.at, self.lines, self.samples) = (0, 0, 0);
    }

    /// Takes the next line for a sample of the series that a line told by beginning with `text` before. None, with the
    /// line not taken, where it has to be read in full: it is another's, or something is wrong with it.
    pub(crate) fn known_sample(&mut self, text: &str, scratch: &mut Scratch<'b>) -> Result<Option<Point>, ParseError> {
        let Some(rest) = self.rest().strip_prefix(text) else { return Ok(None) };
        let (point, length) = match parse_leading(rest.as_bytes()) {
            Some((value, end)) if rest.as_bytes().get(end) == Some(&b'\n') => {
                (Point { value, timestamp: None, exemplar: None }, end + 1)
            }
            _ => {
                let (line, length) = first_line(rest);
                let line = self.without_carriage_return(line);
                let Ok(point) = self.reader.point(&mut Cursor::new(line), &mut scratch.exemplar_labels) else {
                    return Ok(None);
                };
                (point, length)
            }
        };
        if text.len() + length > self.reader.limits.line_bytes {
            return Ok(None);
        }
        self.at += text.len() + length;
        self.lines += 1;
        self.count_sample()?;
        Ok(Some(point))
    }

    /// Takes the next line if it is `line`, which has its line feed.
    pub(crate) fn known_line(&mut self, line: &str) -> bool {
        let is_next = self.rest().starts_with(line);
        self.at += if is_next { line.len() } else { 0 };
        self.lines += usize::from(is_next);
        is_next
    }

    pub(crate) fn format(&self) -> Format {
        self.reader.format
    }

    /// What is left of the page.
    pub(crate) fn rest(&self) -> &'b str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn count_sample(&mut self) -> Result<(), ParseError> {
        self.samples += 1;
        let limit = self.reader.limits.samples;
        if self.samples > limit { Err(ErrorKind::SampleLimit { limit }.at(self.lines, 1)) } else { Ok(()) }
    }

    /// The next line without its line end.
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

    /// A line without the carriage return that some servers put before the line feed.
    fn without_carriage_return<'t>(&self, line: &'t str) -> &'t str {
        if self.reader.format == Format::Text { line.strip_suffix('\r').unwrap_or(line) } else { line }
    }
}

/// The first line of `text` without its line feed, and its length with it.
fn first_line(text: &str) -> (&str, usize) {
    match memchr(b'\n', text.as_bytes()) {
        Some(end) => (text.get(..end).unwrap_or(text), end + 1),
        None => (text, text.len()),
    }
}

/// The page as text, once it is known to be short enough and UTF-8.
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
