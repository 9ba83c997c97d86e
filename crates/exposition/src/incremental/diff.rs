//! The comparison of a metrics page with the previous one of its target.
use super::layout::{HashedText, Layout, LayoutLine, TextHasher};
use super::series_table::SeriesTable;
use crate::error::ParseError;
use crate::format::Format;
use crate::line::sample::{LabelBuffers, Measurement, SampleLine};
use crate::line::{Line, MetadataLine};
use crate::parse::Parser;
use crate::timestamp::Timestamp;
use crate::validate::recheck::Recheck;

/// What a page has, and how that differs from the previous page.
pub(crate) struct PageDiff<'b, 'c> {
    previous: &'c Layout,
    hasher: &'c TextHasher,
    table: &'c mut SeriesTable,
    /// Whether the previous page had the same format and limits, so that equal text means the same.
    is_comparable: bool,
    /// The line of the previous page that is expected next.
    expected: usize,
    /// How many lines matched before the first difference.
    matched: usize,
    /// The lines read so far; none while they are the first lines of the previous page.
    pub layout: Option<Layout>,
    pub samples: Vec<NumberedSample>,
    /// In the order of their first samples.
    pub new_series: Vec<AddedSeries<'b>>,
    /// Metadata that the previous page did not have at this position.
    pub new_metadata: Vec<MetadataLine<'b>>,
    buffers: LabelBuffers<'b>,
}

/// A series that the previous page did not have.
#[derive(Clone, Copy)]
pub(crate) struct AddedSeries<'b> {
    pub number: u32,
    /// Its first sample's line before the value.
    pub text: &'b str,
}

/// A sample, its series identified by number.
#[derive(Clone, Copy)]
pub(crate) struct NumberedSample {
    pub series: u32,
    pub value: f64,
    pub timestamp: Option<Timestamp>,
}

/// A line that matched the expected one.
enum MatchedLine {
    Sample(Measurement),
    Other,
}

impl<'b, 'c> PageDiff<'b, 'c> {
    pub(crate) fn new(
        previous: &'c Layout,
        hasher: &'c TextHasher,
        table: &'c mut SeriesTable,
        is_comparable: bool,
    ) -> Self {
        Self {
            previous,
            hasher,
            table,
            is_comparable,
            expected: 0,
            matched: 0,
            layout: None,
            samples: Vec::with_capacity(previous.len()),
            new_series: Vec::new(),
            new_metadata: Vec::new(),
            buffers: LabelBuffers::default(),
        }
    }

    /// Reads the whole page.
    pub(crate) fn read(&mut self, parser: &mut Parser<'b, '_>) -> Result<(), ParseError> {
        match parser.format() {
            Format::Text if self.is_comparable => {
                while self.match_expected(parser)?.is_some() || self.parse_line(parser)? {}
            }
            Format::OpenMetrics if self.is_comparable && self.match_all(parser)? => {}
            _ => while self.parse_line(parser)? {},
        }
        if self.layout.is_none() && self.matched < self.previous.len() {
            self.layout = Some(self.previous.first(self.matched));
        }
        if let Some(layout) = &mut self.layout {
            layout.shrink();
            self.table.shrink();
        }
        Ok(())
    }

    /// Reads a page whose lines equal the previous page's except for values; returns false, having read nothing, if they
    /// do not. Rules that span lines require that either all lines are compared or all are parsed.
    fn match_all(&mut self, parser: &mut Parser<'b, '_>) -> Result<bool, ParseError> {
        let mut recheck = Recheck::default();
        let previous = self.previous;
        let mut classified = previous.classified().iter();
        let is_valid = loop {
            match self.match_expected(parser)? {
                Some(MatchedLine::Sample(measurement)) => match classified.next() {
                    Some(classified) if recheck.sample(*classified, &measurement).is_ok() => {}
                    _ => break false,
                },
                Some(MatchedLine::Other) => {}
                None => {
                    let is_at_end = parser.rest().is_empty() && self.expected == self.previous.len();
                    break is_at_end && recheck.finish().is_ok();
                }
            }
        };
        if !is_valid {
            parser.restart();
            self.samples.clear();
            (self.expected, self.matched) = (0, 0);
        }
        Ok(is_valid)
    }

    /// Reverts the changes to the series table.
    pub(crate) fn undo(self) {
        for series in self.new_series {
            self.table.remove(series.number);
        }
    }

    /// Consumes the next line if it equals the expected one except for the value.
    fn match_expected(&mut self, parser: &mut Parser<'b, '_>) -> Result<Option<MatchedLine>, ParseError> {
        let Some(line) = self.previous.line(self.expected) else { return Ok(None) };
        if !self.hasher.begins_with(parser.rest(), line.text) {
            return Ok(None);
        }
        let length = line.text.length as usize;
        let matched = match line.series() {
            Some(series) => {
                let Some(measurement) = parser.expected_sample(length, &mut self.buffers)? else { return Ok(None) };
                self.push_sample(series, &measurement);
                MatchedLine::Sample(measurement)
            }
            None => {
                parser.skip_line(length);
                MatchedLine::Other
            }
        };
        self.keep_expected(line);
        Ok(Some(matched))
    }

    /// Parses the next line; false at the end of the page.
    fn parse_line(&mut self, parser: &mut Parser<'b, '_>) -> Result<bool, ParseError> {
        let rest = parser.rest();
        let Some(line) = parser.next_line(&mut self.buffers)? else { return Ok(false) };
        let text = rest.get(..rest.len() - parser.rest().len()).unwrap_or_default();
        match line {
            Line::Sample(sample) => {
                self.add_sample(text.get(..sample.value_at).unwrap_or_default(), &sample);
                if let Some(layout) = &mut self.layout {
                    layout.push_classified(parser.classified());
                }
            }
            // A line without its line feed can be a prefix of a line on the next page; `# EOF` cannot.
            _ if !text.ends_with('\n') && parser.format() != Format::OpenMetrics => {}
            _ => {
                let hashed = LayoutLine::new(self.hasher.hash(text.as_bytes()), None);
                if self.expected(hashed.text).is_some_and(|expected| expected.series().is_none()) {
                    self.keep_expected(hashed);
                } else {
                    self.keep_new(hashed);
                    if let Line::Metadata(metadata) = line {
                        self.new_metadata.push(metadata);
                    }
                }
            }
        }
        Ok(true)
    }

    fn add_sample(&mut self, text: &'b str, sample: &SampleLine<'b>) {
        let hashed = self.hasher.hash(text.as_bytes());
        if let Some(line) = self.expected(hashed)
            && let Some(series) = line.series()
        {
            self.push_sample(series, &sample.measurement);
            self.keep_expected(line);
            return;
        }
        let fingerprint = self.table.fingerprint(&sample.name, &self.buffers.labels);
        let (number, is_new) = self.table.number(fingerprint);
        if is_new {
            self.new_series.push(AddedSeries { number, text });
        } else {
            self.expected = self.table.entry(number).line as usize + 1;
        }
        self.push_sample(number, &sample.measurement);
        self.keep_new(LayoutLine::new(hashed, Some(number)));
    }

    fn push_sample(&mut self, series: u32, measurement: &Measurement) {
        self.samples.push(NumberedSample { series, value: measurement.value, timestamp: measurement.timestamp });
    }

    /// The expected line, if it has this text.
    fn expected(&self, text: HashedText) -> Option<LayoutLine> {
        self.previous.line(self.expected).filter(|line| self.is_comparable && line.text == text)
    }

    fn keep_expected(&mut self, line: LayoutLine) {
        self.expected += 1;
        if self.layout.is_some() {
            self.keep_new(line);
        } else {
            self.matched += 1;
        }
    }

    fn keep_new(&mut self, line: LayoutLine) {
        let layout = self.layout.get_or_insert_with(|| self.previous.first(self.matched));
        if let Some(series) = line.series() {
            // The limit on the body keeps a page far below 2^32 lines.
            self.table.entry(series).line = layout.len().try_into().unwrap_or(u32::MAX);
        }
        layout.push(line);
    }
}
