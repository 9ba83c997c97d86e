//! What a store must have: every sample that was stored, in a form that is too simple to be wrong.
use promql::{Labels, is_stale};
use std::collections::BTreeMap;

/// What identifies a series here: its metric, its target, its number on the page and its model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) metric: String,
    pub(crate) instance: String,
    pub(crate) number: String,
    pub(crate) model: String,
}

/// The bits of values by time.
pub(crate) type Bits = BTreeMap<i64, u64>;

/// The content of a store, as far as it is compared.
pub(crate) type Content = BTreeMap<Key, Bits>;

/// How far a sample is from being lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Safety {
    InMemory,
    /// A killed process does not lose it.
    Written,
    /// Nor does a power failure.
    Synced,
}

/// What is known of a sample.
#[derive(Clone, Copy, Debug)]
struct Known {
    bits: u64,
    safety: Safety,
}

/// The model of a store.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Whether the clock has stepped back. What was stored for the time after it is hidden, and lost later, so that nothing is
    /// compared any more.
    pub(crate) is_rewound: bool,
    samples: BTreeMap<Key, BTreeMap<i64, Known>>,
    /// Samples that may appear: of a failed import, or dropped from memory and still in a file.
    possible: BTreeMap<Key, BTreeMap<i64, Vec<u64>>>,
}

/// What a comparison found to be lost of the samples that should have been safe.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lost {
    /// One of the safest.
    pub(crate) safest: Option<(Safety, Key, i64)>,
    pub(crate) count: usize,
    /// The newest of them.
    pub(crate) newest_ms: Option<i64>,
}

impl Key {
    /// The key of a stored series; none for those that are not compared.
    pub(crate) fn of(labels: &Labels) -> Option<Self> {
        let get = |name: &str| labels.get(name).unwrap_or_default().to_owned();
        let key = Self { metric: get("__name__"), instance: get("instance"), number: get("n"), model: get("model") };
        (key.metric == "up" || !key.number.is_empty()).then_some(key)
    }
}

impl Lost {
    fn add(&mut self, key: &Key, time_ms: i64, safety: Safety) {
        self.count += 1;
        self.newest_ms = self.newest_ms.max(Some(time_ms));
        if self.safest.as_ref().is_none_or(|(safest, ..)| *safest < safety) {
            self.safest = Some((safety, key.clone(), time_ms));
        }
    }
}

impl Model {
    /// Adds a sample, unless there is one at its time: the first one counts. Returns the bits that count.
    pub(crate) fn add(&mut self, key: &Key, time_ms: i64, bits: u64) -> u64 {
        let samples = match self.samples.get_mut(key) {
            Some(samples) => samples,
            None => self.samples.entry(key.clone()).or_default(),
        };
        samples.entry(time_ms).or_insert(Known { bits, safety: Safety::InMemory }).bits
    }

    /// Notes samples that may be stored or not.
    pub(crate) fn add_possible(&mut self, key: &Key, time_ms: i64, bits: u64) {
        self.possible.entry(key.clone()).or_default().entry(time_ms).or_default().push(bits);
    }

    pub(crate) fn bits(&self, key: &Key, time_ms: i64) -> Option<u64> {
        self.samples.get(key)?.get(&time_ms).map(|known| known.bits)
    }

    /// Raises the safety of all samples.
    pub(crate) fn secure(&mut self, safety: Safety) {
        for known in self.samples.values_mut().flat_map(BTreeMap::values_mut) {
            known.safety = known.safety.max(safety);
        }
    }

    /// Raises the safety of one series.
    pub(crate) fn secure_series(&mut self, key: &Key, safety: Safety) {
        for known in self.samples.get_mut(key).into_iter().flat_map(BTreeMap::values_mut) {
            known.safety = known.safety.max(safety);
        }
    }

    /// The series of a target that have a sample at a time.
    pub(crate) fn keys_at<'m>(&'m self, instance: &'m str, time_ms: i64) -> impl Iterator<Item = &'m Key> {
        let of_target = self.samples.iter().filter(move |(key, _)| key.instance == instance);
        of_target.filter(move |(_, samples)| samples.contains_key(&time_ms)).map(|(key, _)| key)
    }

    /// Compares all that a store has, where samples as safe as `needed` must be. Panics at a sample that was never stored, or
    /// that has another value. What is missing is forgotten; if it `returns`, only what was not safe.
    pub(crate) fn compare(&mut self, found: &Content, needed: Safety, returns: bool, context: &str) -> Lost {
        if self.is_rewound {
            return Lost::default();
        }
        for (key, samples) in found {
            for (time_ms, bits) in samples {
                let known = self.bits(key, *time_ms);
                if known == Some(*bits) {
                    continue;
                }
                let possible = self.possible.get(key).and_then(|times| times.get(time_ms));
                let is_possible = possible.is_some_and(|possible| possible.contains(bits));
                let [expected, value] = [known, Some(*bits)].map(|bits| bits.map(f64::from_bits));
                assert!(is_possible, "{context}: {key:?} at {time_ms} is {value:?}, not {expected:?}");
                let known = Known { bits: *bits, safety: Safety::InMemory };
                self.samples.entry(key.clone()).or_default().insert(*time_ms, known);
            }
        }
        let mut lost = Lost::default();
        for (key, samples) in &mut self.samples {
            let own = found.get(key);
            samples.retain(|time_ms, known| {
                let is_there = own.is_some_and(|own| own.contains_key(time_ms));
                let was_safe = known.safety >= needed;
                if !is_there && was_safe {
                    lost.add(key, *time_ms, known.safety);
                }
                let is_kept = is_there || returns && was_safe;
                if !is_kept {
                    // A file may still have it.
                    let times = self.possible.entry(key.clone()).or_default();
                    times.entry(*time_ms).or_default().push(known.bits);
                }
                is_kept
            });
        }
        self.samples.retain(|_, samples| !samples.is_empty());
        lost
    }

    /// The series of a metric of a target.
    fn series<'m>(
        &'m self,
        metric: &'m str,
        instance: &'m str,
    ) -> impl Iterator<Item = (&'m Key, &'m BTreeMap<i64, Known>)> {
        self.samples.iter().filter(move |(key, _)| key.metric == metric && key.instance == instance)
    }

    /// The value of each series of a metric at a time, as an instant query has it.
    pub(crate) fn instant(&self, metric: &str, instance: &str, time_ms: i64, lookback_ms: i64) -> BTreeMap<Key, f64> {
        let newest = |samples: &BTreeMap<i64, Known>| {
            let (_, known) = samples.range(time_ms - lookback_ms + 1..=time_ms).next_back()?;
            Some(f64::from_bits(known.bits)).filter(|value| !is_stale(*value))
        };
        self.series(metric, instance).filter_map(|(key, samples)| Some((key.clone(), newest(samples)?))).collect()
    }

    /// The values of each series of a metric in a window that ends at `time_ms`, without stale markers.
    pub(crate) fn window(&self, metric: &str, instance: &str, time_ms: i64, window_ms: i64) -> BTreeMap<Key, Vec<f64>> {
        let within = |samples: &BTreeMap<i64, Known>| -> Vec<f64> {
            let values = samples.range(time_ms - window_ms + 1..=time_ms).map(|(_, known)| f64::from_bits(known.bits));
            values.filter(|value| !is_stale(*value)).collect()
        };
        let series = self.series(metric, instance).map(|(key, samples)| (key.clone(), within(samples)));
        series.filter(|(_, values)| !values.is_empty()).collect()
    }

    /// A random series of the model, and one of its times.
    pub(crate) fn pick(&self, random: u64) -> Option<(&Key, i64)> {
        let count = self.samples.len() as u64;
        let (key, samples) = self.samples.iter().nth(random.checked_rem(count)? as usize)?;
        let at = (random / count) as usize % samples.len();
        samples.keys().nth(at).map(|time_ms| (key, *time_ms))
    }

    /// The newest time.
    pub(crate) fn newest_ms(&self) -> Option<i64> {
        self.samples.values().filter_map(|samples| samples.keys().next_back()).max().copied()
    }
}
