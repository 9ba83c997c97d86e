//! Random histories, compared with a model that is too simple to be wrong.
use crate::fixtures::{all, labels, select, selector, text};
use crate::memory_disk::MemoryDisk;
use promql::stale_marker;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use test_kit::Rng;
use tsdb::{Group, ImportSeries, Limits, Newborn, Options, SeriesRef, Store};

/// The bits of each value, by series and time.
type Model = BTreeMap<String, BTreeMap<i64, u64>>;

const SPECIAL: [u64; 8] = [
    0x7ff0_0000_0000_0002,
    0x7ff8_0000_0000_0001,
    0xfff8_0000_0000_1234,
    0x8000_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    1,
    0x7fef_ffff_ffff_ffff,
];

/// In every other history samples move to chunk files all the time.
fn open(disk: &MemoryDisk, limits: Limits, seed: u64) -> Store {
    let (head_bytes, log_bytes) = if seed.is_multiple_of(2) { (60_000, 200_000) } else { (300, 2000) };
    let options = Options { limits, head_bytes, log_bytes, sync_every: Duration::ZERO };
    let (store, report) = Store::open(Path::new("/store"), options, Arc::new(disk.clone())).expect("a store");
    assert_eq!(report.losses, []);
    store
}

fn value(rng: &mut Rng, last: f64) -> f64 {
    match rng.below(10) {
        0 => f64::from_bits(SPECIAL[rng.below(SPECIAL.len() as u64) as usize]),
        1 => rng.unit(),
        2..5 => last,
        5 => (rng.below(100_000) as f64) / 1000.0,
        _ => last.trunc() + rng.below(200) as f64,
    }
}

fn compare(store: &Store, model: &Model, rng: &mut Rng) {
    let as_bits = |found: BTreeMap<String, Vec<(i64, f64)>>| -> Model {
        let bits =
            |samples: Vec<(i64, f64)>| samples.into_iter().map(|(time_ms, value)| (time_ms, value.to_bits())).collect();
        found.into_iter().map(|(name, samples)| (name, bits(samples))).collect()
    };
    assert!(as_bits(all(store)) == *model, "all");
    let times: Vec<i64> = model.values().flat_map(|samples| samples.keys().copied()).collect();
    if times.is_empty() {
        return;
    }
    for _ in 0..3 {
        let mut pick = || times[rng.below(times.len() as u64) as usize] + rng.below(3) as i64 - 1;
        let (a, b) = (pick(), pick());
        let (after_ms, until_ms) = (a.min(b), a.max(b));
        let within = |samples: &BTreeMap<i64, u64>| -> BTreeMap<i64, u64> {
            samples
                .iter()
                .filter(|(time_ms, _)| **time_ms > after_ms && **time_ms <= until_ms)
                .map(|(t, v)| (*t, *v))
                .collect()
        };
        let expected: Model = model
            .iter()
            .map(|(name, samples)| (name.clone(), within(samples)))
            .filter(|(_, samples)| !samples.is_empty())
            .collect();
        let found = as_bits(select(store, &[&[]], after_ms, until_ms));
        assert!(found == expected, "in {after_ms}..={until_ms}");
        // The index may return a series with samples just outside the range, but never miss one.
        let indexed: BTreeSet<String> =
            store.series(&selector(&[&[]]), after_ms + 1..=until_ms, usize::MAX).iter().map(text).collect();
        assert!(expected.keys().all(|name| indexed.contains(name)), "in {after_ms}..={until_ms}");
    }
}

/// Appends a row; one in three gives some of its series a zero before it, which goes where the store has room.
fn append(
    store: &Store,
    group: &mut Group,
    (zero_ms, now_ms): (i64, i64),
    row: &[(SeriesRef, String, f64)],
    model: &mut Model,
    rng: &mut Rng,
) {
    let values: Vec<_> = row.iter().map(|(series, _, value)| (*series, *value)).collect();
    // Only series of one target, which no other group has at the time of the zero.
    let newborn: Vec<_> =
        row.iter().filter(|(_, name, _)| !name.contains("m1")).filter(|_| rng.below(3) == 0).collect();
    let series: Vec<SeriesRef> = newborn.iter().map(|(series, ..)| *series).collect();
    group.append_with_zeros(now_ms, values, Newborn { series: &series, zero_ms }).expect("in order");
    for (_, name, _) in newborn {
        let metric = name.trim_start_matches("__name__=").split(',').next().unwrap_or_default();
        let found = select(store, &[&[("__name__", "=", metric)]], zero_ms - 1, zero_ms + 1);
        let samples = model.entry(name.clone()).or_default();
        for (time_ms, value) in found.get(name).into_iter().flatten() {
            assert!(samples.contains_key(time_ms) || *value == 0.0, "{name} at {time_ms}");
            samples.entry(*time_ms).or_insert(value.to_bits());
        }
    }
}

fn check_history(seed: u64) {
    let disk = MemoryDisk::default();
    let mut rng = Rng::new(seed);
    let limits = Limits { retention_ms: i64::MAX, ..Options::default().limits };
    let mut model = Model::new();
    let mut now_ms = 1_790_000_000_000 + rng.below(86_400_000) as i64;
    for _ in 0..4 {
        let store = open(&disk, limits, seed);
        compare(&store, &model, &mut rng);
        let mut groups: Vec<Group> = (0..3).map(|_| store.group()).collect();
        let (mut last, mut previous_ms) = (BTreeMap::new(), [now_ms; 3]);
        for _ in 0..rng.below(400) {
            now_ms += [1, 15_000, 15_000, 15_001, 600_000, 4_000_000][rng.below(6) as usize];
            let target = rng.below(groups.len() as u64) as usize;
            let group = &mut groups[target];
            // Series come and go, and some belong to two targets.
            let names: BTreeSet<u64> = (0..rng.below(20)).map(|_| rng.below(12)).collect();
            let row: Vec<_> = names
                .iter()
                .map(|n| {
                    let name = format!("__name__=m{n},target={}", if *n < 10 { target as u64 } else { 0 });
                    let value = value(&mut rng, last.get(&name).copied().unwrap_or(0.0));
                    last.insert(name.clone(), value);
                    model.entry(name.clone()).or_default().entry(now_ms).or_insert(value.to_bits());
                    (group.register(&labels(&name)).expect("room"), name, value)
                })
                .collect();
            // Mostly the time of the group's previous row.
            let zero_ms = if rng.below(4) == 0 { now_ms - 1 - rng.below(20_000) as i64 } else { previous_ms[target] };
            previous_ms[target] = now_ms;
            append(&store, group, (zero_ms, now_ms), &row, &mut model, &mut rng);
            match rng.below(40) {
                0..10 => store.maintain(now_ms).expect("room"),
                10 => {
                    let name = format!("__name__=m{},target=0", rng.below(14));
                    let samples: Vec<_> =
                        (0..rng.below(50)).map(|_| (now_ms - rng.below(200_000_000) as i64, rng.unit())).collect();
                    let series = model.entry(name.clone()).or_default();
                    for (time_ms, value) in &samples {
                        series.entry(*time_ms).or_insert(value.to_bits());
                    }
                    model.retain(|_, samples| !samples.is_empty());
                    store.import(vec![ImportSeries { labels: labels(&name), samples }]).expect("room");
                }
                11 => groups[target] = store.group(),
                12 => compare(&store, &model, &mut rng),
                _ => {}
            }
        }
        compare(&store, &model, &mut rng);
        if rng.below(2) == 0 {
            store.close().expect("room");
        }
    }
    // Retention drops whole blocks: younger samples stay, and no others appear.
    let store = open(&disk, Limits { retention_ms: 86_400_000, ..limits }, seed);
    store.maintain(now_ms).expect("room");
    let found = all(&store);
    for (name, samples) in &model {
        let retained: BTreeMap<i64, u64> =
            found.get(name).into_iter().flatten().map(|(time_ms, value)| (*time_ms, value.to_bits())).collect();
        let young = samples.iter().filter(|(time_ms, _)| **time_ms > now_ms - 86_400_000);
        assert!(young.clone().all(|(time_ms, bits)| retained.get(time_ms) == Some(bits)), "{name}");
        assert!(retained.iter().all(|(time_ms, bits)| samples.get(time_ms) == Some(bits)), "{name}");
        assert!(retained.keys().all(|time_ms| *time_ms > now_ms - 3 * 86_400_000), "{name}");
    }
}

#[test]
fn random_histories_read_back_as_written() {
    for seed in 1..=12 {
        println!("seed {seed}");
        check_history(seed);
    }
    assert_eq!(stale_marker().to_bits(), SPECIAL[0]);
}
