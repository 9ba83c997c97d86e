//! The lines of a page without their values: what the next page of the same target will most likely have again.

/// A page's lines, in order.
#[derive(Default)]
pub(crate) struct Layout {
    /// The lines one after the other: of a sample what is before its value, of any other all of it.
    text: String,
    lines: Vec<Known>,
}

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

    /// The first `lines` lines, with room for as much as there is here.
    pub(crate) fn first(&self, lines: usize) -> Self {
        let end = lines.checked_sub(1).and_then(|last| self.lines.get(last)).map_or(0, |last| last.end);
        let mut first =
            Self { text: String::with_capacity(self.text.len()), lines: Vec::with_capacity(self.lines.len()) };
        first.text.push_str(self.text.get(..end).unwrap_or_default());
        first.lines.extend(self.lines.iter().take(lines).map(|line| Known { ..*line }));
        first
    }
}
