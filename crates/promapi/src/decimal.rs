//! Decimal text into a number, in whole numbers of 128 bits: the standard library's way is faster by little and brings
//! tables of eleven kilobytes that no packing makes smaller, which the page would have to carry.

/// The number nearest to a decimal text such as `1.5` or `-2e+21`; none where it is not one.
///
/// Numbers of up to 19 digits whose last one stands for 1e-27 to 1e27 are rounded as IEEE 754 says; beyond that they may
/// be a few units of the last place off.
pub(crate) fn parse_decimal(text: &str) -> Option<f64> {
    let magnitude = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut exponent: i64 = exponent.parse::<i32>().ok()?.into();
    let mut digits = 0_u64;
    for (at, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        let has_room = digits < u64::MAX / 10;
        if has_room {
            digits = digits * 10 + u64::from(digit);
        }
        exponent += i64::from(at < whole.len()) - i64::from(has_room);
    }
    let value = scaled(digits, exponent);
    Some(if text.starts_with('-') { -value } else { value })
}

/// Powers of five up to this one fit into 63 bits.
const MOST_FIVES: i64 = 27;

/// `digits` times ten to the power of `exponent`.
fn scaled(digits: u64, exponent: i64) -> f64 {
    // Below this it is nothing, whatever the digits are.
    let exponent = exponent.max(-400);
    if digits != 0 && exponent + i64::from(digits.ilog10()) > 308 {
        return f64::INFINITY;
    }
    let near = exponent.clamp(-MOST_FIVES, MOST_FIVES);
    let fives = 5_u64.pow(near.unsigned_abs() as u32);
    let mut value = match digits {
        0 => return 0.0,
        // Both are exact, so that their quotient or product is rounded once.
        _ if digits < 1 << 53 && fives < 1 << 53 => {
            let (digits, fives) = (digits as f64, fives as f64);
            if near < 0 { digits / fives * two_to(near) } else { digits * fives * two_to(near) }
        }
        _ if near >= 0 => (u128::from(digits) * u128::from(fives)) as f64 * two_to(near),
        _ => {
            let shift = digits.leading_zeros() + 64;
            let (whole, fives) = (u128::from(digits) << shift, u128::from(fives));
            // The quotient has 65 bits or more; that there is a rest, in the last of them, decides between two numbers.
            let quotient = (whole / fives) | u128::from(whole % fives != 0);
            quotient as f64 * two_to(near - i64::from(shift))
        }
    };
    let mut rest = exponent - near;
    while rest != 0 {
        // Ten to the power of 22 is the largest that is exact.
        let part = rest.clamp(-22, 22);
        let tens = 5_u64.pow(part.unsigned_abs() as u32) as f64 * two_to(part.abs());
        value = if part < 0 { value / tens } else { value * tens };
        rest -= part;
    }
    // The largest number may have been passed by a unit.
    value.min(f64::MAX)
}

/// Two to a power from -1022 to 1023.
fn two_to(power: i64) -> f64 {
    f64::from_bits(((1023 + power) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_as_standard(text: &str) {
        let expected: f64 = text.parse().expect("a number");
        assert_eq!(parse_decimal(text).map(f64::to_bits), Some(expected.to_bits()), "{text}");
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for text in [
            "0",
            "-0",
            "+1",
            "1.",
            ".5",
            "1e21",
            "1e-7",
            "9007199254740993",
            "123456789012345680000",
            "2.5E+3",
            "0.1",
            "0.30000000000000004",
            "1795000000.123",
            "179769313486231570",
            "0e999",
            "00012.50",
        ] {
            assert_as_standard(text);
        }
        // Of all magnitudes that samples have, by a generator that gives the same each time.
        let mut state = 1_u64;
        for _ in 0..50_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let magnitude = 10_f64.powi((state >> 40) as i32 % 17 - 8);
            let value = (state >> 11) as f64 / (1_u64 << 53) as f64 * magnitude;
            assert_as_standard(&value.to_string());
            assert_as_standard(&format!("{value:e}"));
            assert_as_standard(&format!("{}", (state >> 20) as f64 * 0.25));
        }
    }

    #[test]
    fn what_no_sample_reaches_is_near() {
        for text in ["1.7976931348623157e308", "-2.2250738585072014e-308", "6.02214076e123", "1e300", "5e-324"] {
            let expected: f64 = text.parse().expect("a number");
            let found = parse_decimal(text).expect("a number");
            assert!((found / expected - 1.0).abs() < 1e-14, "{text}: {found}");
        }
        assert_eq!((parse_decimal("1e400"), parse_decimal("-1e-400")), (Some(f64::INFINITY), Some(-0.0)));
    }

    #[test]
    fn what_is_no_decimal_is_none() {
        for text in ["", "-", "+-1", ".", "e5", "1e", "1e5.5", "0x10", "1_000", "inf", "NaN", " 1", "1 ", "١"] {
            assert_eq!(parse_decimal(text), None, "{text}");
        }
    }
}
