//! A store in a real folder: reopening, locking, flushes, retention and the index.
use crate::fixtures::{all, append, labels, select, selector};
use promql::{Labels, stale_marker};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Limits, LocalFileSystem, OpenError, OpenReport, Options, Store};

const HOUR_MS: i64 = 3_600_000;
const NOON_MS: i64 = 1_790_000_000_000 / 86_400_000 * 86_400_000 + 12 * HOUR_MS;

fn open_with(dir: &Path, options: Options) -> (Store, OpenReport) {
    Store::open(dir, options, Arc::new(LocalFileSystem)).expect("a store")
}

fn open(dir: &Path) -> (Store, OpenReport) {
    open_with(dir, Options { sync_every: Duration::ZERO, ..Options::default() })
}

fn names(dir: &Path, extension: &str) -> Vec<String> {
    let names = std::fs::read_dir(dir).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().expect("a name")).collect();
    names.retain(|name| name.ends_with(extension));
    names.sort();
    names
}

#[test]
fn a_closed_store_has_the_same_samples_when_opened_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("new/data");
    let special = [0.0, -0.0, 0.1, f64::NAN, stale_marker(), f64::INFINITY, f64::NEG_INFINITY, 5e-324, 1e300, -7.0];
    let mut expected = Vec::new();
    for round in 0..4 {
        let (store, report) = open(&dir);
        assert_eq!(report.losses, []);
        let found = all(&store).remove("n=1").unwrap_or_default();
        assert!(found.iter().map(|(t, v)| (*t, v.to_bits())).eq(expected.iter().copied()), "{found:?}");
        let mut group = store.group();
        for n in 0..300_i64 {
            let (time_ms, value) = (NOON_MS + (round * 300 + n) * 60_000, special[n as usize % special.len()]);
            append(&mut group, time_ms, "n=1", value);
            expected.push((time_ms, value.to_bits()));
            if round % 2 == 0 {
                store.maintain(time_ms).expect("room");
            }
        }
    }
    assert!((3..10).contains(&names(&dir, ".block").len()), "{:?}", names(&dir, ".block"));
    let mode = std::fs::metadata(&dir).expect("the folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn only_one_process_can_use_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = open(folder.path());
    let second = Store::open(folder.path(), Options::default(), Arc::new(LocalFileSystem));
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    let group = store.group();
    drop(store);
    // A group keeps the store open.
    assert!(Store::open(folder.path(), Options::default(), Arc::new(LocalFileSystem)).is_err());
    drop(group);
    open(folder.path());
}

#[test]
fn another_format_is_rejected_and_a_damaged_format_file_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    append(&mut open(folder.path()).0.group(), 1, "n=1", 1.0);
    let path = folder.path().join("format");
    let original = std::fs::read_to_string(&path).expect("the format");
    assert_eq!(original, "inferboard store, format 3 (crc32c 7d54f426)\n");
    let text = "inferboard store, format 1";
    std::fs::write(&path, format!("{text} (crc32c {:08x})\n", crc32c::crc32c(text.as_bytes()))).expect("room");
    let error = Store::open(folder.path(), Options::default(), Arc::new(LocalFileSystem)).expect_err("another format");
    assert!(matches!(error, OpenError::Format { found: 1, .. }), "{error}");
    assert!(error.to_string().contains("format 1"), "{error}");
    for damaged in ["", "inferboard store, format 4 (crc32c 7d54f426)\n", "\0\0\0"] {
        std::fs::write(&path, damaged).expect("room");
        let (store, report) = open(folder.path());
        assert_eq!(report.losses.len(), 1);
        assert_eq!(all(&store)["n=1"], [(1, 1.0)]);
        assert_eq!(std::fs::read_to_string(&path).expect("the format"), original);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_rejected_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("room");
    let error = Store::open(&file.join("data"), Options::default(), Arc::new(LocalFileSystem)).expect_err("no folder");
    assert!(error.to_string().starts_with(&format!("cannot use {}", file.join("data").display())), "{error}");
}

#[test]
fn flushes_write_a_block_every_two_hours_and_merges_one_a_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = open(folder.path());
    let mut group = store.group();
    let day_ms = NOON_MS + 12 * HOUR_MS;
    let end_ms = day_ms + 5 * HOUR_MS;
    let mut expected = Vec::new();
    for time_ms in (NOON_MS..end_ms).step_by(60_000) {
        append(&mut group, time_ms, "n=1", time_ms as f64);
        expected.push((time_ms, time_ms as f64));
        store.maintain(time_ms).expect("room");
        assert_eq!(all(&store)["n=1"].len(), expected.len());
    }
    assert_eq!(all(&store)["n=1"], expected);
    // One of the merged afternoon, one of the scrape at midnight, and two of two hours each.
    assert_eq!(names(folder.path(), ".block").len(), 4);
    assert_eq!(names(folder.path(), ".wal").len(), 1);
    assert!(store.stats().log_bytes < 60 * 40);
    assert_eq!(store.stats().block_samples, 12 * 60 + 4 * 60 + 1);
    for (after_ms, until_ms) in [(day_ms - 1, day_ms), (day_ms - 60_001, day_ms + 60_000), (NOON_MS, end_ms)] {
        let within: Vec<_> =
            expected.iter().copied().filter(|(time_ms, _)| *time_ms > after_ms && *time_ms <= until_ms).collect();
        assert_eq!(select(&store, &[&[]], after_ms, until_ms)["n=1"], within);
    }
}

#[test]
fn blocks_that_are_too_old_or_too_large_are_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { retention_ms: 6 * HOUR_MS, ..Options::default().limits };
    let fill = |store: &Store, hours: i64| {
        let mut group = store.group();
        for time_ms in (NOON_MS..NOON_MS + hours * HOUR_MS).step_by(15_000) {
            append(&mut group, time_ms, "n=live", (time_ms as f64).sin());
            if time_ms < NOON_MS + HOUR_MS {
                append(&mut group, time_ms + 1, "n=ended", 1.0);
            }
            if time_ms % 60_000 == 0 {
                store.maintain(time_ms).expect("room");
            }
        }
    };
    let (store, _) = open_with(folder.path(), Options { limits, ..Options::default() });
    fill(&store, 11);
    let found = all(&store);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["n=live"]);
    let first_hour = (found["n=live"][0].0 - NOON_MS) / HOUR_MS;
    assert!((2..=5).contains(&first_hour), "{first_hour}");
    assert_eq!(store.stats().series, 1);
    drop(store);

    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { size_bytes: 20_000, ..Options::default().limits };
    let (store, _) = open_with(folder.path(), Options { limits, ..Options::default() });
    fill(&store, 12);
    store.maintain(NOON_MS + 12 * HOUR_MS).expect("room");
    store.apply_retention(NOON_MS + 12 * HOUR_MS);
    let stats = store.stats();
    assert!(stats.block_bytes + stats.log_bytes <= 20_000 && stats.block_bytes > 5_000, "{stats:?}");
}

#[test]
fn memory_is_bounded_and_chunk_files_are_read_until_they_are_in_a_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { head_bytes: 100_000, log_bytes: 300_000, ..Options::default() };
    let (mut store, _) = open_with(folder.path(), options);
    let mut expected = Vec::new();
    for round in 0..3 {
        let mut group = store.group();
        let series: Vec<_> = (0..20).map(|n| group.register(&labels(&format!("n={n}"))).expect("room")).collect();
        for row in 0..3000_i64 {
            let (time_ms, value) = (NOON_MS + (round * 3000 + row) * 500, (row as f64).sin());
            group
                .append(time_ms, series.iter().zip(0..).map(|(series, n)| (*series, value * f64::from(n))))
                .expect("in order");
            expected.push((time_ms, value));
            if row % 10 == 0 {
                store.maintain(time_ms).expect("room");
                assert!(store.stats().size_bytes <= 200_000, "{:?}", store.stats());
            }
        }
        assert!(store.stats().log_bytes > 500_000, "{:?}", store.stats());
        assert!(store.stats().blocks == 0 && !names(folder.path(), ".chunks").is_empty());
        assert!(all(&store)["n=1"] == expected);
        let until_ms = expected[expected.len() / 2].0;
        assert!(select(&store, &[&[]], until_ms - 60_000, until_ms).values().all(|samples| samples.len() == 120));
        drop((store, group));
        let (again, report) = open_with(folder.path(), options);
        assert_eq!(report.losses, []);
        assert!(all(&again)["n=1"] == expected);
        store = again;
    }
    store.maintain(NOON_MS + 2 * HOUR_MS).expect("room");
    store.maintain(NOON_MS + 4 * HOUR_MS).expect("room");
    assert_eq!((names(folder.path(), ".chunks"), store.stats().blocks), (Vec::new(), 1));
    assert!(all(&store)["n=1"] == expected);
}

#[test]
fn series_that_have_ended_leave_memory_and_are_found_on_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = open(folder.path());
    let mut group = store.group();
    // A target whose series get new labels with each scrape.
    for minute in 0..100_i64 {
        let time_ms = NOON_MS + minute * 60_000;
        let series: Vec<_> = (0..1000)
            .map(|n| group.register(&labels(&format!("__name__=m{},id={n},minute={minute}", n % 10))).expect("room"))
            .collect();
        group.append(time_ms, series.into_iter().map(|series| (series, minute as f64))).expect("in order");
        store.maintain(time_ms).expect("room");
        assert!(store.stats().series < 25_000, "{:?}", store.stats());
    }
    let check = |store: &Store| {
        assert!(store.stats().series < 25_000, "{:?}", store.stats());
        let found = select(store, &[&[("__name__", "=", "m7"), ("minute", "=~", "1.")]], i64::MIN, i64::MAX);
        assert_eq!(found.len(), 1000);
        assert_eq!(found["__name__=m7,id=17,minute=12"], [(NOON_MS + 12 * 60_000, 12.0)]);
        assert_eq!(all(store).len(), 100_000);
        let times = NOON_MS..=NOON_MS + 100 * 60_000;
        let everything = selector(&[&[("__name__", "!=", "")]]);
        assert_eq!(store.label_names(&everything, times.clone(), 10).join(" "), "__name__ id minute");
        assert_eq!(store.label_values("__name__", &everything, times.clone(), 100).len(), 10);
        assert_eq!(store.label_values("minute", &everything, times.clone(), 1000).len(), 100);
        assert_eq!(store.series(&everything, times, 1_000_000).len(), 100_000);
    };
    check(&store);
    drop((store, group));
    check(&open(folder.path()).0);
}

#[test]
fn labels_of_ended_series_leave_memory_before_they_fill_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = open(folder.path());
    let mut group = store.group();
    let (mut previous, mut most_bytes) = (Vec::new(), 0);
    for minute in 0..60_i64 {
        let time_ms = NOON_MS + minute * 60_000;
        let ended: Vec<_> = previous.drain(..).map(|series| (series, stale_marker())).collect();
        for n in 0..300 {
            let name = format!("n={n:0>4000}_{minute}");
            previous.push(group.register(&labels(&name)).expect("room"));
        }
        let row = previous.iter().map(|series| (*series, 1.0)).chain(ended);
        group.append(time_ms, row.collect::<Vec<_>>()).expect("in order");
        store.maintain(time_ms).expect("room");
        most_bytes = most_bytes.max(store.stats().label_bytes);
    }
    // Seventy megabytes of labels were made.
    assert!(most_bytes < 24 << 20, "{most_bytes}");
    for minute in 0..60 {
        let name = format!("{:0>4000}_{minute}", 7);
        assert_eq!(select(&store, &[&[("n", "=", &name)]], i64::MIN, i64::MAX).len(), 1, "{minute}");
    }
}

#[test]
fn times_that_come_again_have_what_was_measured_last() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = open(folder.path());
    let mut group = store.group();
    let minute_ms = 60_000;
    let mut value = 0.0;
    let mut run = |minutes: std::ops::Range<i64>, group: &mut tsdb::Group| {
        for minute in minutes {
            if group.must_begin_anew(minute * minute_ms) {
                group.begin_anew(minute * minute_ms);
            }
            let series = group.register(&labels("n=1")).expect("room");
            value += 1.0;
            group.append(minute * minute_ms, [(series, value)]).expect("in order");
        }
    };
    // The clock is set back by an hour, and five minutes later it is right again.
    run(0..180, &mut group);
    run(120..125, &mut group);
    run(185..190, &mut group);
    let check = |samples: &[(i64, f64)]| {
        let expected = (0..120).map(|n| (n, n + 1)).chain((120..125).map(|n| (n, n + 61)));
        let expected = expected.chain((125..180).map(|n| (n, n + 1))).chain((185..190).map(|n| (n, n + 1)));
        let expected: Vec<_> = expected.map(|(minute, value)| (minute * minute_ms, value as f64)).collect();
        assert_eq!(samples, expected);
    };
    check(&all(&store)["n=1"]);
    assert_eq!(
        select(&store, &[&[("n", "=", "1")]], i64::MIN, 124 * minute_ms)["n=1"].last(),
        Some(&(124 * 60_000, 185.0))
    );
    // While it is set back, what comes again is hidden up to the end.
    run(150..152, &mut group);
    assert_eq!(all(&store)["n=1"].last(), Some(&(151 * minute_ms, 192.0)));
    drop(group);
    store.maintain(0).expect("room");
    store.maintain(3 * 3_600_000).expect("room");
    assert_eq!(store.stats().blocks, 1);
    let samples = &all(&store)["n=1"];
    assert_eq!(samples.len(), 185);
    assert!(samples.contains(&(150 * minute_ms, 191.0)) && samples.contains(&(152 * minute_ms, 153.0)));
}

#[test]
fn at_the_limit_series_of_old_blocks_are_evicted() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { series: 20, ..Options::default().limits };
    let (store, _) = open_with(folder.path(), Options { limits, ..Options::default() });
    let mut group = store.group();
    for n in 0..100_i64 {
        let time_ms = NOON_MS + n * HOUR_MS / 4;
        let row =
            ["n=live".to_owned(), format!("n={n}")].map(|name| (group.register(&labels(&name)).expect("room"), 1.0));
        group.append(time_ms, row).expect("in order");
        store.maintain(time_ms).expect("room");
    }
    assert!(store.stats().series <= 20);
    assert_eq!(all(&store)["n=live"].len(), 100);
}

#[test]
fn the_index_returns_names_values_and_series_of_a_time_range() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = open(folder.path());
    let mut group = store.group();
    for hour in 0..10_i64 {
        for (name, from, until) in [("__name__=a,x=1", 0, 4), ("__name__=b,z=1", 9, 10), ("__name__=a,x=2,y=1", 3, 10)]
        {
            if (from..until).contains(&hour) {
                append(&mut group, NOON_MS + hour * HOUR_MS + i64::from(name.len() as u32), name, 1.0);
            }
        }
        store.maintain(NOON_MS + hour * HOUR_MS).expect("room");
    }
    let hours = |from: i64, until: i64| NOON_MS + from * HOUR_MS..=NOON_MS + until * HOUR_MS;
    let of = |any_of: &[&[(&str, &str, &str)]], from, until| {
        let mut found: Vec<String> =
            store.series(&selector(any_of), hours(from, until), 100).iter().map(Labels::to_string).collect();
        found.sort();
        found
    };
    assert_eq!(of(&[&[]], 0, 10), ["a{x=\"1\"}", "a{x=\"2\", y=\"1\"}", "b{z=\"1\"}"]);
    assert_eq!(of(&[&[]], 0, 2), ["a{x=\"1\"}"]);
    assert_eq!(of(&[&[]], 6, 8), ["a{x=\"2\", y=\"1\"}"]);
    assert_eq!(of(&[&[("x", "=~", "2|3")]], 0, 10), ["a{x=\"2\", y=\"1\"}"]);
    assert_eq!(of(&[&[("x", "=", "")]], 0, 8), [""; 0]);
    let everything = selector(&[&[]]);
    let names = |from, until, limit| store.label_names(&everything, hours(from, until), limit).join(" ");
    assert_eq!(names(0, 10, 100), "__name__ x y z");
    assert_eq!(names(0, 1, 100), "__name__ x");
    assert_eq!(names(0, 10, 2).split(' ').count(), 2);
    assert_eq!(store.label_values("x", &everything, hours(0, 10), 100).join(" "), "1 2");
    assert_eq!(store.label_values("x", &selector(&[&[("y", "=", "1")]]), hours(0, 10), 100).join(" "), "2");
    assert_eq!(store.label_values("x", &everything, hours(9, 10), 100).join(" "), "2");
    assert_eq!(store.label_values("nosuch", &everything, hours(0, 10), 100).len(), 0);
    assert_eq!(store.series(&everything, hours(0, 10), 2).len(), 2);
}

#[test]
fn a_folder_of_format_2_is_converted() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2");
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(fixture).expect("the fixture") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("room");
    }
    // What the old version was given: see the names.
    let start_ms = 1_790_000_000_000 / 86_400_000 * 86_400_000 + 7 * HOUR_MS;
    let mut expected = BTreeMap::from([(
        "__name__=m0,instance=host-1,n=99".to_owned(),
        vec![(start_ms - 86_400_000, 1.5), (start_ms - 86_300_000, 2.5)],
    )]);
    for n in 0..12_i64 {
        let rows = if n < 6 { 0..108 } else { 60..108 };
        let mut samples: Vec<_> = rows.map(|row| (start_ms + row * 300_000, (row * (n + 1)) as f64 / 2.0)).collect();
        samples.push((start_ms + 108 * 300_000, 1.0));
        expected.insert(format!("__name__=m{},instance=host-{},n={n}", n % 3, n % 2), samples);
    }
    for _ in 0..2 {
        let (store, report) = open(folder.path());
        assert_eq!((report.losses, report.blocks), (Vec::new(), 5));
        assert_eq!(all(&store), expected);
        let of_one = select(&store, &[&[("__name__", "=", "m2"), ("instance", "=", "host-1")]], i64::MIN, i64::MAX);
        assert_eq!(of_one.len(), 2);
        drop(store);
        let format = std::fs::read_to_string(folder.path().join("format")).expect("the format");
        assert!(format.starts_with("inferboard store, format 3 "), "{format}");
    }
    // Merging reads all of each block.
    let (store, _) = open(folder.path());
    store.maintain(start_ms + 48 * HOUR_MS).expect("room");
    store.maintain(start_ms + 48 * HOUR_MS).expect("room");
    assert_eq!(all(&store), expected);
    assert!(store.stats().blocks < 5 && store.stats().damaged == 0, "{:?}", store.stats());
}
