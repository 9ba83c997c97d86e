//! Sends the samples of a queue to one receiver, round after round: what is read is sent whole before more is read.
use crate::remote_write::backoff::Backoff;
use crate::remote_write::counters::Counters;
use crate::remote_write::encode::{EncodedRequest, encode_metadata, encode_samples};
use crate::remote_write::request::{Outcome, send};
use crate::remote_write::settings::{MessageVersion, RemoteWriteSettings};
use crate::remote_write::shards::{next_count, split};
use crate::remote_write::troubles::Troubles;
use crate::scrape::fetch::Client;
use crate::scrape::metadata::Metadata;
use crate::threads::{JobLost, Threads};
use futures::future::join_all;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::error;
use tsdb::{QueueBatch, QueueReader, QueueSample};

/// The pause after a failure of the disk.
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// How often the metadata of all families is sent in messages that have none with their series, as Prometheus does. It is
/// sent at once when there are new families.
const METADATA_PERIOD: Duration = Duration::from_secs(60);

/// How many families are sent.
const MAX_FAMILIES: usize = 20_000;

/// Sends to one receiver.
pub(super) struct Sender {
    pub(super) settings: RemoteWriteSettings,
    pub(super) client: Client,
    pub(super) metadata: Arc<Metadata>,
    pub(super) counters: Arc<Counters>,
    pub(super) troubles: Arc<Troubles>,
    /// Notified when there may be more to read.
    pub(super) written: Arc<Notify>,
    /// Becomes true when the companion ends.
    pub(super) stop: watch::Receiver<bool>,
    /// For what may wait for the disk.
    pub(super) threads: Threads,
}

/// The companion ends.
struct Stopped;

/// Whether there is more to read at once than was read.
struct Round {
    has_more: bool,
    is_empty: bool,
}

impl Sender {
    /// Sends what `reader` reads until the companion ends. What is under way then is sent again after the next start.
    pub(super) async fn run(self, mut reader: QueueReader) {
        let (mut shards, mut metadata_due, mut families) = (1, Instant::now(), 0);
        let mut has_more = false;
        loop {
            self.counters.shards.store(shards as u64, Relaxed);
            if *self.stop.borrow() || !has_more && self.wait(&reader).await.is_err() {
                return;
            }
            let (returned, round) = match self.round(reader, shards).await {
                Ok(Some(round)) => round,
                Ok(None) => return,
                Err(JobLost) => return error!(receiver = ?self.settings.name, "reading the queue panicked"),
            };
            reader = returned;
            has_more = round.has_more;
            shards = next_count(shards, has_more, self.settings.queue.max_shards);
            let (is_due, known) = (Instant::now() >= metadata_due, self.metadata.count());
            if self.settings.message == MessageVersion::V1 && !round.is_empty && (is_due || known != families) {
                self.send_metadata().await;
                (metadata_due, families) = (Instant::now() + METADATA_PERIOD, known);
            }
        }
    }

    /// Waits until a request is full, or until some samples have waited for long enough.
    async fn wait(&self, reader: &QueueReader) -> Result<(), Stopped> {
        let queue = self.settings.queue;
        let mut stop = self.stop.clone();
        let mut deadline = None;
        loop {
            let pending = reader.stats().pending;
            if *stop.borrow() {
                return Err(Stopped);
            }
            if pending > 0 {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + queue.batch_send_deadline);
                if pending >= queue.max_samples_per_send as u64 || Instant::now() >= deadline {
                    return Ok(());
                }
            }
            let due = deadline.unwrap_or_else(|| Instant::now() + METADATA_PERIOD);
            tokio::select! {
                () = self.written.notified() => {}
                () = sleep_until(due) => {}
                changed = stop.changed() => if changed.is_err() { return Err(Stopped) },
            }
        }
    }

    /// Reads, sends and commits. `None` if the companion ends.
    async fn round(&self, reader: QueueReader, shards: usize) -> Result<Option<(QueueReader, Round)>, JobLost> {
        let max_samples = shards * self.settings.queue.max_samples_per_send;
        let (reader, read) = self.with_reader(reader, move |reader| reader.read(max_samples)).await?;
        let QueueBatch { samples, lost, has_more } = match read {
            Ok(batch) => batch,
            Err(error) => {
                self.troubles.failed(&format!("the queue cannot be read: {error}; check the disk"));
                sleep(DISK_PAUSE).await;
                return Ok(Some((reader, Round { has_more: false, is_empty: true })));
            }
        };
        if lost > 0 {
            self.troubles.lost(lost);
        }
        let is_empty = samples.is_empty();
        let parts = split(samples, shards);
        let sent = join_all(parts.iter().map(|part| self.deliver_all(part))).await;
        if sent.iter().any(Result::is_err) {
            return Ok(None);
        }
        let (reader, committed) = self.with_reader(reader, QueueReader::commit).await?;
        self.troubles.noted(committed);
        Ok(Some((reader, Round { has_more, is_empty })))
    }

    /// Runs `work`, which may wait for the disk.
    async fn with_reader<T: Send + 'static>(
        &self,
        mut reader: QueueReader,
        work: impl FnOnce(&mut QueueReader) -> io::Result<T> + Send + 'static,
    ) -> Result<(QueueReader, io::Result<T>), JobLost> {
        self.threads
            .run(move || {
                let done = work(&mut reader);
                (reader, done)
            })
            .await
    }

    /// Sends the samples of one shard, one request after the other.
    async fn deliver_all(&self, samples: &[QueueSample]) -> Result<(), Stopped> {
        for part in samples.chunks(self.settings.queue.max_samples_per_send) {
            let settings = &self.settings;
            match encode_samples(settings.message, part, &settings.external_labels, &self.metadata) {
                Some(request) => self.deliver(&request).await?,
                None => self.lose(part.len() as u64, "the request is too long; lower max_samples_per_send"),
            }
        }
        Ok(())
    }

    /// Sends a request until it is accepted or refused.
    async fn deliver(&self, request: &EncodedRequest) -> Result<(), Stopped> {
        let queue = self.settings.queue;
        let mut backoff = Backoff::new(queue.min_backoff, queue.max_backoff);
        let mut stop = self.stop.clone();
        loop {
            match send(&self.client, &self.settings, request.body.clone()).await {
                Outcome::Accepted { written } => {
                    self.troubles.accepted();
                    self.note_accepted(request, written);
                    return Ok(());
                }
                Outcome::Refused { reason, written } => {
                    self.troubles.accepted();
                    let written = written.min(request.samples);
                    self.counters.add_sent(written, request.body.len(), request.newest_ms);
                    self.lose(request.samples - written, &reason);
                    return Ok(());
                }
                Outcome::Retry { reason, after } => {
                    self.troubles.failed(&reason);
                    self.counters.retried.fetch_add(request.samples, Relaxed);
                    tokio::select! {
                        () = sleep(backoff.pause(after)) => {}
                        _ = stop.wait_for(|is_set| *is_set) => return Err(Stopped),
                    }
                }
            }
        }
    }

    fn note_accepted(&self, request: &EncodedRequest, written: Option<u64>) {
        if written.is_none() && self.settings.message == MessageVersion::V2 {
            self.troubles.silent();
        }
        let written = written.unwrap_or(request.samples).min(request.samples);
        self.counters.add_sent(written, request.body.len(), request.newest_ms);
        if written < request.samples {
            self.lose(request.samples - written, "it says that it has written fewer than were sent");
        }
    }

    /// Counts samples that the receiver will never have.
    fn lose(&self, samples: u64, reason: &str) {
        self.counters.failed.fetch_add(samples, Relaxed);
        self.troubles.refused(samples, reason);
    }

    /// Sends the metadata of all families. If that fails it is due again later, as nothing but texts depends on it.
    async fn send_metadata(&self) {
        let families = self.metadata.families(None, MAX_FAMILIES);
        for part in families.chunks(self.settings.queue.max_samples_per_send) {
            let Some(body) = encode_metadata(part) else { return };
            if !matches!(send(&self.client, &self.settings, body).await, Outcome::Accepted { .. }) {
                return;
            }
        }
    }
}
