//! The contents of a scrape before anything is stored: all samples, and which series differ from the previous scrape's.
use crate::scrape::family_diff::{FamilyDiff, labels};
use crate::scrape::metadata::OwnedMetadata;
use crate::scrape::metrics_page::Answer;
use crate::scrape::newborn::{CountedSeries, NewbornSeries, SeriesHash};
use crate::target::failure::Failure;
use crate::target::labels::TargetLabels;
use crate::target::learned::{Learned, Learner};
use crate::target::scope_rules::ScopeRules;
use catalogue::{Layer, engine_of};
use exposition::{Format, IncrementalParser, Label, Limits, Metadata, NewSeries, ParseCounts, Sink, for_each_sample};
use promql::Labels;
use std::borrow::Cow;

/// A valid scrape. Series are identified by the numbers of the parser that read it.
pub(crate) struct ParsedPage {
    pub(crate) count: ParseCounts,
    /// Series that the previous scrape did not have.
    pub(crate) added: Vec<NumberedSeries>,
    /// Those of them that have creation times.
    pub(crate) created: Vec<(u32, SeriesHash)>,
    pub(crate) samples: Vec<NumberedSample>,
    /// Series that only the previous scrape had.
    pub(crate) removed: Vec<u32>,
    /// Metadata of families that the previous scrape did not have.
    pub(crate) metadata: Vec<OwnedMetadata>,
    /// Whether a new series may name another engine or model.
    pub(crate) may_change_labels: bool,
}

/// A new series and its number.
pub(crate) struct NumberedSeries {
    pub(crate) number: u32,
    pub(crate) labels: Labels,
    /// Present if it counts up from zero.
    pub(crate) counted: Option<CountedSeries>,
}

/// A sample, with its own timestamp if the page gives one.
#[derive(Clone, Copy)]
pub(crate) struct NumberedSample {
    pub(crate) number: u32,
    pub(crate) value: f64,
    pub(crate) timestamp_ms: Option<i64>,
}

/// How series are labelled, and what is known of the target.
#[derive(Clone, Copy)]
pub(crate) struct LabelContext<'a> {
    pub(crate) labels: &'a TargetLabels,
    pub(crate) learned: &'a Learned,
    pub(crate) rules: &'a ScopeRules,
    pub(crate) newborn: &'a NewbornSeries,
}

/// The previous scrape of a target, with which the next one is compared.
#[derive(Default)]
pub(crate) struct PreviousScrape {
    page: IncrementalParser,
    families: FamilyDiff,
}

impl PreviousScrape {
    /// Parses an answer and compares it with the previous one.
    pub(crate) fn parse(&mut self, answer: &Answer, context: LabelContext<'_>) -> Result<ParsedPage, Failure> {
        let mut collector = PageCollector::new(context, matches!(answer, Answer::Page(_)));
        collector.page.count = match answer {
            Answer::Page(page) => self.page.parse(&page.body, page.format, &page.limits, &mut collector)?,
            Answer::Families(families) => self.families.read(families, &Limits::default(), &mut collector)?,
        };
        Ok(collector.page)
    }
}

/// Learns the engine and the model from all samples of an answer.
pub(crate) fn learn(answer: &Answer, rules: &ScopeRules, before: &Learned) -> Result<Learned, Failure> {
    let mut learner = Learner::default();
    match answer {
        Answer::Page(page) => for_each_sample(&page.body, page.format, &page.limits, &mut |sample| {
            learner.observe(rules, sample.name, sample.labels);
        })?,
        Answer::Families(families) => {
            for sample in families.iter().flat_map(|family| &family.samples) {
                let labels: Vec<Label<'_>> = labels(sample).collect();
                learner.observe(rules, &sample.name, &labels);
            }
        }
    }
    Ok(learner.conclude(before))
}

/// Whether a counter's family lacks the `_total` of its samples.
pub(crate) fn omits_total(answer: &Answer) -> bool {
    matches!(answer, Answer::Page(page) if page.format == Format::OpenMetrics)
}

/// Collects what a parser reports.
struct PageCollector<'a> {
    page: ParsedPage,
    context: LabelContext<'a>,
    /// Whether a target sent the answer, rather than a source of the companion.
    is_from_target: bool,
}

impl<'a> PageCollector<'a> {
    fn new(context: LabelContext<'a>, is_from_target: bool) -> Self {
        let page = ParsedPage {
            count: ParseCounts::default(),
            added: Vec::new(),
            created: Vec::new(),
            samples: Vec::new(),
            removed: Vec::new(),
            metadata: Vec::new(),
            may_change_labels: false,
        };
        Self { page, context, is_from_target }
    }

    /// What identifies a series that counts up from zero. The counters of machines have labels that come and go.
    fn counted(&self, NewSeries { name, labels, counted }: NewSeries<'_>) -> Option<CountedSeries> {
        let stem = counted.filter(|_| engine_of(name).is_none_or(|(_, engine)| engine.layer != Layer::Machine))?;
        let hash = self.context.newborn.hash(name, "", labels.iter());
        let metric = labels.iter().filter(|label| label.name != "le");
        Some(CountedSeries { hash, created: self.context.newborn.hash(stem, CREATED, metric) })
    }
}

/// The suffix of series that have the creation times of others. Source: OpenMetrics 1.0, "Counter".
const CREATED: &str = "_created";

impl Sink for PageCollector<'_> {
    fn metadata(&mut self, family: &str, metadata: Metadata<'_>) {
        self.page.metadata.push(OwnedMetadata::new(family, metadata));
    }

    fn series_added(&mut self, number: u32, new: NewSeries<'_>) {
        let NewSeries { name, labels, .. } = new;
        let LabelContext { labels: target, learned, rules, newborn } = self.context;
        self.page.may_change_labels |= learned.is_changed_by(rules, name, labels);
        if name.ends_with(CREATED) {
            self.page.created.push((number, newborn.hash(name, "", labels.iter())));
        }
        let counted = self.counted(new);
        let name = if self.is_from_target { target.page_name(name) } else { Cow::Borrowed(name) };
        self.page.added.push(NumberedSeries { number, labels: target.of_sample(&name, labels), counted });
    }

    fn sample(&mut self, number: u32, value: f64, timestamp_ms: Option<i64>) {
        self.page.samples.push(NumberedSample { number, value, timestamp_ms });
    }

    fn series_removed(&mut self, number: u32) {
        self.page.removed.push(number);
    }
}
