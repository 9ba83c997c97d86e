//! Into our store, in this process, scrape by scrape as the companion does.
use crate::{Chunk, DAY_MS, History, INTERVAL_MS, SERIES};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tsdb::{DiskFiles, Group, Limits, Options, SeriesRef, Store};

/// The samples, how long appending and maintenance took, and what is on disk.
pub(crate) fn take(history: History, folder: &Path) -> anyhow::Result<String> {
    let store = open(folder)?;
    let (mut targets, mut took, mut end_ms) = (Vec::new(), Duration::ZERO, 0);
    for chunk in history {
        if targets.is_empty() {
            targets = register(&store, &chunk)?;
        }
        let began = Instant::now();
        end_ms = append(&store, &mut targets, &chunk)?;
        took += began.elapsed();
    }
    let began = Instant::now();
    store.close()?;
    took += began.elapsed();
    let appended = store.stats().appended;
    drop((targets, store));
    // The rest of the merging, as the others have theirs behind them too before they are asked.
    let store = open(folder)?;
    store.maintain(end_ms + DAY_MS)?;
    let stats = store.stats();
    Ok(format!(
        r#"{{"samples":{},"seconds":{:.3},"blockBytes":{},"blockSamples":{}}}"#,
        appended,
        took.as_secs_f64(),
        stats.block_bytes,
        stats.block_samples
    ))
}

fn open(folder: &Path) -> anyhow::Result<Store> {
    let limits = Limits { retention_ms: i64::MAX, size_bytes: usize::MAX, ..Options::default().limits };
    Ok(Store::open(folder, Options { limits, ..Options::default() }, Arc::new(DiskFiles))?.0)
}

type Target = (Group, Vec<SeriesRef>);

fn register(store: &Store, chunk: &Chunk) -> anyhow::Result<Vec<Target>> {
    let target = |part: &crate::Part| {
        let mut group = store.group();
        let series = part.labels.iter().map(|labels| group.register(labels)).collect::<Result<Vec<_>, _>>()?;
        Ok((group, series))
    };
    chunk.replicas.iter().map(target).collect()
}

fn append(store: &Store, targets: &mut [Target], chunk: &Chunk) -> anyhow::Result<i64> {
    let rows = chunk.replicas.first().map_or(0, |part| part.times_ms.len());
    let (mut values, mut newest_ms) = (Vec::with_capacity(SERIES), 0);
    for row in 0..rows {
        for (part, (group, series)) in chunk.replicas.iter().zip(targets.iter_mut()) {
            values.clear();
            values.extend(part.columns.iter().map(|column| column[row]));
            group.append(part.times_ms[row], series.iter().copied().zip(values.iter().copied()))?;
            newest_ms = newest_ms.max(part.times_ms[row]);
        }
        store.maintain(newest_ms + INTERVAL_MS)?;
    }
    Ok(newest_ms)
}
