//! Crashes after every operation on the disk: durable samples survive, and no sample appears that was never written.
use crate::fixtures::{all, labels};
use crate::memory_disk::{Event, Fate, Image, MemoryDisk, crash};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Group, ImportSeries, Newborn, Options, SeriesRef, Store};

const TARGETS: usize = 3;
const SERIES: usize = 4;
const STEP_MS: i64 = 20 * 60_000;
const START_MS: i64 = 1_790_000_000_000;

/// Series, time and value of each sample, in the order of writing.
type Written = Vec<(String, i64, f64)>;

fn options() -> Options {
    Options { sync_every: Duration::ZERO, ..Options::default() }
}

/// Options with which samples move to chunk files all the time.
fn options_without_memory() -> Options {
    Options { head_bytes: 100, log_bytes: 700, ..options() }
}

fn open(disk: &MemoryDisk) -> Store {
    open_with(disk, options())
}

fn open_with(disk: &MemoryDisk, options: Options) -> Store {
    let (store, _) =
        Store::open(Path::new("/store"), options, Arc::new(disk.clone())).expect("a crash never prevents opening");
    store
}

struct Target {
    group: Group,
    series: Vec<(String, SeriesRef)>,
}

fn targets(store: &Store) -> Vec<Target> {
    let target = |target: usize| {
        let mut group = store.group();
        let series = (0..SERIES).map(|series| {
            let name = format!("__name__=m{series},target={target}");
            let series = group.register(&labels(&name)).expect("room");
            (name, series)
        });
        let series = series.collect();
        Target { group, series }
    };
    (0..TARGETS).map(target).collect()
}

/// Writes two days of scrapes with restarts and imports, and a sync after every other round.
fn write_history(disk: &MemoryDisk, options: Options) -> Written {
    let mut written = Written::new();
    let mut round = 0_i64;
    for rounds in [40, 50, 60] {
        let store = open_with(disk, options);
        let mut targets = targets(&store);
        for _ in 0..rounds {
            round += 1;
            let time_ms = START_MS + round * STEP_MS;
            for (n, Target { group, series }) in targets.iter_mut().enumerate() {
                let value = |at: usize| round as f64 * 0.5 + (n * SERIES + at) as f64;
                let row: Vec<_> = series.iter().enumerate().map(|(at, (_, series))| (*series, value(at))).collect();
                let time_ms = time_ms + n as i64;
                group.append(time_ms, row.iter().copied()).expect("in order");
                if (round + n as i64) % 3 == 0 {
                    store.write();
                }
                written.extend(series.iter().zip(row).map(|((name, _), (_, value))| (name.clone(), time_ms, value)));
            }
            append_newborn(&mut targets[0], round, &mut written);
            if round % 2 == 0 {
                store.maintain(time_ms).expect("room");
                disk.note_durable(written.len());
            }
            if round % 30 == 0 {
                import(&store, time_ms, &mut written);
                disk.note_durable(written.len());
            }
        }
        store.close().expect("room");
        disk.note_durable(written.len());
    }
    written
}

/// Appends a scrape in which a series begins, with its zero in the previous scrape.
fn append_newborn(Target { group, series }: &mut Target, round: i64, written: &mut Written) {
    let (previous_ms, time_ms) = (START_MS + round * STEP_MS, START_MS + round * STEP_MS + 10_000);
    let name = format!("__name__=newborn,round={round}");
    let newborn = group.register(&labels(&name)).expect("room");
    let row = series.iter().map(|(_, series)| (*series, 1.0)).chain([(newborn, 2.0)]);
    let zeros = Newborn { series: &[newborn], zero_ms: previous_ms };
    group.append_with_zeros(time_ms, row, zeros).expect("in order");
    written.extend(series.iter().map(|(name, _)| (name.clone(), time_ms, 1.0)));
    written.extend([(name.clone(), previous_ms, 0.0), (name, time_ms, 2.0)]);
}

/// Imports older samples, of an existing series and of a new one.
fn import(store: &Store, time_ms: i64, written: &mut Written) {
    let batch = ["__name__=m0,target=0", "__name__=old"].map(|name| {
        let samples: Vec<_> = (1..50).map(|n| (time_ms - n * STEP_MS / 3 - 500, n as f64)).collect();
        written.extend(samples.iter().map(|(time_ms, value)| (name.to_owned(), *time_ms, *value)));
        ImportSeries { labels: labels(name), samples }
    });
    store.import(batch.into()).expect("room");
}

fn check(image: Image, written: &Written, durable: usize, context: &str) {
    let store = open(&MemoryDisk::with(image));
    let mut expected: BTreeMap<&str, BTreeMap<i64, u64>> = BTreeMap::new();
    for (name, time_ms, value) in written {
        expected.entry(name).or_default().entry(*time_ms).or_insert(value.to_bits());
    }
    let found = all(&store);
    for (name, samples) in &found {
        let expected = expected.get(name.as_str());
        for (time_ms, value) in samples {
            assert_eq!(
                expected.and_then(|expected| expected.get(time_ms)),
                Some(&value.to_bits()),
                "{context}: {name} at {time_ms}"
            );
        }
    }
    let found: BTreeMap<&str, BTreeMap<i64, f64>> =
        found.iter().map(|(name, samples)| (name.as_str(), samples.iter().copied().collect())).collect();
    for (name, time_ms, _) in &written[..durable] {
        let is_there = found.get(name.as_str()).is_some_and(|samples| samples.contains_key(time_ms));
        assert!(is_there, "{context}: {name} at {time_ms} was durable and is lost");
    }
}

#[test]
fn a_crash_at_any_point_loses_no_durable_sample() {
    crash_at_any_point(options());
}

#[test]
fn a_crash_at_any_point_with_chunk_files_loses_no_durable_sample() {
    let history = crash_at_any_point(options_without_memory());
    let is_chunk_file = |event: &&Event| matches!(event, Event::Create(name, _) if name.ends_with(".chunks"));
    assert!(history.iter().filter(is_chunk_file).count() > 10, "chunk files were written");
}

fn crash_at_any_point(options: Options) -> Vec<Event> {
    let disk = MemoryDisk::default();
    let written = write_history(&disk, options);
    let history = disk.history();
    let count = |is: fn(&Event) -> bool| history.iter().filter(|event| is(event)).count();
    assert!(count(|event| matches!(event, Event::Rename(..))) > 20, "blocks were written");
    assert!(count(|event| matches!(event, Event::Remove(_))) > 20, "files were removed");
    let mut crashes = 0;
    for at in 1..=history.len() {
        let seed = at as u64 * 8;
        let torn = [13, 100, 191, 250].map(Fate::Torn);
        let reordered = [1, 2, 3].map(|more| Fate::Reordered(seed + more));
        let fates = [Fate::Kept, Fate::Lost].into_iter().chain(torn).chain(reordered);
        // A note changes nothing on the disk.
        for fate in fates.filter(|_| !matches!(history[at - 1], Event::Durable(_))) {
            let (image, durable) = crash(&history[..at], fate);
            check(image, &written, durable, &format!("after event {at} ({:?}), {fate:?}", describe(&history[at - 1])));
            crashes += 1;
        }
    }
    println!("{crashes} crashes after {} events", history.len());
    assert!(crashes > 2000);
    history
}

/// The event without the written bytes.
fn describe(event: &Event) -> String {
    match event {
        Event::Write(file, bytes) => format!("write of {} bytes to file {file}", bytes.len()),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_store_can_crash_again_after_a_crash() {
    for options in [options(), options_without_memory()] {
        crash_twice(options);
    }
}

fn crash_twice(options: Options) {
    let disk = MemoryDisk::default();
    let mut written = write_history(&disk, options);
    let history = disk.history();
    for (n, at) in (0..history.len()).step_by(history.len() / 20 + 1).enumerate() {
        let (image, durable) = crash(&history[..at], Fate::Reordered(n as u64));
        let again = MemoryDisk::with(image.clone());
        let before = written.len();
        {
            let store = open(&again);
            let time_ms = START_MS + 400 * STEP_MS;
            for Target { group, series } in &mut targets(&store) {
                group.append(time_ms, series.iter().map(|(_, series)| (*series, 7.0))).expect("in order");
                written.extend(series.iter().map(|(name, _)| (name.clone(), time_ms, 7.0)));
            }
            store.sync().expect("room");
        }
        // Samples that were durable before the first crash survive the second one too.
        let survived = again.image();
        check(survived.clone(), &written, durable, &format!("after event {at}"));
        let store = open(&MemoryDisk::with(survived));
        assert_eq!(
            all(&store).values().filter(|samples| samples.last() == Some(&(START_MS + 400 * STEP_MS, 7.0))).count(),
            TARGETS * SERIES
        );
        written.truncate(before);
    }
}
