//! Limits the number of concurrent requests, and waits for several futures at once.
use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, maybe_done};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

/// Requests in flight. Browsers keep six connections to a host; two stay free for what a person does.
pub(crate) const MAX_IN_FLIGHT: usize = 4;

/// Hands out permits in the order in which they were asked for.
#[derive(Clone)]
pub(crate) struct RequestLimit(Rc<RefCell<Permits>>);

struct Permits {
    free: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
}

/// Allows one request in flight until it is dropped.
pub(crate) struct Permit(RequestLimit);

impl RequestLimit {
    /// A limit of `permits` requests.
    pub(crate) fn new(permits: usize) -> Self {
        Self(Rc::new(RefCell::new(Permits { free: permits, waiting: VecDeque::new() })))
    }

    /// Waits for a permit.
    pub(crate) async fn permit(&self) -> Permit {
        let turn = {
            let mut permits = self.0.borrow_mut();
            if permits.free > 0 {
                permits.free -= 1;
                return Permit(self.clone());
            }
            let (sender, turn) = oneshot::channel();
            permits.waiting.push_back(sender);
            turn
        };
        // The message hands over the permit. The limit outlives its waiters, so the message always comes.
        let _ = turn.await;
        Permit(self.clone())
    }
}

/// Waits for all futures and returns their outputs in order. Whenever one wakes, all are polled: they are few, and
/// tracking which one woke takes several times the code.
pub(crate) async fn all<'a, T>(futures: impl Iterator<Item = LocalBoxFuture<'a, T>>) -> Vec<T> {
    let mut all: Vec<_> = futures.map(maybe_done).collect();
    poll_fn(|context| {
        let pending = all.iter_mut().filter_map(|one| Pin::new(one).poll(context).is_pending().then_some(())).count();
        if pending == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.iter_mut().filter_map(|one| Pin::new(one).take_output()).collect()
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut permits = self.0.0.borrow_mut();
        while let Some(next) = permits.waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        permits.free += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::executor::block_on;

    #[test]
    fn permits_are_handed_out_in_order_and_returned() {
        let limit = RequestLimit::new(2);
        let first = limit.permit().now_or_never().expect("free");
        let _second = limit.permit().now_or_never().expect("free");
        let mut third = Box::pin(limit.permit());
        let fourth = limit.permit();
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        let third = block_on(third);
        let mut fourth = Box::pin(fourth);
        assert!(fourth.as_mut().now_or_never().is_none());
        drop(third);
        block_on(fourth);
    }

    #[test]
    fn all_waits_for_every_future_and_keeps_their_order() {
        let limit = RequestLimit::new(1);
        let held = limit.permit().now_or_never().expect("free");
        let wait = async |number: i32| {
            if number < 3 {
                let _permit = limit.permit().await;
            }
            number
        };
        let mut waiting = Box::pin(all([1, 2, 3].into_iter().map(|number| wait(number).boxed_local())));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        assert_eq!(block_on(waiting), [1, 2, 3]);
    }

    #[test]
    fn a_waiter_that_gives_up_loses_no_permit() {
        let limit = RequestLimit::new(1);
        let held = limit.permit().now_or_never().expect("free");
        let mut waiting = Box::pin(limit.permit());
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(waiting);
        drop(held);
        assert!(limit.permit().now_or_never().is_some());
    }
}
