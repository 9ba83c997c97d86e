//! Values as people read them: with a prefix, a unit and at most four significant digits.
use super::Unit;
use super::prefix::{Prefix, prefix, prefix_of_round, prefix_of_ticks};

/// From here on a number would have more than four digits before the point.
pub(super) const MAX_NUMBER: f64 = 9999.5;

/// Smaller numbers would look like zero.
const MIN_NUMBER: f64 = 5e-4;

/// The largest number of digits of a label.
const MAX_LABEL_DIGITS: usize = 4;

impl Unit {
    /// `value` in three significant digits with its unit, such as `1.42 s`, `16.1k tok/s`, `98.7 %`.
    pub fn format(self, value: f64) -> String {
        let short = self.format_short(value);
        match self.suffix() {
            "" => short,
            suffix => format!("{short} {suffix}"),
        }
    }

    /// As [`Unit::format`], without the unit of a rate.
    pub fn format_short(self, value: f64) -> String {
        let (divisor, name) = prefix(self, value.abs());
        let number = value / divisor;
        let is_whole = matches!(self, Self::Count | Self::Number | Self::Tokens) || matches!(name, "B" | "B/s");
        let decimals = if is_whole && number.fract() == 0.0 { 0 } else { decimals_for(number) };
        self.written(value, (divisor, name), value.abs(), decimals)
    }

    /// A round value, such as the end of a bucket, with as many digits as it needs, at most four: `300 ms`, `1 s`, `2.5 min`.
    pub fn label(self, value: f64) -> String {
        let (divisor, name) = prefix_of_round(self, value.abs());
        let number = value / divisor;
        // One more decimal would be one digit too many.
        let has_all_digits = |decimals: &usize| number.abs() * power(*decimals) >= power(MAX_LABEL_DIGITS - 1) - 0.5;
        let most = (0..MAX_LABEL_DIGITS + 3).find(has_all_digits).unwrap_or(MAX_LABEL_DIGITS + 3);
        let shown = rounded(number, most);
        let fewest = (0..most).find(|decimals| (shown - rounded(shown, *decimals)).abs() <= 1e-9 * shown.abs());
        self.written(value, (divisor, name), value.abs(), fewest.unwrap_or(most))
    }

    /// The labels of an axis: all with the prefix that suits the largest tick and their distance, and as many decimals as
    /// the distance needs.
    pub fn tick_labels(self, ticks: &[f64]) -> Vec<String> {
        let largest = ticks.iter().fold(0.0_f64, |largest, tick| largest.max(tick.abs()));
        let [first, second, ..] = ticks else { return ticks.iter().map(|tick| self.label(*tick)).collect() };
        let distance = (second - first).abs();
        let prefix = prefix_of_ticks(self, largest, distance);
        let decimals = decimals_of(distance / prefix.0);
        ticks.iter().map(|tick| self.written(*tick, prefix, largest, decimals)).collect()
    }

    /// `value` with this prefix and number of decimals, or with an exponent if a value of this magnitude would be long
    /// or look like zero.
    fn written(self, value: f64, (divisor, name): Prefix, magnitude: f64, decimals: usize) -> String {
        if value.is_nan() {
            return "–".into();
        }
        if value.is_infinite() {
            return if value > 0.0 { "+Inf".into() } else { "−Inf".into() };
        }
        // A zero needs no prefix.
        if value == 0.0 {
            return if self == Self::Share { "0 %".into() } else { "0".into() };
        }
        let has_exponent = !(MIN_NUMBER..MAX_NUMBER).contains(&(magnitude / divisor));
        let (text, name) = match self {
            Self::Share if has_exponent => (format!("{:.2e}", value / divisor), name),
            _ if has_exponent => {
                let name = if self.suffix().is_empty() { self.base() } else { "" };
                (format!("{:.2e}", value * self.factor()), name)
            }
            _ => (format!("{:.decimals$}", value / divisor), name),
        };
        let text = text.replace('-', "−");
        match name {
            "" => text,
            "k" | "M" | "G" | "T" => format!("{text}{name}"),
            _ => format!("{text} {name}"),
        }
    }
}

fn power(decimals: usize) -> f64 {
    10_f64.powi(decimals as i32)
}

fn rounded(number: f64, decimals: usize) -> f64 {
    (number * power(decimals)).round() / power(decimals)
}

/// Decimals that give three significant digits, trailing ones included.
fn decimals_for(number: f64) -> usize {
    match number.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.1 => 2,
        _ => 3,
    }
}

/// Decimals at which multiples of `distance` differ.
fn decimals_of(distance: f64) -> usize {
    (0..9).find(|decimals| (distance - rounded(distance, *decimals)).abs() < 1e-6 * distance).unwrap_or(9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_carry_their_unit() {
        for (unit, value, text) in [
            (Unit::Seconds, 1.417, "1.42 s"),
            (Unit::Seconds, 0.0123, "12.3 ms"),
            (Unit::Seconds, 0.000_004_2, "4.20 µs"),
            (Unit::Seconds, 0.9999, "1.00 s"),
            (Unit::Seconds, 150.0, "2.50 min"),
            (Unit::Seconds, 0.0, "0"),
            (Unit::Bytes, 25_769_803_776.0, "24.0 GiB"),
            (Unit::BytesPerSecond, 25_769_803_776.0, "24.0 GiB/s"),
            (Unit::Celsius, 52.0, "52.0 °C"),
            (Unit::Hertz, 1.98e9, "1.98 GHz"),
            (Unit::Watts, 626.26, "626 W"),
            (Unit::Watts, 5600.0, "5.60 kW"),
            (Unit::FlopsPerSecond, 4.2e14, "420 TFLOP/s"),
            (Unit::Tokens, 12.0, "12 tok"),
            (Unit::Share, 0.9871, "98.7 %"),
            (Unit::Share, 0.0, "0 %"),
            (Unit::TokensPerSecond, 16_120.0, "16.1k tok/s"),
            (Unit::RequestsPerSecond, 0.05, "0.050 req/s"),
            (Unit::RequestsPerMinute, 0.05, "3.00 req/min"),
            (Unit::RequestsPerMinute, 41.0, "2.46k req/min"),
            (Unit::PerMinute, 0.0, "0 per min"),
            (Unit::PerMinute, 1e300, "6.00e301 per min"),
            (Unit::Count, 3.0, "3"),
            (Unit::Count, -3.5, "−3.50"),
            (Unit::Count, f64::NAN, "–"),
            (Unit::Count, f64::INFINITY, "+Inf"),
            (Unit::Count, 1e300, "1.00e300"),
            (Unit::Tokens, 5.2e-9, "5.20e−9 tok"),
            (Unit::Seconds, -3e-12, "−3.00e−12 s"),
            (Unit::Seconds, 0.0, "0"),
            (Unit::Seconds, 5400.0, "1.50 h"),
            (Unit::Seconds, 864_000.0, "10.0 d"),
            (Unit::Seconds, 1e12, "1.00e12 s"),
            (Unit::Bytes, 1.0, "1 B"),
            (Unit::Bytes, 12.5, "12.5 B"),
            (Unit::Bytes, 2e16, "17.8 PiB"),
            (Unit::FlopsPerSecond, 4.2e7, "42.0 MFLOP/s"),
            (Unit::Share, 1e6, "1.00e8 %"),
            (Unit::Celsius, 12_345.0, "1.23e4 °C"),
        ] {
            assert_eq!(unit.format(value), text, "{unit:?} {value}");
        }
    }

    #[test]
    fn ticks_share_a_prefix_and_have_distinct_labels() {
        assert_eq!(Unit::Seconds.tick_labels(&[0.0, 0.5, 1.0, 1.5]), ["0", "0.5 s", "1.0 s", "1.5 s"]);
        assert_eq!(Unit::Seconds.tick_labels(&[0.0, 0.025, 0.05]), ["0", "25 ms", "50 ms"]);
        assert_eq!(Unit::Count.tick_labels(&[0.0, 2500.0, 5000.0]), ["0", "2.5k", "5.0k"]);
        assert_eq!(Unit::Count.tick_labels(&[0.0, 250.0, 1000.0]), ["0", "250", "1000"]);
        assert_eq!(Unit::Tokens.tick_labels(&[0.0, 1e-9, 2e-9]), ["0", "1.00e−9", "2.00e−9"]);
        assert_eq!(Unit::Share.tick_labels(&[0.0, 0.25, 0.5]), ["0 %", "25 %", "50 %"]);
        let by_minute = [0.0, 25.0, 50.0].map(|tick| tick / 60.0);
        assert_eq!(Unit::RequestsPerMinute.tick_labels(&by_minute), ["0", "25", "50"]);
        assert_eq!(Unit::Bytes.tick_labels(&[0.0, 1_073_741_824.0]), ["0", "1 GiB"]);
        let minutes =
            |ticks: &[f64]| Unit::Seconds.tick_labels(&ticks.iter().map(|tick| tick * 60.0).collect::<Vec<_>>());
        assert_eq!(minutes(&[0.0, 0.5, 1.0, 1.5, 2.0]), ["0", "30 s", "60 s", "90 s", "120 s"]);
        assert_eq!(minutes(&[0.0, 15.0, 30.0, 45.0, 60.0]), ["0", "15 min", "30 min", "45 min", "60 min"]);
        assert_eq!(minutes(&[0.0, 120.0, 240.0]), ["0", "2 h", "4 h"]);
        assert_eq!(minutes(&[0.0, 1440.0, 2880.0]), ["0", "1 d", "2 d"]);
    }

    #[test]
    fn a_round_value_has_the_fewest_digits() {
        for (unit, value, text) in [
            (Unit::Seconds, 0.3, "300 ms"),
            (Unit::Seconds, 1.0, "1 s"),
            (Unit::Seconds, 90.0, "90 s"),
            (Unit::Seconds, 120.0, "2 min"),
            (Unit::Seconds, 150.0, "2.5 min"),
            (Unit::Seconds, 640.0, "640 s"),
            (Unit::Seconds, 1000.0, "1000 s"),
            (Unit::Seconds, 7680.0, "128 min"),
            (Unit::Seconds, 1e5, "27.78 h"),
            (Unit::Seconds, 1.000_01, "1 s"),
            (Unit::Seconds, 0.033_333_333, "33.33 ms"),
            (Unit::Bytes, 1e6, "976.6 KiB"),
            (Unit::Bytes, 512.0, "512 B"),
            (Unit::TokensPerSecond, 2500.0, "2.5k"),
            (Unit::Share, 0.995, "99.5 %"),
            (Unit::Seconds, 0.0, "0"),
            (Unit::Seconds, f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(unit.label(value), text, "{unit:?} {value}");
        }
    }

    #[test]
    fn no_number_has_more_than_four_significant_digits() {
        let units = [
            Unit::Count,
            Unit::Number,
            Unit::Seconds,
            Unit::Bytes,
            Unit::Share,
            Unit::RequestsPerSecond,
            Unit::TokensPerSecond,
            Unit::RequestsPerMinute,
            Unit::PerMinute,
            Unit::BytesPerSecond,
            Unit::FlopsPerSecond,
            Unit::Tokens,
            Unit::Cores,
            Unit::Watts,
            Unit::Celsius,
            Unit::Hertz,
        ];
        let mantissas = [1.0, 1.0005, 1.23456789, 2.5, 9.9949, 9.995, 9.99951, 16.66667, 59.94, 59.97];
        for unit in units {
            for (power, mantissa) in (-12..20).flat_map(|power| mantissas.map(|mantissa| (power, mantissa))) {
                let value = mantissa * 10_f64.powi(power);
                for value in [value, value.round(), -value] {
                    for text in [unit.format(value), unit.label(value)] {
                        assert!(significant_digits(&text) <= 4, "{unit:?} {value}: {text}");
                        let is_shown_as_zero = significant_digits(&text) == 0;
                        assert_eq!(is_shown_as_zero, value == 0.0, "{unit:?} {value}: {text}");
                    }
                }
            }
        }
    }

    /// The significant digits of the number that `text` begins with.
    fn significant_digits(text: &str) -> usize {
        let number = text.trim_start_matches('−');
        let end = number.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(number.len());
        number[..end].replace('.', "").trim_start_matches('0').len()
    }
}
