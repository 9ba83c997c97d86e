//! Assigns the series of a target to groups of the store.
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

/// Where the samples of a series are stored.
enum Slot {
    /// Nowhere yet: it has no sample.
    New(Labels),
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

impl SeriesSlots {
    pub(crate) fn new(store: &Store, refused: Arc<RefusedSamples>) -> Self {
        Self { store: store.clone(), refused, by_number: Vec::new() }
    }

    /// Stores the samples that have timestamps of their own; adds the others, and stale markers for the series that were
    /// removed, to `row`.
    ///
    /// # Errors
    /// If the store has no room for new series. Nothing is stored then, and `row` is unchanged.
    pub(crate) fn store(
        &mut self,
        time_ms: i64,
        page: ParsedPage,
        group: &mut Group,
        row: &mut Row,
    ) -> Result<(), StoreError> {
        let ParsedPage { added, samples, removed, .. } = page;
        for NumberedSeries { number, labels } in added {
            let number = number as usize;
            if self.by_number.len() <= number {
                self.by_number.resize_with(number + 1, || None);
            }
            self.by_number[number] = Some(Slot::New(labels));
        }
        self.register_new(time_ms, &samples, group)?;
        row.reserve(samples.len() + removed.len());
        for NumberedSample { number, value, timestamp_ms } in samples {
            match (self.by_number.get_mut(number as usize), timestamp_ms) {
                (Some(Some(Slot::Shared(series))), None) => row.push((*series, value)),
                (Some(Some(Slot::Own(own))), Some(own_time_ms)) if is_near(own_time_ms, time_ms) => {
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
            row.extend(self.by_number.get_mut(number as usize).and_then(Option::take).and_then(Slot::stale_sample));
        }
        Ok(())
    }

    /// Forgets all series and adds their stale markers to `row`.
    pub(crate) fn retire(&mut self, row: &mut Row) {
        row.extend(self.by_number.drain(..).flatten().filter_map(Slot::stale_sample));
    }

    /// Registers each series that gets its first sample.
    fn register_new(&mut self, time_ms: i64, samples: &[NumberedSample], group: &mut Group) -> Result<(), StoreError> {
        let mut registered_numbers = Vec::new();
        for NumberedSample { number, timestamp_ms, .. } in samples {
            let Some(Some(slot)) = self.by_number.get_mut(*number as usize) else { continue };
            let Slot::New(labels) = slot else { continue };
            let registered = match timestamp_ms {
                None => group.register(labels).map(Slot::Shared),
                Some(own_time_ms) if !is_near(*own_time_ms, time_ms) => continue,
                Some(_) => {
                    let mut group = self.store.group();
                    group.register(labels).map(|series| Slot::Own(Box::new(OwnGroup { group, series })))
                }
            };
            match registered {
                Ok(registered) => {
                    *slot = registered;
                    registered_numbers.push(*number as usize);
                }
                Err(full) => {
                    // A series without any sample gets no stale marker either.
                    registered_numbers.into_iter().for_each(|number| self.by_number[number] = None);
                    return Err(full);
                }
            }
        }
        Ok(())
    }
}

impl Slot {
    /// The stale marker of a removed series. A series with its own timestamps gets none, as in Prometheus: it may pause
    /// between two samples.
    fn stale_sample(self) -> Option<(SeriesRef, f64)> {
        match self {
            Self::Shared(series) => Some((series, stale_marker())),
            Self::New(_) | Self::Own(_) => None,
        }
    }
}

fn is_near(own_time_ms: i64, time_ms: i64) -> bool {
    (time_ms.saturating_sub(MAX_BEHIND_MS)..=time_ms.saturating_add(MAX_AHEAD_MS)).contains(&own_time_ms)
}
