//! Reads one target: its metrics page, its families or its health endpoint.
use crate::replica::tracker::Health;
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::{Answer, MetricsPage};
use crate::target::failure::Failure;
use crate::target::{Source, Target};
use exposition::Family;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The longest pause that a platform can impose.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// Reads one target again and again.
pub(crate) struct Reader {
    client: Client,
    target: Arc<Target>,
    /// A local source that has not returned yet.
    running: Option<JoinHandle<Vec<Family>>>,
    pause: Option<Pause>,
    /// The length of the last valid metrics page.
    last_bytes: usize,
}

/// A time during which a platform must not be requested, and the failure that imposed it.
struct Pause {
    until: Instant,
    failure: Failure,
}

impl Reader {
    pub(crate) fn new(client: Client, target: Arc<Target>) -> Self {
        Self { client, target, running: None, pause: None, last_bytes: 0 }
    }

    /// The target's current answer, within its timeout.
    pub(crate) async fn read(&mut self) -> Result<Answer, Failure> {
        if let Some(Pause { until, failure }) = self.pause
            && Instant::now() < until
        {
            return Err(failure);
        }
        let timeout = self.target.pace.timeout;
        let answer = tokio::time::timeout(timeout, self.request(timeout)).await.unwrap_or(Err(Failure::Timeout));
        self.pause = match answer {
            Err(failure @ Failure::Status { retry_after: Some(wait), .. }) if self.target.source.is_hosted() => {
                Some(Pause { until: Instant::now() + wait.min(MAX_PAUSE), failure })
            }
            _ => None,
        };
        answer
    }

    /// The HTTP client.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The answer of the target's health endpoint. It can be requested while the target is being read.
    pub(crate) fn health(&self) -> impl Future<Output = Health> + use<> {
        let (client, target) = (self.client.clone(), Arc::clone(&self.target));
        async move {
            match target.source.endpoint() {
                Some(endpoint) => client.health(endpoint).await,
                None => Health::Silent,
            }
        }
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
                let running = self.running.get_or_insert_with(|| tokio::task::spawn_blocking(move || source()));
                let families = running.await;
                self.running = None;
                families.map(Answer::Families).map_err(|_| Failure::Connect)
            }
        }
    }
}
