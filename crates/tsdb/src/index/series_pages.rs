//! The series by id, in pages without holes: less memory than a hash table, and an order by id.
use super::Series;
use std::collections::BTreeMap;

/// The ids of a page: as many as its bit set has bits.
const PAGE_IDS: u32 = u64::BITS;

/// Series by their ids, which mostly grow.
#[derive(Debug, Default)]
pub(crate) struct SeriesPages {
    /// By the ids divided by [`PAGE_IDS`]. No page is empty.
    pages: BTreeMap<u32, Page>,
    len: usize,
}

/// The series of consecutive ids.
#[derive(Debug, Default)]
struct Page {
    /// Which of the ids have a series, the lowest first.
    present: u64,
    /// Their series, in order of ids.
    series: Vec<Series>,
}

impl Page {
    /// Where the series with this bit is, or would be.
    fn position(&self, bit: u32) -> usize {
        (self.present & ((1 << bit) - 1)).count_ones() as usize
    }

    fn has(&self, bit: u32) -> bool {
        self.present >> bit & 1 == 1
    }
}

fn place(id: u32) -> (u32, u32) {
    (id / PAGE_IDS, id % PAGE_IDS)
}

impl SeriesPages {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Series> {
        let (page, bit) = place(id);
        let page = self.pages.get(&page).filter(|page| page.has(bit))?;
        page.series.get(page.position(bit))
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Series> {
        let (page, bit) = place(id);
        let page = self.pages.get_mut(&page).filter(|page| page.has(bit))?;
        let position = page.position(bit);
        page.series.get_mut(position)
    }

    /// Adds a series, or replaces the one with this id.
    pub(super) fn insert(&mut self, id: u32, series: Series) {
        let (page, bit) = place(id);
        let page = self.pages.entry(page).or_default();
        let (position, is_there) = (page.position(bit), page.has(bit));
        match page.series.get_mut(position).filter(|_| is_there) {
            Some(own) => *own = series,
            None => {
                page.present |= 1 << bit;
                page.series.insert(position, series);
                self.len += 1;
            }
        }
    }

    /// Removes a series. What its page has left takes no more than twice its size.
    pub(super) fn remove(&mut self, id: u32) -> Option<Series> {
        let (number, bit) = place(id);
        let page = self.pages.get_mut(&number).filter(|page| page.has(bit))?;
        let series = page.series.remove(page.position(bit));
        page.present &= !(1 << bit);
        self.len -= 1;
        if page.series.is_empty() {
            self.pages.remove(&number);
        } else if page.series.capacity() > 2 * page.series.len() {
            page.series.shrink_to_fit();
        }
        Some(series)
    }

    /// All ids with their series, in order of ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Series)> {
        self.pages.iter().flat_map(|(number, page)| {
            let bits = (0..PAGE_IDS).filter(|bit| page.has(*bit));
            bits.map(move |bit| number * PAGE_IDS + bit).zip(&page.series)
        })
    }

    /// All series, in order of ids.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Series> {
        self.pages.values().flat_map(|page| &page.series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Slots;
    use promql::Labels;
    use std::collections::BTreeMap as Model;

    fn series(n: u32) -> Series {
        Series { labels: Labels::from_pairs([("n", n.to_string().as_str())]), slots: Slots::None }
    }

    #[test]
    fn pages_answer_as_a_map_does() {
        let (mut pages, mut model) = (SeriesPages::default(), Model::new());
        let mut random = 12_345_u32;
        for round in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let id = random >> 8 & 511;
            if random >> 24 & 1 == 0 {
                pages.insert(id, series(round));
                model.insert(id, round);
            } else {
                assert_eq!(pages.remove(id).is_some(), model.remove(&id).is_some());
            }
            assert_eq!((pages.len(), pages.get(id).is_some()), (model.len(), model.contains_key(&id)));
        }
        let named = |own: &Series| own.labels.get("n").and_then(|n| n.parse().ok());
        let all: Vec<(u32, Option<u32>)> = pages.iter().map(|(id, own)| (id, named(own))).collect();
        assert_eq!(all, model.iter().map(|(id, n)| (*id, Some(*n))).collect::<Vec<_>>());
        assert_eq!(pages.values().map(named).collect::<Vec<_>>(), all.iter().map(|(_, n)| *n).collect::<Vec<_>>());
        for id in model.keys() {
            assert_eq!(pages.get_mut(*id).and_then(|own| named(own)), model.get(id).copied());
            pages.remove(*id);
        }
        assert!(pages.len() == 0 && pages.pages.is_empty());
    }
}
