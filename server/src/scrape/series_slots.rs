//! Assigns the series of a target to groups of the store.
use crate::scrape::newborn::{Newborn, NewbornSeries, SeriesHash};
use crate::scrape::parsed_page::{NumberedSample, NumberedSeries, ParsedPage};
use crate::scrape::refused_samples::RefusedSamples;
use promql::{Labels, stale_marker};
use std::collections::HashMap;
use std::sync::Arc;
use tsdb::{Group, SeriesRef, Store, StoreError};

/// How far a sample's own timestamp may be from the scrape's; other samples are dropped.
const MAX_AHEAD_MS: i64 = 10 * 60_000;
const MAX_BEHIND_MS: i64 = 60 * 60_000;

/// Where the samples of each series of the last page go.
pub(crate) struct SeriesSlots {
    store: Store,
    refused: Arc<RefusedSamples>,
    /// By the parser's numbers.
    slots: Vec<Slot>,
    /// The series that have no sample yet, and those with groups of their own. Usually there are none.
    new: HashMap<u32, Labels>,
    own: HashMap<u32, OwnGroup>,
    /// What the groups of `own` have added to the store.
    own_weight: usize,
}

/// A series of the last page. There is one for each series of each target, so it is small.
#[derive(Clone, Copy)]
struct Slot {
    place: Place,
    /// Present if it counts up from zero.
    counted: Option<SeriesHash>,
}

/// Where the samples of a series are stored.
#[derive(Clone, Copy)]
enum Place {
    /// There is no series with this number.
    Free,
    /// Nowhere yet: it has no sample.
    New,
    /// Nowhere: the store had no room.
    Refused,
    /// In the target's group, at the time of the scrape.
    Shared(SeriesRef),
    /// In a group of its own, at its own timestamps.
    Own,
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
        Self {
            store: store.clone(),
            refused,
            slots: Vec::new(),
            new: HashMap::new(),
            own: HashMap::new(),
            own_weight: 0,
        }
    }

    /// How many series the target has made that have groups of their own, as [`Group::new_weight`] counts.
    pub(crate) fn own_weight(&self) -> usize {
        self.own_weight
    }

    /// Whether the last page had no series.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
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
        self.add(added);
        self.register_new(time_ms, &samples, group)?;
        let PreparedScrape { row, zeros } = prepared;
        row.reserve(samples.len() + removed.len());
        for NumberedSample { number, value, timestamp_ms } in samples {
            let Some(Slot { place, counted }) = self.slots.get(number as usize) else { continue };
            match (place, timestamp_ms) {
                (Place::Shared(series), None) => {
                    row.push((*series, value));
                    if value > 0.0 && counted.is_some() && newborn.has(number) {
                        zeros.push(*series);
                    }
                }
                (Place::Own, Some(own_time_ms)) if is_near(own_time_ms, time_ms) => {
                    let Some(OwnGroup { group, series }) = self.own.get_mut(&number) else { continue };
                    if group.append(own_time_ms, [(*series, value)]).is_err() {
                        self.refused.out_of_order.add(1);
                    }
                }
                (Place::Free, _) => {}
                // Too far away, or of a series that began with the other kind of timestamp.
                _ => self.refused.out_of_bounds.add(1),
            }
        }
        for number in removed {
            let hash = self.remove(number, row).filter(|_| !newborn.is_of_new_run);
            hash.into_iter().for_each(|hash| known.add_missing(hash));
        }
        Ok(())
    }

    /// Forgets all series, adds their stale markers to `row`, and those that count to the ones that `known` misses.
    pub(crate) fn retire(&mut self, row: &mut Row, known: &mut NewbornSeries) {
        for number in 0..self.slots.len() as u32 {
            self.remove(number, row).into_iter().for_each(|hash| known.add_missing(hash));
        }
        self.slots = Vec::new();
    }

    fn add(&mut self, added: Vec<NumberedSeries>) {
        let Some(max_number) = added.iter().map(|series| series.number).max() else { return };
        let len = self.slots.len().max(max_number as usize + 1);
        self.slots.reserve_exact(len - self.slots.len());
        self.slots.resize(len, Slot { place: Place::Free, counted: None });
        for NumberedSeries { number, labels, counted } in added {
            self.slots[number as usize] = Slot { place: Place::New, counted: counted.map(|counted| counted.hash) };
            self.new.insert(number, labels);
        }
    }

    /// Ends a series: adds its stale marker to `row`, and returns it if it counts up from zero. A series with its own
    /// timestamps gets no marker, as in Prometheus: it may pause between two samples.
    fn remove(&mut self, number: u32, row: &mut Row) -> Option<SeriesHash> {
        let slot = self.slots.get_mut(number as usize)?;
        let Slot { place, counted } = std::mem::replace(slot, Slot { place: Place::Free, counted: None });
        match place {
            Place::Shared(series) => row.push((series, stale_marker())),
            Place::New => drop(self.new.remove(&number)),
            Place::Own => drop(self.own.remove(&number)),
            Place::Free | Place::Refused => {}
        }
        counted
    }

    /// Registers each series that gets its first sample.
    fn register_new(&mut self, time_ms: i64, samples: &[NumberedSample], group: &mut Group) -> Result<(), StoreError> {
        if self.new.is_empty() {
            return Ok(());
        }
        let mut registered_numbers = Vec::new();
        for NumberedSample { number, timestamp_ms, .. } in samples {
            let Some(labels) = self.new.get(number) else { continue };
            let registered = match timestamp_ms {
                None => group.register(labels).map(Place::Shared),
                Some(own_time_ms) if !is_near(*own_time_ms, time_ms) => continue,
                Some(_) => {
                    let mut group = self.store.group();
                    group.register(labels).map(|series| {
                        self.own_weight += group.new_weight();
                        self.own.insert(*number, OwnGroup { group, series });
                        Place::Own
                    })
                }
            };
            match registered {
                Ok(place) => {
                    self.slots[*number as usize].place = place;
                    self.new.remove(number);
                    registered_numbers.push(*number);
                }
                Err(full) => {
                    // A series without any sample gets no stale marker either.
                    for number in registered_numbers {
                        self.slots[number as usize].place = Place::Refused;
                        self.own.remove(&number);
                    }
                    return Err(full);
                }
            }
        }
        self.new.shrink_to_fit();
        Ok(())
    }
}

fn is_near(own_time_ms: i64, time_ms: i64) -> bool {
    (time_ms.saturating_sub(MAX_BEHIND_MS)..=time_ms.saturating_add(MAX_AHEAD_MS)).contains(&own_time_ms)
}
