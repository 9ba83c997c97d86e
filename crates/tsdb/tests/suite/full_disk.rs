//! A full or slow disk: scrapes and queries go on, and the store recovers by itself.
use crate::fixtures::{all, append};
use crate::memory_disk::MemoryDisk;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{OpenReport, Options, Store};

const START_MS: i64 = 1_790_000_000_000;

fn open(disk: &MemoryDisk, options: Options) -> (Store, OpenReport) {
    Store::open(Path::new("/store"), options, Arc::new(disk.clone())).expect("a store")
}

fn options() -> Options {
    Options { sync_every: Duration::ZERO, ..Options::default() }
}

#[test]
fn a_store_recovers_from_a_full_disk() {
    let disk = MemoryDisk::default();
    let (store, _) = open(&disk, options());
    let mut group = store.group();
    let mut recovered_s = None;
    for second in 0..120_i64 {
        let now_ms = START_MS + second * 1000;
        disk.set_full((40..65).contains(&second));
        append(&mut group, now_ms, "n=1", second as f64);
        // Either call may be the first to fail.
        if second % 3 > 0 {
            store.write();
        }
        let outcome = store.maintain(now_ms);
        assert_eq!(all(&store)["n=1"].len() as i64, second + 1);
        let failure = store.stats().failure;
        assert_eq!(outcome.is_err(), failure.is_some());
        match second {
            0..40 => assert_eq!(failure, None),
            40..65 => {
                let failure = failure.expect("a failure");
                assert_eq!(failure.since_ms, START_MS + 40_000);
                assert!(failure.reason.contains("storage"), "{failure:?}");
                assert!(store.sync().is_err());
            }
            _ if failure.is_none() => recovered_s = recovered_s.or(Some(second)),
            _ => {}
        }
    }
    assert!(recovered_s.is_some_and(|second| second <= 75), "{recovered_s:?}");
    let samples = all(&store);
    // The files as they are, without closing the store.
    let survived = MemoryDisk::with(disk.image());
    let (again, report) = open(&survived, options());
    assert_eq!(report.losses, []);
    assert_eq!(all(&again), samples);
    drop((store, group));
    assert!(disk.image().keys().all(|name| !name.ends_with(".tmp")));
}

#[test]
fn a_slow_disk_never_delays_writes_to_the_log() {
    for is_flush in [false, true] {
        let disk = MemoryDisk::default();
        let (store, _) = open(&disk, options());
        let mut group = store.group();
        append(&mut group, START_MS, "n=1", 1.0);
        store.maintain(START_MS).expect("room");
        // Two hours later the head is flushed.
        let now_ms = START_MS + if is_flush { 2 * 3_600_000 } else { 1000 };
        append(&mut group, now_ms, "n=1", 2.0);
        disk.set_stuck(true);
        std::thread::scope(|scope| {
            let maintenance = scope.spawn(|| store.maintain(now_ms));
            // A new segment is synced before its first record, and meanwhile records go to the old one.
            for at in 1..=50 {
                while disk.waiting_syncs() == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                append(&mut group, now_ms + at, "n=1", 3.0);
                store.write();
                let killed = MemoryDisk::with(disk.image());
                let (again, report) = open(&killed, options());
                assert_eq!(report.losses, []);
                assert_eq!(all(&again)["n=1"].len() as i64, 2 + at, "{is_flush} {at}");
            }
            disk.set_stuck(false);
            maintenance.join().expect("no panic").expect("room");
        });
        let (samples, image) = (all(&store), disk.image());
        let killed = MemoryDisk::with(image);
        assert_eq!(all(&open(&killed, options()).0), samples);
    }
}

#[test]
fn samples_that_a_write_loses_during_a_flush_are_recovered_after_it() {
    let disk = MemoryDisk::default();
    let (store, _) = open(&disk, options());
    let mut group = store.group();
    append(&mut group, START_MS, "n=1", 1.0);
    store.maintain(START_MS).expect("room");
    let later_ms = START_MS + 2 * 3_600_000;
    disk.set_stuck(true);
    std::thread::scope(|scope| {
        let maintenance = scope.spawn(|| store.maintain(later_ms));
        while disk.waiting_syncs() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        append(&mut group, later_ms, "n=1", 2.0);
        disk.set_full(true);
        store.write();
        disk.set_full(false);
        disk.set_stuck(false);
        let _ = maintenance.join().expect("no panic");
    });
    append(&mut group, later_ms + 1, "n=1", 3.0);
    for second in 1..=10 {
        let _ = store.maintain(later_ms + second * 1000);
    }
    assert_eq!(store.stats().failure, None);
    let killed = MemoryDisk::with(disk.image());
    assert_eq!(all(&open(&killed, options()).0)["n=1"].len(), 3);
}

#[test]
fn during_a_long_failure_the_newest_fifteen_minutes_stay_in_bounded_memory() {
    let disk = MemoryDisk::default();
    let (store, _) = open(&disk, Options { head_bytes: 20_000, ..options() });
    let mut group = store.group();
    disk.set_full(true);
    for second in 0..4 * 3600_i64 {
        let now_ms = START_MS + second * 1000;
        append(&mut group, now_ms, "n=1", (second as f64).sin());
        let _ = store.maintain(now_ms);
        assert!(store.stats().size_bytes < 90_000);
    }
    let samples = &all(&store)["n=1"];
    assert!(samples.len() >= 900 && samples.len() < 4 * 3600, "{}", samples.len());
    assert_eq!(samples.last().map(|(time_ms, _)| *time_ms), Some(START_MS + (4 * 3600 - 1) * 1000));
}

#[test]
fn a_store_opens_on_a_full_disk() {
    let disk = MemoryDisk::default();
    append(&mut open(&disk, options()).0.group(), START_MS, "n=1", 1.0);
    disk.set_full(true);
    let (store, report) = open(&disk, options());
    assert_eq!(report.losses, []);
    let mut group = store.group();
    append(&mut group, START_MS + 1000, "n=1", 2.0);
    assert!(store.maintain(START_MS + 1000).is_err());
    assert_eq!(all(&store)["n=1"].len(), 2);
    disk.set_full(false);
    // Closing is the last chance, without maintenance in between.
    store.close().expect("room again");
    assert_eq!(store.stats().failure, None);
    assert_eq!(
        all(&open(&MemoryDisk::with(disk.image()), options()).0)["n=1"],
        [(START_MS, 1.0), (START_MS + 1000, 2.0)]
    );
}

#[test]
fn samples_from_before_the_first_segment_are_not_forgotten_when_a_flush_fails() {
    let disk = MemoryDisk::default();
    disk.set_full(true);
    let (store, _) = open(&disk, options());
    let mut group = store.group();
    append(&mut group, START_MS, "n=1", 1.0);
    disk.set_full(false);
    // There is room for a segment of the log, but not for a block.
    disk.set_writes_left(Some(1));
    assert!(store.maintain(START_MS).is_err());
    disk.set_writes_left(None);
    for second in [10, 20] {
        store.maintain(START_MS + second * 1000).expect("room again");
    }
    assert_eq!(store.stats().failure, None);
    let killed = MemoryDisk::with(disk.image());
    assert_eq!(all(&open(&killed, options()).0)["n=1"], [(START_MS, 1.0)]);
}

#[test]
fn samples_stay_in_the_log_if_a_flush_fails() {
    let disk = MemoryDisk::default();
    let (store, _) = open(&disk, options());
    let mut group = store.group();
    for minute in 0..300_i64 {
        let now_ms = START_MS + minute * 60_000;
        append(&mut group, now_ms, "n=1", minute as f64);
        store.sync().expect("room");
        // The disk is full exactly when the head is flushed.
        let is_new_period = now_ms / 7_200_000 != (now_ms - 60_000) / 7_200_000;
        disk.set_full(is_new_period);
        let _ = store.maintain(now_ms);
        disk.set_full(false);
        let (again, _) = open(&MemoryDisk::with(disk.image()), options());
        assert_eq!(all(&again)["n=1"].len() as i64, minute + 1, "minute {minute}");
    }
    assert!(store.stats().blocks >= 2);
}
