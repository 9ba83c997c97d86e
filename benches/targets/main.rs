//! Serves many targets from one process for benchmarks: each has an address of its own on loopback and a metrics page that
//! is written anew for each scrape, and how regularly it is scraped is counted: `targets --count 2000 --series 500`.
//!
//! The first line on standard output is a JSON list of the targets' hosts. Any of them also answers `GET /stats` with what
//! was counted since the start or the last `POST /reset`, and the same is printed when the program is told to end.
mod metrics_page;
mod regularity;
mod serve;

use crate::metrics_page::Shape;
use crate::serve::Targets;
use anyhow::Context as _;
use clap::Parser;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// What is served, and how often it should be scraped.
#[derive(Debug, Parser)]
#[command(version, about = "Serves many targets on loopback and counts how regularly they are scraped.")]
struct Arguments {
    /// The number of targets.
    #[arg(long, default_value_t = 200)]
    count: usize,
    /// Series of each target.
    #[arg(long, default_value_t = 500)]
    series: usize,
    /// Bytes that are added to the labels of each series.
    #[arg(long, default_value_t = 0)]
    label_bytes: usize,
    /// After so many scrapes of a target all its series get another label; 0 for never.
    #[arg(long, default_value_t = 0)]
    churn: u64,
    /// The time between two scrapes of a target that its scraper intends, in milliseconds.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    interval_ms: u64,
}

/// One thread serves them all: writing a metrics page takes far less time than reading and storing it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { count, series, label_bytes, churn, interval_ms } = Arguments::parse();
    let shape = Shape { series, label_bytes, churn };
    let targets = Arc::new(Targets::new(count, &shape, Duration::from_millis(interval_ms)));
    let hosts = serve::start(&targets).await.context("cannot listen on loopback")?;
    let hosts: Vec<String> = hosts.iter().map(|host| format!("{:?}", host.to_string())).collect();
    println!("[{}]", hosts.join(","));
    std::io::stdout().flush()?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    println!("{}", targets.stats());
    Ok(())
}
