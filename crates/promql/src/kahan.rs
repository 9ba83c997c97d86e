//! Sums and means with compensated summation, as Prometheus computes them.

/// A sum with Neumaier's compensation. Source: `util/kahansum` of Prometheus.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KahanSum {
    sum: f64,
    compensation: f64,
}

impl KahanSum {
    pub(crate) fn starting_at(sum: f64) -> Self {
        Self { sum, compensation: 0.0 }
    }

    pub(crate) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        self.compensation = if total.is_infinite() {
            0.0
        } else if self.sum.abs() >= value.abs() {
            self.compensation + ((self.sum - total) + value)
        } else {
            self.compensation + ((value - total) + self.sum)
        };
        self.sum = total;
    }

    pub(crate) fn value(self) -> f64 {
        self.sum + self.compensation
    }
}

/// A mean of at least one value: computed from the sum until that overflows, then incrementally.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KahanMean {
    /// The sum, or the mean if `incremental`.
    state: KahanSum,
    count: f64,
    incremental: bool,
}

impl KahanMean {
    pub(crate) fn starting_at(value: f64) -> Self {
        Self { state: KahanSum::starting_at(value), count: 1.0, incremental: false }
    }

    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.state;
            next.add(value);
            if !next.sum.is_infinite() {
                self.state = next;
                return;
            }
            self.incremental = true;
            self.state.sum /= self.count - 1.0;
            self.state.compensation /= self.count - 1.0;
        }
        let weight = (self.count - 1.0) / self.count;
        self.state.sum *= weight;
        self.state.compensation *= weight;
        self.state.add(value / self.count);
    }

    pub(crate) fn value(self) -> f64 {
        if self.incremental {
            self.state.value()
        } else {
            self.state.sum / self.count + self.state.compensation / self.count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_value_survives_large_ones() {
        let mut sum = KahanSum::default();
        for value in [5.0, 1e100, -1e100, 1.0] {
            sum.add(value);
        }
        assert_eq!(sum.value(), 6.0);
    }

    #[test]
    fn a_mean_survives_an_overflowing_sum() {
        let mut mean = KahanMean::starting_at(f64::MAX);
        for _ in 0..3 {
            mean.add(f64::MAX);
        }
        let relative = (mean.value() - f64::MAX).abs() / f64::MAX;
        assert!(relative < 1e-12, "{relative}");
    }
}
