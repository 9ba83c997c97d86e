//! A cache for values that several targets read from the machine, which may take long.
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A value that is read again when it is too old.
#[derive(Debug)]
pub(crate) struct AgeCache<T>(Mutex<Option<CachedValue<T>>>);

#[derive(Debug)]
struct CachedValue<T> {
    /// When reading it began, and how long it took.
    read_at: Instant,
    cost: Duration,
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
        // Before the lock: what another caller has read meanwhile is new enough.
        self.get_since(Instant::now().checked_sub(max_age), read)
    }

    /// The cached value if it is at most `max_age` old, or at most so many times as old as reading it took; or else the
    /// value that `read` returns. Many callers together then take at most that part of a processor.
    pub(crate) fn get_seldom(&self, max_age: Duration, times_cost: u32, read: impl FnOnce() -> T) -> Arc<T> {
        let cost = self.0.lock().as_ref().map_or(Duration::ZERO, |cached| cached.cost);
        self.get(max_age.max(cost * times_cost), read)
    }

    /// The cached value if reading it began at `since` or later.
    fn get_since(&self, since: Option<Instant>, read: impl FnOnce() -> T) -> Arc<T> {
        let mut cached = self.0.lock();
        match &*cached {
            Some(CachedValue { read_at, value, .. }) if since.is_none_or(|since| *read_at >= since) => {
                Arc::clone(value)
            }
            _ => {
                let read_at = Instant::now();
                let value = Arc::new(read());
                *cached = Some(CachedValue { read_at, cost: read_at.elapsed(), value: Arc::clone(&value) });
                value
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_that_waited_for_a_value_share_it() {
        let (cache, called_at) = (AgeCache::default(), Instant::now());
        assert_eq!(*cache.get_since(Some(called_at), || 1), 1);
        assert_eq!(*cache.get_since(Some(called_at), || 2), 1, "read since the call");
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(*cache.get_since(Some(later), || 3), 3, "read before the call");
        assert_eq!(*cache.get(Duration::from_secs(60), || 4), 3);
    }

    #[test]
    fn what_takes_long_to_read_is_read_seldom_but_anew_where_that_is_needed() {
        let cache = AgeCache::default();
        cache.get(Duration::ZERO, || {
            std::thread::sleep(Duration::from_millis(5));
            1
        });
        assert_eq!(*cache.get_seldom(Duration::ZERO, 100_000, || 2), 1);
        assert_eq!(*cache.get(Duration::ZERO, || 3), 3);
    }
}
