//! Ranges as a person writes them: `90m`, `yesterday`, `2026-11-20 14:00 to 15:30`.
use crate::state::time_range::TimeRange;
use crate::state::view::{MAX_RANGE_MS, MIN_RANGE_MS, Range};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use prometheus_api::parse_duration_ms;

const DAY_MS: i64 = 86_400_000;

/// A text that is no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It says nothing that is known here.
    #[error("write 90m, today, yesterday, 2026-11-20, or 2026-11-20 14:00 to 15:30")]
    Unknown,
    /// It ends before it begins.
    #[error("the range ends before it begins")]
    Backwards,
    /// It is too short or too long to be drawn.
    #[error("a range has at least ten seconds and at most ten years")]
    Length,
}

/// A clock on the wall: how far it is ahead of UTC at a time, in milliseconds.
pub type ZoneOffset<'a> = &'a dyn Fn(i64) -> i64;

/// The range that `text` means at `now_ms`, by the clock on the `wall`.
///
/// # Errors
/// When it means none.
pub fn parse_range(text: &str, now_ms: i64, wall: ZoneOffset<'_>) -> Result<Range, RangeError> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(length_ms) = length(&text) {
        return (MIN_RANGE_MS..=MAX_RANGE_MS)
            .contains(&length_ms)
            .then_some(Range::Last(length_ms))
            .ok_or(RangeError::Length);
    }
    let today = local(now_ms, wall).date();
    let (start, end) = match split(&text) {
        Some((from, to)) => {
            let start = point(from, today, wall).ok_or(RangeError::Unknown)?;
            let end = if to == "now" { now_ms } else { end_point(to, start.day, wall).ok_or(RangeError::Unknown)? };
            (start.time_ms, end)
        }
        None => {
            let start = point(&text, today, wall).filter(|start| start.is_day).ok_or(RangeError::Unknown)?;
            (start.time_ms, utc(next(start.day)?.into(), wall).min(now_ms.max(start.time_ms + MIN_RANGE_MS)))
        }
    };
    match end - start {
        ..=0 => Err(RangeError::Backwards),
        MIN_RANGE_MS..=MAX_RANGE_MS => Ok(Range::Between(TimeRange::new(start, end))),
        _ => Err(RangeError::Length),
    }
}

/// A time of the wall clock in the form of a browser's field for date and time: `2026-11-20T14:05`.
pub fn format_field(time_ms: i64, wall: ZoneOffset<'_>) -> String {
    let local = local(time_ms, wall);
    let (year, month, day) = (local.year(), local.month(), local.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}", local.hour(), local.minute())
}

/// What such a field says, in Unix milliseconds.
pub fn parse_field(text: &str, wall: ZoneOffset<'_>) -> Option<i64> {
    let (day, time) = text.split_once('T')?;
    Some(utc(date(day)?.and_time(clock(time)?), wall))
}

/// `2026-11-20`. Written here, as are the times: chrono's own reader knows every form there is, at a price in bytes.
fn date(text: &str) -> Option<NaiveDate> {
    let (year, month, day) = numbers(text, '-')?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day?)
}

/// `14:05` or `14:05:30`.
fn clock(text: &str) -> Option<NaiveTime> {
    let (hour, minute, second) = numbers(text, ':')?;
    NaiveTime::from_hms_opt(hour, minute, second.unwrap_or(0))
}

/// Two or three numbers of digits alone.
fn numbers(text: &str, between: char) -> Option<(u32, u32, Option<u32>)> {
    let mut parts = text.split(between);
    let mut next = || {
        let part = parts.next()?;
        Some(part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten())
    };
    let (first, second, third) = (next()??, next()??, next());
    let third = match third {
        Some(third) => Some(third?),
        None => None,
    };
    parts.next().is_none().then_some((first, second, third))
}

/// `90m`, `last 90m`, `past 3 hours`, `now-2d`.
fn length(text: &str) -> Option<i64> {
    let rest = ["last ", "past ", "now-"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text).trim();
    if rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    parse_duration_ms(rest).ok().or_else(|| {
        let (count, unit) = rest.split_once(' ').unwrap_or(("1", rest));
        let unit_ms = match unit.trim_end_matches('s') {
            "second" | "sec" => 1000,
            "minute" | "min" => 60_000,
            "hour" => 3_600_000,
            "day" => DAY_MS,
            "week" => 7 * DAY_MS,
            "month" => 30 * DAY_MS,
            "year" => 365 * DAY_MS,
            _ => return None,
        };
        count.trim().parse::<i64>().ok()?.checked_mul(unit_ms)
    })
}

/// The two ends around `to`, a dash between spaces, or a dots.
fn split(text: &str) -> Option<(&str, &str)> {
    let between = [" to ", " until ", " – ", " - ", ".."];
    let (from, to) = between.iter().find_map(|between| text.split_once(between))?;
    Some((from.trim().trim_start_matches("from "), to.trim()))
}

/// A point of time, and the day that it is on.
struct Point {
    time_ms: i64,
    day: NaiveDate,
    /// A day was named and no time on it.
    is_day: bool,
}

/// `2026-11-20 14:00`, `yesterday 9:30`, `today`, `14:05:30`.
fn point(text: &str, today: NaiveDate, wall: ZoneOffset<'_>) -> Option<Point> {
    // A date and a time stand apart by a blank, or by the T of ISO 8601.
    let by_t = || text.split_once('t').filter(|(date, _)| date.len() == "2026-11-20".len());
    let (first, rest) = text.split_once(' ').or_else(by_t).unwrap_or((text, ""));
    let day = match first {
        "today" => Some(today),
        "yesterday" => today.checked_sub_days(Days::new(1)),
        other => date(other).filter(|day| (1971..2200).contains(&day.year())),
    };
    let (day, time) = match day {
        Some(day) if rest.is_empty() => return Some(Point { time_ms: utc(day.into(), wall), day, is_day: true }),
        Some(day) => (day, rest),
        None => (today, text),
    };
    Some(Point { time_ms: utc(day.and_time(clock(time.trim())?), wall), day, is_day: false })
}

/// The end of a range that begins on `day`: a time alone is on that day, and a day is over at its end.
fn end_point(text: &str, day: NaiveDate, wall: ZoneOffset<'_>) -> Option<i64> {
    let point = point(text, day, wall)?;
    if point.is_day { Some(utc(next(point.day).ok()?.into(), wall)) } else { Some(point.time_ms) }
}

fn next(day: NaiveDate) -> Result<NaiveDate, RangeError> {
    day.checked_add_days(Days::new(1)).ok_or(RangeError::Length)
}

fn local(time_ms: i64, wall: ZoneOffset<'_>) -> NaiveDateTime {
    DateTime::from_timestamp_millis(time_ms + wall(time_ms)).unwrap_or_default().naive_utc()
}

/// The time at which the wall clock shows `local`. Where it shows it twice, as an hour in autumn, one of both; where
/// never, as an hour in spring, one next to it.
fn utc(local: NaiveDateTime, wall: ZoneOffset<'_>) -> i64 {
    let shown_ms = local.and_utc().timestamp_millis();
    let guess_ms = shown_ms - wall(shown_ms);
    shown_ms - wall(guess_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Friday, 2026-11-20 15:00:00 UTC.
    const NOW_MS: i64 = 1_795_186_800_000;
    const HOUR_MS: i64 = 3_600_000;

    fn utc_wall(_: i64) -> i64 {
        0
    }

    /// Central Europe in 2026: summer from 29 March 01:00 UTC to 25 October 01:00 UTC.
    fn berlin(time_ms: i64) -> i64 {
        if (1_774_746_000_000..1_792_890_000_000).contains(&time_ms) { 2 * HOUR_MS } else { HOUR_MS }
    }

    #[test]
    fn lengths_are_the_last_so_many() {
        for (text, length_ms) in [
            ("90m", 90 * 60_000),
            (" Last 90m ", 90 * 60_000),
            ("past 3 hours", 3 * HOUR_MS),
            ("last hour", HOUR_MS),
            ("now-2d", 2 * DAY_MS),
            ("1h30m", 90 * 60_000),
            ("2 weeks", 14 * DAY_MS),
        ] {
            assert_eq!(parse_range(text, NOW_MS, &utc_wall), Ok(Range::Last(length_ms)), "{text}");
        }
    }

    #[test]
    fn days_and_times_are_by_the_wall_clock() {
        let midnight = NOW_MS - 15 * HOUR_MS;
        for (text, start, end) in [
            ("today", midnight, NOW_MS),
            ("yesterday", midnight - DAY_MS, midnight),
            ("2026-11-20", midnight, NOW_MS),
            ("2026-11-20 14:00 to 15:30", NOW_MS - HOUR_MS, NOW_MS + HOUR_MS / 2),
            ("from 2026-11-20T14:00 to now", NOW_MS - HOUR_MS, NOW_MS),
            ("13:00 - 14:30", NOW_MS - 2 * HOUR_MS, NOW_MS - HOUR_MS / 2),
            ("yesterday 9:30 to 10:00", midnight - DAY_MS + 19 * HOUR_MS / 2, midnight - DAY_MS + 10 * HOUR_MS),
            ("2026-11-18 to 2026-11-19", midnight - 2 * DAY_MS, midnight),
        ] {
            assert_eq!(parse_range(text, NOW_MS, &utc_wall), Ok(Range::Between(TimeRange::new(start, end))), "{text}");
        }
        let hour_east = parse_range("13:00 to 14:00", NOW_MS, &berlin);
        assert_eq!(hour_east, Ok(Range::Between(TimeRange::new(NOW_MS - 3 * HOUR_MS, NOW_MS - 2 * HOUR_MS))));
    }

    #[test]
    fn days_on_which_the_clock_changes_have_23_and_25_hours() {
        let length = |day: &str| match parse_range(day, NOW_MS, &berlin) {
            Ok(Range::Between(range)) => range.length_ms() / HOUR_MS,
            other => panic!("{other:?}"),
        };
        assert_eq!((length("2026-03-28"), length("2026-03-29"), length("2026-10-25")), (24, 23, 25));
        for time in ["2026-10-25T00:30", "2026-10-25T04:00", "2026-03-29T04:00"] {
            let time_ms = parse_field(time, &berlin).expect("a time");
            assert_eq!(format_field(time_ms, &berlin), time);
        }
    }

    #[test]
    fn what_is_no_range_says_what_to_write() {
        for text in ["", "soon", "90", "25:00 to 26:00", "2026-13-01", "9999-01-01", "to", "a to b", "14:00", "--"] {
            assert_eq!(parse_range(text, NOW_MS, &utc_wall), Err(RangeError::Unknown), "{text}");
        }
        assert_eq!(parse_range("15:00 to 14:00", NOW_MS, &utc_wall), Err(RangeError::Backwards));
        assert_eq!(parse_range("1ms", NOW_MS, &utc_wall), Err(RangeError::Length));
        assert_eq!(parse_range("1000y", NOW_MS, &utc_wall), Err(RangeError::Length));
    }
}
