//! Units of values.
mod format;
mod prefix;

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

    /// Whether ticks fall on powers of two.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Bytes | Self::BytesPerSecond)
    }

    /// Whether values are whole numbers.
    pub fn is_whole(self) -> bool {
        self == Self::Count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
