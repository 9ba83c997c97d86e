//! At which moments of a range gauges are looked at, so that their peaks are kept.
use crate::data::discovery::intervals::ScrapeIntervals;
use crate::data::graph::grid::Grid;
use crate::state::time_range::TimeRange;
use catalogue::Peaks;

/// The number of moments of a range that are looked at one by one for the peaks of gauges.
const MAX_MOMENTS: i64 = 40_000;

/// The moments of one step that are looked at in a longer range.
const MOMENTS_PER_STEP: i64 = 120;

/// Samples that a server reads to find the peaks between these moments.
const MAX_PEAK_SAMPLES: i64 = 20_000_000;

/// How a grid keeps the peaks of gauges; none where no step has more than one sample.
pub(crate) fn peaks(range: TimeRange, grid: Grid, intervals: ScrapeIntervals, replicas: i64) -> Option<Peaks> {
    let (step_ms, shortest_ms) = (grid.step_ms, intervals.shortest_ms);
    if step_ms <= shortest_ms {
        return None;
    }
    // Twice as fine as the samples, so that none is missed if one is late.
    let fine_ms = shortest_ms / 2;
    if range.length_ms() / fine_ms <= MAX_MOMENTS {
        return Some(Peaks { step_ms, resolution_ms: fine_ms, is_complete: false });
    }
    let resolution_ms = (step_ms / MOMENTS_PER_STEP).max(shortest_ms);
    // Between two of these moments, the slowest target needs a sample too.
    let complete_ms = resolution_ms.max(2 * intervals.longest_ms);
    let is_affordable = range.length_ms() / shortest_ms * replicas.max(1) <= MAX_PEAK_SAMPLES;
    let is_complete = is_affordable && complete_ms <= step_ms / 4;
    Some(Peaks { step_ms, resolution_ms: if is_complete { complete_ms } else { resolution_ms }, is_complete })
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::{Counting, DrawStyle};

    #[test]
    fn the_peaks_of_a_week_are_found_between_the_moments_that_are_looked_at() {
        let intervals = ScrapeIntervals { shortest_ms: 5000, longest_ms: 5000 };
        let of = |hours: i64, replicas| {
            let range = TimeRange::new(0, hours * 3_600_000);
            let grid = Grid::over(range, range.end_ms, intervals, DrawStyle::Lines, Counting::Extrapolated);
            peaks(range, grid, intervals, replicas).map(|peaks| (peaks.resolution_ms, peaks.is_complete))
        };
        assert_eq!(of(1, 1), Some((2500, false)));
        assert_eq!(of(24, 1), Some((2500, false)));
        assert_eq!(of(168, 20), Some((30_000, true)));
        assert_eq!(of(720, 200), Some((90_000, false)), "too many samples to read them all");
        let mixed = ScrapeIntervals { shortest_ms: 1000, longest_ms: 60_000 };
        for (hours, expected) in [(6, (1000, false)), (168, (120_000, true))] {
            let range = TimeRange::new(0, hours * 3_600_000);
            let grid = Grid::over(range, range.end_ms, mixed, DrawStyle::Lines, Counting::Extrapolated);
            let found = peaks(range, grid, mixed, 4).map(|peaks| (peaks.resolution_ms, peaks.is_complete));
            assert_eq!(found, Some(expected), "a target that is scraped rarely is never missing from the sum");
        }
        let range = TimeRange::new(0, 300_000);
        let grid = Grid::over(range, 300_000, intervals, DrawStyle::Lines, Counting::Extrapolated);
        assert_eq!(peaks(range, grid, intervals, 1), None);
    }
}
