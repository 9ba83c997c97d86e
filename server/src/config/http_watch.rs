//! Requests the lists of `[[http_sd]]` again and again. While one does not answer as it should, its last good answer holds.
use crate::config::http_sd::HttpList;
use crate::scrape::fetch::Client;
use crate::target::Target;
use crate::target::failure::Failure;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::{info, warn};

/// How often a list is requested that has never answered as it should, if that is more often than otherwise.
const MAX_FIRST_WAIT: Duration = Duration::from_secs(5);

/// The lists that are requested.
#[derive(Debug)]
pub(crate) struct Lists {
    client: Client,
    running: Vec<RunningList>,
    /// Notified when the targets of a list change.
    changed: Arc<Notify>,
}

/// A list that is requested until this is dropped.
#[derive(Debug)]
struct RunningList {
    list: Arc<HttpList>,
    targets: Arc<Mutex<Vec<Arc<Target>>>>,
    task: JoinHandle<()>,
}

impl Drop for RunningList {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Lists {
    /// No lists.
    pub(crate) fn new(client: Client) -> Self {
        Self { client, running: Vec::new(), changed: Arc::default() }
    }

    /// Requests `lists` and no others. One that was requested before in the same way keeps its targets.
    pub(crate) fn watch(&mut self, lists: &[Arc<HttpList>]) {
        let mut previous = std::mem::take(&mut self.running);
        for list in lists {
            let running = match previous.iter().position(|running| running.list == *list) {
                Some(at) => previous.swap_remove(at),
                None => self.start(list),
            };
            self.running.push(running);
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits until the targets of a list change.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The targets of all lists, each with where it comes from.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (String, Arc<Target>)> {
        self.running.iter().flat_map(|running| {
            let from = running.list.name();
            let targets = running.targets.lock().clone();
            targets.into_iter().map(move |target| (from.clone(), target))
        })
    }

    fn start(&self, list: &Arc<HttpList>) -> RunningList {
        let (list, targets) = (Arc::clone(list), Arc::<Mutex<Vec<_>>>::default());
        let request = request(self.client.clone(), Arc::clone(&list), Arc::clone(&targets), Arc::clone(&self.changed));
        RunningList { list, targets, task: tokio::spawn(request) }
    }
}

/// Requests a list without end. What goes wrong is logged once until it is right again.
async fn request(client: Client, list: Arc<HttpList>, targets: Arc<Mutex<Vec<Arc<Target>>>>, changed: Arc<Notify>) {
    let (mut has_answered, mut last_error) = (false, None);
    loop {
        match answer(&client, &list).await {
            Ok(new) => {
                if !has_answered || last_error.take().is_some() {
                    info!(list = ?list.name(), targets = new.len(), "loaded targets");
                }
                has_answered = true;
                let mut targets = targets.lock();
                let is_same = targets.len() == new.len() && targets.iter().zip(&new).all(|(own, new)| **own == *new);
                if !is_same {
                    *targets = new.into_iter().map(Arc::new).collect();
                    changed.notify_one();
                }
            }
            Err(error) => {
                if last_error.as_ref() != Some(&error) {
                    warn!(list = ?list.name(), "cannot load the list of targets, keeping its previous ones: {error}");
                }
                last_error = Some(error);
            }
        }
        let wait = if has_answered { list.interval } else { list.interval.min(MAX_FIRST_WAIT) };
        tokio::time::sleep(wait).await;
    }
}

/// The targets of a list as it is served now, or what is wrong with it.
async fn answer(client: &Client, list: &HttpList) -> Result<Vec<Target>, String> {
    let body = tokio::time::timeout(list.timeout, client.json(&list.endpoint, list.timeout)).await;
    let body = body.unwrap_or(Err(Failure::Timeout)).map_err(|failure| match failure {
        Failure::BodyLimit => format!("it is longer than {} MiB", list.endpoint.access.limits.body_bytes >> 20),
        Failure::Timeout => format!("it was not complete within {:?}", list.timeout),
        failure => failure.to_string(),
    })?;
    let text = std::str::from_utf8(&body).map_err(|_| "it is not UTF-8".to_owned())?;
    list.rules.parse(&list.name(), text).map_err(|error| error.to_string())
}
