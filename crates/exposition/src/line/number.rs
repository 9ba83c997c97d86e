//! Parses sample values.

/// Parses a decimal number with an optional exponent, or `NaN`, `Inf` and `Infinity` in any case, with an optional sign, as
/// Go's `strconv.ParseFloat` does except for hexadecimal and underscores. The result is correctly rounded. None for
/// anything else, and beyond the range of a 64-bit float.
pub(crate) fn parse_value(text: &[u8]) -> Option<f64> {
    match parse_leading(text) {
        Some((value, length)) if length == text.len() => Some(value),
        _ => parse_any(text),
    }
}

/// Powers of ten that a 64-bit float holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Whole numbers up to here are exact as 64-bit floats.
const EXACT_MANTISSA: u64 = 1 << 53;

/// Parses the number at the start of `text`, and returns its length, in the common case: if mantissa and power of ten are
/// both exact, one multiplication or division rounds correctly (Clinger, "How to read floating point numbers accurately",
/// 1990). None in all other cases.
pub(crate) fn parse_leading(text: &[u8]) -> Option<(f64, usize)> {
    let is_negative = text.first() == Some(&b'-');
    let start = usize::from(is_negative || text.first() == Some(&b'+'));
    let mut mantissa = 0_u64;
    let mut end = start;
    let mut point = None;
    loop {
        match text.get(end) {
            Some(digit @ b'0'..=b'9') => {
                mantissa = mantissa.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            }
            Some(b'.') if point.is_none() => point = Some(end),
            _ => break,
        }
        end += 1;
    }
    if end - start == usize::from(point.is_some()) || mantissa > EXACT_MANTISSA {
        return None;
    }
    let mut scale = -i32::try_from(point.map_or(0, |point| end - point - 1)).ok()?;
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let (exponent, length) = parse_exponent(text.get(end + 1..)?)?;
        scale += exponent;
        end += 1 + length;
    }
    let power = *EXACT_POWERS.get(usize::try_from(scale.unsigned_abs()).ok()?)?;
    #[expect(clippy::cast_precision_loss, reason = "up to EXACT_MANTISSA nothing is lost")]
    let exact = mantissa as f64;
    let magnitude = if scale < 0 { exact / power } else { exact * power };
    Some((if is_negative { -magnitude } else { magnitude }, end))
}

/// The exponent at the start of `text`, of up to four digits and with an optional sign, and its length.
fn parse_exponent(text: &[u8]) -> Option<(i32, usize)> {
    let start = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let digits = text.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 4 {
        return None;
    }
    let magnitude = text.get(start..start + digits)?.iter().fold(0, |sum, byte| sum * 10 + i32::from(byte - b'0'));
    Some((if text.first() == Some(&b'-') { -magnitude } else { magnitude }, start + digits))
}

/// Parses all other numbers: many digits, large exponents, infinities and NaN.
fn parse_any(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    let is_spelled_out = text.bytes().any(|byte| matches!(byte, b'n' | b'N'));
    let is_signed_nan = value.is_nan() && text.len() > 3;
    (value.is_finite() || is_spelled_out && !is_signed_nan).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_forms_agree_with_the_standard_library() {
        for text in [
            "0",
            "-0",
            "1",
            "1.0",
            "1.",
            ".5",
            "+3",
            "-3e3",
            "08",
            "1.1701968896e+010",
            "4.9351e-05",
            "1e22",
            "1e23",
            "9007199254740993",
            "9007199254740992",
            "18446744073709551616",
            "5e-324",
            "1.7976931348623157e308",
            "0.013300656000000001",
            "123456789012345678901234567890e-10",
            "0000000000000000000000000000000001.2e-1",
        ] {
            let expected: f64 = text.parse().expect("a number");
            assert_eq!(parse_value(text.as_bytes()).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
    }

    #[test]
    fn infinities_and_nan_are_spelled_as_in_go() {
        for text in ["Inf", "+Inf", "inf", "+infinity", "INF"] {
            assert_eq!(parse_value(text.as_bytes()), Some(f64::INFINITY), "{text}");
        }
        assert_eq!(parse_value(b"-Inf"), Some(f64::NEG_INFINITY));
        assert!(parse_value(b"NaN").is_some_and(f64::is_nan) && parse_value(b"nan").is_some_and(f64::is_nan));
    }

    #[test]
    fn anything_but_a_decimal_number_is_rejected() {
        for text in
            ["", "-", ".", "e5", "1e", "1e+", "1_2", "0x1p-3", "0b1", "true", "1e400", "-NaN", "1 ", "1..2", "١"]
        {
            assert_eq!(parse_value(text.as_bytes()), None, "{text}");
        }
    }
}
