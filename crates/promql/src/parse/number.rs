//! Number and duration literals.
use prometheus_api::parse_duration_literal_ms;

/// The longest duration that Prometheus can represent, 2^63 nanoseconds, in milliseconds.
pub(super) const MAX_DURATION_MS: i64 = i64::MAX / 1_000_000;

/// Parses a decimal, hexadecimal (`0x`) or octal (`0`) number with optional underscores between digits. Returns `None` if
/// it is malformed or too large for a float.
pub(super) fn parse_number(text: &str) -> Option<f64> {
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

/// Whether each underscore is between two digits, or between a base prefix and a digit, as in Go.
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

/// Parses a duration literal such as `1h30m` to milliseconds. Returns `None` if it is malformed or too long.
pub(super) fn parse_duration_ms(text: &str) -> Option<i64> {
    parse_duration_literal_ms(text).filter(|duration_ms| *duration_ms <= MAX_DURATION_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_parse_as_in_go() {
        for (text, value) in
            [("5.", 5.0), (".5", 0.5), ("0x1F", 31.0), ("0755", 493.0), ("089", 89.0), ("1_000.5", 1000.5), ("0", 0.0)]
        {
            assert_eq!(parse_number(text), Some(value), "{text}");
        }
        for text in ["1__0", "_1", "1_", "1_e2", "0x", "1..2", "1e999", ""] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn durations_have_a_maximum() {
        assert_eq!(parse_duration_ms("292y"), Some(292 * 365 * 86_400_000));
        for text in ["", "5", "m", "300y"] {
            assert_eq!(parse_duration_ms(text), None, "{text}");
        }
    }
}
