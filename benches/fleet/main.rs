//! Loads days of an invented fleet into a server by its fastest method and prints the timing as JSON:
//! `fleet ours FOLDER DAYS`, `fleet prometheus FOLDER DAYS` or `fleet victoria-metrics ADDRESS DAYS`.
mod ours;
mod prometheus;
mod victoria_metrics;

use clap::{Parser, ValueEnum};
use promql::Labels;
use std::ops::Range;
use std::path::Path;
use test_kit::fleet::Fleet;

const SERIES: usize = 500;
/// The start of a day, so that the blocks of all servers begin with it.
const START_MS: i64 = 1_789_948_800_000;
const DAY_MS: i64 = 86_400_000;
/// What is generated at once at most: a block of Prometheus.
const CHUNK_MS: i64 = 7_200_000;

/// Which server is loaded, and with how much.
#[derive(Debug, Parser)]
#[command(version, about = "Loads days of an invented fleet into a server.")]
struct Arguments {
    server: Server,
    /// Its data directory; of VictoriaMetrics the address.
    destination: String,
    /// Days of history.
    days: i64,
    /// The number of replicas, of 500 series each.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    replicas: u32,
    /// The time between two samples of a series, in seconds.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..))]
    interval_s: i64,
    /// How many pods each replica has, one after the other: each has series of its own.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pods: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Server {
    Ours,
    Prometheus,
    VictoriaMetrics,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (history, destination) = (History::new(&arguments), arguments.destination.as_str());
    let figures = match arguments.server {
        Server::Ours => ours::load(history, Path::new(destination))?,
        Server::Prometheus => prometheus::load(history, Path::new(destination))?,
        Server::VictoriaMetrics => victoria_metrics::load(history, destination)?,
    };
    println!("{figures}");
    Ok(())
}

/// The samples of the fleet, in chunks of two hours, or fewer where pods are replaced in between.
struct History {
    fleet: Fleet,
    replicas: usize,
    pods: usize,
    rows: usize,
    chunk_rows: usize,
    next_row: usize,
}

/// Some time of all replicas.
struct Chunk {
    replicas: Vec<ReplicaChunk>,
    /// Which of its pods each replica has.
    pod: usize,
    /// Whether a block of two hours ends with it.
    is_block_end: bool,
}

/// Some time of one replica.
struct ReplicaChunk {
    labels: Vec<Labels>,
    times_ms: Vec<i64>,
    /// The values of each series, in the order of `labels`.
    columns: Vec<Vec<f64>>,
}

impl History {
    fn new(arguments: &Arguments) -> Self {
        let interval_ms = arguments.interval_s * 1000;
        let rows = (arguments.days * DAY_MS / interval_ms) as usize;
        let replicas = arguments.replicas as usize;
        Self {
            fleet: Fleet::new(replicas, SERIES, interval_ms, START_MS),
            replicas,
            pods: (arguments.pods as usize).clamp(1, rows.max(1)),
            rows,
            chunk_rows: ((CHUNK_MS / interval_ms) as usize).max(1),
            next_row: 0,
        }
    }

    /// The label sets of a replica. Only a pod that is replaced has a label.
    fn labels(&self, replica: usize, pod: usize) -> Vec<Labels> {
        let label = (self.pods > 1).then(|| ("pod".to_owned(), format!("replica-{replica}-{pod}")));
        let plain = self.fleet.labels[replica * SERIES..][..SERIES].iter();
        plain.map(|plain| Labels::from_pairs(plain.iter().cloned().chain(label.clone()))).collect()
    }

    fn replica_chunk(&mut self, replica: usize, pod: usize, rows: Range<usize>) -> ReplicaChunk {
        let labels = self.labels(replica, pod);
        let mut chunk = ReplicaChunk { labels, times_ms: Vec::new(), columns: vec![Vec::new(); SERIES] };
        for row in rows {
            chunk.times_ms.push(self.fleet.time_ms(replica, row));
            let values = self.fleet.scrape(replica, row);
            chunk.columns.iter_mut().zip(values).for_each(|(column, value)| column.push(*value));
        }
        chunk
    }
}

impl Iterator for History {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let first = self.next_row;
        let pod = first * self.pods / self.rows.max(1);
        let pod_end = ((pod + 1) * self.rows).div_ceil(self.pods);
        let block_end = ((first / self.chunk_rows + 1) * self.chunk_rows).min(self.rows);
        let rows = first..pod_end.min(block_end);
        self.next_row = rows.end;
        let is_block_end = rows.end == block_end;
        (!rows.is_empty()).then(|| {
            let replicas = (0..self.replicas).map(|replica| self.replica_chunk(replica, pod, rows.clone())).collect();
            Chunk { replicas, pod, is_block_end }
        })
    }
}

impl Chunk {
    fn samples(&self) -> usize {
        self.replicas.iter().map(|replica| replica.times_ms.len() * replica.columns.len()).sum()
    }
}
