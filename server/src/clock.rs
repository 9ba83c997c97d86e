//! The system clock.
use std::time::{SystemTime, UNIX_EPOCH};

/// The Unix time in milliseconds.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
