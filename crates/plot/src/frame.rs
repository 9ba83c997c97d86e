//! The data of one graph: a column of times, and a column of values for each line.

/// One line's values.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The line's name.
    pub name: String,
    /// One value for each time of the frame; NaN if there is none.
    pub values: Vec<f64>,
}

/// Columns with common times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Unix milliseconds, strictly increasing.
    pub times_ms: Vec<i64>,
    /// The columns; each has one value for each time.
    pub columns: Vec<Column>,
}

impl Frame {
    /// Whether all values of all columns are NaN.
    pub fn is_blank(&self) -> bool {
        self.columns.iter().all(|column| column.values.iter().all(|value| value.is_nan()))
    }

    /// The index of the time nearest to `time_ms`; none if the frame is empty.
    pub fn nearest(&self, time_ms: i64) -> Option<usize> {
        let after = self.times_ms.partition_point(|time| *time < time_ms);
        let candidates = [after.checked_sub(1), Some(after)];
        candidates
            .into_iter()
            .flatten()
            .filter(|at| *at < self.times_ms.len())
            .min_by_key(|at| self.times_ms[*at].abs_diff(time_ms))
    }

    /// The last value of a column that is not NaN.
    pub fn last(&self, column: usize) -> Option<f64> {
        self.columns.get(column)?.values.iter().rev().copied().find(|value| !value.is_nan())
    }

    /// The sum of the columns that `is_included` selects, at each time; NaN if none of them has a value there.
    pub fn sums(&self, is_included: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut sums = vec![f64::NAN; self.times_ms.len()];
        for (_, column) in self.columns.iter().enumerate().filter(|(at, _)| is_included(*at)) {
            for (sum, value) in sums.iter_mut().zip(&column.values) {
                if !value.is_nan() {
                    *sum = if sum.is_nan() { *value } else { *sum + value };
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let column = |values: &[f64]| Column { name: String::new(), values: values.to_vec() };
        Frame {
            times_ms: vec![0, 10, 20],
            columns: vec![column(&[1.0, f64::NAN, f64::NAN]), column(&[2.0, 3.0, f64::NAN])],
        }
    }

    #[test]
    fn nearest_time_is_found_at_both_ends_and_between() {
        for (time_ms, at) in [(-100, 0), (4, 0), (6, 1), (16, 2), (1000, 2)] {
            assert_eq!(frame().nearest(time_ms), Some(at), "{time_ms}");
        }
        assert_eq!(Frame::default().nearest(0), None);
    }

    #[test]
    fn sums_skip_gaps_and_excluded_columns() {
        let sums = frame().sums(|_| true);
        assert_eq!(&sums[..2], [3.0, 3.0]);
        assert!(sums[2].is_nan());
        assert_eq!(frame().sums(|at| at == 0)[0], 1.0);
    }

    #[test]
    fn the_last_value_is_not_a_gap() {
        assert_eq!(frame().last(1), Some(3.0));
        assert_eq!(frame().last(2), None);
    }
}
