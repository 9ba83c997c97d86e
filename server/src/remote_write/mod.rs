//! Remote write: sends every stored sample to other servers too, in the protocol of Prometheus.
//!
//! The store passes its rows to a queue on disk or in memory, and each receiver has a sender that reads it. What a receiver
//! does holds up neither scrapes nor other receivers.
mod backoff;
pub(crate) mod counters;
mod encode;
pub(crate) mod families;
mod protobuf;
mod queue_thread;
mod request;
mod sender;
mod series;
pub mod settings;
mod shards;
mod troubles;

use crate::remote_write::counters::{Counters, Receivers};
use crate::remote_write::queue_thread::QueueThread;
use crate::remote_write::sender::Sender;
use crate::remote_write::settings::RemoteWriteSettings;
use crate::remote_write::troubles::Troubles;
use crate::scrape::fetch::Client;
use crate::scrape::metadata::Metadata;
use crate::threads::Threads;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};
use tsdb::{LocalFileSystem, Queue, QueueError, QueueReader, ReaderOptions, Store};

/// The folder of the queue, in the data directory.
const FOLDER: &str = "remote-write";

/// The queue of all receivers, which has been opened and does not send yet.
#[derive(Debug)]
pub(crate) struct RemoteWrite {
    queue: Arc<Queue>,
    receivers: Vec<(RemoteWriteSettings, QueueReader)>,
}

/// The running senders.
#[derive(Debug)]
pub(crate) struct Senders {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    thread: QueueThread,
}

impl RemoteWrite {
    /// Opens the queue in the data directory, or in memory, and has `store` pass on what is appended from now on. None
    /// without receivers.
    ///
    /// # Errors
    /// If the folder of the queue cannot be used.
    pub(crate) fn open(
        settings: Vec<RemoteWriteSettings>,
        data_dir: Option<&Path>,
        store: &Store,
    ) -> Result<Option<Self>, QueueError> {
        if settings.is_empty() {
            return Ok(None);
        }
        let options = |settings: &RemoteWriteSettings| ReaderOptions {
            name: settings.name.clone(),
            max_bytes: settings.queue.max_bytes,
        };
        let options: Vec<ReaderOptions> = settings.iter().map(options).collect();
        let (queue, readers) = match data_dir {
            Some(dir) => Queue::open(&dir.join(FOLDER), Arc::new(LocalFileSystem), &options)?,
            None => Queue::in_memory(&options)?,
        };
        if queue.unreadable_files() > 0 {
            let files = queue.unreadable_files();
            warn!(files, "files of the queue of remote write cannot be read; their samples are not sent");
        }
        store.attach_queue(Arc::clone(&queue));
        Ok(Some(Self { queue, receivers: settings.into_iter().zip(readers).collect() }))
    }

    /// Sends to all receivers, which are counted in `known`. `metadata` describes the families.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub(crate) fn start(self, client: &Client, metadata: &Arc<Metadata>, known: &Receivers) -> io::Result<Senders> {
        let (stop, stopped) = watch::channel(false);
        let (mut tasks, mut watched) = (JoinSet::new(), Vec::new());
        for (index, (settings, reader)) in self.receivers.into_iter().enumerate() {
            let counters = Arc::<Counters>::default();
            known.add(&settings.name, Arc::clone(&counters), Arc::clone(&self.queue), index);
            let troubles = Arc::new(Troubles::new(&settings.name));
            let written = Arc::<Notify>::default();
            let max_bytes = settings.queue.max_bytes;
            info!(receiver = ?settings.name, waiting = reader.stats().pending, "samples are sent to a receiver");
            watched.push(queue_thread::Watched::new(Arc::clone(&written), Arc::clone(&troubles), max_bytes));
            let sender = Sender {
                settings,
                client: client.clone(),
                metadata: Arc::clone(metadata),
                counters,
                troubles,
                written,
                stop: stopped.clone(),
                threads: Threads::new("remote write", 1),
            };
            tasks.spawn(sender.run(reader));
        }
        let thread = QueueThread::start(self.queue, watched)?;
        Ok(Senders { stop, tasks, thread })
    }
}

impl Senders {
    /// Ends after the requests that are under way, as far as they end within `limit`. What is left in a queue on disk is
    /// sent after the next start.
    pub(crate) async fn stop(mut self, limit: Duration) {
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, ended).await.is_err() {
            warn!("some samples were being sent; they may be sent again");
        }
        self.tasks.abort_all();
        self.thread.stop(limit).await;
    }
}
