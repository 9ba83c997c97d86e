//! The clock, and waiting with a time limit.
use crate::{FixtureError, Result};
use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

/// The time limit for something that normally takes seconds; even a very slow machine stays within it.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Unix milliseconds now.
pub fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// Calls `attempt` until it returns a value that `is_done` accepts. A call that fails is repeated too, because a server
/// may still be starting.
///
/// # Errors
/// When no such value is returned within `limit`; the error has the result of the last call.
pub async fn until<T: Debug>(
    what: &str,
    limit: Duration,
    mut attempt: impl AsyncFnMut() -> Result<T>,
    is_done: impl Fn(&T) -> bool,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        let last = match attempt().await {
            Ok(value) if is_done(&value) => return Ok(value),
            Ok(value) => format!("{value:?}"),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= end {
            return Err(FixtureError::Late { what: what.to_owned(), limit, last });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
