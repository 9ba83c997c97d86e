//! The function of each name.
use super::math;
use crate::ast::{DatePart, Function, WindowFunction};

/// The function called `name`, if it is supported.
pub(crate) fn by_name(name: &str) -> Option<Function> {
    if let Some(function) = window_function(name) {
        return Some(Function::OverWindow(function));
    }
    if let Some(function) = math::by_name(name) {
        return Some(Function::Math(function));
    }
    if let Some(part) = date_part(name) {
        return Some(Function::Date(part));
    }
    Some(match name {
        "round" => Function::Round,
        "clamp" => Function::Clamp,
        "clamp_min" => Function::ClampMin,
        "clamp_max" => Function::ClampMax,
        "timestamp" => Function::Timestamp,
        "absent_over_time" => Function::AbsentOverTime,
        "absent" => Function::Absent,
        "sort" => Function::Sort { descending: false },
        "sort_desc" => Function::Sort { descending: true },
        "label_replace" => Function::LabelReplace,
        "label_join" => Function::LabelJoin,
        "histogram_quantile" => Function::HistogramQuantile,
        "histogram_fraction" => Function::HistogramFraction,
        "histogram_avg" | "histogram_count" | "histogram_sum" | "histogram_stddev" | "histogram_stdvar" => {
            Function::NativeHistogram
        }
        "vector" => Function::Vector,
        "scalar" => Function::Scalar,
        "time" => Function::Time,
        "pi" => Function::Pi,
        "start" => Function::Start,
        "end" => Function::End,
        "step" => Function::Step,
        "range" => Function::Range,
        "min_of" => Function::MinOf,
        "max_of" => Function::MaxOf,
        _ => return None,
    })
}

fn date_part(name: &str) -> Option<DatePart> {
    Some(match name {
        "minute" => DatePart::Minute,
        "hour" => DatePart::Hour,
        "day_of_week" => DatePart::DayOfWeek,
        "day_of_month" => DatePart::DayOfMonth,
        "day_of_year" => DatePart::DayOfYear,
        "days_in_month" => DatePart::DaysInMonth,
        "month" => DatePart::Month,
        "year" => DatePart::Year,
        _ => return None,
    })
}

fn window_function(name: &str) -> Option<WindowFunction> {
    Some(match name {
        "rate" => WindowFunction::Rate,
        "increase" => WindowFunction::Increase,
        "delta" => WindowFunction::Delta,
        "irate" => WindowFunction::Irate,
        "idelta" => WindowFunction::Idelta,
        "deriv" => WindowFunction::Deriv,
        "predict_linear" => WindowFunction::PredictLinear,
        "changes" => WindowFunction::Changes,
        "resets" => WindowFunction::Resets,
        "sum_over_time" => WindowFunction::Sum,
        "avg_over_time" => WindowFunction::Avg,
        "min_over_time" => WindowFunction::Min,
        "max_over_time" => WindowFunction::Max,
        "count_over_time" => WindowFunction::Count,
        "first_over_time" => WindowFunction::First,
        "last_over_time" => WindowFunction::Last,
        "present_over_time" => WindowFunction::Present,
        "stddev_over_time" => WindowFunction::Stddev,
        "stdvar_over_time" => WindowFunction::Stdvar,
        "quantile_over_time" => WindowFunction::Quantile,
        _ => return None,
    })
}
