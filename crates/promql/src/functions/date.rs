//! Functions of the date that a value is as a Unix time in seconds.
use crate::ast::{Call, DatePart};
use crate::eval::{Evaluator, Row, Sink, Steps};
use crate::{Error, Labels};
use chrono::{DateTime, Datelike, Timelike};

/// The largest distance from 1970 in seconds at which a value is a date.
const MAX_DATE_SECONDS: f64 = 1e15;

/// The Gregorian calendar, weekdays included, repeats after this many years.
const CYCLE_YEARS: i64 = 400;
const CYCLE_SECONDS: i64 = 146_097 * 86_400;

impl Evaluator<'_> {
    pub(super) fn date_part(
        &self,
        call: &Call,
        part: DatePart,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if let Some(expr) = call.args.first() {
            return self.map(expr, steps, true, &mut |_, seconds| date_part(seconds, part), sink);
        }
        let mut values: Vec<f64> =
            steps.times_ms().map(|time_ms| date_part(time_ms.div_euclid(1000) as f64, part)).collect();
        sink(Row { labels: &Labels::default(), named: false, values: &mut values })
    }
}

/// A part of the date at a Unix time; NaN if the time is out of range.
fn date_part(seconds: f64, part: DatePart) -> f64 {
    if seconds.is_nan() || seconds.abs() > MAX_DATE_SECONDS {
        return f64::NAN;
    }
    // Any float up to the maximum is a date, so a time is first moved into the first cycle, which chrono can represent.
    let seconds = seconds as i64;
    let Some(date) = DateTime::from_timestamp(seconds.rem_euclid(CYCLE_SECONDS), 0) else { return f64::NAN };
    match part {
        DatePart::Minute => date.minute().into(),
        DatePart::Hour => date.hour().into(),
        DatePart::DayOfWeek => date.weekday().num_days_from_sunday().into(),
        DatePart::DayOfMonth => date.day().into(),
        DatePart::DayOfYear => date.ordinal().into(),
        DatePart::DaysInMonth => date.num_days_in_month().into(),
        DatePart::Month => date.month().into(),
        DatePart::Year => (i64::from(date.year()) + seconds.div_euclid(CYCLE_SECONDS) * CYCLE_YEARS) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Year, month, day, hour, minute, day of the week, days in the month, day of the year.
    fn parts(seconds: f64) -> [f64; 8] {
        [
            DatePart::Year,
            DatePart::Month,
            DatePart::DayOfMonth,
            DatePart::Hour,
            DatePart::Minute,
            DatePart::DayOfWeek,
            DatePart::DaysInMonth,
            DatePart::DayOfYear,
        ]
        .map(|part| date_part(seconds, part))
    }

    #[test]
    fn dates_of_known_times() {
        assert_eq!(parts(1_709_210_096.0), [2024.0, 2.0, 29.0, 12.0, 34.0, 4.0, 29.0, 60.0]);
        assert_eq!(parts(-1.0), [1969.0, 12.0, 31.0, 23.0, 59.0, 3.0, 31.0, 365.0]);
    }

    #[test]
    fn dates_reach_beyond_the_range_of_chrono() {
        assert_eq!(parts(1e15), [31_690_708.0, 7.0, 5.0, 1.0, 46.0, 0.0, 31.0, 187.0]);
        assert_eq!(parts(-1e15), [-31_686_769.0, 6.0, 29.0, 22.0, 13.0, 0.0, 30.0, 180.0]);
        for seconds in [1.1e15, f64::NEG_INFINITY, f64::NAN] {
            assert!(date_part(seconds, DatePart::Year).is_nan(), "{seconds}");
        }
    }
}
