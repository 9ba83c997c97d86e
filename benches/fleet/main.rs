//! Loads days of an invented fleet into a server by its fastest method and prints the timing as JSON:
//! `fleet ours FOLDER DAYS`, `fleet prometheus FOLDER DAYS` or `fleet victoria-metrics ADDRESS DAYS`.
mod ours;
mod prometheus;
mod victoria_metrics;

use anyhow::{Context, bail};
use promql::Labels;
use std::path::Path;
use test_kit::fleet::Fleet;

const REPLICAS: usize = 20;
const SERIES: usize = 500;
const INTERVAL_MS: i64 = 15_000;
/// The start of a day, so that the blocks of all servers begin with it.
const START_MS: i64 = 1_789_948_800_000;
const DAY_MS: i64 = 86_400_000;
/// Rows that are generated at once: two hours, as in a block of Prometheus.
const CHUNK_ROWS: usize = 480;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, destination, days] = arguments.as_slice() else { bail!("usage: fleet SERVER FOLDER|ADDRESS DAYS") };
    let history = History::new(days.parse().context("DAYS is not a number")?);
    let figures = match server.as_str() {
        "ours" => ours::load(history, Path::new(destination))?,
        "prometheus" => prometheus::load(history, Path::new(destination))?,
        "victoria-metrics" => victoria_metrics::load(history, destination)?,
        _ => bail!("unknown server {server}; use ours, prometheus or victoria-metrics"),
    };
    println!("{figures}");
    Ok(())
}

/// The samples of the fleet, in chunks of two hours.
struct History {
    fleet: Fleet,
    next_row: usize,
    rows: usize,
}

/// Two hours of all replicas.
struct Chunk {
    replicas: Vec<ReplicaChunk>,
}

/// Two hours of one replica.
struct ReplicaChunk {
    labels: Vec<Labels>,
    times_ms: Vec<i64>,
    /// The values of each series, in the order of `labels`.
    columns: Vec<Vec<f64>>,
}

impl History {
    fn new(days: i64) -> Self {
        let rows = (days * DAY_MS / INTERVAL_MS) as usize;
        Self { fleet: Fleet::new(REPLICAS, SERIES, INTERVAL_MS, START_MS), next_row: 0, rows }
    }
}

impl Iterator for History {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let rows = self.next_row..(self.next_row + CHUNK_ROWS).min(self.rows);
        self.next_row = rows.end;
        let mut replica_chunk = |replica: usize| {
            let labels = self.fleet.labels[replica * SERIES..][..SERIES].iter().cloned();
            let labels = labels.map(Labels::from_pairs).collect();
            let mut chunk = ReplicaChunk { labels, times_ms: Vec::new(), columns: vec![Vec::new(); SERIES] };
            for row in rows.clone() {
                chunk.times_ms.push(self.fleet.time_ms(replica, row));
                let values = self.fleet.scrape(replica, row);
                chunk.columns.iter_mut().zip(values).for_each(|(column, value)| column.push(*value));
            }
            chunk
        };
        (!rows.is_empty()).then(|| Chunk { replicas: (0..REPLICAS).map(&mut replica_chunk).collect() })
    }
}

impl Chunk {
    fn samples(&self) -> usize {
        self.replicas.iter().map(|replica| replica.times_ms.len() * replica.columns.len()).sum()
    }
}
