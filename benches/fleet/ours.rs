//! Loading into our store, in this process, scrape by scrape like the companion.
use crate::{Chunk, DAY_MS, History, ReplicaChunk, SERIES};
use promql::stale_marker;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tsdb::{Group, Limits, LocalFileSystem, Options, SeriesRef, Store};

/// Returns the number of samples, the duration of appends and maintenance, and the size on disk.
pub(crate) fn load(history: History, folder: &Path) -> anyhow::Result<String> {
    let store = open(folder)?;
    let (mut targets, mut elapsed, mut end_ms) = (Vec::new(), Duration::ZERO, 0);
    let interval_ms = history.fleet.interval_ms;
    for chunk in history {
        if targets.is_empty() {
            targets.extend(chunk.replicas.iter().map(|_| Target::new(store.group())));
        }
        for (target, replica) in
            targets.iter_mut().zip(&chunk.replicas).filter(|(target, _)| target.pod != Some(chunk.pod))
        {
            target.replace_pod(chunk.pod, replica)?;
        }
        let started = Instant::now();
        end_ms = append(&store, &mut targets, &chunk, interval_ms)?;
        elapsed += started.elapsed();
    }
    let started = Instant::now();
    store.close()?;
    elapsed += started.elapsed();
    let appended = store.stats().appended;
    drop((targets, store));
    // Finishes the merges, as the other servers have before they are queried.
    let store = open(folder)?;
    store.maintain(end_ms + DAY_MS)?;
    let stats = store.stats();
    Ok(format!(
        r#"{{"samples":{},"seconds":{:.3},"blockBytes":{},"blockSamples":{}}}"#,
        appended,
        elapsed.as_secs_f64(),
        stats.block_bytes,
        stats.block_samples
    ))
}

fn open(folder: &Path) -> anyhow::Result<Store> {
    let limits = Limits { retention_ms: i64::MAX, size_bytes: usize::MAX, ..Options::default().limits };
    Ok(Store::open(folder, Options { limits, ..Options::default() }, Arc::new(LocalFileSystem))?.0)
}

struct Target {
    group: Group,
    /// Which pod has its series now.
    pod: Option<usize>,
    series: Vec<SeriesRef>,
    /// The series of the pod before, which end with the next scrape.
    ended: Vec<SeriesRef>,
}

impl Target {
    fn new(group: Group) -> Self {
        Self { group, pod: None, series: Vec::new(), ended: Vec::new() }
    }

    fn replace_pod(&mut self, pod: usize, chunk: &ReplicaChunk) -> anyhow::Result<()> {
        let series = chunk.labels.iter().map(|labels| self.group.register(labels)).collect::<Result<Vec<_>, _>>()?;
        self.ended = std::mem::replace(&mut self.series, series);
        self.pod = Some(pod);
        Ok(())
    }
}

fn append(store: &Store, targets: &mut [Target], chunk: &Chunk, interval_ms: i64) -> anyhow::Result<i64> {
    let rows = chunk.replicas.first().map_or(0, |replica| replica.times_ms.len());
    let (mut values, mut newest_ms) = (Vec::with_capacity(SERIES), 0);
    for row in 0..rows {
        for (replica, Target { group, series, ended, .. }) in chunk.replicas.iter().zip(targets.iter_mut()) {
            values.clear();
            values.extend(series.iter().copied().zip(replica.columns.iter().map(|column| column[row])));
            values.extend(ended.drain(..).map(|series| (series, stale_marker())));
            group.append(replica.times_ms[row], values.iter().copied())?;
            newest_ms = newest_ms.max(replica.times_ms[row]);
        }
        store.maintain(newest_ms + interval_ms)?;
    }
    Ok(newest_ms)
}
