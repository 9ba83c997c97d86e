//! What a page has that its last page had not, and all its samples, before anything is stored.
use crate::scrape::metadata::OwnedFact;
use crate::scrape::metrics_page::{Learned, Page, tells_more};
use crate::target::failure::Failure;
use crate::target::identity::{ScopeRules, TargetLabels};
use exposition::{IncrementalParser, Label, Limits, Metadata, ParseCounts, Sink};
use promql::Labels;

/// A page that is well formed. Series go by the numbers of the cache that read it.
pub(crate) struct Reading {
    pub(crate) count: ParseCounts,
    /// Series that the last page did not have.
    pub(crate) new: Vec<(u32, Labels)>,
    /// Values, and times in Unix milliseconds where the page gives them.
    pub(crate) samples: Vec<(u32, f64, Option<i64>)>,
    /// Series that only the last page had.
    pub(crate) ended: Vec<u32>,
    /// What the page says of its families that the last page did not.
    pub(crate) facts: Vec<OwnedFact>,
    /// Whether a new series may tell something about the target that is not known.
    pub(crate) tells_more: bool,
}

/// Reads `page` after those that `cache` saw before; new series get the target's `labels`, and are held against
/// what is `known` of the target and how it would tell more.
pub(crate) fn read(
    cache: &mut IncrementalParser,
    page: &Page,
    labels: &TargetLabels,
    known: (&Learned, &ScopeRules),
) -> Result<Reading, Failure> {
    let (new, samples, ended, facts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let reading = Reading { count: ParseCounts::default(), new, samples, ended, facts, tells_more: false };
    let mut gather = Gather { reading, labels, known };
    gather.reading.count = cache.parse(&page.body, page.format, &Limits::default(), &mut gather)?;
    Ok(gather.reading)
}

struct Gather<'a> {
    reading: Reading,
    labels: &'a TargetLabels,
    known: (&'a Learned, &'a ScopeRules),
}

impl Sink for Gather<'_> {
    fn metadata(&mut self, family: &str, fact: Metadata<'_>) {
        self.reading.facts.push(OwnedFact::new(family, fact));
    }

    fn series_added(&mut self, series: u32, name: &str, labels: &[Label<'_>]) {
        self.reading.tells_more |= tells_more(self.known.0, self.known.1, name, labels);
        self.reading.new.push((series, self.labels.of_sample(name, labels)));
    }

    fn sample(&mut self, series: u32, value: f64, timestamp_ms: Option<i64>) {
        self.reading.samples.push((series, value, timestamp_ms));
    }

    fn series_removed(&mut self, series: u32) {
        self.reading.ended.push(series);
    }
}
