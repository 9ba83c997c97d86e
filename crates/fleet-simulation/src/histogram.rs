//! Histograms with the buckets of an engine.
use std::sync::Arc;

/// A histogram. Observations may have a fraction as their weight, because tokens are counted as they flow.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    /// The upper bounds, without infinity.
    pub(crate) bounds: Arc<[f64]>,
    /// The weight in each bucket, not cumulative; the last is above all bounds.
    weights: Vec<f64>,
    sum: f64,
}

impl Histogram {
    pub(crate) fn new(bounds: &Arc<[f64]>) -> Self {
        Self { bounds: Arc::clone(bounds), weights: vec![0.0; bounds.len() + 1], sum: 0.0 }
    }

    /// Counts an observation `weight` times.
    pub(crate) fn observe(&mut self, value: f64, weight: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.weights[bucket] += weight;
        self.sum += value * weight;
    }

    /// Passes the number of observations up to each bound, infinity last. They are whole numbers that never decrease.
    pub(crate) fn cumulative(&self, mut each: impl FnMut(f64)) {
        let mut total = 0.0;
        for weight in &self.weights {
            total += weight;
            each(whole(total));
        }
    }

    /// The number of observations.
    pub(crate) fn count(&self) -> f64 {
        whole(self.weights.iter().sum())
    }

    /// The sum of the observed values.
    pub(crate) fn sum(&self) -> f64 {
        self.sum
    }
}

/// The whole part of a total that was added up from fractions.
pub(crate) fn whole(total: f64) -> f64 {
    (total + 1e-6).floor()
}

/// 1, 2, 5, 10, 20, 50… up to `max`, as vLLM makes them.
/// Source: `build_1_2_5_buckets` in `vllm/v1/metrics/loggers.py`.
pub(crate) fn one_two_five(max: f64) -> Arc<[f64]> {
    let decades = (0..).map(|exponent| 10_f64.powi(exponent));
    decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * decade)).take_while(|bound| *bound <= max).collect()
}

/// `count` bounds: `start` times the powers of `factor`, as Python computes them. The last digits are part of a page.
pub(crate) fn powers(start: f64, factor: f64, count: u8) -> Arc<[f64]> {
    (0..count).map(|exponent| start * factor.powf(f64::from(exponent))).collect()
}

/// `count` bounds, each `factor` times the one before; the first is that much above `start`.
pub(crate) fn multiples(start: f64, factor: f64, count: usize) -> Arc<[f64]> {
    std::iter::successors(Some(start * factor), |bound| Some(bound * factor)).take(count).collect()
}

/// `count` bounds, each `width` above the previous one.
pub(crate) fn linear(width: f64, count: usize) -> Arc<[f64]> {
    (1..=count).map(|number| width * number as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observations_are_counted_up_to_and_including_their_bound() {
        let mut histogram = Histogram::new(&Arc::from([1.0, 2.0]));
        for value in [0.5, 1.0, 1.5, 2.0, 3.0] {
            histogram.observe(value, 1.0);
        }
        histogram.observe(2.0, 0.5);
        let mut counts = Vec::new();
        histogram.cumulative(|count| counts.push(count));
        assert_eq!((counts, histogram.count(), histogram.sum()), (vec![2.0, 4.0, 5.0], 5.0, 9.0));
    }

    #[test]
    fn bounds_are_those_of_the_engines() {
        assert_eq!(*one_two_five(1000.0), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]);
        assert_eq!((&*powers(1.0, 2.0, 3), &*multiples(0.5, 2.0, 3)), (&[1.0, 2.0, 4.0][..], &[1.0, 2.0, 4.0][..]));
        assert_eq!(*linear(5.0, 3), [5.0, 10.0, 15.0]);
    }
}
