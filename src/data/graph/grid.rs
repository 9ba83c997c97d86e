//! Steps and windows: at which times a card's query is evaluated.
use crate::state::time_range::TimeRange;
use catalogue::DrawStyle;

/// The times at which a query is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The first time, Unix milliseconds, a multiple of the step.
    pub start_ms: i64,
    /// The last time.
    pub end_ms: i64,
    /// The distance between two times.
    pub step_ms: i64,
    /// The time that a rate looks back over.
    pub window_ms: i64,
}

/// Steps that people count in, in milliseconds.
const STEPS_MS: [i64; 19] = [
    1000,
    2000,
    5000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
];

/// The step for a range of that length: as fine as the eye can use and the scrapes allow.
fn step_ms(length_ms: i64, interval_ms: i64, style: DrawStyle) -> i64 {
    let steps = match style {
        DrawStyle::Lines => 240,
        DrawStyle::Bars => 60,
    };
    round_step_ms(length_ms / steps, interval_ms)
}

/// The step for at most `steps` steps: the scrape interval itself if every scrape has room.
fn fine_step_ms(length_ms: i64, interval_ms: i64, steps: i64) -> i64 {
    let finest = length_ms / steps;
    if finest <= interval_ms { interval_ms } else { round_step_ms(finest, interval_ms) }
}

fn round_step_ms(finest: i64, interval_ms: i64) -> i64 {
    let finest = finest.max(interval_ms);
    STEPS_MS.into_iter().find(|step| *step >= finest).unwrap_or_else(|| finest - finest % 86_400_000 + 86_400_000)
}

/// The window of a rate: it contains at least two scrapes, and every scrape is in some window.
fn window_ms(step_ms: i64, interval_ms: i64) -> i64 {
    (step_ms + interval_ms).max(4 * interval_ms)
}

impl Grid {
    /// The grid of a graph over a range.
    pub fn over(range: TimeRange, interval_ms: i64, style: DrawStyle) -> Self {
        Self::with_step(range, interval_ms, step_ms(range.length_ms(), interval_ms, style))
    }

    /// The grid of at most `steps` steps over a range, with a step for each scrape if there is room.
    pub(crate) fn fine(range: TimeRange, interval_ms: i64, steps: i64) -> Self {
        Self::with_step(range, interval_ms, fine_step_ms(range.length_ms(), interval_ms, steps))
    }

    /// The last time is at or after the end of the range, so that the newest samples are in.
    fn with_step(range: TimeRange, interval_ms: i64, step_ms: i64) -> Self {
        Self {
            start_ms: range.start_ms.div_euclid(step_ms) * step_ms,
            end_ms: (range.end_ms + step_ms - 1).div_euclid(step_ms) * step_ms,
            step_ms,
            window_ms: window_ms(step_ms, interval_ms),
        }
    }

    /// Where to continue when the values up to `known_ms` are known: from the first value whose window, or the lookback
    /// of a late scrape, can have changed since.
    pub fn tail_start_ms(&self, known_ms: i64) -> i64 {
        let repeated = self.window_ms.div_euclid(self.step_ms) + 1;
        (known_ms - repeated * self.step_ms).max(self.start_ms)
    }

    /// Whether data of the grid `old` can be continued on this one: it contains this one's start.
    pub(crate) fn continues(&self, old: &Self) -> bool {
        old.step_ms == self.step_ms && old.start_ms <= self.start_ms && old.end_ms >= self.start_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_fine_lines_and_bars_by_the_minute() {
        let (end, hour) = (1_795_000_000_123, 3_600_000);
        let lines = Grid::over(TimeRange::new(end - hour, end), 5000, DrawStyle::Lines);
        assert_eq!((lines.step_ms, lines.window_ms), (15_000, 20_000));
        assert_eq!((lines.start_ms % 15_000, lines.end_ms % 15_000), (0, 0));
        assert!(lines.start_ms <= end - hour && lines.end_ms >= end && lines.end_ms - end < 15_000);
        assert_eq!(Grid::over(TimeRange::new(end - hour, end), 5000, DrawStyle::Bars).step_ms, 60_000);
    }

    #[test]
    fn no_step_is_finer_than_the_scrape_interval() {
        assert_eq!(step_ms(300_000, 5000, DrawStyle::Lines), 5000);
        assert_eq!(step_ms(300_000, 60_000, DrawStyle::Lines), 60_000);
        assert_eq!(step_ms(300_000, 20_000, DrawStyle::Lines), 30_000);
    }

    #[test]
    fn a_fine_step_is_the_scrape_interval_while_there_is_room() {
        assert_eq!(fine_step_ms(60_000, 250, 1000), 250);
        assert_eq!(fine_step_ms(900_000, 20_000, 1000), 20_000);
        assert_eq!(fine_step_ms(86_400_000, 5000, 1000), 120_000);
    }

    #[test]
    fn even_years_have_at_most_240_steps() {
        for days in [1, 30, 365, 3650] {
            let length = days * 86_400_000;
            assert!(length / step_ms(length, 5000, DrawStyle::Lines) <= 240, "{days}");
        }
    }

    #[test]
    fn a_refresh_queries_the_tail_only() {
        let grid = Grid { start_ms: 0, end_ms: 900_000, step_ms: 5000, window_ms: 20_000 };
        assert_eq!(grid.tail_start_ms(895_000), 870_000);
        assert_eq!(grid.tail_start_ms(0), 0);
    }
}
