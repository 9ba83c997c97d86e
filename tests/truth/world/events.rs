//! Lists of events and step functions as pure functions of time, so that every rendering of a world agrees with its truth.

/// Events that are alike and evenly spaced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Train {
    /// When the first one happens, Unix milliseconds.
    pub(crate) first_ms: i64,
    /// The distance between two of them, in microseconds.
    pub(crate) spacing_us: i64,
    /// How many there are.
    pub(crate) count: u64,
}

impl Train {
    /// Events from `start_ms` to before `end_ms`, `per_s` each second. The first happens half a distance after the start,
    /// so that none happens at a round time.
    pub(crate) fn steady(start_ms: i64, end_ms: i64, per_s: f64) -> Self {
        let spacing_us = (1e6 / per_s).round() as i64;
        let first_ms = start_ms + spacing_us / 2000;
        let count = if end_ms > first_ms { ((end_ms - 1 - first_ms) * 1000 / spacing_us + 1) as u64 } else { 0 };
        Self { first_ms, spacing_us, count }
    }

    /// A single event.
    pub(crate) fn once(at_ms: i64) -> Self {
        Self { first_ms: at_ms, spacing_us: 1, count: 1 }
    }

    /// How many have happened at a time.
    fn count_at(&self, time_ms: i64) -> u64 {
        if time_ms < self.first_ms {
            return 0;
        }
        self.count.min(((time_ms - self.first_ms) * 1000 / self.spacing_us) as u64 + 1)
    }
}

/// A list of events, as trains in order of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventList {
    trains: Vec<Train>,
    /// For each train, the number of events of those before it.
    before: Vec<u64>,
}

impl EventList {
    /// Trains in order of time.
    ///
    /// # Panics
    /// If a train begins before the previous one has ended.
    pub(crate) fn new(trains: impl IntoIterator<Item = Train>) -> Self {
        let mut list = Self::default();
        for train in trains.into_iter().filter(|train| train.count > 0) {
            let total = list.trains.last().map_or(0, |last| {
                assert_eq!(last.count_at(train.first_ms - 1), last.count, "trains overlap: {last:?} {train:?}");
                list.before.last().copied().unwrap_or(0) + last.count
            });
            list.before.push(total);
            list.trains.push(train);
        }
        list
    }

    /// How many events have happened at a time.
    pub(crate) fn count_at(&self, time_ms: i64) -> u64 {
        match self.trains.partition_point(|train| train.first_ms <= time_ms) {
            0 => 0,
            at => self.before[at - 1] + self.trains[at - 1].count_at(time_ms),
        }
    }

    /// How many events happen after one time and not after another.
    pub(crate) fn count_between(&self, after_ms: i64, until_ms: i64) -> u64 {
        self.count_at(until_ms).saturating_sub(self.count_at(after_ms))
    }

    /// When the first event after a time happens.
    pub(crate) fn next_after(&self, time_ms: i64) -> Option<i64> {
        let at = self.trains.partition_point(|train| train.first_ms <= time_ms);
        let running = at.checked_sub(1).map(|at| self.trains[at]).filter(|train| train.count_at(time_ms) < train.count);
        let next =
            running.map(|train| train.first_ms + (train.count_at(time_ms) as i64 * train.spacing_us + 999) / 1000);
        next.or_else(|| self.trains.get(at).map(|train| train.first_ms))
    }
}

/// A value that changes in steps.
#[derive(Clone, Debug)]
pub(crate) struct StepFunction {
    /// Times in order, Unix milliseconds, and the value from each on. The first value also holds before its time.
    steps: Vec<(i64, f64)>,
}

/// The least and the greatest value, and the mean over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) least: f64,
    pub(crate) mean: f64,
    pub(crate) greatest: f64,
}

impl StepFunction {
    /// A value that never changes.
    pub(crate) fn constant(value: f64) -> Self {
        Self { steps: vec![(0, value)] }
    }

    /// This function with another value from one time to before another.
    pub(crate) fn with_peak(mut self, start_ms: i64, end_ms: i64, value: f64) -> Self {
        let after = self.value_at(end_ms);
        self.steps.retain(|(time_ms, _)| !(start_ms..=end_ms).contains(time_ms));
        self.steps.extend([(start_ms, value), (end_ms, after)]);
        self.steps.sort_by_key(|(time_ms, _)| *time_ms);
        self
    }

    /// The value at a time.
    pub(crate) fn value_at(&self, time_ms: i64) -> f64 {
        let at = self.steps.partition_point(|(start_ms, _)| *start_ms <= time_ms);
        self.steps.get(at.saturating_sub(1)).map_or(f64::NAN, |(_, value)| *value)
    }

    /// The extent from one time to another.
    pub(crate) fn extent(&self, start_ms: i64, end_ms: i64) -> Extent {
        let first = self.value_at(start_ms);
        let mut extent = Extent { least: first, mean: 0.0, greatest: first };
        let inner = self.steps.iter().copied().filter(|(time_ms, _)| (start_ms + 1..=end_ms).contains(time_ms));
        let mut last = (start_ms, first);
        let mut area = 0.0;
        for (time_ms, value) in inner.chain([(end_ms, f64::NAN)]) {
            area += last.1 * (time_ms - last.0) as f64;
            extent.least = extent.least.min(value);
            extent.greatest = extent.greatest.max(value);
            last = (time_ms, value);
        }
        extent.mean = if end_ms > start_ms { area / (end_ms - start_ms) as f64 } else { first };
        extent
    }
}

#[test]
fn a_train_counts_its_events_once() {
    let list = EventList::new([Train::steady(0, 60_000, 4.0), Train::once(70_000), Train::steady(80_000, 81_000, 2.0)]);
    let counts = [-1, 124, 125, 374, 375, 59_999, 69_999, 70_000, 90_000].map(|at| list.count_at(at));
    assert_eq!(counts, [0, 0, 1, 1, 2, 240, 240, 241, 243]);
    assert_eq!(list.count_between(60_000, 80_300), 2);
    assert_eq!(
        [0, 125, 60_000, 70_000, 90_000].map(|at| list.next_after(at)),
        [Some(125), Some(375), Some(70_000), Some(80_250), None]
    );
}

#[test]
fn a_peak_is_in_the_extent_of_its_time_only() {
    let value = StepFunction::constant(2.0).with_peak(100, 200, 10.0);
    assert_eq!([0, 99, 100, 199, 200].map(|at| value.value_at(at)), [2.0, 2.0, 10.0, 10.0, 2.0]);
    assert_eq!(value.extent(0, 400), Extent { least: 2.0, mean: 4.0, greatest: 10.0 });
    assert_eq!(value.extent(200, 400), Extent { least: 2.0, mean: 2.0, greatest: 2.0 });
}
