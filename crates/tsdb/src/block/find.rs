//! Finding the series of a block that a selector selects, reading only the label pages that may have them.
use super::block_index::BlockIndex;
use super::cursor::ReadContext;
use super::label_page::{LabelPage, PageCursor};
use super::open::Block;
use super::{INSTANCE, LABELS};
use crate::block::cache::RecordKey;
use crate::codec::read_record;
use crate::disk::read_error::ReadError;
use crate::time::TimeRange;
use promql::{METRIC_NAME, MatchOp, Matcher, Selector};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A selector and a time range, prepared for the series of blocks.
pub(crate) struct SeriesFilter<'s> {
    any_of: Vec<Alternative<'s>>,
    range: TimeRange,
}

struct Alternative<'s> {
    matchers: Vec<CachedMatcher<'s>>,
    /// The metrics that it can select, if they are a known set.
    names: Option<Vec<&'s str>>,
    /// The instances that it can select, if they are a known set.
    instances: Option<Vec<&'s str>>,
}

/// A matcher with its last result, as neighbouring series share most of their values.
struct CachedMatcher<'s> {
    matcher: &'s Matcher,
    value: String,
    matches: bool,
}

/// A series that a filter selects.
pub(crate) struct SelectedSeries<'p> {
    page: &'p LabelPage,
    cursor: &'p PageCursor,
}

impl SelectedSeries<'_> {
    pub(crate) fn ordinal(&self) -> u32 {
        self.cursor.ordinal
    }

    /// Its labels, by name.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.cursor.pairs(self.page)
    }
}

impl<'s> SeriesFilter<'s> {
    pub(crate) fn new(selector: &'s Selector, range: TimeRange) -> Self {
        let alternative = |matchers: &'s Vec<Matcher>| Alternative {
            matchers: matchers.iter().map(CachedMatcher::new).collect(),
            names: values(matchers, METRIC_NAME),
            instances: values(matchers, INSTANCE),
        };
        Self { any_of: selector.any_of.iter().map(alternative).collect(), range }
    }

    /// The positions of the label records that may have selected series.
    fn pages(&self, index: &BlockIndex) -> Vec<usize> {
        let pages = &index.labels;
        let mut is_wanted = vec![false; pages.len()];
        for Alternative { names, instances, .. } in &self.any_of {
            let Some(names) = names else { return (0..pages.len()).collect() };
            for name in names {
                let Ok(at) = index.metrics.binary_search_by(|metric| (*metric.name).cmp(name)) else { continue };
                let first = index.metrics[at].first;
                let end = index.metrics.get(at + 1).map_or(u32::MAX, |next| next.first);
                let from = pages.partition_point(|page| page.record.first <= first).saturating_sub(1);
                let until = pages.partition_point(|page| page.record.first < end);
                for page in from..until {
                    let lowest = Some(&pages[page]).filter(|page| page.record.first >= first);
                    let highest = pages.get(page + 1).filter(|next| next.record.first < end);
                    let may_have = |instance: &&str| {
                        lowest.is_none_or(|page| *page.first_instance <= **instance)
                            && highest.is_none_or(|next| **instance <= *next.first_instance)
                    };
                    is_wanted[page] |= instances.as_ref().is_none_or(|instances| instances.iter().any(may_have));
                }
            }
        }
        (0..pages.len()).filter(|page| is_wanted[*page]).collect()
    }

    fn selects<'p>(&mut self, pairs: &(impl Iterator<Item = (&'p str, &'p str)> + Clone)) -> bool {
        self.any_of.iter_mut().any(|alternative| {
            alternative.matchers.iter_mut().all(|own| {
                let value = pairs.clone().find(|(name, _)| *name == own.matcher.name).map_or("", |(_, value)| value);
                own.matches(value)
            })
        })
    }
}

impl<'s> CachedMatcher<'s> {
    fn new(matcher: &'s Matcher) -> Self {
        Self { matcher, value: String::new(), matches: matcher.matches("") }
    }

    fn matches(&mut self, value: &str) -> bool {
        if self.value != value {
            self.matches = self.matcher.matches(value);
            self.value.clear();
            self.value.push_str(value);
        }
        self.matches
    }
}

/// The values of the label `name` that can satisfy `matchers`, if they are a known set.
fn values<'s>(matchers: &'s [Matcher], name: &str) -> Option<Vec<&'s str>> {
    matchers.iter().filter(|matcher| matcher.name == name).find_map(|matcher| match &matcher.op {
        MatchOp::Equal => Some(vec![matcher.value.as_str()]),
        MatchOp::Regex(pattern) => pattern.values().map(Iterator::collect),
        MatchOp::NotEqual | MatchOp::NotRegex(_) => None,
    })
}

impl Block {
    /// Calls `visit` with each series that `filter` selects and that has samples in its range, in order of ordinals,
    /// until it breaks. Unreadable pages are skipped and passed to `on_error`.
    pub(crate) fn for_each_selected(
        &self,
        index: &BlockIndex,
        filter: &mut SeriesFilter<'_>,
        context: &mut ReadContext<'_>,
        on_error: &mut dyn FnMut(ReadError),
        visit: &mut dyn FnMut(SelectedSeries<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for at in filter.pages(index) {
            let page = match self.label_page(index, at, context) {
                Ok(page) => page,
                Err(error) => {
                    on_error(error);
                    continue;
                }
            };
            let mut cursor = PageCursor::default();
            while cursor.advance(&page) {
                if cursor.bounds.overlaps(filter.range) && filter.selects(&cursor.pairs(&page)) {
                    visit(SelectedSeries { page: &page, cursor: &cursor })?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The label page at a position of the index, from its second copy if the first is damaged.
    pub(super) fn label_page(
        &self,
        index: &BlockIndex,
        at: usize,
        context: &mut ReadContext<'_>,
    ) -> Result<Arc<LabelPage>, ReadError> {
        let Some(place) = index.labels.get(at) else { return Err(ReadError::Damaged { records: 0, samples: 0 }) };
        let key = RecordKey { block: self.id, offset: place.record.offset };
        if let Some(page) = context.cache.and_then(|cache| cache.labels.get(&key)) {
            return Ok(page);
        }
        let read = |offset: u64, context: &mut ReadContext<'_>| -> Result<Option<LabelPage>, ReadError> {
            context.record.resize(place.record.length as usize, 0);
            self.file.read_at(offset, &mut context.record)?;
            let payload = read_record(&context.record).and_then(<[u8]>::split_first);
            let Some((_, compressed)) = payload.filter(|(tag, _)| **tag == LABELS) else { return Ok(None) };
            let mut raw = Vec::new();
            Ok(context.decompressor.read(compressed, &mut raw).and_then(|()| LabelPage::read(&raw)))
        };
        let page = match read(place.record.offset, context) {
            Ok(Some(page)) => page,
            _ => read(place.copy_offset, context)?.ok_or_else(|| {
                let records = u64::from(self.damaged.lock().insert(place.record.offset));
                ReadError::Damaged { records, samples: 0 }
            })?,
        };
        let page = Arc::new(page);
        if let Some(cache) = context.cache {
            cache.labels.insert(key, Arc::clone(&page), page.size_bytes());
        }
        Ok(page)
    }
}
