//! What is scraped: where its page comes from, what it is called, and how often it is asked.
use super::failure::Failure;
use super::fetch::{Authorization, Client};
use super::identity::Identity;
use super::page::Page;
use exposition::Format;
use reqwest::Url;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

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
    /// A URL.
    Http {
        /// The page; without user name and password.
        url: Url,
        /// What to send along.
        authorization: Option<Authorization>,
    },
    /// This process: a collector that writes its page as Prometheus text.
    Local(LocalPage),
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
    /// What it is called in logs.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Http { .. } => format!("{:?}", self.source),
            Source::Local(_) => self.key().to_owned(),
        }
    }

    /// What no two targets share. May hold a token from the URL's query: not for logs.
    pub fn key(&self) -> &str {
        match &self.source {
            Source::Http { url, .. } => url.as_str(),
            Source::Local(_) => self.identity.job.as_deref().unwrap_or_default(),
        }
    }
}

/// A collector is equal to itself only.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Http { url, authorization }, Self::Http { url: other_url, authorization: other_authorization }) => {
                url == other_url && authorization == other_authorization
            }
            (Self::Local(own), Self::Local(other)) => Arc::ptr_eq(own, other),
            _ => false,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The query is left out, as it may hold a token.
            Self::Http { url, .. } => write!(f, "{}{}", instance_of(url).unwrap_or_default(), url.path()),
            Self::Local(_) => f.write_str("this process"),
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
}

impl Reader {
    pub(crate) fn new(client: Client, target: Arc<Target>) -> Self {
        Self { client, target, running: None }
    }

    /// The page as it is now, within the target's timeout.
    pub(crate) async fn read(&mut self) -> Result<Page, Failure> {
        let timeout = self.target.pace.timeout;
        let page = async {
            match &self.target.source {
                Source::Http { url, authorization } => self.client.fetch(url, authorization.as_ref(), timeout).await,
                Source::Local(write) => {
                    // A collector that hangs keeps its one thread; it is not called again before it returned.
                    let write = Arc::clone(write);
                    let running = self.running.get_or_insert_with(|| tokio::task::spawn_blocking(move || write()));
                    let text = running.await;
                    self.running = None;
                    let body = text.map_err(|_| Failure::Connect)?.into();
                    Ok(Page { body, format: Format::Text })
                }
            }
        };
        tokio::time::timeout(timeout, page).await.unwrap_or(Err(Failure::Timeout))
    }
}
