//! A page being read against the last one of its target.
use super::{layout::Layout, series::SeriesTable};
use crate::{
    error::ParseError,
    format::Format,
    judge::recheck::Recheck,
    line::{
        Line, Metadata,
        sample::{Point, SampleLine, Scratch},
        time::Timestamp,
    },
    page::PageReader,
};

/// What a page has, as far as it has been read.
pub(crate) struct Draft<'b, 'c> {
    old: &'c Layout,
    table: &'c mut SeriesTable,
    /// Whether the old page was read by the same rules, so that equal text means the same.
    is_comparable: bool,
    /// The line of the old page that is most likely next.
    expected: usize,
    /// Lines read while all were those of the old page.
    in_step: usize,
    /// The lines read, once they are not just the first of the old page.
    pub layout: Option<Layout>,
    pub samples: Vec<(u32, f64, Option<Timestamp>)>,
    /// In the order of their first samples.
    pub new_series: Vec<u32>,
    /// Metadata that the old page did not have at this place.
    pub facts: Vec<Metadata<'b>>,
    scratch: Scratch<'b>,
}

/// An expected line.
enum Taken {
    Sample(Point),
    Other,
}

impl<'b, 'c> Draft<'b, 'c> {
    pub(crate) fn new(old: &'c Layout, table: &'c mut SeriesTable, is_comparable: bool) -> Self {
        Self {
            old,
            table,
            is_comparable,
            expected: 0,
            in_step: 0,
            layout: None,
            samples: Vec::with_capacity(old.len()),
            new_series: Vec::new(),
            facts: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// Reads the whole page.
    pub(crate) fn read(&mut self, page: &mut PageReader<'b, '_>) -> Result<(), ParseError> {
        match page.format() {
            Format::Text if self.is_comparable => while self.take_expected(page)?.is_some() || self.take_any(page)? {},
            Format::OpenMetrics if self.is_comparable && self.read_in_step(page)? => {}
            _ => while self.take_any(page)? {},
        }
        if self.layout.is_none() && self.in_step < self.old.len() {
            self.layout = Some(self.old.first(self.in_step));
        }
        if let Some(layout) = &mut self.layout {
            layout.shrink();
        }
        Ok(())
    }

    /// Reads a page that has the lines of the old one, but for the values; otherwise nothing of it, and false. Where
    /// rules go beyond the line, either all lines can be compared or all have to be read.
    fn read_in_step(&mut self, page: &mut PageReader<'b, '_>) -> Result<bool, ParseError> {
        let mut recheck = Recheck::default();
        let old = self.old;
        let mut rulings = old.rulings().iter();
        let keeps_rules = loop {
            match self.take_expected(page)? {
                Some(Taken::Sample(point)) => match rulings.next() {
                    Some(ruling) if recheck.sample(*ruling, &point).is_ok() => {}
                    _ => break false,
                },
                Some(Taken::Other) => {}
                None => break page.rest().is_empty() && self.expected == self.old.len() && recheck.finish().is_ok(),
            }
        };
        if !keeps_rules {
            page.restart();
            self.samples.clear();
            (self.expected, self.in_step) = (0, 0);
        }
        Ok(keeps_rules)
    }

    /// Takes back what reading the page changed outside of the draft.
    pub(crate) fn undo(self) {
        for series in self.new_series {
            self.table.remove(series);
        }
    }

    /// Takes the next line if it is the expected one, but for its value.
    fn take_expected(&mut self, page: &mut PageReader<'b, '_>) -> Result<Option<Taken>, ParseError> {
        let Some((text, series)) = self.old.line(self.expected) else { return Ok(None) };
        let taken = match series {
            Some(series) => {
                let Some(point) = page.known_sample(text, &mut self.scratch)? else { return Ok(None) };
                self.push_sample(series, &point);
                Taken::Sample(point)
            }
            None if page.known_line(text) => Taken::Other,
            None => return Ok(None),
        };
        self.keep_expected(text, series);
        Ok(Some(taken))
    }

    /// Takes the next line, whatever it is; false when there is none.
    fn take_any(&mut self, page: &mut PageReader<'b, '_>) -> Result<bool, ParseError> {
        let rest = page.rest();
        let Some(line) = page.next_line(&mut self.scratch)? else { return Ok(false) };
        let whole = rest.get(..rest.len() - page.rest().len()).unwrap_or_default();
        match line {
            Line::Sample(sample) => {
                self.take_sample(whole.get(..sample.value_at).unwrap_or_default(), &sample);
                if let Some(layout) = &mut self.layout {
                    layout.rule(page.ruling());
                }
            }
            // Without its line feed, a line could be the beginning of another on the next page; not so `# EOF`.
            _ if !whole.ends_with('\n') && page.format() != Format::OpenMetrics => {}
            _ if self.is_expected(whole, None) => self.keep_expected(whole, None),
            _ => {
                self.keep_new(whole, None);
                if let Line::Metadata(metadata) = line {
                    self.facts.push(metadata);
                }
            }
        }
        Ok(true)
    }

    fn take_sample(&mut self, text: &str, sample: &SampleLine<'b>) {
        if let Some((same, Some(series))) = self.old.line(self.expected).filter(|_| self.is_comparable)
            && same == text
        {
            self.push_sample(series, &sample.point);
            self.keep_expected(same, Some(series));
            return;
        }
        let fingerprint = self.table.fingerprint(&sample.name, &self.scratch.labels);
        let (series, is_new) = self.table.number(fingerprint);
        if is_new {
            self.new_series.push(series);
        } else {
            self.expected = self.table.entry(series).line + 1;
        }
        self.push_sample(series, &sample.point);
        self.keep_new(text, Some(series));
    }

    fn push_sample(&mut self, series: u32, point: &Point) {
        self.samples.push((series, point.value, point.timestamp));
    }

    fn is_expected(&self, text: &str, series: Option<u32>) -> bool {
        self.is_comparable && self.old.line(self.expected) == Some((text, series))
    }

    fn keep_expected(&mut self, text: &str, series: Option<u32>) {
        self.expected += 1;
        if self.layout.is_some() {
            self.keep_new(text, series);
        } else {
            self.in_step += 1;
        }
    }

    fn keep_new(&mut self, text: &str, series: Option<u32>) {
        let layout = self.layout.get_or_insert_with(|| self.old.first(self.in_step));
        if let Some(series) = series {
            self.table.entry(series).line = layout.len();
        }
        layout.push(text, series);
    }
}
