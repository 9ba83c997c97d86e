//! The view: everything that the link holds.
use crate::state::embed::Embed;
use crate::state::model_table::ModelTableOptions;
use crate::state::options_by_graph::OptionsByGraph;
use crate::state::replica_table::ReplicaTableOptions;
use crate::state::time_range::TimeRange;
use crate::state::time_zone::TimeZone;
use catalogue::{Scope, Section};

/// What is on screen. All of it is in the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The selected scope.
    pub scope: Scope,
    /// The open section; none for the first that has data.
    pub section: Option<Section>,
    /// The selected range.
    pub range: Range,
    /// Auto-refresh.
    pub refresh: Refresh,
    /// The zone of the times shown.
    pub time_zone: TimeZone,
    /// What an embed shows; none if the page is not embedded.
    pub embed: Option<Embed>,
    /// Whether request rates are per minute.
    pub is_per_minute: bool,
    /// How the table of models is shown.
    pub model_table: ModelTableOptions,
    /// How the table of replicas is shown.
    pub replica_table: ReplicaTableOptions,
    /// How the cards are shown.
    pub card_options: OptionsByGraph,
}

impl View {
    /// This view with the scope, section and range of a step of the history. How things are shown stays.
    pub fn with_step(self, step: Self) -> Self {
        Self { scope: step.scope, section: step.section, range: step.range, ..self }
    }
}

impl Default for View {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            section: None,
            range: Range::Last(DEFAULT_RANGE_MS),
            refresh: Refresh::DEFAULT,
            time_zone: TimeZone::Browser,
            embed: None,
            is_per_minute: false,
            model_table: ModelTableOptions::default(),
            replica_table: ReplicaTableOptions::default(),
            card_options: OptionsByGraph::default(),
        }
    }
}

/// A range as it is selected: it may follow the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// The last milliseconds up to now.
    Last(i64),
    /// A fixed range.
    Between(TimeRange),
}

/// The range of a first visit: short enough to fill up while a person watches a new server.
pub const DEFAULT_RANGE_MS: i64 = 15 * 60_000;

/// The distance of two fingers, in CSS pixels; closer ones count as this far apart.
const MIN_PINCH_PX: f64 = 24.0;

/// The shortest range, in milliseconds.
pub const MIN_RANGE_MS: i64 = 10_000;

/// The longest range: ten years.
pub const MAX_RANGE_MS: i64 = 10 * 366 * 86_400_000;

/// The ranges of the menu, with their names.
pub const PRESETS: [(i64, &str); 12] = [
    (5 * 60_000, "Last 5 minutes"),
    (15 * 60_000, "Last 15 minutes"),
    (30 * 60_000, "Last 30 minutes"),
    (3_600_000, "Last hour"),
    (3 * 3_600_000, "Last 3 hours"),
    (6 * 3_600_000, "Last 6 hours"),
    (12 * 3_600_000, "Last 12 hours"),
    (24 * 3_600_000, "Last 24 hours"),
    (2 * 86_400_000, "Last 2 days"),
    (7 * 86_400_000, "Last 7 days"),
    (30 * 86_400_000, "Last 30 days"),
    (90 * 86_400_000, "Last 90 days"),
];

/// Days of the menu: what a person writes for them, and their names.
pub const DAYS: [(&str, &str); 2] = [("today", "Today"), ("yesterday", "Yesterday")];

/// Where two fingers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PinchPoint {
    /// The middle between them, as a share of the width of the graph.
    pub middle: f64,
    /// Their distance in CSS pixels.
    pub distance_px: f64,
}

impl Range {
    /// The range at `now_ms`.
    pub fn resolve(self, now_ms: i64) -> TimeRange {
        match self {
            Self::Last(length_ms) => TimeRange::new(now_ms - length_ms, now_ms),
            Self::Between(range) => range,
        }
    }

    /// The range half its length earlier (`by` −1) or later (1). One that would end after `now_ms` ends now instead.
    pub fn panned(self, by: i64, now_ms: i64) -> Self {
        let range = self.resolve(now_ms);
        let length_ms = range.length_ms();
        let shift_ms = by * length_ms / 2;
        if range.end_ms + shift_ms >= now_ms { Self::Last(length_ms) } else { Self::Between(range.shifted(shift_ms)) }
    }

    /// The range with `factor` times its length and the same middle. One that ends now still ends now.
    pub fn zoomed(self, factor: f64, now_ms: i64) -> Self {
        let length_ms = ((self.length_ms() as f64 * factor) as i64).max(MIN_RANGE_MS);
        match self {
            Self::Last(_) => Self::Last(length_ms),
            Self::Between(range) => {
                let start_ms = i64::midpoint(range.start_ms, range.end_ms) - length_ms / 2;
                if start_ms + length_ms >= now_ms {
                    Self::Last(length_ms)
                } else {
                    Self::Between(TimeRange::new(start_ms, start_ms + length_ms))
                }
            }
        }
    }

    /// The range after a pinch that began over `start`. What was under the middle of the fingers stays under it, but a
    /// range that would end after `now_ms` ends now.
    pub fn pinched(start: TimeRange, before: PinchPoint, after: PinchPoint, now_ms: i64) -> Self {
        // Fingers that start side by side would turn any movement into a large zoom.
        let factor = before.distance_px.max(MIN_PINCH_PX) / after.distance_px.max(MIN_PINCH_PX);
        let length_ms = start.length_ms() as f64;
        let held_ms = start.start_ms as f64 + before.middle * length_ms;
        let length_ms = (length_ms * factor).clamp(MIN_RANGE_MS as f64, MAX_RANGE_MS as f64).round();
        let start_ms = (held_ms - after.middle * length_ms).round() as i64;
        let length_ms = length_ms as i64;
        if start_ms + length_ms >= now_ms {
            Self::Last(length_ms)
        } else {
            Self::Between(TimeRange::new(start_ms, start_ms + length_ms))
        }
    }

    /// The length in milliseconds.
    pub fn length_ms(self) -> i64 {
        match self {
            Self::Last(length_ms) => length_ms,
            Self::Between(range) => range.length_ms(),
        }
    }

    /// The range between two times in either order, extended to [`MIN_RANGE_MS`] if it is shorter.
    pub fn between(one_ms: i64, other_ms: i64) -> Self {
        let (start_ms, end_ms) = (one_ms.min(other_ms), one_ms.max(other_ms));
        let missing = (MIN_RANGE_MS - (end_ms - start_ms)).max(0);
        Self::Between(TimeRange::new(start_ms - missing / 2, end_ms + missing - missing / 2))
    }
}

/// Auto-refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Whether it is on.
    pub is_on: bool,
    /// The interval in milliseconds, kept while it is off.
    pub interval_ms: i64,
}

impl Refresh {
    /// The setting of a first visit.
    pub const DEFAULT: Self = Self { is_on: true, interval_ms: 5000 };

    /// The intervals of the menu, in milliseconds.
    pub const INTERVALS_MS: [i64; 7] = [1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_between_two_times_is_ordered_and_long_enough() {
        assert_eq!(Range::between(50_000, 20_000), Range::Between(TimeRange::new(20_000, 50_000)));
        assert_eq!(Range::between(20_000, 20_000), Range::Between(TimeRange::new(15_000, 25_000)));
    }

    #[test]
    fn panning_ends_at_now() {
        let earlier = Range::Last(1000).panned(-1, 50_000);
        assert_eq!(earlier, Range::Between(TimeRange::new(48_500, 49_500)));
        assert_eq!(earlier.panned(-1, 50_000), Range::Between(TimeRange::new(48_000, 49_000)));
        assert_eq!(earlier.panned(1, 50_000), Range::Last(1000));
    }

    #[test]
    fn zooming_keeps_the_middle() {
        let now_ms = 1_000_000;
        assert_eq!(Range::Last(60_000).zoomed(0.5, now_ms), Range::Last(30_000));
        assert_eq!(
            Range::Between(TimeRange::new(100_000, 200_000)).zoomed(2.0, now_ms),
            Range::Between(TimeRange::new(50_000, 250_000))
        );
        assert_eq!(Range::Between(TimeRange::new(100_000, 115_000)).zoomed(0.5, now_ms).length_ms(), MIN_RANGE_MS);
        assert_eq!(Range::Between(TimeRange::new(900_000, 990_000)).zoomed(2.0, now_ms), Range::Last(180_000));
    }

    #[test]
    fn a_pinch_keeps_what_is_under_its_middle() {
        const HOUR_MS: i64 = 3_600_000;
        let now_ms = 1_795_000_000_000;
        let (start_ms, end_ms) = (now_ms - 6 * HOUR_MS, now_ms - 2 * HOUR_MS);
        let point = |(middle, distance_px): (f64, f64)| PinchPoint { middle, distance_px };
        let pinched =
            |before, after| Range::pinched(TimeRange::new(start_ms, end_ms), point(before), point(after), now_ms);
        let between = |from: f64, to: f64| {
            let at = |hours: f64| start_ms + (hours * HOUR_MS as f64) as i64;
            Range::Between(TimeRange::new(at(from), at(to)))
        };
        assert_eq!(pinched((0.5, 100.0), (0.5, 200.0)), between(1.0, 3.0), "apart: into the middle");
        assert_eq!(pinched((0.25, 100.0), (0.25, 200.0)), between(0.5, 2.5), "apart: into a quarter");
        assert_eq!(pinched((0.5, 200.0), (0.5, 160.0)), between(-0.5, 4.5), "together: out");
        assert_eq!(pinched((0.5, 100.0), (0.75, 100.0)), between(-1.0, 3.0), "both to the right: earlier");
        assert_eq!(pinched((0.5, 100.0), (0.25, 100.0)), between(1.0, 5.0), "both to the left: later");
        assert_eq!(pinched((0.5, 100.0), (0.0, 50.0)), Range::Last(8 * HOUR_MS), "a range ends now at the latest");
    }

    #[test]
    fn a_pinch_has_limits() {
        let now_ms = 1_795_000_000_000;
        let point = |distance_px: f64| PinchPoint { middle: 0.5, distance_px };
        let pinched = |length_ms: i64, before: f64, after: f64| {
            Range::pinched(
                TimeRange::new(now_ms - 2 * length_ms, now_ms - length_ms),
                point(before),
                point(after),
                now_ms,
            )
            .length_ms()
        };
        assert_eq!(pinched(MIN_RANGE_MS, 50.0, 5000.0), MIN_RANGE_MS);
        assert_eq!(pinched(MAX_RANGE_MS, 5000.0, 50.0), MAX_RANGE_MS);
        // Fingers side by side, or in the same place.
        assert_eq!(pinched(3_600_000, 0.0, 0.0), 3_600_000);
        assert_eq!(pinched(3_600_000, 2.0, 48.0), 1_800_000);
        assert!(pinched(3_600_000, f64::NAN, f64::INFINITY) >= MIN_RANGE_MS);
    }

    #[test]
    fn the_last_minutes_move_with_the_clock() {
        assert_eq!(Range::Last(1000).resolve(5000), TimeRange::new(4000, 5000));
        assert_eq!(Range::Between(TimeRange::new(1, 2)).resolve(5000), TimeRange::new(1, 2));
    }
}
