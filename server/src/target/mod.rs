//! What is scraped: where its page comes from, what it is called, and how often it is asked.
pub mod authorization;
pub mod failure;
pub mod identity;
pub mod secret;

use crate::replica::tracker::Health;
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::Page;
use crate::sources::huggingface;
use crate::sources::kubernetes::cluster::Cluster;
use crate::target::authorization::Authorization;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use reqwest::Url;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The longest time that a platform can make us wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Something with a metrics page.
#[derive(Debug, PartialEq)]
pub struct Target {
    /// Where the page comes from.
    pub source: Source,
    /// What every series of it is labelled with.
    pub identity: Identity,
    /// How often it is asked.
    pub pace: Pace,
}

/// Where a page comes from.
pub enum Source {
    /// A metrics page at a URL.
    Http(Endpoint),
    /// A hosted platform's metrics page, which others may read here under a name.
    Hosted {
        /// The platform's page.
        endpoint: Endpoint,
        /// The name it has here.
        name: String,
    },
    /// The metrics page of a pod, of which its cluster tells what it is doing.
    Pod {
        /// The page.
        endpoint: Endpoint,
        /// Where its cluster learns what the page tells.
        told: Arc<NamedModel>,
    },
    /// What a Kubernetes cluster tells of its pods.
    Kubernetes(Arc<Cluster>),
    /// The state of a Hugging Face endpoint, as the platform's API tells it.
    HuggingFaceState(Endpoint),
    /// This process: a collector that writes its page as Prometheus text.
    Local(LocalPage),
}

/// The model that a page named.
#[derive(Debug, Default)]
pub struct NamedModel(Mutex<Option<String>>);

impl NamedModel {
    /// The model; none before it was named.
    pub fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the model.
    pub fn set(&self, model: Option<&str>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() != model {
            *known = model.map(str::to_owned);
        }
    }
}

/// What is asked over HTTP.
#[derive(Debug, PartialEq)]
pub struct Endpoint {
    /// The URL; without user name and password.
    pub url: Url,
    /// What to send along.
    pub authorization: Option<Arc<Authorization>>,
}

/// A collector: called on a thread of its own for every scrape.
pub type LocalPage = Arc<dyn Fn() -> String + Send + Sync>;

/// How often a target is asked, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time from scrape to scrape.
    pub interval: Duration,
    /// At most the interval.
    pub timeout: Duration,
}

impl Target {
    /// What no two targets share. May hold a token from the URL's query: not for logs.
    pub fn key(&self) -> &str {
        match &self.source {
            Source::Local(_) => self.identity.job.as_deref().unwrap_or_default(),
            source => source.endpoint().map_or(&*self.identity.instance, |endpoint| endpoint.url.as_str()),
        }
    }

    /// Whether it is a replica whose state is told by looking at it.
    pub fn is_watched(&self) -> bool {
        matches!(self.source, Source::Http(_)) && self.identity.replica.is_some()
    }

    /// What it is called in logs.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Local(_) => self.key().to_owned(),
            source => format!("{source:?}"),
        }
    }
}

impl Source {
    /// What is asked over HTTP, if anything.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Http(endpoint)
            | Self::Hosted { endpoint, .. }
            | Self::Pod { endpoint, .. }
            | Self::HuggingFaceState(endpoint) => Some(endpoint),
            Self::Kubernetes(_) | Self::Local(_) => None,
        }
    }

    /// The name under which others may read the page here.
    pub fn shared_name(&self) -> Option<&str> {
        match self {
            Self::Hosted { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether it belongs to others, who may ask to be left alone for a while.
    fn is_hosted(&self) -> bool {
        matches!(self, Self::Hosted { .. } | Self::HuggingFaceState(_))
    }
}

/// A collector is equal to itself only, and a cluster to one of which the same is asked.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(own), Self::Local(other)) => Arc::ptr_eq(own, other),
            (Self::Kubernetes(own), Self::Kubernetes(other)) => own.spec() == other.spec(),
            _ => {
                std::mem::discriminant(self) == std::mem::discriminant(other)
                    && self.endpoint() == other.endpoint()
                    && self.shared_name() == other.shared_name()
            }
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.endpoint()) {
            // The query is left out, as it may hold a token.
            (_, Some(Endpoint { url, .. })) => write!(f, "{}{}", instance_of(url).unwrap_or_default(), url.path()),
            (Self::Kubernetes(cluster), None) => write!(f, "kubernetes {}", cluster.spec().place()),
            _ => f.write_str("this process"),
        }
    }
}

/// `host:port` of a URL, the port spelt out even where it is the scheme's own.
pub fn instance_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// Reads the pages of one target.
pub(crate) struct Reader {
    client: Client,
    target: Arc<Target>,
    running: Option<JoinHandle<String>>,
    /// Until when a platform wants to be left alone, and what it said.
    pause: Option<(Instant, Failure)>,
    /// Length of the last page that was of use.
    last_bytes: usize,
}

impl Reader {
    pub(crate) fn new(client: Client, target: Arc<Target>) -> Self {
        Self { client, target, running: None, pause: None, last_bytes: 0 }
    }

    /// The page as it is now, within the target's timeout.
    pub(crate) async fn read(&mut self) -> Result<Page, Failure> {
        if let Some((until, failure)) = self.pause
            && Instant::now() < until
        {
            return Err(failure);
        }
        let timeout = self.target.pace.timeout;
        let page = tokio::time::timeout(timeout, self.ask(timeout)).await.unwrap_or(Err(Failure::Timeout));
        self.pause = match page {
            Err(failure @ Failure::Status { retry_after: Some(wait), .. }) if self.target.source.is_hosted() => {
                Some((Instant::now() + wait.min(LONGEST_PAUSE), failure))
            }
            _ => None,
        };
        page
    }

    /// What the target's health endpoint says. Does not depend on a page that is being read.
    pub(crate) fn health(&self) -> impl Future<Output = Health> + use<> {
        let (client, target) = (self.client.clone(), Arc::clone(&self.target));
        async move {
            match target.source.endpoint() {
                Some(endpoint) => client.health(endpoint).await,
                None => Health::Silent,
            }
        }
    }

    /// Takes note of a page that was of use: the next one may be about as long.
    pub(crate) fn approve(&mut self, page: &Page) {
        self.last_bytes = page.body.len();
    }

    async fn ask(&mut self, timeout: Duration) -> Result<Page, Failure> {
        match &self.target.source {
            Source::Http(endpoint) | Source::Hosted { endpoint, .. } | Source::Pod { endpoint, .. } => {
                self.client.page(endpoint, timeout, self.last_bytes).await
            }
            Source::HuggingFaceState(endpoint) => {
                Ok(Page::local(huggingface::state_page(&self.client.json(endpoint, timeout).await?)?))
            }
            Source::Kubernetes(cluster) => Ok(Page::local(cluster.page().await?)),
            Source::Local(write) => {
                // A collector that hangs keeps its one thread; it is not called again before it returned.
                let write = Arc::clone(write);
                let running = self.running.get_or_insert_with(|| tokio::task::spawn_blocking(move || write()));
                let text = running.await;
                self.running = None;
                Ok(Page::local(text.map_err(|_| Failure::Connect)?))
            }
        }
    }
}
