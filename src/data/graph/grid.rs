//! Steps and windows: which points of time a card asks for.
use crate::wasm_size::sort::sort_by;
use catalogue::DrawStyle;

/// The points at which a card's query is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// First point, Unix milliseconds, a multiple of the step.
    pub start_ms: i64,
    /// Last point.
    pub end_ms: i64,
    /// Their distance.
    pub step_ms: i64,
    /// The window of a rate.
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

/// Scrape interval assumed until it has been measured.
pub(crate) const USUAL_INTERVAL_MS: i64 = 15_000;

/// The step for a range of that length: as fine as the eye can use and the scrapes give.
pub(crate) fn step_ms(length_ms: i64, interval_ms: i64, look: DrawStyle) -> i64 {
    let points = match look {
        DrawStyle::Lines => 240,
        DrawStyle::Bars => 60,
    };
    round_step_ms(length_ms / points, interval_ms)
}

/// The step for `points` points on a range; the very interval where there is room for each scrape.
pub(crate) fn fine_step_ms(length_ms: i64, interval_ms: i64, points: i64) -> i64 {
    let finest = length_ms / points;
    if finest <= interval_ms { interval_ms } else { round_step_ms(finest, interval_ms) }
}

fn round_step_ms(finest: i64, interval_ms: i64) -> i64 {
    let finest = finest.max(interval_ms);
    STEPS_MS.into_iter().find(|step| *step >= finest).unwrap_or_else(|| finest - finest % 86_400_000 + 86_400_000)
}

/// The window of a rate: it always holds at least two scrapes, and misses none between two steps.
pub(crate) fn window_ms(step_ms: i64, interval_ms: i64) -> i64 {
    (step_ms + interval_ms).max(4 * interval_ms)
}

impl Grid {
    /// The grid over a range. The last point lies at or after the end, so that what has just happened is on it.
    pub fn over(range: (i64, i64), interval_ms: i64, look: DrawStyle) -> Self {
        let step_ms = step_ms(range.1 - range.0, interval_ms, look);
        Self {
            start_ms: range.0.div_euclid(step_ms) * step_ms,
            end_ms: (range.1 + step_ms - 1).div_euclid(step_ms) * step_ms,
            step_ms,
            window_ms: window_ms(step_ms, interval_ms),
        }
    }

    /// From where to ask again when the points up to `known_ms` are there: those whose window, or the lookback of a
    /// late scrape, can have changed since.
    pub fn tail_start_ms(&self, known_ms: i64) -> i64 {
        let redone = self.window_ms.div_euclid(self.step_ms) + 1;
        (known_ms - redone * self.step_ms).max(self.start_ms)
    }
}

/// The scrape interval behind series of `up` with their times in seconds: the median distance, to a tenth of a second.
pub(crate) fn interval_ms<'a>(series: impl Iterator<Item = &'a [(f64, prometheus_api::Number)]>) -> Option<i64> {
    let mut distances: Vec<i64> = series
        .flat_map(|points| points.windows(2).map(|pair| ((pair[1].0 - pair[0].0) * 10.0).round() as i64 * 100))
        .filter(|distance| *distance > 0)
        .collect();
    sort_by(&mut distances, i64::cmp);
    distances.get(distances.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_api::Number;

    #[test]
    fn an_hour_has_fine_lines_and_bars_by_the_minute() {
        let (end, hour) = (1_795_000_000_123, 3_600_000);
        let lines = Grid::over((end - hour, end), 5000, DrawStyle::Lines);
        assert_eq!((lines.step_ms, lines.window_ms), (15_000, 20_000));
        assert_eq!((lines.start_ms % 15_000, lines.end_ms % 15_000), (0, 0));
        assert!(lines.start_ms <= end - hour && lines.end_ms >= end && lines.end_ms - end < 15_000);
        assert_eq!(Grid::over((end - hour, end), 5000, DrawStyle::Bars).step_ms, 60_000);
    }

    #[test]
    fn no_step_is_finer_than_the_scrapes() {
        assert_eq!(step_ms(300_000, 5000, DrawStyle::Lines), 5000);
        assert_eq!(step_ms(300_000, 60_000, DrawStyle::Lines), 60_000);
        assert_eq!(step_ms(300_000, 20_000, DrawStyle::Lines), 30_000);
    }

    #[test]
    fn states_are_asked_for_at_each_scrape_while_there_is_room() {
        assert_eq!(fine_step_ms(60_000, 250, 1000), 250);
        assert_eq!(fine_step_ms(900_000, 20_000, 1000), 20_000);
        assert_eq!(fine_step_ms(86_400_000, 5000, 1000), 120_000);
    }

    #[test]
    fn even_years_stay_below_the_limit_on_points() {
        for days in [1, 30, 365, 3650] {
            let length = days * 86_400_000;
            assert!(length / step_ms(length, 5000, DrawStyle::Lines) <= 240, "{days}");
        }
    }

    #[test]
    fn a_refresh_asks_for_the_tail_only() {
        let grid = Grid { start_ms: 0, end_ms: 900_000, step_ms: 5000, window_ms: 20_000 };
        assert_eq!(grid.tail_start_ms(895_000), 870_000);
        assert_eq!(grid.tail_start_ms(0), 0);
    }

    #[test]
    fn the_interval_is_what_most_scrapes_kept() {
        let at = |times: &[f64]| times.iter().map(|time| (*time, Number(1.0))).collect::<Vec<_>>();
        let series = [at(&[0.0, 5.003, 10.001, 25.0]), at(&[1.0, 5.98])];
        assert_eq!(interval_ms(series.iter().map(Vec::as_slice)), Some(5000));
        assert_eq!(interval_ms([at(&[3.0])].iter().map(Vec::as_slice)), None);
    }
}
