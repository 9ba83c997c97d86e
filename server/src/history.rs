//! Opens the store, maintains it while the companion runs, and closes it at the end.
use crate::clock::now_ms;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tracing::{error, info, warn};
use tsdb::{Limits, LocalFileSystem, OpenError, Options, Store};

/// How often the write-ahead log is written. If the process is killed, what has not been written is lost.
const WRITE_PERIOD: Duration = Duration::from_millis(250);

/// How often other maintenance runs, which may take longer.
const MAINTENANCE_PERIOD: Duration = Duration::from_secs(1);

/// Opens the store in `dir`, or in memory, and logs any damage.
pub(crate) fn open(dir: Option<&Path>, limits: Limits) -> Result<Store, OpenError> {
    let Some(dir) = dir else { return Ok(Store::new(limits)) };
    let options = Options { limits, ..Options::default() };
    let (store, report) = Store::open(dir, options, Arc::new(LocalFileSystem))?;
    for loss in &report.losses {
        warn!(dir = ?dir, "history is damaged: {loss}");
    }
    let stats = store.stats();
    info!(dir = ?dir, series = stats.series, blocks = report.blocks, replayed = report.replayed, "opened the history");
    Ok(store)
}

/// Periodically writes appended samples to the write-ahead log.
pub(crate) async fn write(store: Store) {
    let mut period = tokio::time::interval(WRITE_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let store = store.clone();
        if tokio::task::spawn_blocking(move || store.write()).await.is_err() {
            error!("writing the history panicked");
        }
    }
}

/// Periodically maintains the store.
pub(crate) async fn maintain(store: Store) {
    let mut period = tokio::time::interval(MAINTENANCE_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        period.tick().await;
        let store = store.clone();
        let outcome = tokio::task::spawn_blocking(move || store.maintain(now_ms())).await;
        match outcome {
            Ok(Ok(())) if failed => {
                info!("history is being written again");
                failed = false;
            }
            Ok(Ok(())) => {}
            Ok(Err(reason)) if !failed => {
                error!("history cannot be written and is kept in memory for now: {reason}");
                failed = true;
            }
            Ok(Err(_)) => {}
            Err(_) => error!("maintaining the history panicked"),
        }
    }
}

/// Writes everything to disk.
pub(crate) async fn close(store: Store) {
    match tokio::task::spawn_blocking(move || store.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => error!("the newest history is lost: {reason}"),
        Err(_) => error!("the history could not be closed"),
    }
}
