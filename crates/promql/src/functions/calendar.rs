//! Functions of the date that a number means as a Unix time in seconds.
use super::date::Date;
use crate::ast::Call;
use crate::eval::{Evaluator, Row, Sink, Steps};
use crate::{Error, Labels};

/// Beyond this many seconds from 1970 a number is no date: the arithmetic would overflow.
const FARTHEST_SECONDS: f64 = 1e15;

pub(super) fn by_name(name: &str) -> Option<fn(Date) -> i64> {
    Some(match name {
        "minute" => |date| date.minute,
        "hour" => |date| date.hour,
        "day_of_week" => |date| date.weekday,
        "day_of_month" => |date| date.day,
        "day_of_year" => Date::day_of_year,
        "days_in_month" => Date::days_in_month,
        "month" => |date| date.month,
        "year" => |date| date.year,
        _ => return None,
    })
}

impl Evaluator<'_> {
    pub(super) fn calendar(
        &self,
        call: &Call,
        part: fn(Date) -> i64,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        if let Some(of) = call.args.first() {
            return self.map(of, steps, true, &mut |_, seconds| part_of(seconds, part), sink);
        }
        let mut values: Vec<f64> =
            steps.times_ms().map(|time_ms| part_of(time_ms.div_euclid(1000) as f64, part)).collect();
        sink(Row { labels: &Labels::default(), named: false, values: &mut values })
    }
}

fn part_of(seconds: f64, part: fn(Date) -> i64) -> f64 {
    if seconds.abs() <= FARTHEST_SECONDS { part(Date::from_unix(seconds as i64)) as f64 } else { f64::NAN }
}
