//! Limits how many queries run at a time, for each client and in all.
use prometheus_api::{ApiError, ErrorType};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a query may wait for a permit.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Permits for queries to run. Queries of one client wait for one of its own permits first, in order, so that they do not
/// stand before those of others; the limit on connections bounds how many wait.
#[derive(Debug)]
pub(crate) struct QueryLimit(Arc<Semaphore>);

/// The right to run one query.
#[derive(Debug)]
pub(crate) struct Permit {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl QueryLimit {
    pub(crate) fn new(max_running: usize) -> Self {
        Self(Arc::new(Semaphore::new(max_running)))
    }

    /// Waits for a permit until `deadline` at most. `own` are the permits of the client.
    ///
    /// # Errors
    /// If none becomes free in time.
    pub(crate) async fn acquire(&self, own: &Arc<Semaphore>, deadline: Instant) -> Result<Permit, ApiError> {
        let wait = deadline.saturating_duration_since(Instant::now()).min(MAX_WAIT);
        if wait.is_zero() {
            return Err(ApiError::new(ErrorType::Timeout, "query timed out in query queue"));
        }
        let both = async {
            let own = Arc::clone(own).acquire_owned().await.ok()?;
            let all = Arc::clone(&self.0).acquire_owned().await.ok()?;
            Some(Permit { _own: own, _all: all })
        };
        match tokio::time::timeout(wait, both).await {
            Ok(Some(permit)) => Ok(permit),
            _ => {
                let problem = "query timed out in query queue: too many queries are running; try again later";
                Err(ApiError::new(ErrorType::Timeout, problem))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::peers::Peers;
    use std::net::IpAddr;

    #[tokio::test(start_paused = true)]
    async fn a_client_whose_queries_wait_holds_up_no_other() {
        let (limit, peers) = (QueryLimit::new(4), Peers::new(2, 256 << 20));
        let [greedy, modest] = [1, 2].map(|host| peers.at(IpAddr::from([10, 0, 0, host])));
        let deadline = Instant::now() + Duration::from_secs(10);
        let _running = [
            limit.acquire(&greedy.running, deadline).await.expect("a permit"),
            limit.acquire(&greedy.running, deadline).await.expect("a permit"),
        ];
        let waiting = (0..100).map(|_| limit.acquire(&greedy.running, deadline));
        let waiting = futures::future::join_all(waiting);
        let other = tokio::time::timeout(Duration::from_millis(100), limit.acquire(&modest.running, deadline));
        let (waited, other) = tokio::join!(waiting, other);
        assert!(waited.iter().all(Result::is_err));
        assert!(other.is_ok_and(|permit| permit.is_ok()));
    }
}
