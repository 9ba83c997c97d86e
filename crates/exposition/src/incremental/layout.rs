//! The lines of a page without their values: what the next page of the same target will most likely have again.
use crate::judge::recheck::Ruling;

/// A page's lines, in order.
#[derive(Default)]
pub(crate) struct Layout {
    /// The lines one after the other: of a sample what is before its value, of any other all of it.
    text: String,
    lines: Vec<Known>,
    /// What the samples are, one by one, on a page of OpenMetrics.
    rulings: Vec<Ruling>,
}

#[derive(Clone, Copy)]
struct Known {
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
        let known = self.lines.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.lines[before].end);
        Some((self.text.get(start..known.end)?, known.series))
    }

    /// The series of the samples, a repeated one repeatedly.
    pub(crate) fn series(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().filter_map(|line| line.series)
    }

    pub(crate) fn push(&mut self, text: &str, series: Option<u32>) {
        self.text.push_str(text);
        self.lines.push(Known { end: self.text.len(), series });
    }

    /// What the samples are, in order, if that is known of all.
    pub(crate) fn rulings(&self) -> &[Ruling] {
        &self.rulings
    }

    /// Adds what the sample is that was pushed last.
    pub(crate) fn rule(&mut self, ruling: Option<Ruling>) {
        self.rulings.extend(ruling);
    }

    /// Gives back the memory beyond what the lines take, as a layout mostly stays for long.
    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.rulings.shrink_to_fit();
    }

    /// The first `lines` lines, with room for as much as there is here.
    pub(crate) fn first(&self, lines: usize) -> Self {
        let end = lines.checked_sub(1).and_then(|last| self.lines.get(last)).map_or(0, |last| last.end);
        let kept = self.lines.get(..lines).unwrap_or_default();
        let samples = kept.iter().filter(|line| line.series.is_some()).count();
        let mut first = Self {
            text: String::with_capacity(self.text.len()),
            lines: Vec::with_capacity(self.lines.len()),
            rulings: self.rulings.iter().take(samples).copied().collect(),
        };
        first.text.push_str(self.text.get(..end).unwrap_or_default());
        first.lines.extend_from_slice(kept);
        first
    }
}
