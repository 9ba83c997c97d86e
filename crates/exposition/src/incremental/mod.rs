//! The incremental parser: it compares each metrics page of a target with the previous one, and parses the differences.
mod counted;
mod diff;
mod layout;
mod series_table;

use crate::error::ParseError;
use crate::family::Kind;
use crate::format::Format;
use crate::limits::Limits;
use crate::line::escape::{escapes_in_help, unescaped};
use crate::line::labels::Label;
use crate::line::{Keyword, LineReader, MetadataLine};
use crate::parse::Parser;
use crate::timestamp::Timestamp;
use counted::CountedFamilies;
use diff::{AddedSeries, NumberedSample, PageDiff};
use layout::{Layout, TextHasher};
use series_table::SeriesTable;

/// Receives the contents of metrics pages. It receives nothing of a page that is rejected.
pub trait Sink {
    /// A family's type, help or unit that the previous page did not have, in the page's order.
    fn metadata(&mut self, _family: &str, _metadata: Metadata<'_>) {}

    /// A series that the previous page did not have, before its first sample. `series` is a small, dense number that
    /// identifies it until it is [removed](Self::series_removed).
    fn series_added(&mut self, series: u32, new: NewSeries<'_>);

    /// A sample, with the page's own timestamp for it in Unix milliseconds.
    fn sample(&mut self, series: u32, value: f64, timestamp_ms: Option<i64>);

    /// A series that the page no longer has. Its number may be reused for another.
    fn series_removed(&mut self, series: u32);
}

/// A series that the previous page did not have.
#[derive(Clone, Copy, Debug)]
pub struct NewSeries<'a> {
    /// The full name, unescaped.
    pub name: &'a str,
    /// The labels in the page's order, unescaped; values may be empty.
    pub labels: &'a [Label<'a>],
    /// If the series counts up from zero: its name without the suffix. `_created` after it is the name of its creation
    /// time.
    pub counted: Option<&'a str>,
}

/// One piece of a family's metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metadata<'a> {
    /// Its type.
    Kind(Kind),
    /// Its help text, unescaped.
    Help(&'a str),
    /// Its unit.
    Unit(&'a str),
}

/// Counts of what a metrics page contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ParseCounts {
    /// Samples on the page, including duplicates.
    pub samples: usize,
    /// Samples that are dropped because they repeat a series of the page without a timestamp.
    pub duplicates: usize,
    /// Series that the previous page did not have.
    pub new_series: usize,
}

/// Parses the successive metrics pages of one target. A page with the same series as the previous one is compared with
/// it: only its values are parsed, and only the list of samples is allocated. Keeps a hash of each line without its value.
#[derive(Default)]
pub struct IncrementalParser {
    /// The format and limits of the previous page.
    rules: Option<(Format, Limits)>,
    layout: Layout,
    hasher: TextHasher,
    table: SeriesTable,
    /// Pages parsed so far.
    pages: u32,
}

impl IncrementalParser {
    /// Parses a page and passes its contents to `sink`: all of it or nothing.
    ///
    /// # Errors
    /// The first violation of the format or the limits. The parser's state is then unchanged: if a failed scrape ends
    /// all series, call [`IncrementalParser::reset`].
    pub fn parse(
        &mut self,
        body: &[u8],
        format: Format,
        limits: &Limits,
        sink: &mut impl Sink,
    ) -> Result<ParseCounts, ParseError> {
        let mut parser = Parser::new(body, format, limits)?;
        let rules = Some((format, *limits));
        let mut diff = PageDiff::new(&self.layout, &self.hasher, &mut self.table, self.rules == rules);
        if let Err(error) = diff.read(&mut parser) {
            diff.undo();
            return Err(error);
        }
        let PageDiff { samples, new_series, new_metadata, layout, .. } = diff;
        self.rules = rules;
        self.pages += 1;
        deliver_metadata(&new_metadata, format, sink);
        let outdated = layout.map(|layout| std::mem::replace(&mut self.layout, layout));
        let duplicates =
            self.deliver_samples(&samples, &new_series, (parser.text(), LineReader { format, limits }), sink);
        if let Some(outdated) = outdated {
            self.remove_missing(&outdated, sink);
        }
        Ok(ParseCounts { samples: samples.len(), duplicates, new_series: new_series.len() })
    }

    /// Removes all series and forgets the previous page.
    pub fn reset(&mut self, sink: &mut impl Sink) {
        for series in self.table.numbers() {
            sink.series_removed(series);
        }
        *self = Self::default();
    }

    /// The number of series on the previous page.
    pub fn series_count(&self) -> usize {
        self.table.len()
    }

    /// Passes on the samples, each new series before its first sample. Returns how many duplicates there are.
    fn deliver_samples(
        &mut self,
        samples: &[NumberedSample],
        new_series: &[AddedSeries<'_>],
        (page, reader): (&str, LineReader<'_>),
        sink: &mut impl Sink,
    ) -> usize {
        let mut duplicates = 0;
        let mut families = CountedFamilies::default();
        if !new_series.is_empty() {
            families.read(page, reader);
        }
        let mut new_series = new_series.iter().peekable();
        for &NumberedSample { series, value, timestamp } in samples {
            let entry = self.table.entry(series);
            if entry.page == self.pages && timestamp.is_none() {
                duplicates += 1;
                continue;
            }
            entry.page = self.pages;
            if let Some(AddedSeries { text, .. }) = new_series.next_if(|new| new.number == series) {
                let mut labels = Vec::new();
                if let Ok(name) = reader.series_of(text, &mut labels) {
                    let counted = families.counted(&name, &labels);
                    sink.series_added(series, NewSeries { name: &name, labels: &labels, counted });
                }
            }
            sink.sample(series, value, timestamp.map(Timestamp::ms));
        }
        duplicates
    }

    fn remove_missing(&mut self, outdated: &Layout, sink: &mut impl Sink) {
        for series in outdated.series() {
            let entry = self.table.entry(series);
            if entry.page != self.pages {
                entry.page = self.pages;
                self.table.remove(series);
                sink.series_removed(series);
            }
        }
    }
}

fn deliver_metadata(new_metadata: &[MetadataLine<'_>], format: Format, sink: &mut impl Sink) {
    for line in new_metadata {
        match line.keyword {
            Keyword::Type(kind) => sink.metadata(&line.name, Metadata::Kind(kind)),
            Keyword::Help => {
                let help = unescaped(line.text, escapes_in_help(format));
                sink.metadata(&line.name, Metadata::Help(&help));
            }
            Keyword::Unit => sink.metadata(&line.name, Metadata::Unit(line.text)),
        }
    }
}
