//! Samples as a column of times and a column of values.

/// Samples of one series, or of several one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleBuffer {
    pub(crate) times_ms: Vec<i64>,
    pub(crate) values: Vec<f64>,
}

impl SampleBuffer {
    pub(crate) fn len(&self) -> usize {
        self.times_ms.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.times_ms.clear();
        self.values.clear();
    }

    #[inline]
    pub(crate) fn push(&mut self, time_ms: i64, value: f64) {
        self.times_ms.push(time_ms);
        self.values.push(value);
    }

    /// Sorts by time. Of several samples at the same time the first one stays.
    pub(crate) fn sort_and_dedup(&mut self) {
        if self.times_ms.is_sorted_by(|a, b| a < b) {
            return;
        }
        let mut samples: Vec<(i64, f64)> = self.times_ms.drain(..).zip(self.values.drain(..)).collect();
        samples.sort_by_key(|(time_ms, _)| *time_ms);
        samples.dedup_by_key(|(time_ms, _)| *time_ms);
        (self.times_ms, self.values) = samples.into_iter().unzip();
    }

    /// [`SampleBuffer::sort_and_dedup`] for the samples from position `from` on.
    pub(crate) fn sort_and_dedup_from(&mut self, from: usize) {
        let mut tail = Self { times_ms: self.times_ms.split_off(from), values: self.values.split_off(from) };
        tail.sort_and_dedup();
        self.times_ms.append(&mut tail.times_ms);
        self.values.append(&mut tail.values);
    }
}
