//! Ticks of the axes: round values, and round times in local time.
use chrono::{DateTime, Datelike};

/// The largest value of an axis: the difference of two values must not overflow.
const MAX_VALUE: f64 = 1e307;

/// The smallest domain that includes all finite values of `columns`, zero and the `ceiling`.
pub fn value_domain<'a>(columns: impl Iterator<Item = &'a [f64]>, ceiling: Option<f64>) -> (f64, f64) {
    let (low, high) = columns.fold((0.0, ceiling.unwrap_or(0.0)), extended);
    let (low, high) = (low.max(-MAX_VALUE), high.min(MAX_VALUE));
    if high > low { (low, high) } else { (low, low + 1.0) }
}

/// The smallest domain that includes all finite values of `columns`; none if they are all the same.
pub fn fitted_domain<'a>(columns: impl Iterator<Item = &'a [f64]>) -> Option<(f64, f64)> {
    let (low, high) = columns.fold((f64::INFINITY, f64::NEG_INFINITY), extended);
    let (low, high) = (low.max(-MAX_VALUE), high.min(MAX_VALUE));
    (high > low).then_some((low, high))
}

/// The domain, extended by a column. It is not generic, so it is compiled with this crate, which is optimised for speed,
/// not with its caller, which is optimised for size.
fn extended((mut low, mut high): (f64, f64), column: &[f64]) -> (f64, f64) {
    for value in column {
        // Comparisons with NaN are false, so gaps fail both.
        if *value < low && *value != f64::NEG_INFINITY {
            low = *value;
        }
        if *value > high && *value != f64::INFINITY {
            high = *value;
        }
    }
    (low, high)
}

/// Which numbers count as round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// 1, 2, 2.5 and 5 times a power of ten.
    Decimal,
    /// The same, without fractions of one.
    Whole,
    /// Powers of two, without fractions of one.
    Binary,
    /// Durations in seconds: above 5 s, 1, 2, 5, 10, 15 and 30 of the unit that people count in.
    Duration,
}

const DAY_S: f64 = 86_400.0;

/// Steps of durations above 5 s and below a day, in seconds.
const DURATION_STEPS_S: [f64; 13] =
    [10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 18_000.0, 36_000.0];

/// About `count` round values, from one at or below `low` to one at or above `high`.
pub fn value_ticks(low: f64, high: f64, count: usize, rounding: Rounding) -> Vec<f64> {
    let rough = ((high - low) / count.max(1) as f64).max(f64::MIN_POSITIVE * 1e10);
    let step = match rounding {
        Rounding::Duration if rough > 5.0 => {
            let step = DURATION_STEPS_S.into_iter().find(|step| *step >= rough * 0.999_999);
            let days = || match round_step((rough / DAY_S).max(1.0)) {
                days if days.fract() == 0.0 => days,
                _ => 5.0,
            };
            step.unwrap_or_else(|| days() * DAY_S)
        }
        Rounding::Decimal | Rounding::Duration => round_step(rough),
        Rounding::Whole if rough > 2.0 && rough <= 2.5 => 5.0,
        Rounding::Whole => round_step(rough.max(1.0)),
        Rounding::Binary => {
            let rough = rough.max(1.0);
            // The exponent bits alone, because `exp2` adds a table of four kilobytes.
            let power = f64::from_bits(rough.to_bits() & f64::INFINITY.to_bits());
            if power < rough { 2.0 * power } else { power }
        }
    };
    let (first, last) = ((low / step).floor() as i64, (high / step - 1e-9).ceil() as i64);
    (first..=last.max(first + 1)).take(4 * count.max(1)).map(|at| at as f64 * step).collect()
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powi(rough.log10().floor() as i32);
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= rough * 0.999_999).unwrap_or(10.0);
    factor * power
}

/// A time with its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeTick {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Its local time of day, or its date at midnight.
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

/// At most `count` round times in local time, which is ahead of UTC by `offset_ms` of the time.
pub fn time_ticks(start_ms: i64, end_ms: i64, count: usize, offset_ms: &dyn Fn(i64) -> i64) -> Vec<TimeTick> {
    let max_count = count.max(1) as i64;
    let step = STEPS.into_iter().find(|step| (end_ms - start_ms) / step < max_count).unwrap_or_else(|| {
        let days = (end_ms - start_ms) / DAY / max_count + 1;
        days.saturating_mul(DAY)
    });
    let local_start = start_ms + offset_ms(start_ms);
    let first = local_start.div_euclid(step) + i64::from(local_start.rem_euclid(step) != 0);
    let mut ticks: Vec<TimeTick> = Vec::new();
    // A clock that is set back repeats some times, so there are a few more candidates than ticks.
    for at in first..first + 2 * max_count + 4 {
        let local_ms = at * step;
        let guess = local_ms - offset_ms(local_ms - offset_ms(start_ms));
        let time_ms = local_ms - offset_ms(guess);
        if time_ms > end_ms {
            break;
        }
        // A clock that is set forward skips some times. If it skips midnight, the day still gets its tick.
        let exists = step >= DAY || time_ms + offset_ms(time_ms) == local_ms;
        if exists && time_ms >= start_ms && ticks.last().is_none_or(|last| last.time_ms < time_ms) {
            ticks.push(TimeTick { time_ms, label: local_label(local_ms, step) });
        }
    }
    ticks
}

fn local_label(local_ms: i64, step: i64) -> String {
    let time_of_day = local_ms.rem_euclid(DAY);
    if time_of_day == 0 {
        // chrono's own formatting would add kilobytes to the page.
        let date = DateTime::from_timestamp_millis(local_ms).unwrap_or_default();
        return format!("{} {}", MONTHS[date.month0() as usize], date.day());
    }
    let (hour, minute, second) = (time_of_day / HOUR, time_of_day % HOUR / MINUTE, time_of_day % MINUTE / SECOND);
    if step < MINUTE { format!("{hour:02}:{minute:02}:{second:02}") } else { format!("{hour:02}:{minute:02}") }
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
        for rounding in [Rounding::Decimal, Rounding::Whole, Rounding::Binary, Rounding::Duration] {
            for (low, high) in [(0.0, 5e-324), (0.0, 1e307), (-1e307, 1e307), (0.0, 1e-9)] {
                let ticks = value_ticks(low, high, 4, rounding);
                assert!(ticks.len() >= 2 && ticks.len() <= 16, "{ticks:?}");
                assert!(ticks.iter().all(|tick| tick.is_finite()), "{ticks:?}");
                assert!(ticks[0] <= low && ticks[ticks.len() - 1] >= high, "{low} {high} {ticks:?}");
            }
        }
    }

    #[test]
    fn counts_have_no_fractional_ticks() {
        assert_eq!(value_ticks(0.0, 2.0, 4, Rounding::Whole), [0.0, 1.0, 2.0]);
        assert_eq!(value_ticks(0.0, 9.0, 4, Rounding::Whole), [0.0, 5.0, 10.0]);
        assert_eq!(value_ticks(0.0, 90.0, 4, Rounding::Whole), [0.0, 25.0, 50.0, 75.0, 100.0]);
    }

    #[test]
    fn durations_have_the_steps_of_a_clock() {
        let step = |high: f64| value_ticks(0.0, high, 4, Rounding::Duration)[1];
        for (high, expected) in [
            (0.9, 0.25),
            (4.0, 1.0),
            (20.0, 5.0),
            (50.0, 15.0),
            (110.0, 30.0),
            (150.0, 60.0),
            (1000.0, 300.0),
            (2400.0, 600.0),
            (3600.0, 900.0),
            (7000.0, 1800.0),
            (14_000.0, 3600.0),
            (DAY_S, 36_000.0),
            (4.0 * DAY_S, DAY_S),
            (8.7 * DAY_S, 5.0 * DAY_S),
            (90.0 * DAY_S, 25.0 * DAY_S),
        ] {
            assert_eq!(step(high), expected, "{high}");
        }
    }

    #[test]
    fn a_domain_is_never_empty() {
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
    fn time_ticks_are_round_in_local_time() {
        let midnight = 1_795_132_800_000; // 2026-11-20T00:00:00Z
        assert_eq!(
            labels(midnight + 10 * HOUR, midnight + 11 * HOUR, 6, 0),
            ["10:00", "10:15", "10:30", "10:45", "11:00"]
        );
        assert_eq!(labels(midnight - 3 * HOUR, midnight + 4 * HOUR, 8, 0)[3], "Nov 20");
        assert_eq!(labels(midnight, midnight + MINUTE, 4, 0)[1], "00:00:30");
        // The hours of a zone with an offset of 5:45 are round in that zone.
        assert_eq!(labels(midnight, midnight + 3 * HOUR, 4, 5 * HOUR + 45 * MINUTE)[0], "06:00");
    }

    #[test]
    fn ticks_ascend_when_the_clock_is_set_back() {
        let turn = 1_792_890_000_000; // 2026-10-25T01:00:00Z, when Berlin goes from +2 h to +1 h
        let offset = |time_ms: i64| if time_ms < turn { 2 * HOUR } else { HOUR };
        let ticks = time_ticks(turn - 3 * HOUR, turn + 3 * HOUR, 8, &offset);
        assert!(ticks.windows(2).all(|pair| pair[0].time_ms < pair[1].time_ms), "{ticks:?}");
        assert!(ticks.len() >= 5, "{ticks:?}");
    }

    #[test]
    fn ticks_skip_the_hour_that_the_clock_skips() {
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
        // If the clock skips midnight, the day starts an hour later.
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
