//! Requests: their parameters, and times and durations as text.

/// A parameter that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not a time.
    #[error("cannot parse {0:?} to a valid timestamp: give Unix seconds or RFC 3339, such as 2026-11-20T14:00:00Z")]
    Time(String),
    /// Not a duration.
    #[error("cannot parse {0:?} to a valid duration: give seconds or a duration such as 1m30s")]
    Duration(String),
}

/// A time as a parameter: Unix seconds with milliseconds where there are any.
pub fn format_time(time_ms: i64) -> String {
    let sign = if time_ms < 0 { "-" } else { "" };
    let (seconds, rest) = (time_ms.unsigned_abs() / 1000, time_ms.unsigned_abs() % 1000);
    if rest == 0 { format!("{sign}{seconds}") } else { format!("{sign}{seconds}.{rest:03}") }
}

/// Unix milliseconds of a time parameter: Unix seconds, or RFC 3339.
///
/// # Errors
/// When it is neither, or out of range.
pub fn parse_time_ms(text: &str) -> Result<i64, RequestError> {
    let bad = || RequestError::Time(text.to_owned());
    if let Ok(seconds) = text.parse::<f64>() {
        // Beyond this a millisecond count loses whole milliseconds as a float, long before it overflows. As in
        // Prometheus such a time is one when there is nothing, and so is what is no number.
        let seconds = if seconds.is_nan() { -FURTHEST_S } else { seconds.clamp(-FURTHEST_S, FURTHEST_S) };
        return Ok((seconds * 1000.0).round() as i64);
    }
    rfc3339_ms(text).ok_or_else(bad)
}

/// The most seconds from the epoch, or of a duration.
const FURTHEST_S: f64 = 9e12;

/// Milliseconds of a duration parameter: seconds as a number, or Prometheus's form such as `1h30m`.
///
/// # Errors
/// When it is neither, or too large.
pub fn parse_duration_ms(text: &str) -> Result<i64, RequestError> {
    let bad = || RequestError::Duration(text.to_owned());
    if let Ok(seconds) = text.parse::<f64>() {
        return if seconds.abs() <= FURTHEST_S { Ok((seconds * 1000.0).round() as i64) } else { Err(bad()) };
    }
    prometheus_duration_ms(text).ok_or_else(bad)
}

/// Units in the order in which they must stand, each at most once.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

fn prometheus_duration_ms(text: &str) -> Option<i64> {
    let (mut rest, mut total, mut next) = (text, 0_i64, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let name = rest.get(..letters)?;
        let at = UNITS.iter().position(|(unit, _)| *unit == name).filter(|at| *at >= next)?;
        total = total.checked_add(count.checked_mul(UNITS[at].1)?)?;
        next = at + 1;
        rest = rest.get(letters..)?;
    }
    (!text.is_empty()).then_some(total)
}

fn rfc3339_ms(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone_at);
    let mut clock = clock.splitn(3, ':');
    let (hour, minute): (i64, i64) = (clock.next()?.parse().ok()?, clock.next()?.parse().ok()?);
    let second: f64 = clock.next()?.parse().ok()?;
    let offset_minutes = match zone {
        "Z" | "z" => 0,
        _ => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let total = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if zone.starts_with('-') { -total } else { total }
        }
    };
    let month_length = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let valid = (1..=month_length).contains(&day)
        && (0..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0.0..60.0).contains(&second)
        && offset_minutes.abs() < 24 * 60;
    let minutes = days_from_civil(year, month, day) * 1440 + hour * 60 + minute - offset_minutes;
    valid.then(|| minutes * 60_000 + (second * 1000.0).round() as i64)
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        for (text, time_ms) in [
            ("0", 0),
            ("1700005400", 1_700_005_400_000),
            ("1700005400.123", 1_700_005_400_123),
            ("-1.5", -1500),
            ("1e3", 1_000_000),
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-20T14:00:00+01:00", 1_795_179_600_000),
            ("2024-02-29T23:59:59.250Z", 1_709_251_199_250),
        ] {
            assert_eq!(parse_time_ms(text), Ok(time_ms), "{text}");
        }
        for text in ["", "now", "2026-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2026-11-20"] {
            assert!(parse_time_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_written_time_reads_back() {
        for time_ms in [0, 1, 999, -1, -1500, 1_700_005_400_123] {
            assert_eq!(parse_time_ms(&format_time(time_ms)), Ok(time_ms));
        }
    }

    #[test]
    fn durations_are_seconds_or_prometheus_form() {
        for (text, duration_ms) in
            [("15", 15_000), ("0.5", 500), ("1m30s", 90_000), ("250ms", 250), ("1w2d", 777_600_000)]
        {
            assert_eq!(parse_duration_ms(text), Ok(duration_ms), "{text}");
        }
        for text in ["", "m", "1x", "30s1m", "1m1m", "99999999999999y", "é", "5é"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
    }
}
