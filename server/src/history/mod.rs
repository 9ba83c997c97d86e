//! Opens the store, maintains it while the companion runs, and closes it at the end.
//!
//! The store has two threads of its own, so that nothing else that hangs keeps samples from the disk.
pub(crate) mod noted;
pub(crate) mod watched_files;

use crate::clock::{now_ms, retention_now_ms};
use crate::config::permissions::is_open_to_others;
use crate::history::watched_files::WatchedFiles;
use crate::threads::stop_signal::StopSignal;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::{error, info, warn};
use tsdb::{Limits, OpenError, Options, Store, WriteError};

/// How often the write-ahead log is written. If the process is killed, what has not been written is lost.
const WRITE_PERIOD: Duration = Duration::from_millis(250);

/// How often other maintenance runs, which may take longer.
const MAINTENANCE_PERIOD: Duration = Duration::from_secs(1);

/// Opens the store in `dir`, or in memory, and logs any damage. Returns its files too, if it has some.
pub(crate) fn open(dir: Option<&Path>, limits: Limits) -> Result<(Store, Option<WatchedFiles>), OpenError> {
    let Some(dir) = dir else { return Ok((Store::new(limits), None)) };
    if is_open_to_others(dir) {
        warn!(dir = ?dir, "others than its owner can enter the folder of the history; run chmod 700 on it");
    }
    let options = Options { limits, ..Options::default() };
    let files = WatchedFiles::new(dir);
    let (store, report) = Store::open(dir, options, Arc::new(files.clone()))?;
    for loss in &report.losses {
        warn!(dir = ?dir, "history is damaged: {loss}");
    }
    let stats = store.stats();
    info!(dir = ?dir, series = stats.series, blocks = report.blocks, replayed = report.replayed, "opened the history");
    Ok((store, Some(files)))
}

/// The threads that write a store to disk. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct HistoryThreads {
    stop: Arc<StopSignal>,
    written: oneshot::Receiver<()>,
    closed: oneshot::Receiver<Result<(), WriteError>>,
}

impl HistoryThreads {
    /// Starts to write `store` to its `files`.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub(crate) fn start(store: &Store, files: Option<WatchedFiles>) -> io::Result<Self> {
        let stop = Arc::<StopSignal>::default();
        let ((send_written, written), (send_closed, closed)) = (oneshot::channel(), oneshot::channel());
        let (log, own_stop) = (store.clone(), Arc::clone(&stop));
        spawn("history log", move || {
            write(&log, &own_stop);
            let _ = send_written.send(());
        })?;
        let (store, own_stop) = (store.clone(), Arc::clone(&stop));
        spawn("history", move || {
            maintain(&store, files.as_ref(), &own_stop);
            let _ = send_closed.send(store.close());
        })?;
        Ok(Self { stop, written, closed })
    }

    /// Writes everything to disk, as far as that is done within `limit`: the log at least, and then what is synced.
    pub(crate) async fn close(mut self, limit: Duration) {
        self.stop.set();
        let (closed, written) = (&mut self.closed, &mut self.written);
        let both = async { tokio::join!(written, closed) };
        match tokio::time::timeout(limit, both).await {
            Ok((Ok(()), Ok(Ok(())))) => {}
            Ok((_, Ok(Err(reason)))) => error!("the newest history is lost: {reason}"),
            Ok(_) => error!("the history could not be closed"),
            Err(_) if self.written.try_recv().is_ok() => {
                warn!(
                    "the disk is slow: the history was written, but not synced, so a power failure could lose the newest"
                );
            }
            Err(_) => error!("the disk does not answer: the newest history is lost"),
        }
    }
}

impl Drop for HistoryThreads {
    fn drop(&mut self) {
        self.stop.set();
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.into()).spawn(work).map(drop)
}

/// Periodically writes appended samples to the write-ahead log, and once more at the end.
fn write(store: &Store, stop: &StopSignal) {
    loop {
        let is_last = stop.wait(WRITE_PERIOD);
        if catch_unwind(AssertUnwindSafe(|| store.write())).is_err() {
            error!("writing the history panicked");
        }
        if is_last {
            return;
        }
    }
}

/// Periodically maintains the store.
fn maintain(store: &Store, files: Option<&WatchedFiles>, stop: &StopSignal) {
    let (mut failed, mut lost) = (false, Damage::of(store));
    while !stop.wait(MAINTENANCE_PERIOD) {
        if let Some(files) = files {
            files.check();
        }
        match catch_unwind(AssertUnwindSafe(|| {
            store.maintain_keeping(now_ms(), retention_now_ms(|| store.newest_ms()))
        })) {
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
        let found = Damage::of(store);
        if found != lost {
            warn!(places = found.places, samples = found.samples, "history is damaged: these samples are left out");
            lost = found;
        }
    }
}

/// The damage that was found since the start.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Damage {
    places: u64,
    samples: u64,
}

impl Damage {
    fn of(store: &Store) -> Self {
        let stats = store.stats();
        Self { places: stats.damaged, samples: stats.lost_samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::Labels;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;
    use tsdb::{FileLock, FileReader, FileSystem, FileWriter, LocalFileSystem};

    /// This machine's files, where syncing never ends once `hangs` is set.
    #[derive(Debug, Default)]
    struct HangingDisk {
        hangs: Arc<AtomicBool>,
    }

    #[derive(Debug)]
    struct HangingFile {
        file: Box<dyn FileWriter>,
        hangs: Arc<AtomicBool>,
    }

    impl FileWriter for HangingFile {
        fn write(&self, bytes: &[u8]) -> io::Result<()> {
            self.file.write(bytes)
        }

        fn sync(&self) -> io::Result<()> {
            while self.hangs.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            self.file.sync()
        }
    }

    impl FileSystem for HangingDisk {
        fn create_dir(&self, dir: &Path) -> io::Result<()> {
            LocalFileSystem.create_dir(dir)
        }

        fn lock(&self, path: &Path) -> io::Result<Box<dyn FileLock>> {
            LocalFileSystem.lock(path)
        }

        fn file_names(&self, dir: &Path) -> io::Result<Vec<String>> {
            LocalFileSystem.file_names(dir)
        }

        fn create(&self, path: &Path) -> io::Result<Box<dyn FileWriter>> {
            Ok(Box::new(HangingFile { file: LocalFileSystem.create(path)?, hangs: Arc::clone(&self.hangs) }))
        }

        fn open(&self, path: &Path) -> io::Result<Arc<dyn FileReader>> {
            LocalFileSystem.open(path)
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            LocalFileSystem.rename(from, to)
        }

        fn remove(&self, path: &Path) -> io::Result<()> {
            LocalFileSystem.remove(path)
        }

        fn sync_dir(&self, dir: &Path) -> io::Result<()> {
            LocalFileSystem.sync_dir(dir)
        }
    }

    /// A copy of the folder, as a process finds it that starts after this one was killed.
    fn copy(folder: &Path) -> tempfile::TempDir {
        let copy = tempfile::tempdir().expect("a folder");
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path: PathBuf = entry.expect("a file").path();
            std::fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("a copy");
        }
        copy
    }

    #[tokio::test]
    async fn a_disk_that_hangs_delays_the_end_only_a_little_and_the_log_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = HangingDisk::default();
        let hangs = Arc::clone(&disk.hangs);
        let options = Options { sync_every: Duration::ZERO, ..Options::default() };
        let (store, _) = Store::open(folder.path(), options, Arc::new(disk)).expect("a store");
        let history = HistoryThreads::start(&store, None).expect("threads");
        let mut group = store.group();
        let series = group.register(&Labels::from_pairs([("__name__", "a")])).expect("room");
        hangs.store(true, Ordering::Relaxed);
        group.append(now_ms(), [(series, 1.0)]).expect("order");
        // Until maintenance hangs.
        tokio::time::sleep(MAINTENANCE_PERIOD * 2).await;
        group.append(now_ms(), [(series, 2.0)]).expect("order");
        let (limit, began) = (Duration::from_millis(500), Instant::now());
        history.close(limit).await;
        assert!(began.elapsed() < limit * 4, "{:?}", began.elapsed());
        let copy = copy(folder.path());
        let (_, report) = Store::open(copy.path(), Options::default(), Arc::new(LocalFileSystem)).expect("a store");
        assert_eq!(report.replayed, 2);
        hangs.store(false, Ordering::Relaxed);
    }
}
