//! Measures the store: ingestion, size, opening, and fleet-wide queries.
//!
//! `cargo bench -p tsdb [-- DAYS [FOLDER]]` fills a temporary folder with one day, or DAYS days, of a fleet of twenty
//! replicas with five hundred series each. If FOLDER has a store already, it only reads that. Times are wall-clock
//! times, followed by CPU times in brackets.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use promql::{Labels, MatchOp, Matcher, Selector, Storage};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use test_kit::fleet::Fleet;
use tsdb::{LocalFileSystem, Options, Store};

const REPLICAS: usize = 20;
const SERIES: usize = 500;
const INTERVAL_MS: i64 = 15_000;
const START_MS: i64 = 1_790_000_000_000;
const DAY_MS: i64 = 86_400_000;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let days: i64 = arguments.next().map_or(1, |days| days.parse().expect("a number of days"));
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = arguments.next().map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    if !folder.join("format").exists() {
        ingest(&folder, days);
    }
    let until_ms = START_MS + days * DAY_MS;
    let store = open(&folder);
    for (description, until_ms, hours) in [
        ("1 h", until_ms, 1),
        ("24 h", until_ms, 24),
        ("all", until_ms, 24 * days),
        ("1 h, a day ago", until_ms - DAY_MS, 1),
    ] {
        select(&store, description, "vllm:time_to_first_token_seconds_bucket", until_ms - hours * 3_600_000, until_ms);
    }
    query_percentile(&store, until_ms, days);
    query_names(&store, until_ms);
    println!("peak memory: {:.0} MB", peak_mb());
}

/// Measures wall-clock and CPU time.
struct Stopwatch {
    started: Instant,
    cpu_seconds: f64,
}

/// Times in seconds.
#[derive(Default)]
struct Elapsed {
    wall: f64,
    cpu: f64,
}

impl Stopwatch {
    fn start() -> Self {
        Self { started: Instant::now(), cpu_seconds: cpu_seconds() }
    }

    fn elapsed(&self) -> Elapsed {
        Elapsed { wall: self.started.elapsed().as_secs_f64(), cpu: cpu_seconds() - self.cpu_seconds }
    }
}

/// CPU time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

fn options() -> Options {
    Options { sync_every: Duration::from_secs(1), ..Options::default() }
}

/// Appends days of the fleet, with maintenance after each round of scrapes.
fn ingest(folder: &Path, days: i64) {
    let (store, _) = Store::open(folder, options(), Arc::new(LocalFileSystem)).expect("a new store");
    let mut fleet = Fleet::new(REPLICAS, SERIES, INTERVAL_MS, START_MS);
    let labels: Vec<Labels> = fleet.labels.iter().cloned().map(Labels::from_pairs).collect();
    let mut targets: Vec<_> = labels
        .chunks(SERIES)
        .map(|labels| {
            let mut group = store.group();
            let series: Vec<_> = labels.iter().map(|labels| group.register(labels).expect("room")).collect();
            (group, series)
        })
        .collect();
    let rows = (days * DAY_MS / INTERVAL_MS) as usize;
    // Values are generated an hour ahead, so that generating them is not measured.
    let (mut total, mut slowest) = (Elapsed::default(), Duration::ZERO);
    for hour in (0..rows).collect::<Vec<_>>().chunks(240) {
        let scrape = |row: usize| -> Vec<(i64, Vec<f64>)> {
            let scrape = |replica| (fleet.time_ms(replica, row), fleet.scrape(replica, row).to_vec());
            (0..REPLICAS).map(scrape).collect()
        };
        let scrapes: Vec<_> = hour.iter().copied().map(scrape).collect();
        let stopwatch = Stopwatch::start();
        for (row, scrapes) in hour.iter().zip(scrapes) {
            for ((time_ms, values), (group, series)) in scrapes.iter().zip(&mut targets) {
                group.append(*time_ms, series.iter().copied().zip(values.iter().copied())).expect("in order");
            }
            let started = Instant::now();
            store.maintain(START_MS + (*row as i64 + 1) * INTERVAL_MS).expect("room on the disk");
            slowest = slowest.max(started.elapsed());
        }
        let elapsed = stopwatch.elapsed();
        total.wall += elapsed.wall;
        total.cpu += elapsed.cpu;
    }
    store.close().expect("room on the disk");
    let stats = store.stats();
    let millions = stats.appended as f64 / 1e6;
    println!(
        "ingest: {millions:.1} M samples in {:.1} s ({:.1} s), {:.1} M/s ({:.1} M/s); slowest maintenance {:.2} s",
        total.wall,
        total.cpu,
        millions / total.wall,
        millions / total.cpu,
        slowest.as_secs_f64()
    );
    println!("peak memory during ingestion: {:.0} MB, of which 19 MB are an hour of values", peak_mb());
    let bytes_per_sample = stats.block_bytes as f64 / stats.block_samples as f64;
    println!(
        "blocks: {} of {:.1} MB, {bytes_per_sample:.3} bytes per sample",
        stats.blocks,
        stats.block_bytes as f64 / 1e6
    );
    println!("log: {:.1} MB, in memory: {:.1} MB", stats.log_bytes as f64 / 1e6, stats.size_bytes as f64 / 1e6);
}

fn open(folder: &Path) -> Store {
    let stopwatch = Stopwatch::start();
    let (store, report) = Store::open(folder, options(), Arc::new(LocalFileSystem)).expect("the store");
    let elapsed = stopwatch.elapsed();
    println!(
        "open: {:.3} s ({:.2} s) for {} blocks and {:.1} M samples in the log, {} losses",
        elapsed.wall,
        elapsed.cpu,
        report.blocks,
        report.replayed as f64 / 1e6,
        report.losses.len()
    );
    store
}

fn select(store: &Store, description: &str, name: &str, after_ms: i64, until_ms: i64) {
    let matcher = Matcher { name: "__name__".into(), op: MatchOp::Equal, value: name.into() };
    let selector = Selector { any_of: vec![vec![matcher]] };
    let (mut samples, mut series, mut times) = (0, 0, Vec::new());
    let stopwatch = Stopwatch::start();
    for _ in 0..5 {
        (samples, series) = (0, 0);
        let started = Instant::now();
        let visit = &mut |_: &_, column: promql::Samples<'_>| {
            samples += std::hint::black_box(column.values).len();
            series += 1;
            ControlFlow::Continue(())
        };
        store.select(&selector, after_ms, until_ms, visit).expect("a result");
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let cpu_ms = stopwatch.elapsed().cpu * 1e3 / 5.0;
    let millions = f64::from(samples as u32) / 1e6;
    println!(
        "select over {description}: {:.1} ms ({cpu_ms:.0} ms) for {series} series and {millions:.2} M samples",
        times[2]
    );
}

/// Queries the 99th percentile of the fleet over all days, in 360 steps.
fn query_percentile(store: &Store, until_ms: i64, days: i64) {
    let text = "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))";
    let options = promql::Options::default();
    let query = promql::parse(text, &options.limits).expect("a query");
    let (start_ms, step_ms) = (until_ms - days * DAY_MS, days * DAY_MS / 360);
    let mut times: Vec<f64> = (0..3)
        .map(|_| {
            let started = Instant::now();
            let result = promql::range(store, &query, start_ms, until_ms, step_ms, &options, &promql::uninterrupted);
            std::hint::black_box(result.expect("a result"));
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("fleet p99 over all: {:.0} ms", times[1]);
}

fn query_names(store: &Store, until_ms: i64) {
    let everything = Selector { any_of: vec![Vec::new()] };
    let started = Instant::now();
    let names = store.label_values("__name__", &everything, until_ms - DAY_MS..=until_ms, usize::MAX).len();
    println!("names of a day: {names} in {:.2} ms", started.elapsed().as_secs_f64() * 1e3);
}

/// The peak memory of this process, in megabytes.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|line| line.trim().strip_suffix(" kB")).map_or(0.0, |kib| kib.trim().parse().unwrap());
    kib * 1024.0 / 1e6
}
