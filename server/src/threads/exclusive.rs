//! An operation that may hang: of each there is at most one at a time.
use crate::threads::Threads;
use parking_lot::Mutex;
use std::fmt;
use std::time::Duration;
use tokio::sync::watch;

/// An operation that may hang. At most one is under way, and whoever wants its result meanwhile waits for that one.
pub(crate) struct Exclusive<T>(Mutex<Option<watch::Receiver<Option<T>>>>);

impl<T> Default for Exclusive<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> fmt::Debug for Exclusive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exclusive").field(&self.0.lock().is_some()).finish()
    }
}

impl<T: Clone + Send + Sync + 'static> Exclusive<T> {
    /// The result of the operation under way, or else of `job`; none if it does not come within `limit`, or if it panics.
    pub(crate) async fn run(
        &self,
        threads: &Threads,
        limit: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let mut result = {
            let mut running = self.0.lock();
            match running.as_ref().filter(|running| is_under_way(running)) {
                Some(result) => result.clone(),
                None => {
                    let (send, result) = watch::channel(None);
                    *running = Some(result.clone());
                    drop(threads.run(move || send.send_replace(Some(job()))));
                    result
                }
            }
        };
        tokio::time::timeout(limit, result.wait_for(Option::is_some)).await.ok()?.ok()?.clone()
    }

    /// Whether an operation is under way.
    pub(crate) fn is_under_way(&self) -> bool {
        self.0.lock().as_ref().is_some_and(is_under_way)
    }
}

/// Whether an operation has neither ended nor been lost.
fn is_under_way<T>(result: &watch::Receiver<Option<T>>) -> bool {
    result.borrow().is_none() && result.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[tokio::test]
    async fn an_operation_that_hangs_is_started_once() {
        let (threads, exclusive, started) =
            (Threads::new("test", 8), Exclusive::default(), Arc::<AtomicUsize>::default());
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let hang = || {
            let (started, released) = (Arc::clone(&started), Arc::clone(&released));
            exclusive.run(&threads, Duration::from_millis(20), move || {
                started.fetch_add(1, Ordering::SeqCst);
                let _ = released.lock().recv();
                started.load(Ordering::SeqCst)
            })
        };
        for _ in 0..5 {
            assert_eq!(hang().await, None);
        }
        assert!(exclusive.is_under_way());
        assert_eq!(started.load(Ordering::SeqCst), 1);
        release.send(()).expect("a receiver");
        while exclusive.is_under_way() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // A result that came too late is not used: the next caller gets one of its own.
        release.send(()).expect("a receiver");
        assert_eq!(exclusive.run(&threads, Duration::from_secs(60), || 9).await, Some(9));
    }
}
