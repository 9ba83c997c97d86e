//! One simulated life of a companion: scrapes, maintenance, queries, faults and restarts, all from one seed.
use crate::checks::{Content, content};
use crate::disk::{Image, SimulatedDisk, Trouble};
use crate::faults::{Coverage, Fault};
use crate::model::{Key, Model, Safety};
use crate::target::{Page, Scrape, Target};
use promql::stale_marker;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use test_kit::Rng;
use tsdb::{ImportSeries, Limits, OpenError, OpenReport, Options, Store};

/// The number of targets.
const TARGETS: usize = 3;

/// The milliseconds between events. When they are short, samples move to chunk files rather than to blocks.
const PACES: [&[i64]; 2] = [&[1, 250, 1000, 5000, 15_000, 60_000, 600_000, 4_000_000], &[1, 250, 1000, 5000, 15_000]];

/// How many events the trace of a failed seed shows.
const MAX_TRACE: usize = 60;

/// The least number of samples of a stored scrape: what the companion itself says about it.
const MIN_ROW: u64 = 4;

/// A companion, its targets, its disk and its clock.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) coverage: Coverage,
    pub(crate) disk: SimulatedDisk,
    pub(crate) store: Store,
    pub(crate) targets: Vec<Target>,
    pub(crate) model: Model,
    pub(crate) now_ms: i64,
    pub(crate) options: Options,
    /// The times between events.
    pace: &'static [i64],
    /// Whether files of this life may be damaged.
    pub(crate) has_damage: bool,
    /// Whether a file has been damaged.
    pub(crate) is_damaged: bool,
    /// Whether the clock of this life may step back.
    has_rewinds: bool,
    /// Whether some files could not be read when the store was opened.
    pub(crate) is_partial: bool,
    /// Whether maintenance has failed since the last check.
    pub(crate) has_failed: bool,
    /// Whether nothing was injected since the last successful maintenance.
    pub(crate) is_clean: bool,
    /// The damage that the store had reported by the last check.
    pub(crate) reported: u64,
    /// Whether the previous run reported damage after its last check.
    pub(crate) was_reported: bool,
    trace: Vec<String>,
}

/// Opens the store of a disk.
pub(crate) fn open(disk: &SimulatedDisk, options: Options) -> Result<(Store, OpenReport), OpenError> {
    Store::open(Path::new("/store"), options, Arc::new(disk.clone()))
}

impl World {
    pub(crate) fn new(seed: u64, coverage: Coverage) -> Self {
        let mut rng = Rng::new(seed);
        let limits = Limits { retention_ms: i64::MAX, ..Options::default().limits };
        let (head_bytes, log_bytes) = *rng.of(&[(60_000, 200_000), (300, 700), (4000, 3000)]);
        let sync_every = *rng.of(&[Duration::ZERO, Duration::ZERO, Duration::MAX]);
        let options = Options { limits, head_bytes, log_bytes, sync_every };
        let disk = SimulatedDisk::new(Image::new(), rng.next_u64());
        let (store, _) = open(&disk, options).expect("an empty folder");
        let now_ms = 1_790_000_000_000 + rng.below(86_400_000) as i64;
        let targets = (0..TARGETS).map(|at| Target::new(&store, at, now_ms)).collect();
        let has_damage = rng.chance(0.3);
        let has_rewinds = rng.chance(0.25);
        let pace = rng.of(&PACES);
        Self {
            rng,
            coverage,
            pace,
            disk,
            store,
            targets,
            model: Model::default(),
            now_ms,
            options,
            has_damage,
            is_damaged: false,
            has_rewinds,
            is_partial: false,
            has_failed: false,
            is_clean: true,
            reported: 0,
            was_reported: false,
            trace: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, event: impl Into<String>) {
        if self.trace.len() > MAX_TRACE {
            self.trace.drain(..MAX_TRACE / 2);
        }
        self.trace.push(format!("{} {}", self.now_ms, event.into()));
    }

    /// The last events.
    pub(crate) fn trace(&self) -> String {
        let mut text = String::new();
        for event in &self.trace {
            let _ = writeln!(text, "  {event}");
        }
        text
    }

    /// What is on the disk, in a number: the same for each life of a seed.
    pub(crate) fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (self.now_ms, content(&self.store, "", i64::MIN, i64::MAX), &self.trace).hash(&mut hasher);
        hasher.finish()
    }

    /// Lives through `steps` events, and through the end.
    pub(crate) fn live(&mut self, steps: u64) {
        for _ in 0..steps {
            self.step();
        }
        self.finish();
    }

    fn step(&mut self) {
        self.now_ms += *self.rng.of(self.pace);
        match self.rng.below(100) {
            0..55 => {
                let at = self.rng.index(self.targets.len());
                self.scrape(at);
            }
            55..77 => self.maintain(),
            77..81 => self.write(),
            81..83 => self.sync(),
            83..88 => self.check_query(),
            88..90 => self.import(),
            90..93 => self.change_trouble(),
            93 => self.step_clock(),
            94..97 => self.check_all(),
            97 => self.stop_target(),
            98 => self.damage_live(),
            _ => self.restart(),
        }
        for fault in self.disk.take_injected() {
            self.coverage.reach(fault);
            self.is_clean = false;
        }
    }

    fn scrape(&mut self, at: usize) {
        let (rng, coverage) = (&mut self.rng, &self.coverage);
        let target = &mut self.targets[at];
        if let Some(late) = target.late.take() {
            return self.store_scrape(at, &late);
        }
        let answer = target.answer(self.now_ms, rng, coverage);
        let scrape = Scrape { time_ms: self.now_ms, answer };
        if rng.chance(0.08) {
            coverage.reach(Fault::TargetIsSlow);
            target.late = Some(scrape);
            return;
        }
        self.store_scrape(at, &scrape);
    }

    /// Stores a scrape, and checks that it is there as a whole, or not at all.
    fn store_scrape(&mut self, at: usize, Scrape { time_ms, answer }: &Scrape) {
        let target = &mut self.targets[at];
        let refused = target.scraper.refused().out_of_order.get();
        let page = answer.as_ref().map(|page| page.text.clone()).map_err(|failure| *failure);
        let outcome = target.scraper.scrape(*time_ms, page, Duration::from_millis(5));
        let is_refused = target.scraper.refused().out_of_order.get() - refused >= MIN_ROW;
        let stored = match (answer, outcome) {
            (Ok(page), Ok(())) => Ok(page),
            (Ok(page), Err(failure)) if page.series.is_empty() => Err(failure),
            (Ok(page), Err(failure)) => panic!("a good page failed: {failure}\n{}", page.text),
            (Err(_), Err(failure)) => Err(failure),
            (Err(failure), Ok(())) => panic!("{failure} was stored as a page"),
        };
        let text = format!("scrape of {at} at {time_ms}: {:?}, refused: {is_refused}", stored.as_ref().err());
        let stored = stored.map_err(|_| ());
        let expected = self.targets[at].expected(stored);
        // Also those after a step of the clock back are stored.
        assert!(!is_refused, "{text}");
        for (key, bits) in &expected {
            self.model.add(key, *time_ms, *bits);
        }
        self.targets[at].own_last_ms = Some(*time_ms);
        self.targets[at].scraped_ms.insert(*time_ms);
        self.read_back(at, *time_ms, stored.ok(), &text);
        let target = &mut self.targets[at];
        target.previous.clear();
        for (metric, number) in stored
            .iter()
            .flat_map(|page| &page.series)
            .filter(|(_, (_, own_ms))| own_ms.is_none())
            .map(|(series, _)| series)
        {
            let key = target.key(metric, number, true);
            target.previous.insert(key);
        }
        self.note(text);
    }

    /// Reads what a scrape has put into the store since the target's last one.
    fn read_back(&mut self, at: usize, time_ms: i64, page: Option<&Page>, context: &str) {
        let trouble = self.disk.replace_trouble(Trouble::default());
        let target = &self.targets[at];
        let from_ms = target.last_ms.unwrap_or(time_ms).min(time_ms - 20_000) - 2;
        let found = content(&self.store, &target.instance, from_ms, time_ms);
        self.disk.set_trouble(trouble);
        if let Some(page) = page {
            let own = page
                .series
                .iter()
                .filter_map(|((metric, number), (value, own_ms))| Some((metric, number, value, (*own_ms)?)));
            for (metric, number, value, own_ms) in own {
                let key = target.key(metric, number, true);
                let is_there = found.get(&key).is_some_and(|samples| samples.contains_key(&own_ms));
                if is_there {
                    self.model.add(&key, own_ms, value.to_bits());
                }
            }
        }
        for (key, samples) in &found {
            for (found_ms, bits) in samples {
                // A counter that began was zero at the scrape before.
                let is_zero = key.metric == "work_total" && f64::from_bits(*bits) == 0.0 && *found_ms < time_ms;
                if is_zero && self.model.bits(key, *found_ms).is_none() {
                    let is_at_scrape = [0, 1].iter().any(|after| target.scraped_ms.contains(&(found_ms - after)));
                    assert!(is_at_scrape, "a zero between scrapes: {key:?} at {found_ms}: {context}");
                    self.model.add(key, *found_ms, *bits);
                }
                let known = self.model.bits(key, *found_ms);
                if self.model.is_rewound || self.is_uncertain() && *found_ms < time_ms {
                    continue;
                }
                assert_eq!(known, Some(*bits), "{key:?} at {found_ms}: {context}");
            }
        }
        self.assert_whole(at, time_ms, &found, context);
        self.targets[at].last_ms = Some(time_ms);
    }

    /// Checks that all samples of a scrape are there.
    fn assert_whole(&self, at: usize, time_ms: i64, found: &Content, context: &str) {
        if self.is_damaged || self.is_partial || self.model.is_rewound {
            return;
        }
        let instance = &self.targets[at].instance;
        for key in self.model.keys_at(instance, time_ms) {
            let is_there = found.get(key).is_some_and(|samples| samples.contains_key(&time_ms));
            assert!(is_there, "{key:?} is missing: {context}");
        }
    }

    /// Whether what is missing may have been lost with good reason since the last check.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.is_damaged || self.is_partial || self.model.is_rewound || self.has_failed
    }

    /// Maintains the store; at times the machine is gone before that is done.
    pub(crate) fn maintain(&mut self) {
        let ends = self.rng.chance(0.12);
        if ends {
            let operations = *self.rng.of(&[3, 20, 100, 400]);
            self.disk.end_after(self.rng.below(operations));
        }
        let outcome = self.store.maintain(self.now_ms);
        let text = format!("maintenance: {outcome:?}");
        self.note(text);
        if self.disk.has_ended() {
            return self.crash();
        }
        self.disk.cancel_end();
        match outcome {
            Ok(()) => {
                let is_synced = self.options.sync_every.is_zero();
                self.model.secure(if is_synced { Safety::Synced } else { Safety::Written });
                self.is_clean = true;
            }
            Err(_) => {
                self.coverage.reach(Fault::FailedMaintenance);
                self.has_failed = true;
                self.is_clean = false;
            }
        }
    }

    fn write(&mut self) {
        self.store.write();
        let injected = self.disk.take_injected();
        let is_clean = injected.is_empty() && self.is_clean;
        injected.into_iter().for_each(|fault| self.coverage.reach(fault));
        if is_clean {
            self.model.secure(Safety::Written);
        }
        self.is_clean = is_clean;
        self.note(format!("write, clean: {is_clean}"));
    }

    fn sync(&mut self) {
        let outcome = self.store.sync();
        self.note(format!("sync: {outcome:?}"));
        if outcome.is_ok() {
            self.model.secure(Safety::Synced);
        } else {
            self.is_clean = false;
        }
    }

    fn import(&mut self) {
        let key = Key {
            metric: "imported".into(),
            instance: format!("target-{}", self.rng.below(2)),
            number: self.rng.below(2).to_string(),
            model: String::new(),
        };
        let span_ms = *self.rng.of(&[60_000, 10_000_000, 300_000_000]);
        let count = self.rng.below(40);
        let samples: Vec<(i64, f64)> =
            (0..count).map(|_| (self.now_ms - self.rng.below(span_ms) as i64, self.rng.below(1000) as f64)).collect();
        let labels = [("__name__", &*key.metric), ("instance", &key.instance), ("n", &key.number)];
        let labels = promql::Labels::from_pairs(labels);
        let outcome = self.store.import(vec![ImportSeries { labels, samples: samples.clone() }]);
        self.note(format!("import of {count} into {key:?}: {outcome:?}"));
        self.coverage.reach(if outcome.is_ok() { Fault::Import } else { Fault::ImportFails });
        for (time_ms, value) in samples {
            match outcome {
                Ok(_) => drop(self.model.add(&key, time_ms, value.to_bits())),
                Err(_) => self.model.add_possible(&key, time_ms, value.to_bits()),
            }
        }
        if outcome.is_ok() {
            self.model.secure_series(&key, Safety::Synced);
        }
    }

    fn change_trouble(&mut self) {
        let mut probability = || *self.rng.of(&[0.0, 0.0, 0.05, 0.4, 1.0]);
        let (writes, syncs, names, reads) = (probability(), probability(), probability() * 0.6, probability() * 0.3);
        let trouble = if self.rng.chance(0.5) { Trouble::default() } else { Trouble { writes, syncs, names, reads } };
        self.note(format!("{trouble:?}"));
        self.disk.set_trouble(trouble);
    }

    fn step_clock(&mut self) {
        let step_ms = *self.rng.of(&[1000, 30_000, 3_600_000, 86_400_000, 16 * 86_400_000]);
        let is_back = self.has_rewinds && self.rng.chance(0.5);
        self.model.is_rewound |= is_back;
        self.coverage.reach(if is_back { Fault::ClockBack } else { Fault::ClockForward });
        self.now_ms += if is_back { -step_ms } else { step_ms };
        self.note(format!("the clock steps by {step_ms} ms, back: {is_back}"));
    }

    /// A target is no longer scraped, and then is again, as after a change of the configuration.
    fn stop_target(&mut self) {
        let at = self.rng.index(self.targets.len());
        self.coverage.reach(Fault::TargetStops);
        self.note(format!("target {at} stops"));
        let target = &mut self.targets[at];
        let time_ms = self.now_ms;
        if target.own_last_ms.is_some_and(|last_ms| time_ms > last_ms) {
            target.scraper.retire(time_ms);
            let mut ended: Vec<Key> = target.previous.iter().cloned().collect();
            ended.push(target.up_key());
            for key in ended {
                self.model.add(&key, time_ms, stale_marker().to_bits());
            }
            self.now_ms += 1;
        }
        self.targets[at].resume(&self.store, self.now_ms);
    }

    fn damage_live(&mut self) {
        if !self.has_damage {
            return;
        }
        let extension = *self.rng.of(&[".block", ".wal", ".chunks"]);
        let names = self.disk.file_names_with(extension);
        if !names.is_empty() && self.disk.flip_bit(&names[self.rng.index(names.len())]) {
            self.coverage.reach(Fault::FlippedBitWhileOpen);
            self.is_damaged = true;
            self.note(format!("a bit of a {extension} is flipped"));
        }
    }
}
