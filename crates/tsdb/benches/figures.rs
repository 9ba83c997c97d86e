//! Figures of the store, printed as lines: ingest, size, opening, and a fleet-wide select over what is stored.
//!
//! `cargo bench -p tsdb` fills a new folder with a day of a fleet of twenty replicas with five hundred series each;
//! `cargo bench -p tsdb -- DAYS` with so many days; `cargo bench -p tsdb -- DAYS FOLDER` reads what an earlier run
//! left there. Seconds are of the clock, and in brackets of the processors.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a figure that cannot be taken ends the run")]
#[path = "../tests/suite/workload/mod.rs"]
mod workload;

use promql::{MatchOp, Matcher, Selector, Storage};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tsdb::{DiskFiles, Options, Store};
use workload::Fleet;

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
    for (what, until_ms, hours) in [
        ("1 h", until_ms, 1),
        ("24 h", until_ms, 24),
        ("all", until_ms, 24 * days),
        ("1 h, a day ago", until_ms - DAY_MS, 1),
    ] {
        select(&store, what, "vllm:time_to_first_token_seconds_bucket", (until_ms - hours * 3_600_000, until_ms));
    }
    quantile(&store, until_ms, days);
    series(&store, until_ms);
    println!("peak memory: {:.0} MB", peak_mb());
}

/// Clock and processor time since it was made.
struct Watch(Instant, f64);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), processor_seconds())
    }

    fn read(&self) -> (f64, f64) {
        (self.0.elapsed().as_secs_f64(), processor_seconds() - self.1)
    }
}

/// Processor time of this process, in seconds.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

fn options() -> Options {
    Options { sync_every: Duration::from_secs(1), ..Options::default() }
}

/// Appends the days of the fleet, with a maintenance after each round of scrapes.
fn ingest(folder: &Path, days: i64) {
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
    // Values are made beforehand, an hour at a time, so that this is not measured.
    let (mut clock, mut processor, mut slowest) = (0.0, 0.0, Duration::ZERO);
    for hour in (0..rows).collect::<Vec<_>>().chunks(240) {
        let scrape = |row: usize| -> Vec<(i64, Vec<f64>)> {
            let scrape = |replica| (fleet.time_ms(replica, row), fleet.scrape(replica, row).to_vec());
            (0..REPLICAS).map(scrape).collect()
        };
        let scrapes: Vec<_> = hour.iter().copied().map(scrape).collect();
        let watch = Watch::start();
        for (row, scrapes) in hour.iter().zip(scrapes) {
            for ((time_ms, values), (group, series)) in scrapes.iter().zip(&mut targets) {
                group.append(*time_ms, series.iter().copied().zip(values.iter().copied())).expect("in order");
            }
            let began = Instant::now();
            store.maintain(START_MS + (*row as i64 + 1) * INTERVAL_MS).expect("room on the disk");
            slowest = slowest.max(began.elapsed());
        }
        let (more_clock, more_processor) = watch.read();
        clock += more_clock;
        processor += more_processor;
    }
    store.close().expect("room on the disk");
    let stats = store.stats();
    let millions = stats.appended as f64 / 1e6;
    println!(
        "ingest: {millions:.1} M samples in {clock:.1} s ({processor:.1} s), {:.1} M/s ({:.1} M/s); slowest maintenance {:.2} s",
        millions / clock,
        millions / processor,
        slowest.as_secs_f64()
    );
    println!("peak memory while ingesting: {:.0} MB, 19 MB of it an hour of values", peak_mb());
    let bytes_per_sample = stats.block_bytes as f64 / stats.block_samples as f64;
    println!(
        "blocks: {} of {:.1} MB, {bytes_per_sample:.3} bytes per sample",
        stats.blocks,
        stats.block_bytes as f64 / 1e6
    );
    println!("log: {:.1} MB, in memory: {:.1} MB", stats.log_bytes as f64 / 1e6, stats.size_bytes as f64 / 1e6);
}

fn open(folder: &Path) -> Store {
    let watch = Watch::start();
    let (store, report) = Store::open(folder, options(), Arc::new(DiskFiles)).expect("the store");
    let (clock, processor) = watch.read();
    println!(
        "open: {clock:.3} s ({processor:.2} s) for {} blocks and {:.1} M samples in the log, {} losses",
        report.blocks,
        report.replayed as f64 / 1e6,
        report.losses.len()
    );
    store
}

fn select(store: &Store, what: &str, name: &str, (after_ms, until_ms): (i64, i64)) {
    let matcher = Matcher { name: "__name__".into(), op: MatchOp::Equal, value: name.into() };
    let selector = Selector { any_of: vec![vec![matcher]] };
    let (mut samples, mut series, mut times) = (0, 0, Vec::new());
    let watch = Watch::start();
    for _ in 0..5 {
        (samples, series) = (0, 0);
        let began = Instant::now();
        let visit = &mut |_: &_, column: promql::Column<'_>| {
            samples += std::hint::black_box(column.values).len();
            series += 1;
            ControlFlow::Continue(())
        };
        store.select(&selector, after_ms, until_ms, visit).expect("an answer");
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let processor_ms = watch.read().1 * 1e3 / 5.0;
    let millions = f64::from(samples as u32) / 1e6;
    println!(
        "select over {what}: {:.1} ms ({processor_ms:.0} ms) for {series} series and {millions:.2} M samples",
        times[2]
    );
}

/// The 99th percentile of the fleet over everything, in 360 steps.
fn quantile(store: &Store, until_ms: i64, days: i64) {
    let text = "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))";
    let options = promql::Options::default();
    let query = promql::parse(text, &options.limits).expect("a query");
    let (start_ms, step_ms) = (until_ms - days * DAY_MS, days * DAY_MS / 360);
    let mut times: Vec<f64> = (0..3)
        .map(|_| {
            let began = Instant::now();
            let answer = promql::range(store, &query, start_ms, until_ms, step_ms, &options, &promql::uninterrupted);
            std::hint::black_box(answer.expect("an answer"));
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("fleet p99 over all: {:.0} ms", times[1]);
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
