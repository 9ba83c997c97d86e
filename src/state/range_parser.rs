//! Parses time ranges as a person writes them: `90m`, `yesterday`, `14:05`, `last week`, `2026-11-20 14:00 to 15:30`.
use crate::state::time_range::TimeRange;
use crate::state::view::{MAX_RANGE_MS, MIN_RANGE_MS, Range};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use prometheus_api::parse_duration_ms;

const DAY_MS: i64 = 86_400_000;

/// What is shown before and after a moment.
const AROUND_MS: i64 = 30 * 60_000;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Why a text is no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It has an unknown form.
    #[error("write 90m, 14:05, today, yesterday, this week, last week, since 9:00, or 2026-11-20 14:00 to 15:30")]
    Unknown,
    /// It begins with a restart that is not known.
    #[error("there is no restart in the visible range: choose a longer one first")]
    NoRestart,
    /// It ends before it begins.
    #[error("the range ends before it begins")]
    Backwards,
    /// It is too short or too long.
    #[error("a range has at least ten seconds and at most ten years")]
    Length,
}

/// How far local time is ahead of UTC at a time, in milliseconds.
pub type ZoneOffset<'a> = &'a dyn Fn(i64) -> i64;

/// Whether a text means the time since the last restart.
pub fn is_since_restart(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    ["since restart", "since the restart", "since last restart", "since the last restart"].contains(&text.as_str())
}

/// The range that `text` means at `now_ms` in a time zone.
///
/// # Errors
/// When the text is no range.
pub fn parse_range(text: &str, now_ms: i64, offset: ZoneOffset<'_>) -> Result<Range, RangeError> {
    let text = text.trim().to_ascii_lowercase();
    let today = local(now_ms, offset).date();
    if let Some((first, next)) = calendar_period(&text, today) {
        let (start_ms, end_ms) = (utc(first.into(), offset), utc(next.into(), offset));
        return Ok(Range::Between(TimeRange::new(start_ms, end_ms.min(now_ms.max(start_ms + MIN_RANGE_MS)))));
    }
    if let Some(length_ms) = parse_length(&text) {
        return (MIN_RANGE_MS..=MAX_RANGE_MS)
            .contains(&length_ms)
            .then_some(Range::Last(length_ms))
            .ok_or(RangeError::Length);
    }
    let (start, end) = match split(&text) {
        Some((from, to)) => {
            let start = parse_time(from, today, offset).ok_or(RangeError::Unknown)?;
            let end = if to == "now" { now_ms } else { parse_end(to, start.day, offset).ok_or(RangeError::Unknown)? };
            (start.time_ms, end)
        }
        None => match text.strip_prefix("since ") {
            Some(start) => (parse_past(start, today, now_ms, offset).ok_or(RangeError::Unknown)?.time_ms, now_ms),
            None => around(&parse_past(&text, today, now_ms, offset).ok_or(RangeError::Unknown)?, now_ms, offset)?,
        },
    };
    match end - start {
        ..=0 => Err(RangeError::Backwards),
        MIN_RANGE_MS..=MAX_RANGE_MS => Ok(Range::Between(TimeRange::new(start, end))),
        _ => Err(RangeError::Length),
    }
}

/// A whole day, or what is around a moment; nothing after `now_ms`.
fn around(time: &ParsedTime, now_ms: i64, offset: ZoneOffset<'_>) -> Result<(i64, i64), RangeError> {
    let (start_ms, end_ms) = match time.is_day {
        true => (time.time_ms, utc(next_day(time.day)?.into(), offset)),
        false => (time.time_ms - AROUND_MS, time.time_ms + AROUND_MS),
    };
    Ok((start_ms, end_ms.min(now_ms.max(start_ms + MIN_RANGE_MS))))
}

/// The first day of a week or month and the day after its last: `this week`, `last month`, or the last `monday`. Weeks begin
/// on Mondays, as in ISO 8601.
fn calendar_period(text: &str, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let weekday = today.weekday().num_days_from_monday();
    let monday = today.checked_sub_days(Days::new(weekday.into()))?;
    let first = today.with_day(1)?;
    let after = |day: NaiveDate, days: u64| day.checked_add_days(Days::new(days));
    match text {
        "this week" => Some((monday, after(monday, 7)?)),
        "last week" => Some((monday.checked_sub_days(Days::new(7))?, monday)),
        "this month" => Some((first, first.checked_add_months(Months::new(1))?)),
        "last month" => Some((first.checked_sub_months(Months::new(1))?, first)),
        _ => {
            let wanted = WEEKDAYS.iter().position(|name| *name == text)? as u32;
            let day = today.checked_sub_days(Days::new(((weekday + 7 - wanted) % 7).into()))?;
            Some((day, after(day, 1)?))
        }
    }
}

/// The local time in the form of an `<input type="datetime-local">`: `2026-11-20T14:05`.
pub fn format_field(time_ms: i64, offset: ZoneOffset<'_>) -> String {
    let local = local(time_ms, offset);
    let (year, month, day) = (local.year(), local.month(), local.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}", local.hour(), local.minute())
}

/// The time of such an input, in Unix milliseconds.
pub fn parse_field(text: &str, offset: ZoneOffset<'_>) -> Option<i64> {
    let (day, time) = text.split_once('T')?;
    Some(utc(parse_date(day)?.and_time(parse_clock(time)?), offset))
}

/// Parses `2026-11-20`. Chrono's own parser, which knows every form there is, costs several kilobytes.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let (year, month, day) = parse_numbers(text, '-')?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day?)
}

/// Parses `14:05` or `14:05:30`.
fn parse_clock(text: &str) -> Option<NaiveTime> {
    let (hour, minute, second) = parse_numbers(text, ':')?;
    NaiveTime::from_hms_opt(hour, minute, second.unwrap_or(0))
}

/// Parses two or three numbers that consist of digits only.
fn parse_numbers(text: &str, between: char) -> Option<(u32, u32, Option<u32>)> {
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

/// Parses a length in milliseconds: `90m`, `last 90m`, `past 3 hours`, `now-2d`.
fn parse_length(text: &str) -> Option<i64> {
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

/// Splits a range at `to`, at a dash between spaces, or at two dots.
fn split(text: &str) -> Option<(&str, &str)> {
    let between = [" to ", " until ", " – ", " - ", ".."];
    let (from, to) = between.iter().find_map(|between| text.split_once(between))?;
    Some((from.trim().trim_start_matches("from "), to.trim()))
}

/// A time, and the day that it is on.
struct ParsedTime {
    time_ms: i64,
    day: NaiveDate,
    /// Whether the text is a day without a time.
    is_day: bool,
}

/// Parses `2026-11-20 14:00`, `yesterday 9:30`, `today` or `14:05:30`.
fn parse_time(text: &str, today: NaiveDate, offset: ZoneOffset<'_>) -> Option<ParsedTime> {
    // A space or the T of ISO 8601 separates date and time.
    let by_t = || text.split_once('t').filter(|(date, _)| date.len() == "2026-11-20".len());
    let (first, rest) = text.split_once(' ').or_else(by_t).unwrap_or((text, ""));
    let day = match first {
        "today" => Some(today),
        "yesterday" => today.checked_sub_days(Days::new(1)),
        other => parse_date(other).filter(|day| (1971..2200).contains(&day.year())),
    };
    let (day, time) = match day {
        Some(day) if rest.is_empty() => {
            return Some(ParsedTime { time_ms: utc(day.into(), offset), day, is_day: true });
        }
        Some(day) => (day, rest),
        None => (today, text),
    };
    Some(ParsedTime { time_ms: utc(day.and_time(parse_clock(time.trim())?), offset), day, is_day: false })
}

/// As [`parse_time`], but a time of day that is still to come is that of yesterday.
fn parse_past(text: &str, today: NaiveDate, now_ms: i64, offset: ZoneOffset<'_>) -> Option<ParsedTime> {
    let time = parse_time(text, today, offset)?;
    let is_to_come = time.time_ms > now_ms && parse_clock(text.trim()).is_some();
    if is_to_come { parse_time(text, today.checked_sub_days(Days::new(1))?, offset) } else { Some(time) }
}

/// Parses the end of a range that begins on `day`: a time without a day is on that day, and a day counts as a whole.
fn parse_end(text: &str, day: NaiveDate, offset: ZoneOffset<'_>) -> Option<i64> {
    let point = parse_time(text, day, offset)?;
    if point.is_day { Some(utc(next_day(point.day).ok()?.into(), offset)) } else { Some(point.time_ms) }
}

fn next_day(day: NaiveDate) -> Result<NaiveDate, RangeError> {
    day.checked_add_days(Days::new(1)).ok_or(RangeError::Length)
}

fn local(time_ms: i64, offset: ZoneOffset<'_>) -> NaiveDateTime {
    DateTime::from_timestamp_millis(time_ms + offset(time_ms)).unwrap_or_default().naive_utc()
}

/// The time of a local time. A local time that occurs twice, when clocks go back, gives one of both; one that is skipped,
/// when they go forward, gives a time close by.
fn utc(local: NaiveDateTime, offset: ZoneOffset<'_>) -> i64 {
    let shown_ms = local.and_utc().timestamp_millis();
    let guess_ms = shown_ms - offset(shown_ms);
    shown_ms - offset(guess_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Friday, 2026-11-20 15:00:00 UTC.
    const NOW_MS: i64 = 1_795_186_800_000;
    const HOUR_MS: i64 = 3_600_000;

    fn utc_offset(_: i64) -> i64 {
        0
    }

    /// Central Europe in 2026: summer from 29 March 01:00 UTC to 25 October 01:00 UTC.
    fn berlin(time_ms: i64) -> i64 {
        if (1_774_746_000_000..1_792_890_000_000).contains(&time_ms) { 2 * HOUR_MS } else { HOUR_MS }
    }

    #[test]
    fn a_length_is_a_range_up_to_now() {
        for (text, length_ms) in [
            ("90m", 90 * 60_000),
            (" Last 90m ", 90 * 60_000),
            ("past 3 hours", 3 * HOUR_MS),
            ("last hour", HOUR_MS),
            ("now-2d", 2 * DAY_MS),
            ("1h30m", 90 * 60_000),
            ("2 weeks", 14 * DAY_MS),
            ("last 7 days", 7 * DAY_MS),
        ] {
            assert_eq!(parse_range(text, NOW_MS, &utc_offset), Ok(Range::Last(length_ms)), "{text}");
        }
    }

    #[test]
    fn days_and_times_are_local() {
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
            ("14:05", NOW_MS - 85 * 60_000, NOW_MS - 25 * 60_000),
            ("today 14:45", NOW_MS - 45 * 60_000, NOW_MS),
            ("2026-11-19 14:00", NOW_MS - 25 * HOUR_MS - HOUR_MS / 2, NOW_MS - 25 * HOUR_MS + HOUR_MS / 2),
            ("since 9:00", NOW_MS - 6 * HOUR_MS, NOW_MS),
            ("since yesterday", midnight - DAY_MS, NOW_MS),
            ("since 23:00", midnight - HOUR_MS, NOW_MS),
            ("22:30", midnight - 2 * HOUR_MS, midnight - HOUR_MS),
            ("this week", midnight - 4 * DAY_MS, NOW_MS),
            ("last week", midnight - 11 * DAY_MS, midnight - 4 * DAY_MS),
            ("this month", midnight - 19 * DAY_MS, NOW_MS),
            ("last month", midnight - 50 * DAY_MS, midnight - 19 * DAY_MS),
            ("Friday", midnight, NOW_MS),
            ("saturday", midnight - 6 * DAY_MS, midnight - 5 * DAY_MS),
        ] {
            assert_eq!(
                parse_range(text, NOW_MS, &utc_offset),
                Ok(Range::Between(TimeRange::new(start, end))),
                "{text}"
            );
        }
        let hour_east = parse_range("13:00 to 14:00", NOW_MS, &berlin);
        assert_eq!(hour_east, Ok(Range::Between(TimeRange::new(NOW_MS - 3 * HOUR_MS, NOW_MS - 2 * HOUR_MS))));
    }

    #[test]
    fn days_with_a_clock_change_have_23_and_25_hours() {
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
    fn errors_say_what_is_wrong() {
        for text in
            ["", "soon", "90", "25:00 to 26:00", "2026-13-01", "9999-01-01", "to", "a to b", "since", "since x", "--"]
        {
            assert_eq!(parse_range(text, NOW_MS, &utc_offset), Err(RangeError::Unknown), "{text}");
        }
        assert_eq!(parse_range("15:00 to 14:00", NOW_MS, &utc_offset), Err(RangeError::Backwards));
        assert_eq!(parse_range("1ms", NOW_MS, &utc_offset), Err(RangeError::Length));
        assert_eq!(parse_range("1000y", NOW_MS, &utc_offset), Err(RangeError::Length));
    }
}
