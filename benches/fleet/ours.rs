//! Loading into our store, in this process, scrape by scrape like the companion.
use crate::{Chunk, DAY_MS, History, INTERVAL_MS, ReplicaChunk, SERIES};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tsdb::{Group, Limits, LocalFileSystem, Options, SeriesRef, Store};

/// Returns the number of samples, the duration of appends and maintenance, and the size on disk.
pub(crate) fn load(history: History, folder: &Path) -> anyhow::Result<String> {
    let store = open(folder)?;
    let (mut targets, mut elapsed, mut end_ms) = (Vec::new(), Duration::ZERO, 0);
    for chunk in history {
        if targets.is_empty() {
            targets = register(&store, &chunk)?;
        }
        let started = Instant::now();
        end_ms = append(&store, &mut targets, &chunk)?;
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
    series: Vec<SeriesRef>,
}

fn register(store: &Store, chunk: &Chunk) -> anyhow::Result<Vec<Target>> {
    let target = |replica: &ReplicaChunk| {
        let mut group = store.group();
        let series = replica.labels.iter().map(|labels| group.register(labels)).collect::<Result<Vec<_>, _>>()?;
        Ok(Target { group, series })
    };
    chunk.replicas.iter().map(target).collect()
}

fn append(store: &Store, targets: &mut [Target], chunk: &Chunk) -> anyhow::Result<i64> {
    let rows = chunk.replicas.first().map_or(0, |replica| replica.times_ms.len());
    let (mut values, mut newest_ms) = (Vec::with_capacity(SERIES), 0);
    for row in 0..rows {
        for (replica, Target { group, series }) in chunk.replicas.iter().zip(targets.iter_mut()) {
            values.clear();
            values.extend(replica.columns.iter().map(|column| column[row]));
            group.append(replica.times_ms[row], series.iter().copied().zip(values.iter().copied()))?;
            newest_ms = newest_ms.max(replica.times_ms[row]);
        }
        store.maintain(newest_ms + INTERVAL_MS)?;
    }
    Ok(newest_ms)
}
