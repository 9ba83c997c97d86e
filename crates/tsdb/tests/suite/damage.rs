//! Damage to any file loses only the samples it hits, is reported, and never yields a wrong value.
use crate::fixtures::{all, labels};
use crate::memory_disk::{Image, MemoryDisk};
use promql::{Labels, Storage};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use test_kit::Rng;
use test_kit::fleet::Fleet;
use tsdb::{Limits, Options, Store};

const REPLICAS: usize = 8;
const SERIES: usize = 150;
const INTERVAL_MS: i64 = 60_000;
const START_MS: i64 = 20_000 * 86_400_000;

type Content = BTreeMap<String, Vec<(i64, f64)>>;

/// Syncs at once, and keeps samples forever.
fn options() -> Options {
    let limits = Limits { retention_ms: i64::MAX, ..Options::default().limits };
    Options { sync_every: Duration::ZERO, limits, ..Options::default() }
}

fn open(image: Image) -> (Store, usize) {
    let disk = Arc::new(MemoryDisk::with(image));
    let (store, report) = Store::open(Path::new("/store"), options(), disk).expect("damage never prevents opening");
    (store, report.losses.len() + usize::from(report.torn_bytes > 0))
}

/// A store with a day in one block, some blocks of two hours, and a log; and its samples.
fn filled() -> (Image, Content) {
    filled_with(Fleet::new(REPLICAS, SERIES, INTERVAL_MS, START_MS), INTERVAL_MS, (24 + 9) * 60)
}

/// A store with `rows` scrapes of a fleet; and its samples.
fn filled_with(mut fleet: Fleet, interval_ms: i64, rows: usize) -> (Image, Content) {
    let disk = MemoryDisk::default();
    let (store, _) = Store::open(Path::new("/store"), options(), Arc::new(disk.clone())).expect("a store");
    let labels: Vec<Labels> = fleet.labels.iter().cloned().map(Labels::from_pairs).collect();
    let mut targets: Vec<_> = labels
        .chunks(SERIES)
        .map(|labels| {
            let mut group = store.group();
            let series: Vec<_> = labels.iter().map(|labels| group.register(labels).expect("room")).collect();
            (group, series)
        })
        .collect();
    for row in 0..rows {
        for (replica, (group, series)) in targets.iter_mut().enumerate() {
            let time_ms = fleet.time_ms(replica, row);
            let values = fleet.scrape(replica, row);
            group.append(time_ms, series.iter().copied().zip(values.iter().copied())).expect("in order");
        }
        if row % 10 == 0 {
            store.maintain(START_MS + row as i64 * interval_ms).expect("room");
        }
    }
    store.close().expect("room");
    (disk.image(), all(&store))
}

/// Checks that all samples in a damaged store are right; returns the share of `content` that survived, and whether the
/// damage was reported.
fn survivors(image: Image, content: &Content, context: &str) -> (f64, bool) {
    let (store, losses) = open(image);
    let mut count = 0;
    for (name, samples) in &all(&store) {
        let mut expected = content[name].iter();
        for (time_ms, value) in samples {
            let written = expected.find(|(own_ms, _)| own_ms == time_ms).map(|(_, value)| value.to_bits());
            assert_eq!(written, Some(value.to_bits()), "{context}: {name} at {time_ms}");
        }
        count += samples.len();
    }
    let all: usize = content.values().map(Vec::len).sum();
    let stats = store.stats();
    // Nothing tells of a file that is gone, or of the end of a log that was cut: a crash leaves it so too.
    if stats.damaged > 0 {
        check_notices(&store, content, context);
    }
    (count as f64 / all as f64, losses > 0 || stats.damaged > 0)
}

/// Checks that whoever asks for samples that are lost is told.
fn check_notices(store: &Store, content: &Content, context: &str) {
    let (left, notices) = (all(store), store.notices(i64::MIN, i64::MAX));
    for (name, samples) in content {
        let left = left.get(name).map_or(&[][..], Vec::as_slice);
        for (time_ms, _) in samples.iter().filter(|sample| left.binary_search_by_key(&sample.0, |own| own.0).is_err()) {
            let is_told = notices.iter().any(|notice| (notice.first_ms..=notice.last_ms).contains(time_ms));
            assert!(is_told, "{context}: {name} at {time_ms} is lost: {notices:?}");
        }
    }
}

fn files<'i>(image: &'i Image, extension: &str) -> Vec<(&'i String, &'i Vec<u8>)> {
    image.iter().filter(|(name, _)| name.ends_with(extension)).collect()
}

#[test]
fn damage_loses_only_what_it_hits() {
    let (image, content) = filled();
    assert_eq!(survivors(image.clone(), &content, "no damage"), (1.0, false));
    let blocks = files(&image, ".block");
    let (largest, bytes) = *blocks.iter().max_by_key(|(_, bytes)| bytes.len()).expect("a block");
    println!("{} blocks, the largest of {} bytes", blocks.len(), bytes.len());
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut image = image.clone();
        change(image.get_mut(largest).expect("the block"));
        image
    };
    let size = bytes.len();
    for (what, min_survived, change) in [
        (
            "64 bytes overwritten",
            0.95,
            &(|bytes: &mut Vec<u8>| bytes[size / 2..size / 2 + 64].fill(0xa5)) as &dyn Fn(&mut Vec<u8>),
        ),
        ("cut to two thirds", 0.65, &|bytes| bytes.truncate(size * 2 / 3)),
        ("last tenth zeroed", 0.90, &|bytes| bytes[size - size / 10..].fill(0)),
        ("first 64 bytes overwritten", 0.95, &|bytes| bytes[..64].fill(0xa5)),
        ("last 64 bytes overwritten", 0.95, &|bytes| bytes[size - 64..].fill(0xa5)),
        ("emptied", 0.25, &Vec::clear),
    ] {
        let (survived, is_reported) = survivors(damaged(change), &content, what);
        println!("{what}: {:.1} % survived", survived * 100.0);
        assert!(
            survived >= min_survived && survived <= 1.0 && (is_reported || survived == 1.0),
            "{what}: {survived}, reported: {is_reported}"
        );
    }
    for (what, name) in [("a missing block", largest), ("a missing log", files(&image, ".wal")[0].0)] {
        let mut image = image.clone();
        image.remove(name);
        let (survived, _) = survivors(image, &content, what);
        assert!(survived > 0.25 && survived < 1.0, "{what}: {survived}");
    }
}

#[test]
fn a_month_of_samples_survives_the_loss_of_any_block() {
    let interval_ms = 600_000;
    let (image, content) = filled_with(Fleet::new(1, SERIES, interval_ms, START_MS), interval_ms, 31 * 144);
    let blocks: Vec<String> = files(&image, ".block").into_iter().map(|(name, _)| name.clone()).collect();
    assert!(blocks.len() >= 30, "{}", blocks.len());
    for name in blocks.iter().step_by(7) {
        let size = image[name].len();
        for (what, change) in [
            (
                "64 bytes overwritten",
                &(|bytes: &mut Vec<u8>| bytes[size / 2..size / 2 + 64].fill(0xa5)) as &dyn Fn(&mut Vec<u8>),
            ),
            ("cut to two thirds", &|bytes| bytes.truncate(size * 2 / 3)),
            ("its second half zeroed", &|bytes| bytes[size / 2..].fill(0)),
            ("emptied", &Vec::clear),
        ] {
            let mut image = image.clone();
            change(image.get_mut(name).expect("the block"));
            let (survived, is_reported) = survivors(image, &content, what);
            assert!(
                survived >= 0.95 && (is_reported || survived == 1.0),
                "{what}: {survived}, reported: {is_reported}"
            );
        }
        let mut image = image.clone();
        image.remove(name);
        let (survived, _) = survivors(image, &content, "missing");
        assert!((0.95..1.0).contains(&survived), "missing: {survived}");
    }
}

#[test]
fn a_flipped_bit_never_yields_a_wrong_value() {
    let (image, content) = filled();
    let mut rng = Rng::new(7);
    for extension in [".block", ".wal"] {
        let files = files(&image, extension);
        let mut min_survived: f64 = 1.0;
        for n in 0..40 {
            let (name, bytes) = files[rng.below(files.len() as u64) as usize];
            let at = rng.below(bytes.len() as u64) as usize;
            let mut image = image.clone();
            image.get_mut(name).expect("the file")[at] ^= 1 << rng.below(8);
            let (survived, is_reported) = survivors(image, &content, &format!("{n}: a bit of byte {at} of {name}"));
            assert!(is_reported || survived == 1.0, "{n}: a bit of byte {at} of {name}: {survived}");
            min_survived = min_survived.min(survived);
        }
        println!("{extension}: at least {:.2} % survived", min_survived * 100.0);
        assert!(min_survived >= 0.95, "{min_survived}");
    }
}

#[test]
fn a_damaged_log_loses_only_the_damaged_records() {
    let (image, content) = filled();
    let (name, bytes) = files(&image, ".wal")[0];
    let in_log = |(_, samples): (&String, &Vec<(i64, f64)>)| samples.len();
    let all_samples: usize = content.iter().map(in_log).sum();
    let mut rng = Rng::new(11);
    for n in 0..30 {
        let at = rng.below(bytes.len() as u64 - 64) as usize;
        let mut damaged = image.clone();
        let file = damaged.get_mut(name).expect("the log");
        match n % 3 {
            0 => file[at..at + 64].fill(0x5a),
            1 => file.truncate(at),
            _ => file[at..].fill(0),
        }
        let (survived, is_reported) = survivors(damaged, &content, &format!("{n} at {at}"));
        assert!(is_reported || survived == 1.0, "{n} at {at}");
        if n % 3 == 0 {
            let lost = ((1.0 - survived) * all_samples as f64).round() as usize;
            // A record has either the label sets of a target for 120 scrapes, or one scrape.
            assert!(lost <= SERIES * 120, "{lost}");
        }
    }
}

#[test]
fn damage_is_reported_once_and_gone_after_the_next_merge() {
    let (mut image, content) = filled();
    let name = files(&image, ".block").iter().max_by_key(|(_, bytes)| bytes.len()).expect("a block").0.clone();
    let bytes = image.get_mut(&name).expect("the block");
    let size = bytes.len();
    bytes[size / 2..size / 2 + 64].fill(0);
    let (store, losses) = open(image.clone());
    assert_eq!(losses, 0);
    assert_eq!(store.stats().damaged, 0);
    assert_eq!(store.notices(i64::MIN, i64::MAX), []);
    let survived: usize = all(&store).values().map(Vec::len).sum();
    let stats = store.stats();
    let lost = content.values().map(Vec::len).sum::<usize>() - survived;
    assert_eq!((stats.damaged, stats.lost_samples), (1, lost as u64));
    all(&store);
    assert_eq!(store.stats(), stats);
    // Only those who ask for the first day are told.
    let day_ms = 86_400_000;
    assert_eq!(store.notices(START_MS + day_ms / 2, START_MS + day_ms).len(), 1);
    assert_eq!(store.notices(START_MS + day_ms, i64::MAX), []);
    // The next maintenance rewrites a block whose end is missing.
    image.get_mut(&name).expect("the block").truncate(size * 2 / 3);
    let (store, losses) = open(image);
    assert_eq!(losses, 1);
    let before = all(&store);
    store.maintain(START_MS + 33 * 3_600_000).expect("room");
    assert_eq!(all(&store), before);
    assert!(labels("n=1").len() == 1 && store.stats().blocks > 1);
}

#[test]
fn damage_to_the_end_of_an_open_block_loses_nothing() {
    let (image, content) = filled();
    let names: Vec<String> = files(&image, ".block").into_iter().map(|(name, _)| name.clone()).collect();
    // Found by a query or by a merge.
    for is_queried in [true, false] {
        let disk = MemoryDisk::with(image.clone());
        let (store, _) = Store::open(Path::new("/store"), options(), Arc::new(disk.clone())).expect("a store");
        for name in &names {
            disk.change(name, |bytes| {
                let at = bytes.len() - 40;
                bytes[at] ^= 4;
            });
        }
        if is_queried {
            assert!(all(&store) == content, "while open");
            assert_eq!((store.stats().damaged, store.stats().lost_samples), (names.len() as u64, 0));
        }
        for hour in 33..60 {
            store.maintain(START_MS + hour * 3_600_000).expect("room");
        }
        assert!(all(&store) == content, "after merges");
        let (again, losses) = open(disk.image());
        assert!(all(&again) == content, "after opening");
        assert!(!is_queried || losses == 0, "blocks whose damage was found are written again");
    }
}

#[test]
fn files_of_another_version_and_foreign_files_are_left_alone() {
    let (mut image, content) = filled();
    let (name, mut bytes) =
        files(&image, ".wal").pop().map(|(name, bytes)| (name.clone(), bytes.clone())).expect("a log");
    bytes[8] = 9;
    let sum = crc32c::crc32c(&bytes[..12]).to_le_bytes();
    bytes[12..16].copy_from_slice(&sum);
    image.insert(name.clone(), bytes.clone());
    image.insert("notes.txt".into(), b"mine".to_vec());
    image.insert("00000000000000ff.block".into(), b"nonsense".to_vec());
    let disk = MemoryDisk::with(image);
    let (store, report) =
        Store::open(Path::new("/store"), Options::default(), Arc::new(disk.clone())).expect("a store");
    assert_eq!(report.losses.len(), 2, "{:?}", report.losses);
    assert!(report.losses.iter().any(|loss| loss.to_string().contains("version 9")));
    assert!(all(&store).len() == content.len());
    let image = disk.image();
    assert_eq!(image[&name], bytes);
    assert_eq!(image["notes.txt"], b"mine");
    assert!(image.contains_key("00000000000000ff.damaged"));
}
