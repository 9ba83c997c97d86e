//! Where the samples of a target's series go.
use crate::scrape::parsed_page::Reading;
use crate::scrape::scrapers::Counts;
use promql::{Labels, stale_marker};
use std::sync::Arc;
use tsdb::{Group, SeriesRef, Store, StoreError};

/// How far a sample's own time may lie from the scrape's; beyond it the sample is dropped.
const MOST_AHEAD_MS: i64 = 10 * 60_000;
const MOST_BEHIND_MS: i64 = 60 * 60_000;

/// A place for each series of the last page, by the page cache's numbers.
pub(crate) struct Places {
    store: Store,
    counts: Arc<Counts>,
    by_number: Vec<Option<Place>>,
}

enum Place {
    /// None yet.
    New(Labels),
    /// The target's group, at the time of the scrape.
    Row(SeriesRef),
    /// A group of its own, at its own times.
    Own(Box<(Group, SeriesRef)>),
}

/// Values at the time of the scrape.
pub(crate) type Row = Vec<(SeriesRef, f64)>;

impl Places {
    pub(crate) fn new(store: &Store, counts: Arc<Counts>) -> Self {
        Self { store: store.clone(), counts, by_number: Vec::new() }
    }

    /// Stores the samples that carry a time of their own; adds the others to `row`, and marks for the series that
    /// have ended.
    ///
    /// # Errors
    /// When the store has no room for new series. Then nothing is stored and `row` is as before.
    pub(crate) fn take(
        &mut self,
        time_ms: i64,
        reading: Reading,
        group: &mut Group,
        row: &mut Row,
    ) -> Result<(), StoreError> {
        let Reading { new, samples, ended, .. } = reading;
        for (number, labels) in new {
            let number = number as usize;
            if self.by_number.len() <= number {
                self.by_number.resize_with(number + 1, || None);
            }
            self.by_number[number] = Some(Place::New(labels));
        }
        self.open(time_ms, &samples, group)?;
        row.reserve(samples.len() + ended.len());
        for (number, value, own_time_ms) in samples {
            match (self.by_number.get_mut(number as usize), own_time_ms) {
                (Some(Some(Place::Row(series))), None) => row.push((*series, value)),
                (Some(Some(Place::Own(own))), Some(own_time_ms)) if is_near(own_time_ms, time_ms) => {
                    let (group, series) = &mut **own;
                    if group.append(own_time_ms, [(*series, value)]).is_err() {
                        self.counts.out_of_order.add(1);
                    }
                }
                // Too far away, or of a series that began with the other kind of time.
                _ => self.counts.out_of_bounds.add(1),
            }
        }
        for number in ended {
            row.extend(self.by_number.get_mut(number as usize).and_then(Option::take).and_then(Place::mark));
        }
        Ok(())
    }

    /// Forgets all series and adds to `row` the marks that they are gone.
    pub(crate) fn retire(&mut self, row: &mut Row) {
        row.extend(self.by_number.drain(..).flatten().filter_map(Place::mark));
    }

    /// Opens a place for each series that gets its first sample.
    fn open(&mut self, time_ms: i64, samples: &[(u32, f64, Option<i64>)], group: &mut Group) -> Result<(), StoreError> {
        let mut opened = Vec::new();
        for (number, _, own_time_ms) in samples {
            let Some(Some(place)) = self.by_number.get_mut(*number as usize) else { continue };
            let Place::New(labels) = place else { continue };
            let registered = match own_time_ms {
                None => group.register(labels).map(Place::Row),
                Some(own_time_ms) if !is_near(*own_time_ms, time_ms) => continue,
                Some(_) => {
                    let mut own = self.store.group();
                    own.register(labels).map(|series| Place::Own(Box::new((own, series))))
                }
            };
            match registered {
                Ok(registered) => {
                    *place = registered;
                    opened.push(*number as usize);
                }
                Err(full) => {
                    // What never had a sample gets no mark either.
                    opened.into_iter().for_each(|number| self.by_number[number] = None);
                    return Err(full);
                }
            }
        }
        Ok(())
    }
}

impl Place {
    /// The mark that the series is gone. One with times of its own gets none: it may pause between two samples, as
    /// Prometheus sees it.
    fn mark(self) -> Option<(SeriesRef, f64)> {
        match self {
            Self::Row(series) => Some((series, stale_marker())),
            Self::New(_) | Self::Own(_) => None,
        }
    }
}

fn is_near(own_time_ms: i64, time_ms: i64) -> bool {
    (time_ms.saturating_sub(MOST_BEHIND_MS)..=time_ms.saturating_add(MOST_AHEAD_MS)).contains(&own_time_ms)
}
