//! The signal for threads that work periodically to end.
use parking_lot::{Condvar, Mutex};
use std::time::Duration;

/// The signal, which any number of threads wait for.
#[derive(Debug, Default)]
pub(crate) struct StopSignal {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl StopSignal {
    /// Has them end.
    pub(crate) fn set(&self) {
        *self.is_set.lock() = true;
        self.changed.notify_all();
    }

    /// Waits for `period`, or until the threads are to end. Returns whether they are.
    pub(crate) fn wait(&self, period: Duration) -> bool {
        let mut is_set = self.is_set.lock();
        self.changed.wait_while_for(&mut is_set, |is_set| !*is_set, period);
        *is_set
    }
}
