//! A page whose lines are those of a page that kept the rules, but for their values: only values can break one.
use super::{family::Broken, histogram::HistogramCheck, role::Role};
use crate::line::sample::Point;

/// What a sample of the old page was.
#[derive(Clone, Copy)]
pub(crate) struct Ruling {
    pub role: Role,
    /// A number for its metric, its family included.
    pub metric: u64,
}

/// Follows the new page.
#[derive(Default)]
pub(crate) struct Recheck {
    histogram: HistogramCheck,
}

impl Recheck {
    /// Judges a sample in the place of one that was ruled on. One with a timestamp has to be read with all those
    /// before it.
    pub(crate) fn sample(&mut self, ruling: Ruling, point: &Point) -> Result<(), Broken> {
        if point.timestamp.is_some() {
            return Err("has a timestamp");
        }
        ruling.role.check(point)?;
        if ruling.role.is_of_histogram() {
            self.histogram.take_in((ruling.metric, None), ruling.role, point.value)?;
        }
        Ok(())
    }

    /// Judges the page, which is complete.
    pub(crate) fn finish(&self) -> Result<(), Broken> {
        self.histogram.finish()
    }
}
