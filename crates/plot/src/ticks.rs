//! Round numbers for the axes: values in 1, 2, 2.5 and 5, or powers of two; times by the wall clock.

/// Beyond this the difference of two values overflows; no graph needs to go there.
const LARGEST: f64 = 1e307;

/// The values that an axis must span so that all `columns` and zero are on it; with a `ceiling` at least up to there.
/// Holes and infinities do not count.
pub fn value_domain<'a>(columns: impl Iterator<Item = &'a [f64]>, ceiling: Option<f64>) -> (f64, f64) {
    let (low, high) = columns.fold((0.0, ceiling.unwrap_or(0.0)), spanning);
    let (low, high) = (low.max(-LARGEST), high.min(LARGEST));
    if high > low { (low, high) } else { (low, low + 1.0) }
}

/// A domain that spans a column too. Not generic, so that it is built for speed with this crate rather than for size with
/// its user.
fn spanning((mut low, mut high): (f64, f64), column: &[f64]) -> (f64, f64) {
    for value in column {
        // A comparison with NaN does not hold, so holes fall through both.
        if *value < low && *value != f64::NEG_INFINITY {
            low = *value;
        }
        if *value > high && *value != f64::INFINITY {
            high = *value;
        }
    }
    (low, high)
}

/// Which numbers are round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// 1, 2, 2.5 and 5 times a power of ten.
    Decimal,
    /// The same, but no parts of one.
    Whole,
    /// Powers of two.
    Binary,
}

/// About `count` round values from one at or below `low` to one at or above `high`.
pub fn value_ticks(low: f64, high: f64, count: usize, rounding: Rounding) -> Vec<f64> {
    let rough = ((high - low) / count.max(1) as f64).max(f64::MIN_POSITIVE * 1e10);
    let step = match rounding {
        Rounding::Decimal => round_step(rough),
        Rounding::Whole if rough > 2.0 && rough <= 2.5 => 5.0,
        Rounding::Whole => round_step(rough.max(1.0)),
        Rounding::Binary => {
            // The exponent alone: `exp2` comes with a table of four kilobytes.
            let power = f64::from_bits(rough.to_bits() & f64::INFINITY.to_bits());
            if power < rough { 2.0 * power } else { power }
        }
    };
    let (first, last) = ((low / step).floor() as i64, (high / step - 1e-9).ceil() as i64);
    (first..=last.max(first + 1)).take(4 * count.max(1)).map(|at| at as f64 * step).collect()
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powi(rough.log10().floor() as i32);
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= rough * 0.999_999).unwrap_or(10.0);
    factor * power
}

/// A labelled time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeTick {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Its time of day, or its date where a day begins.
    pub label: String,
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const STEPS: [i64; 22] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
    30 * DAY,
];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// At most `count` times on round places of the wall clock, which is ahead of UTC by `offset_ms` at each time.
pub fn time_ticks(start_ms: i64, end_ms: i64, count: usize, offset_ms: &dyn Fn(i64) -> i64) -> Vec<TimeTick> {
    let most = count.max(1) as i64;
    let step = STEPS.into_iter().find(|step| (end_ms - start_ms) / step < most).unwrap_or_else(|| {
        let days = (end_ms - start_ms) / DAY / most + 1;
        days.saturating_mul(DAY)
    });
    let wall_start = start_ms + offset_ms(start_ms);
    let first = wall_start.div_euclid(step) + i64::from(wall_start.rem_euclid(step) != 0);
    let mut ticks: Vec<TimeTick> = Vec::new();
    // A wall clock that is set back shows some times twice: a few more tries than ticks suffice.
    for at in first..first + 2 * most + 4 {
        let wall = at * step;
        let guess = wall - offset_ms(wall - offset_ms(start_ms));
        let time_ms = wall - offset_ms(guess);
        if time_ms > end_ms {
            break;
        }
        // A clock that is set forward never shows some times; a day begins all the same.
        let is_on_it = step >= DAY || time_ms + offset_ms(time_ms) == wall;
        if is_on_it && time_ms >= start_ms && ticks.last().is_none_or(|last| last.time_ms < time_ms) {
            ticks.push(TimeTick { time_ms, label: wall_label(wall, step) });
        }
    }
    ticks
}

fn wall_label(wall_ms: i64, step: i64) -> String {
    let of_day = wall_ms.rem_euclid(DAY);
    if of_day == 0 {
        let (month, day) = month_and_day(wall_ms.div_euclid(DAY));
        return format!("{} {day}", MONTHS[month - 1]);
    }
    let (hour, minute, second) = (of_day / HOUR, of_day % HOUR / MINUTE, of_day % MINUTE / SECOND);
    if step < MINUTE { format!("{hour:02}:{minute:02}:{second:02}") } else { format!("{hour:02}:{minute:02}") }
}

/// Month (1 to 12) and day of a count of days since 1970-01-01.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn month_and_day(days: i64) -> (usize, i64) {
    let day_of_era = (days + 719_468).rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_ticks_are_round_and_cover_the_domain() {
        assert_eq!(value_ticks(0.0, 97.0, 4, Rounding::Decimal), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(value_ticks(0.0, 1.0, 4, Rounding::Decimal), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(value_ticks(-3.0, 5.0, 4, Rounding::Decimal), [-4.0, -2.0, 0.0, 2.0, 4.0, 6.0]);
        assert_eq!(value_ticks(0.0, 24.0 * 1024.0, 4, Rounding::Binary), [0.0, 8192.0, 16384.0, 24576.0]);
        for (low, high) in [(0.0, 5e-324), (0.0, 1e307), (-1e307, 1e307), (0.0, 1e-9)] {
            let ticks = value_ticks(low, high, 4, Rounding::Decimal);
            assert!(ticks.len() >= 2 && ticks.len() <= 16, "{ticks:?}");
            assert!(ticks.iter().all(|tick| tick.is_finite()), "{ticks:?}");
            assert!(ticks[0] <= low && ticks[ticks.len() - 1] >= high, "{low} {high} {ticks:?}");
        }
    }

    #[test]
    fn what_is_counted_has_no_parts() {
        assert_eq!(value_ticks(0.0, 2.0, 4, Rounding::Whole), [0.0, 1.0, 2.0]);
        assert_eq!(value_ticks(0.0, 9.0, 4, Rounding::Whole), [0.0, 5.0, 10.0]);
        assert_eq!(value_ticks(0.0, 90.0, 4, Rounding::Whole), [0.0, 25.0, 50.0, 75.0, 100.0]);
    }

    #[test]
    fn a_domain_always_has_a_height() {
        assert_eq!(value_domain([&[f64::NAN, 3.0][..], &[f64::INFINITY]].into_iter(), None), (0.0, 3.0));
        assert_eq!(value_domain([&[0.0][..]].into_iter(), None), (0.0, 1.0));
        assert_eq!(value_domain([&[0.2][..]].into_iter(), Some(1.0)), (0.0, 1.0));
        let (low, high) = value_domain([&[-1e308, 1e308][..]].into_iter(), None);
        assert!((high - low).is_finite());
    }

    fn labels(start_ms: i64, end_ms: i64, count: usize, offset_ms: i64) -> Vec<String> {
        time_ticks(start_ms, end_ms, count, &|_| offset_ms).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn time_ticks_follow_the_wall_clock() {
        let midnight = 1_795_132_800_000; // 2026-11-20T00:00:00Z
        assert_eq!(
            labels(midnight + 10 * HOUR, midnight + 11 * HOUR, 6, 0),
            ["10:00", "10:15", "10:30", "10:45", "11:00"]
        );
        assert_eq!(labels(midnight - 3 * HOUR, midnight + 4 * HOUR, 8, 0)[3], "Nov 20");
        assert_eq!(labels(midnight, midnight + MINUTE, 4, 0)[1], "00:00:30");
        // A zone five hours and three quarters ahead has its own round hours.
        assert_eq!(labels(midnight, midnight + 3 * HOUR, 4, 5 * HOUR + 45 * MINUTE)[0], "06:00");
    }

    #[test]
    fn ticks_increase_through_a_clock_set_back() {
        let turn = 1_792_890_000_000; // 2026-10-25T01:00:00Z, when Berlin goes from +2 h to +1 h
        let offset = |time_ms: i64| if time_ms < turn { 2 * HOUR } else { HOUR };
        let ticks = time_ticks(turn - 3 * HOUR, turn + 3 * HOUR, 8, &offset);
        assert!(ticks.windows(2).all(|pair| pair[0].time_ms < pair[1].time_ms), "{ticks:?}");
        assert!(ticks.len() >= 5, "{ticks:?}");
    }

    #[test]
    fn ticks_pass_over_an_hour_that_the_clock_skips() {
        let turn = 1_774_746_000_000; // 2026-03-29T01:00:00Z, when Berlin goes from +1 h to +2 h
        let offset = |time_ms: i64| if time_ms < turn { HOUR } else { 2 * HOUR };
        for (step, expected) in [
            (HOUR, &["Mar 29", "01:00", "03:00", "04:00", "05:00"][..]),
            (HOUR / 2, &["01:00", "01:30", "03:00", "03:30", "04:00", "04:30"]),
        ] {
            let count = expected.len() as i64;
            let ticks = time_ticks(turn - 2 * step, turn + (count - 3) * step, expected.len(), &offset);
            assert_eq!(ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), expected);
            assert!(ticks.windows(2).all(|pair| pair[1].time_ms - pair[0].time_ms == step), "{ticks:?}");
        }
        // Where midnight is skipped, the day begins an hour later.
        let turn = 1_774_656_000_000; // 2026-03-28T00:00:00Z
        let offset = |time_ms: i64| if time_ms < turn { 0 } else { HOUR };
        let days = time_ticks(turn - DAY, turn + DAY, 3, &offset);
        assert_eq!(days.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), ["Mar 27", "Mar 28", "Mar 29"]);
    }

    #[test]
    fn long_and_empty_ranges_have_few_ticks() {
        assert!(labels(0, 4000 * DAY, 6, 0).len() <= 7);
        assert!(labels(0, 1, 6, 0).len() <= 2);
    }
}
