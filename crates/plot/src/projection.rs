//! The map between times and values of a graph and positions on its canvas.

/// Space around the plot area, in the unit of the canvas size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    /// Space for the value labels.
    pub left: f64,
    /// Space above the highest value.
    pub top: f64,
    /// Space after the last time.
    pub right: f64,
    /// Space for the time labels.
    pub bottom: f64,
}

/// A map from times to x and from values to y, which grows downwards. Times are linear; values are linear or logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Left edge of the plot area.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Bottom edge.
    pub bottom: f64,
    /// Time at the left edge, Unix milliseconds.
    pub start_ms: i64,
    /// Time at the right edge.
    pub end_ms: i64,
    /// Value at the bottom edge.
    pub low: f64,
    /// Value at the top edge.
    pub high: f64,
    /// Whether the value axis is logarithmic; `low` is then above zero.
    pub is_log: bool,
}

impl Projection {
    /// A map of `times` and `values`, each low to high, onto a canvas of `width` by `height` without the margins.
    pub fn new(width: f64, height: f64, margins: Margins, times: (i64, i64), values: (f64, f64)) -> Self {
        Self {
            left: margins.left,
            top: margins.top,
            right: (width - margins.right).max(margins.left + 1.0),
            bottom: (height - margins.bottom).max(margins.top + 1.0),
            start_ms: times.0,
            end_ms: times.1.max(times.0 + 1),
            low: values.0,
            high: values.1,
            is_log: false,
        }
    }

    /// The same map with a logarithmic value axis, if the lowest value is above zero.
    pub fn logarithmic(self) -> Self {
        Self { is_log: self.low > 0.0, ..self }
    }

    /// The same map for a canvas `factor` times as large.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            left: self.left * factor,
            top: self.top * factor,
            right: self.right * factor,
            bottom: self.bottom * factor,
            ..self
        }
    }

    /// The x of a time.
    pub fn x(&self, time_ms: i64) -> f64 {
        self.left + (time_ms - self.start_ms) as f64 * self.per_ms()
    }

    /// The y of a value. On a logarithmic axis values below `low` are at the bottom.
    pub fn y(&self, value: f64) -> f64 {
        // Halving keeps differences of huge values finite.
        let linear = |value: f64| if self.is_log { value.max(self.low).log10() } else { value / 2.0 };
        let share = (linear(value) - linear(self.low)) / (linear(self.high) - linear(self.low));
        self.bottom - share * (self.bottom - self.top)
    }

    /// The time at `x`, clamped to the range.
    pub fn time_ms(&self, x: f64) -> i64 {
        let share = ((x - self.left) / (self.right - self.left)).clamp(0.0, 1.0);
        self.start_ms + (share * (self.end_ms - self.start_ms) as f64).round() as i64
    }

    /// Width of one millisecond.
    pub fn per_ms(&self) -> f64 {
        (self.right - self.left) / (self.end_ms - self.start_ms) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGINS: Margins = Margins { left: 40.0, top: 10.0, right: 10.0, bottom: 20.0 };

    #[test]
    fn both_directions_agree() {
        let p = Projection::new(450.0, 230.0, MARGINS, (1000, 5000), (0.0, 10.0));
        for (time_ms, x) in [(1000, 40.0), (3000, 240.0), (5000, 440.0)] {
            assert_eq!(p.x(time_ms), x);
            assert_eq!(p.time_ms(x), time_ms);
        }
        assert_eq!((p.y(0.0), p.y(5.0), p.y(10.0)), (210.0, 110.0, 10.0));
        assert_eq!(p.scaled(2.0).x(3000), 480.0);
    }

    #[test]
    fn equal_factors_have_equal_heights_on_a_logarithmic_axis() {
        let p = Projection::new(450.0, 230.0, MARGINS, (1000, 5000), (0.01, 100.0)).logarithmic();
        assert_eq!((p.y(0.01), p.y(1.0), p.y(100.0)), (210.0, 110.0, 10.0));
        assert_eq!((p.y(0.0), p.y(-5.0)), (210.0, 210.0));
        assert!(!Projection::new(450.0, 230.0, MARGINS, (1000, 5000), (0.0, 1.0)).logarithmic().is_log);
    }

    #[test]
    fn positions_outside_are_clamped_to_the_range() {
        let p = Projection::new(450.0, 230.0, MARGINS, (1000, 5000), (0.0, 10.0));
        assert_eq!((p.time_ms(-100.0), p.time_ms(9e9)), (1000, 5000));
    }

    #[test]
    fn odd_sizes_and_huge_values_stay_finite() {
        let p = Projection::new(5.0, 5.0, MARGINS, (7, 7), (-1e308, 1e308));
        assert!(p.x(7).is_finite() && p.y(1e308).is_finite() && p.y(0.0).is_finite());
    }
}
