//! The times at which an expression is evaluated.
pub(crate) use crate::query_range::QueryRange;

/// Evenly spaced times in Unix milliseconds; at least one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Steps {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) fn time_ms(&self, step: usize) -> i64 {
        self.start_ms.saturating_add(self.step_ms.saturating_mul(step as i64))
    }

    pub(crate) fn times_ms(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.count).map(|step| self.time_ms(step))
    }
}
