//! A cache for values that several targets read from the machine.
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A value that is read again when it is too old.
#[derive(Debug)]
pub(crate) struct AgeCache<T>(Mutex<Option<CachedValue<T>>>);

#[derive(Debug)]
struct CachedValue<T> {
    read_at: Instant,
    value: Arc<T>,
}

impl<T> Default for AgeCache<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> AgeCache<T> {
    /// The cached value if it is at most `max_age` old, or else the value that `read` returns.
    pub(crate) fn get(&self, max_age: Duration, read: impl FnOnce() -> T) -> Arc<T> {
        let mut cached = self.0.lock();
        match &*cached {
            Some(CachedValue { read_at, value }) if read_at.elapsed() <= max_age => Arc::clone(value),
            _ => {
                let value = Arc::new(read());
                *cached = Some(CachedValue { read_at: Instant::now(), value: Arc::clone(&value) });
                value
            }
        }
    }
}
