//! Limits how many queries run at a time.
use prometheus_api::{ApiError, ErrorType};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a query may wait for a permit.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Permits for queries to run. Queries wait for them in order; the limit on connections bounds how many wait.
#[derive(Debug)]
pub(crate) struct QueryLimit(Arc<Semaphore>);

impl QueryLimit {
    pub(crate) fn new(max_running: usize) -> Self {
        Self(Arc::new(Semaphore::new(max_running)))
    }

    /// Waits for a permit until `deadline` at most.
    ///
    /// # Errors
    /// If none becomes free in time.
    pub(crate) async fn acquire(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, ApiError> {
        let wait = deadline.saturating_duration_since(Instant::now()).min(MAX_WAIT);
        if wait.is_zero() {
            return Err(ApiError::new(ErrorType::Timeout, "query timed out in query queue"));
        }
        match tokio::time::timeout(wait, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => {
                let problem = "query timed out in query queue: too many queries are running; try again later";
                Err(ApiError::new(ErrorType::Timeout, problem))
            }
        }
    }
}
