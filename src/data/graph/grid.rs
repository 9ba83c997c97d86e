//! Steps and windows: at which times a card's query is evaluated.
use crate::data::discovery::intervals::ScrapeIntervals;
use crate::state::time_range::TimeRange;
use catalogue::{Counting, DrawStyle, Window, WindowKind};

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
    pub window: Window,
    /// The time after which a value no longer changes: the samples around it have arrived.
    pub settling_ms: i64,
}

/// How long the slowest scrape may take, in milliseconds, before its samples have arrived.
const MAX_SCRAPE_MS: i64 = 10_000;

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
    /// The grid of a graph over a range, at the server's `now_ms`. No window ends in the future. Bars of a server that
    /// interpolates begin where the one before ends, and so wait for the first samples after their end.
    pub fn over(
        range: TimeRange,
        now_ms: i64,
        intervals: ScrapeIntervals,
        style: DrawStyle,
        counting: Counting,
    ) -> Self {
        let step_ms = step_ms(range.length_ms(), intervals.shortest_ms, style);
        let grid = Self::with_step(range, intervals, step_ms);
        let is_adjacent = style == DrawStyle::Bars && counting.is_anchored();
        let complete_ms = if is_adjacent { now_ms - intervals.longest_ms } else { now_ms };
        let end_ms = grid.end_ms.min(complete_ms.div_euclid(step_ms) * step_ms).max(grid.start_ms);
        let window = match is_adjacent {
            true => Window { length_ms: step_ms, kind: WindowKind::Adjacent },
            false => grid.window,
        };
        Self { end_ms, window, ..grid }
    }

    /// The grid of at most `steps` steps over a range, with a step for each scrape if there is room. The last time is at
    /// or after the end of the range, so that the newest samples are in: it is for values that need no whole window.
    pub(crate) fn fine(range: TimeRange, intervals: ScrapeIntervals, steps: i64) -> Self {
        Self::with_step(range, intervals, fine_step_ms(range.length_ms(), intervals.shortest_ms, steps))
    }

    fn with_step(range: TimeRange, intervals: ScrapeIntervals, step_ms: i64) -> Self {
        Self {
            start_ms: range.start_ms.div_euclid(step_ms) * step_ms,
            end_ms: (range.end_ms + step_ms - 1).div_euclid(step_ms) * step_ms,
            step_ms,
            window: Window::sliding(window_ms(step_ms, intervals.longest_ms)),
            settling_ms: 2 * intervals.longest_ms + MAX_SCRAPE_MS,
        }
    }

    /// Where to continue when the values up to `known_ms` are known: from the first value whose window, or the lookback
    /// of a late scrape, can have changed since.
    pub fn tail_start_ms(&self, known_ms: i64) -> i64 {
        let repeated = self.window.length_ms.div_euclid(self.step_ms) + 1;
        (known_ms - repeated * self.step_ms).max(self.start_ms)
    }

    /// Whether all values are known that were queried at `known_ms` for the grid `old`.
    pub(crate) fn is_settled(&self, old: &Self, known_ms: i64) -> bool {
        self.continues(old) && old.end_ms == self.end_ms && known_ms >= self.end_ms + self.settling_ms
    }

    /// Whether data of the grid `old` can be continued on this one: it contains this one's start.
    pub(crate) fn continues(&self, old: &Self) -> bool {
        old.step_ms == self.step_ms && old.start_ms <= self.start_ms && old.end_ms >= self.start_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_5_S: ScrapeIntervals = ScrapeIntervals { shortest_ms: 5000, longest_ms: 5000 };

    #[test]
    fn an_hour_has_fine_lines_and_bars_by_the_minute() {
        let (end, hour) = (1_795_000_000_123, 3_600_000);
        let range = TimeRange::new(end - hour, end);
        let lines = Grid::over(range, range.end_ms, EVERY_5_S, DrawStyle::Lines, Counting::Anchored);
        assert_eq!((lines.step_ms, lines.window), (15_000, Window::sliding(20_000)));
        assert_eq!((lines.start_ms % 15_000, lines.end_ms % 15_000), (0, 0));
        assert!(lines.start_ms <= end - hour && lines.end_ms <= end && end - lines.end_ms < 15_000);
        let bars = Grid::over(range, range.end_ms, EVERY_5_S, DrawStyle::Bars, Counting::Extrapolated);
        assert_eq!((bars.step_ms, bars.window), (60_000, Window::sliding(65_000)));
    }

    #[test]
    fn no_window_ends_in_the_future_whatever_the_range_and_the_moment() {
        for length_ms in [60_000, 300_000, 3_600_000, 86_400_000, 30 * 86_400_000] {
            for interval_ms in [1000, 5000, 15_000, 60_000] {
                for phase_ms in (0..120_000).step_by(7001) {
                    let end_ms = 1_795_000_000_000 + phase_ms;
                    let range = TimeRange::new(end_ms - length_ms, end_ms);
                    let intervals = ScrapeIntervals { shortest_ms: interval_ms, longest_ms: interval_ms };
                    for counting in [Counting::Extrapolated, Counting::Anchored] {
                        let lines = Grid::over(range, range.end_ms, intervals, DrawStyle::Lines, counting);
                        assert!(lines.end_ms <= end_ms && lines.end_ms > end_ms - lines.step_ms);
                        let bars = Grid::over(range, range.end_ms, intervals, DrawStyle::Bars, counting);
                        let complete_ms = if counting == Counting::Anchored { end_ms - interval_ms } else { end_ms };
                        assert!(bars.end_ms <= complete_ms || bars.end_ms == bars.start_ms, "{bars:?}");
                        assert!(bars.start_ms <= bars.end_ms);
                        let past = Grid::over(range, end_ms + 86_400_000, intervals, DrawStyle::Bars, counting);
                        assert!(past.end_ms >= end_ms, "a past range has all its bars");
                    }
                }
            }
        }
    }

    #[test]
    fn windows_fit_the_slowest_target_and_steps_the_quickest() {
        let intervals = ScrapeIntervals { shortest_ms: 5000, longest_ms: 60_000 };
        let range = TimeRange::new(0, 3_600_000);
        let lines = Grid::over(range, range.end_ms, intervals, DrawStyle::Lines, Counting::Extrapolated);
        assert_eq!((lines.step_ms, lines.window.length_ms), (15_000, 240_000));
    }

    #[test]
    fn bars_of_a_server_that_interpolates_do_not_overlap() {
        let range = TimeRange::new(0, 3_600_000);
        let bars = Grid::over(range, range.end_ms, EVERY_5_S, DrawStyle::Bars, Counting::Anchored);
        assert_eq!(bars.window, Window { length_ms: bars.step_ms, kind: WindowKind::Adjacent });
        assert_eq!(bars.end_ms, 3_540_000, "the last bar waits for a sample after its end");
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
    fn a_refresh_queries_the_tail_only_until_it_is_settled() {
        let range = TimeRange::new(0, 900_000);
        let grid = Grid::over(range, range.end_ms, EVERY_5_S, DrawStyle::Lines, Counting::Extrapolated);
        assert_eq!((grid.step_ms, grid.end_ms), (5000, 900_000));
        assert_eq!(grid.tail_start_ms(895_000), 870_000);
        assert_eq!(grid.tail_start_ms(0), 0);
        assert!(!grid.is_settled(&grid, 919_999) && grid.is_settled(&grid, 920_000));
        let earlier = Grid { end_ms: 895_000, ..grid };
        assert!(!grid.is_settled(&earlier, 2_000_000), "there is a step to query");
    }
}
