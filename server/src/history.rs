//! The store as the server keeps it: opened, looked after a few times a second, and closed at the end.
use crate::clock::now_ms;
use crate::config::Settings;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tracing::{error, info, warn};
use tsdb::{LocalFileSystem, OpenError, Options, Store};

/// How often the log is written: well within any scrape interval, as a kill loses what is not written.
const WRITE_PERIOD: Duration = Duration::from_millis(250);

/// How often what else is due is done, which may take its time.
const PERIOD: Duration = Duration::from_secs(1);

/// The store that `settings` ask for, with a line in the log for each damage that was found.
pub(crate) fn open(settings: &Settings) -> Result<Store, OpenError> {
    let Some(dir) = &settings.data_dir else { return Ok(Store::new(settings.limits)) };
    let options = Options { limits: settings.limits, ..Options::default() };
    let (store, report) = Store::open(dir, options, Arc::new(LocalFileSystem))?;
    for loss in &report.losses {
        warn!(dir = ?dir, "history is damaged: {loss}");
    }
    let stats = store.stats();
    info!(dir = ?dir, series = stats.series, blocks = report.blocks, replayed = report.replayed, "opened the history");
    Ok(store)
}

/// Hands what was appended to the system, for ever.
pub(crate) async fn write(store: Store) {
    let mut period = tokio::time::interval(WRITE_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let store = store.clone();
        if tokio::task::spawn_blocking(move || store.write()).await.is_err() {
            error!("writing the history failed");
        }
    }
}

/// Looks after `store` for ever.
pub(crate) async fn maintain(store: Store) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        period.tick().await;
        let store = store.clone();
        let outcome = tokio::task::spawn_blocking(move || store.maintain(now_ms())).await;
        match outcome {
            Ok(Ok(())) if failed => {
                info!("history is written again");
                failed = false;
            }
            Ok(Ok(())) => {}
            Ok(Err(reason)) if !failed => {
                error!("history cannot be written, and stays in memory until it can: {reason}");
                failed = true;
            }
            Ok(Err(_)) => {}
            Err(_) => error!("looking after the history failed"),
        }
    }
}

/// Makes everything last.
pub(crate) async fn close(store: Store) {
    match tokio::task::spawn_blocking(move || store.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => error!("the newest history is lost: {reason}"),
        Err(_) => error!("the history could not be closed"),
    }
}
