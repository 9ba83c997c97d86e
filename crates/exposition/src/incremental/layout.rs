//! The lines of a metrics page without their values, which the next page of the target is likely to repeat.
use crate::validate::role::ClassifiedSample;
use hashbrown::DefaultHashBuilder;
use std::hash::{BuildHasher as _, Hasher as _};

/// The lines of a page, in order. Their texts would be most of what is kept of a target, so there are hashes instead.
#[derive(Default)]
pub(crate) struct Layout {
    lines: Vec<LayoutLine>,
    /// The roles of the samples, on a page of OpenMetrics.
    classified: Vec<ClassifiedSample>,
}

/// A line of a page.
#[derive(Clone, Copy)]
pub(crate) struct LayoutLine {
    /// The text before the value of a sample, and the whole of any other line.
    pub text: HashedText,
    /// The number of its series, or [`NO_SERIES`] if it is no sample.
    series: u32,
}

/// A text that can be told from others, as long as its hash is made with the same [`TextHasher`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashedText {
    low: u32,
    high: u32,
    pub length: u32,
}

/// Hashes texts with a random key. Of a quintillion pairs of different texts, one may count as equal.
#[derive(Clone, Default)]
pub(crate) struct TextHasher(DefaultHashBuilder);

/// The sample limit keeps a page far below so many series.
const NO_SERIES: u32 = u32::MAX;

impl TextHasher {
    pub(crate) fn hash(&self, text: &[u8]) -> HashedText {
        let mut hasher = self.0.build_hasher();
        hasher.write(text);
        let hash = hasher.finish();
        // The limit on the body keeps a line far below 4 GiB.
        HashedText { low: hash as u32, high: (hash >> 32) as u32, length: text.len().try_into().unwrap_or(u32::MAX) }
    }

    /// Whether `text` begins with `expected`.
    pub(crate) fn begins_with(&self, text: &str, expected: HashedText) -> bool {
        text.as_bytes().get(..expected.length as usize).is_some_and(|start| self.hash(start) == expected)
    }
}

impl LayoutLine {
    pub(crate) fn new(text: HashedText, series: Option<u32>) -> Self {
        Self { text, series: series.unwrap_or(NO_SERIES) }
    }

    /// Its series, if it is a sample.
    pub(crate) fn series(&self) -> Option<u32> {
        (self.series != NO_SERIES).then_some(self.series)
    }
}

impl Layout {
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn line(&self, at: usize) -> Option<LayoutLine> {
        self.lines.get(at).copied()
    }

    /// The series of the samples, including repeated ones.
    pub(crate) fn series(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().filter_map(LayoutLine::series)
    }

    pub(crate) fn push(&mut self, line: LayoutLine) {
        self.lines.push(line);
    }

    /// The roles of the samples, in order; empty unless the page is OpenMetrics.
    pub(crate) fn classified(&self) -> &[ClassifiedSample] {
        &self.classified
    }

    /// Adds the role of the sample that was pushed last.
    pub(crate) fn push_classified(&mut self, classified: Option<ClassifiedSample>) {
        self.classified.extend(classified);
    }

    /// Frees unused capacity, because a layout usually lives long.
    pub(crate) fn shrink(&mut self) {
        self.lines.shrink_to_fit();
        self.classified.shrink_to_fit();
    }

    /// A copy of the first `lines` lines, with capacity for all of them.
    pub(crate) fn first(&self, lines: usize) -> Self {
        let first_lines = self.lines.get(..lines).unwrap_or_default();
        let samples = first_lines.iter().filter(|line| line.series().is_some()).count();
        let mut first = Self {
            lines: Vec::with_capacity(self.lines.len()),
            classified: self.classified.iter().take(samples).copied().collect(),
        };
        first.lines.extend_from_slice(first_lines);
        first
    }
}
