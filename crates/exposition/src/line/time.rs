//! Parses timestamps: whole milliseconds in Prometheus text, seconds with a fraction in OpenMetrics.
use super::number::parse_value;
use crate::timestamp::Timestamp;

/// Parses whole milliseconds of Prometheus text; none for anything else, or beyond 64 bits.
pub(crate) fn parse_ms(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp::from_ms)
}

/// Parses seconds of OpenMetrics: digits with a fraction, truncated to nine digits, or any other finite number.
pub(crate) fn parse_seconds(text: &str) -> Option<Timestamp> {
    parse_decimal(text).or_else(|| {
        let seconds = parse_value(text.as_bytes()).filter(|seconds| seconds.is_finite())?;
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and no time exceeds 128 bits")]
        let ns = (seconds * 1e9) as i128;
        Some(Timestamp::from_ns(ns))
    })
}

/// Parses `[-+]digits[.digits]` without a float, which would lose nanoseconds.
fn parse_decimal(text: &str) -> Option<Timestamp> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction_ns = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0_i128, |ns, byte| ns * 10 + i128::from(byte - b'0'));
    let ns = whole.parse::<i128>().ok()?.checked_mul(1_000_000_000)?.checked_add(fraction_ns)?;
    Some(Timestamp::from_ns(if negative { -ns } else { ns }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_whole() {
        assert_eq!(parse_ms("-3982045").map(Timestamp::ms), Some(-3_982_045));
        assert_eq!(parse_ms("000").map(Timestamp::ns), Some(0));
        for text in ["", "2.72", "1e3", "1_2", "9223372036854775808"] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_keep_their_nanoseconds() {
        for (text, ns) in [
            ("123", 123_000_000_000),
            ("-1.1", -1_100_000_000),
            ("0.0000000010", 1),
            ("0.0000000001", 0),
            ("12345678901234567890.1234567890", 12_345_678_901_234_567_890_123_456_789),
            ("1.5e3", 1_500_000_000_000),
            (".5", 500_000_000),
        ] {
            assert_eq!(parse_seconds(text).map(Timestamp::ns), Some(ns), "{text}");
        }
        for text in ["", "NaN", "+Inf", "1.1.1", "0x1", "1_2", "1 "] {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn milliseconds_round_down_and_saturate() {
        assert_eq!(Timestamp::from_ns(-1).ms(), -1);
        assert_eq!(parse_seconds("1e300").map(Timestamp::ms), Some(i64::MAX));
        assert_eq!(parse_seconds("-1e300").map(Timestamp::ms), Some(i64::MIN));
    }
}
