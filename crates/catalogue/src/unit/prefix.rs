//! The prefixes of units, such as the k of kW and the minutes of a duration.
use super::Unit;

/// The size of a prefixed unit in base units, and its name.
pub(super) type Prefix = (f64, &'static str);

const BINARY: [Prefix; 6] = [
    (1_125_899_906_842_624.0, "PiB"),
    (1_099_511_627_776.0, "TiB"),
    (1_073_741_824.0, "GiB"),
    (1_048_576.0, "MiB"),
    (1024.0, "KiB"),
    (1.0, "B"),
];
const BINARY_RATE: [Prefix; 5] = [
    (1_099_511_627_776.0, "TiB/s"),
    (1_073_741_824.0, "GiB/s"),
    (1_048_576.0, "MiB/s"),
    (1024.0, "KiB/s"),
    (1.0, "B/s"),
];
const HERTZ: [Prefix; 4] = [(1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")];
const WATTS: [Prefix; 3] = [(1e6, "MW"), (1e3, "kW"), (1.0, "W")];
const FLOPS: [Prefix; 6] =
    [(1e15, "PFLOP/s"), (1e12, "TFLOP/s"), (1e9, "GFLOP/s"), (1e6, "MFLOP/s"), (1e3, "kFLOP/s"), (1.0, "FLOP/s")];
const DECIMAL: [Prefix; 5] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")];
const TIME: [Prefix; 6] = [(86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];

/// The prefix that suits a value of this magnitude, which is zero or more.
pub(super) fn prefix(unit: Unit, magnitude: f64) -> Prefix {
    let magnitude = magnitude * unit.factor();
    // What rounds to the next prefix already has it.
    let largest_below = |steps: &[Prefix]| {
        steps.iter().find(|(size, _)| magnitude >= *size * 0.9995).or(steps.last()).copied().unwrap_or((1.0, ""))
    };
    match unit {
        Unit::Share => (0.01, "%"),
        Unit::Bytes => largest_below(&BINARY),
        Unit::BytesPerSecond => largest_below(&BINARY_RATE),
        Unit::Celsius => (1.0, "°C"),
        Unit::Hertz => largest_below(&HERTZ),
        Unit::Watts => largest_below(&WATTS),
        Unit::FlopsPerSecond => largest_below(&FLOPS),
        Unit::Seconds if magnitude == 0.0 => (1.0, "s"),
        // Two of a larger unit read better than one and a fraction.
        Unit::Seconds if magnitude >= 172_800.0 => TIME[0],
        Unit::Seconds if magnitude >= 120.0 => largest_below(&TIME[1..]),
        Unit::Seconds => largest_below(&TIME[3..]),
        _ => {
            let (size, name) = largest_below(&DECIMAL);
            (size / unit.factor(), name)
        }
    }
}

/// The prefix of a single round value: a duration has the largest unit in which it needs at most one decimal.
pub(super) fn prefix_of_round(unit: Unit, magnitude: f64) -> Prefix {
    let is_round = |(size, _): &&Prefix| {
        let number = magnitude / size;
        (1.0..super::format::MAX_NUMBER).contains(&number) && (number * 10.0 - (number * 10.0).round()).abs() < 1e-6
    };
    let round = TIME[..4].iter().find(is_round).filter(|_| unit == Unit::Seconds && magnitude >= 120.0);
    round.copied().unwrap_or_else(|| prefix(unit, magnitude))
}

/// The common prefix of ticks up to `largest` that are `distance` apart: a duration has the largest unit of which the
/// distance is a multiple.
pub(super) fn prefix_of_ticks(unit: Unit, largest: f64, distance: f64) -> Prefix {
    match unit {
        Unit::Seconds if distance >= 1.0 => {
            let is_multiple = |(size, _): &&Prefix| (distance / size).fract() == 0.0;
            TIME[..3].iter().find(is_multiple).copied().unwrap_or(TIME[3])
        }
        Unit::Seconds => prefix(unit, largest.min(100.0)),
        // Four digits read better than decimals of a thousand.
        _ if unit.is_plain() => prefix(unit, largest / 2.0),
        _ => prefix(unit, largest),
    }
}
