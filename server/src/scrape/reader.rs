//! Reads one target: its metrics page or its families.
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::target::failure::Failure;
use crate::target::secret::Secret;
use crate::target::{Source, Target};
use crate::threads::{RunningJob, Threads};
use exposition::Family;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The longest pause that a platform can impose.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// The longest pause after credentials were rejected: a server may count each request as a failed one.
const MAX_UNAUTHORIZED_PAUSE: Duration = Duration::from_secs(60);

/// Reads one target again and again.
pub(crate) struct Reader {
    client: Client,
    target: Arc<Target>,
    /// The thread of a local source.
    thread: Threads,
    /// A local source that has not returned yet.
    running: Option<RunningJob<Vec<Family>>>,
    pause: Option<Pause>,
    /// The length of the last valid metrics page.
    last_bytes: usize,
}

/// A time during which a target must not be requested, and the failure that imposed it.
struct Pause {
    until: Instant,
    failure: Failure,
    length: Duration,
    /// The secrets that were rejected, if any were; others end the pause.
    rejected: Vec<Secret>,
}

impl Reader {
    pub(crate) fn new(client: Client, target: Arc<Target>) -> Self {
        Self { client, target, thread: Threads::new("collector", 1), running: None, pause: None, last_bytes: 0 }
    }

    /// The target's current answer, within its timeout.
    pub(crate) async fn read(&mut self) -> Result<Answer, Failure> {
        if let Some(failure) = self.paused().await {
            return Err(failure);
        }
        let timeout = self.target.pace.timeout;
        let answer = tokio::time::timeout(timeout, self.request(timeout)).await.unwrap_or(Err(Failure::Timeout));
        self.pause = answer.as_ref().err().and_then(|failure| self.pause_after(*failure));
        answer
    }

    /// The HTTP client.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The failure that imposed the present pause, if there is one.
    async fn paused(&self) -> Option<Failure> {
        let pause = self.pause.as_ref().filter(|pause| Instant::now() < pause.until)?;
        if !pause.rejected.is_empty() && self.target.source.endpoint()?.access.current_secrets().await != pause.rejected
        {
            return None;
        }
        Some(pause.failure)
    }

    /// The pause that a failure imposes, if any. If the target goes on rejecting the credentials, the pauses double.
    fn pause_after(&self, failure: Failure) -> Option<Pause> {
        let imposed = |length| Pause { until: Instant::now() + length, failure, length, rejected: Vec::new() };
        match failure {
            Failure::Status { retry_after: Some(wait), .. } if self.target.source.is_hosted() => {
                Some(imposed(wait.min(MAX_PAUSE)))
            }
            _ if failure.is_unauthorized() => {
                let interval = self.target.pace.interval;
                let last = self.pause.as_ref().filter(|pause| pause.failure.is_unauthorized());
                let length = last.map_or(interval, |pause| pause.length).saturating_mul(2).min(MAX_UNAUTHORIZED_PAUSE);
                let rejected = self.target.source.endpoint()?.access.last_secrets();
                // Half an interval less, so that the scrape that is due by then is not missed.
                let until = Instant::now() + length.saturating_sub(interval / 2);
                Some(Pause { until, failure, length, rejected })
            }
            _ => None,
        }
    }

    /// Requests nothing of the target for some time, and says why in its place.
    pub(crate) fn pause(&mut self, length: Duration, failure: Failure) {
        self.pause = Some(Pause { until: Instant::now() + length, failure, length, rejected: Vec::new() });
    }

    /// Whether the target has served a valid metrics page.
    pub(crate) fn has_page(&self) -> bool {
        self.last_bytes > 0
    }

    /// Notes a valid page: the next one is probably about as long.
    pub(crate) fn record_length(&mut self, page: &MetricsPage) {
        self.last_bytes = page.body.len();
    }

    async fn request(&mut self, timeout: Duration) -> Result<Answer, Failure> {
        match &self.target.source {
            Source::Http(endpoint) | Source::Hosted { endpoint, .. } | Source::Pod { endpoint, .. } => {
                self.client.metrics_page(endpoint, timeout, self.last_bytes).await.map(Answer::Page)
            }
            Source::Api { endpoint, families } => {
                families(&self.client.json(endpoint, timeout).await?).map(Answer::Families)
            }
            Source::Cluster(source) => source.families().await.map(Answer::Families),
            Source::Local(source) => {
                // A source that hangs occupies one thread: it is not called again before it returns.
                let source = Arc::clone(source);
                let running = self.running.get_or_insert_with(|| self.thread.run(move || source()));
                let families = running.await;
                self.running = None;
                families.map(Answer::Families).map_err(|_| Failure::Broken)
            }
        }
    }
}
