//! Fits the range of a first visit to a history that is younger than it, so that the first minutes fill the width.
use crate::data::data_start::DataStart;
use crate::data::feed::Feed;
use crate::data::round::Round;
use crate::state::view::{DEFAULT_RANGE_MS, Range, View};
use leptos::prelude::*;

/// The lengths that a growing history fills one after the other, in milliseconds.
const LENGTHS_MS: [i64; 5] = [60_000, 2 * 60_000, 5 * 60_000, 10 * 60_000, DEFAULT_RANGE_MS];

/// The range that is being fitted; none once history fills the range of a first visit, or somebody has chosen another.
pub(crate) fn initial(view: &View) -> Option<Range> {
    (view.range == Range::Last(DEFAULT_RANGE_MS) && view.embed.is_none()).then_some(view.range)
}

impl Feed {
    /// Selects the shortest range that holds all history, up to that of a first visit.
    pub(crate) fn fit_range(self, round: &Round) {
        let fitted = self.state.with_value(|state| state.fitted_range);
        let is_current = |view: &View| Some(view.range) == fitted;
        if fitted.is_none() || !self.view.with_untracked(is_current) {
            self.state.update_value(|state| state.fitted_range = None);
            return;
        }
        let age_ms = match round.data_start {
            DataStart::Unknown => return,
            DataStart::At(start_ms) => round.until_ms() - start_ms,
            DataStart::BeforeRange => round.range.length_ms() + 1,
        };
        let range = Range::Last(fitted_length_ms(age_ms));
        let is_done = range == Range::Last(DEFAULT_RANGE_MS) && fitted == Some(range);
        self.state.update_value(|state| state.fitted_range = (!is_done).then_some(range));
        if fitted != Some(range) {
            self.view.update(|view| view.range = range);
        }
    }
}

/// The shortest length that holds a history of this age.
fn fitted_length_ms(age_ms: i64) -> i64 {
    LENGTHS_MS.into_iter().find(|length_ms| *length_ms >= age_ms).unwrap_or(DEFAULT_RANGE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_grows_with_the_history() {
        let minutes = |age_s: i64| fitted_length_ms(age_s * 1000) / 60_000;
        assert_eq!([3, 60, 61, 120, 299, 301, 601, 86_400].map(minutes), [1, 1, 2, 2, 5, 10, 15, 15]);
    }
}
