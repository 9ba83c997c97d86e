//! Assigns the series of a target to groups of the store.
use crate::scrape::newborn::{Newborn, NewbornSeries, SeriesHash};
use crate::scrape::parsed_page::{NumberedSample, NumberedSeries, ParsedPage};
use crate::scrape::refused_samples::RefusedSamples;
use promql::{Labels, stale_marker};
use std::sync::Arc;
use tsdb::{Group, SeriesRef, Store, StoreError};

/// How far a sample's own timestamp may be from the scrape's; other samples are dropped.
const MAX_AHEAD_MS: i64 = 10 * 60_000;
const MAX_BEHIND_MS: i64 = 60 * 60_000;

/// A slot for each series of the last page, by the parser's numbers.
pub(crate) struct SeriesSlots {
    store: Store,
    refused: Arc<RefusedSamples>,
    by_number: Vec<Option<Slot>>,
}

/// A series of the last page.
struct Slot {
    place: Place,
    /// Present if it counts up from zero.
    counted: Option<SeriesHash>,
}

/// Where the samples of a series are stored.
enum Place {
    /// Nowhere yet: it has no sample.
    New(Box<Labels>),
    /// Nowhere: the store had no room.
    Refused,
    /// In the target's group, at the time of the scrape.
    Shared(SeriesRef),
    /// In a group of its own, at its own timestamps.
    Own(Box<OwnGroup>),
}

struct OwnGroup {
    group: Group,
    series: SeriesRef,
}

/// Values at the time of the scrape.
pub(crate) type Row = Vec<(SeriesRef, f64)>;

/// A scrape on its way to the store.
#[derive(Default)]
pub(crate) struct PreparedScrape {
    pub(crate) row: Row,
    /// The series that were zero at the previous scrape.
    pub(crate) zeros: Vec<SeriesRef>,
}

impl SeriesSlots {
    pub(crate) fn new(store: &Store, refused: Arc<RefusedSamples>) -> Self {
        Self { store: store.clone(), refused, by_number: Vec::new() }
    }

    /// Stores the samples that have timestamps of their own; adds the others, stale markers for the series that were
    /// removed, and the `newborn` series to `prepared`.
    ///
    /// # Errors
    /// If the store has no room for new series. Nothing is stored then, and `prepared` is unchanged.
    pub(crate) fn store(
        &mut self,
        time_ms: i64,
        page: ParsedPage,
        group: &mut Group,
        (newborn, known): (&Newborn, &mut NewbornSeries),
        prepared: &mut PreparedScrape,
    ) -> Result<(), StoreError> {
        let ParsedPage { added, samples, removed, .. } = page;
        for NumberedSeries { number, labels, counted } in added {
            let number = number as usize;
            if self.by_number.len() <= number {
                self.by_number.resize_with(number + 1, || None);
            }
            let counted = counted.map(|counted| counted.hash);
            self.by_number[number] = Some(Slot { place: Place::New(labels.into()), counted });
        }
        self.register_new(time_ms, &samples, group)?;
        let PreparedScrape { row, zeros } = prepared;
        row.reserve(samples.len() + removed.len());
        for NumberedSample { number, value, timestamp_ms } in samples {
            let slot = self.by_number.get_mut(number as usize).and_then(Option::as_mut);
            let Some(Slot { place, counted }) = slot else { continue };
            match (place, timestamp_ms) {
                (Place::Shared(series), None) => {
                    row.push((*series, value));
                    if value > 0.0 && counted.is_some() && newborn.has(number) {
                        zeros.push(*series);
                    }
                }
                (Place::Own(own), Some(own_time_ms)) if is_near(own_time_ms, time_ms) => {
                    let OwnGroup { group, series } = &mut **own;
                    if group.append(own_time_ms, [(*series, value)]).is_err() {
                        self.refused.out_of_order.add(1);
                    }
                }
                // Too far away, or of a series that began with the other kind of timestamp.
                _ => self.refused.out_of_bounds.add(1),
            }
        }
        for number in removed {
            if let Some(slot) = self.by_number.get_mut(number as usize).and_then(Option::take) {
                let hash = slot.end(row).filter(|_| !newborn.is_of_new_run);
                hash.into_iter().for_each(|hash| known.add_missing(hash));
            }
        }
        Ok(())
    }

    /// Forgets all series, adds their stale markers to `row`, and those that count to the ones that `known` misses.
    pub(crate) fn retire(&mut self, row: &mut Row, known: &mut NewbornSeries) {
        let counted = self.by_number.drain(..).flatten().filter_map(|slot| slot.end(row));
        counted.for_each(|hash| known.add_missing(hash));
    }

    /// Registers each series that gets its first sample.
    fn register_new(&mut self, time_ms: i64, samples: &[NumberedSample], group: &mut Group) -> Result<(), StoreError> {
        let mut registered_numbers = Vec::new();
        for NumberedSample { number, timestamp_ms, .. } in samples {
            let Some(Some(slot)) = self.by_number.get_mut(*number as usize) else { continue };
            let Place::New(labels) = &slot.place else { continue };
            let registered = match timestamp_ms {
                None => group.register(labels).map(Place::Shared),
                Some(own_time_ms) if !is_near(*own_time_ms, time_ms) => continue,
                Some(_) => {
                    let mut group = self.store.group();
                    group.register(labels).map(|series| Place::Own(Box::new(OwnGroup { group, series })))
                }
            };
            match registered {
                Ok(registered) => {
                    slot.place = registered;
                    registered_numbers.push(*number as usize);
                }
                Err(full) => {
                    // A series without any sample gets no stale marker either.
                    for number in registered_numbers {
                        if let Some(slot) = &mut self.by_number[number] {
                            slot.place = Place::Refused;
                        }
                    }
                    return Err(full);
                }
            }
        }
        Ok(())
    }
}

impl Slot {
    /// Adds the stale marker of a series that has ended to `row`, and returns the series if it counts up from zero. A
    /// series with its own timestamps gets no marker, as in Prometheus: it may pause between two samples.
    fn end(self, row: &mut Row) -> Option<SeriesHash> {
        if let Place::Shared(series) = self.place {
            row.push((series, stale_marker()));
        }
        self.counted
    }
}

fn is_near(own_time_ms: i64, time_ms: i64) -> bool {
    (time_ms.saturating_sub(MAX_BEHIND_MS)..=time_ms.saturating_add(MAX_AHEAD_MS)).contains(&own_time_ms)
}
