//! Time: the clock, and waiting for something, bounded.
use crate::{FixtureError, Result};
use std::{
    fmt::Debug,
    time::{Duration, Instant, SystemTime},
};

/// How long a test waits for something that takes seconds at most: no machine that still works is as slow as that.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Unix milliseconds now.
pub fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// Calls `look` until it gives a value that `enough` accepts. A call that fails counts as not yet, as what is waited for
/// may still be starting.
///
/// # Errors
/// When no such value comes within `limit`, with what the last call gave.
pub async fn until<T: Debug>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<T>,
    enough: impl Fn(&T) -> bool,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        let last = match look().await {
            Ok(seen) if enough(&seen) => return Ok(seen),
            Ok(seen) => format!("{seen:?}"),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= end {
            return Err(FixtureError::Late { what: what.to_owned(), limit, last });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
