//! A line to stand in: so many requests in flight, the rest wait their turn; and waiting for several at once.
use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, maybe_done};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

/// Requests in flight at most; browsers keep six connections a host, two stay free for what a person does.
pub(crate) const MOST_IN_FLIGHT: usize = 4;

/// Hands out permits, first come first served.
#[derive(Clone)]
pub(crate) struct Queue(Rc<RefCell<Inner>>);

struct Inner {
    free: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
}

/// The right to have one request in flight; given back when dropped.
pub(crate) struct Permit(Queue);

impl Queue {
    /// A queue with that many permits.
    pub(crate) fn new(permits: usize) -> Self {
        Self(Rc::new(RefCell::new(Inner { free: permits, waiting: VecDeque::new() })))
    }

    /// Waits for a permit.
    pub(crate) async fn permit(&self) -> Permit {
        let turn = {
            let mut inner = self.0.borrow_mut();
            if inner.free > 0 {
                inner.free -= 1;
                return Permit(self.clone());
            }
            let (sender, turn) = oneshot::channel();
            inner.waiting.push_back(sender);
            turn
        };
        // A permit is handed over with the message; the queue outlives its waiters, so one always comes.
        let _ = turn.await;
        Permit(self.clone())
    }
}

/// Waits for all of them, and gives what they gave in their order. They are few: whenever one moves all are looked at,
/// which takes a fraction of the code of a set that knows which.
pub(crate) async fn all<'a, T>(waiting: impl Iterator<Item = LocalBoxFuture<'a, T>>) -> Vec<T> {
    let mut all: Vec<_> = waiting.map(maybe_done).collect();
    poll_fn(|context| {
        let pending = all.iter_mut().filter_map(|one| Pin::new(one).poll(context).is_pending().then_some(())).count();
        if pending == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.iter_mut().filter_map(|one| Pin::new(one).take_output()).collect()
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.0.0.borrow_mut();
        while let Some(next) = inner.waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        inner.free += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::executor::block_on;

    #[test]
    fn permits_are_given_in_turn_and_come_back() {
        let queue = Queue::new(2);
        let first = queue.permit().now_or_never().expect("free");
        let _second = queue.permit().now_or_never().expect("free");
        let mut third = Box::pin(queue.permit());
        let fourth = queue.permit();
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        let third = block_on(third);
        let mut fourth = Box::pin(fourth);
        assert!(fourth.as_mut().now_or_never().is_none());
        drop(third);
        block_on(fourth);
    }

    #[test]
    fn all_are_waited_for_and_given_in_their_order() {
        let queue = Queue::new(1);
        let held = queue.permit().now_or_never().expect("free");
        let wait = async |number: i32| {
            if number < 3 {
                let _permit = queue.permit().await;
            }
            number
        };
        let mut waiting = Box::pin(all([1, 2, 3].into_iter().map(|number| wait(number).boxed_local())));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        assert_eq!(block_on(waiting), [1, 2, 3]);
    }

    #[test]
    fn who_gives_up_waiting_takes_no_permit_along() {
        let queue = Queue::new(1);
        let held = queue.permit().now_or_never().expect("free");
        let mut waiting = Box::pin(queue.permit());
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(waiting);
        drop(held);
        assert!(queue.permit().now_or_never().is_some());
    }
}
