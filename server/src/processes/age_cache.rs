//! What several targets read of the machine, read once for all.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something as it was a moment ago.
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<Option<(Instant, Arc<T>)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Recent<T> {
    /// It as it was at most `age` ago; `read` tells how it is now.
    pub(crate) fn get(&self, age: Duration, read: impl FnOnce() -> T) -> Arc<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((when, value)) if when.elapsed() <= age => Arc::clone(value),
            _ => {
                let value = Arc::new(read());
                *known = Some((Instant::now(), Arc::clone(&value)));
                value
            }
        }
    }
}
