//! Spreads the work of metrics pages that are not like the target's last one: registering a series takes a hundred times as
//! long as adding a sample to it. When a thousand targets begin at once, the scrapes of the others stay on time.
use crate::scrape::metrics_page::Answer;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;

/// The maximum number of targets that are scraped for the first time at once: their pages may have to wait in memory.
const MAX_FIRST_PAGES: usize = 32;

/// How long a target that does not answer takes the place of another.
const MAX_WAIT: Duration = Duration::from_millis(300);

/// Pages that are longer take long even if they are like the last one.
const LARGE_BYTES: usize = 512 << 10;

/// What all scrape loops share.
#[derive(Debug)]
pub(crate) struct Admission {
    first_pages: Arc<Semaphore>,
    costly_writes: Semaphore,
}

/// A place among the targets that are scraped for the first time.
#[derive(Debug)]
pub(crate) struct FirstPage(Option<OwnedSemaphorePermit>);

impl Default for Admission {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { first_pages: Arc::new(Semaphore::new(MAX_FIRST_PAGES)), costly_writes: Semaphore::new(cores) }
    }
}

impl Admission {
    /// Waits until another target may be scraped for the first time.
    pub(crate) async fn first_page(&self) -> FirstPage {
        // The semaphore is never closed.
        FirstPage(Arc::clone(&self.first_pages).acquire_owned().await.ok())
    }

    /// Runs `write`, which stores an answer: at once, or if it is costly, when its turn comes and apart from the scrapes
    /// of other targets. `is_known` says whether the target has a last page, which this one is probably like.
    pub(crate) async fn write<T>(&self, answer: Option<&Answer>, is_known: bool, write: impl FnOnce() -> T) -> T {
        let is_costly = match answer {
            Some(Answer::Page(page)) => !is_known || page.body.len() > LARGE_BYTES,
            Some(Answer::Families(_)) | None => false,
        };
        if !is_costly {
            return write();
        }
        let _permit = self.costly_writes.acquire().await;
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::CurrentThread => write(),
            _ => block_in_place(write),
        }
    }
}

impl FirstPage {
    /// Runs `read`; the place becomes free early if that takes long.
    pub(crate) async fn hold<T>(&mut self, read: impl Future<Output = T>) -> T {
        tokio::pin!(read);
        match tokio::time::timeout(MAX_WAIT, &mut read).await {
            Ok(result) => result,
            Err(_) => {
                self.0 = None;
                read.await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::metrics_page::MetricsPage;
    use std::future::pending;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn targets_that_do_not_answer_hold_up_others_only_for_a_while() {
        let admission = Arc::new(Admission::default());
        for _ in 0..MAX_FIRST_PAGES {
            let mut place = admission.first_page().await;
            tokio::spawn(async move { place.hold(pending::<()>()).await });
        }
        let began = Instant::now();
        let mut place = admission.first_page().await;
        assert!(began.elapsed() >= MAX_WAIT && began.elapsed() < MAX_WAIT * 2);
        assert_eq!(place.hold(async { 7 }).await, 7);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn costly_writes_take_turns() {
        let (admission, page) = (Admission::default(), MetricsPage::from_text("a 1\n".into()));
        let all = admission.costly_writes.available_permits();
        let held = admission.costly_writes.acquire_many(all as u32).await.expect("never closed");
        let answer = Answer::Page(page);
        assert_eq!(admission.write(Some(&answer), true, || 1).await, 1, "like the last one");
        let first = admission.write(Some(&answer), false, || 2);
        tokio::pin!(first);
        assert!(futures::poll!(&mut first).is_pending());
        drop(held);
        assert_eq!(first.await, 2);
    }
}
