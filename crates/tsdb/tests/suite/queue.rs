//! The queue: readers get every row that was appended, once and in order, and lose only what is beyond their limit.
use crate::fixtures::{labels, text};
use crate::memory_disk::{Image, MemoryDisk};
use promql::stale_marker;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tsdb::{Group, Limits, Newborn, Queue, QueueReader, ReaderOptions, Store};

/// Times and the bits of values.
type Received = BTreeMap<String, Vec<(i64, u64)>>;

const SERIES: usize = 20;

fn options(name: &str, max_bytes: u64) -> ReaderOptions {
    ReaderOptions { name: name.into(), max_bytes }
}

/// A store whose rows go to a queue on `disk` with one reader.
fn open(disk: &MemoryDisk, max_bytes: u64) -> (Store, Arc<Queue>, QueueReader) {
    let (queue, mut readers) =
        Queue::open(Path::new("/queue"), Arc::new(disk.clone()), &[options("a", max_bytes)]).expect("a queue");
    let store = Store::new(Limits::default());
    store.attach_queue(Arc::clone(&queue));
    (store, queue, readers.remove(0))
}

fn append(group: &mut Group, target: usize, time_ms: i64) {
    let row: Vec<_> = (0..SERIES)
        .map(|n| {
            let series = group.register(&labels(&format!("__name__=m{n},target={target}"))).expect("room");
            (series, time_ms as f64 + n as f64 / 8.0)
        })
        .collect();
    group.append(time_ms, row).expect("order");
}

/// Reads and commits all that is there, in small parts; returns the samples and how many were lost.
fn receive(reader: &mut QueueReader, received: &mut Received) -> u64 {
    let mut lost = 0;
    loop {
        let batch = reader.read(7).expect("a file");
        lost += batch.lost;
        for sample in &batch.samples {
            let samples = received.entry(text(&sample.series)).or_default();
            samples.push((sample.time_ms, sample.value.to_bits()));
        }
        reader.commit().expect("a file");
        if !batch.has_more {
            return lost;
        }
    }
}

/// Reads at least `max_samples` without committing.
fn take(reader: &mut QueueReader, max_samples: usize, received: &mut Received) {
    for sample in reader.read(max_samples).expect("a file").samples {
        let samples = received.entry(text(&sample.series)).or_default();
        samples.push((sample.time_ms, sample.value.to_bits()));
    }
}

/// Reads and commits a part of what is there.
fn receive_part(reader: &mut QueueReader, received: &mut Received) {
    take(reader, 150, received);
    reader.commit().expect("a file");
}

fn count(received: &Received) -> u64 {
    received.values().map(|samples| samples.len() as u64).sum()
}

fn assert_in_order(received: &Received) {
    for (series, samples) in received {
        assert!(samples.is_sorted_by(|a, b| a.0 < b.0), "{series}: {samples:?}");
    }
}

#[test]
fn a_reader_gets_each_sample_once_and_in_order_over_many_segments() {
    let (store, queue, mut reader) = open(&MemoryDisk::default(), 64 << 10);
    let mut groups: Vec<Group> = (0..3).map(|_| store.group()).collect();
    let mut received = Received::new();
    for round in 1..=400 {
        for (target, group) in groups.iter_mut().enumerate() {
            append(group, target, round * 1000 + target as i64);
        }
        queue.write().expect("a disk");
        if round % 3 == 0 {
            receive(&mut reader, &mut received);
        }
    }
    receive(&mut reader, &mut received);
    assert_eq!(count(&received), 400 * 3 * SERIES as u64);
    assert_in_order(&received);
    let first = &received["__name__=m3,target=1"][0];
    assert_eq!(*first, (1001, 1001.375_f64.to_bits()));
    assert_eq!((reader.stats().pending, reader.stats().dropped), (0, 0));
    assert_eq!(reader.stats().newest_ms, 400_002);
}

#[test]
fn stale_markers_and_zeros_of_newborn_series_arrive() {
    let (queue, mut readers) = Queue::in_memory(&[options("a", 64 << 10)]).expect("memory");
    let store = Store::new(Limits::default());
    store.attach_queue(Arc::clone(&queue));
    let mut group = store.group();
    let old = group.register(&labels("__name__=old")).expect("room");
    group.append(1000, [(old, 1.5)]).expect("order");
    let new = group.register(&labels("__name__=new")).expect("room");
    // In no order of slots, as scrapes are.
    let newborn = Newborn { series: &[new], zero_ms: 1000 };
    group.append_with_zeros(2000, [(new, 4.0), (old, stale_marker())], newborn).expect("order");
    queue.write().expect("memory");
    let mut received = Received::new();
    receive(&mut readers[0], &mut received);
    assert_eq!(received["__name__=old"], [(1000, 1.5_f64.to_bits()), (2000, stale_marker().to_bits())]);
    assert_eq!(received["__name__=new"], [(1000, 0), (2000, 4.0_f64.to_bits())]);
}

#[test]
fn a_killed_process_goes_on_where_it_was() {
    let (mut image, mut received, mut appended) = (Image::new(), Received::new(), 0);
    for life in 0..6 {
        let disk = MemoryDisk::with(image);
        let (store, queue, mut reader) = open(&disk, 64 << 10);
        let mut group = store.group();
        for round in 0..30 {
            append(&mut group, 0, (life * 100 + round) * 1000 + 1);
            appended += SERIES as u64;
            queue.write().expect("a disk");
            // In some processes, and in the middle of segments.
            if round % 12 == 11 && life % 2 == 0 {
                receive_part(&mut reader, &mut received);
            }
        }
        // Read and not committed, so it is read again.
        reader.read(40).expect("a file");
        // Never written.
        append(&mut group, 0, (life * 100 + 40) * 1000 + 1);
        image = disk.image();
    }
    let (_store, _queue, mut reader) = open(&MemoryDisk::with(image), 64 << 10);
    assert_eq!(reader.stats().pending, appended - count(&received));
    assert_eq!(receive(&mut reader, &mut received), 0);
    assert_eq!(count(&received), appended);
    assert_in_order(&received);
}

#[test]
fn beyond_its_limit_a_reader_loses_the_oldest_and_they_are_counted() {
    let disk = MemoryDisk::default();
    let (store, queue, mut reader) = open(&disk, 64 << 10);
    let mut group = store.group();
    let (mut received, mut appended) = (Received::new(), 0);
    for round in 1..=3000 {
        append(&mut group, 0, round * 1000 + round * round % 7);
        appended += SERIES as u64;
        queue.write().expect("a disk");
        let bytes: usize = disk.image().values().map(Vec::len).sum();
        assert!(bytes < 80 << 10, "{bytes} bytes after {round} rounds");
        if round == 20 {
            // Under way while its segment is dropped: it is sent nevertheless.
            take(&mut reader, 100, &mut received);
        }
    }
    let dropped = reader.stats().dropped;
    assert!(dropped > 0);
    reader.commit().expect("a file");
    receive(&mut reader, &mut received);
    assert_eq!(count(&received) + dropped, appended);
    assert_in_order(&received);
}

#[test]
fn each_reader_has_its_own_place_and_a_new_one_begins_at_the_end() {
    let disk = MemoryDisk::default();
    let both = [options("a", 64 << 10), options("b", 1 << 20)];
    let (queue, mut readers) = Queue::open(Path::new("/queue"), Arc::new(disk.clone()), &both).expect("a queue");
    let store = Store::new(Limits::default());
    store.attach_queue(Arc::clone(&queue));
    let mut group = store.group();
    (1..=1000).for_each(|round| append(&mut group, 0, round * 1000));
    queue.write().expect("a disk");
    let mut received = Received::new();
    receive(&mut readers[0], &mut received);
    assert_eq!((readers[0].stats().pending, readers[1].stats().pending), (0, 1000 * SERIES as u64));
    let image = disk.image();
    let names = [options("b", 1 << 20), options("c", 1 << 20)];
    let disk = MemoryDisk::with(image);
    let (_queue, readers) = Queue::open(Path::new("/queue"), Arc::new(disk), &names).expect("a queue");
    assert_eq!((readers[0].stats().pending, readers[1].stats().pending), (1000 * SERIES as u64, 0));
}

#[test]
fn damage_loses_what_it_hits_and_is_counted() {
    let original = {
        let disk = MemoryDisk::default();
        let (store, queue, _reader) = open(&disk, 64 << 10);
        let mut group = store.group();
        for round in 1..=300 {
            append(&mut group, 0, round * 1000);
            queue.write().expect("a disk");
        }
        disk.image()
    };
    let appended = 300 * SERIES as u64;
    let segments: Vec<&String> = original.keys().filter(|name| name.ends_with(".queue")).collect();
    assert!(segments.len() > 2, "{segments:?}");
    for (at, name) in segments.iter().enumerate() {
        for offset in [3, 20, 900, 2500] {
            let disk = MemoryDisk::with(original.clone());
            disk.change(name, |bytes| {
                if let Some(byte) = bytes.get_mut(offset) {
                    *byte ^= 0x55;
                }
            });
            let (_store, _queue, mut reader) = open(&disk, 64 << 10);
            let mut received = Received::new();
            let lost = receive(&mut reader, &mut received);
            let is_last = at + 1 == segments.len();
            assert!(count(&received) + lost == appended || is_last, "{name} {offset}: {lost} lost");
            assert!(count(&received) > appended / 2 && reader.stats().dropped == lost, "{name} {offset}");
            assert_in_order(&received);
        }
    }
}

#[test]
fn a_torn_end_is_left_out() {
    let disk = MemoryDisk::default();
    let (store, queue, _reader) = open(&disk, 64 << 10);
    let mut group = store.group();
    append(&mut group, 0, 1000);
    queue.write().expect("a disk");
    let whole = disk.image();
    append(&mut group, 0, 2000);
    queue.write().expect("a disk");
    let image = disk.image();
    let name = image.keys().find(|name| name.ends_with(".queue")).expect("a segment");
    for length in whole[name].len()..image[name].len() {
        let mut torn = image.clone();
        torn.get_mut(name).expect("a segment").truncate(length);
        let (_store, _queue, mut reader) = open(&MemoryDisk::with(torn), 64 << 10);
        let mut received = Received::new();
        assert_eq!((receive(&mut reader, &mut received), count(&received)), (0, SERIES as u64), "{length}");
    }
}

#[test]
fn while_the_disk_is_full_samples_are_dropped_and_counted_and_then_it_goes_on() {
    let disk = MemoryDisk::default();
    let (store, queue, mut reader) = open(&disk, 64 << 10);
    let mut group = store.group();
    let (mut received, mut appended) = (Received::new(), 0);
    for round in 1..=60 {
        disk.set_full((20..40).contains(&round));
        append(&mut group, 0, round * 1000);
        appended += SERIES as u64;
        assert_eq!(queue.write().is_err(), (20..40).contains(&round), "round {round}");
    }
    receive(&mut reader, &mut received);
    let dropped = reader.stats().dropped;
    assert!(dropped >= 19 * SERIES as u64 && dropped <= 21 * SERIES as u64, "{dropped}");
    assert_eq!(count(&received) + dropped, appended);
    assert_in_order(&received);
}
