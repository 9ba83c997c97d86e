//! Numbers and durations as PromQL writes them.

/// The longest duration Prometheus can hold: 2^63 nanoseconds, in milliseconds.
pub(super) const MAX_DURATION_MS: i64 = i64::MAX / 1_000_000;

const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A decimal, hexadecimal (`0x`) or octal (`0`) number, with underscores between digits; none if it is malformed or
/// too large for a float.
pub(super) fn number(text: &str) -> Option<f64> {
    if !underscores_separate_digits(text) {
        return None;
    }
    let digits = text.replace('_', "");
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return i64::from_str_radix(hex, 16).ok().map(|value| value as f64);
    }
    if let Some(octal) = digits.strip_prefix('0')
        && let Ok(value) = i64::from_str_radix(octal, 8)
    {
        return Some(value as f64);
    }
    digits.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Whether each underscore stands between two digits, or between a base prefix and a digit, as in Go.
fn underscores_separate_digits(text: &str) -> bool {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let mut after_digit = hex;
    let mut after_underscore = false;
    for c in text.chars().skip(if hex { 2 } else { 0 }) {
        let digit = c.is_ascii_digit() || hex && c.is_ascii_hexdigit();
        if c == '_' && !after_digit || after_underscore && !digit {
            return false;
        }
        after_underscore = c == '_';
        after_digit = digit;
    }
    !after_underscore
}

/// A duration such as `1h30m` in milliseconds; none if it is malformed or too long.
pub(super) fn duration_ms(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total_ms = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (amount, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, unit_ms) = units.find(|(name, _)| *name == unit)?;
        total_ms = total_ms.checked_add(amount.parse::<i64>().ok()?.checked_mul(*unit_ms)?)?;
        rest = tail;
    }
    (!text.is_empty() && total_ms <= MAX_DURATION_MS).then_some(total_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_go() {
        for (text, value) in
            [("5.", 5.0), (".5", 0.5), ("0x1F", 31.0), ("0755", 493.0), ("089", 89.0), ("1_000.5", 1000.5), ("0", 0.0)]
        {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["1__0", "_1", "1_", "1_e2", "0x", "1..2", "1e999", ""] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_ordered_units() {
        assert_eq!(duration_ms("1h30m"), Some(5_400_000));
        assert_eq!(duration_ms("1m5ms"), Some(60_005));
        for text in ["", "5", "m", "1m1h", "1s1s", "1.5h", "300y", "99999999999999999999s"] {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }
}
