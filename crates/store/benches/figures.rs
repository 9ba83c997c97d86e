//! Figures of the store, printed as lines: ingest, size, opening, and a fleet-wide select over what is stored.
//!
//! `cargo bench -p store` fills a new folder with a day of a fleet of twenty replicas with five hundred series each;
//! `cargo bench -p store -- DAYS` with so many days.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a figure that cannot be taken ends the run")]
#[path = "../tests/workload/mod.rs"]
mod workload;

use promql::{MatchOp, Matcher, Selector, Storage};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{DiskFiles, Options, Store};
use workload::Fleet;

const REPLICAS: usize = 20;
const SERIES: usize = 500;
const INTERVAL_MS: i64 = 15_000;
const START_MS: i64 = 1_790_000_000_000;
const DAY_MS: i64 = 86_400_000;

fn main() {
    let days: i64 = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1);
    let folder = tempfile::tempdir().expect("a folder");
    let until_ms = ingest(folder.path(), days);
    let store = open(folder.path());
    for (what, hours) in [("1 h", 1), ("24 h", 24), ("all", 24 * days)] {
        select(&store, what, "vllm:time_to_first_token_seconds_bucket", (until_ms - hours * 3_600_000, until_ms));
    }
    select(
        &store,
        "1 h ago a day",
        "vllm:time_to_first_token_seconds_bucket",
        (until_ms - 25 * 3_600_000, until_ms - DAY_MS),
    );
    series(&store, until_ms);
    println!("peak memory of everything: {:.0} MB", peak_mb());
}

fn options() -> Options {
    Options { sync_every: Duration::from_secs(1), ..Options::default() }
}

/// Appends the days of the fleet with a maintenance for each second that passes in it; gives its last time.
fn ingest(folder: &Path, days: i64) -> i64 {
    let (store, _) = Store::open(folder, options(), Arc::new(DiskFiles)).expect("a new store");
    let mut fleet = Fleet::new(REPLICAS, SERIES, INTERVAL_MS, START_MS);
    let labels = fleet.labels.clone();
    let mut targets: Vec<_> = labels
        .chunks(SERIES)
        .map(|labels| {
            let mut group = store.group();
            let series: Vec<_> = labels.iter().map(|labels| group.register(labels).expect("room")).collect();
            (group, series)
        })
        .collect();
    let rows = (days * DAY_MS / INTERVAL_MS) as usize;
    let (mut making, mut taking, mut now_ms) = (Duration::ZERO, Duration::ZERO, START_MS);
    let mut slowest = Duration::ZERO;
    for row in 0..rows {
        for (replica, (group, series)) in targets.iter_mut().enumerate() {
            let began = Instant::now();
            let values = fleet.scrape(replica, row);
            making += began.elapsed();
            let began = Instant::now();
            let time_ms = START_MS + row as i64 * INTERVAL_MS + replica as i64 * 700;
            now_ms = time_ms;
            group.append(time_ms, series.iter().copied().zip(values.iter().copied())).expect("in order");
            taking += began.elapsed();
        }
        let began = Instant::now();
        store.maintain(now_ms).expect("room on the disk");
        slowest = slowest.max(began.elapsed());
        taking += began.elapsed();
    }
    let began = Instant::now();
    store.close().expect("room on the disk");
    taking += began.elapsed();
    let stats = store.stats();
    let (samples, seconds) = (stats.appended as f64, taking.as_secs_f64());
    println!("ingest: {:.1} M samples in {seconds:.1} s, {:.1} M/s", samples / 1e6, samples / 1e6 / seconds);
    println!(
        "(making them took {:.1} s more; the slowest maintenance {:.2} s)",
        making.as_secs_f64(),
        slowest.as_secs_f64()
    );
    println!("peak memory while ingesting: {:.0} MB", peak_mb());
    let bytes_per_sample = stats.block_bytes as f64 / stats.block_samples as f64;
    println!(
        "blocks: {} of {:.1} MB, {bytes_per_sample:.3} bytes per sample",
        stats.blocks,
        stats.block_bytes as f64 / 1e6
    );
    println!("log: {:.1} MB, head: {:.1} MB", stats.log_bytes as f64 / 1e6, stats.size_bytes as f64 / 1e6);
    now_ms
}

fn open(folder: &Path) -> Store {
    let began = Instant::now();
    let (store, report) = Store::open(folder, options(), Arc::new(DiskFiles)).expect("the store");
    println!(
        "open: {:.3} s for {} blocks and {:.1} M samples in the log, {} losses",
        began.elapsed().as_secs_f64(),
        report.blocks,
        report.replayed as f64 / 1e6,
        report.losses.len()
    );
    store
}

fn select(store: &Store, what: &str, name: &str, (after_ms, until_ms): (i64, i64)) {
    let matcher = Matcher { name: "__name__".into(), op: MatchOp::Equal, value: name.into() };
    let selector = Selector { any_of: vec![vec![matcher]] };
    let mut times = Vec::new();
    let (mut samples, mut series) = (0, 0);
    for _ in 0..5 {
        (samples, series) = (0, 0);
        let began = Instant::now();
        let visit = &mut |_: &_, column: promql::Column<'_>| {
            samples += std::hint::black_box(column.values).len();
            series += 1;
            ControlFlow::Continue(())
        };
        store.select(&selector, after_ms, until_ms, visit).expect("an answer");
        times.push(began.elapsed());
    }
    times.sort();
    println!(
        "select over {what}: {:.1} ms for {series} series and {:.2} M samples",
        times[2].as_secs_f64() * 1e3,
        samples as f64 / 1e6
    );
}

fn series(store: &Store, until_ms: i64) {
    let everything = Selector { any_of: vec![Vec::new()] };
    let began = Instant::now();
    let names = store.label_values("__name__", &everything, until_ms - DAY_MS..=until_ms, usize::MAX).len();
    println!("names of a day: {names} in {:.2} ms", began.elapsed().as_secs_f64() * 1e3);
}

/// The most memory this process has had, in megabytes.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|line| line.trim().strip_suffix(" kB")).map_or(0.0, |kib| kib.trim().parse().unwrap());
    kib * 1024.0 / 1e6
}
