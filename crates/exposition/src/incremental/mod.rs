//! Reading the pages of one target again and again: what the last page had is compared, not taken apart.
mod draft;
mod layout;
mod series;

use crate::{
    error::ParseError,
    family::Kind,
    format::Format,
    limits::Limits,
    line::{
        Keyword, LineReader, Metadata,
        escape::{escapes_in_help, unescaped},
        labels::Label,
        time::Timestamp,
    },
    page::PageReader,
};
use draft::Draft;
use layout::Layout;
use series::SeriesTable;

/// Takes what a page has. It is told nothing of a page that is refused.
pub trait Sink {
    /// A family's type, help or unit where the last page did not have the same, in the page's order.
    fn describe(&mut self, _family: &str, _fact: Fact<'_>) {}

    /// A series that the last page did not have, ahead of its first sample. `series` is small and dense, and stands
    /// for it until it is [gone](Self::gone).
    fn series(&mut self, series: u32, name: &str, labels: &[Label<'_>]);

    /// A sample; the time in Unix milliseconds, where the page gives one.
    fn sample(&mut self, series: u32, value: f64, timestamp_ms: Option<i64>);

    /// The page does not have this series any more. Its number may come back as that of another.
    fn gone(&mut self, series: u32);
}

/// What a page says of a family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fact<'a> {
    /// Its type.
    Kind(Kind),
    /// Its help text, unescaped.
    Help(&'a str),
    /// Its unit.
    Unit(&'a str),
}

/// What a page came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PageCount {
    /// Samples on the page, those left out included.
    pub samples: usize,
    /// Samples left out because the page had their series before, and neither has a time of its own.
    pub duplicates: usize,
    /// Series that the last page did not have.
    pub new_series: usize,
}

/// The last page of one target. A page like the last one is compared with it, and only its numbers are read; all that
/// is allocated is the list of its samples. Takes as much memory as a page without its values.
#[derive(Default)]
pub struct PageCache {
    /// By what the last page was read.
    rules: Option<(Format, Limits)>,
    layout: Layout,
    table: SeriesTable,
    /// Pages read so far.
    pages: u32,
}

impl PageCache {
    /// Reads a page and tells `sink` what it has; all of it or nothing.
    ///
    /// # Errors
    /// The first offence against the format or the limits. The cache is then as before the page: where a failed scrape
    /// ends all series, call [`PageCache::forget`].
    pub fn read(
        &mut self,
        body: &[u8],
        format: Format,
        limits: &Limits,
        sink: &mut impl Sink,
    ) -> Result<PageCount, ParseError> {
        let mut page = PageReader::new(body, format, limits)?;
        let rules = Some((format, *limits));
        let mut draft = Draft::new(&self.layout, &mut self.table, self.rules == rules);
        if let Err(error) = draft.read(&mut page) {
            draft.undo();
            return Err(error);
        }
        let Draft { samples, new_series, facts, layout, .. } = draft;
        self.rules = rules;
        self.pages += 1;
        describe(&facts, format, sink);
        let outdated = layout.map(|layout| std::mem::replace(&mut self.layout, layout));
        let duplicates = self.deliver(&samples, &new_series, LineReader { format, limits }, sink);
        if let Some(outdated) = outdated {
            self.remove_gone(&outdated, sink);
        }
        Ok(PageCount { samples: samples.len(), duplicates, new_series: new_series.len() })
    }

    /// Reports every series gone and forgets the page.
    pub fn forget(&mut self, sink: &mut impl Sink) {
        for series in self.table.numbers() {
            sink.gone(series);
        }
        *self = Self::default();
    }

    /// Series of the last page.
    pub fn series_count(&self) -> usize {
        self.table.len()
    }

    /// Hands over the samples, each new series ahead of its first; how many repeat another.
    fn deliver(
        &mut self,
        samples: &[(u32, f64, Option<Timestamp>)],
        new_series: &[u32],
        reader: LineReader<'_>,
        sink: &mut impl Sink,
    ) -> usize {
        let mut duplicates = 0;
        let mut new_series = new_series.iter().copied().peekable();
        for &(series, value, time) in samples {
            let entry = self.table.entry(series);
            if entry.page == self.pages && time.is_none() {
                duplicates += 1;
                continue;
            }
            entry.page = self.pages;
            if new_series.next_if_eq(&series).is_some()
                && let Some((text, _)) = self.layout.line(entry.line)
            {
                let mut labels = Vec::new();
                if let Ok(name) = reader.series_of(text, &mut labels) {
                    sink.series(series, &name, &labels);
                }
            }
            sink.sample(series, value, time.map(Timestamp::ms));
        }
        duplicates
    }

    fn remove_gone(&mut self, outdated: &Layout, sink: &mut impl Sink) {
        for series in outdated.series() {
            let entry = self.table.entry(series);
            if entry.page != self.pages {
                entry.page = self.pages;
                self.table.remove(series);
                sink.gone(series);
            }
        }
    }
}

fn describe(facts: &[Metadata<'_>], format: Format, sink: &mut impl Sink) {
    for metadata in facts {
        match metadata.keyword {
            Keyword::Type(kind) => sink.describe(&metadata.name, Fact::Kind(kind)),
            Keyword::Help => {
                let help = unescaped(metadata.text, escapes_in_help(format));
                sink.describe(&metadata.name, Fact::Help(&help));
            }
            Keyword::Unit => sink.describe(&metadata.name, Fact::Unit(metadata.text)),
        }
    }
}
