//! Durations as text: seconds, or a literal such as `1h30m`.
use crate::decimal::parse_decimal;

/// A duration parameter that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse {0:?} to a valid duration: give seconds or a duration such as 1m30s")]
pub struct InvalidDuration(String);

/// The longest duration that is accepted as a number of seconds, as a float still exact to the millisecond.
const MAX_SECONDS: f64 = 9e12;

/// The units of a duration literal with their milliseconds, in the order in which they must appear.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Parses a duration parameter to milliseconds: seconds as a number, or a duration literal.
///
/// # Errors
/// If the text is neither, or the duration is too long.
pub fn parse_duration_ms(text: &str) -> Result<i64, InvalidDuration> {
    let duration_ms = match parse_decimal(text) {
        Some(seconds) => (seconds.abs() <= MAX_SECONDS).then(|| (seconds * 1000.0).round() as i64),
        None => parse_duration_literal_ms(text),
    };
    duration_ms.ok_or_else(|| InvalidDuration(text.to_owned()))
}

/// Parses a duration literal such as `1h30m` to milliseconds. Returns `None` if it is malformed or overflows.
///
/// Each unit appears at most once, and longer units come first, as in Prometheus.
pub fn parse_duration_literal_ms(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total_ms = 0_i64;
    while !rest.is_empty() {
        let (amount, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let (_, unit_ms) = units.find(|(name, _)| *name == unit)?;
        total_ms = total_ms.checked_add(amount.parse::<i64>().ok()?.checked_mul(*unit_ms)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_literals() {
        for (text, duration_ms) in [
            ("15", 15_000),
            ("0.5", 500),
            ("1m30s", 90_000),
            ("250ms", 250),
            ("1w2d", 777_600_000),
            ("1h30m", 5_400_000),
            ("1m5ms", 60_005),
            ("300y", 300 * 365 * 86_400_000),
        ] {
            assert_eq!(parse_duration_ms(text), Ok(duration_ms), "{text}");
        }
        for text in ["", "m", "1x", "30s1m", "1m1h", "1m1m", "1s1s", "1.5h", "99999999999999y", "1e13", "é", "5é"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_literal_needs_a_unit() {
        for text in ["", "5", "0.5", "99999999999999999999s"] {
            assert_eq!(parse_duration_literal_ms(text), None, "{text}");
        }
    }
}
