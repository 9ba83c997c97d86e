//! Sample values as text, since JSON has neither NaN nor infinities.
use crate::decimal::parse_decimal;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The value of a sample; in JSON a string such as `"1.5"`, `"+Inf"` or `"NaN"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

/// Formats a value as Prometheus 3 does: like Go's `strconv.FormatFloat(value, 'f', -1, 64)`, but with an exponent of at
/// least two digits for magnitudes below 1e-6 and from 1e21.
pub fn format_value(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        return with_two_digit_exponent(&format!("{value:e}"));
    }
    format!("{value}")
}

/// Rust writes `1e21` and `1e-7` where Go writes `1e+21` and `1e-07`.
fn with_two_digit_exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Parses a value that [`format_value`] wrote. Returns `None` if the text is not a number.
pub fn parse_value(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => parse_decimal(text).filter(|value| value.is_finite()),
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_value(self.0))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number written as a string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                parse_value(text).map(Number).ok_or_else(|| E::custom(format_args!("{text:?} is not a number")))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_formatted_as_in_go() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (1e21, "1e+21"),
            (1e-7, "1e-07"),
            (123_456_789_012_345_680.0, "123456789012345680"),
            (5e-324, "5e-324"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(format_value(value), text);
            let back = parse_value(text).expect("a formatted value");
            assert!(back == value || back.is_nan() && value.is_nan(), "{text}");
        }
    }

    #[test]
    fn text_that_is_not_a_number_is_rejected() {
        for text in ["", "one", "1e400", "0x10", "nan "] {
            assert_eq!(parse_value(text), None, "{text}");
        }
    }
}
