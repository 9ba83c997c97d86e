//! Times, ages and durations as text, in the selected time zone.
use crate::state::range_parser::ZoneOffset;
use crate::state::time_zone::TimeZone;
use js_sys::Date;
use leptos::prelude::*;
use std::cell::Cell;
use wasm_bindgen::JsValue;

const DAY_MS: i64 = 86_400_000;

thread_local! {
    static ZONE: Cell<Option<Memo<TimeZone>>> = const { Cell::new(None) };
}

/// Sets the time zone of all texts.
pub(crate) fn set_time_zone(zone: Memo<TimeZone>) {
    ZONE.set(Some(zone));
}

/// The offset of the selected time zone from UTC at a time, in milliseconds. Reading it tracks the time zone, so that views
/// follow a change.
pub(crate) fn offset_ms(time_ms: i64) -> i64 {
    match ZONE.get() {
        Some(zone) => zone.with(|zone| zone.offset_ms(time_ms)),
        None => TimeZone::Browser.offset_ms(time_ms),
    }
}

/// `14:05:30`, or with the offset if the clock shows that time twice on a day: `02:30:00 UTC+2`.
pub(crate) fn clock(time_ms: i64) -> String {
    let of_day = (time_ms + offset_ms(time_ms)).rem_euclid(DAY_MS) / 1000;
    let text = format!("{:02}:{:02}:{:02}", of_day / 3600, of_day % 3600 / 60, of_day % 60);
    if is_shown_twice(time_ms, &offset_ms) { format!("{text} {}", offset_text(time_ms)) } else { text }
}

/// More than any clock is set back.
const MAX_SHIFT_MS: i64 = 3 * 3_600_000;

/// Whether a clock with these offsets from UTC is set back so that it shows this time twice.
fn is_shown_twice(time_ms: i64, offset_ms: ZoneOffset<'_>) -> bool {
    let (before, after) = (offset_ms(time_ms - MAX_SHIFT_MS), offset_ms(time_ms + MAX_SHIFT_MS));
    if before <= after {
        return false;
    }
    let shown_ms = time_ms + offset_ms(time_ms);
    [before, after].into_iter().all(|offset| shown_ms - offset + offset_ms(shown_ms - offset) == shown_ms)
}

/// `14:05:30`, with its date unless that is the day of `today_ms`.
pub(crate) fn clock_and_day(time_ms: i64, today_ms: i64) -> String {
    let day = |time_ms: i64| (time_ms + offset_ms(time_ms)).div_euclid(DAY_MS);
    if day(time_ms) == day(today_ms) {
        return clock(time_ms);
    }
    let shown = chrono::DateTime::from_timestamp_millis(time_ms + offset_ms(time_ms)).unwrap_or_default();
    format!("{} {}", shown.date_naive(), clock(time_ms))
}

/// `UTC+1`, `UTC+5:45`, `UTC`.
pub(crate) fn offset_text(time_ms: i64) -> String {
    let minutes = offset_ms(time_ms) / 60_000;
    let sign = if minutes < 0 { '−' } else { '+' };
    match (minutes.abs() / 60, minutes.abs() % 60) {
        (0, 0) => "UTC".into(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
    }
}

/// A time in UTC: `2026-11-22T10:51:00.000Z`.
pub(crate) fn iso(time_ms: i64) -> String {
    Date::new(&JsValue::from_f64(time_ms as f64)).to_iso_string().into()
}

/// An age in one unit: `3 s`, `12 min`, `2 h`, `5 d`.
pub(crate) fn age(age_ms: i64) -> String {
    let seconds = age_ms.max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A duration in its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. Below ten seconds it has a decimal.
pub(crate) fn duration(duration_ms: i64) -> String {
    let seconds = duration_ms.max(0) / 1000;
    let two = |first: i64, unit: &str, rest: i64, small: &str| match rest {
        0 => format!("{first} {unit}"),
        rest => format!("{first} {unit} {rest} {small}"),
    };
    match seconds {
        0..10 => format!("{} s", (duration_ms.max(0) as f64 / 100.0).round() / 10.0),
        10..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_that_a_clock_shows_twice_is_recognised() {
        const HOUR_MS: i64 = 3_600_000;
        let change_ms = 1_792_890_000_000; // 2026-10-25T01:00:00Z, when Berlin goes from +2 h to +1 h
        let autumn = |time_ms: i64| if time_ms < change_ms { 2 * HOUR_MS } else { HOUR_MS };
        let spring = |time_ms: i64| if time_ms < change_ms { HOUR_MS } else { 2 * HOUR_MS };
        for (time_ms, is_twice) in [
            (change_ms - HOUR_MS - 1, false),
            (change_ms - HOUR_MS, true),
            (change_ms - 1, true),
            (change_ms, true),
            (change_ms + HOUR_MS - 1, true),
            (change_ms + HOUR_MS, false),
        ] {
            assert_eq!(is_shown_twice(time_ms, &autumn), is_twice, "{}", time_ms - change_ms);
            assert!(!is_shown_twice(time_ms, &spring) && !is_shown_twice(time_ms, &|_| HOUR_MS));
        }
    }

    #[test]
    fn durations_have_at_most_two_units() {
        for (duration_ms, expected) in [
            (-5, "0 s"),
            (250, "0.3 s"),
            (59_900, "59 s"),
            (60_000, "1 min"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
            (356_400_000, "4 d 3 h"),
        ] {
            assert_eq!(duration(duration_ms), expected);
        }
    }
}
