//! Points in time as text: Unix seconds or RFC 3339.
use chrono::{NaiveDate, NaiveTime};

/// A time parameter that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse {0:?} to a valid timestamp: give Unix seconds or RFC 3339, such as 2026-11-20T14:00:00Z")]
pub struct InvalidTime(String);

/// The largest distance from 1970 in seconds: a float beyond it cannot hold whole milliseconds.
const MAX_SECONDS: f64 = 9e12;

/// Formats a time parameter as Unix seconds, with milliseconds only if they are not zero.
pub fn format_time(time_ms: i64) -> String {
    let sign = if time_ms < 0 { "-" } else { "" };
    let (seconds, milliseconds) = (time_ms.unsigned_abs() / 1000, time_ms.unsigned_abs() % 1000);
    if milliseconds == 0 { format!("{sign}{seconds}") } else { format!("{sign}{seconds}.{milliseconds:03}") }
}

/// Parses a time parameter, Unix seconds or RFC 3339, to Unix milliseconds.
///
/// # Errors
/// If the text is neither.
pub fn parse_time_ms(text: &str) -> Result<i64, InvalidTime> {
    if let Ok(seconds) = text.parse::<f64>() {
        // As in Prometheus, a time out of range or NaN is valid: no series has samples then.
        let seconds = if seconds.is_nan() { -MAX_SECONDS } else { seconds.clamp(-MAX_SECONDS, MAX_SECONDS) };
        return Ok((seconds * 1000.0).round() as i64);
    }
    parse_rfc3339_ms(text).ok_or_else(|| InvalidTime(text.to_owned()))
}

/// Parses RFC 3339. chrono's own parser is not used, as its tables would make the page larger.
fn parse_rfc3339_ms(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let since_midnight_ms = parse_clock_ms(clock)? - parse_offset_ms(zone)?;
    Some(parse_date(date)?.and_time(NaiveTime::MIN).and_utc().timestamp_millis() + since_midnight_ms)
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok().filter(|year| (0..=9999).contains(year))?;
    NaiveDate::from_ymd_opt(year, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?)
}

/// The time of day in milliseconds since midnight.
fn parse_clock_ms(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let hour = parts.next()?.parse().ok().filter(|hour: &i64| (0..24).contains(hour))?;
    let minute = parts.next()?.parse().ok().filter(|minute: &i64| (0..60).contains(minute))?;
    let second = parts.next()?.parse().ok().filter(|second: &f64| (0.0..60.0).contains(second))?;
    Some((hour * 60 + minute) * 60_000 + (second * 1000.0).round() as i64)
}

/// The distance from UTC in milliseconds, positive in the east.
fn parse_offset_ms(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    let offset_minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    let sign = if text.starts_with('-') { -1 } else { 1 };
    (offset_minutes.unsigned_abs() < 24 * 60).then_some(sign * offset_minutes * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_unix_seconds_or_rfc_3339() {
        for (text, time_ms) in [
            ("0", 0),
            ("1700005400", 1_700_005_400_000),
            ("1700005400.123", 1_700_005_400_123),
            ("-1.5", -1500),
            ("1e3", 1_000_000),
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-20T14:00:00+01:00", 1_795_179_600_000),
            ("2024-02-29T23:59:59.250Z", 1_709_251_199_250),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("9999-12-31T23:59:59-01:30", 253_402_306_199_000),
        ] {
            assert_eq!(parse_time_ms(text), Ok(time_ms), "{text}");
        }
        for text in [
            "",
            "now",
            "2026-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2026-11-20",
            "2026-11-20T24:00:00Z",
            "2026-11-20T00:00:60Z",
            "2026-11-20T00:00:00+24:00",
            "2026-11-20T00:00:00+9223372036854775807:00",
        ] {
            assert!(parse_time_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn formatted_times_parse_to_the_same_value() {
        for time_ms in [0, 1, 999, -1, -1500, 1_700_005_400_123] {
            assert_eq!(parse_time_ms(&format_time(time_ms)), Ok(time_ms));
        }
    }
}
