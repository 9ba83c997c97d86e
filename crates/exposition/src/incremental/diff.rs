//! The comparison of a metrics page with the previous one of its target.
use super::{layout::Layout, series_table::SeriesTable};
use crate::{
    error::ParseError,
    format::Format,
    line::{
        Line, MetadataLine,
        sample::{LabelBuffers, Measurement, SampleLine},
    },
    parse::Parser,
    timestamp::Timestamp,
    validate::recheck::Recheck,
};

/// What a page has, and how that differs from the previous page.
pub(crate) struct PageDiff<'b, 'c> {
    previous: &'c Layout,
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
    pub new_series: Vec<u32>,
    /// Metadata that the previous page did not have at this position.
    pub new_metadata: Vec<MetadataLine<'b>>,
    buffers: LabelBuffers<'b>,
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
    pub(crate) fn new(previous: &'c Layout, table: &'c mut SeriesTable, is_comparable: bool) -> Self {
        Self {
            previous,
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
            self.table.remove(series);
        }
    }

    /// Consumes the next line if it equals the expected one except for the value.
    fn match_expected(&mut self, parser: &mut Parser<'b, '_>) -> Result<Option<MatchedLine>, ParseError> {
        let Some((text, series)) = self.previous.line(self.expected) else { return Ok(None) };
        let matched = match series {
            Some(series) => {
                let Some(measurement) = parser.expected_sample(text, &mut self.buffers)? else { return Ok(None) };
                self.push_sample(series, &measurement);
                MatchedLine::Sample(measurement)
            }
            None if parser.expected_line(text) => MatchedLine::Other,
            None => return Ok(None),
        };
        self.keep_expected(text, series);
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
            _ if self.is_expected(text, None) => self.keep_expected(text, None),
            _ => {
                self.keep_new(text, None);
                if let Line::Metadata(metadata) = line {
                    self.new_metadata.push(metadata);
                }
            }
        }
        Ok(true)
    }

    fn add_sample(&mut self, text: &str, sample: &SampleLine<'b>) {
        if let Some((same, Some(series))) = self.previous.line(self.expected).filter(|_| self.is_comparable)
            && same == text
        {
            self.push_sample(series, &sample.measurement);
            self.keep_expected(same, Some(series));
            return;
        }
        let fingerprint = self.table.fingerprint(&sample.name, &self.buffers.labels);
        let (series, is_new) = self.table.number(fingerprint);
        if is_new {
            self.new_series.push(series);
        } else {
            self.expected = self.table.entry(series).line + 1;
        }
        self.push_sample(series, &sample.measurement);
        self.keep_new(text, Some(series));
    }

    fn push_sample(&mut self, series: u32, measurement: &Measurement) {
        self.samples.push(NumberedSample { series, value: measurement.value, timestamp: measurement.timestamp });
    }

    fn is_expected(&self, text: &str, series: Option<u32>) -> bool {
        self.is_comparable && self.previous.line(self.expected) == Some((text, series))
    }

    fn keep_expected(&mut self, text: &str, series: Option<u32>) {
        self.expected += 1;
        if self.layout.is_some() {
            self.keep_new(text, series);
        } else {
            self.matched += 1;
        }
    }

    fn keep_new(&mut self, text: &str, series: Option<u32>) {
        let layout = self.layout.get_or_insert_with(|| self.previous.first(self.matched));
        if let Some(series) = series {
            self.table.entry(series).line = layout.len();
        }
        layout.push(text, series);
    }
}
