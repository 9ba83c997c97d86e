//! Reads a value as the page writes it.

/// A value on the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) value: f64,
    /// Half of the last digit: the true value may have been rounded by so much.
    pub(crate) rounding: f64,
    /// Whether it carries the mark of an estimate.
    pub(crate) is_estimate: bool,
}

/// The mark of an estimate.
const ESTIMATE: char = '≈';

/// Factors of the units and prefixes that the page writes. Longer ones first.
const UNITS: [(&str, f64); 17] = [
    ("KiB/s", 1024.0),
    ("MiB/s", 1_048_576.0),
    ("GiB/s", 1_073_741_824.0),
    ("TiB/s", 1_099_511_627_776.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("min", 60.0),
    ("ms", 1e-3),
    ("µs", 1e-6),
    ("%", 0.01),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("h", 3600.0),
    ("s", 1.0),
];

/// The value of a text such as `4.00 req/s`, `1,204`, `16.1k tok/s`, `≤ 300 ms`, `98.7 %` or `≈ 131`. None if it has no
/// number.
pub(crate) fn read(text: &str) -> Option<Shown> {
    let is_estimate = text.contains(ESTIMATE);
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let is_negative = text[..start].trim_end().ends_with(['−', '-']);
    let rest = &text[start..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(rest.len());
    let digits = rest[..end].trim_end_matches([',', '.']).replace(',', "");
    let (mantissa, exponent, unit) = exponent(&digits, &rest[end..]);
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len() as i32);
    let unit = unit.trim_start();
    // A rate has its own unit after the prefix: `tok/s` is no prefix, and `16.1k tok/s` has one.
    let is_word = |symbol: &str| !unit[symbol.len()..].starts_with(|c: char| c.is_alphabetic() || c == '/');
    let factor = UNITS.iter().find(|(symbol, _)| unit.starts_with(symbol) && is_word(symbol));
    let factor = factor.map_or(1.0, |(_, factor)| *factor) * 10_f64.powi(exponent);
    let value = mantissa * factor * if is_negative { -1.0 } else { 1.0 };
    Some(Shown { value, rounding: 0.5 * 10_f64.powi(-decimals) * factor, is_estimate })
}

/// The number of the digits, and the exponent that follows them: `e−4`.
fn exponent<'a>(digits: &str, rest: &'a str) -> (f64, i32, &'a str) {
    let number = digits.parse().unwrap_or(f64::NAN);
    let Some(after) = rest.strip_prefix('e') else { return (number, 0, rest) };
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '−' && c != '-').unwrap_or(after.len());
    match after[..end].replace('−', "-").parse() {
        Ok(exponent) => (number, exponent, &after[end..]),
        Err(_) => (number, 0, rest),
    }
}

/// A time such as `14:05:30` or `2026-11-20 14:05:30` in UTC, as Unix milliseconds; a time without a day lies on that of
/// `now_ms`.
pub(crate) fn time_ms(text: &str, now_ms: i64) -> Option<i64> {
    const DAY_MS: i64 = 86_400_000;
    let (day, clock) = match text.trim().split_once([' ', 'T']) {
        Some((day, clock)) if day.contains('-') => (days(day)?, clock),
        _ => (now_ms.div_euclid(DAY_MS), text.trim()),
    };
    let mut parts = clock.get(..8)?.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let millis = clock.get(8..).and_then(|rest| rest.strip_prefix('.')?.get(..3)?.parse::<i64>().ok()).unwrap_or(0);
    Some(day * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

/// Days since 1970 of a date. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[test]
fn values_are_read_as_the_page_writes_them() {
    for (text, value, rounding, is_estimate) in [
        ("4.00 req/s", 4.0, 0.005, false),
        ("200 tok/s", 200.0, 0.5, false),
        ("16.1k tok/s", 16_100.0, 50.0, false),
        ("1.20k", 1200.0, 5.0, false),
        ("412,806", 412_806.0, 0.5, false),
        ("≈ 131", 131.0, 0.5, true),
        ("98.7 %", 0.987, 0.0005, false),
        ("1.5 GiB", 1_610_612_736.0, 53_687_091.2, false),
        ("2.0 MiB/s", 2_097_152.0, 52_428.8, false),
        ("≤ 300 ms", 0.3, 0.0005, false),
        ("1.42 s", 1.42, 0.005, false),
        ("2.50 min", 150.0, 0.3, false),
        ("240 req/min", 240.0, 0.5, false),
        ("1.20e−4", 0.00012, 5e-7, false),
        ("3.50 req/s, 3 min ago", 3.5, 0.005, false),
        ("−2", -2.0, 0.5, false),
    ] {
        let shown = read(text).unwrap_or_else(|| panic!("{text}"));
        assert!((shown.value - value).abs() < 1e-9 * value.abs(), "{text}: {shown:?}");
        assert!((shown.rounding - rounding).abs() < 1e-9, "{text}: {shown:?}");
        assert_eq!(shown.is_estimate, is_estimate, "{text}");
    }
    assert_eq!((read("–"), read("")), (None, None));
}

#[test]
fn times_are_read_with_and_without_a_day() {
    let now_ms = 1_795_998_212_476; // 2026-11-30T00:23:32Z
    assert_eq!(time_ms("00:23:32", now_ms), Some(1_795_998_212_000));
    assert_eq!(time_ms("2026-11-29 23:00:00", now_ms), Some(1_795_993_200_000));
    assert_eq!(time_ms("2026-11-30T00:23:32.476Z", 0), Some(now_ms));
    assert_eq!(time_ms("Time", now_ms), None);
}
