//! How many queries run at a time.
use prometheus_api::{ApiError, ErrorType};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest that a query waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Lets a few queries through at a time; the others wait in order. How many wait is bounded by the connections.
#[derive(Debug)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn new(running: usize) -> Self {
        Self(Arc::new(Semaphore::new(running)))
    }

    /// Waits for a turn, at most until `deadline`.
    ///
    /// # Errors
    /// When no turn came in time.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, ApiError> {
        let left = deadline.saturating_duration_since(Instant::now()).min(LONGEST_WAIT);
        if left.is_zero() {
            return Err(ApiError::new(ErrorType::Timeout, "query timed out in query queue"));
        }
        match tokio::time::timeout(left, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(ApiError::new(ErrorType::Timeout, "query timed out in query queue: too many run at once")),
        }
    }
}
