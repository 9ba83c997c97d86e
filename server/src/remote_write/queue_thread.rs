//! The thread that writes the queue to disk. It has no other work, so that a disk that hangs holds up nothing else.
use crate::remote_write::troubles::Troubles;
use crate::threads::stop_signal::StopSignal;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tracing::{error, info, warn};
use tsdb::Queue;

/// How often the queue is written. If the process is killed, what has not been written is not sent.
const WRITE_PERIOD: Duration = Duration::from_millis(250);

/// How often it is synced. A power failure may lose what has not been.
const SYNC_PERIOD: Duration = Duration::from_secs(5);

/// A receiver that is notified of what was written.
#[derive(Debug)]
pub(super) struct Watched {
    written: Arc<Notify>,
    troubles: Arc<Troubles>,
    max_bytes: u64,
    /// How many of its samples were dropped so far.
    dropped: u64,
}

impl Watched {
    pub(super) fn new(written: Arc<Notify>, troubles: Arc<Troubles>, max_bytes: u64) -> Self {
        Self { written, troubles, max_bytes, dropped: 0 }
    }
}

/// The running thread.
#[derive(Debug)]
pub(super) struct QueueThread {
    stop: Arc<StopSignal>,
    ended: oneshot::Receiver<()>,
}

impl QueueThread {
    /// Starts to write `queue`.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub(super) fn start(queue: Arc<Queue>, watched: Vec<Watched>) -> io::Result<Self> {
        let stop = Arc::<StopSignal>::default();
        let (send, ended) = oneshot::channel();
        let own_stop = Arc::clone(&stop);
        let work = move || {
            write(&queue, watched, &own_stop);
            drop(queue);
            let _ = send.send(());
        };
        std::thread::Builder::new().name("queue".into()).spawn(work)?;
        Ok(Self { stop, ended })
    }

    /// Writes what is left, as far as that is done within `limit`.
    pub(super) async fn stop(mut self, limit: Duration) {
        self.stop.set();
        if tokio::time::timeout(limit, &mut self.ended).await.is_err() {
            warn!("the disk does not answer: the newest samples of the queue may not be sent");
        }
    }
}

impl Drop for QueueThread {
    fn drop(&mut self) {
        self.stop.set();
    }
}

fn write(queue: &Queue, mut watched: Vec<Watched>, stop: &StopSignal) {
    let (mut is_failing, mut synced) = (false, Instant::now());
    loop {
        let is_last = stop.wait(WRITE_PERIOD);
        let is_sync_due = synced.elapsed() >= SYNC_PERIOD || is_last;
        let result = if is_sync_due { queue.sync() } else { queue.write().map(drop) };
        if is_sync_due {
            synced = Instant::now();
        }
        match &result {
            Ok(()) if is_failing => info!("the queue of remote write is written again"),
            Err(reason) if !is_failing => {
                error!(
                    "the queue of remote write cannot be written, so samples are not sent: {reason}; check the disk"
                );
            }
            Ok(()) | Err(_) => {}
        }
        is_failing = result.is_err();
        for (index, receiver) in watched.iter_mut().enumerate() {
            let dropped = queue.stats(index).dropped;
            if dropped > receiver.dropped && !is_failing {
                receiver.troubles.dropped(receiver.max_bytes);
            }
            receiver.dropped = dropped;
            receiver.written.notify_one();
        }
        if is_last {
            return;
        }
    }
}
