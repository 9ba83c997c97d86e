//! Units, and the formatting of values for people.

/// The unit of a graph's values; base units throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain whole number.
    Count,
    /// A plain number with decimals, such as a mean of counts.
    Number,
    /// Seconds.
    Seconds,
    /// Bytes, shown in powers of 1024.
    Bytes,
    /// 0 to 1, shown as percent.
    Share,
    /// Requests per second.
    RequestsPerSecond,
    /// Tokens per second.
    TokensPerSecond,
    /// Events per second.
    PerSecond,
    /// Requests per second, shown as requests per minute.
    RequestsPerMinute,
    /// Events per second, shown as events per minute.
    PerMinute,
    /// Bytes per second, shown in powers of 1024.
    BytesPerSecond,
    /// Floating-point operations per second.
    FlopsPerSecond,
    /// Tokens, of one request.
    Tokens,
    /// Processor cores that are fully busy.
    Cores,
    /// Watts.
    Watts,
    /// Degrees Celsius.
    Celsius,
    /// Hertz.
    Hertz,
}

impl Unit {
    /// The unit after a graph's title; empty if the values carry it.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::RequestsPerSecond => "req/s",
            Self::TokensPerSecond => "tok/s",
            Self::PerSecond => "per s",
            Self::RequestsPerMinute => "req/min",
            Self::PerMinute => "per min",
            Self::Tokens => "tok",
            Self::Cores => "cores",
            Self::BytesPerSecond
            | Self::FlopsPerSecond
            | Self::Watts
            | Self::Celsius
            | Self::Hertz
            | Self::Count
            | Self::Number
            | Self::Seconds
            | Self::Bytes
            | Self::Share => "",
        }
    }

    /// The base unit in which values are stored; empty for plain numbers.
    pub fn base(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Bytes => "B",
            Self::Share => "0 to 1",
            Self::BytesPerSecond => "B/s",
            Self::FlopsPerSecond => "FLOP/s",
            Self::Watts => "W",
            Self::Celsius => "°C",
            Self::Hertz => "Hz",
            Self::RequestsPerMinute => Self::RequestsPerSecond.suffix(),
            Self::PerMinute => Self::PerSecond.suffix(),
            other => other.suffix(),
        }
    }

    /// The unit that shows a rate of requests or events per minute; any other unit unchanged.
    pub fn per_minute(self) -> Self {
        match self {
            Self::RequestsPerSecond => Self::RequestsPerMinute,
            Self::PerSecond => Self::PerMinute,
            other => other,
        }
    }

    /// The factor from a stored to a displayed value. Ticks are round after it is applied.
    pub fn factor(self) -> f64 {
        match self {
            Self::RequestsPerMinute | Self::PerMinute => 60.0,
            _ => 1.0,
        }
    }

    /// Whether ticks fall on powers of two.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Bytes | Self::BytesPerSecond)
    }

    /// Whether values are whole numbers.
    pub fn is_whole(self) -> bool {
        self == Self::Count
    }

    /// The top of the axis, if the unit has one.
    pub fn ceiling(self) -> Option<f64> {
        (self == Self::Share).then_some(1.0)
    }

    /// `value` in three significant digits with its unit, such as `1.42 s`, `16.1 k tok/s`, `98.7 %`.
    pub fn format(self, value: f64) -> String {
        let short = self.format_short(value);
        match self.suffix() {
            "" => short,
            suffix => format!("{short} {suffix}"),
        }
    }

    /// As [`Unit::format`], without the unit of a rate.
    pub fn format_short(self, value: f64) -> String {
        self.scaled(value, value.abs(), None)
    }

    /// The labels of an axis: all with the prefix of the largest tick and as many decimals as their distance needs.
    pub fn tick_labels(self, ticks: &[f64]) -> Vec<String> {
        let largest = ticks.iter().fold(0.0_f64, |largest, tick| largest.max(tick.abs()));
        let distance = match ticks {
            [first, second, ..] => (second - first).abs(),
            _ => largest,
        };
        // Four digits read better than decimals of a thousand.
        let magnitude = if self.is_plain() { largest / 2.0 } else { largest };
        ticks.iter().map(|tick| self.scaled(*tick, magnitude, Some(distance))).collect()
    }

    /// Whether values are plain numbers with the prefixes k, M, G and T.
    fn is_plain(self) -> bool {
        matches!(
            self,
            Self::Count
                | Self::Number
                | Self::Tokens
                | Self::Cores
                | Self::RequestsPerSecond
                | Self::TokensPerSecond
                | Self::PerSecond
                | Self::RequestsPerMinute
                | Self::PerMinute
        )
    }

    /// `value` with the prefix that suits `magnitude`. With a `distance`, enough decimals to distinguish values that far
    /// apart.
    fn scaled(self, value: f64, magnitude: f64, distance: Option<f64>) -> String {
        if value.is_nan() {
            return "–".into();
        }
        if value.is_infinite() {
            return if value > 0.0 { "+Inf".into() } else { "−Inf".into() };
        }
        let (divisor, unit) = self.prefix(magnitude);
        let number = value / divisor;
        // With any prefix such a number would be long, or look like zero.
        if number.abs() >= 1e6 || (magnitude > 0.0 && magnitude / divisor < 5e-4 && value != 0.0) {
            return format!("{:.2e}", value * self.factor()).replace('-', "−");
        }
        let decimals = match distance {
            Some(distance) if distance > 0.0 => decimals_of(distance / divisor),
            Some(_) => 0,
            None if matches!(self, Self::Count | Self::Number | Self::Tokens) && number.fract() == 0.0 => 0,
            None => decimals_for(number),
        };
        let text = format!("{number:.decimals$}");
        let text = if text.trim_start_matches(['-', '0', '.']).is_empty() { text.replace('-', "") } else { text };
        let text = text.replace('-', "−");
        // A zero needs no prefix.
        if value == 0.0 {
            return if unit == "%" { "0 %".into() } else { "0".into() };
        }
        match unit {
            "" => text,
            "k" | "M" | "G" | "T" => format!("{text}{unit}"),
            _ => format!("{text} {unit}"),
        }
    }

    fn prefix(self, magnitude: f64) -> (f64, &'static str) {
        const BINARY: [(f64, &str); 5] =
            [(1_099_511_627_776.0, "TiB"), (1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1024.0, "KiB"), (1.0, "B")];
        const BINARY_RATE: [(f64, &str); 4] =
            [(1_073_741_824.0, "GiB/s"), (1_048_576.0, "MiB/s"), (1024.0, "KiB/s"), (1.0, "B/s")];
        const HERTZ: [(f64, &str); 4] = [(1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")];
        const FLOPS: [(f64, &str); 4] = [(1e15, "PFLOP/s"), (1e12, "TFLOP/s"), (1e9, "GFLOP/s"), (1.0, "FLOP/s")];
        const DECIMAL: [(f64, &str); 5] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")];
        const TIME: [(f64, &str); 5] = [(3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
        let magnitude = magnitude * self.factor();
        let largest_below = |steps: &[(f64, &'static str)]| {
            steps.iter().find(|(size, _)| magnitude >= *size * 0.9995).or(steps.last()).copied().unwrap_or((1.0, ""))
        };
        match self {
            Self::Share => (0.01, "%"),
            Self::Bytes => largest_below(&BINARY),
            Self::BytesPerSecond => largest_below(&BINARY_RATE),
            Self::Celsius => (1.0, "°C"),
            Self::Hertz => largest_below(&HERTZ),
            Self::Watts => largest_below(&[(1e3, "kW"), (1.0, "W")]),
            Self::FlopsPerSecond => largest_below(&FLOPS),
            Self::Seconds if magnitude == 0.0 => (1.0, "s"),
            Self::Seconds if magnitude >= 120.0 => largest_below(&TIME),
            Self::Seconds => largest_below(&TIME[2..]),
            _ => {
                let (size, unit) = largest_below(&DECIMAL);
                (size / self.factor(), unit)
            }
        }
    }
}

/// Decimals that give three significant digits, trailing ones included.
fn decimals_for(number: f64) -> usize {
    match number.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 3,
    }
}

/// Decimals at which multiples of `distance` differ.
fn decimals_of(distance: f64) -> usize {
    (0..9)
        .find(|decimals| {
            let scaled = distance * 10_f64.powi(*decimals);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0)
        })
        .unwrap_or(9) as usize
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
            (Unit::Seconds, -3e-12, "−3.00e−12"),
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
    }

    #[test]
    fn only_rates_of_requests_and_events_are_shown_per_minute() {
        for (unit, shown) in [
            (Unit::RequestsPerSecond, Unit::RequestsPerMinute),
            (Unit::PerSecond, Unit::PerMinute),
            (Unit::TokensPerSecond, Unit::TokensPerSecond),
            (Unit::Seconds, Unit::Seconds),
        ] {
            assert_eq!((unit.per_minute(), unit.per_minute().base()), (shown, unit.base()));
        }
    }
}
