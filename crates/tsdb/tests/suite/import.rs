//! Importing old samples.
use crate::fixtures::{all, append, labels};
use std::path::Path;
use std::sync::Arc;
use tsdb::{ImportSeries, ImportSummary, Limits, LocalFileSystem, Options, Store, WriteError};

const DAY_MS: i64 = 86_400_000;
const NOW_MS: i64 = 20_000 * DAY_MS + DAY_MS / 2;

fn open(dir: &Path) -> Store {
    Store::open(dir, Options::default(), Arc::new(LocalFileSystem)).expect("a store").0
}

fn series(name: &str, samples: impl IntoIterator<Item = (i64, f64)>) -> ImportSeries {
    ImportSeries { labels: labels(name), samples: samples.into_iter().collect() }
}

#[test]
fn imported_samples_are_merged_with_stored_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let mut group = store.group();
    for n in 0..100 {
        append(&mut group, NOW_MS + n * 60_000, "n=1", n as f64);
    }
    // Older, newer and in between, unordered, some twice and some stored already.
    let mut samples: Vec<_> = (-5000..50).map(|n| (NOW_MS + n * 60_000 + 30_000 * (n & 1), -n as f64)).collect();
    samples.reverse();
    samples.push(samples[7]);
    let new = samples.len() as u64 - 1;
    let imported = store.import(vec![series("n=1", samples), series("n=2", [(5, 1.0), (-7, 2.0)])]).expect("room");
    assert_eq!(imported, ImportSummary { samples: new + 2, duplicates: 1 });
    let mut expected: Vec<_> = (0..100).map(|n| (NOW_MS + n * 60_000, n as f64)).collect();
    expected.extend((-5000..50).map(|n| (NOW_MS + n * 60_000 + 30_000 * (n & 1), -n as f64)));
    expected.sort_by_key(|(time_ms, _)| *time_ms);
    // Stored samples win.
    expected.dedup_by_key(|(time_ms, _)| *time_ms);
    let check = |store: &Store| {
        let found = all(store);
        assert_eq!(found["n=1"], expected);
        assert_eq!(found["n=2"], [(-7, 2.0), (5, 1.0)]);
    };
    check(&store);
    drop((store, group));
    let store = open(folder.path());
    check(&store);
}

#[test]
fn many_imports_into_one_day_are_merged_into_few_blocks() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    for n in 0..60 {
        store.import(vec![series("n=1", [(NOW_MS + n, n as f64)])]).expect("room");
        store.maintain(NOW_MS + n).expect("room");
    }
    assert!(store.stats().blocks <= 25, "{:?}", store.stats());
    assert_eq!(all(&store)["n=1"].len(), 60);
}

#[test]
fn imported_series_take_no_memory_and_no_limit_applies_to_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { limits: Limits { series: 3, ..Options::default().limits }, ..Options::default() };
    let (store, _) = Store::open(folder.path(), options, Arc::new(LocalFileSystem)).expect("a store");
    let batch = (0..4000).map(|n| series(&format!("n={n}"), [(1, f64::from(n))])).collect();
    store.import(batch).expect("room");
    assert_eq!(store.stats().series, 0);
    let found = all(&store);
    assert!(found.len() == 4000 && found["n=1234"] == [(1, 1234.0)]);
    assert!(matches!(Store::new(Limits::default()).import(Vec::new()), Err(WriteError::NoFolder)));
}
