//! Threads for work that blocks. Each kind of work has threads of its own, so that one that hangs holds up no other.
pub(crate) mod exclusive;
pub(crate) mod stop_signal;

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a thread without work is kept.
const MAX_IDLE: Duration = Duration::from_secs(10);

/// A job has no result: it panicked, or the system has no thread for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work was not done")]
pub(crate) struct JobLost;

/// Threads that run the jobs of one kind in order, a limited number of them at a time.
#[derive(Clone)]
pub(crate) struct Threads(Arc<Shared>);

type Job = Box<dyn FnOnce() + Send>;

struct Shared {
    name: &'static str,
    max_threads: usize,
    state: Mutex<State>,
    has_job: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    /// How many of the threads have no work.
    idle: usize,
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Threads").field(&self.0.name).finish()
    }
}

impl Threads {
    /// At most `max_threads` threads with this name, none of which runs yet.
    pub(crate) fn new(name: &'static str, max_threads: usize) -> Self {
        Self(Arc::new(Shared { name, max_threads, state: Mutex::default(), has_job: Condvar::new() }))
    }

    /// Starts `job`, or lets it wait for a free thread. It runs to its end even if nobody waits for its result.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> RunningJob<T> {
        let (send, result) = oneshot::channel();
        self.start(Box::new(move || {
            // The one that wanted it may be gone.
            let _ = send.send(job());
        }));
        RunningJob(result)
    }

    fn start(&self, job: Job) {
        let mut state = self.0.state.lock();
        state.waiting.push_back(job);
        if state.waiting.len() <= state.idle || state.threads >= self.0.max_threads {
            self.0.has_job.notify_one();
            return;
        }
        state.threads += 1;
        let shared = Arc::clone(&self.0);
        let spawned = std::thread::Builder::new().name(self.0.name.to_owned()).spawn(move || shared.work());
        if spawned.is_err() {
            state.threads -= 1;
            // With other threads the job waits for one of them.
            if state.threads == 0 {
                state.waiting.clear();
            }
        }
    }
}

/// A job that waits or runs. Its result can be awaited; dropping this does not stop it.
#[derive(Debug)]
pub(crate) struct RunningJob<T>(oneshot::Receiver<T>);

impl<T> Future for RunningJob<T> {
    type Output = Result<T, JobLost>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|_| JobLost)
    }
}

impl Shared {
    /// Runs jobs until there have been none for a while.
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            while let Some(job) = state.waiting.pop_front() {
                drop(state);
                // The panic has been reported, and the sender of the result is dropped with the job.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.state.lock();
            }
            state.idle += 1;
            let is_late = self.has_job.wait_for(&mut state, MAX_IDLE).timed_out();
            state.idle -= 1;
            if is_late && state.waiting.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[tokio::test]
    async fn jobs_run_and_a_panic_loses_only_its_own() {
        let threads = Threads::new("test", 2);
        assert_eq!(threads.run(|| 1).await, Ok(1));
        let lost = threads.run(|| -> u8 { panic!("as the test wants it") }).await;
        assert_eq!(lost, Err(JobLost));
        assert_eq!(threads.run(|| 2).await, Ok(2));
    }

    #[tokio::test]
    async fn jobs_beyond_the_limit_wait() {
        let threads = Threads::new("test", 2);
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let (running, peak) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let job = || {
            let (released, running, peak) = (Arc::clone(&released), Arc::clone(&running), Arc::clone(&peak));
            threads.run(move || {
                peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _ = released.lock().recv();
                running.fetch_sub(1, Ordering::SeqCst);
            })
        };
        let jobs: Vec<_> = (0..6).map(|_| job()).collect();
        (0..6).for_each(|_| release.send(()).expect("a receiver"));
        for job in jobs {
            job.await.expect("a result");
        }
        assert!(peak.load(Ordering::SeqCst) <= 2);
    }
}
