//! Zeros before the first samples of series: where they are, and that they survive as the samples do.
use crate::fixtures::{Samples, all, labels};
use crate::memory_disk::MemoryDisk;
use promql::stale_marker;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Group, Limits, Newborn, Options, SeriesRef, Store, StoreError};

fn open(disk: &MemoryDisk) -> Store {
    let options = Options { sync_every: Duration::ZERO, ..Options::default() };
    let (store, report) = Store::open(Path::new("/store"), options, Arc::new(disk.clone())).expect("a store");
    assert_eq!(report.losses, []);
    store
}

fn register(group: &mut Group, series: &str) -> SeriesRef {
    group.register(&labels(series)).expect("room")
}

fn samples(store: &Store, series: &str) -> Samples {
    all(store).remove(series).unwrap_or_default()
}

#[test]
fn a_zero_is_in_the_previous_scrape() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let (old, new) = (register(&mut group, "n=old"), register(&mut group, "n=new"));
    group.append(1000, [(old, 7.0)]).expect("in order");
    let newborn = Newborn { series: &[new], zero_ms: 1000 };
    group.append_with_zeros(2000, [(old, 8.0), (new, 3.0)], newborn).expect("in order");
    assert_eq!(samples(&store, "n=new"), [(1000, 0.0), (2000, 3.0)]);
    assert_eq!(samples(&store, "n=old"), [(1000, 7.0), (2000, 8.0)]);
    assert_eq!(store.stats().appended, 4);
}

#[test]
fn a_zero_comes_after_a_sample_of_the_previous_scrape() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let (ended, running) = (register(&mut group, "n=ended"), register(&mut group, "n=running"));
    group.append(1000, [(ended, 7.0), (running, 5.0)]).expect("in order");
    group.append(2000, [(ended, stale_marker()), (running, 6.0)]).expect("in order");
    let ended = register(&mut group, "n=ended");
    let newborn = Newborn { series: &[ended, running], zero_ms: 2000 };
    group.append_with_zeros(3000, [(ended, 1.0), (running, 7.0)], newborn).expect("in order");
    let found = samples(&store, "n=ended");
    assert_eq!(found.iter().map(|(time_ms, _)| *time_ms).collect::<Vec<_>>(), [1000, 2000, 2001, 3000]);
    assert_eq!((found[2].1, found[3].1), (0.0, 1.0));
    assert_eq!(samples(&store, "n=running"), [(1000, 5.0), (2000, 6.0), (2001, 0.0), (3000, 7.0)]);
}

#[test]
fn a_zero_never_comes_out_of_order() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let (old, new) = (register(&mut group, "n=old"), register(&mut group, "n=new"));
    group.append(1000, [(old, 7.0)]).expect("in order");
    let newborn = Newborn { series: &[new], zero_ms: 1000 };
    let refused = group.append_with_zeros(1000, [(new, 3.0)], newborn);
    assert_eq!(refused, Err(StoreError::OutOfOrder { time_ms: 1000, last_ms: 1000 }));
    // Neither before the previous scrape, nor at the time of the next one.
    for (time_ms, zero_ms) in [(2000, 500), (2001, 2000)] {
        let (old, new) = (register(&mut group, "n=old"), register(&mut group, &format!("n={time_ms}")));
        let newborn = Newborn { series: &[old, new], zero_ms };
        group.append_with_zeros(time_ms, [(old, 9.0), (new, 3.0)], newborn).expect("in order");
    }
    assert_eq!(samples(&store, "n=2000"), [(2000, 3.0)]);
    assert_eq!(samples(&store, "n=2001"), [(2000, 0.0), (2001, 3.0)]);
    assert_eq!(samples(&store, "n=old"), [(1000, 7.0), (2000, 9.0), (2001, 9.0)]);
}

#[test]
fn the_first_scrape_of_a_group_can_follow_a_zero() {
    let store = Store::new(Limits::default());
    let mut group = store.group();
    let new = register(&mut group, "n=new");
    let newborn = Newborn { series: &[new], zero_ms: 1000 };
    group.append_with_zeros(2000, [(new, 3.0)], newborn).expect("in order");
    assert_eq!(samples(&store, "n=new"), [(1001, 0.0), (2000, 3.0)]);
}

/// A series begins with every scrape, over several chunks, flushes and two days; every third one has ended before.
#[test]
fn zeros_survive_in_the_log_and_in_blocks() {
    let disk = MemoryDisk::default();
    let (start_ms, step_ms) = (1_790_000_000_000_i64, 60_000);
    let written = {
        let store = open(&disk);
        let mut group = store.group();
        for row in 0..1500 {
            let time_ms = start_ms + row * step_ms;
            let steady = register(&mut group, "n=steady");
            let mut values = vec![(steady, row as f64)];
            let new = register(&mut group, &format!("n={row}"));
            values.push((new, 1.0));
            if row % 3 == 0 {
                values.push((register(&mut group, &format!("n={}", row + 1)), stale_marker()));
            }
            let newborn = Newborn { series: &[new], zero_ms: time_ms - step_ms };
            group.append_with_zeros(time_ms, values, newborn).expect("in order");
            if row % 7 == 0 {
                store.maintain(time_ms).expect("room");
            }
            if row % 400 == 399 {
                store.write();
                let reopened = open(&MemoryDisk::with(disk.image()));
                assert!(equal(&all(&reopened), &all(&store)), "row {row}");
            }
        }
        store.close().expect("room");
        all(&store)
    };
    let mut at_previous = 0;
    for row in 1..1500_i64 {
        let time_ms = start_ms + row * step_ms;
        let found = &written[&format!("n={row}")];
        let zeros: Vec<i64> = found.iter().filter(|(_, value)| *value == 0.0).map(|(time_ms, _)| *time_ms).collect();
        let [zero_ms] = zeros[..] else { panic!("row {row}: {found:?}") };
        assert!(zero_ms == time_ms - step_ms || zero_ms == time_ms - step_ms + 1, "row {row}: {found:?}");
        assert!(found.contains(&(time_ms, 1.0)), "row {row}: {found:?}");
        at_previous += usize::from(zero_ms == time_ms - step_ms);
    }
    assert!(at_previous > 900, "{at_previous}");
    assert_eq!(written["n=steady"].len(), 1500);
    let store = open(&disk);
    assert!(store.stats().blocks > 1);
    assert!(equal(&all(&store), &written));
}

/// Equality by bits, as a stale marker does not equal itself.
fn equal(one: &BTreeMap<String, Samples>, two: &BTreeMap<String, Samples>) -> bool {
    let bits = |samples: &Samples| samples.iter().map(|(at, value)| (*at, value.to_bits())).collect::<Vec<_>>();
    one.keys().eq(two.keys()) && one.iter().all(|(name, samples)| bits(samples) == bits(&two[name]))
}
