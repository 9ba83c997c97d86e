//! Label pages: the label sets and time bounds of consecutive series of a block, compressed together.
use crate::codec::{ByteReader, unzigzag, write_varint, zigzag};
use crate::time::TimeBounds;
use promql::Labels;

/// Size of a page at which it ends: a query decodes whole pages, and damage loses them.
const PAGE_BYTES: usize = 16 << 10;

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct PendingLabelPage {
    /// The ordinal of the first series.
    first: u32,
    series: u32,
    base_ms: i64,
    numbers: Vec<u8>,
    texts: Vec<u8>,
    previous: Option<Labels>,
}

/// A decoded page. Each label set leaves out the leading pairs that it shares with the previous one.
#[derive(Debug)]
pub(super) struct LabelPage {
    /// The ordinal of the first series.
    pub(super) first: u32,
    pub(super) series: u32,
    base_ms: i64,
    /// Time bounds and lengths.
    numbers: Box<[u8]>,
    /// Names and values, without separators.
    texts: Box<str>,
}

/// A position in a page: before its first series, or at one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct PageCursor {
    pub(super) ordinal: u32,
    pub(super) bounds: TimeBounds,
    pairs: Vec<PairSpan>,
    read_series: u32,
    read_numbers: usize,
    read_texts: usize,
}

/// Where a name and its value are in the texts of a page; the value follows the name.
#[derive(Clone, Copy, Debug)]
struct PairSpan {
    start: u32,
    name_end: u32,
    end: u32,
}

impl PendingLabelPage {
    /// Adds the series at `ordinal`, which follows the previous one.
    pub(super) fn push(&mut self, ordinal: u32, bounds: TimeBounds, labels: &Labels) {
        if self.series == 0 {
            (self.first, self.base_ms) = (ordinal, bounds.first_ms);
        }
        self.series += 1;
        let numbers = &mut self.numbers;
        write_varint(numbers, zigzag(bounds.first_ms.wrapping_sub(self.base_ms)));
        write_varint(numbers, bounds.last_ms.abs_diff(bounds.first_ms));
        let previous = self.previous.iter().flat_map(Labels::labels);
        let shared = previous.zip(labels.labels()).take_while(|(a, b)| a == b).count();
        write_varint(numbers, shared as u64);
        write_varint(numbers, (labels.len() - shared) as u64);
        for (name, value) in labels.iter().skip(shared) {
            write_varint(numbers, name.len() as u64);
            write_varint(numbers, value.len() as u64);
            self.texts.extend_from_slice(name.as_bytes());
            self.texts.extend_from_slice(value.as_bytes());
        }
        self.previous = Some(labels.clone());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.series == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.numbers.len() + self.texts.len() >= PAGE_BYTES
    }

    /// The ordinal of the first series.
    pub(super) fn first(&self) -> u32 {
        self.first
    }

    /// Ends the page: its content, to be compressed.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(self.numbers.len() + self.texts.len() + 30);
        write_varint(&mut raw, u64::from(self.first));
        write_varint(&mut raw, u64::from(self.series));
        write_varint(&mut raw, zigzag(self.base_ms));
        write_varint(&mut raw, self.numbers.len() as u64);
        raw.extend_from_slice(&self.numbers);
        raw.extend_from_slice(&self.texts);
        raw
    }
}

impl LabelPage {
    /// Reads what [`PendingLabelPage::finish`] returned; `None` if it is damaged.
    pub(super) fn read(raw: &[u8]) -> Option<Self> {
        let mut bytes = ByteReader(raw);
        let (first, series) = (u32::try_from(bytes.varint()?).ok()?, u32::try_from(bytes.varint()?).ok()?);
        let base_ms = unzigzag(bytes.varint()?);
        let numbers = bytes.length_prefixed()?.into();
        Some(Self { first, series, base_ms, numbers, texts: str::from_utf8(bytes.0).ok()?.into() })
    }

    /// Memory used, roughly.
    pub(super) fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.numbers.len() + self.texts.len()
    }
}

impl PageCursor {
    /// Moves to the next series of `page`; returns false at the end, or where the page is damaged.
    pub(super) fn advance(&mut self, page: &LabelPage) -> bool {
        self.read_series < page.series && self.read(page).is_some()
    }

    fn read(&mut self, page: &LabelPage) -> Option<()> {
        let mut bytes = ByteReader(page.numbers.get(self.read_numbers..)?);
        let first_ms = page.base_ms.wrapping_add(unzigzag(bytes.varint()?));
        self.bounds = TimeBounds { first_ms, last_ms: first_ms.checked_add_unsigned(bytes.varint()?)? };
        let shared = bytes.varint_usize().filter(|shared| *shared <= self.pairs.len())?;
        self.pairs.truncate(shared);
        for _ in 0..bytes.varint_usize()? {
            let start = self.read_texts;
            let name_end = start.checked_add(bytes.varint_usize()?)?;
            self.read_texts = name_end.checked_add(bytes.varint_usize()?)?;
            let is_text = |at: usize| page.texts.is_char_boundary(at);
            if !is_text(name_end) || !is_text(self.read_texts) {
                return None;
            }
            let [start, name_end, end] = [start, name_end, self.read_texts].map(|at| u32::try_from(at).ok());
            self.pairs.push(PairSpan { start: start?, name_end: name_end?, end: end? });
        }
        self.ordinal = page.first.checked_add(self.read_series)?;
        self.read_series += 1;
        self.read_numbers = page.numbers.len() - bytes.0.len();
        Some(())
    }

    /// The labels of the current series, by name. `page` is the one that the cursor is in.
    pub(super) fn pairs<'p>(&self, page: &'p LabelPage) -> impl Iterator<Item = (&'p str, &'p str)> + Clone {
        let texts = &*page.texts;
        self.pairs.iter().map(move |PairSpan { start, name_end, end }| {
            let text = |from: u32, until: u32| texts.get(from as usize..until as usize).unwrap_or_default();
            (text(*start, *name_end), text(*name_end, *end))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        Labels::from_pairs(text.split(',').filter_map(|pair| pair.split_once('=')))
    }

    #[test]
    fn a_page_has_the_label_sets_and_bounds_that_were_written() {
        let series = ["", "__name__=a", "__name__=a,x=1", "__name__=a,x=1,y=\u{e4}\u{1f600}", "__name__=b,x=1", "x=1"];
        let mut pending = PendingLabelPage::default();
        for (at, text) in series.iter().enumerate() {
            let bounds = TimeBounds { first_ms: 1000 - at as i64 * 300, last_ms: 1000 + at as i64 };
            pending.push(7 + at as u32, bounds, &labels(text));
        }
        let raw = pending.finish();
        let page = LabelPage::read(&raw).expect("a page");
        let mut cursor = PageCursor::default();
        for (at, text) in series.iter().enumerate() {
            assert!(cursor.advance(&page));
            assert_eq!(Labels::from_pairs(cursor.pairs(&page)), labels(text));
            assert_eq!((cursor.ordinal, cursor.bounds.first_ms), (7 + at as u32, 1000 - at as i64 * 300));
            assert_eq!(cursor.bounds.last_ms, 1000 + at as i64);
        }
        assert!(!cursor.advance(&page));
    }

    #[test]
    fn a_damaged_page_ends_early_and_never_panics() {
        let mut pending = PendingLabelPage::default();
        for at in 0..20 {
            let bounds = TimeBounds { first_ms: at, last_ms: at + 5 };
            pending.push(at as u32, bounds, &labels(&format!("__name__=\u{e4}{},n={at}", at / 3)));
        }
        let raw = pending.finish();
        for at in 0..raw.len() {
            for bit in 0..8 {
                let mut damaged = raw.clone();
                damaged[at] ^= 1 << bit;
                let Some(page) = LabelPage::read(&damaged) else { continue };
                let (mut cursor, mut read) = (PageCursor::default(), 0);
                while cursor.advance(&page) {
                    read += cursor.pairs(&page).count();
                }
                assert!(read <= 100);
            }
        }
    }
}
