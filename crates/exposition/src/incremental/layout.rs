//! The lines of a metrics page without their values, which the next page of the target is likely to repeat.
use crate::validate::role::ClassifiedSample;

/// The lines of a page, in order.
#[derive(Default)]
pub(crate) struct Layout {
    /// The lines, concatenated: the text before the value of a sample, and the whole of any other line.
    text: String,
    lines: Vec<LayoutLine>,
    /// The roles of the samples, on a page of OpenMetrics.
    classified: Vec<ClassifiedSample>,
}

#[derive(Clone, Copy)]
struct LayoutLine {
    /// Where its text ends.
    end: usize,
    /// Its series, if it is a sample.
    series: Option<u32>,
}

impl Layout {
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Text and series of line `at`.
    pub(crate) fn line(&self, at: usize) -> Option<(&str, Option<u32>)> {
        let line = self.lines.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.lines[before].end);
        Some((self.text.get(start..line.end)?, line.series))
    }

    /// The series of the samples, including repeated ones.
    pub(crate) fn series(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().filter_map(|line| line.series)
    }

    pub(crate) fn push(&mut self, text: &str, series: Option<u32>) {
        self.text.push_str(text);
        self.lines.push(LayoutLine { end: self.text.len(), series });
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
        self.text.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.classified.shrink_to_fit();
    }

    /// A copy of the first `lines` lines, with capacity for all of them.
    pub(crate) fn first(&self, lines: usize) -> Self {
        let end = lines.checked_sub(1).and_then(|last| self.lines.get(last)).map_or(0, |last| last.end);
        let first_lines = self.lines.get(..lines).unwrap_or_default();
        let samples = first_lines.iter().filter(|line| line.series.is_some()).count();
        let mut first = Self {
            text: String::with_capacity(self.text.len()),
            lines: Vec::with_capacity(self.lines.len()),
            classified: self.classified.iter().take(samples).copied().collect(),
        };
        first.text.push_str(self.text.get(..end).unwrap_or_default());
        first.lines.extend_from_slice(first_lines);
        first
    }
}
